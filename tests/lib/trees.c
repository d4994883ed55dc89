/* trees: see trees.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/trees.h"
#include "base/fd.h"
#include "capture/below.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>

static int go_on(void *data, const char *what)
{
	return 0;
}

void trees_open(struct tree_fixture *f, const char *name)
{
	*f = (struct tree_fixture){ .steps = { go_on, NULL }, .hive_max = 64 << 20 };
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", test_directory(), name);
	CHECK_INT(mkdir(f->path, 0755), 0);
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(f->fd >= 0);
}

void trees_close(struct tree_fixture *f)
{
	close_fd(&f->fd);
}

void trees_directory(struct tree_fixture *f, const char *name, unsigned mode)
{
	CHECK_INT(mkdirat(f->fd, name, 0700), 0);
	CHECK_INT(fchmodat(f->fd, name, mode, 0), 0);
}

void trees_file(struct tree_fixture *f, const char *name, const void *data, size_t len)
{
	_cleanup_fd_ int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, data, len), len);
}

void trees_text(struct tree_fixture *f, const char *name, const char *text)
{
	trees_file(f, name, text, strlen(text));
}

/* An access control list as the kernel has it: owner rw, uid 12345 r, group r, mask r, others none. */
static const uint8_t acl[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0x39, 0x30, 0, 0, 4, 0, 4, 0,
	255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255 };

void trees_sample(struct tree_fixture *f, const char *name)
{
	static const struct timespec times[2] = { { 1000000000, 1 }, { -1000, 999999999 } };
	char path[300], big[10000];
	int fd;

	trees_directory(f, name, 0755);
	(void)snprintf(path, sizeof(path), "%s/text", name);
	trees_text(f, path, name);
	CHECK_INT(fchmodat(f->fd, path, 04750, 0), 0);
	CHECK_INT(utimensat(f->fd, path, times, 0), 0);
	(void)snprintf(path, sizeof(path), "%s/TEXT", name);
	trees_text(f, path, "");
	(void)snprintf(path, sizeof(path), "%s/%%\\\xff\n\xc3\xa9 ", name);
	trees_text(f, path, "odd");
	(void)snprintf(path, sizeof(path), "%s/link", name);
	CHECK_INT(symlinkat("../no/\xfe such", f->fd, path), 0);
	CHECK_INT(utimensat(f->fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
	(void)snprintf(path, sizeof(path), "%s/holes", name);
	fd = openat(f->fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	memset(big, name[0], sizeof(big));
	CHECK_INT(pwrite(fd, big, sizeof(big), 1 << 20), sizeof(big));
	CHECK_INT(ftruncate(fd, 5 << 20), 0);
	CHECK_INT(fsetxattr(fd, "user.one", "1\0002", 3, 0), 0);
	CHECK_INT(fsetxattr(fd, "user.ONE", "", 0, 0), 0);
	CHECK_INT(fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0), 0);
	(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/empty", name);
	trees_directory(f, path, 01777);
	(void)snprintf(path, sizeof(path), "%s/deep", name);
	trees_directory(f, path, 0500);
	(void)snprintf(path, sizeof(path), "%s/%s/deep", f->path, name);
	CHECK_INT(setxattr(path, "system.posix_acl_default", acl, sizeof(acl), 0), 0);
	(void)snprintf(path, sizeof(path), "%s/deep/below", name);
	CHECK_INT(mkdirat(f->fd, path, 0700), 0);
}

void trees_settle(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 40000000 }, NULL);
}

int trees_take(struct tree_fixture *f, const char *name, struct buf *ret)
{
	_cleanup_fd_ int out = memfd_create("hive", MFD_CLOEXEC);
	struct tree_place place = { f->fd, name, name };
	uint64_t size = 0;
	int r;

	CHECK(out >= 0);
	f->error = (struct error){ 0 };
	r = files_take(&place, out, f->hive_max, &f->steps, &size, &f->error);
	if (r < 0)
		return r;
	*ret = (struct buf){ 0 };
	buf_append_zeros(ret, size);
	CHECK_INT(ret->error, 0);
	CHECK_INT(pread(out, ret->data, size, 0), size);
	return 0;
}

int trees_put(struct tree_fixture *f, const char *name, const struct buf *hive)
{
	struct tree_place place = { f->fd, name, name };

	f->error = f->told = (struct error){ 0 };
	return files_put(&place, hive->data, hive->len, &f->steps, &f->told, &f->error);
}

bool trees_has_leftovers(struct tree_fixture *f)
{
	_cleanup_(names_done) struct names names = { 0 };

	CHECK_INT(names_read(f->fd, 1000, &names), 0);
	for (size_t i = 0; i < names.count; i++)
		if (strncmp(names.all[i], BELOW_TEMPORARY, strlen(BELOW_TEMPORARY)) == 0)
			return true;
	return false;
}

static int mount_fuse(struct tree_fixture *f, const char *name)
{
	static bool is_apart;
	char path[600], options[100];
	int fuse;

	if (geteuid() != 0 || (!is_apart && unshare(CLONE_NEWNS) < 0))
		test_skip("mounting takes root");
	is_apart = true;
	CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	/* Open until the program ends: when it is closed, the mount answers, with an error. */
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0)
		test_skip("no /dev/fuse");
	trees_directory(f, name, 0755);
	(void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (mount("hang", path, "fuse", 0, options) < 0)
		test_skip("FUSE cannot be mounted here");
	return fuse;
}

void trees_mount_hanging(struct tree_fixture *f, const char *name)
{
	(void)mount_fuse(f, name);
}

static void answer(int fuse, uint64_t id, const void *data, size_t len)
{
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + len), .unique = id };
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)data, len } };

	(void)!writev(fuse, parts, len > 0 ? 2 : 1);
}

static void *stall(void *data)
{
	static _Alignas(8) uint8_t packet[1 << 20];
	const struct fuse_in_header *q = (const void *)packet;
	const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536 };
	const struct fuse_attr_out attributes = { .attr_valid = 1000,
		.attr = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 } };
	const struct fuse_open_out opened = { 0 };
	int fuse = (int)(intptr_t)data;

	while (read(fuse, packet, sizeof(packet)) > 0 || errno == EINTR) {
		if (q->opcode == FUSE_INIT)
			answer(fuse, q->unique, &init, sizeof(init));
		else if (q->opcode == FUSE_GETATTR && q->nodeid == FUSE_ROOT_ID)
			answer(fuse, q->unique, &attributes, sizeof(attributes));
		else if (q->opcode == FUSE_OPENDIR)
			answer(fuse, q->unique, &opened, sizeof(opened));
	}
	return NULL;
}

void trees_mount_stalling(struct tree_fixture *f, const char *name)
{
	pthread_t thread; /* Until it is unmounted. */

	CHECK_INT(pthread_create(&thread, NULL, stall, (void *)(intptr_t)mount_fuse(f, name)), 0);
	CHECK_INT(pthread_detach(thread), 0);
}

void trees_unmount(struct tree_fixture *f, const char *name)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
	CHECK_INT(umount2(path, MNT_DETACH | MNT_FORCE), 0);
}
