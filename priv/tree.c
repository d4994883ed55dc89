/* tree: a process with rights takes or puts back files and keys for ruedad.
 *
 *	request  u32 'RDTQ', u64 size, u64 before, for keys: BOX_KEY_LEN bytes; with a descriptor: what is put back, or a
 *	         file for what is taken, in which what was saved before may be
 *	reply    u32 'RDTR', i32 result, i32 told, u64 size, text to the end
 *
 * Little endian.  The descriptor is ruedad's own: what is read and written through it, ruedad could read and write.
 *
 * Why      the work takes as long as the files do, and a mount may hang: it is done in the process that opened the place,
 *          which costs a slot of priv's and nothing else.
 * How      the hive is copied before it is looked at, so that it cannot change meanwhile.  When ruedad closes the socket (it
 *          was cancelled, or the time is over), the process finds that before its next step and gives up.
 * Threads  one at a time on each end.      Limits  SIZE_MAX_BYTES of a hive, whatever ruedad says.
 * Tests    tests/unit/tree.c, tests/integration/sources.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/tree.h"
#include "base/fd.h"
#include "priv/channel.h"
#include "seal/box.h"
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { REQUEST_MAGIC = 0x51544452, REPLY_MAGIC = 0x52544452, SIZE_MAX_BYTES = 1 << 30, HEAD_LEN = 20 };

/* The child. */

static int check_asker(void *data, const char *what)
{
	struct pollfd p = { .fd = *(const int *)data, .events = POLLIN | POLLRDHUP };

	/* Nothing more is due from the other end: whatever it is, it is the end. */
	return poll(&p, 1, 0) != 0 ? ERR_CANCELLED : 0;
}

int tree_read(int fd, size_t size, uint8_t **ret)
{
	_cleanup_free_ uint8_t *bytes = malloc(MAX(size, (size_t)1));

	if (bytes == NULL)
		return -ENOMEM;
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, bytes + done, size - done, (off_t)done);

		if (n <= 0 && (n == 0 || errno != EINTR))
			return n == 0 ? -ENODATA : -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	*ret = TAKE_PTR(bytes);
	return 0;
}

int tree_work_files(
    void *data, const struct tree_job *job, uint64_t *ret_taken, struct error *told, struct error *error)
{
	struct tree_files *f = data;
	_cleanup_free_ uint8_t *hive = NULL;
	int r;

	if (job->key != NULL || job->before != 0)
		return -EBADMSG;
	if (!f->puts)
		return files_take(&f->place, job->fd, job->size, job->steps, ret_taken, error);
	r = tree_read(job->fd, (size_t)job->size, &hive);
	if (r < 0)
		return error_set_code(error, r, "cannot read the checkpoint to put back");
	return files_put(&f->place, hive, (size_t)job->size, job->steps, told, error);
}

static int send_reply(int socket, int result, uint64_t size, const struct error *story)
{
	struct buf out = { 0 };
	int r;

	buf_u32(&out, REPLY_MAGIC);
	buf_u32(&out, (uint32_t)result);
	buf_u32(&out, (uint32_t)(result == 0 ? story->code : 0));
	buf_u64(&out, size);
	buf_append(&out, story->text, strnlen(story->text, sizeof(story->text) - 1));
	r = out.error < 0 ? out.error : channel_send(socket, out.data, out.len, -1, 0);
	buf_done(&out);
	return r;
}

static int decode_request(const uint8_t *packet, size_t len, int fd, struct tree_job *ret)
{
	struct cursor c = cursor_make(packet, len);
	uint32_t magic = cursor_u32(&c);
	struct tree_job job = { .fd = fd };

	job.size = cursor_u64(&c);
	job.before = cursor_u64(&c);
	if (cursor_left(&c) > 0)
		job.key = cursor_bytes(&c, BOX_KEY_LEN);
	if (c.error < 0 || cursor_left(&c) > 0 || magic != REQUEST_MAGIC || fd < 0 || job.size > SIZE_MAX_BYTES ||
	    job.before > SIZE_MAX_BYTES)
		return -EBADMSG;
	*ret = job;
	return 0;
}

int tree_serve(int socket, tree_work *work, void *data)
{
	struct tree_steps steps = { check_asker, &socket };
	struct error error = { 0 }, told = { 0 };
	_cleanup_fd_ int fd = -1;
	uint8_t packet[TREE_PACKET_MAX];
	struct tree_job job;
	uint64_t taken = 0;
	int n = channel_receive(socket, packet, sizeof(packet), &fd, 0), r;

	if (n <= 0)
		return n;
	r = decode_request(packet, (size_t)n, fd, &job);
	if (r < 0)
		return r;
	job.steps = &steps;
	r = work(data, &job, &taken, &told, &error);
	OPENSSL_cleanse(packet, sizeof(packet));
	if (r < 0 && error.code == 0)
		(void)error_set_code(&error, r, "gave up a checkpoint");
	return send_reply(socket, r, taken, r < 0 ? &error : &told);
}

/* ruedad. */

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int wait_for_reply(const struct tree_request *q, struct error *error)
{
	uint64_t end = now_ms() + (uint64_t)q->seconds * 1000;

	for (;;) {
		struct pollfd fds[2] = { { .fd = q->socket, .events = POLLIN },
			{ .fd = q->cancel_fd, .events = POLLIN } };
		uint64_t now = now_ms();

		if (now >= end)
			return error_set(error, ERR_TIMEOUT,
			    "the checkpoint took longer than %u s (file_seconds in [checkpoints] of rueda.conf)",
			    q->seconds);
		if (poll(fds, ARRAY_SIZE(fds), (int)(end - now)) < 0 && errno != EINTR)
			return error_set_code(error, -errno, "cannot wait for a checkpoint");
		if (fds[0].revents != 0)
			return 0;
		if (fds[1].revents != 0)
			return error_set(error, ERR_CANCELLED, "the checkpoint was cancelled");
	}
}

static int take_reply(const uint8_t *packet, size_t len, uint64_t *ret_size, struct error *told, struct error *error)
{
	struct cursor c = cursor_make(packet, len);
	uint32_t magic = cursor_u32(&c);
	int result = (int)cursor_u32(&c), told_code = (int)cursor_u32(&c);
	uint64_t size = cursor_u64(&c);
	size_t text_len = cursor_left(&c);
	const char *text = (const char *)cursor_bytes(&c, text_len);

	if (c.error < 0 || magic != REPLY_MAGIC || result > 0 || told_code > 0)
		return error_set(error, ERR_GEN_FAILURE, "the process that works on a checkpoint sent nonsense");
	if (result < 0)
		return error_set(error, result, "%.*s", (int)text_len, text);
	if (told_code < 0)
		(void)error_set(told, told_code, "%.*s", (int)text_len, text);
	*ret_size = size;
	return 0;
}

/* The key in it is in such memory from its first byte on. */
static int send_request(const struct tree_request *q)
{
	size_t len = HEAD_LEN + (q->job.key != NULL ? BOX_KEY_LEN : 0);
	uint8_t *packet = seal_memory_new(len);
	int r;

	if (packet == NULL)
		return -ENOMEM;
	put_le32(packet, REQUEST_MAGIC);
	put_le64(packet + 4, q->job.size);
	put_le64(packet + 12, q->job.before);
	if (q->job.key != NULL)
		memcpy(packet + HEAD_LEN, q->job.key, BOX_KEY_LEN);
	r = channel_send(q->socket, packet, len, q->job.fd, 0);
	seal_memory_free(packet, len);
	return r;
}

int tree_ask(const struct tree_request *q, uint64_t *ret_size, struct error *told, struct error *error)
{
	uint8_t packet[TREE_PACKET_MAX];
	_cleanup_fd_ int fd = -1;
	int r, n;

	r = send_request(q);
	if (r < 0)
		return error_set_code(error, r, "the process that works on a checkpoint cannot be asked");
	r = wait_for_reply(q, error);
	if (r < 0)
		return r;
	n = channel_receive(q->socket, packet, sizeof(packet), &fd, 0);
	if (n <= 0)
		return error_set(error, ERR_GEN_FAILURE, "the process that works on a checkpoint has ended");
	return take_reply(packet, (size_t)n, ret_size, told, error);
}
