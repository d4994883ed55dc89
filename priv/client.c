/* client: ruedad's end of the socket to priv.
 *
 * How      a thread waits for answers and gives each to its question: to a blocking caller by an event, to an asynchronous one
 *          by a post to the loop.  Questions are sent by whoever asks.  What priv does not answer in time, the thread does; an
 *          answer that comes later belongs to nobody, and closing the descriptor in it ends the process behind that.
 * Promise  every question that was sent is answered once: by priv, or by this file when priv stands still, when priv or the
 *          client ends, or when who waits is told to stop waiting.
 * Threads  priv_open() and priv_open_async() any; new and free: the loop's.
 * Limits   priv has PRIV_CHILDREN_MAX places and answers ERR_BUSY beyond.
 * Tests    tests/integration/priv_server.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/client.h"
#include "base/fd.h"
#include "base/log.h"
#include "priv/channel.h"
#include "priv/door.h"
#include "priv/tree.h"
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

struct question {
	struct question *next;
	uint64_t id;
	uint64_t asked_ms;
	priv_opened *callback; /* Neither of the two: a thread waits, … */
	priv_watching *watching;
	void *data;
	struct loop *loop;
	int woken; /* … on this eventfd, which is its own, for answered. */
	bool answered;
	int result;
	bool wants_socket; /* And no disk behind it. */
	int socket;
	struct patience patience; /* Of the disk. */
	struct priv_directory directory;
	struct error error;
};

struct priv_client {
	int socket; /* Owned. */
	int asked;  /* The same: an eventfd, for the reader to look at the questions' deadlines. */
	struct loop *loop;
	unsigned answer_seconds;
	loop_callback *lost;
	void *lost_data;
	pthread_t reader;
	bool silent;          /* Of the reader: priv has let a question's time pass, and has said nothing since. */
	pthread_mutex_t lock; /* Protects what follows. */
	pthread_cond_t left;  /* The last thread that waited. */
	size_t waiting;       /* Threads in ask(). */
	struct question *questions;
	uint64_t last_id;
	bool closed; /* By us or by priv: no more questions. */
	bool freeing;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void call_back(void *data)
{
	struct question *q = data;

	if (q->watching != NULL)
		q->watching(q->data, q->result, q->socket, &q->error);
	else
		q->callback(q->data, q->result, &q->directory, &q->error);
	free(q);
}

static bool is_waited_for(const struct question *q)
{
	return q->callback == NULL && q->watching == NULL;
}

/* Hand the outcome to whoever asked; q is not in the list any more.  With the lock held. */
static void deliver(struct priv_client *c, struct question *q)
{
	if (is_waited_for(q)) {
		q->answered = true;
		wake(q->woken);
	} else if (loop_post(q->loop, call_back, q) < 0) {
		/* Someone would wait for ever. */
		log_error("no memory for an answer of priv; ending");
		abort();
	}
}

static struct question *take_question(struct priv_client *c, uint64_t id)
{
	for (struct question **at = &c->questions; *at != NULL; at = &(*at)->next) {
		struct question *q = *at;

		if (q->id == id) {
			*at = q->next;
			return q;
		}
	}
	return NULL;
}

/* A directory has been closed: if the process behind it does not end, priv is to end it. */
static void tell_closed(void *data, uint64_t id)
{
	struct priv_request request = { .type = PRIV_CLOSED, .id = id, .path = "/", .path_len = 1 };
	struct priv_client *c = data;
	struct buf out = { 0 };

	priv_request_encode(&request, &out);
	(void)pthread_mutex_lock(&c->lock);
	/* If it cannot be told, the process stays for as long as it hangs. */
	if (!c->closed && out.error == 0)
		(void)channel_send(c->socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
	(void)pthread_mutex_unlock(&c->lock);
	buf_done(&out);
}

/* *fd is taken if it becomes a disk. */
static void set_outcome(struct priv_client *c, struct question *q, const struct priv_reply *reply, int *fd)
{
	const struct door_options options = {
		.patience = q->patience, .device = reply->device, .closed = tell_closed, .data = c, .id = q->id
	};

	q->result = reply->result;
	if (q->result == 0 && *fd < 0)
		q->result = *fd == -EMFILE ? -EMFILE : -EPROTO;
	if (q->result == 0 && q->wants_socket)
		q->socket = *fd;
	else if (q->result == 0)
		q->result = door_disk_new(*fd, &options, &q->directory.disk);
	if (q->result == 0) {
		*fd = -1;
		q->directory.created = reply->created;
		q->directory.owner = reply->owner;
		q->directory.mode = reply->mode;
		return;
	}
	(void)error_set(&q->error, q->result, "%s", reply->result < 0 ? reply->text : error_text(q->result));
}

static void end_all(struct priv_client *c, int result, const char *why)
{
	struct question *q;

	c->closed = true;
	while ((q = c->questions) != NULL) {
		c->questions = q->next;
		q->result = error_set(&q->error, result, "%s", why);
		deliver(c, q);
	}
}

/* One packet from priv; false at the end. */
static bool read_answer(struct priv_client *c)
{
	_cleanup_fd_ int fd = -1;
	uint8_t packet[2048];
	struct priv_reply reply;
	struct question *q;
	int n = channel_receive(c->socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (priv_reply_decode(packet, (size_t)n, &reply) < 0) {
		log_error("priv sent something that is no answer; taking it for lost");
		return false;
	}
	if (c->silent)
		log_notice("priv answers again");
	c->silent = false;
	(void)pthread_mutex_lock(&c->lock);
	q = take_question(c, reply.id);
	if (q != NULL) {
		set_outcome(c, q, &reply, &fd);
		deliver(c, q);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return true;
}

/* Answer what priv has not in time; how long until there may be more to do, as poll() takes it. */
static int end_late(struct priv_client *c)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	(void)pthread_mutex_lock(&c->lock);
	for (struct question *q = c->questions, *following; q != NULL; q = following) {
		uint64_t due = q->asked_ms + (uint64_t)c->answer_seconds * 1000;

		following = q->next;
		if (due > now) {
			next = MIN(next, due);
			continue;
		}
		if (!c->silent)
			log_error("priv has not answered for %u s, is it stopped? What needs it fails meanwhile",
			    c->answer_seconds);
		c->silent = true;
		(void)take_question(c, q->id);
		q->result = error_set(&q->error, ERR_TIMEOUT, "priv has not answered for %u s", c->answer_seconds);
		deliver(c, q);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return next == UINT64_MAX ? -1 : (int)MIN(next - now, (uint64_t)1 << 30);
}

static void *read_answers(void *data)
{
	struct priv_client *c = data;
	bool more = true;

	while (more) {
		struct pollfd fds[2] = { { .fd = c->socket, .events = POLLIN }, { .fd = c->asked, .events = POLLIN } };
		uint64_t count;

		if (poll(fds, ARRAY_SIZE(fds), end_late(c)) < 0)
			continue; /* EINTR, or no memory: try again. */
		if (fds[1].revents != 0)
			(void)!read(c->asked, &count, sizeof(count));
		if (fds[0].revents != 0)
			more = read_answer(c);
	}
	(void)pthread_mutex_lock(&c->lock);
	if (c->freeing) {
		end_all(c, ERR_CANCELLED, "the daemon is stopping");
	} else {
		end_all(c, -EPIPE, "priv is gone");
		if (c->lost != NULL && loop_post(c->loop, c->lost, c->lost_data) < 0)
			abort();
	}
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

int priv_client_new(
    int socket, struct loop *loop, unsigned answer_seconds, loop_callback *lost, void *data, struct priv_client **ret)
{
	_cleanup_fd_ int fd = socket, asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_cleanup_free_ struct priv_client *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL || asked < 0)
		return c == NULL ? -ENOMEM : -errno;
	c->socket = fd;
	c->asked = asked;
	c->loop = loop;
	c->answer_seconds = answer_seconds;
	c->lost = lost;
	c->lost_data = data;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->left, NULL);
	r = -pthread_create(&c->reader, NULL, read_answers, c);
	if (r < 0)
		return r;
	(void)TAKE_FD(fd);
	(void)TAKE_FD(asked);
	*ret = TAKE_PTR(c);
	return 0;
}

void priv_client_free(struct priv_client *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->freeing = true;
	(void)pthread_mutex_unlock(&c->lock);
	(void)shutdown(c->socket, SHUT_RDWR);
	(void)pthread_join(c->reader, NULL);
	(void)pthread_mutex_lock(&c->lock);
	while (c->waiting > 0)
		(void)pthread_cond_wait(&c->left, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
	close_fd(&c->socket);
	close_fd(&c->asked);
	(void)pthread_cond_destroy(&c->left);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static int check(const struct priv_open *what, struct error *e)
{
	size_t len = strlen(what->path);

	if (len > PRIV_PATH_MAX)
		return error_set(e, -EINVAL, "the path is longer than %d bytes", PRIV_PATH_MAX);
	if (what->group_count > PRIV_GROUPS_MAX)
		return error_set(e, -EINVAL, "uid %u is in more than %d groups", what->uid, PRIV_GROUPS_MAX);
	if (what->remote != NULL && (what->remote[0] == 0 || strlen(what->remote) > PRIV_REMOTE_MAX || what->uid != 0 ||
					what->gid != 0 || what->group_count != 0))
		return error_set(e, -EINVAL, "this is nobody who came over the network");
	if (len == 0 || !priv_path_is_lawful(what->type, what->path, len) || what->uid == UINT32_MAX ||
	    what->gid == UINT32_MAX || (what->may_create && what->type != PRIV_OPEN_BACKUP))
		return error_set(e, -EINVAL, "this is not something to ask priv");
	return 0;
}

/* Encode and send; the question is in the list before the answer can come. */
static int send_question(struct priv_client *c, const struct priv_open *what, struct question *q)
{
	struct priv_request request = { .type = what->type,
		.may_create = what->may_create,
		.uid = what->uid,
		.gid = what->gid,
		.group_count = (uint32_t)what->group_count,
		.path = what->path,
		.path_len = strlen(what->path),
		.remote = what->remote,
		.remote_len = what->remote != NULL ? strlen(what->remote) : 0,
		.is_principal = what->is_principal };
	struct buf out = { 0 };
	int r = check(what, &q->error);

	if (r < 0)
		return r;
	q->patience = what->patience != NULL ? *what->patience : (struct patience)PATIENCE_ENDLESS;
	if (what->group_count > 0)
		memcpy(request.groups, what->groups, what->group_count * sizeof(what->groups[0]));
	(void)pthread_mutex_lock(&c->lock);
	request.id = q->id = ++c->last_id;
	q->asked_ms = now_ms();
	priv_request_encode(&request, &out);
	r = c->closed ? -EPIPE : out.error;
	if (r == 0) {
		q->next = c->questions;
		c->questions = q;
		r = channel_send(c->socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
		if (r < 0)
			(void)take_question(c, q->id);
		else if (is_waited_for(q))
			c->waiting++;
		wake(c->asked);
	}
	(void)pthread_mutex_unlock(&c->lock);
	buf_done(&out);
	if (r == -EAGAIN)
		r = ERR_BUSY;
	return r < 0 ? error_set_code(&q->error, r, "priv cannot be asked") : 0;
}

/* Until the question is answered, or nobody wants to know any more. */
static void wait_for_answer(struct priv_client *c, struct question *q, int cancel_fd)
{
	bool answered = false;

	while (!answered) {
		struct pollfd fds[2] = { { .fd = q->woken, .events = POLLIN }, { .fd = cancel_fd, .events = POLLIN } };

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		(void)pthread_mutex_lock(&c->lock);
		if (!q->answered && fds[1].revents != 0) {
			(void)take_question(c, q->id);
			q->answered = true;
			q->result = error_set(&q->error, ERR_CANCELLED,
			    "it was cancelled; priv had not answered for %" PRIu64 " s",
			    (now_ms() - q->asked_ms) / 1000);
		}
		answered = q->answered;
		(void)pthread_mutex_unlock(&c->lock);
	}
	(void)pthread_mutex_lock(&c->lock);
	if (--c->waiting == 0)
		(void)pthread_cond_broadcast(&c->left);
	(void)pthread_mutex_unlock(&c->lock);
}

/* Ask, and wait for the outcome. */
static int ask(struct priv_client *c, const struct priv_open *what, int cancel_fd, struct question *q, struct error *e)
{
	_cleanup_fd_ int woken = q->woken = eventfd(0, EFD_CLOEXEC);
	int r = woken < 0 ? error_set_code(&q->error, -errno, "priv cannot be asked") : send_question(c, what, q);

	if (r == 0) {
		wait_for_answer(c, q, cancel_fd);
		r = q->result;
	}
	if (r < 0 && e != NULL)
		*e = q->error;
	return r;
}

int priv_open(struct priv_client *c, const struct priv_open *what, struct priv_directory *ret, struct error *e)
{
	struct question q = { 0 };
	int r = ask(c, what, what->patience != NULL ? what->patience->cancel_fd : -1, &q, e);

	if (r == 0)
		*ret = q.directory;
	return r;
}

static int write_hive(int fd, const struct buf *hive)
{
	for (size_t done = 0; done < hive->len;) {
		ssize_t n = pwrite(fd, hive->data + done, hive->len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int read_hive(int fd, uint64_t size, struct buf *ret)
{
	size_t before = ret->len;

	buf_append_zeros(ret, (size_t)size);
	if (ret->error < 0)
		return ret->error;
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, ret->data + before + done, (size_t)size - done, (off_t)done);

		if (n <= 0 && (n == 0 || errno != EINTR))
			return n == 0 ? -ENODATA : -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static enum priv_request_type type_of(const struct priv_tree *what)
{
	if (what->key == NULL)
		return what->puts ? PRIV_PUT_TREE : PRIV_TAKE_TREE;
	if (what->path[0] == '/')
		return what->puts ? PRIV_PUT_KEY : PRIV_TAKE_KEY;
	return what->puts ? PRIV_PUT_TOKEN : PRIV_TAKE_TOKEN;
}

int priv_tree(struct priv_client *c, const struct priv_tree *what, struct error *e)
{
	struct priv_open open = { .type = type_of(what), .path = what->path };
	_cleanup_fd_ int hive = memfd_create("checkpoint", MFD_CLOEXEC), socket = -1;
	const struct buf *given = what->puts ? what->hive : what->before;
	struct question q = { .wants_socket = true, .socket = -1 };
	struct tree_request request = { .cancel_fd = what->cancel_fd, .seconds = what->seconds };
	struct error told = { 0 };
	uint64_t size = 0;
	int r = hive < 0 ? -errno : given != NULL ? write_hive(hive, given) : 0;

	if (r < 0)
		return error_set_code(e, r, "no place for a checkpoint in memory");
	r = ask(c, &open, what->cancel_fd, &q, e);
	if (r < 0)
		return r;
	request.socket = socket = q.socket;
	request.job = (struct tree_job){ .fd = hive,
		.size = what->puts ? what->hive->len : what->hive_max,
		.before = !what->puts && given != NULL ? given->len : 0,
		.key = what->key };
	r = tree_ask(&request, &size, &told, e);
	if (r < 0)
		return r;
	if (!what->puts) {
		r = size > what->hive_max ? -EPROTO : read_hive(hive, size, what->hive);
		return r < 0 ? error_set_code(e, r, "cannot read the checkpoint that was taken") : 0;
	}
	if (e != NULL)
		*e = told;
	return 0;
}

/* Takes the question over, also when it fails. */
static int ask_async(struct priv_client *c, const struct priv_open *what, struct question *question, void *data)
{
	_cleanup_free_ struct question *q = question;
	int r;

	q->data = data;
	q->loop = c->loop;
	r = send_question(c, what, q);
	if (r == 0)
		(void)TAKE_PTR(q);
	return r;
}

int priv_open_async(struct priv_client *c, const struct priv_open *what, priv_opened *callback, void *data)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->callback = callback;
	return ask_async(c, what, q, data);
}

int priv_watch_async(struct priv_client *c, priv_watching *callback, void *data)
{
	struct priv_open what = { .type = PRIV_WATCH_FILES, .path = "/" };
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->watching = callback;
	q->wants_socket = true;
	q->socket = -1;
	return ask_async(c, &what, q, data);
}
