/* Questions to winbind: helpers that are slow, fail, talk nonsense or never end, and clients that do not wait for them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/winbind.h"
#include "base/sid.h"
#include "ruedad/serve/winbind_message.h"
#include "sim/loop.h"
#include "sim/proc.h"
#include "tests/lib/failalloc.h"

#define S_NS UINT64_C(1000000000)

static struct rig {
	struct loop *loop;
	struct proc *proc;
	struct winbind *winbind;
	struct ntlm_authority *authority;
	/* What the helper does next. */
	struct winbind_answer answer;
	struct sim_proc_play play;
	struct buf output;
	bool is_raw; /* The output is play's. */
	/* What it was asked. */
	unsigned looks, checks;
	char users[256][8]; /* In their order. */
} rig;

static const uint8_t key[NTLM_KEY_SIZE] = { 1, 2, 3 };
static const uint8_t nonce[NTLM_NONCE_SIZE] = { 9, 8, 7 };

static struct ntlm_part part(const char *text)
{
	return (struct ntlm_part){ text, strlen(text) };
}

static void player(void *data, const struct proc_command *command, struct sim_proc_play *play)
{
	struct winbind_question q;

	CHECK_STR(command->argv[0], "/proc/self/exe");
	CHECK_STR(command->argv[1], "--as-winbind");
	CHECK_INT(winbind_take_question(command->input, command->input_len, &q), 0);
	*play = rig.play;
	rig.looks += q.kind == WINBIND_LOOK;
	if (q.kind == WINBIND_CHECK) {
		CHECK_MEM(q.nonce, nonce, sizeof(nonce));
		CHECK(q.response.len == 5 && memcmp(q.response.data, "proof", 5) == 0);
		CHECK(q.domain.len == 2 && memcmp(q.domain.data, "AD", 2) == 0);
		CHECK(q.user.len < sizeof(rig.users[0]));
		memcpy(rig.users[rig.checks], q.user.data, q.user.len);
		rig.users[rig.checks++][q.user.len] = 0;
	}
	if (rig.is_raw)
		return;
	rig.output.len = 0;
	winbind_put_answer(&rig.output, &rig.answer);
	play->output = rig.output.data;
	play->output_len = rig.output.len;
}

static void start(void)
{
	rig = (struct rig){ 0 };
	CHECK_INT(sim_loop_new(1, &rig.loop), 0);
	CHECK_INT(sim_proc_new(rig.loop, player, NULL, &rig.proc), 0);
	CHECK_INT(winbind_new(rig.loop, rig.proc, &rig.winbind), 0);
	rig.authority = winbind_authority(rig.winbind);
	rig.play.takes_ns = S_NS;
}

static void on_stopped(void *data)
{
	*(bool *)data = true;
}

static void stop(void)
{
	bool stopped = false;

	winbind_stop(rig.winbind, on_stopped, &stopped);
	(void)sim_loop_run_until_idle(rig.loop, S_NS / 10); /* Nobody waits for a helper. */
	CHECK(stopped);
	winbind_free(rig.winbind);
	proc_free(rig.proc);
	sim_loop_free(rig.loop);
	buf_done(&rig.output);
}

struct asker {
	struct ntlm_inquiry inquiry;
	unsigned answers;
};

static void on_answered(struct ntlm_inquiry *q)
{
	struct asker *a = container_of(q, struct asker, inquiry);

	CHECK(q->asked == NULL);
	a->answers++;
}

static int look(struct asker *a)
{
	*a = (struct asker){ .inquiry.answered = on_answered };
	return rig.authority->look(rig.authority, &a->inquiry);
}

static int check(struct asker *a, struct u16 user)
{
	const struct ntlm_proof proof = {
		.user = user, .domain = U16("AD"), .nonce = nonce, .response = { "proof", 5 }
	};

	*a = (struct asker){ .inquiry.answered = on_answered };
	return rig.authority->check(rig.authority, &a->inquiry, &proof);
}

static void asker_done(struct asker *a)
{
	rig.authority->forget(rig.authority, &a->inquiry);
	rpc_sids_unref(a->inquiry.sids);
}

static void run_for(unsigned seconds)
{
	sim_loop_run_for(rig.loop, seconds * S_NS);
}

static struct winbind_answer domain_answer(void)
{
	return (struct winbind_answer){ .status = WINBIND_OK, .computer = part("MEMBER"), .domain = part("AD") };
}

static struct winbind_answer user_answer(void)
{
	return (struct winbind_answer){ .status = WINBIND_OK, .key = key, .name = part("AD\\alice") };
}

TEST(whether_there_is_a_domain_is_asked_once_in_a_while)
{
	struct asker a;

	start();
	rig.answer = domain_answer();
	CHECK_INT(look(&a), RPC_STEP_LATER);
	CHECK_INT(a.answers, 0);
	run_for(2);
	CHECK_INT(a.answers, 1);
	CHECK(u16_equal_exact(rig.authority->computer, U16("MEMBER")));
	CHECK(u16_equal_exact(rig.authority->domain, U16("AD")));
	CHECK_INT(look(&a), 0);
	run_for(WINBIND_FRESH_S);
	rig.answer = (struct winbind_answer){ .status = WINBIND_ABSENT, .why = part("it has gone") };
	CHECK_INT(look(&a), RPC_STEP_LATER);
	run_for(2);
	CHECK_INT(rig.authority->domain.len, 0);
	CHECK_INT(look(&a), 0); /* That is known for a while, too. */
	CHECK_INT(rig.looks, 2);
	stop();
}

TEST(those_who_look_at_the_same_time_share_the_answer)
{
	struct asker a[3 * WINBIND_AT_A_TIME];

	start();
	rig.answer = domain_answer();
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		CHECK_INT(look(&a[i]), RPC_STEP_LATER);
	run_for(2);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		CHECK_INT(a[i].answers, 1);
	CHECK_INT(rig.looks, WINBIND_AT_A_TIME);
	stop();
}

TEST(a_helper_that_cannot_say_means_no_domain_and_holds_nobody_up_for_long)
{
	static const struct sim_proc_play plays[] = { { .takes_ns = SIM_PROC_FOREVER }, { .exit_status = 127 },
		{ .signal = 11 }, { .output = "rubbish", .output_len = 7 }, { .error = -ENOENT } };

	for (size_t i = 0; i < ARRAY_SIZE(plays); i++) {
		struct asker a;

		start();
		rig.play = plays[i];
		rig.is_raw = true;
		CHECK_INT(look(&a), plays[i].error == 0 ? RPC_STEP_LATER : 0);
		run_for(WINBIND_LOOK_S + 1);
		CHECK_INT(a.answers, plays[i].error == 0);
		CHECK_INT(rig.authority->domain.len, 0);
		CHECK_INT(look(&a), 0);
		stop();
	}
}

TEST(a_user_has_the_key_the_name_and_those_sids_that_a_domain_may_give)
{
	_cleanup_(buf_done) struct buf sids = { 0 };
	static const char *const texts[] = { "S-1-5-21-1-2-3-1104", "S-1-5-32-544", "S-1-1-0", "S-1-5-21-1-2-3-513",
		"S-1-22-1-0", "S-1-18-1" };
	struct asker a;
	struct sid sid;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CHECK_INT(sid_parse(texts[i], &sid), 0);
		buf_append(&sids, sid.bytes, sid_len(&sid));
	}
	start();
	rig.answer = user_answer();
	rig.answer.sids = (struct ntlm_part){ sids.data, sids.len };
	CHECK_INT(check(&a, U16("alice")), RPC_STEP_LATER);
	run_for(2);
	CHECK_INT(a.answers, 1);
	CHECK_INT(a.inquiry.result, 0);
	CHECK_MEM(a.inquiry.base, key, sizeof(key));
	CHECK_STR(a.inquiry.name, "AD\\alice");
	CHECK_INT(a.inquiry.sids->len, 2 * 28 + 12);
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(texts); i++) {
		bool is_taken = i == 0 || i == 3 || i == 5;

		CHECK_INT(sid_parse(texts[i], &sid), 0);
		if (is_taken)
			CHECK_MEM(a.inquiry.sids->bytes + at, sid.bytes, sid_len(&sid));
		at += is_taken ? sid_len(&sid) : 0;
	}
	asker_done(&a);
	stop();
}

TEST(a_refusal_is_one_and_trouble_is_none)
{
	static const struct {
		enum winbind_status status;
		int result;
	} cases[] = { { WINBIND_DENIED, ERR_ACCESS_DENIED }, { WINBIND_ABSENT, -EAGAIN },
		{ WINBIND_FORBIDDEN, -EAGAIN }, { WINBIND_FAILED, -EAGAIN } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct asker a;

		start();
		rig.answer = user_answer();
		rig.answer.status = cases[i].status;
		rig.answer.why = part("for a reason");
		CHECK_INT(check(&a, U16("alice")), RPC_STEP_LATER);
		run_for(2);
		CHECK_INT(a.answers, 1);
		CHECK_INT(a.inquiry.result, cases[i].result);
		CHECK(a.inquiry.sids == NULL && a.inquiry.name[0] == 0);
		asker_done(&a);
		stop();
	}
}

TEST(a_helper_that_fails_or_never_ends_lets_nobody_in)
{
	static const struct sim_proc_play plays[] = { { .takes_ns = SIM_PROC_FOREVER }, { .exit_status = 1 },
		{ .signal = 9 }, { .output = "\0", .output_len = 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(plays); i++) {
		struct asker a;

		start();
		rig.play = plays[i];
		rig.is_raw = true;
		CHECK_INT(check(&a, U16("alice")), RPC_STEP_LATER);
		run_for(WINBIND_CHECK_S - 1);
		CHECK_INT(a.answers, plays[i].takes_ns == 0);
		run_for(2);
		CHECK_INT(a.answers, 1);
		CHECK_INT(a.inquiry.result, -EAGAIN);
		asker_done(&a);
		stop();
	}
}

/* A helper that ends well but with another status than 0 has not said it. */
TEST(only_a_helper_that_succeeds_is_believed)
{
	struct asker a;

	start();
	rig.answer = user_answer();
	rig.play.exit_status = 1;
	CHECK_INT(check(&a, U16("alice")), RPC_STEP_LATER);
	run_for(2);
	CHECK_INT(a.inquiry.result, -EAGAIN);
	asker_done(&a);
	stop();
}

static const char16_t letters[] = u"abcdefghijklmnopqrstuvwxyz";

TEST(so_many_are_asked_at_a_time_and_the_others_in_their_order)
{
	struct asker a[12];

	start();
	rig.answer = user_answer();
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		CHECK_INT(check(&a[i], (struct u16){ letters + i, 1 }), RPC_STEP_LATER);
	for (unsigned round = 1; round <= ARRAY_SIZE(a) / WINBIND_AT_A_TIME; round++) {
		CHECK_INT(rig.checks, round * WINBIND_AT_A_TIME);
		sim_loop_run_for(rig.loop, S_NS + S_NS / 100);
	}
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		CHECK_INT(a[i].answers, 1);
		CHECK_INT(rig.users[i][0], 'a' + i);
		asker_done(&a[i]);
	}
	stop();
}

TEST(too_many_are_turned_away_at_once)
{
	enum { MOST = WINBIND_AT_A_TIME + WINBIND_WAITING_MAX };
	static struct asker a[MOST + 1];

	start();
	rig.play.takes_ns = SIM_PROC_FOREVER;
	for (size_t i = 0; i < MOST; i++)
		CHECK_INT(check(&a[i], U16("x")), RPC_STEP_LATER);
	CHECK_INT(check(&a[MOST], U16("x")), -EAGAIN);
	CHECK_INT(rig.checks, WINBIND_AT_A_TIME);
	rig.authority->forget(rig.authority, &a[MOST - 1].inquiry);
	CHECK_INT(check(&a[MOST], U16("x")), RPC_STEP_LATER);
	rig.authority->forget(rig.authority, &a[MOST].inquiry);
	for (size_t i = MOST - 1; i-- > 0;) /* The waiting ones first: else those that are let in die at the stop. */
		rig.authority->forget(rig.authority, &a[i].inquiry);
	CHECK_INT(rig.checks, WINBIND_AT_A_TIME);
	stop();
	for (size_t i = 0; i <= MOST; i++)
		CHECK_INT(a[i].answers, 0);
}

TEST(who_does_not_wait_any_more_makes_room)
{
	struct asker slow[WINBIND_AT_A_TIME], next;

	start();
	rig.play.takes_ns = SIM_PROC_FOREVER;
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		CHECK_INT(check(&slow[i], U16("slow")), RPC_STEP_LATER);
	rig.play.takes_ns = S_NS;
	rig.answer = user_answer();
	CHECK_INT(check(&next, U16("next")), RPC_STEP_LATER);
	run_for(2);
	CHECK_INT(next.answers, 0);
	asker_done(&slow[0]);
	run_for(2);
	CHECK_INT(next.answers, 1);
	CHECK_INT(next.inquiry.result, 0);
	CHECK_INT(slow[0].answers, 0);
	for (size_t i = 1; i < ARRAY_SIZE(slow); i++)
		asker_done(&slow[i]);
	asker_done(&next);
	stop();
}

TEST(a_look_of_which_nobody_heard_says_nothing)
{
	struct asker a;

	start();
	rig.play.takes_ns = SIM_PROC_FOREVER;
	CHECK_INT(look(&a), RPC_STEP_LATER);
	asker_done(&a);
	run_for(1);
	rig.play.takes_ns = 1;
	rig.answer = domain_answer();
	CHECK_INT(look(&a), RPC_STEP_LATER);
	run_for(1);
	CHECK_INT(rig.authority->domain.len, 2);
	stop();
}

TEST(names_that_no_domain_can_have_are_not_asked_for)
{
	static const char16_t lone[] = { 'a', 0xd800 }, line[] = { 'a', '\n' }, del[] = { 0x7f },
			      zero[] = { 'a', 0, 'b' };
	static const struct u16 names[] = { { lone, 2 }, { line, 2 }, { del, 1 }, { zero, 3 } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct asker a;

		start();
		CHECK_INT(check(&a, names[i]), ERR_ACCESS_DENIED);
		stop();
	}
}

TEST(a_message_that_is_cut_or_longer_is_refused)
{
	struct winbind_question q = { .kind = WINBIND_CHECK,
		.user = part("alice"),
		.domain = part("AD"),
		.nonce = nonce,
		.response = part("proof") },
				q2;
	struct winbind_answer a = user_answer(), a2;
	_cleanup_(buf_done) struct buf bytes = { 0 };
	struct sid sid;

	CHECK_INT(sid_parse("S-1-5-21-1-2-3-513", &sid), 0);
	a.sids = (struct ntlm_part){ sid.bytes, sid_len(&sid) };
	a.why = part("why");
	winbind_put_answer(&bytes, &a);
	CHECK_INT(winbind_take_answer(bytes.data, bytes.len, &a2), 0);
	CHECK(a2.why.len == 3 && a2.sids.len == 28 && memcmp(a2.key, key, sizeof(key)) == 0);
	for (size_t cut = 0; cut < bytes.len; cut++)
		CHECK_INT(winbind_take_answer(bytes.data, cut, &a2), -EBADMSG);
	buf_u8(&bytes, 0);
	CHECK_INT(winbind_take_answer(bytes.data, bytes.len, &a2), -EBADMSG);
	bytes.len = 0;
	winbind_put_question(&bytes, &q);
	CHECK_INT(winbind_take_question(bytes.data, bytes.len, &q2), 0);
	CHECK(q2.user.len == 5 && q2.domain.len == 2 && q2.response.len == 5);
	for (size_t cut = 0; cut < bytes.len; cut++)
		CHECK_INT(winbind_take_question(bytes.data, cut, &q2), -EBADMSG);
	buf_u8(&bytes, 0);
	CHECK_INT(winbind_take_question(bytes.data, bytes.len, &q2), -EBADMSG);
}

TEST(a_message_with_wrong_parts_is_refused)
{
	static const char *const texts[] = { "a\nb", "\x7f" };
	_cleanup_(buf_done) struct buf bytes = { 0 };
	struct winbind_answer a, a2;

	for (size_t i = 0; i < ARRAY_SIZE(texts) + 3; i++) {
		a = user_answer();
		if (i < ARRAY_SIZE(texts))
			a.name = part(texts[i]);
		else if (i == ARRAY_SIZE(texts))
			a.sids = part("not a SID");
		else if (i == ARRAY_SIZE(texts) + 1)
			a.status = WINBIND_FAILED + 1;
		bytes.len = 0;
		winbind_put_answer(&bytes, &a);
		CHECK_INT(winbind_take_answer(bytes.data, bytes.len, &a2), i == ARRAY_SIZE(texts) + 2 ? 0 : -EBADMSG);
	}
}

TEST(each_failed_allocation_is_survived)
{
	FAIL_EACH_ALLOCATION
	{
		struct asker a = { 0 };
		uint64_t left;
		int r;

		left = failalloc_left();
		failalloc_arm(0);
		start();
		rig.answer = user_answer();
		failalloc_arm(left);
		r = check(&a, U16("alice"));
		CHECK(r == RPC_STEP_LATER || (failalloc_hit() && (r == -ENOMEM || r == -EAGAIN)));
		run_for(2);
		CHECK(a.answers == (r == RPC_STEP_LATER));
		CHECK(failalloc_hit() || a.inquiry.result == 0);
		CHECK(a.inquiry.result == 0 || a.inquiry.sids == NULL);
		asker_done(&a);
		stop();
	}
}
