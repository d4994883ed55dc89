/* tree: a process with rights takes or puts back files for ruedad.
 *
 *	request  u32 'RDTQ', u64 size; with a descriptor: the hive, or an empty file for it
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
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { REQUEST_MAGIC = 0x51544452, REPLY_MAGIC = 0x52544452, SIZE_MAX_BYTES = 1 << 30 };

/* The child. */

static int check_asker(void *data, const char *what)
{
	struct pollfd p = { .fd = *(const int *)data, .events = POLLIN | POLLRDHUP };

	/* Nothing more is due from the other end: whatever it is, it is the end. */
	return poll(&p, 1, 0) != 0 ? ERR_CANCELLED : 0;
}

static int read_hive(int fd, size_t size, uint8_t **ret)
{
	_cleanup_free_ uint8_t *hive = malloc(MAX(size, (size_t)1));

	if (hive == NULL)
		return -ENOMEM;
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, hive + done, size - done, (off_t)done);

		if (n <= 0 && (n == 0 || errno != EINTR))
			return n == 0 ? -ENODATA : -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	*ret = TAKE_PTR(hive);
	return 0;
}

static int put(const struct tree_place *place, int fd, uint64_t size, const struct tree_steps *steps,
    struct error *told, struct error *error)
{
	_cleanup_free_ uint8_t *hive = NULL;
	int r = read_hive(fd, (size_t)size, &hive);

	if (r < 0)
		return error_set_code(error, r, "cannot read the checkpoint to put back");
	return files_put(place, hive, (size_t)size, steps, told, error);
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

int files_serve(int socket, const struct tree_place *place, bool puts)
{
	struct tree_steps steps = { check_asker, &socket };
	struct error error = { 0 }, told = { 0 };
	_cleanup_fd_ int fd = -1;
	uint8_t packet[TREE_PACKET_MAX];
	struct cursor c;
	uint32_t magic;
	uint64_t size, taken = 0;
	int n = channel_receive(socket, packet, sizeof(packet), &fd, 0), r;

	if (n <= 0)
		return n;
	c = cursor_make(packet, (size_t)n);
	magic = cursor_u32(&c);
	size = cursor_u64(&c);
	if (c.error < 0 || cursor_left(&c) > 0 || magic != REQUEST_MAGIC || fd < 0 || size > SIZE_MAX_BYTES)
		return -EBADMSG;
	r = puts ? put(place, fd, size, &steps, &told, &error) : files_take(place, fd, size, &steps, &taken, &error);
	if (r < 0 && error.code == 0)
		(void)error_set_code(&error, r, "gave up at %.300s", place->shown);
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
			    "a checkpoint of files took longer than %u s (file_seconds in [checkpoints] of rueda.conf)",
			    q->seconds);
		if (poll(fds, ARRAY_SIZE(fds), (int)(end - now)) < 0 && errno != EINTR)
			return error_set_code(error, -errno, "cannot wait for a checkpoint of files");
		if (fds[0].revents != 0)
			return 0;
		if (fds[1].revents != 0)
			return error_set(error, ERR_CANCELLED, "the checkpoint of files was cancelled");
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
		return error_set(error, ERR_GEN_FAILURE, "the process that works on files sent nonsense");
	if (result < 0)
		return error_set(error, result, "%.*s", (int)text_len, text);
	if (told_code < 0)
		(void)error_set(told, told_code, "%.*s", (int)text_len, text);
	*ret_size = size;
	return 0;
}

int files_ask(const struct tree_request *q, uint64_t *ret_size, struct error *told, struct error *error)
{
	uint8_t packet[TREE_PACKET_MAX];
	struct buf out = { 0 };
	_cleanup_fd_ int fd = -1;
	int r, n;

	buf_u32(&out, REQUEST_MAGIC);
	buf_u64(&out, q->size);
	r = out.error < 0 ? out.error : channel_send(q->socket, out.data, out.len, q->fd, 0);
	buf_done(&out);
	if (r < 0)
		return error_set_code(error, r, "the process that works on files cannot be asked");
	r = wait_for_reply(q, error);
	if (r < 0)
		return r;
	n = channel_receive(q->socket, packet, sizeof(packet), &fd, 0);
	if (n <= 0)
		return error_set(error, ERR_GEN_FAILURE, "the process that works on files has ended");
	return take_reply(packet, (size_t)n, ret_size, told, error);
}
