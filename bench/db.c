/* bench-db: what the database costs: memory, the rate of changes, snapshots, reading.
 * Data as in docs/design/database.md: keys GROUPS x 100 with GUID-like names, values of 200 bytes.  CPU times, as wall
 * times mean little on a shared machine.
 * Usage: bench-db [number of values, default 1000000]
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PARENTS = 100, CHILDREN = 100, VALUE_LEN = 200 };

static double cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double rss_mb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, resident = 0;

	if (f != NULL) {
		if (fscanf(f, "%lu %lu", &size, &resident) != 2)
			resident = 0;
		(void)fclose(f);
	}
	return (double)resident * 4096 / 1e6;
}

static void must(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", what, error_text(r));
		exit(1);
	}
}

static struct u16 widen(char16_t *units, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		units[i] = (unsigned char)text[i];
	return (struct u16){ units, len };
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ (x >> 33);
}

static struct u16 key_path(char16_t *units, unsigned long key)
{
	char text[100];

	(void)snprintf(
	    text, sizeof(text), "Group%04lu\\{%08lx-1111-4222-8333-0123456789ab}", key / CHILDREN, key % CHILDREN);
	return widen(units, text);
}

static void set(struct db *db, unsigned long i, unsigned long values_per_key, uint64_t seed)
{
	uint8_t data[VALUE_LEN];
	char16_t path[100], name[30];
	char text[30];
	struct db_value v = { .type = 3, .data = data, .len = sizeof(data) };

	memset(data, (int)seed, sizeof(data));
	memcpy(data, &i, sizeof(i));
	(void)snprintf(text, sizeof(text), "Parameter%06lu", i % values_per_key);
	v.name = widen(name, text);
	must(db_value_set(db, key_path(path, i / values_per_key), &v, seed), "set");
}

/* Random overwrites; returns CPU microseconds for each. */
static double overwrite(struct db *db, unsigned long count, unsigned long values, unsigned long per_key, uint64_t seed)
{
	double begin = cpu();

	for (unsigned long i = 0; i < count; i++)
		set(db, mix(seed + i) % values, per_key, seed + i);
	return (cpu() - begin) * 1e6 / (double)count;
}

int main(int argc, char **argv)
{
	unsigned long values = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned long keys = PARENTS * CHILDREN, per_key = values / keys;
	double begin, before;
	struct db_snapshot *s;
	char16_t path[100];
	struct digest d;
	struct db *db;

	must(db_new(&db), "new");
	before = rss_mb();
	begin = cpu();
	for (unsigned long i = 0; i < keys; i++)
		must(db_key_create(db, key_path(path, mix(i) % keys), 1, NULL), "create");
	for (unsigned long i = 0; i < keys; i++)
		must(db_key_create(db, key_path(path, i), 1, NULL), "create");
	for (unsigned long i = 0; i < keys * per_key; i++)
		set(db, i, per_key, 1);
	printf("load: %.2f s CPU, %.0f MB, estimated hive %.0f MB\n", cpu() - begin, rss_mb() - before,
	    (double)db_hive_size(db) / 1e6);

	printf("overwrite: %.2f us CPU\n", overwrite(db, 300000, keys * per_key, per_key, 1000));
	begin = cpu();
	for (unsigned i = 0; i < 1000000; i++)
		db_snapshot_unref(db_snapshot_take(db));
	printf("snapshot: %.3f us CPU\n", cpu() - begin);

	before = rss_mb();
	s = db_snapshot_take(db);
	must(s != NULL ? 0 : -ENOMEM, "snapshot");
	printf("overwrite, 60000 after a snapshot: %.2f us CPU, ", overwrite(db, 60000, keys * per_key, per_key, 2000));
	printf("%+.0f MB\n", rss_mb() - before);
	begin = cpu();
	db_snapshot_unref(s);
	printf("release of that snapshot: %.1f ms CPU\n", (cpu() - begin) * 1e3);

	begin = cpu();
	for (unsigned i = 0; i < 100000; i++) {
		s = db_snapshot_take(db);
		set(db, mix(i) % (keys * per_key), per_key, i);
		db_snapshot_unref(s);
	}
	printf("a snapshot before each overwrite: %.2f us CPU\n", (cpu() - begin) * 10);

	begin = cpu();
	d = db_digest_recomputed(db_root(db));
	printf("digest from scratch: %.2f s CPU%s\n", cpu() - begin,
	    memcmp(&d, &(struct digest[]){ db_digest(db) }, sizeof(d)) == 0 ? "" : ", WRONG");
	begin = cpu();
	db_free(db);
	printf("free: %.2f s CPU\n", cpu() - begin);

	must(db_new(&db), "new");
	begin = cpu();
	for (unsigned long i = 0; i < 100000; i++) {
		char text[40];

		(void)snprintf(text, sizeof(text), "{%08lx-1111-4222-8333-0123456789ab}", mix(i) & 0xffffffff);
		must(db_key_create(db, widen(path, text), 1, NULL), "create");
	}
	printf("100000 keys under one: %.2f us CPU each\n", (cpu() - begin) * 10);
	begin = cpu();
	for (unsigned long i = 0; i < 10000; i++) {
		s = db_snapshot_take(db);
		must(db_key_create(db, widen(path, i % 2 == 0 ? "new" : "newer"), i, NULL), "create");
		must(db_key_delete(db, widen(path, i % 2 == 0 ? "new" : "newer"), i), "delete");
		db_snapshot_unref(s);
	}
	printf("snapshot, create and delete there: %.2f us CPU\n", (cpu() - begin) * 100);
	db_free(db);
	return 0;
}
