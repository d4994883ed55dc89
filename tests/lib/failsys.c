/* failsys: make the nth system call of the code under test fail, be cut short, or be the last.
 *
 * Why      what root's process does to somebody's files must be whole at each of them, and steps that the code itself announces
 *          are not all of them.
 * How      the linker leads calls here (--wrap).  On the way is noted what is not durable yet: a file that gets its name while its
 *          content is only in memory, and a file that is removed while the name of what replaces it is, are what a power loss would
 *          turn into half of one, or none.
 * Limits   one thread; the C library's functions for directories call it by other ways.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/failsys.h"
#include "base/macro.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct failsys *failsys;
static bool active;

void failsys_begin(uint64_t nth, int how)
{
	if (failsys == NULL)
		failsys = mmap(NULL, sizeof(*failsys), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*failsys = (struct failsys){ .left = nth, .how = how };
	active = true;
}

bool failsys_end(void)
{
	active = false;
	return failsys->left == 0;
}

/* Whether the call is not to be done: errno is set. */
static bool refuse(size_t *len)
{
	if (!active || failsys->left == 0 || --failsys->left > 0)
		return false;
	if (failsys->how == FAILSYS_DIES) {
		(void)kill(getpid(), SIGKILL);
		for (;;)
			(void)pause();
	}
	if (failsys->how == FAILSYS_SHORT) {
		if (len != NULL && *len > 1)
			*len /= 2;
		return false;
	}
	errno = failsys->how;
	return true;
}

static void wrong(const char *what)
{
	if (failsys->wrong[0] == 0)
		(void)snprintf(failsys->wrong, sizeof(failsys->wrong), "%s", what);
}

static uint64_t *find_dirty(uint64_t inode)
{
	for (size_t i = 0; i < ARRAY_SIZE(failsys->dirty); i++)
		if (failsys->dirty[i] == inode)
			return &failsys->dirty[i];
	return NULL;
}

int __real_fstat64(int fd, struct stat *st);
int __real_fstatat64(int parent, const char *name, struct stat *st, int flags);

static void note_change(int fd, bool synced)
{
	struct stat st;
	uint64_t *at;
	int error = errno;

	if (!active || __real_fstat64(fd, &st) < 0)
		return;
	errno = error;
	if (S_ISDIR(st.st_mode)) {
		failsys->directory_is_dirty &= !synced;
		return;
	}
	at = find_dirty(st.st_ino);
	if (synced && at != NULL)
		*at = 0;
	else if (!synced && at == NULL && (at = find_dirty(0)) != NULL)
		*at = st.st_ino;
}

#define CALL(type, name, parameters, arguments, fd_changed)                                                            \
	type __real_##name parameters;                                                                                 \
	type __wrap_##name parameters;                                                                                 \
	type __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		type result = refuse(NULL) ? (type)-1 : __real_##name arguments;                                       \
                                                                                                                       \
		if (result >= 0 && (fd_changed) >= 0)                                                                  \
			note_change(fd_changed, false);                                                                \
		return result;                                                                                         \
	}

// clang-format off
CALL(int, mkdirat, (int p, const char *n, mode_t m), (p, n, m), -1)
CALL(int, symlinkat, (const char *t, int p, const char *n), (t, p, n), -1)
CALL(int, ftruncate64, (int fd, off_t len), (fd, len), fd)
CALL(int, fchmod, (int fd, mode_t m), (fd, m), fd)
CALL(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), fd)
CALL(int, fchownat, (int p, const char *n, uid_t u, gid_t g, int f), (p, n, u, g, f), -1)
CALL(int, futimens, (int fd, const struct timespec t[2]), (fd, t), fd)
CALL(int, utimensat, (int p, const char *n, const struct timespec t[2], int f), (p, n, t, f), -1)
CALL(int, fsetxattr, (int fd, const char *n, const void *v, size_t l, int f), (fd, n, v, l, f), fd)
CALL(ssize_t, fgetxattr, (int fd, const char *n, void *v, size_t l), (fd, n, v, l), -1)
CALL(ssize_t, flistxattr, (int fd, char *l, size_t n), (fd, l, n), -1)
CALL(int, fstat64, (int fd, struct stat *s), (fd, s), -1)
CALL(int, fstatat64, (int p, const char *n, struct stat *s, int f), (p, n, s, f), -1)
CALL(off_t, lseek64, (int fd, off_t o, int w), (fd, o, w), -1)
// clang-format on

int __real_openat64(int parent, const char *name, int flags, ...);
int __wrap_openat64(int parent, const char *name, int flags, ...);
int __wrap_openat64(int parent, const char *name, int flags, ...)
{
	va_list arguments;
	mode_t mode = 0;

	va_start(arguments, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return refuse(NULL) ? -1 : __real_openat64(parent, name, flags, mode);
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
	if (refuse(&len))
		return -1;
	note_change(fd, false);
	return __real_pwrite64(fd, bytes, len, offset);
}

ssize_t __real_pread64(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t offset)
{
	return refuse(&len) ? -1 : __real_pread64(fd, bytes, len, offset);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	int r = refuse(NULL) ? -1 : __real_fsync(fd);

	if (r == 0)
		note_change(fd, true);
	return r;
}

int __real_unlinkat(int parent, const char *name, int flags);
int __wrap_unlinkat(int parent, const char *name, int flags);
int __wrap_unlinkat(int parent, const char *name, int flags)
{
	int r = refuse(NULL) ? -1 : __real_unlinkat(parent, name, flags);

	if (active && r == 0 && failsys->directory_is_dirty)
		wrong("a file was removed before the name of the one that replaces it was durable");
	return r;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list arguments;
	struct stat st;
	long a[5], r;

	va_start(arguments, number);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (refuse(NULL))
		return -1;
	if (active && number == SYS_renameat2 && __real_fstatat64((int)a[0], (const char *)a[1], &st, 0) == 0 &&
	    find_dirty(st.st_ino) != NULL)
		wrong("a file was put in its place before its content was durable");
	r = __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
	if (active && number == SYS_renameat2 && r == 0)
		failsys->directory_is_dirty = true;
	return r;
}

/* For memory of its own. */
void *__real_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	return refuse(NULL) ? MAP_FAILED : __real_mmap64(at, len, protection, flags, fd, offset);
}
