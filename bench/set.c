/* bench-set: what writing and proving a backup set costs without the service around it.
 *
 * Usage    bench-set FROM TO [--no-verify]     read the set in FROM, write its database as a set into the empty directory
 *                                              TO; output is one line of JSON
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/set.h"
#include "bench/callers.h"
#include "io/linux/disk.h"
#include <stdio.h>
#include <string.h>

static int give_tail(void *data, struct set_tail *ret)
{
	const struct set *s = data;

	*ret = (struct set_tail){ .index = s->info.header.last, .digest = db_digest(s->db) };
	return 0;
}

static int may_commit(void *data)
{
	return 0;
}

static void must(int r, const struct error *error)
{
	if (r >= 0)
		return;
	fprintf(stderr, "bench-set: %s\n", error->code != 0 ? error->text : error_text(r));
	exit(1);
}

int main(int argc, char **argv)
{
	_cleanup_(disk_freep) struct disk *from = NULL, *to = NULL;
	_cleanup_(db_snapshot_unrefp) struct db_snapshot *snapshot = NULL;
	_cleanup_(set_freep) struct set *set = NULL;
	struct error error = { 0 };
	struct set_info info;
	struct set_source source;
	unsigned flags = argc == 4 && strcmp(argv[3], "--no-verify") == 0 ? SET_NO_VERIFY : 0;
	uint64_t begin, read_ns;

	if (argc != 3 && flags == 0) {
		fprintf(stderr, "usage: bench-set FROM TO [--no-verify]\n");
		return 2;
	}
	must(disk_linux_open(argv[1], &from), &error);
	must(disk_linux_open(argv[2], &to), &error);
	begin = now_ns();
	must(set_read(from, &set, &error), &error);
	read_ns = now_ns() - begin;
	snapshot = db_snapshot_take(set->db);
	must(snapshot == NULL ? -ENOMEM : 0, &error);
	source = (struct set_source){ .header = set->info.header,
		.snapshot = snapshot,
		.snapshot_index = set->info.header.last,
		.time = set->info.header.time,
		.tail = give_tail,
		.may_commit = may_commit,
		.data = set };
	begin = now_ns();
	must(set_write(to, &source, flags, &info, &error), &error);
	printf(
	    "{\"seconds\": %.4f, \"read_seconds\": %.4f}\n", (double)(now_ns() - begin) / 1e9, (double)read_ns / 1e9);
	return 0;
}
