/* set: a backup over an older set loses power, its process, or single calls of its disk, at every step; and the set that
 * is there afterwards is the old one or the new one, whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "quolog/record.h"
#include "sim/disk.h"
#include "tests/lib/sets.h"

/* A directory on a simulated disk, with a file of somebody else's in it. */
struct place {
	struct sim_disk *medium;
	struct disk *disk;
};

static const char foreign[] = "readme.txt";

static void place_init(struct place *p, uint64_t seed)
{
	struct disk_file *f;

	CHECK_INT(sim_disk_new(seed, &p->medium), 0);
	sim_disk_set_garbage(p->medium, seed % 2 == 0 ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
	CHECK_INT(disk_open(p->disk, foreign, DISK_WRITE | DISK_CREATE, 0644, &f), 0);
	CHECK_INT(file_write(f, 0, "mine", 4), 0);
	CHECK_INT(file_sync(f), 0);
	file_close(f);
	CHECK_INT(disk_sync_directory(p->disk, ""), 0);
}

static void place_restart(struct place *p)
{
	disk_free(p->disk);
	sim_disk_restart(p->medium);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
}

static void place_done(struct place *p)
{
	disk_free(p->disk);
	sim_disk_free(p->medium);
}

struct contents {
	unsigned snapshots, others;
	bool log, marker, foreign;
};

static int count_name(void *data, const char *name, enum disk_kind kind)
{
	struct contents *c = data;

	if (strcmp(name, foreign) == 0)
		c->foreign = true;
	else if (strcmp(name, "quolog.log") == 0)
		c->log = true;
	else if (strcmp(name, "Clusbackup.dat") == 0)
		c->marker = true;
	else if (strncmp(name, "chk", 3) == 0 && strlen(name) == 11)
		c->snapshots++;
	else
		c->others++;
	return 0;
}

/* The documented files and no others, and the stranger's file as it was. */
static void check_contents(struct place *p)
{
	struct contents c = { 0 };
	uint8_t *text;
	size_t len;

	CHECK_INT(disk_list(p->disk, "", count_name, &c), 0);
	CHECK(c.log && c.marker && c.foreign);
	CHECK_INT(c.snapshots, 1);
	CHECK_INT(c.others, 0);
	CHECK_INT(disk_read_file(p->disk, foreign, 100, &text, &len), 0);
	CHECK(len == 4 && memcmp(text, "mine", 4) == 0);
	free(text);
}

/* A backup of the database of that version; r, and the digest that its set has. */
static int back_up(struct place *p, unsigned version, struct digest *ret_digest)
{
	struct db *db = sets_database(version);
	struct sets_source source;
	struct set_info info;
	int r;

	sets_source_init(&source, db, version % 4);
	r = set_write(p->disk, &source.source, 0, &info, NULL);
	*ret_digest = db_digest(db);
	if (r == 0)
		CHECK(digest_equal(&info.digest, ret_digest) && info.marker);
	sets_source_done(&source);
	db_free(db);
	return r;
}

/* Which of the two the directory holds: 1, 2, or 0 for "no complete set". */
static int which(struct place *p, const struct digest *first, const struct digest *second)
{
	struct set_info info;
	struct error error = { 0 };
	int r = set_verify(p->disk, &info, &error);

	if (r < 0) {
		CHECK_INT(r, ERR_DATABASE_BACKUP_CORRUPT);
		CHECK(error.text[0] != 0);
		return 0;
	}
	if (digest_equal(&info.digest, first))
		return 1;
	CHECK(digest_equal(&info.digest, second));
	return 2;
}

/* One interrupted backup over an older set (or in an empty directory); false if the nth call was beyond its end. */
static bool interrupt(uint64_t seed, uint64_t nth, enum sim_disk_stop how, bool over_older)
{
	struct digest first = { 0 }, second, third;
	struct place p;
	bool stopped;
	int found, r;

	test_note_seed(seed);
	place_init(&p, seed);
	if (over_older)
		CHECK_INT(back_up(&p, 1, &first), 0);
	sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, how);
	r = back_up(&p, 2, &second);
	stopped = sim_disk_is_stopped(p.medium);
	if (how == SIM_DISK_HANG)
		CHECK(r == 0 || r == ERR_TIMEOUT); /* Nothing is said about the disk, or about a set. */
	place_restart(&p);
	found = which(&p, &first, &second);
	if (!stopped || r == 0)
		CHECK_INT(found, 2); /* What was acknowledged is there. */
	else if (over_older)
		CHECK(found != 0);
	/* Whatever lies there, the next backup makes a whole set of it and nothing else. */
	CHECK_INT(back_up(&p, 3, &third), 0);
	CHECK_INT(which(&p, &third, &third), 1);
	check_contents(&p);
	place_done(&p);
	return stopped;
}

static void interrupt_everywhere(enum sim_disk_stop how, bool over_older)
{
	for (uint64_t round = 0; round < test_rounds(40); round++)
		for (uint64_t nth = 1; interrupt(test_seed * 1000 + round * 97 + nth, nth, how, over_older); nth++)
			CHECK(nth < 2000);
}

TEST(power_loss_at_every_call_leaves_the_old_set_or_the_new_one)
{
	interrupt_everywhere(SIM_DISK_POWER_CUT, true);
}

TEST(death_at_every_call_leaves_the_old_set_or_the_new_one)
{
	interrupt_everywhere(SIM_DISK_DEATH, true);
}

TEST(power_loss_in_a_first_backup_leaves_no_set_or_a_whole_one)
{
	interrupt_everywhere(SIM_DISK_POWER_CUT, false);
}

TEST(death_in_a_first_backup_leaves_no_set_or_a_whole_one)
{
	interrupt_everywhere(SIM_DISK_DEATH, false);
}

TEST(a_hang_at_every_call_is_told_as_that_and_leaves_the_old_set_or_the_new_one)
{
	interrupt_everywhere(SIM_DISK_HANG, true);
	interrupt_everywhere(SIM_DISK_HANG, false);
}

TEST(a_hang_at_every_call_of_reading_is_told_as_that)
{
	struct digest digest;
	struct set_info info;
	struct place p;
	bool stopped = true;

	place_init(&p, test_seed);
	CHECK_INT(back_up(&p, 1, &digest), 0);
	for (uint64_t nth = 1; stopped; nth++) {
		struct error error = { 0 };
		int r;

		sim_disk_stop_at(p.medium, SIM_DISK_ANY, nth, SIM_DISK_HANG);
		r = set_verify(p.disk, &info, &error);
		stopped = sim_disk_is_stopped(p.medium);
		CHECK_INT(r, stopped ? ERR_TIMEOUT : 0);
		CHECK(!stopped || error.code == ERR_TIMEOUT);
		place_restart(&p);
		CHECK(nth < 2000);
	}
	place_done(&p);
}

/* One call fails: then the backup says so and the old set stands, or it got over it and the new one does. */
static bool fail_call(uint64_t seed, uint64_t nth, int error)
{
	struct digest first, second, third;
	struct place p;
	bool failed;
	int r;

	test_note_seed(seed);
	place_init(&p, seed);
	CHECK_INT(back_up(&p, 1, &first), 0);
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, nth, error);
	r = back_up(&p, 2, &second);
	failed = sim_disk_has_failed(p.medium);
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, -EIO);
	if (r == 0)
		CHECK_INT(which(&p, &first, &second), 2);
	else
		CHECK(which(&p, &first, &second) != 0);
	/* And so after a power cut right then. */
	sim_disk_stop(p.medium, SIM_DISK_POWER_CUT);
	place_restart(&p);
	if (r == 0)
		CHECK_INT(which(&p, &first, &second), 2);
	else
		CHECK(which(&p, &first, &second) != 0);
	CHECK_INT(back_up(&p, 3, &third), 0);
	check_contents(&p);
	place_done(&p);
	return failed;
}

TEST(every_failing_call_leaves_a_whole_set)
{
	static const int errors[] = { -EIO, -ENOSPC, -EACCES };

	for (size_t e = 0; e < ARRAY_SIZE(errors); e++)
		for (uint64_t nth = 1; fail_call(test_seed * 7000 + nth, nth, errors[e]); nth++)
			CHECK(nth < 2000);
}

/* One call of a first backup fails; the next one is acknowledged, and then the power goes. */
static bool fail_call_of_first(uint64_t seed, uint64_t nth)
{
	struct digest first = { 0 }, second;
	struct place p;
	bool failed;

	test_note_seed(seed);
	place_init(&p, seed);
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, nth, -EIO);
	(void)back_up(&p, 1, &first);
	failed = sim_disk_has_failed(p.medium);
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, -EIO);
	CHECK_INT(back_up(&p, 2, &second), 0);
	sim_disk_stop(p.medium, SIM_DISK_POWER_CUT);
	place_restart(&p);
	CHECK_INT(which(&p, &first, &second), 2);
	place_done(&p);
	return failed;
}

TEST(a_backup_after_a_failed_first_one_is_whole_after_a_power_cut)
{
	for (uint64_t round = 0; round < test_rounds(4); round++)
		for (uint64_t nth = 1; fail_call_of_first(test_seed * 9000 + round * 311 + nth, nth); nth++)
			CHECK(nth < 2000);
}

TEST(a_full_disk_keeps_the_old_set_and_says_how_much_is_missing)
{
	struct digest first, second;
	struct place p;
	uint64_t capacity;
	int r = -1;

	place_init(&p, test_seed);
	CHECK_INT(back_up(&p, 1, &first), 0);
	for (capacity = 8 << 10; r != 0; capacity += 1000) {
		struct db *db = sets_database(2);
		struct sets_source source;
		struct set_info info;
		struct error error = { 0 };

		sim_disk_set_capacity(p.medium, capacity);
		sets_source_init(&source, db, 2);
		second = db_digest(db);
		r = set_write(p.disk, &source.source, 0, &info, &error);
		if (r != 0) {
			CHECK_INT(r, ERR_DISK_FULL);
			CHECK(strstr(error.text, "are missing") != NULL);
			CHECK_INT(which(&p, &first, &second), 1);
			check_contents(&p);
		}
		sets_source_done(&source);
		db_free(db);
		CHECK(capacity < 1 << 20);
	}
	CHECK_INT(which(&p, &first, &second), 2);
	place_done(&p);
}

TEST(a_disk_that_is_full_of_files_is_not_said_to_lack_bytes)
{
	struct db *db = sets_database(2);
	struct sets_source source;
	struct set_info info;
	struct error error = { 0 };
	struct place p;

	place_init(&p, test_seed);
	sets_source_init(&source, db, 2);
	sim_disk_fail_at(p.medium, SIM_DISK_OPEN, 1, -ENOSPC);
	CHECK_INT(set_write(p.disk, &source.source, 0, &info, &error), ERR_DISK_FULL);
	CHECK(strstr(error.text, "missing") == NULL && strstr(error.text, "inodes") != NULL);
	sets_source_done(&source);
	db_free(db);
	place_done(&p);
}

TEST(a_backup_that_may_not_commit_leaves_the_old_set)
{
	struct digest first, second;
	struct sets_source source;
	struct set_info info;
	struct place p;
	struct db *db = sets_database(2);

	place_init(&p, test_seed);
	CHECK_INT(back_up(&p, 1, &first), 0);
	sets_source_init(&source, db, 3);
	second = db_digest(db);
	source.commit_result = ERR_HOST_NODE_NOT_RESOURCE_OWNER;
	CHECK_INT(set_write(p.disk, &source.source, 0, &info, NULL), ERR_HOST_NODE_NOT_RESOURCE_OWNER);
	CHECK_INT(which(&p, &first, &second), 1);
	check_contents(&p);
	sets_source_done(&source);
	db_free(db);
	place_done(&p);
}

TEST(every_rotten_byte_is_found)
{
	static const char *const names[] = { "chk0001.tmp", "quolog.log" };
	struct digest first;
	struct set_info info;
	struct disk_stat stat;
	struct place p;

	place_init(&p, test_seed);
	CHECK_INT(back_up(&p, 1, &first), 0);
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		CHECK_INT(disk_stat(p.disk, names[n], &stat), 0);
		for (uint64_t at = 0; at < stat.size; at += test_long ? 1 : 13) {
			CHECK_INT(sim_disk_rot(p.medium, names[n], at, 0x40), 0);
			CHECK_INT(set_verify(p.disk, &info, NULL), ERR_DATABASE_BACKUP_CORRUPT);
			CHECK_INT(sim_disk_rot(p.medium, names[n], at, 0x40), 0);
		}
	}
	CHECK_INT(set_verify(p.disk, &info, NULL), 0);
	place_done(&p);
}

struct rot {
	struct place *place;
	const char *name;
	uint64_t at;
};

static int rot_before_the_proof(void *data, enum set_step step, uint64_t bytes)
{
	struct sets_source *s = data;
	const struct rot *rot = s->more;

	if (step == SET_PROVING)
		CHECK_INT(sim_disk_rot(rot->place->medium, rot->name, rot->at, 0x10), 0);
	return 0;
}

TEST(every_byte_that_the_medium_keeps_badly_is_found_before_the_commit)
{
	static const char *const names[] = { "chk0002.tmp", "quolog.new" };
	struct digest first;
	struct disk_stat stat;
	struct place p;

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		stat.size = 1;
		for (uint64_t at = 0; at < stat.size; at += test_long ? 1 : n == 0 ? 131 : 7) {
			struct rot rot = { &p, names[n], at };
			struct db *db = sets_database(2);
			struct sets_source source;
			struct error error = { 0 };
			struct set_info info;

			place_init(&p, test_seed);
			CHECK_INT(back_up(&p, 1, &first), 0);
			sets_source_init(&source, db, 2);
			source.more = &rot;
			source.source.progress = rot_before_the_proof;
			CHECK_INT(set_write(p.disk, &source.source, 0, &info, &error), ERR_IO_DEVICE);
			CHECK(strstr(error.text, "does not read back") != NULL);
			CHECK_INT(which(&p, &first, &first), 1);
			check_contents(&p);
			/* How long the file is can be seen in a backup without an accident. */
			source.source.progress = NULL;
			CHECK_INT(set_write(p.disk, &source.source, 0, &info, &error), 0);
			CHECK_INT(disk_stat(p.disk, n == 0 ? names[n] : "quolog.log", &stat), 0);
			sets_source_done(&source);
			db_free(db);
			place_done(&p);
		}
	}
}

TEST(memory_that_has_changed_since_is_found_before_the_commit)
{
	struct digest first;
	struct place p;

	for (unsigned bit = 0; bit < 8; bit++) {
		struct db *db = sets_database(2);
		struct db_value v = db_value_at(db_find(db_root(db), U16("Test\\deep\\er")), bit);
		struct sets_source source;
		struct error error = { 0 };
		struct set_info info;

		place_init(&p, test_seed);
		CHECK_INT(back_up(&p, 1, &first), 0);
		sets_source_init(&source, db, bit % 3);
		((uint8_t *)(uintptr_t)v.data)[bit] ^= (uint8_t)(1 << bit);
		CHECK_INT(set_write(p.disk, &source.source, 0, &info, &error), ERR_IO_DEVICE);
		CHECK_INT(which(&p, &first, &first), 1);
		check_contents(&p);
		sets_source_done(&source);
		db_free(db);
		place_done(&p);
	}
}

TEST(a_damaged_older_set_loses_its_marker_before_anything_is_written)
{
	struct digest first, second, third;
	struct place p;
	struct disk_stat stat;

	for (uint64_t nth = 1; nth < 400; nth++) {
		place_init(&p, test_seed + nth);
		CHECK_INT(back_up(&p, 1, &first), 0);
		CHECK_INT(sim_disk_rot(p.medium, "chk0001.tmp", 5000, 0xff), 0);
		sim_disk_stop_at(p.medium, SIM_DISK_WRITE, 1, SIM_DISK_POWER_CUT);
		(void)back_up(&p, 2, &second);
		place_restart(&p);
		CHECK_INT(disk_stat(p.disk, "Clusbackup.dat", &stat), -ENOENT);
		CHECK_INT(back_up(&p, 3, &third), 0);
		check_contents(&p);
		place_done(&p);
		if (!test_long)
			break;
	}
}

TEST(a_log_that_cannot_be_read_costs_no_file_before_there_is_a_new_set)
{
	struct digest first, second;
	struct sets_source source;
	struct set_info info;
	struct disk_stat stat;
	struct place p;
	struct db *db = sets_database(2);

	place_init(&p, test_seed);
	CHECK_INT(back_up(&p, 1, &first), 0);
	CHECK_INT(sim_disk_rot(p.medium, "quolog.log", 40, 0xff), 0);
	sets_source_init(&source, db, 3);
	source.commit_result = ERR_HOST_NODE_NOT_RESOURCE_OWNER;
	CHECK_INT(set_write(p.disk, &source.source, 0, &info, NULL), ERR_HOST_NODE_NOT_RESOURCE_OWNER);
	CHECK_INT(disk_stat(p.disk, "chk0001.tmp", &stat), 0);
	CHECK_INT(disk_stat(p.disk, "chk0002.tmp", &stat), -ENOENT);
	sets_source_done(&source);
	db_free(db);
	CHECK_INT(back_up(&p, 3, &second), 0);
	CHECK_INT(which(&p, &second, &second), 1);
	check_contents(&p);
	place_done(&p);
}

/* Give the log of a set the version that comes after ours. */
static void make_newer(struct place *p)
{
	struct quolog_record header;
	struct disk_file *f;
	struct buf newer = { 0 };
	uint8_t *bytes, *payload;
	size_t len, size;

	CHECK_INT(disk_read_file(p->disk, "quolog.log", 1 << 20, &bytes, &len), 0);
	CHECK_INT(quolog_record_decode(bytes, len, 0, &header, &size, NULL), 0);
	payload = malloc(header.len);
	CHECK(payload != NULL);
	memcpy(payload, header.payload, header.len);
	put_le32(payload, get_le32(payload) + 1);
	header.payload = payload;
	quolog_record_encode(&newer, 0, &header);
	buf_append(&newer, bytes + size, len - size);
	CHECK(newer.error == 0 && newer.len == len);
	CHECK_INT(disk_open(p->disk, "quolog.log", DISK_WRITE, 0, &f), 0);
	CHECK_INT(file_write(f, 0, newer.data, newer.len), 0);
	file_close(f);
	buf_done(&newer);
	free(payload);
	free(bytes);
}

TEST(a_set_of_a_newer_version_is_refused_and_not_touched)
{
	struct buf before = { 0 }, after = { 0 };
	struct digest digest;
	struct set_info info;
	struct place p;

	place_init(&p, test_seed);
	CHECK_INT(back_up(&p, 1, &digest), 0);
	make_newer(&p);
	CHECK_INT(set_verify(p.disk, &info, NULL), ERR_NOT_SUPPORTED);
	CHECK_INT(sim_disk_describe(p.medium, &before), 0);
	CHECK_INT(back_up(&p, 2, &digest), ERR_NOT_SUPPORTED);
	CHECK_INT(sim_disk_describe(p.medium, &after), 0);
	CHECK(before.len == after.len && memcmp(before.data, after.data, before.len) == 0);
	buf_done(&before);
	buf_done(&after);
	place_done(&p);
}
