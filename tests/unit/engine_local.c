/* engine_local: what the embedded engine refuses, and why it says so; batches; and that it works on a real disk.  Crashes
 * are in tests/crash/local.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/disk.h"
#include "io/linux/loop.h"
#include "quolog/segment.h"
#include "tests/lib/local_node.h"
#include <stdio.h>
#include <sys/stat.h>

enum { SEGMENT = 8 << 10 };

static void must_go_up(struct local_node *n, uint64_t applied)
{
	struct error error;

	if (local_node_up(n, applied, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	CHECK(local_node_settle(n));
}

/* Down after so many commands of 1,500 bytes, five in a segment; trimmed nothing. */
static void make_log(struct local_node *n, unsigned commands)
{
	local_node_init(n, test_seed, SEGMENT, 0);
	must_go_up(n, 0);
	for (unsigned i = 0; i < commands; i++) {
		check_propose(n->life, 1300);
		CHECK(local_node_settle(n));
	}
	local_node_stop(n);
}

static void open_disk(struct local_node *n, struct disk **ret)
{
	CHECK_INT(sim_disk_open(n->medium, "", ret), 0);
}

/* Each end of the node's process ends ours as well. */
static void reopen_disk(struct local_node *n, struct disk **disk)
{
	disk_free(*disk);
	open_disk(n, disk);
}

/* The start is refused with this code and a story that has all these words. */
static void check_refused(struct local_node *n, uint64_t applied, int code, const char *word, const char *advice)
{
	struct error error;

	if (local_node_up(n, applied, &error) == 0)
		test_fail(__FILE__, __LINE__, "it started");
	CHECK_INT(error.code, code);
	if (strstr(error.text, word) == NULL || strstr(error.text, advice) == NULL)
		test_fail(__FILE__, __LINE__, "\"%s\" lacks \"%s\" or \"%s\"", error.text, word, advice);
}

static const char *segment_name(struct local_node *n, struct disk *disk, size_t wanted)
{
	static char names[16][32];
	size_t count = 0;

	/* The first is at 1; each says in its header, by being there, where the next begins. */
	for (uint64_t first = 1; first < 200 && count < 16; first++) {
		struct disk_stat st;

		(void)snprintf(names[count], sizeof(names[count]), "%016" PRIx64 ".log", first);
		if (disk_stat(disk, names[count], &st) == 0)
			count++;
	}
	CHECK(wanted < count);
	return names[wanted];
}

TEST(a_log_is_created_once)
{
	struct engine_local_options options = { .node = 1, .segment_size = SEGMENT };
	struct quolog_header header = { .snapshot = 5 };
	struct local_node n;
	struct error error;
	struct disk *disk;

	make_log(&n, 0);
	open_disk(&n, &disk);
	CHECK_INT(engine_local_create(n.world, disk, &header, &options, &error), ERR_ALREADY_EXISTS);
	disk_free(disk);
	must_go_up(&n, 0);
	local_node_done(&n);
}

TEST(two_processes_do_not_share_a_log)
{
	struct local_node n;
	struct engine *second;
	struct error error;
	struct disk *disk;

	make_log(&n, 1);
	must_go_up(&n, 0);
	open_disk(&n, &disk);
	CHECK_INT(engine_local_new(n.world, disk, &n.options, &second), 0);
	CHECK(check_start(n.check, second, 0, &error) == NULL);
	CHECK_INT(error.code, ERR_BUSY);
	engine_free(second);
	disk_free(disk);
	local_node_stop(&n);
	must_go_up(&n, 0); /* It has been let go of. */
	local_node_done(&n);
}

TEST(a_directory_without_a_log_is_refused)
{
	struct local_node n;
	struct disk *disk;

	make_log(&n, 1);
	open_disk(&n, &disk);
	CHECK_INT(disk_remove(disk, segment_name(&n, disk, 0)), 0);
	disk_free(disk);
	check_refused(&n, 0, ERR_CLUSTER_QUORUMLOG_NOT_FOUND, "no segment", "restore");
	local_node_done(&n);
}

TEST(a_missing_segment_is_refused_unless_the_checkpoint_has_it)
{
	struct local_node n;
	struct disk *disk;

	make_log(&n, 20);
	open_disk(&n, &disk);
	CHECK_INT(disk_remove(disk, segment_name(&n, disk, 1)), 0);
	check_refused(&n, 0, ERR_CLUSTERLOG_CORRUPT, "begins behind index", "rueda restore");
	check_refused(&n, 5, ERR_CLUSTERLOG_CORRUPT, "begins behind index", "rueda restore");
	must_go_up(&n, 15);
	reopen_disk(&n, &disk);
	/* What lay before the gap has gone. */
	CHECK_INT(disk_stat(disk, "0000000000000001.log", &(struct disk_stat){ 0 }), -ENOENT);
	disk_free(disk);
	check_finish(n.check);
	local_node_done(&n);
}

TEST(a_copy_of_a_segment_under_another_name_is_refused)
{
	struct local_node n;
	struct disk *disk;
	struct disk_file *f;
	uint8_t *bytes;
	size_t len;

	make_log(&n, 20);
	open_disk(&n, &disk);
	CHECK_INT(disk_read_file(disk, segment_name(&n, disk, 1), SEGMENT, &bytes, &len), 0);
	CHECK_INT(disk_open(disk, "0000000000000fff.log", DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 0, bytes, len), 0);
	file_close(f);
	check_refused(&n, 0, ERR_CLUSTERLOG_CORRUPT, "0000000000000fff.log", "name does not belong");
	reopen_disk(&n, &disk);
	CHECK_INT(disk_remove(disk, "0000000000000fff.log"), 0);
	/* A name that only looks like one of ours. */
	CHECK_INT(disk_open(disk, "notes.log", DISK_WRITE | DISK_CREATE, 0600, &f), 0);
	file_close(f);
	check_refused(&n, 0, ERR_CLUSTERLOG_CORRUPT, "notes.log", "move it away");
	reopen_disk(&n, &disk);
	CHECK_INT(disk_remove(disk, "notes.log"), 0);
	must_go_up(&n, 0);
	free(bytes);
	disk_free(disk);
	local_node_done(&n);
}

/* Write a segment's file: a header for this snapshot, then what add() puts. */
static void forge_segment(
    struct disk *disk, const char *name, uint64_t snapshot, uint8_t generation, enum quolog_type type, uint64_t index)
{
	static struct quolog_header header;
	struct quolog_record record = { .type = QUOLOG_HEADER, .index = snapshot, .durable = snapshot };
	struct quolog_record second = {
		.type = type, .index = index, .durable = snapshot, .payload = (const uint8_t *)"etcd", .len = 4
	};
	struct buf payload = { 0 }, bytes = { 0 };
	struct disk_file *f;

	memset(&header, 0, sizeof(header));
	memset(&header.instance, 1, sizeof(header.instance));
	memset(&header.generation.id, generation, sizeof(header.generation.id));
	header.snapshot = snapshot;
	header.seed = 77;
	header.term = 1;
	quolog_header_encode(&payload, &header);
	record.payload = payload.data;
	record.len = payload.len;
	quolog_record_encode(&bytes, 0, &record);
	if (type != 0)
		quolog_record_encode(&bytes, 77, &second);
	CHECK_INT(disk_open(disk, name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f), 0);
	CHECK_INT(file_write(f, 0, bytes.data, bytes.len), 0);
	file_close(f);
	buf_done(&payload);
	buf_done(&bytes);
}

TEST(a_segment_of_another_generation_is_refused)
{
	static const uint8_t other[16] = { 9 };
	struct local_node n;
	struct disk *disk;

	make_log(&n, 1);
	open_disk(&n, &disk);
	forge_segment(disk, "0000000000000004.log", 3, 2, 0, 0);
	must_go_up(&n, 0); /* It is well made. */
	local_node_stop(&n);
	reopen_disk(&n, &disk);
	forge_segment(disk, "0000000000000004.log", 3, 3, 0, 0);
	check_refused(&n, 0, ERR_CLUSTERLOG_CORRUPT, "another cluster or generation", "0000000000000004.log");
	reopen_disk(&n, &disk);
	CHECK_INT(disk_remove(disk, "0000000000000004.log"), 0);
	memcpy(&n.options.generation, other, sizeof(other));
	check_refused(&n, 0, ERR_CLUSTER_INSTANCE_ID_MISMATCH, "generation", "");
	disk_free(disk);
	local_node_done(&n);
}

TEST(a_sealed_log_is_not_continued)
{
	struct local_node n;
	struct disk *disk;

	make_log(&n, 1);
	open_disk(&n, &disk);
	forge_segment(disk, "0000000000000004.log", 3, 2, QUOLOG_SEALED, 4);
	check_refused(&n, 0, ERR_INVALID_STATE, "sealed at index 4", "another engine");
	disk_free(disk);
	local_node_done(&n);
}

TEST(a_checkpoint_that_the_log_does_not_reach_is_refused)
{
	struct local_node n;

	make_log(&n, 20);
	check_refused(&n, 1000, ERR_CLUSTERLOG_CORRUPT, "the end of the log is missing", "rueda restore");
	must_go_up(&n, 10);
	n.trimmed = 15;
	engine_trim(n.engine, 15);
	sim_loop_run_for(n.world, 5000000000);
	local_node_stop(&n);
	check_refused(&n, 3, ERR_CLUSTERLOG_CORRUPT, "files of the log are missing", "rueda restore");
	must_go_up(&n, 15);
	local_node_done(&n);
}

TEST(a_trim_removes_whole_segments_and_never_the_newest)
{
	struct local_node n;
	struct disk *disk;

	make_log(&n, 20);
	must_go_up(&n, 20);
	open_disk(&n, &disk);
	engine_trim(n.engine, 1);
	sim_loop_run_for(n.world, 5000000000);
	CHECK_STR(segment_name(&n, disk, 0), "0000000000000001.log");
	engine_trim(n.engine, n.life->shown);
	sim_loop_run_for(n.world, 5000000000);
	CHECK(strcmp(segment_name(&n, disk, 0), "0000000000000001.log") != 0);
	CHECK_INT(sim_disk_unsynced(n.medium), 1); /* The removals are durable; the mark behind the last batch is not. */
	n.trimmed = n.life->shown;
	disk_free(disk);
	local_node_stop(&n);
	must_go_up(&n, n.trimmed);
	local_node_done(&n);
}

static unsigned count_words(const char *text, const char *word)
{
	unsigned count = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		count++;
	return count;
}

TEST(proposals_that_gather_share_a_sync)
{
	struct local_node n;

	local_node_init(&n, test_seed, 1 << 20, 0);
	must_go_up(&n, 0);
	sim_loop_run_for(n.world, 5000000000);
	sim_disk_trace_start(n.medium);
	for (int i = 0; i < 1000; i++)
		check_propose(n.life, 100);
	CHECK(local_node_settle(&n));
	CHECK_INT(count_words(sim_disk_trace(n.medium), "sync "), 1);
	check_finish(n.check);
	local_node_done(&n);
}

/* How often zeros were written ahead, as the trace has it.  Whatever is synced, but for headers, lies within them. */
static unsigned count_prepared(const char *trace, size_t segment_size)
{
	char call[16] = "", name[40] = "", file[40] = "";
	size_t offset, len, prepared = 0, written = 0;
	unsigned count = 0;

	for (; *trace != 0; trace = strchr(trace, '\n') + 1) {
		int fields = sscanf(trace, "%15s %39s %zu+%zu", call, name, &offset, &len);

		if (strcmp(call, "sync") == 0 && strcmp(name, file) == 0)
			CHECK(written <= prepared);
		if (fields < 4 || offset == 0)
			continue;
		if (strcmp(name, file) != 0)
			prepared = written = 0;
		memcpy(file, name, sizeof(file));
		CHECK(offset + len <= segment_size);
		if (strcmp(call, "write") == 0) {
			written = offset + len;
		} else if (strcmp(call, "prepare") == 0) {
			CHECK_INT(offset, written);
			prepared = offset + len;
			count++;
		}
	}
	return count;
}

TEST(short_batches_are_written_over_zeros_and_few_write_those)
{
	enum { SIZE = 1 << 20, COMMANDS = 1500, LEN = 1000 };
	struct local_node n;
	unsigned count;

	local_node_init(&n, test_seed, SIZE, 0);
	sim_disk_trace_start(n.medium);
	must_go_up(&n, 0);
	for (int i = 0; i < COMMANDS; i++) {
		if (i == COMMANDS / 3) {
			local_node_stop(&n);
			must_go_up(&n, 0); /* What is prepared is not known any more. */
		}
		check_propose(n.life, LEN);
		CHECK(local_node_settle(&n));
	}
	CHECK_INT(count_words(sim_disk_trace(n.medium), "rename next.tmp"), 1);
	count = count_prepared(sim_disk_trace(n.medium), SIZE);
	CHECK(count >= COMMANDS * LEN >> 17 && count <= 20);
	check_finish(n.check);
	local_node_done(&n);
}

TEST(a_long_batch_writes_no_zeros)
{
	struct local_node n;

	local_node_init(&n, test_seed, 2 << 20, 0);
	must_go_up(&n, 0);
	sim_disk_trace_start(n.medium);
	check_propose(n.life, 200 << 10);
	CHECK(local_node_settle(&n));
	CHECK_INT(count_words(sim_disk_trace(n.medium), "prepare "), 0);
	check_propose(n.life, 100);
	CHECK(local_node_settle(&n));
	CHECK_INT(count_words(sim_disk_trace(n.medium), "prepare "), 1);
	check_finish(n.check);
	local_node_done(&n);
}

TEST(more_than_the_queue_holds_is_refused_as_busy)
{
	struct local_node n;

	local_node_init(&n, test_seed, 64 << 10, 0);
	n.options.queue_max = 10000;
	must_go_up(&n, 0);
	for (int i = 0; i < 20; i++)
		check_propose(n.life, 1000);
	CHECK(local_node_settle(&n));
	CHECK(n.check->counts[0] == 10 && n.check->counts[1] == 10);
	check_propose(n.life, 1000); /* And there is room again. */
	CHECK(local_node_settle(&n));
	CHECK_INT(n.check->counts[0], 11);
	check_finish(n.check);
	local_node_done(&n);
}

TEST(a_command_that_no_segment_holds_is_refused)
{
	struct local_node n;

	local_node_init(&n, test_seed, 4 << 20, 0);
	must_go_up(&n, 0);
	check_propose(n.life, ENGINE_COMMAND_MAX);
	check_propose(n.life, ENGINE_COMMAND_MAX + 1);
	CHECK(local_node_settle(&n));
	CHECK(n.check->counts[0] == 1 && n.check->counts[1] == 1);
	check_finish(n.check);
	local_node_stop(&n);
	must_go_up(&n, 0);
	local_node_done(&n);
	/* With the smallest segments, the limit is lower. */
	local_node_init(&n, test_seed, SEGMENT, 0);
	must_go_up(&n, 0);
	check_propose(n.life, SEGMENT - 2048);
	check_propose(n.life, SEGMENT - 2048 - 200);
	CHECK(local_node_settle(&n));
	CHECK(n.check->counts[0] == 1 && n.check->counts[1] == 1);
	local_node_done(&n);
}

TEST(a_stop_tells_every_outcome_and_a_full_queue_is_refused)
{
	struct local_node n;

	local_node_init(&n, test_seed, 64 << 10, 0);
	must_go_up(&n, 0);
	check_propose(n.life, 10);
	sim_loop_run_for(n.world, 100000);
	for (int i = 0; i < 10; i++)
		check_propose(n.life, 10);
	check_barrier(n.life);
	local_node_stop(&n);
	CHECK(n.check->counts[0] + n.check->counts[1] == 11 && n.check->counts[1] >= 10 && n.check->counts[2] == 0);
	must_go_up(&n, 0);
	check_finish(n.check);
	local_node_done(&n);
}

/* The real disk and loop. */

static struct {
	struct loop *loop;
	struct engine *engine;
	uint64_t shown, commands;
	unsigned waiting;
} real;

static void real_stopped(void *data)
{
	loop_linux_stop(real.loop);
}

static void real_event(void *data, const struct engine_event *event)
{
	CHECK_INT(event->index, real.shown + 1);
	real.shown++;
	real.commands += event->kind == ENGINE_COMMAND;
}

static void real_failed(void *data, const struct error *error)
{
	test_fail(__FILE__, __LINE__, "%s", error->text);
}

static void real_done(void *data, int result, uint64_t index)
{
	CHECK_INT(result, 0);
	CHECK_INT(index, real.shown);
	if (--real.waiting == 0)
		engine_stop(real.engine, real_stopped, NULL);
}

static void live_for_real(struct disk *disk, unsigned commands)
{
	static const struct engine_local_options options = { .node = 1, .segment_size = 64 << 10 };
	struct engine_client client = { real_event, NULL, real_failed, NULL };
	struct error error;

	real.shown = real.commands = 0;
	CHECK_INT(loop_linux_new(&real.loop), 0);
	CHECK_INT(engine_local_new(real.loop, disk, &options, &real.engine), 0);
	if (engine_start(real.engine, &client, 0, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	real.waiting = commands + 1;
	for (unsigned i = 1; i <= commands; i++)
		engine_propose(real.engine, (struct engine_id){ engine_incarnation(real.engine), i }, &client,
		    sizeof(client), real_done, NULL);
	engine_barrier(real.engine, real_done, NULL);
	loop_linux_run(real.loop);
	engine_free(real.engine);
	loop_linux_free(real.loop);
}

TEST(it_works_on_a_real_disk)
{
	struct engine_local_options options = { .node = 1, .segment_size = 64 << 10 };
	struct quolog_header header = { .name_len = 1, .name = { 'x' } };
	char path[256];
	struct disk *disk;
	struct error error;

	(void)snprintf(path, sizeof(path), "%s/log", test_directory());
	CHECK_INT(mkdir(path, 0700), 0);
	CHECK_INT(disk_linux_open(path, &disk), 0);
	memset(&header.instance, 1, sizeof(header.instance));
	memset(&header.generation.id, 2, sizeof(header.generation.id));
	CHECK_INT(loop_linux_new(&real.loop), 0);
	if (engine_local_create(real.loop, disk, &header, &options, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	loop_linux_free(real.loop);
	live_for_real(disk, 2000);
	CHECK_INT(real.commands, 2000);
	live_for_real(disk, 1);
	CHECK_INT(real.commands, 2001);
	CHECK_INT(real.shown, 2005);
	disk_free(disk);
}
