/* manifest: what a set consists of.
 *
 * Why      a set that lacks a file, or has one of another set, must be found out before it is relied on; and what an older
 *          set left behind must be told from files that are none of ours.
 * How      every file with length, SHA-256 and meaning, and the digest of the database that all of them together give.
 *          Names are ASCII, of a fixed form, and compared without regard to case, since a set may have travelled over
 *          file systems that fold it.
 * Limits   MANIFEST_FILES_MAX files.
 * Format   docs/formats/backup-set.md      Tests  tests/unit/set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/manifest.h"
#include <string.h>
#include <strings.h>

enum { MANIFEST_VERSION = 1, MANIFEST_FILES_MAX = 1 << 20 };

void manifest_done(struct manifest *m)
{
	free(m->files);
	*m = (struct manifest){ 0 };
}

int manifest_add(struct manifest *m, const struct manifest_file *f)
{
	struct manifest_file *files;

	/* Grows at powers of two. */
	if ((m->count & (m->count - 1)) == 0) {
		files = realloc(m->files, MAX(m->count * 2, (size_t)1) * sizeof(*files));
		if (files == NULL)
			return -ENOMEM;
		m->files = files;
	}
	m->files[m->count++] = *f;
	return 0;
}

bool manifest_names(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcasecmp(m->files[i].name, name) == 0)
			return true;
	return false;
}

static bool all_hex(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("0123456789abcdefABCDEF", p[i]) == NULL || p[i] == 0)
			return false;
	return true;
}

static bool is_guid(const char *p, size_t len)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (len != GUID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == '-' ? p[i] != '-' : !all_hex(p + i, 1))
			return false;
	return true;
}

enum manifest_name_kind manifest_name_kind(const char *name)
{
	size_t len = strlen(name);
	const char *slash = strchr(name, '/');

	if (len == 11 && strncasecmp(name, "chk", 3) == 0 && all_hex(name + 3, 4) && strcasecmp(name + 7, ".tmp") == 0)
		return NAME_SNAPSHOT;
	if (slash == NULL)
		return is_guid(name, len) ? NAME_BLOB_DIRECTORY : NAME_FOREIGN;
	if (is_guid(name, (size_t)(slash - name)) && strlen(slash + 1) == 12 && all_hex(slash + 1, 8) &&
	    (strcasecmp(slash + 9, ".CPT") == 0 || strcasecmp(slash + 9, ".CPR") == 0))
		return NAME_BLOB;
	return NAME_FOREIGN;
}

void manifest_encode(const struct manifest *m, struct buf *out)
{
	buf_u32(out, MANIFEST_VERSION);
	buf_append(out, m->database.bytes, SHA256_LEN);
	buf_u32(out, (uint32_t)m->count);
	for (size_t i = 0; i < m->count; i++) {
		const struct manifest_file *f = &m->files[i];

		buf_u8(out, f->is_blob ? (uint8_t)(1 + f->kind) : 0);
		buf_u8(out, (uint8_t)strlen(f->name));
		buf_append(out, f->name, strlen(f->name));
		buf_u64(out, f->size);
		buf_append(out, f->digest.bytes, SHA256_LEN);
		if (f->is_blob) {
			buf_append(out, f->resource.bytes, sizeof(f->resource.bytes));
			buf_u32(out, f->number);
		}
	}
}

static void get_bytes(struct cursor *c, void *ret, size_t len)
{
	const uint8_t *p = cursor_bytes(c, len);

	if (p != NULL)
		memcpy(ret, p, len);
}

static int decode_file(struct cursor *c, struct manifest_file *f)
{
	uint8_t kind = cursor_u8(c), len = cursor_u8(c);

	if (kind > 2 || len == 0 || len >= MANIFEST_NAME_MAX)
		return -EBADMSG;
	get_bytes(c, f->name, len);
	f->size = cursor_u64(c);
	get_bytes(c, f->digest.bytes, SHA256_LEN);
	f->is_blob = kind != 0;
	if (f->is_blob) {
		f->kind = (enum set_blob_kind)(kind - 1);
		get_bytes(c, f->resource.bytes, sizeof(f->resource.bytes));
		f->number = cursor_u32(c);
	}
	if (c->error != 0 || strlen(f->name) != len ||
	    manifest_name_kind(f->name) != (f->is_blob ? NAME_BLOB : NAME_SNAPSHOT))
		return -EBADMSG;
	return 0;
}

int manifest_decode(const uint8_t *bytes, size_t len, struct manifest *ret)
{
	struct cursor c = cursor_make(bytes, len);
	struct manifest m = { 0 };
	uint32_t count;
	int r = cursor_u32(&c) == MANIFEST_VERSION ? 0 : -EBADMSG;

	get_bytes(&c, m.database.bytes, SHA256_LEN);
	count = cursor_u32(&c);
	if (count == 0 || count > MANIFEST_FILES_MAX)
		r = -EBADMSG;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct manifest_file f = { 0 };

		r = decode_file(&c, &f);
		if (r == 0 && f.is_blob != (i > 0))
			r = -EBADMSG; /* The snapshot comes first, and there is one. */
		if (r == 0)
			r = manifest_add(&m, &f);
	}
	if (r == 0 && (c.error != 0 || cursor_left(&c) != 0))
		r = -EBADMSG;
	if (r < 0) {
		manifest_done(&m);
		return r;
	}
	*ret = m;
	return 0;
}
