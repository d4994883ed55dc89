/* packed: see packed.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/packed.h"
#include "backup/dbhive.h"
#include "backup/manifest.h"
#include "base/sha256.h"
#include "cluster/db/batch.h"
#include "hive/regf.h"
#include "quolog/reader.h"
#include "tests/lib/mend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t packed_split(uint8_t *bytes, size_t len, struct packed_file files[PACKED_FILES_MAX])
{
	size_t count = 0, at = 0;

	while (count < PACKED_FILES_MAX && at < len) {
		struct packed_file *f = &files[count];
		size_t name_len = MIN((size_t)bytes[at], len - at - 1);

		memcpy(f->name, bytes + at + 1, name_len);
		f->name[name_len] = 0;
		at += 1 + name_len;
		if (len - at < 4)
			break;
		f->len = MIN((size_t)get_le32(bytes + at), len - at - 4);
		f->bytes = bytes + at + 4;
		at += 4 + f->len;
		count++;
	}
	return count;
}

static void make_file(struct disk *disk, const struct packed_file *f)
{
	const char *slash = strchr(f->name, '/');
	struct disk_file *file;

	if (slash != NULL) {
		char directory[PACKED_NAME_MAX + 1];

		memcpy(directory, f->name, (size_t)(slash - f->name));
		directory[slash - f->name] = 0;
		(void)disk_make_directory(disk, directory, 0700);
	}
	if (disk_open(disk, f->name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &file) < 0)
		return;
	assert(file_write(file, 0, f->bytes, f->len) == 0 && file_sync(file) == 0);
	file_close(file);
}

void packed_unpack(const struct packed_file *files, size_t count, struct disk *disk)
{
	for (size_t i = 0; i < count; i++)
		make_file(disk, &files[i]);
}

struct packing {
	struct disk *disk;
	const char *directory;
	struct buf *out;
};

static int pack_entry(void *data, const char *name, enum disk_kind kind)
{
	struct packing *p = data, below = { p->disk, name, p->out };
	char path[DISK_PATH_MAX];
	uint8_t *bytes;
	size_t len;
	int n = snprintf(path, sizeof(path), "%s%s%s", p->directory, *p->directory != 0 ? "/" : "", name), r;

	if (kind == DISK_DIRECTORY && *p->directory == 0)
		return disk_list(p->disk, name, pack_entry, &below);
	if (n < 0 || n > PACKED_NAME_MAX)
		return -ENAMETOOLONG;
	r = disk_read_file(p->disk, path, UINT32_MAX, &bytes, &len);
	if (r < 0)
		return r;
	buf_u8(p->out, (uint8_t)n);
	buf_append(p->out, path, (size_t)n);
	buf_u32(p->out, (uint32_t)len);
	buf_append(p->out, bytes, len);
	free(bytes);
	return p->out->error;
}

int packed_pack(struct disk *disk, struct buf *out)
{
	struct packing p = { disk, "", out };

	return disk_list(disk, "", pack_entry, &p);
}

/* Mending. */

enum { MANIFEST_HEAD = 4 + SHA256_LEN + 4 };
#define LOG "quolog.log"

struct mending {
	struct packed_file *files;
	size_t count;
	struct db *db;     /* The snapshot, to which batches are applied; NULL: not yet. */
	uint8_t *manifest; /* Within the log. */
	size_t manifest_len;
};

static const struct packed_file *find(const struct mending *m, const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < m->count; i++)
		if (strlen(m->files[i].name) == len && strncasecmp(m->files[i].name, (const char *)name, len) == 0)
			return &m->files[i];
	return NULL;
}

static int on_batch(void *data, uint64_t index, const uint8_t *bytes, size_t len)
{
	struct mending *m = data;

	if (m->db != NULL)
		(void)db_batch_apply(m->db, bytes, len, NULL);
	return 0;
}

static int on_manifest(void *data, const uint8_t *bytes, size_t len)
{
	struct mending *m = data;

	m->manifest = (uint8_t *)bytes; /* The run is ours. */
	m->manifest_len = len;
	return 0;
}

static int on_header(void *data, const struct quolog_header *header)
{
	return 0;
}

/* What each entry says of its file; the layout is docs/formats/backup-set.md. */
static void mend_manifest(struct mending *m)
{
	uint8_t *p = m->manifest + MANIFEST_HEAD, *end = m->manifest + m->manifest_len;

	while (end - p >= 2) {
		size_t name_len = p[1], len = 2 + name_len + 8 + SHA256_LEN + (p[0] != 0 ? 20 : 0);
		const struct packed_file *f;

		if ((size_t)(end - p) < len)
			break;
		f = find(m, p + 2, name_len);
		if (f != NULL) {
			struct digest digest = sha256_of(f->bytes, f->len);

			put_le64(p + 2 + name_len, f->len);
			memcpy(p + 2 + name_len + 8, digest.bytes, SHA256_LEN);
		}
		p += len;
	}
}

/* The digest of the database that the snapshot and the batches give. */
static void mend_digest(struct mending *m, const struct packed_file *log)
{
	const struct quolog_visitor visitor = { on_header, on_batch, on_manifest, m };
	const uint8_t *first = m->manifest + MANIFEST_HEAD;
	size_t left = m->manifest_len - MANIFEST_HEAD;
	const struct packed_file *snapshot = left >= 2 && left - 2 >= first[1] ? find(m, first + 2, first[1]) : NULL;
	struct digest digest;

	if (snapshot == NULL || dbhive_read(snapshot->bytes, snapshot->len, &m->db, NULL) < 0)
		return;
	(void)quolog_read(log->bytes, log->len, &visitor, NULL);
	digest = db_digest(m->db);
	memcpy(m->manifest + 4, digest.bytes, SHA256_LEN);
	db_free(m->db);
	m->db = NULL;
}

void packed_mend(struct packed_file *files, size_t count)
{
	struct mending m = { .files = files, .count = count };
	const struct quolog_visitor visitor = { on_header, on_batch, on_manifest, &m };
	const struct packed_file *log = find(&m, (const uint8_t *)LOG, sizeof(LOG) - 1);

	for (size_t i = 0; i < count; i++) {
		if (manifest_name_kind(files[i].name) != NAME_SNAPSHOT || files[i].len < 2 * REGF_PAGE)
			continue;
		files[i].len -= files[i].len % REGF_PAGE;
		mend_hive(files[i].bytes, files[i].len);
	}
	if (log == NULL)
		return;
	mend_log(log->bytes, log->len, NULL);
	(void)quolog_read(log->bytes, log->len, &visitor, NULL);
	if (m.manifest_len < MANIFEST_HEAD)
		return;
	mend_digest(&m, log);
	mend_manifest(&m);
	mend_log(log->bytes, log->len, NULL);
}
