/* sd: security descriptors: checked, merged, taken apart, and asked who may do what.  See sd.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#define SD_MAX 65535 /* Bytes of a descriptor. */

/* SECURITY_INFORMATION: which parts of a descriptor are meant. */
#define SD_OWNER 0x1u
#define SD_GROUP 0x2u
#define SD_DACL 0x4u
#define SD_SACL 0x8u
#define SD_PARTS 0xfu
/* With SD_DACL or SD_SACL: the list is, or is not, protected from inheritance.  Kept, but without effect here. */
#define SD_UNPROTECTED_SACL 0x10000000u
#define SD_UNPROTECTED_DACL 0x20000000u
#define SD_PROTECTED_SACL 0x40000000u
#define SD_PROTECTED_DACL 0x80000000u

/* Is this a whole and well-formed self-relative descriptor that can be enforced here?  ERR_INVALID_PARAMETER with the
 * reason in *error (which may be NULL). */
int sd_validate(const void *bytes, size_t len, struct error *error);

/* Append to out the descriptor old with the parts that information names taken from new.  old_len 0: there was none.
 * ERR_INVALID_PARAMETER: new is not valid, its owner or group is wanted but not there, the result is larger than SD_MAX,
 * or information says nothing or something unknown.  An old one that is not valid counts as none. */
int sd_merge(const void *old, size_t old_len, const void *new, size_t new_len, uint32_t information, struct buf *out);

/* Append to out a descriptor with only the parts that information names; len 0: there are none. */
int sd_extract(const void *bytes, size_t len, uint32_t information, struct buf *out);

/* REGSAM: rights to a key. */
#define SD_KEY_QUERY_VALUE 0x1u
#define SD_KEY_SET_VALUE 0x2u
#define SD_KEY_CREATE_SUB_KEY 0x4u
#define SD_KEY_ENUMERATE_SUB_KEYS 0x8u
#define SD_KEY_NOTIFY 0x10u
#define SD_DELETE 0x10000u
#define SD_READ_CONTROL 0x20000u
#define SD_WRITE_DAC 0x40000u
#define SD_WRITE_OWNER 0x80000u
#define SD_ACCESS_SYSTEM_SECURITY 0x1000000u
#define SD_MAXIMUM_ALLOWED 0x2000000u
#define SD_GENERIC_ALL 0x10000000u
#define SD_GENERIC_EXECUTE 0x20000000u
#define SD_GENERIC_WRITE 0x40000000u
#define SD_GENERIC_READ 0x80000000u
#define SD_KEY_READ 0x20019u
#define SD_KEY_WRITE 0x20006u
#define SD_KEY_ALL_ACCESS 0xf003fu

/* Who asks: everybody here is known, Everyone and Authenticated Users at once. */
struct sd_caller {
	bool is_administrator; /* In BUILTIN\Administrators, … */
	bool is_user;          /* … in BUILTIN\Users, … */
	bool is_system;        /* … is SYSTEM. */
	bool is_local;         /* Else NETWORK. */
	bool has_uid;          /* A local caller, and who. */
	uint32_t uid, gid;
	const uint32_t *gids; /* Borrowed. */
	size_t gid_count;
	const uint8_t *sids; /* Borrowed: whole ones, one behind the other: those that the rest does not say. */
	size_t sids_len;     /* Bytes. */
};

/* May the caller have what it wants of a key with this descriptor (len 0: without one)?  What it then has is the answer.
 * is_administrator: the caller's level is All, else Read.
 * ERR_ACCESS_DENIED: not all of it, or nothing of "as much as possible". */
int sd_access(const void *bytes, size_t len, const struct sd_caller *caller, uint32_t wanted, uint32_t *ret_granted);

/* CLUSAPI_*_ACCESS: rights to a cluster.  The last one allows nothing; denied, it denies all. */
#define SD_CLUSTER_READ 0x1u
#define SD_CLUSTER_CHANGE 0x2u
#define SD_CLUSTER_ALL 0x3u
#define SD_CLUSTER_NO_ACCESS 0x4u

/* The level that the cluster's own descriptor gives the caller.  len 0, it has none: Administrators have All, Users have
 * Read.  One that cannot be enforced gives nobody anything. */
enum sd_level { SD_LEVEL_NONE, SD_LEVEL_READ, SD_LEVEL_ALL };
enum sd_level sd_cluster_level(const void *bytes, size_t len, const struct sd_caller *caller);

/* Entries of an access list: their types, and the flag of those that are only for what is below. */
enum { SD_ALLOW = 0, SD_DENY = 1, SD_INHERIT_ONLY = 0x08 };
