/* table: what the verbs that list say: rows with columns below each other, or as JSON.
 *
 * How      cells are kept until all widths are known; JSON is written at once.  Widths count UTF-16 units, which is right
 *          for most names.
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"
#include "cli/subject.h"
#include <stdio.h>
#include <string.h>

static void keep(struct table *t, struct u16 text)
{
	char16_t **cells;

	if (t->failed)
		return;
	cells = realloc(t->cells, (t->count + 1) * sizeof(*cells));
	if (cells != NULL) {
		t->cells = cells;
		cells[t->count] = u16_dup(text);
	}
	if (cells == NULL || cells[t->count] == NULL)
		t->failed = true;
	else
		t->count++;
}

static void keep_text(struct table *t, const char *utf8)
{
	char16_t *units;
	size_t len;

	if (utf8_to_u16(utf8, strlen(utf8), &units, &len) < 0) {
		t->failed = true;
		return;
	}
	keep(t, (struct u16){ units, len });
	free(units);
}

struct table table_begin(const struct cli *c, const char *rows, const struct table_column *columns, size_t width)
{
	struct table t = { .columns = columns, .width = width, .json = c->json };

	if (t.json) {
		json_open(&t.rows, NULL, '{');
		json_open(&t.rows, rows, '[');
		return t;
	}
	for (size_t i = 0; i < width; i++)
		if (columns[i].head != NULL)
			keep_text(&t, columns[i].head);
	return t;
}

/* The column of the next cell. */
static const struct table_column *next(struct table *t)
{
	const struct table_column *column = &t->columns[t->at];

	if (t->json && t->at == 0)
		json_open(&t->rows, NULL, '{');
	t->at = (t->at + 1) % t->width;
	return column;
}

static void row_ends(struct table *t)
{
	if (t->json && t->at == 0)
		json_close(&t->rows, '}');
}

void table_add(struct table *t, struct u16 text)
{
	const struct table_column *column = next(t);

	if (t->json)
		json_u16(&t->rows, column->member, text);
	else if (column->head != NULL)
		keep(t, text);
	row_ends(t);
}

void table_add_text(struct table *t, const char *utf8)
{
	const struct table_column *column = next(t);

	if (t->json)
		json_text(&t->rows, column->member, utf8);
	else if (column->head != NULL)
		keep_text(t, utf8);
	row_ends(t);
}

static int print(const struct table *t)
{
	size_t columns = 0;

	for (size_t i = 0; i < t->width; i++)
		columns += t->columns[i].head != NULL;
	for (size_t i = 0; i < t->count && !t->failed; i++) {
		struct u16 cell = u16_from_z(t->cells[i]);
		bool last = i % columns + 1 == columns;
		size_t width = 0;

		for (size_t k = i % columns; k < t->count; k += columns)
			width = MAX(width, u16_from_z(t->cells[k]).len);
		output_u16(cell);
		if (last)
			printf("\n");
		else
			printf("%*s", (int)(width - cell.len + 2), "");
	}
	if (t->failed)
		return cli_fail_error(-ENOMEM, NULL, "printing");
	return output_end();
}

int table_end(struct table *t, DWORD code, const char *doing)
{
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "%s", doing);
	if (!t->json)
		return print(t);
	json_close(&t->rows, ']');
	json_close(&t->rows, '}');
	return json_print(&t->rows);
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	buf_done(&t->rows.text);
	*t = (struct table){ 0 };
}

int table_of_objects(const struct cli *c, const struct table_of *of)
{
	_cleanup_table_ struct table t = table_begin(c, of->rows, of->columns, of->width);
	_cleanup_names_ struct names names = { 0 };
	HCLUSTER cluster;
	DWORD code;
	int r = cli_open(GENERIC_READ, &cluster);

	if (r != 0)
		return r;
	code = names_of_cluster(cluster, of->bits, &names);
	for (size_t i = 0; i < names.count && code == ERROR_SUCCESS; i++)
		code = of->add(cluster, names.all[i], &t);
	(void)CloseCluster(cluster);
	return table_end(&t, code, of->doing);
}
