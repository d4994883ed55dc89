/* follow: what is outside the database is put back before its resource starts, saved when it changes, and saved at its end;
 * what was not put back is never saved.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/follow.h"
#include "priv/client.h"
#include "ruedad/blobs.h"
#include "tests/lib/sim_outside.h"
#include "tests/lib/test.h"
#include <poll.h>

#define SECOND UINT64_C(1000000000)
#define KEY U16("SOFTWARE\\App")
#define OTHER U16("SOFTWARE\\Other")

/* An online resource with one checkpoint, that holds 1. */
static void begin_online(struct outside *o, uint64_t seed)
{
	test_note_seed(seed);
	outside_begin(o, seed);
	outside_set(o, KEY, 1);
	CHECK_INT(outside_add(o, KEY), 0);
	outside_ask(o, true);
	outside_wait_state(o, RESOURCE_ONLINE);
}

static struct u16 numbered(unsigned n, char16_t units[24])
{
	memcpy(units, u"SOFTWARE\\Many000", 16 * sizeof(char16_t));
	for (unsigned i = 0; i < 3; i++, n /= 10)
		units[15 - i] = (char16_t)('0' + n % 10);
	return (struct u16){ units, 16 };
}

static void go_offline(struct outside *o)
{
	outside_ask(o, false);
	outside_wait_state(o, RESOURCE_OFFLINE);
}

static void go_online(struct outside *o)
{
	outside_ask(o, true);
	outside_wait_state(o, RESOURCE_ONLINE);
}

static void run_for(struct outside *o, uint64_t ns)
{
	sim_loop_run_for(o->sim.world, ns);
}

TEST(a_change_while_it_is_online_is_saved_within_seconds)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		run_for(&o, 4 * SECOND);
		CHECK_INT(outside_saved(&o, KEY), 2);
		outside_end(&o);
	}
}

TEST(a_change_while_it_is_offline_is_overwritten_before_it_is_online)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		go_offline(&o);
		outside_set(&o, KEY, 2);
		run_for(&o, 100 * SECOND);
		CHECK_INT(outside_saved(&o, KEY), 1);
		go_online(&o);
		CHECK_INT(outside_get(&o, KEY), 1);
		outside_end(&o);
	}
}

TEST(everything_is_saved_before_it_is_offline)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		go_offline(&o);
		CHECK_INT(outside_saved(&o, KEY), 2);
		outside_end(&o);
	}
}

TEST(everything_is_saved_before_the_service_has_stopped_and_put_back_at_the_next_start)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		sim_service_stop(&o.sim);
		outside_wait(&o, &o.sim.stopped);
		outside_restart(&o, SIM_DISK_POWER_CUT);
		outside_wait_state(&o, RESOURCE_ONLINE);
		CHECK_INT(outside_saved(&o, KEY), 2);
		CHECK_INT(outside_get(&o, KEY), 2);
		outside_end(&o);
	}
}

TEST(what_was_saved_is_put_back_after_a_crash_too)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		run_for(&o, 4 * SECOND);
		outside_set(&o, KEY, 3); /* And nobody has noticed. */
		outside_restart(&o, SIM_DISK_DEATH);
		outside_wait_state(&o, RESOURCE_ONLINE);
		CHECK(outside_get(&o, KEY) == outside_saved(&o, KEY));
		outside_end(&o);
	}
}

TEST(what_was_not_saved_when_the_process_died_is_saved_at_the_next_start_and_not_overwritten)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		run_for(&o, i % 2 * 4 * SECOND);
		outside_set(&o, OTHER, 4);
		CHECK_INT(outside_add(&o, OTHER), 0);
		outside_set(&o, KEY, 3); /* And nobody has noticed. */
		outside_set(&o, OTHER, 5);
		outside_restart(&o, SIM_DISK_DEATH);
		outside_wait_state(&o, RESOURCE_ONLINE);
		CHECK(outside_get(&o, KEY) == 3 && outside_saved(&o, KEY) == 3);
		CHECK(outside_get(&o, OTHER) == 5 && outside_saved(&o, OTHER) == 5);
		outside_end(&o);
	}
}

TEST(what_was_saved_at_its_end_is_put_back_whatever_happened_since)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		go_offline(&o);
		run_for(&o, SECOND);
		outside_restart(&o, i % 2 == 0 ? SIM_DISK_DEATH : SIM_DISK_POWER_CUT);
		outside_set(&o, KEY, 7);
		go_online(&o);
		CHECK(outside_get(&o, KEY) == 2 && outside_saved(&o, KEY) == 2);
		outside_end(&o);
	}
}

/* What was written and not synced is gone then, but may have been saved. */
TEST(after_a_power_cut_under_a_running_resource_what_was_saved_is_put_back)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, KEY, 2);
		run_for(&o, 4 * SECOND);
		outside_set(&o, KEY, 1); /* As if what came after it had been lost. */
		outside_restart(&o, SIM_DISK_POWER_CUT);
		outside_wait_state(&o, RESOURCE_ONLINE);
		CHECK(outside_get(&o, KEY) == 2 && outside_saved(&o, KEY) == 2);
		outside_end(&o);
	}
}

TEST(a_source_that_was_left_unsaved_and_is_gone_is_put_back)
{
	struct outside o;

	begin_online(&o, test_seed);
	outside_set(&o, KEY, 2);
	run_for(&o, 4 * SECOND);
	outside_remove(&o, KEY);
	outside_restart(&o, SIM_DISK_DEATH);
	outside_wait_state(&o, RESOURCE_ONLINE);
	CHECK(outside_get(&o, KEY) == 2 && outside_saved(&o, KEY) == 2);
	outside_end(&o);
}

TEST(a_checkpoint_that_is_added_while_it_is_online_is_watched_and_a_deleted_one_is_not)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		struct checkpoint c;
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, OTHER, 1);
		CHECK_INT(outside_add(&o, OTHER), 0);
		outside_set(&o, OTHER, 2); /* Before it is watched, perhaps. */
		run_for(&o, 4 * SECOND);
		CHECK_INT(outside_saved(&o, OTHER), 2);
		CHECK_INT(outside_delete(&o, KEY), 0);
		outside_set(&o, KEY, 2);
		outside_set(&o, OTHER, 3);
		run_for(&o, 20 * SECOND);
		CHECK(!outside_checkpoint(&o, KEY, &c));
		CHECK_INT(outside_saved(&o, OTHER), 3);
		/* The number of the first is free again. */
		CHECK_INT(outside_add(&o, KEY), 0);
		outside_set(&o, KEY, 4);
		run_for(&o, 20 * SECOND);
		CHECK_INT(outside_saved(&o, KEY), 4);
		CHECK_INT(outside_saved(&o, OTHER), 3);
		outside_end(&o);
	}
}

static void spoil(struct outside *o, struct u16 key)
{
	struct checkpoint c;
	struct disk_file *f;
	char name[BLOB_NAME_MAX];

	CHECK(outside_checkpoint(o, key, &c));
	blob_name(outside_service(o)->generation, &c.digest, name);
	CHECK_INT(disk_open(outside_service(o)->disk, name, DISK_WRITE, 0600, &f), 0);
	CHECK_INT(file_write(f, c.length / 2, "!", 1), 0);
	file_close(f);
}

static const char *why(struct outside *o, char text[2 * RESOURCE_TEXT_MAX])
{
	return u16_to_utf8_buffer(
	    u16_from_z(resource_run_find(cluster_groups(outside_service(o)->cluster), &o->resource)->text), text,
	    2 * RESOURCE_TEXT_MAX);
}

TEST(what_cannot_be_put_back_keeps_it_from_starting_and_is_never_saved_over_what_is_saved)
{
	for (uint64_t i = 0; i < test_rounds(20); i++) {
		char text[2 * RESOURCE_TEXT_MAX];
		struct checkpoint before, after;
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, OTHER, 1);
		CHECK_INT(outside_add(&o, OTHER), 0);
		go_offline(&o);
		outside_set(&o, KEY, 7);
		outside_set(&o, OTHER, 8);
		spoil(&o, KEY);
		CHECK(outside_checkpoint(&o, KEY, &before));
		outside_ask(&o, true);
		outside_wait_state(&o, RESOURCE_FAILED);
		run_for(&o, 60 * SECOND); /* It is tried again, and fails again. */
		CHECK_INT(outside_state(&o), RESOURCE_FAILED);
		CHECK(strstr(why(&o, text), "\"SOFTWARE\\App\" could not be put back: the saved state") != NULL);
		CHECK_INT(outside_get(&o, KEY), 7);
		CHECK_INT(outside_saved(&o, OTHER), 1);
		outside_set(&o, KEY, 9);
		outside_ask(&o, false);
		outside_wait_state(&o, RESOURCE_OFFLINE);
		CHECK(outside_checkpoint(&o, KEY, &after));
		CHECK(after.captured == before.captured && digest_equal(&before.digest, &after.digest));
		/* The way out: the source as it is becomes the checkpoint. */
		CHECK_INT(outside_delete(&o, KEY), 0);
		CHECK_INT(outside_add(&o, KEY), 0);
		go_online(&o);
		CHECK_INT(outside_get(&o, KEY), 9);
		CHECK_INT(outside_get(&o, OTHER), 1);
		outside_end(&o);
	}
}

/* More than a hive may have. */
static void make_too_large(struct outside *o)
{
	outside_fill(o, U16("SOFTWARE\\App\\one"), 600 << 10);
	outside_fill(o, U16("SOFTWARE\\App\\two"), 600 << 10);
}

TEST(what_cannot_be_saved_is_tried_again_and_told_at_the_end_and_what_was_saved_stays)
{
	char text[2 * RESOURCE_TEXT_MAX];
	struct outside o;

	begin_online(&o, test_seed);
	outside_set(&o, KEY, 2);
	run_for(&o, 4 * SECOND);
	make_too_large(&o);
	run_for(&o, 100 * SECOND);
	CHECK_INT(outside_saved(&o, KEY), 2);
	go_offline(&o);
	CHECK(strstr(why(&o, text), "\"SOFTWARE\\App\" could not be saved: ") != NULL);
	CHECK_INT(outside_saved(&o, KEY), 2);
	/* Nothing older is put over it, though it still cannot be saved, and whatever the machine does meanwhile. */
	outside_set(&o, KEY, 3);
	outside_restart(&o, SIM_DISK_POWER_CUT);
	go_online(&o);
	CHECK_INT(outside_get(&o, KEY), 3);
	CHECK_INT(outside_saved(&o, KEY), 2);
	run_for(&o, 100 * SECOND);
	outside_remove(&o, U16("SOFTWARE\\App\\one"));
	run_for(&o, 100 * SECOND);
	CHECK_INT(outside_saved(&o, KEY), 3);
	outside_end(&o);
}

TEST(a_source_that_changes_for_ever_is_saved_seldom_and_never_forgotten)
{
	struct checkpoint c;
	uint64_t captured = 0;
	unsigned saves = 0;
	struct outside o;

	begin_online(&o, test_seed);
	for (unsigned i = 2; i < 1200; i++) {
		outside_set(&o, KEY, i);
		run_for(&o, SECOND / 2);
		CHECK(outside_checkpoint(&o, KEY, &c));
		saves += c.captured != captured;
		captured = c.captured;
		CHECK(i < 100 || outside_saved(&o, KEY) + 80 > i);
	}
	CHECK(saves > 15 && saves < 40);
	run_for(&o, 40 * SECOND);
	CHECK_INT(outside_saved(&o, KEY), 1199);
	outside_end(&o);
}

TEST(saving_at_the_end_is_bounded_in_time_and_what_had_no_time_is_told)
{
	char16_t units[24];
	char text[2 * RESOURCE_TEXT_MAX];
	struct outside o;
	uint64_t began;

	begin_online(&o, 10); /* A story: other seeds have works that take hours. */
	for (unsigned i = 0; i < 30; i++) {
		outside_set(&o, numbered(i, units), 1);
		CHECK_INT(outside_add(&o, numbered(i, units)), 0);
	}
	outside_set(&o, KEY, 2);
	sim_loop_set_work_delay(outside_service(&o)->loop, 8 * SECOND, 9 * SECOND);
	began = sim_loop_time_ns(o.sim.world);
	go_offline(&o);
	CHECK(sim_loop_time_ns(o.sim.world) - began >= FOLLOW_END_NS);
	CHECK(sim_loop_time_ns(o.sim.world) - began < FOLLOW_END_NS + 60 * SECOND);
	CHECK(strstr(why(&o, text), "could not be saved: ") != NULL);
	for (unsigned i = 0; i < 30; i++)
		CHECK_INT(outside_saved(&o, numbered(i, units)), 1);
	sim_loop_set_work_delay(outside_service(&o)->loop, 1000, 1000000);
	go_online(&o);
	outside_end(&o);
}

/* Putting back this file hangs until it is cancelled. */
static bool hangs;

static int hanging_tree(struct sim_service *s, const struct priv_tree *what, struct error *error)
{
	struct pollfd cancelled = { .fd = what->cancel_fd, .events = POLLIN };

	if (!what->puts) {
		buf_append(what->hive, "file", 4);
		return what->hive->error;
	}
	if (!hangs)
		return 0;
	sim_loop_yield(s->world, 400 * SECOND); /* Meanwhile everything else goes on. */
	CHECK_INT(poll(&cancelled, 1, 0), 1);
	return error_set(error, ERR_CANCELLED, "it was cancelled");
}

static void ask_offline(void *data)
{
	outside_ask(data, false);
}

TEST(putting_back_that_hangs_ends_with_the_time_out_or_when_asked_to_and_says_what_it_was_at)
{
	char text[2 * RESOURCE_TEXT_MAX];
	struct loop_timer *timer;
	struct outside o;

	begin_online(&o, 1); /* A story: other seeds have works that take hours. */
	o.sim.tree = hanging_tree;
	CHECK_INT(outside_add(&o, U16("File\\etc\\app")), 0);
	go_offline(&o);
	outside_set(&o, KEY, 7);
	hangs = true;
	outside_ask(&o, true);
	outside_wait_state(&o, RESOURCE_FAILED);
	/* Or the other one, if its worker has not come back from whatever it was at. */
	CHECK(strstr(why(&o, text), "\" was still being put back") != NULL);
	outside_ask(&o, true);
	CHECK_INT(loop_timer_new(o.sim.world, ask_offline, &o, &timer), 0);
	loop_timer_start(timer, 20 * SECOND);
	outside_wait_state(&o, RESOURCE_OFFLINE);
	run_for(&o, 30 * SECOND);
	CHECK_INT(outside_state(&o), RESOURCE_OFFLINE);
	CHECK_INT(outside_saved(&o, KEY), 1);
	hangs = false;
	go_online(&o);
	CHECK_INT(outside_get(&o, KEY), 1);
	loop_timer_free(timer);
	outside_end(&o);
}

/* A sweep becomes due while another one runs: whoever saves then waits for the first, and for no other that nobody begins. */
TEST(saving_does_not_wait_for_ever_for_a_sweep)
{
	unsigned met = 0;

	for (uint64_t i = 0; i < test_rounds(30); i++) {
		struct service *s;
		struct outside o;

		begin_online(&o, test_seed + i);
		s = outside_service(&o);
		outside_set(&o, OTHER, 1);
		for (unsigned n = 0; n < 3000 && !(s->blobs.sweep != NULL && s->blobs.checkpoint != NULL); n++) {
			service_checkpoint(s);
			CHECK(sim_loop_step(o.sim.world));
		}
		met += s->blobs.sweep != NULL && s->blobs.checkpoint != NULL;
		run_for(&o, 2 * SECOND);
		CHECK_INT(outside_add(&o, OTHER), 0);
		outside_end(&o);
	}
	CHECK(met > 0);
}

TEST(many_checkpoints_are_put_back_saved_and_watched)
{
	enum { MANY = 100 };
	char16_t units[24];
	struct outside o;

	begin_online(&o, test_seed);
	for (unsigned i = 0; i < MANY; i++) {
		outside_set(&o, numbered(i, units), 1);
		CHECK_INT(outside_add(&o, numbered(i, units)), 0);
	}
	for (unsigned i = 0; i < MANY; i++)
		outside_set(&o, numbered(i, units), 2);
	go_offline(&o);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK_INT(outside_saved(&o, numbered(i, units)), 2);
		outside_set(&o, numbered(i, units), 3);
	}
	go_online(&o);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK_INT(outside_get(&o, numbered(i, units)), 2);
		outside_set(&o, numbered(i, units), 4);
	}
	run_for(&o, 20 * SECOND);
	for (unsigned i = 0; i < MANY; i++)
		CHECK_INT(outside_saved(&o, numbered(i, units)), 4);
	outside_end(&o);
}

/* Offline is asked for at any moment of putting back: nothing that was not put back is saved. */
TEST(putting_back_that_is_cancelled_saves_nothing)
{
	for (uint64_t i = 0; i < test_rounds(100); i++) {
		struct outside o;

		begin_online(&o, test_seed + i);
		outside_set(&o, OTHER, 1);
		CHECK_INT(outside_add(&o, OTHER), 0);
		go_offline(&o);
		outside_set(&o, KEY, 7);
		outside_set(&o, OTHER, 7);
		outside_ask(&o, true);
		for (uint64_t n = i; n > 0 && outside_state(&o) != RESOURCE_ONLINE; n--)
			CHECK(sim_loop_step(o.sim.world));
		outside_ask(&o, false);
		run_for(&o, 10 * SECOND);
		CHECK_INT(outside_state(&o), RESOURCE_OFFLINE);
		CHECK_INT(outside_saved(&o, KEY), 1);
		CHECK_INT(outside_saved(&o, OTHER), 1);
		go_online(&o);
		CHECK(outside_get(&o, KEY) == 1 && outside_get(&o, OTHER) == 1);
		outside_end(&o);
	}
}

/* The nth call of the disk fails, or is the last.  puts: while it is put back, else while it is saved. */
static bool interrupt(uint64_t nth, int how, bool puts)
{
	uint32_t changed = puts ? 9 : 2;
	struct outside o;
	uint64_t until;
	bool hit;

	begin_online(&o, test_seed + nth);
	if (puts)
		go_offline(&o);
	outside_set(&o, KEY, changed);
	if (how == 0)
		sim_disk_fail_at(o.sim.state, SIM_DISK_ANY, nth, -EIO);
	else
		sim_disk_stop_at(o.sim.state, SIM_DISK_ANY, nth, (enum sim_disk_stop)how);
	outside_ask(&o, puts);
	until = sim_loop_time_ns(o.sim.world) + 10 * SECOND;
	while (!outside_is_over(&o) && sim_loop_time_ns(o.sim.world) < until)
		CHECK(sim_loop_step(o.sim.world));
	hit = outside_is_over(&o) || (how == 0 && sim_disk_has_failed(o.sim.state));
	sim_disk_fail_at(o.sim.state, SIM_DISK_ANY, 0, -EIO);
	sim_disk_stop_at(o.sim.state, SIM_DISK_ANY, 0, SIM_DISK_DEATH);
	/* Whatever was done: both are whole, and what was not put back was not saved. */
	outside_restart(&o, how == SIM_DISK_POWER_CUT ? SIM_DISK_POWER_CUT : SIM_DISK_DEATH);
	CHECK(outside_saved(&o, KEY) == 1 || (!puts && outside_saved(&o, KEY) == 2));
	CHECK(outside_get(&o, KEY) == changed || outside_get(&o, KEY) == 1);
	run_for(&o, 10 * SECOND);
	go_online(&o);
	CHECK_INT(outside_get(&o, KEY), outside_saved(&o, KEY));
	outside_end(&o);
	return hit;
}

TEST(a_failure_or_the_end_at_any_step_of_saving_and_putting_back_leaves_both_whole)
{
	static const int ways[] = { SIM_DISK_POWER_CUT, SIM_DISK_DEATH, 0 };

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		uint64_t nth = 1;

		while (interrupt(nth, ways[i / 2], i % 2 == 0))
			nth++;
		CHECK(nth > 10);
	}
}
