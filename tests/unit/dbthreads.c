/* Snapshots are read and released by other threads while the head changes.  Built with the thread sanitizer, together
 * with the code under test, where the compiler has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include "tests/unit/dbtest.h"
#include <pthread.h>

enum { READERS = 3, KEYS = 12, VALUES = 100 };

static struct {
	pthread_mutex_t lock;
	struct db_snapshot *newest; /* Readers take a reference of their own. */
	bool end;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct db_snapshot *newest(bool *ret_end)
{
	struct db_snapshot *s;

	(void)pthread_mutex_lock(&shared.lock);
	s = shared.newest != NULL ? db_snapshot_ref(shared.newest) : NULL;
	*ret_end = shared.end;
	(void)pthread_mutex_unlock(&shared.lock);
	return s;
}

static void publish(struct db_snapshot *s, bool end)
{
	struct db_snapshot *old;

	(void)pthread_mutex_lock(&shared.lock);
	old = shared.newest;
	shared.newest = s;
	shared.end = end;
	(void)pthread_mutex_unlock(&shared.lock);
	db_snapshot_unref(old);
}

/* Touch each byte of the values here, where the sanitizer sees it. */
static uint64_t count_wrong_bytes(const struct db_key *key)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		for (size_t at = 0; at < v.len; at++)
			wrong += v.data[at] != v.data[0];
	}
	for (size_t i = 0; i < db_key_count(key); i++)
		wrong += count_wrong_bytes(db_key_at(key, i));
	return wrong;
}

/* Reads whole snapshots and drops them, often as the last holder; returns how much was wrong. */
static void *reader(void *data)
{
	_Atomic uint64_t *read = data;
	uint64_t wrong = 0;
	bool end = false;

	while (!end) {
		struct db_snapshot *s = newest(&end);

		if (s == NULL) {
			(void)sched_yield();
			continue;
		}
		wrong += !digest_equal((struct digest[]){ db_snapshot_digest(s) },
		    (struct digest[]){ db_digest_recomputed(db_snapshot_root(s)) });
		wrong += count_wrong_bytes(db_snapshot_root(s));
		(*read)++;
		db_snapshot_unref(s);
	}
	return (void *)(uintptr_t)wrong;
}

static void change(struct db *db, struct chance *c, uint64_t time)
{
	char16_t key[] = { (char16_t)(u'a' + chance(c, KEYS)), u'\\', (char16_t)(u'a' + chance(c, KEYS)) };
	char16_t name = (char16_t)(0x4e00 + chance(c, VALUES));
	struct u16 path = { key, chance(c, 3) == 0 ? 1 : 3 };
	uint8_t data[50];
	int r;

	memset(data, (int)time, sizeof(data));
	switch (chance(c, 20)) {
	case 0:
		r = db_key_delete(db, path, time);
		break;
	case 1 ... 3:
		r = db_key_create(db, path, time, NULL);
		break;
	case 4:
		r = db_key_set_security(db, path, data, 20, time);
		break;
	case 5 ... 7:
		r = db_value_delete(db, path, (struct u16){ &name, 1 }, time);
		break;
	default:
		r = db_value_set(
		    db, path, &(struct db_value){ .name = { &name, 1 }, .data = data, .len = sizeof(data) }, time);
		break;
	}
	CHECK(r == 0 || r == ERR_FILE_NOT_FOUND);
}

TEST(snapshots_are_read_and_released_by_other_threads)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(4); seed++) {
		struct chance c = chance_begin(seed);
		pthread_t threads[READERS];
		_Atomic uint64_t read[READERS] = { 0 };
		struct db *db;
		struct digest d;

		CHECK_INT(db_new(&db), 0);
		publish(NULL, false);
		for (unsigned i = 0; i < READERS; i++)
			CHECK_INT(pthread_create(&threads[i], NULL, reader, &read[i]), 0);
		for (uint64_t time = 1; time < 20000; time++) {
			change(db, &c, time);
			/* Without a newer snapshot the head may soon change in place what a reader has just let go. */
			if (chance(&c, 20) == 0)
				publish(chance(&c, 2) == 0 ? db_snapshot_take(db) : NULL, false);
		}
		publish(db_snapshot_take(db), false);
		for (unsigned i = 0; i < READERS; i++)
			while (read[i] == 0) /* It has not had its turn until now. */
				(void)sched_yield();
		publish(NULL, true);
		d = db_digest_recomputed(db_root(db));
		for (unsigned i = 0; i < READERS; i++) {
			void *wrong;

			CHECK_INT(pthread_join(threads[i], &wrong), 0);
			CHECK_INT((uintptr_t)wrong, 0);
		}
		CHECK(digest_equal(&d, (struct digest[]){ db_digest(db) }));
		db_free(db);
	}
}
