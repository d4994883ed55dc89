/* table: what the verbs that list say: rows with columns below each other, or as JSON; see table.c.
 *
 *	static const struct table_column columns[] = { { "NODE", "name" }, { NULL, "id" } };
 *	_cleanup_table_ struct table t = table_begin(c, "nodes", columns, ARRAY_SIZE(columns));
 *	for each:  table_add(&t, name);  table_add(&t, id);
 *	return table_end(&t, code, "listing the nodes");
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"
#include "cli/output.h"

struct table_column {
	const char *head;   /* NULL: for JSON only. */
	const char *member; /* Of the object that a row is. */
};

struct table {
	const struct table_column *columns;
	size_t width, at; /* Columns; the one that comes next. */
	bool json;
	struct json rows; /* With json; else: */
	char16_t **cells;
	size_t count;
	bool failed; /* For want of memory. */
};

/* In JSON the rows are the array `rows`. */
struct table table_begin(const struct cli *c, const char *rows, const struct table_column *columns, size_t width);
/* The next cell. */
void table_add(struct table *t, struct u16 text);
void table_add_text(struct table *t, const char *utf8);
/* Print it, unless getting its rows ended with a code: an enum cli_exit. */
int table_end(struct table *t, DWORD code, const char *doing);
void table_done(struct table *t);
#define _cleanup_table_ _cleanup_(table_done)

/* The verb ls of objects of one kind: add() adds the row of the one of that name; 0 also if it is not there any more. */
struct table_of {
	const char *rows, *doing; /* As in table_begin(), table_end(). */
	const struct table_column *columns;
	size_t width;
	DWORD bits; /* CLUSTER_ENUM_… */
	DWORD (*add)(HCLUSTER cluster, const char16_t *name, struct table *t);
};
int table_of_objects(const struct cli *c, const struct table_of *of);
