/* client_socket: one connection of the blocking client: a channel over a descriptor, for several threads at a time.
 *
 * Why      the library's callers are threads that want to wait; the channel (channel.c) knows the protocol, this file
 *          knows how to wait: for the server, for a deadline, and for another thread that cancels.  Threads that share a
 *          connection share its system calls too: what several have to say leaves together, what comes is read once.
 * How      A call is a *flight*, on its thread's stack.  One of the threads leads: it polls and reads, hands each of the
 *          others its answer, and ends with its own; then it appoints another one to lead.  The others sleep until
 *
 *            ASLEEP ──► DONE   the answer is there; nothing of the socket is touched any more, not even its lock
 *              │ └────► LOOK   somebody cancels, or nobody leads
 *              └ deadline
 *
 *          Who has something to say puts it into the channel's output.  One thread at a time sends, without the lock, and
 *          goes on while there is more; so requests leave in the order in which they were protected.  What the kernel does
 *          not take is left to the leader, which polls for both directions at once, so that a server which answers (a
 *          fault, say) before it has read everything is heard.
 * Promise  While a call waits, somebody leads or has been appointed.  A call that is given up hurts no other one.
 * Errors   A call that breaks before its last byte was given to the kernel cannot have been executed (the server waits
 *          for the last fragment): ERR_RPC_S_CALL_FAILED_DNE.  After that nobody knows: ERR_RPC_S_CALL_FAILED.
 * Threads  as many as there is room for.     Descriptors  close-on-exec; no signals are raised or handled.
 * Limits   RPC_CHANNEL_CALLS; UNSENT_MAX: beyond it a connection whose server does not read is not used again.
 * Tests    tests/unit/rpc_client.c, rpc_client_stories.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client_socket.h"
#include "rpc/dial.h"
#include "rpc/wait.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16384, SECURITY_CONTEXT = 1, KEEP_MAX = 65536, UNSENT_MAX = 65536 };

/* What a thread that waits for its answer may do. */
enum { ASLEEP, LOOK, DONE };

struct flight {
	struct rpc_channel_call call;
	const struct rpc_wait *wait;
	uint64_t end; /* Of the request, in all that was ever sent. */
	bool over;    /* result and reply are there; no list but the leader's has it. */
	int result;
	struct buf reply;
	struct flight *next; /* In the list of those that the leader is going to wake. */
	atomic_uint word;
};

static void lock(struct rpc_socket *s)
{
	(void)pthread_mutex_lock(&s->lock);
}

static void unlock(struct rpc_socket *s)
{
	(void)pthread_mutex_unlock(&s->lock);
}

/* Sending.  All of it is locked. */

static size_t unsent(const struct rpc_socket *s)
{
	return s->out.len - s->out_at + s->channel.output.len;
}

static void kick(struct rpc_socket *s)
{
	static const uint64_t one = 1;

	if (!s->led || s->kicked || s->kick < 0)
		return;
	s->kicked = true;
	(void)!write(s->kick, &one, sizeof(one));
}

/* All of out has left; what the channel has to say is next.  False: nothing. */
static bool refill(struct rpc_socket *s)
{
	struct buf empty = s->out;

	if (empty.data != NULL)
		explicit_bzero(empty.data, empty.len); /* It may have held a passphrase. */
	if (empty.capacity > KEEP_MAX)
		buf_done(&empty);
	empty.len = 0;
	s->out = s->channel.output;
	s->channel.output = empty;
	s->out_at = 0;
	return s->out.len > 0;
}

/* As much as goes, unlocked meanwhile.  If another thread is about it, it sends ours too. */
static void push(struct rpc_socket *s)
{
	if (s->sending)
		return;
	s->sending = true;
	while (s->send_error == 0 && (s->out_at < s->out.len || refill(s))) {
		ssize_t n;
		int error;

		unlock(s);
		n = send(s->fd, s->out.data + s->out_at, s->out.len - s->out_at, MSG_NOSIGNAL);
		error = errno;
		lock(s);
		if (n >= 0) {
			s->out_at += (size_t)n;
			s->sent_total += (uint64_t)n;
		} else if (error == EAGAIN) {
			break;
		} else if (error != EINTR) {
			s->send_error = -error;
		}
	}
	s->sending = false;
	s->blocked = s->send_error == 0 && s->out_at < s->out.len;
	/* An early answer leaves the rest of the request unsent: the server has given up on this connection. */
	if (s->answered_total > s->sent_total)
		atomic_store(&s->dead, true);
}

/* The same, by a thread that does not lead. */
static void push_and_tell(struct rpc_socket *s)
{
	push(s);
	if (s->blocked || s->send_error != 0)
		kick(s);
}

/* Receiving. */

/* Locked, but not while it reads.  Feed the channel what has come.  0, or an error at the end of the stream. */
static int pull(struct rpc_socket *s)
{
	uint8_t data[READ_SIZE];

	for (;;) {
		ssize_t n;
		int error;

		unlock(s);
		n = recv(s->fd, data, sizeof(data), 0);
		error = errno;
		lock(s);
		if (n < 0 && error == EINTR)
			continue;
		if (n < 0)
			return error == EAGAIN ? 0 : -error;
		if (n == 0)
			return -ECONNRESET;
		rpc_channel_input(&s->channel, data, (size_t)n);
		if ((size_t)n < sizeof(data))
			return 0;
	}
}

static void end_flight(struct flight *f, int result, const struct flight *leader, struct flight **over)
{
	f->result = result;
	f->over = true;
	if (f == leader) {
		atomic_store(&f->word, DONE);
		return;
	}
	f->next = *over;
	*over = f;
}

/* Locked.  Those that were answered, or cannot be any more, go into *over. */
static void collect(struct rpc_socket *s, const struct flight *leader, struct flight **over)
{
	struct rpc_channel *ch = &s->channel;

	while (ch->answered != NULL) {
		struct flight *f = container_of(ch->answered, struct flight, call);

		s->answered_total = MAX(s->answered_total, f->end);
		end_flight(f, rpc_channel_take_reply(ch, &f->call, &f->reply), leader, over);
	}
	if (!s->sending && s->answered_total > s->sent_total)
		atomic_store(&s->dead, true);
	while (s->broken && ch->calls != NULL) {
		struct flight *f = container_of(ch->calls, struct flight, call);
		int result = s->sent_total >= f->end ? ERR_RPC_S_CALL_FAILED : ERR_RPC_S_CALL_FAILED_DNE;

		rpc_channel_forget(ch, &f->call, false);
		end_flight(f, ch->state == CHANNEL_BROKEN ? ch->error : result, leader, over);
	}
}

/* Not locked.  Nothing of a flight may be touched once its thread can see that it is done. */
static void wake_all(struct flight **over)
{
	while (*over != NULL) {
		struct flight *f = *over;
		atomic_uint *word = &f->word;

		*over = f->next;
		atomic_store(word, DONE);
		rpc_wake(word);
	}
}

static void look_up(struct flight *f)
{
	atomic_store(&f->word, LOOK);
	rpc_wake(&f->word);
}

/* Locked.  The latest call has the longest to wait. */
static void appoint(struct rpc_socket *s)
{
	if (!s->led && s->channel.calls != NULL)
		look_up(container_of(s->channel.calls, struct flight, call));
}

/* Locked, but not while it waits.  One look at what has come, and at what is to be sent.  As rpc_wait_for(). */
static int turn(struct rpc_socket *s, const struct rpc_wait *wait)
{
	short events = (short)(POLLIN | (s->blocked && !s->sending ? POLLOUT : 0));
	int r = 0, pulled, send_error = s->send_error;
	uint64_t count;

	if (send_error == 0) {
		unlock(s);
		r = rpc_wait_for_either(s->fd, events, s->kick, wait);
		lock(s);
	}
	if (s->kicked) {
		s->kicked = false;
		(void)!read(s->kick, &count, sizeof(count));
	}
	if (r < 0)
		return r;
	pulled = pull(s); /* After an error of sending, too: it may have told us why before it closed. */
	if (s->out_at < s->out.len || s->channel.output.len > 0)
		push(s);
	s->break_error = pulled < 0 ? pulled : send_error;
	s->broken = s->break_error < 0 || s->channel.state == CHANNEL_BROKEN;
	if (s->broken)
		atomic_store(&s->dead, true);
	return 0;
}

/* Locked.  Reads for all until its own flight is over.  0, or why it has to be given up. */
static int lead(struct rpc_socket *s, struct flight *f, struct flight **over)
{
	int r = 0;

	s->led = true;
	s->broken = s->broken || s->channel.state == CHANNEL_BROKEN;
	collect(s, f, over);
	while (!f->over && r == 0) {
		if (*over != NULL) {
			unlock(s);
			wake_all(over);
			lock(s);
		}
		r = turn(s, f->wait);
		collect(s, f, over);
	}
	s->led = false;
	return f->over ? 0 : r;
}

/* Locked.  True: its answer is there, and the lock is not held. */
static bool sleep_on(struct rpc_socket *s, struct flight *f)
{
	atomic_store(&f->word, ASLEEP);
	unlock(s);
	rpc_sleep_while(&f->word, ASLEEP, f->wait->deadline_ms);
	if (atomic_load(&f->word) == DONE)
		return true;
	lock(s);
	return false;
}

static int check_wait(const struct rpc_wait *wait)
{
	if (wait->cancel != NULL && atomic_load(&wait->cancel->fired))
		return ERR_CANCELLED;
	return wait->deadline_ms != 0 && rpc_now_ms() >= wait->deadline_ms ? ERR_TIMEOUT : 0;
}

/* Locked, but not while it sends.  The server is told behind the request; an answer that comes is nobody's. */
static void give_up(struct rpc_socket *s, struct flight *f)
{
	rpc_channel_forget(&s->channel, &f->call, true);
	push_and_tell(s);
	if (unsent(s) > UNSENT_MAX || s->channel.state == CHANNEL_BROKEN) {
		atomic_store(&s->dead, true);
		kick(s);
	}
}

/* Locked; not when it is done. */
static int wait_for_answer(struct rpc_socket *s, struct flight *f)
{
	struct flight *over = NULL;
	int r = 0;

	while (!f->over && r == 0) {
		if (!s->led) {
			r = lead(s, f, &over);
			continue;
		}
		r = check_wait(f->wait);
		if (r == 0 && sleep_on(s, f))
			return f->result;
	}
	if (!f->over)
		give_up(s, f);
	appoint(s);
	unlock(s);
	wake_all(&over);
	if (!f->over)
		return r;
	/* The leader has it in its hands. */
	for (unsigned word; (word = atomic_load(&f->word)) != DONE;)
		rpc_sleep_while(&f->word, word, 0);
	return f->result;
}

int rpc_socket_call(
    struct rpc_socket *s, uint16_t opnum, const void *stub, size_t len, const struct rpc_wait *wait, struct buf *ret)
{
	struct flight f = { .wait = wait };
	int r;

	lock(s);
	r = s->broken || s->channel.state != CHANNEL_READY ? ERR_RPC_S_CALL_FAILED_DNE
							   : rpc_channel_call(&s->channel, &f.call, opnum, stub, len);
	if (r < 0) {
		if (s->channel.state == CHANNEL_BROKEN)
			atomic_store(&s->dead, true);
		kick(s);
		unlock(s);
		return r;
	}
	f.end = s->sent_total + unsent(s);
	push_and_tell(s);
	r = wait_for_answer(s, &f);
	if (r == 0)
		*ret = f.reply;
	return r;
}

void rpc_socket_cancel(struct rpc_socket *s, const struct rpc_cancel *cancel)
{
	lock(s);
	for (struct rpc_channel_call *call = s->channel.calls; call != NULL; call = call->next) {
		struct flight *f = container_of(call, struct flight, call);

		if (f->wait->cancel == cancel)
			look_up(f);
	}
	unlock(s);
}

/* Opening and closing. */

/* What the login makes for one connection; NULL where there is none. */
static int make_security(const struct rpc_place *place, struct rpc_security **ret)
{
	struct rpc_security *security = NULL;
	int r = 0;

	if (place->path == NULL && place->login != NULL) {
		r = place->login->make(place->login, place->host, &security);
		if (r < 0)
			return r;
		assert(security->level == RPC_LEVEL_PRIVACY);
		security->context_id = SECURITY_CONTEXT;
	}
	*ret = security;
	return 0;
}

static int bind_channel(struct rpc_socket *s, const struct rpc_wait *wait)
{
	int r = 0;

	lock(s);
	push(s);
	while (r == 0 && s->channel.state == CHANNEL_BINDING && !s->broken)
		r = turn(s, wait);
	if (s->channel.state == CHANNEL_BROKEN)
		r = s->channel.error;
	else if (r == 0 && s->broken)
		r = s->break_error == -ECONNRESET || s->break_error == -EPIPE ? ERR_RPC_S_SERVER_TOO_BUSY
									      : ERR_RPC_S_SERVER_UNAVAILABLE;
	unlock(s);
	return r;
}

int rpc_socket_open(const struct rpc_place *place, const struct pdu_syntax *interface, uint32_t group,
    const struct rpc_wait *wait, struct rpc_socket **ret)
{
	_cleanup_(rpc_socket_closep) struct rpc_socket *s = calloc(1, sizeof(*s));
	struct rpc_security *security;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->fd = s->kick = -1;
	(void)pthread_mutex_init(&s->lock, NULL);
	s->channel.security = rpc_security_none();
	/* First of all whether anybody is there: a login may cost more, and its failure tells less. */
	r = place->path != NULL ? rpc_dial_unix(place->path, wait, &s->fd)
				: rpc_dial_tcp(place->host, place->port, wait, &s->fd);
	if (r < 0)
		return r;
	r = make_security(place, &security);
	if (r < 0)
		return r;
	r = rpc_channel_init(
	    &s->channel, interface, group, place->path != NULL ? RPC_FRAGMENT_LOCAL : RPC_FRAGMENT_TCP, security);
	if (r == 0)
		r = bind_channel(s, wait);
	if (r < 0)
		return r;
	if (rpc_socket_room(s) > 1) {
		s->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (s->kick < 0)
			return -errno;
	}
	*ret = TAKE_PTR(s);
	return 0;
}

void rpc_socket_close(struct rpc_socket *s)
{
	if (s == NULL)
		return;
	assert(s->channel.calls == NULL);
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->kick >= 0)
		(void)close(s->kick);
	rpc_channel_done(&s->channel);
	buf_wipe(&s->out);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

bool rpc_socket_is_alive(const struct rpc_socket *s)
{
	uint8_t byte;
	ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

unsigned rpc_socket_room(const struct rpc_socket *s)
{
	return s->channel.calls_max;
}
