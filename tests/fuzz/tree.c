/* fuzz tree: any bytes are the hive of a file checkpoint; the reader refuses them, or what it shows keeps the rules that a
 * process with root's rights relies on.  Tried as they are, and with a base block that fits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/format.h"
#include "tests/lib/mend.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	size_t depth, entries;
	struct tree_entry stack[TREE_DEPTH_MAX + 1];
	uint64_t end;
};

static int on_begin(void *data, const struct tree_entry *e)
{
	struct seen *s = data;

	assert(s->depth <= TREE_DEPTH_MAX && ++s->entries <= TREE_ENTRIES_MAX);
	assert(s->depth == 0 ? e->name[0] == 0 : source_component_is_valid(e->name, strlen(e->name)));
	assert(s->depth == 0 || s->stack[s->depth - 1].kind == TREE_DIRECTORY);
	assert(e->kind >= TREE_FILE && e->kind <= TREE_LINK && e->mode <= TREE_MODE_BITS && e->length <= INT64_MAX);
	assert(e->kind != TREE_LINK || (e->target[0] != 0 && strlen(e->target) <= TREE_TARGET_MAX));
	s->stack[s->depth++] = *e;
	s->end = 0;
	return 0;
}

static int on_part(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct seen *s = data;
	const struct tree_entry *e = &s->stack[s->depth - 1];

	assert(e->kind == TREE_FILE && offset >= s->end && len > 0 && len <= e->length && offset <= e->length - len);
	s->end = offset + len;
	return 0;
}

static int on_xattr(void *data, const char *name, const void *value, size_t len)
{
	const struct seen *s = data;

	assert(s->stack[s->depth - 1].kind != TREE_LINK && name[0] != 0 && strlen(name) <= TREE_XATTR_NAME_MAX);
	assert(len <= TREE_XATTR_VALUE_MAX);
	return 0;
}

static int on_end(void *data)
{
	struct seen *s = data;

	assert(s->depth > 0);
	s->depth--;
	return 0;
}

static void check(const uint8_t *data, size_t len)
{
	struct seen s = { 0 };
	struct tree_visitor v = { on_begin, on_part, on_xattr, on_end, &s };
	struct error error = { 0 };

	if (files_read(data, len, &v, &error) == 0)
		assert(s.depth == 0 && s.entries > 0);
	else
		assert(error.text[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t whole_pages = len / 4096 * 4096;
	uint8_t *hive;

	check(data, len);
	if (whole_pages == 0)
		return 0;
	hive = malloc(whole_pages);
	assert(hive != NULL);
	memcpy(hive, data, whole_pages);
	mend_hive(hive, whole_pages);
	check(hive, whole_pages);
	free(hive);
	return 0;
}
