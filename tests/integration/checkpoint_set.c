/* checkpoint_set: write a backup set that holds a registry checkpoint, which no daemon makes yet.
 * Run by restore.py, with the directory in the environment variable CHECKPOINT_SET.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/disk.h"
#include "tests/lib/sets.h"

TEST(write_it)
{
	struct db *db = sets_database(1);
	struct set_blob blob = { .kind = SET_REGISTRY_CHECKPOINT, .number = 1, .name = "blob" };
	struct sets_source source;
	struct disk_file *f;
	struct set_info info;
	struct disk *directory;

	CHECK_INT(disk_linux_open(getenv("CHECKPOINT_SET"), &directory), 0);
	CHECK_INT(disk_open(directory, blob.name, DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 0, "saved", 5), 0);
	file_close(f);
	blob.resource.bytes[0] = 7;
	blob.digest = sha256_of("saved", 5);
	blob.disk = directory;
	sets_source_init(&source, db, 1);
	source.source.blobs = &blob;
	source.source.blob_count = 1;
	CHECK_INT(set_write(directory, &source.source, 0, &info, NULL), 0);
	CHECK_INT(info.blob_count, 1);
	CHECK_INT(disk_remove(directory, blob.name), 0);
	sets_source_done(&source);
	db_free(db);
	disk_free(directory);
}
