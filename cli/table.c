/* table: rows with columns below each other, for the verbs that list.
 *
 * How      cells are kept until all widths are known.  Widths count UTF-16 units, which is right for most names.
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"
#include "cli/cli.h"
#include "cli/output.h"
#include <stdio.h>
#include <string.h>

void table_add(struct table *t, struct u16 text)
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

void table_add_text(struct table *t, const char *utf8)
{
	char16_t *units;
	size_t len;

	if (utf8_to_u16(utf8, strlen(utf8), &units, &len) < 0) {
		t->failed = true;
		return;
	}
	table_add(t, (struct u16){ units, len });
	free(units);
}

int table_print(struct table *t)
{
	for (size_t i = 0; i < t->count && !t->failed; i++) {
		struct u16 cell = u16_from_z(t->cells[i]);
		bool last = i % t->columns + 1 == t->columns;
		size_t width = 0;

		for (size_t k = i % t->columns; k < t->count; k += t->columns)
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

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
}
