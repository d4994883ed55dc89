/* notify: the protocol of sd_notify(3): a datagram to the socket that the environment names.
 * Not kept errors: who does not listen is not told.
 * Threads  the main one.      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/notify.h"
#include "base/fd.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len; /* 0: nobody to tell. */

void notify_setup(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name != NULL ? strlen(name) : 0;

	if (len > 1 && len < sizeof(address.sun_path) && (name[0] == '/' || name[0] == '@')) {
		memcpy(address.sun_path, name, len);
		if (name[0] == '@') /* An abstract name begins with a zero instead. */
			address.sun_path[0] = 0;
		address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	}
	(void)unsetenv("NOTIFY_SOCKET");
}

void notify(const char *format, ...)
{
	_cleanup_fd_ int fd = -1;
	char text[512];
	va_list ap;

	if (address_len == 0)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(
		    fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, address_len);
}
