/* What the simulated disk does beyond the contract: each fault of its model occurs, and no other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

static struct sim_disk *sim;
static struct disk *disk;

static void setup(uint64_t seed)
{
	test_note_seed(seed);
	CHECK_INT(sim_disk_new(seed, &sim), 0);
	CHECK_INT(sim_disk_open(sim, "", &disk), 0);
}

static void teardown(void)
{
	disk_free(disk);
	sim_disk_free(sim);
}

static void restart(void)
{
	disk_free(disk);
	sim_disk_restart(sim);
	CHECK_INT(sim_disk_open(sim, "", &disk), 0);
}

static void power_cut(void)
{
	sim_disk_stop(sim, SIM_DISK_POWER_CUT);
	restart();
}

#define EACH_SEED(seed, n) for (uint64_t seed = test_seed; seed < test_seed + test_rounds(n); seed++)

static struct disk_file *open_file(const char *name)
{
	struct disk_file *f;

	CHECK_INT(disk_open(disk, name, DISK_READ | DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	return f;
}

/* A file of one repeated letter, with data and name synced. */
static void put(const char *name, char letter, size_t len)
{
	struct disk_file *f = open_file(name);
	uint8_t data[4096];

	assert(len <= sizeof(data));
	memset(data, letter, len);
	CHECK_INT(file_truncate(f, 0), 0);
	CHECK_INT(file_write(f, 0, data, len), 0);
	CHECK_INT(file_sync(f), 0);
	file_close(f);
	CHECK_INT(disk_sync_directory(disk, ""), 0);
}

static void fill(struct disk_file *f, uint64_t offset, char letter, size_t len)
{
	uint8_t data[4096];

	assert(len <= sizeof(data));
	memset(data, letter, len);
	CHECK_INT(file_write(f, offset, data, len), 0);
}

/* The letter that a file consists of, '.' if it is empty, '-' if it is missing, '?' if it is mixed. */
static char letter_of(const char *name)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int r = disk_read_file(disk, name, 1 << 20, &data, &len);

	if (r == -ENOMEM) /* It was meant for somebody else. */
		r = disk_read_file(disk, name, 1 << 20, &data, &len);
	if (r == -ENOENT)
		return '-';
	CHECK_INT(r, 0);
	for (size_t i = 1; i < len; i++)
		if (data[i] != data[0])
			return '?';
	return len > 0 ? (char)data[0] : '.';
}

/* How often each outcome came up; a test names those that must, and that nothing else did. */
static unsigned outcomes[128];

static void expect_outcomes(const char *wanted, unsigned at_least)
{
	for (int c = 0; c < 128; c++) {
		if (strchr(wanted, c) != NULL && c != 0) {
			if (outcomes[c] < at_least)
				test_fail(__FILE__, __LINE__, "'%c' only %u times", c, outcomes[c]);
		} else if (outcomes[c] > 0) {
			test_fail(__FILE__, __LINE__, "'%c' %u times", c, outcomes[c]);
		}
	}
	memset(outcomes, 0, sizeof(outcomes));
}

TEST(an_unsynced_write_is_kept_or_lost_or_torn_by_the_sector)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 300)
	{
		_cleanup_free_ uint8_t *data = NULL;
		struct disk_file *f;
		size_t len;

		setup(seed);
		put("a", 'o', 2048);
		f = open_file("a");
		fill(f, 0, 'n', 2048);
		file_close(f);
		power_cut();
		outcomes[(unsigned char)letter_of("a")]++;
		CHECK_INT(disk_read_file(disk, "a", 4096, &data, &len), 0);
		CHECK_INT(len, 2048);
		for (size_t i = 0; i < len; i++) {
			CHECK(data[i] == 'o' || data[i] == 'n');
			CHECK(i % SIM_SECTOR == 0 || data[i] == data[i - 1]);
		}
		teardown();
	}
	expect_outcomes("on?", 20);
}

TEST(a_synced_write_is_never_lost)
{
	enum { SLOTS = 12, SLOT = 700 };

	EACH_SEED(seed, 300)
	{
		/* Which letters may stand in a slot: bit 0 is what is synced, with letter synced[]. */
		uint8_t synced[SLOTS], newer[SLOTS][40], data[SLOTS * SLOT];
		size_t newer_count[SLOTS] = { 0 };
		struct disk_file *f;
		struct rng g;

		setup(seed);
		rng_init(&g, seed);
		sim_disk_set_garbage(sim, rng_chance(&g, 50) ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
		f = open_file("a");
		memset(synced, 0, sizeof(synced));
		CHECK_INT(file_preallocate(f, SLOTS * SLOT), 0);
		CHECK_INT(file_sync(f), 0);
		CHECK_INT(disk_sync_directory(disk, ""), 0);
		for (uint64_t i = 1, end = rng_between(&g, 1, 40); i < end; i++) {
			size_t slot = rng_below(&g, SLOTS);

			if (rng_chance(&g, 15)) {
				CHECK_INT(file_sync(f), 0);
				for (slot = 0; slot < SLOTS; slot++)
					if (newer_count[slot] > 0) {
						synced[slot] = newer[slot][newer_count[slot] - 1];
						newer_count[slot] = 0;
					}
			} else {
				fill(f, slot * SLOT, (char)i, SLOT);
				newer[slot][newer_count[slot]++] = (uint8_t)i;
			}
		}
		file_close(f);
		power_cut();
		f = open_file("a");
		CHECK_INT(file_read(f, 0, data, sizeof(data)), 0);
		for (size_t slot = 0; slot < SLOTS; slot++) {
			if (newer_count[slot] > 0)
				continue;
			for (size_t i = 0; i < SLOT; i++)
				CHECK_INT(data[slot * SLOT + i], synced[slot]);
		}
		file_close(f);
		teardown();
	}
}

/* Writes of 100 bytes into the second sector of three. */
static void tear_with(enum sim_disk_garbage garbage)
{
	EACH_SEED(seed, 400)
	{
		bool inside = false, outside = false;
		uint8_t data[1536];
		struct disk_file *f;

		setup(seed);
		sim_disk_set_garbage(sim, garbage);
		put("a", 'o', sizeof(data));
		f = open_file("a");
		fill(f, 600, 'n', 100);
		file_close(f);
		power_cut();
		f = open_file("a");
		CHECK_INT(file_read(f, 0, data, sizeof(data)), 0);
		for (size_t i = 0; i < sizeof(data); i++) {
			bool good = data[i] == 'o' || (data[i] == 'n' && i >= 600 && i < 700);

			CHECK(good || (i >= 512 && i < 1024));
			if (i >= 600 && i < 700)
				inside |= !good;
			else
				outside |= !good;
		}
		outcomes[outside ? 's' : inside ? 'w' : 'g']++;
		file_close(f);
		teardown();
	}
}

TEST(garbage_appears_only_where_it_was_asked_for)
{
	memset(outcomes, 0, sizeof(outcomes));
	tear_with(SIM_DISK_NO_GARBAGE);
	expect_outcomes("g", 400);
	tear_with(SIM_DISK_GARBAGE_WRITE);
	expect_outcomes("gw", 40);
	tear_with(SIM_DISK_GARBAGE_SECTOR);
	expect_outcomes("gs", 40);
}

TEST(a_length_may_come_without_its_data)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 300)
	{
		struct disk_file *f;

		setup(seed);
		put("a", 'o', 0);
		f = open_file("a");
		fill(f, 0, 'n', 100);
		file_close(f);
		power_cut();
		outcomes[letter_of("a") == 0 ? 'z' : (unsigned char)letter_of("a")]++;
		teardown();
	}
	expect_outcomes(".nz", 20);
}

TEST(a_synced_file_without_a_synced_name_may_vanish)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 100)
	{
		struct disk_file *f;

		setup(seed);
		f = open_file("a");
		fill(f, 0, 'n', 100);
		CHECK_INT(file_sync(f), 0);
		file_close(f);
		power_cut();
		outcomes[(unsigned char)letter_of("a")]++;
		teardown();
	}
	expect_outcomes("-n", 20);
}

TEST(a_synced_name_without_synced_data_may_be_empty)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 200)
	{
		struct disk_file *f;

		setup(seed);
		f = open_file("a");
		fill(f, 0, 'n', 100);
		file_close(f);
		CHECK_INT(disk_sync_directory(disk, ""), 0);
		power_cut();
		outcomes[letter_of("a") == 0 ? 'z' : (unsigned char)letter_of("a")]++;
		teardown();
	}
	expect_outcomes(".nz", 10);
}

TEST(a_rename_is_undone_or_done_until_its_directory_is_synced)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 200)
	{
		bool sync = seed % 2 == 0;

		setup(seed);
		put("a", 'o', 100);
		put("b", 'n', 100);
		CHECK_INT(disk_rename(disk, "b", "a"), 0);
		if (sync)
			CHECK_INT(disk_sync_directory(disk, ""), 0);
		power_cut();
		if (sync)
			CHECK(letter_of("a") == 'n');
		CHECK(letter_of("b") == (letter_of("a") == 'o' ? 'n' : '-')); /* Both halves or none. */
		outcomes[(unsigned char)letter_of("a")]++;
		teardown();
	}
	expect_outcomes("on", 20);
}

/* Which of the names of a file that moved from x to y are there: 'x', 'y', 'b'oth or '-'. */
static unsigned char moved(void)
{
	char x = letter_of("x/f"), y = letter_of("y/f");

	return x == 'n' ? (y == 'n' ? 'b' : 'x') : (y == 'n' ? 'y' : '-');
}

static void move_with(const char *sync)
{
	EACH_SEED(seed, 200)
	{
		setup(seed);
		CHECK_INT(disk_make_directory(disk, "x", 0700), 0);
		CHECK_INT(disk_make_directory(disk, "y", 0700), 0);
		put("x/f", 'n', 100);
		CHECK_INT(disk_sync_directory(disk, "x"), 0);
		CHECK_INT(disk_rename(disk, "x/f", "y/f"), 0);
		if (sync != NULL)
			CHECK_INT(disk_sync_directory(disk, sync), 0);
		power_cut();
		outcomes[moved()]++;
		teardown();
	}
}

TEST(a_rename_between_directories_never_loses_the_file)
{
	memset(outcomes, 0, sizeof(outcomes));
	move_with(NULL);
	expect_outcomes("xyb", 10);
	move_with("y");
	expect_outcomes("yb", 20); /* The new name is durable, the end of the old one is not. */
	move_with("x");
	expect_outcomes("y", 200);
}

/* The new name may be durable before an older change of the same name is. */
TEST(an_older_removal_does_not_hit_the_file_that_came_after)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 100)
	{
		setup(seed);
		CHECK_INT(disk_make_directory(disk, "x", 0700), 0);
		CHECK_INT(disk_make_directory(disk, "y", 0700), 0);
		put("x/f", 'n', 100);
		put("y/f", 'o', 100);
		CHECK_INT(disk_sync_directory(disk, "x"), 0);
		CHECK_INT(disk_sync_directory(disk, "y"), 0);
		CHECK_INT(disk_remove(disk, "y/f"), 0);
		CHECK_INT(disk_rename(disk, "x/f", "y/f"), 0);
		CHECK_INT(disk_sync_directory(disk, "x"), 0);
		power_cut();
		outcomes[moved()]++;
		teardown();
	}
	expect_outcomes("y", 100);
}

TEST(a_removal_is_undone_or_done_until_its_directory_is_synced)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 200)
	{
		bool sync = seed % 2 == 0;

		setup(seed);
		put("a", 'o', 100);
		CHECK_INT(disk_remove(disk, "a"), 0);
		if (sync)
			CHECK_INT(disk_sync_directory(disk, ""), 0);
		power_cut();
		CHECK(!sync || letter_of("a") == '-');
		outcomes[(unsigned char)letter_of("a")]++;
		teardown();
	}
	expect_outcomes("o-", 20);
}

TEST(a_directory_without_a_synced_name_takes_all_with_it)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 100)
	{
		struct disk_file *f;
		struct disk_stat st;

		setup(seed);
		CHECK_INT(disk_make_directory(disk, "d", 0700), 0);
		f = open_file("d/a");
		fill(f, 0, 'n', 100);
		CHECK_INT(file_sync(f), 0);
		file_close(f);
		CHECK_INT(disk_sync_directory(disk, "d"), 0);
		power_cut();
		CHECK(letter_of("d/a") == (disk_stat(disk, "d", &st) == 0 ? 'n' : '-'));
		outcomes[(unsigned char)letter_of("d/a")]++;
		teardown();
	}
	expect_outcomes("n-", 20);
}

TEST(attributes_are_lost_until_the_file_is_synced)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 200)
	{
		struct disk_file *f;
		struct disk_stat st;
		const uint8_t *value;
		size_t len;
		bool sync = seed % 2 == 0;

		setup(seed);
		put("a", 'o', 10);
		f = open_file("a");
		CHECK_INT(file_set_xattr(f, "user.x", "12", 2), 0);
		CHECK_INT(file_set_xattr(f, "user.y", "3", 1), 0);
		CHECK_INT(file_set_xattr(f, "user.x", "4", 1), 0);
		CHECK_INT(file_set_xattr(f, "trusted.x", "4", 1), -EOPNOTSUPP);
		CHECK_INT(file_set_mode(f, 0444), 0);
		CHECK_INT(file_set_time(f, 77), 0);
		if (sync)
			CHECK_INT(file_sync(f), 0);
		CHECK_INT(sim_disk_unsynced(sim), sync ? 0 : 1);
		file_close(f);
		power_cut();
		CHECK_INT(disk_stat(disk, "a", &st), 0);
		CHECK((st.mode == 0444) == (st.time == 77));
		if (sync)
			CHECK_INT(st.mode, 0444);
		if (st.mode == 0444) {
			CHECK_INT(sim_disk_xattr(sim, "a", "user.x", &value, &len), 0);
			CHECK(len == 1 && *value == '4');
			CHECK_INT(sim_disk_xattr(sim, "a", "user.y", &value, &len), 0);
			CHECK(len == 1 && *value == '3');
		}
		CHECK_INT(sim_disk_xattr(sim, "a", "user.z", &value, &len), -ENODATA);
		outcomes[st.mode == 0444 ? 'n' : 'o']++;
		teardown();
	}
	expect_outcomes("on", 20);
}

TEST(a_failed_sync_may_lose_data_that_a_retry_then_calls_safe)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 300)
	{
		struct disk_file *f;
		uint8_t byte;

		setup(seed);
		put("a", 'o', 100);
		f = open_file("a");
		fill(f, 0, 'n', 100);
		sim_disk_fail_at(sim, SIM_DISK_SYNC, 1, -EIO);
		CHECK_INT(file_sync(f), -EIO);
		CHECK(sim_disk_has_failed(sim));
		CHECK_INT(file_sync(f), 0);
		CHECK_INT(sim_disk_unsynced(sim), 0);
		CHECK_INT(file_read(f, 0, &byte, 1), 0);
		CHECK(byte == 'n'); /* The cache goes on to show it … */
		if (seed % 2 == 0) {
			CHECK_INT(file_drop_cache(f), 0);
			outcomes[(unsigned char)letter_of("a")]++; /* … until it is dropped. */
		}
		file_close(f);
		power_cut();
		if (seed % 2 != 0)
			outcomes[(unsigned char)letter_of("a")]++;
		teardown();
	}
	expect_outcomes("on", 20);
}

TEST(a_failed_directory_sync_may_lose_names_that_a_retry_then_calls_safe)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 100)
	{
		setup(seed);
		put("a", 'o', 100);
		CHECK_INT(disk_rename(disk, "a", "b"), 0);
		sim_disk_fail_at(sim, SIM_DISK_SYNC_DIRECTORY, 1, -EIO);
		CHECK_INT(disk_sync_directory(disk, ""), -EIO);
		CHECK_INT(disk_sync_directory(disk, ""), 0);
		CHECK_INT(sim_disk_unsynced(sim), 0);
		CHECK(letter_of("b") == 'o');
		power_cut();
		CHECK((letter_of("a") == 'o') != (letter_of("b") == 'o'));
		outcomes[letter_of("a") == 'o' ? 'a' : 'b']++;
		teardown();
	}
	expect_outcomes("ab", 20);
}

TEST(death_of_the_process_keeps_what_was_written_but_not_for_a_power_cut)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 100)
	{
		struct disk_file *f, *g;
		uint8_t byte;

		setup(seed);
		put("a", 'o', 100);
		f = open_file("a");
		CHECK_INT(file_lock(f), 0);
		fill(f, 0, 'n', 100);
		CHECK_INT(disk_rename(disk, "a", "b"), 0);
		sim_disk_restart(sim);
		CHECK_INT(file_read(f, 0, &byte, 1), -ESTALE);
		CHECK_INT(file_sync(f), -ESTALE);
		CHECK_INT(disk_sync_directory(disk, ""), -ESTALE);
		file_close(f);
		disk_free(disk);
		CHECK_INT(sim_disk_open(sim, "", &disk), 0);
		CHECK(letter_of("b") == 'n');
		CHECK(sim_disk_unsynced(sim) > 0);
		g = open_file("b");
		CHECK_INT(file_lock(g), 0); /* Locks end with their holder. */
		file_close(g);
		power_cut();
		outcomes[(unsigned char)letter_of(letter_of("a") == '-' ? "b" : "a")]++;
		teardown();
	}
	expect_outcomes("on", 10);
}

/* The usual way to replace a file. */
static int replace(char letter)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	uint8_t data[1500];
	int r;

	memset(data, letter, sizeof(data));
	r = disk_open(disk, "new", DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f);
	if (r == 0)
		r = file_write(f, 0, data, sizeof(data));
	if (r == 0)
		r = file_sync(f);
	if (r == 0)
		r = disk_rename(disk, "new", "a");
	if (r == 0)
		r = disk_sync_directory(disk, "");
	return r;
}

TEST(each_call_can_be_the_last)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 60)
	{
		for (uint64_t nth = 1;; nth++) {
			enum sim_disk_stop how = (nth + seed) % 2 == 0 ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH;
			bool stopped;
			struct disk_stat st;
			int r;

			setup(seed);
			put("a", 'o', 1500);
			sim_disk_stop_at(sim, SIM_DISK_ANY, nth, how);
			r = replace('n');
			stopped = sim_disk_is_stopped(sim);
			CHECK_INT(r, stopped ? -EIO : 0);
			if (stopped)
				CHECK_INT(disk_stat(disk, "a", &st), -EIO);
			power_cut();
			CHECK_INT(disk_stat(disk, "a", &st), 0);
			CHECK(stopped || letter_of("a") == 'n');
			outcomes[(unsigned char)letter_of("a")]++;
			teardown();
			if (!stopped)
				break;
		}
	}
	expect_outcomes("on", 50); /* Old or new, never a mixture. */
}

TEST(the_last_call_may_have_been_done)
{
	memset(outcomes, 0, sizeof(outcomes));
	EACH_SEED(seed, 100)
	{
		struct disk_file *f;

		setup(seed);
		put("a", 'o', 100);
		f = open_file("a");
		sim_disk_stop_at(sim, SIM_DISK_WRITE, 1, SIM_DISK_DEATH);
		CHECK_INT(file_write(f, 0, "n", 1), -EIO);
		file_close(f);
		restart();
		outcomes[letter_of("a") == '?' ? 'n' : 'o']++;
		teardown();
	}
	expect_outcomes("on", 20);
}

TEST(the_chosen_call_fails_once_with_the_chosen_error)
{
	static const unsigned calls[] = { SIM_DISK_OPEN, SIM_DISK_WRITE, SIM_DISK_SYNC, SIM_DISK_RENAME,
		SIM_DISK_SYNC_DIRECTORY };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		setup(test_seed);
		put("a", 'o', 10);
		sim_disk_fail_at(sim, calls[i], 2, -EDQUOT);
		CHECK_INT(replace('m'), 0);
		CHECK(!sim_disk_has_failed(sim));
		CHECK_INT(replace('n'), -EDQUOT);
		CHECK(sim_disk_has_failed(sim));
		CHECK_INT(replace('n'), 0);
		CHECK(letter_of("a") == 'n');
		teardown();
	}
}

TEST(a_failed_write_may_have_written_a_beginning)
{
	unsigned partial = 0;

	EACH_SEED(seed, 50)
	{
		struct disk_file *f;
		uint8_t data[100];
		size_t n = 0;

		setup(seed);
		put("a", 'o', 100);
		f = open_file("a");
		memset(data, 'n', sizeof(data));
		sim_disk_fail_at(sim, SIM_DISK_WRITE, 1, -EIO);
		CHECK_INT(file_write(f, 0, data, sizeof(data)), -EIO);
		CHECK_INT(file_read(f, 0, data, sizeof(data)), 0);
		while (n < sizeof(data) && data[n] == 'n')
			n++;
		partial += n > 0 && n < sizeof(data);
		for (; n < sizeof(data); n++)
			CHECK(data[n] == 'o');
		file_close(f);
		teardown();
	}
	CHECK(partial > 30);
}

TEST(a_full_disk_says_so_and_recovers)
{
	struct disk_file *f, *g;
	uint64_t space, size;
	uint8_t data[1000] = { 0 };
	int r = 0;

	setup(test_seed);
	sim_disk_set_capacity(sim, 16 * SIM_SECTOR);
	CHECK_INT(disk_free_space(disk, &space), 0);
	CHECK_INT(space, 16 * SIM_SECTOR);
	f = open_file("a");
	CHECK_INT(disk_free_space(disk, &space), 0);
	CHECK_INT(space, 15 * SIM_SECTOR);
	CHECK_INT(file_preallocate(f, 16 * SIM_SECTOR), -ENOSPC);
	CHECK_INT(file_truncate(f, (uint64_t)1 << 40), -ENOSPC);
	CHECK_INT(file_write(f, (uint64_t)1 << 40, data, 1), -ENOSPC);
	for (uint64_t at = 0; r == 0; at += sizeof(data))
		r = file_write(f, at, data, sizeof(data));
	CHECK_INT(r, -ENOSPC);
	CHECK_INT(file_size(f, &size), 0);
	CHECK_INT(size, 15 * SIM_SECTOR); /* Up to the last sector. */
	CHECK_INT(file_write(f, 0, data, sizeof(data)), 0);
	CHECK_INT(disk_open(disk, "b", DISK_WRITE | DISK_CREATE, 0600, &g), -ENOSPC);
	CHECK_INT(disk_make_directory(disk, "d", 0700), -ENOSPC);
	CHECK_INT(disk_rename(disk, "a", "b"), 0);
	CHECK_INT(disk_remove(disk, "b"), 0);
	CHECK_INT(disk_free_space(disk, &space), 0);
	CHECK_INT(space, 0); /* The file is open. */
	file_close(f);
	CHECK_INT(disk_free_space(disk, &space), 0);
	CHECK_INT(space, 16 * SIM_SECTOR);
	power_cut();
	CHECK_INT(disk_free_space(disk, &space), 0);
	teardown();
}

TEST(a_rotten_byte_is_read_as_it_is)
{
	struct disk_file *f;
	uint8_t data[3];

	setup(test_seed);
	put("a", 'a', 3);
	CHECK_INT(sim_disk_rot(sim, "a", 1, 0x80), 0);
	CHECK_INT(sim_disk_rot(sim, "a", 3, 0x80), -ENODATA);
	CHECK_INT(sim_disk_rot(sim, "b", 0, 0x80), -ENOENT);
	for (int i = 0; i < 2; i++) {
		f = open_file("a");
		CHECK_INT(file_read(f, 0, data, 3), 0);
		CHECK(data[0] == 'a' && data[1] == ('a' ^ 0x80) && data[2] == 'a');
		file_close(f);
		power_cut();
	}
	teardown();
}

TEST(the_trace_tells_the_story)
{
	setup(test_seed);
	sim_disk_trace_start(sim);
	CHECK_INT(replace('x'), 0);
	sim_disk_fail_at(sim, SIM_DISK_RENAME, 1, -EDQUOT);
	CHECK_INT(replace('y'), -EDQUOT);
	sim_disk_stop_at(sim, SIM_DISK_SYNC, 1, SIM_DISK_POWER_CUT);
	CHECK_INT(replace('z'), -EIO);
	restart();
	CHECK_STR(sim_disk_trace(sim), "open new create truncate\n"
				       "write new 0+1500\n"
				       "sync new\n"
				       "rename new a\n"
				       "sync-directory .\n"
				       "open new create truncate\n"
				       "write new 0+1500\n"
				       "sync new\n"
				       "rename new a -> EDQUOT\n"
				       "open new create truncate\n"
				       "write new 0+1500\n"
				       "power cut\n"
				       "sync new -> EIO\n"
				       "restart\n");
	teardown();
}

static void scribble(uint64_t seed, struct buf *ret)
{
	setup(seed);
	for (int i = 0; i < 20; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%d", i % 7);
		put(name, (char)('a' + i), (size_t)(200 * i));
		file_close(open_file("z"));
		CHECK_INT(disk_rename(disk, "z", name), 0);
		(void)disk_make_directory(disk, "d", 0700);
		(void)disk_rename(disk, name, "d/x");
	}
	power_cut();
	CHECK_INT(sim_disk_describe(sim, ret), 0);
	teardown();
}

TEST(a_seed_replays_exactly_and_trees_can_be_compared)
{
	_cleanup_(buf_done) struct buf a = { 0 }, b = { 0 };
	unsigned differ = 0;

	EACH_SEED(seed, 20)
	{
		scribble(seed, &a);
		scribble(seed, &b);
		CHECK_STR((char *)a.data, (char *)b.data);
		scribble(seed + 1, &b);
		differ += strcmp((char *)a.data, (char *)b.data) != 0;
	}
	CHECK(differ > 10);
	setup(test_seed);
	put("b", 'x', 5);
	CHECK_INT(disk_make_directory(disk, "a", 0750), 0);
	put("a/c", 'x', 5);
	CHECK_INT(sim_disk_describe(sim, &a), 0);
	CHECK_STR((char *)a.data, "a/ 0750\na/c 0600 5 f7b37946\nb 0600 5 f7b37946\n");
	teardown();
}

/* Names by chance, against a model: a name whose last change is synced is as it was left, after any power cut. */
TEST(a_synced_name_is_never_lost)
{
	enum { NAMES = 6 };

	EACH_SEED(seed, 400)
	{
		char name[NAMES][8], letter[NAMES];
		bool dirty[NAMES] = { 0 };
		struct rng g;

		setup(seed);
		rng_init(&g, seed);
		for (size_t i = 0; i < NAMES; i++) {
			(void)snprintf(name[i], sizeof(name[i]), "n%zu", i);
			letter[i] = '-';
		}
		for (uint64_t i = 0, end = rng_between(&g, 1, 40); i < end; i++) {
			size_t a = rng_below(&g, NAMES), b = rng_below(&g, NAMES);

			switch (rng_below(&g, 4)) {
			case 0:
				if (letter[a] == '-') {
					struct disk_file *f = open_file(name[a]);

					letter[a] = (char)('A' + i);
					fill(f, 0, letter[a], 30);
					CHECK_INT(file_sync(f), 0);
					file_close(f);
					dirty[a] = true;
				}
				break;
			case 1:
				CHECK_INT(disk_remove(disk, name[a]), letter[a] == '-' ? -ENOENT : 0);
				dirty[a] |= letter[a] != '-';
				letter[a] = '-';
				break;
			case 2:
				CHECK_INT(disk_rename(disk, name[a], name[b]), letter[a] == '-' ? -ENOENT : 0);
				if (letter[a] != '-' && a != b) {
					letter[b] = letter[a];
					letter[a] = '-';
					dirty[a] = dirty[b] = true;
				}
				break;
			default:
				if (rng_chance(&g, 50)) {
					CHECK_INT(disk_sync_directory(disk, ""), 0);
					memset(dirty, 0, sizeof(dirty));
				}
			}
		}
		for (size_t i = 0; i < NAMES; i++)
			CHECK(letter_of(name[i]) == letter[i]);
		power_cut();
		for (size_t i = 0; i < NAMES; i++)
			CHECK(dirty[i] || letter_of(name[i]) == letter[i]);
		teardown();
	}
}

TEST(without_memory_a_call_fails_and_changes_nothing)
{
	FAIL_EACH_ALLOCATION {
		int r;

		sim = NULL;
		disk = NULL;
		r = sim_disk_new(test_seed, &sim);
		if (r == 0)
			r = sim_disk_open(sim, "", &disk);
		if (r == 0) {
			r = replace('o');
			CHECK(r == 0 || letter_of("a") == '-');
			if (r == 0) {
				r = replace('n');
				CHECK(letter_of("a") == (r == 0 ? 'n' : 'o'));
			}
			CHECK(r == 0 || replace('n') == 0);
			CHECK(letter_of("a") == 'n');
		} else {
			CHECK_INT(r, -ENOMEM);
		}
		CHECK(r == 0 || failalloc_hit());
		disk_free(disk);
		sim_disk_free(sim);
	}
}
