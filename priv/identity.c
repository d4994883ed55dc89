/* identity: giving up rights, in the order in which the kernel lets it be done and cannot be undone.
 *
 * Promise  each function does all of what it says or returns an error; a caller that gets an error ends the process.
 * Threads  a process with one thread: the system calls used here change the calling thread only.
 * Tests    tests/integration/priv_server.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/identity.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int identity_become(const struct identity *id)
{
	uid_t real_uid, effective_uid, saved_uid;
	gid_t real_gid, effective_gid, saved_gid;

	static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups are passed as they are");
	if (setgroups(id->group_count, id->groups) < 0 || setresgid(id->gid, id->gid, id->gid) < 0 ||
	    setresuid(id->uid, id->uid, id->uid) < 0)
		return -errno;
	if (getresuid(&real_uid, &effective_uid, &saved_uid) < 0 ||
	    getresgid(&real_gid, &effective_gid, &saved_gid) < 0)
		return -errno;
	assert(real_uid == id->uid && effective_uid == id->uid && saved_uid == id->uid);
	assert(real_gid == id->gid && effective_gid == id->gid && saved_gid == id->gid);
	return 0;
}

int identity_no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int identity_bound_capabilities(uint64_t mask)
{
	for (int cap = 0; cap < 64; cap++) {
		if ((mask >> cap & 1) != 0 || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* EINVAL: the end of what this kernel knows.  EPERM: without CAP_SETPCAP there is little to bound. */
		return errno == EINVAL || errno == EPERM ? 0 : -errno;
	}
	return 0;
}

int identity_keep_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(mask >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int identity_follow_parent(int parent, int signal)
{
	if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0)
		return -errno;
	/* It may have died before. */
	return getppid() == parent ? 0 : -ECHILD;
}
