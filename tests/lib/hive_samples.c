/* hive_samples: write the collection of tests/lib/hives.c into a directory, NAME.hive and NAME.txt of each, for tests in
 * other languages.  Usage: hive-samples DIRECTORY
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/hives.h"
#include <stdio.h>

static bool write_file(const char *directory, const char *name, const char *suffix, const struct buf *b)
{
	char path[4096];
	bool written;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s%s", directory, name, suffix);
	f = fopen(path, "wb");
	if (f == NULL)
		return false;
	written = fwrite(b->data, 1, b->len, f) == b->len;
	return fclose(f) == 0 && written;
}

static bool save(const char *directory, const char *name, struct hive_author *a)
{
	bool saved = a->error == 0 && write_file(directory, name, ".hive", &a->file.bytes) &&
		     write_file(directory, name, ".txt", &a->text);

	if (!saved)
		(void)fprintf(stderr, "%s could not be written\n", name);
	author_done(a);
	return saved;
}

int main(int argc, char **argv)
{
	struct hive_author a = { 0 };
	bool saved;

	if (argc != 2)
		return 2;
	hive_golden_write(&a);
	saved = save(argv[1], "golden", &a);
	for (size_t i = 0; i < hive_sample_count; i++) {
		hive_sample_write(&hive_samples[i], &a);
		saved &= save(argv[1], hive_samples[i].name, &a);
	}
	return saved ? 0 : 1;
}
