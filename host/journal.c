/* journal: what a resource that may be active was, for whoever has to end it.
 *
 * Why      addresses, mounts and units of systemd outlive the process that made them.  If a host is killed, the next one
 *          must know what there is to undo, even if the database has changed since.
 * How      a file per resource in RUNDIR/guard, with the message CONFIGURE: written before the resource is started,
 *          removed when it has been stopped.  It comes into being by a rename, so it is whole or not there.
 * Not kept after a crash of the machine the file may be gone or stale; so is what it speaks of.
 * Threads  one.      Format  host/message.c       Tests  tests/unit/host_types.c, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/journal.h"
#include "base/fd.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int journal_save(int directory, const char *id, const struct host_message *configure)
{
	struct buf bytes = { 0 };
	char fresh[64];
	int r = host_message_encode(configure, &bytes);
	_cleanup_fd_ int fd = -1;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", id);
	if (r == 0) {
		fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = fd < 0 ? -errno : write_all(fd, bytes.data, bytes.len);
	}
	if (r == 0 && renameat(directory, fresh, directory, id) < 0)
		r = -errno;
	buf_done(&bytes);
	return r;
}

int journal_load(int directory, const char *id, struct buf *ret_bytes, struct host_message *ret)
{
	_cleanup_fd_ int fd = openat(directory, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > HOST_MESSAGE_MAX)
		return -EBADMSG;
	if (buf_reserve(ret_bytes, (size_t)st.st_size) < 0)
		return -ENOMEM;
	n = read(fd, ret_bytes->data, (size_t)st.st_size);
	if (n != st.st_size)
		return n < 0 ? -errno : -EBADMSG;
	ret_bytes->len = (size_t)n;
	return host_message_decode(ret_bytes->data, ret_bytes->len, ret) < 0 || ret->type != HOST_CONFIGURE ? -EBADMSG
													    : 0;
}

int journal_remove(int directory, const char *id)
{
	return unlinkat(directory, id, 0) < 0 && errno != ENOENT ? -errno : 0;
}

bool journal_exists(int directory, const char *id)
{
	return faccessat(directory, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
