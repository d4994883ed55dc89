/* winbind: logins of a domain's accounts by NTLM, where Samba's winbindd runs.
 *
 * Why      an account of a domain has its hash at the domain's controller and nowhere else.  winbindd, on a machine that
 *          has joined, has the way there: it is told the challenge and the client's response, and answers with the session
 *          key and the SIDs of the user and his groups.
 * How      its library (libwbclient) blocks, for minutes if winbindd hangs, and cannot be stopped.  So each question is put by a
 *          process of its own, this program again as --as-winbind (winbind_helper.c), that ends with its answer, at a
 *          deadline, or when nobody waits for it any more:
 *
 *              look, check ─► waiting ─► a helper runs ─► answered
 *                                └─ forget ─┴─► gone without a word
 *
 *          At most WINBIND_AT_A_TIME run; the others wait in their order, and too many are refused.
 *          What look() has found out holds for WINBIND_FRESH_S, so that a machine without winbind does without helpers.
 * Promise  the loop never waits.  What goes wrong here is no wrong password (-EAGAIN), and one line in a while says what to do.
 *          Only SIDs that a domain may give count (sid_is_of_domain()), as with a ticket.
 * Threads  the loop's.     Limits  winbind.h.
 * Design   docs/design/authentication.md     Tests  tests/unit/winbind.c, tests/interop/winbind.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/winbind.h"
#include "base/log.h"
#include "ruedad/serve/winbind_message.h"
#include <stdio.h>
#include <unistd.h>

#define S_NS UINT64_C(1000000000)

struct question {
	struct winbind *winbind;
	struct question *next, **previous; /* In waiting; previous NULL: it runs. */
	struct ntlm_inquiry *inquiry;      /* NULL: nobody waits for it any more. */
	enum winbind_kind kind;
	struct buf bytes;
	struct proc_run *run;
};

struct winbind {
	struct ntlm_authority authority;
	struct loop *loop;
	struct proc *proc;
	struct question *waiting, **waiting_end;
	unsigned waiting_count, running_count;
	bool has_looked;
	uint64_t looked_ns;
	char16_t computer[NTLM_NAME_MAX], domain[NTLM_NAME_MAX];
	enum winbind_status complained; /* About what, last; WINBIND_OK: nothing yet. */
	uint64_t complained_ns;
	loop_callback *stopped;
	void *stopped_data;
};

static struct winbind *winbind_of(struct ntlm_authority *a)
{
	return container_of(a, struct winbind, authority);
}

static bool is_fresh(const struct winbind *w)
{
	return w->has_looked && loop_now_ns(w->loop) - w->looked_ns < WINBIND_FRESH_S * S_NS;
}

static void question_free(struct question *q)
{
	buf_wipe(&q->bytes);
	free(q);
}

/* *q is gone then. */
static void answer(struct question *q)
{
	struct ntlm_inquiry *inquiry = q->inquiry;

	question_free(q);
	if (inquiry == NULL)
		return;
	inquiry->asked = NULL;
	inquiry->answered(inquiry);
}

static void complain(struct winbind *w, enum winbind_status status, struct ntlm_part why)
{
	uint64_t now_ns = loop_now_ns(w->loop);

	if (w->complained == status && now_ns - w->complained_ns < WINBIND_QUIET_S * S_NS)
		return;
	w->complained = status;
	w->complained_ns = now_ns;
	if (status != WINBIND_FORBIDDEN) {
		log_warning("winbind could not check a login of the domain's accounts by NTLM why=\"%.*s\"",
		    (int)why.len, (const char *)why.data);
		return;
	}
	/* Not with the user's name: asking for it may take as long as asking winbindd. */
	log_warning(
	    "winbindd lets nobody but root and a group of its own check logins, so no account of the domain can log in "
	    "by "
	    "NTLM: put the service's user into that group (winbindd_priv on Debian, wbpriv on Fedora) and start "
	    "the service anew uid=%u",
	    getuid());
}

static bool take_name(struct ntlm_part text, char16_t units[NTLM_NAME_MAX], struct u16 *ret)
{
	_cleanup_free_ char16_t *all = NULL;
	size_t len;

	if (text.len == 0 || utf8_to_u16(text.data, text.len, &all, &len) < 0 || len > NTLM_NAME_MAX)
		return false;
	memcpy(units, all, len * sizeof(*all));
	*ret = (struct u16){ units, len };
	return true;
}

static void take_look(struct winbind *w, const struct winbind_answer *a)
{
	struct ntlm_authority *authority = &w->authority;
	bool was_there = authority->domain.len > 0;

	w->has_looked = true;
	w->looked_ns = loop_now_ns(w->loop);
	authority->computer = authority->domain = (struct u16){ 0 };
	if (a->status == WINBIND_OK && (!take_name(a->computer, w->computer, &authority->computer) ||
					   !take_name(a->domain, w->domain, &authority->domain)))
		authority->domain = (struct u16){ 0 };
	if (authority->domain.len > 0 && !was_there)
		log_notice("accounts of a domain can log in by NTLM, through winbind domain=%.*s computer=%.*s",
		    (int)a->domain.len, (const char *)a->domain.data, (int)a->computer.len,
		    (const char *)a->computer.data);
	else if (authority->domain.len == 0 && was_there)
		log_warning("accounts of the domain cannot log in by NTLM any more why=\"%.*s\"", (int)a->why.len,
		    (const char *)a->why.data);
	else
		trace("winbind: %.*s", (int)a->why.len, (const char *)a->why.data);
}

static int add_sids(const struct winbind_answer *a, struct rpc_sids **ret)
{
	_cleanup_(buf_done) struct buf sids = { 0 };
	const uint8_t *bytes = a->sids.data;

	for (size_t at = 0, size; at < a->sids.len; at += size) {
		size = sid_size(bytes + at, a->sids.len - at);
		assert(size > 0); /* winbind_take_answer() has looked. */
		if (sid_is_of_domain(bytes + at))
			buf_append(&sids, bytes + at, size);
	}
	return sids.error != 0 ? sids.error : rpc_sids_new(sids.data, sids.len, ret);
}

static int take_check(struct winbind *w, const struct winbind_answer *a, struct ntlm_inquiry *inquiry)
{
	switch (a->status) {
	case WINBIND_OK:
		break;
	case WINBIND_DENIED:
		trace("winbind: %.*s", (int)a->why.len, (const char *)a->why.data);
		return ERR_ACCESS_DENIED;
	default:
		w->has_looked &= a->status != WINBIND_ABSENT;
		complain(w, a->status, a->why);
		return -EAGAIN;
	}
	if (a->name.len > RPC_NAME_MAX)
		return ERR_ACCESS_DENIED;
	memcpy(inquiry->name, a->name.data, a->name.len);
	inquiry->name[a->name.len] = 0;
	memcpy(inquiry->base, a->key, NTLM_KEY_SIZE);
	return add_sids(a, &inquiry->sids);
}

/* What a helper has come to; what it did not say becomes what it would have said of it. */
static struct winbind_answer read_result(const struct proc_result *result, char why[128])
{
	struct winbind_answer a;

	if (result->error == 0 && result->exit_status == 0 && !result->is_cut &&
	    winbind_take_answer(result->output, result->output_len, &a) == 0)
		return a;
	if (result->error == -ETIMEDOUT)
		(void)snprintf(why, 128, "it does not answer");
	else
		(void)snprintf(why, 128, "its helper failed, error %d, status %d, signal %d", result->error,
		    result->exit_status, result->signal);
	return (struct winbind_answer){ .status = WINBIND_FAILED, .why = { why, strlen(why) } };
}

static void start_waiting(struct winbind *w);

static void on_done(void *data, const struct proc_result *result)
{
	struct question *q = data;
	struct winbind *w = q->winbind;
	char why[128];
	struct winbind_answer a = read_result(result, why);

	w->running_count--;
	if (q->inquiry != NULL && q->kind == WINBIND_LOOK)
		take_look(w, &a);
	else if (q->inquiry != NULL)
		q->inquiry->result = take_check(w, &a, q->inquiry);
	answer(q);
	start_waiting(w);
	if (w->stopped != NULL && w->running_count == 0)
		w->stopped(w->stopped_data); /* And *w may be gone. */
}

static int start(struct question *q)
{
	static const char *const argv[] = { "/proc/self/exe", "--as-winbind", NULL };
	const struct proc_command command = { .argv = argv,
		.input = q->bytes.data,
		.input_len = q->bytes.len,
		.output_max = WINBIND_MESSAGE_MAX,
		.timeout_ns = (q->kind == WINBIND_LOOK ? WINBIND_LOOK_S : WINBIND_CHECK_S) * S_NS };
	int r = proc_start(q->winbind->proc, &command, on_done, q, &q->run);

	q->winbind->running_count += r == 0;
	return r;
}

static void unlink_waiting(struct question *q)
{
	struct winbind *w = q->winbind;

	*q->previous = q->next;
	if (q->next != NULL)
		q->next->previous = q->previous;
	else
		w->waiting_end = q->previous;
	q->previous = NULL;
	w->waiting_count--;
}

/* Of a helper that cannot be started. */
static void take_failure(struct question *q, int r)
{
	struct winbind_answer a = { .status = WINBIND_FAILED };

	a.why.data = error_text(r);
	a.why.len = strlen(a.why.data);
	if (q->kind == WINBIND_LOOK)
		take_look(q->winbind, &a);
	else
		q->inquiry->result = take_check(q->winbind, &a, q->inquiry);
}

/* Answering may make others wait, or forget what waits: so the walk begins anew each time. */
static void start_waiting(struct winbind *w)
{
	while (w->waiting != NULL && w->running_count < WINBIND_AT_A_TIME) {
		struct question *q = w->waiting;
		int r;

		unlink_waiting(q);
		if (q->kind == WINBIND_LOOK && is_fresh(w)) { /* Another one has looked meanwhile. */
			answer(q);
			continue;
		}
		r = start(q);
		if (r < 0) {
			take_failure(q, r);
			answer(q);
		}
	}
}

static int ask(struct winbind *w, struct ntlm_inquiry *inquiry, const struct winbind_question *what)
{
	struct question *q;
	int r = 0;

	if (w->waiting_count == WINBIND_WAITING_MAX)
		return -EAGAIN;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return -ENOMEM;
	q->winbind = w;
	q->inquiry = inquiry;
	q->kind = what->kind;
	winbind_put_question(&q->bytes, what);
	r = q->bytes.error;
	if (r == 0 && w->running_count < WINBIND_AT_A_TIME && w->waiting == NULL) {
		r = start(q);
	} else if (r == 0) {
		q->previous = w->waiting_end;
		*w->waiting_end = q;
		w->waiting_end = &q->next;
		w->waiting_count++;
	}
	if (r < 0) {
		if (r != -ENOMEM)
			take_failure(q, r);
		question_free(q);
		return r == -ENOMEM ? r : -EAGAIN;
	}
	inquiry->asked = q;
	return RPC_STEP_LATER;
}

/* Without an answer there is no domain, and our own accounts are all that there is: no reason to refuse anybody. */
static int look(struct ntlm_authority *a, struct ntlm_inquiry *inquiry)
{
	static const struct winbind_question what = { .kind = WINBIND_LOOK };
	struct winbind *w = winbind_of(a);
	int r = is_fresh(w) ? 0 : ask(w, inquiry, &what);

	return r == -EAGAIN ? 0 : r;
}

static bool has_control(struct u16 text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.units[i] < ' ' || text.units[i] == 0x7f)
			return true;
	return false;
}

static int check(struct ntlm_authority *a, struct ntlm_inquiry *inquiry, const struct ntlm_proof *proof)
{
	_cleanup_free_ char *user = NULL, *domain = NULL;
	struct winbind_question what = { .kind = WINBIND_CHECK, .nonce = proof->nonce, .response = proof->response };

	/* What cannot be said in UTF-8, no domain has; and a control character would have another meaning to somebody. */
	if (!u16_is_well_formed(proof->user) || !u16_is_well_formed(proof->domain) || has_control(proof->user) ||
	    has_control(proof->domain))
		return ERR_ACCESS_DENIED;
	user = u16_to_utf8(proof->user);
	domain = u16_to_utf8(proof->domain);
	if (user == NULL || domain == NULL)
		return -ENOMEM;
	what.user = (struct ntlm_part){ user, strlen(user) };
	what.domain = (struct ntlm_part){ domain, strlen(domain) };
	return ask(winbind_of(a), inquiry, &what);
}

static void forget(struct ntlm_authority *a, struct ntlm_inquiry *inquiry)
{
	struct question *q = inquiry->asked;

	if (q == NULL)
		return;
	inquiry->asked = NULL;
	q->inquiry = NULL;
	if (q->previous != NULL) {
		unlink_waiting(q);
		question_free(q);
	} else {
		proc_cancel(q->run); /* Its end comes all the same, and frees it. */
	}
}

int winbind_new(struct loop *loop, struct proc *proc, struct winbind **ret)
{
	struct winbind *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	w->authority = (struct ntlm_authority){ .look = look, .check = check, .forget = forget };
	w->loop = loop;
	w->proc = proc;
	w->waiting_end = &w->waiting;
	*ret = w;
	return 0;
}

struct ntlm_authority *winbind_authority(struct winbind *w)
{
	return &w->authority;
}

void winbind_stop(struct winbind *w, loop_callback *done, void *data)
{
	assert(w->waiting == NULL); /* Who asked has forgotten it. */
	if (w->running_count == 0) {
		done(data);
		return;
	}
	w->stopped = done;
	w->stopped_data = data;
}

void winbind_free(struct winbind *w)
{
	if (w == NULL)
		return;
	assert(w->waiting == NULL && w->running_count == 0);
	free(w);
}
