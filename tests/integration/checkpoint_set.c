/* checkpoint_set: write a backup set in which a resource has checkpoints of all kinds, as a cluster made it that could
 * capture them.  Run by restore.py and resource_checkpoints.py, with the directory in the environment variable
 * CHECKPOINT_SET.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/checkpoint/checkpoint.h"
#include "io/linux/disk.h"
#include "tests/lib/sets.h"
#include "wire/command.h"
#include <stdio.h>

static const struct source {
	enum checkpoint_kind kind;
	const char16_t *path;
	const char *content;
} sources[] = {
	{ CHECKPOINT_REGISTRY, u"Software\\Company\\App", "saved keys" },
	{ CHECKPOINT_REGISTRY, u"File\\etc\\app", "saved files" },
	{ CHECKPOINT_CRYPTO, u"1\\PEM\\/etc/app.pem", "saved key" },
};

TEST(write_it)
{
	struct db *db = sets_database(1);
	struct set_blob blobs[ARRAY_SIZE(sources)];
	struct sets_source source;
	uint8_t fours[16];
	struct set_info info;
	struct disk *directory;
	char names[ARRAY_SIZE(sources)][16];

	memset(fours, 4, sizeof(fours)); /* The quorum resource of sets_database(). */
	CHECK_INT(disk_linux_open(getenv("CHECKPOINT_SET"), &directory), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		size_t len = strlen(sources[i].content);
		struct digest digest = sha256_of(sources[i].content, len);
		struct command_CheckpointAdd m = { .resource = guid_from_random(fours),
			.checkpoint_kind = sources[i].kind,
			.path = sources[i].path,
			.length = len,
			.time = 0x01dc111100000000 };
		struct buf batch = { 0 };
		struct disk_file *f;

		memcpy(m.sha256, digest.bytes, SHA256_LEN);
		CHECK_INT(checkpoint_add(db, &m, 7, &batch), 0);
		buf_done(&batch);
		(void)snprintf(names[i], sizeof(names[i]), "blob%zu", i);
		CHECK_INT(disk_open(directory, names[i], DISK_WRITE | DISK_CREATE, 0600, &f), 0);
		CHECK_INT(file_write(f, 0, sources[i].content, len), 0);
		file_close(f);
		blobs[i] = (struct set_blob){ (enum set_blob_kind)sources[i].kind, m.resource,
			sources[i].kind == CHECKPOINT_CRYPTO ? 1 : (uint32_t)i + 1, digest, directory, names[i] };
	}
	sets_source_init(&source, db, 1);
	source.blobs = blobs;
	source.blob_count = ARRAY_SIZE(blobs);
	CHECK_INT(set_write(directory, &source.source, 0, &info, NULL), 0);
	CHECK_INT(info.blob_count, ARRAY_SIZE(blobs));
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		CHECK_INT(disk_remove(directory, names[i]), 0);
	sets_source_done(&source);
	db_free(db);
	disk_free(directory);
}
