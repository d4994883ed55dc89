/* sd: security descriptors: checked, merged, taken apart, and asked who may do what.
 *
 * Why      each key carries a descriptor in the Windows form, clients read and set it, and opening a key asks it.
 * How      a self-relative descriptor is a header of 20 bytes with the offsets of four parts:
 *
 *              0 revision 1 | 1 zero | 2 control u16 | 4 owner | 8 group | 12 SACL | 16 DACL | parts …
 *
 *          An owner or group is a SID: 0 revision 1 | 1 count | 2 authority, 6 bytes big endian | 8 count × u32.
 *          A list is: 0 revision 2 to 4 | 2 size u16 | 4 entries u16 | 8 entries, each 0 type | 1 flags | 2 size u16 |
 *          4 mask | 8 SID.  Merging takes parts from two descriptors and writes a new one.
 * Promise  every bound is checked, of any bytes.  What is stored through here is enforced: an access list with entries
 *          other than "allow" and "deny" (for objects, with conditions) is refused.
 * Not kept inheritance flags, privileges and restricted SIDs: docs/design/database.md, "Access".
 * Users    keys (sd_access) and the cluster as such (sd_cluster_level): docs/design/authentication.md, "Who may do what".
 * Threads  all functions.         Tests  tests/unit/sd.c, tests/fuzz/sd.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/sd.h"
#include "base/sid.h"

enum {
	HEADER_LEN = 20,
	ACL_LEN = 8,
	ACE_LEN = 8,
};

enum control {
	DACL_PRESENT = 0x0004,
	SACL_PRESENT = 0x0010,
	DACL_PROTECTED = 0x1000,
	SACL_PROTECTED = 0x2000,
	SELF_RELATIVE = 0x8000,
	KNOWN_CONTROL = 0xbf3f, /* Of all parts; the others mean nothing to a key. */
};

enum { OWNER, GROUP, SACL, DACL, PART_COUNT };

static const struct {
	uint32_t information;
	uint16_t control; /* The bits that say something about this part. */
	unsigned offset;  /* Of its offset in the header. */
} parts[PART_COUNT] = {
	[OWNER] = { SD_OWNER, 0x0001, 4 },
	[GROUP] = { SD_GROUP, 0x0002, 8 },
	[SACL] = { SD_SACL, 0x2a30, 12 },
	[DACL] = { SD_DACL, 0x150c, 16 },
};

struct sd {
	uint16_t control;
	struct part {
		const uint8_t *bytes; /* NULL: not there. */
		size_t len;
	} parts[PART_COUNT];
};

/* The length of the list at the start of bytes, 0 if there is none. */
static size_t acl_len(const uint8_t *bytes, size_t len, bool is_dacl)
{
	size_t size, at = ACL_LEN;

	if (len < ACL_LEN || bytes[0] < 2 || bytes[0] > 4)
		return 0;
	size = get_le16(bytes + 2);
	if (size < ACL_LEN || size > len || size % 4 != 0)
		return 0;
	for (unsigned i = get_le16(bytes + 4); i > 0; i--) {
		const uint8_t *ace = bytes + at;
		size_t ace_size;

		if (size - at < ACE_LEN)
			return 0;
		ace_size = get_le16(ace + 2);
		if (ace_size < ACE_LEN || ace_size > size - at || ace_size % 4 != 0)
			return 0;
		if (is_dacl &&
		    ((ace[0] != SD_ALLOW && ace[0] != SD_DENY) || sid_size(ace + ACE_LEN, ace_size - ACE_LEN) == 0))
			return 0;
		at += ace_size;
	}
	return size;
}

static int parse(const uint8_t *bytes, size_t len, struct sd *ret, struct error *error)
{
	static const char *const names[PART_COUNT] = { "owner", "group", "system list", "access list" };
	struct sd sd = { 0 };

	if (len < HEADER_LEN || len > SD_MAX || bytes[0] != 1)
		return error_set(error, ERR_INVALID_PARAMETER, "these %zu bytes are not a security descriptor", len);
	sd.control = get_le16(bytes + 2) & KNOWN_CONTROL;
	if ((sd.control & SELF_RELATIVE) == 0)
		return error_set(error, ERR_INVALID_PARAMETER, "the security descriptor is not self-relative");
	if ((sd.control & DACL_PRESENT) == 0)
		sd.control &= (uint16_t)~parts[DACL].control;
	if ((sd.control & SACL_PRESENT) == 0)
		sd.control &= (uint16_t)~parts[SACL].control;

	for (unsigned i = 0; i < PART_COUNT; i++) {
		size_t at = get_le32(bytes + parts[i].offset), part_len;

		if (at == 0 || (i == DACL && (sd.control & DACL_PRESENT) == 0) ||
		    (i == SACL && (sd.control & SACL_PRESENT) == 0))
			continue;
		if (at < HEADER_LEN || at > len)
			return error_set(
			    error, ERR_INVALID_PARAMETER, "the %s lies outside of the security descriptor", names[i]);
		part_len = i == OWNER || i == GROUP ? sid_size(bytes + at, len - at)
						    : acl_len(bytes + at, len - at, i == DACL);
		if (part_len == 0)
			return error_set(
			    error, ERR_INVALID_PARAMETER, "the %s of the security descriptor is malformed", names[i]);
		sd.parts[i] = (struct part){ bytes + at, part_len };
	}
	*ret = sd;
	return 0;
}

int sd_validate(const void *bytes, size_t len, struct error *error)
{
	struct sd sd;

	return parse(bytes, len, &sd, error);
}

/* Append the descriptor; the order of the parts is that of Windows. */
static int build(const struct sd *sd, struct buf *out)
{
	static const unsigned order[PART_COUNT] = { SACL, DACL, OWNER, GROUP };
	uint8_t header[HEADER_LEN] = { 1 };
	size_t at = HEADER_LEN;

	put_le16(header + 2, sd->control | SELF_RELATIVE);
	for (unsigned i = 0; i < PART_COUNT; i++) {
		const struct part *part = &sd->parts[order[i]];

		if (part->bytes != NULL)
			put_le32(header + parts[order[i]].offset, (uint32_t)at);
		at += part->len;
	}
	if (at > SD_MAX)
		return ERR_INVALID_PARAMETER;
	buf_append(out, header, sizeof(header));
	for (unsigned i = 0; i < PART_COUNT; i++)
		buf_append(out, sd->parts[order[i]].bytes, sd->parts[order[i]].len);
	return out->error;
}

static void take_parts(struct sd *to, const struct sd *from, uint32_t information)
{
	for (unsigned i = 0; i < PART_COUNT; i++) {
		if ((information & parts[i].information) == 0)
			continue;
		to->parts[i] = from->parts[i];
		to->control = (uint16_t)((to->control & ~parts[i].control) | (from->control & parts[i].control));
	}
}

/* Carry out the bits of information that (un)protect one of the lists; false: they make no sense. */
static bool protect(struct sd *sd, uint32_t information, uint32_t list, uint32_t yes, uint32_t no, uint16_t control)
{
	if ((information & (yes | no)) == 0)
		return true;
	if ((information & list) == 0 || (information & (yes | no)) == (yes | no))
		return false;
	sd->control = (uint16_t)((information & yes) != 0 ? sd->control | control : sd->control & ~control);
	return true;
}

int sd_merge(const void *old, size_t old_len, const void *new, size_t new_len, uint32_t information, struct buf *out)
{
	const uint32_t known =
	    SD_PARTS | SD_PROTECTED_DACL | SD_UNPROTECTED_DACL | SD_PROTECTED_SACL | SD_UNPROTECTED_SACL;
	struct sd sd = { 0 }, from;
	int r;

	if ((information & SD_PARTS) == 0 || (information & ~known) != 0)
		return ERR_INVALID_PARAMETER;
	r = parse(new, new_len, &from, NULL);
	if (r < 0)
		return r;
	if (((information & SD_OWNER) != 0 && from.parts[OWNER].bytes == NULL) ||
	    ((information & SD_GROUP) != 0 && from.parts[GROUP].bytes == NULL))
		return ERR_INVALID_PARAMETER;
	if (old_len > 0)
		(void)parse(old, old_len, &sd, NULL);
	take_parts(&sd, &from, information);
	if (!protect(&sd, information, SD_DACL, SD_PROTECTED_DACL, SD_UNPROTECTED_DACL, DACL_PROTECTED) ||
	    !protect(&sd, information, SD_SACL, SD_PROTECTED_SACL, SD_UNPROTECTED_SACL, SACL_PROTECTED))
		return ERR_INVALID_PARAMETER;
	return build(&sd, out);
}

int sd_extract(const void *bytes, size_t len, uint32_t information, struct buf *out)
{
	struct sd all = { 0 }, sd = { 0 };
	int r;

	if (len > 0) {
		r = parse(bytes, len, &all, NULL);
		if (r < 0)
			return r;
	}
	take_parts(&sd, &all, information);
	return build(&sd, out);
}

/* What the generic rights of a kind of objects stand for. */
struct mapping {
	uint32_t read, write, execute, all;
	uint32_t nothing; /* Denied: denies all. */
};

static const struct mapping key_rights = { SD_KEY_READ, SD_KEY_WRITE, SD_KEY_READ, SD_KEY_ALL_ACCESS, 0 };
/* To write takes All, and All includes Read; to execute is what comes with read in many descriptors. */
static const struct mapping cluster_rights = { SD_CLUSTER_READ, SD_CLUSTER_ALL, SD_CLUSTER_READ, SD_CLUSTER_ALL,
	SD_CLUSTER_NO_ACCESS };

static uint32_t map_generic(const struct mapping *m, uint32_t mask)
{
	const struct {
		uint32_t generic, rights;
	} map[] = {
		{ SD_GENERIC_READ, m->read },
		{ SD_GENERIC_WRITE, m->write },
		{ SD_GENERIC_EXECUTE, m->execute },
		{ SD_GENERIC_ALL, m->all },
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((mask & map[i].generic) != 0)
			mask = (mask & ~map[i].generic) | map[i].rights;
	return mask;
}

/* S-1-5-… */
static bool is_nt(const uint32_t *subs, unsigned count, const struct sd_caller *caller)
{
	if (count == 1 && subs[0] == 2)
		return !caller->is_local; /* The network. */
	if (count == 1 && subs[0] == 18)
		return caller->is_system;
	if (count == 2 && subs[0] == 32)
		return (subs[1] == 544 && caller->is_administrator) || (subs[1] == 545 && caller->is_user);
	return count == 1 && subs[0] == 11; /* Authenticated users: everyone. */
}

/* S-1-22-1-uid, S-1-22-2-gid. */
static bool is_unix(const uint32_t *subs, unsigned count, const struct sd_caller *caller)
{
	if (count != 2 || !caller->has_uid)
		return false;
	if (subs[0] == 1)
		return subs[1] == caller->uid;
	if (subs[0] != 2)
		return false;
	for (size_t i = 0; i < caller->gid_count; i++)
		if (subs[1] == caller->gids[i])
			return true;
	return subs[1] == caller->gid;
}

/* Does the SID name the caller, or a group that the caller is in? */
static bool is_caller(const uint8_t *sid, const struct sd_caller *caller)
{
	unsigned count = sid[1];
	uint32_t subs[2] = { 0 };

	for (unsigned i = 0; i < MIN(count, 2u); i++)
		subs[i] = get_le32(sid + SID_HEAD_SIZE + (size_t)4 * i);
	if (memcmp(sid + 2, "\0\0\0\0\0", 5) == 0) {
		if (sid[7] == 1 && count == 1 && subs[0] == 0)
			return true; /* S-1-1-0: everyone. */
		if (sid[7] == 5 && is_nt(subs, count, caller))
			return true;
		if (sid[7] == 22 && is_unix(subs, count, caller))
			return true;
	}
	for (size_t at = 0; at < caller->sids_len;) {
		size_t len = sid_size(caller->sids + at, caller->sids_len - at);

		assert(len > 0);
		if (sid_equal(caller->sids + at, sid))
			return true;
		at += len;
	}
	return false;
}

static bool is_owner_rights(const uint8_t *sid)
{
	return memcmp(sid, "\1\1\0\0\0\0\0\3\4\0\0\0", 12) == 0; /* S-1-3-4 */
}

/* What the descriptor grants, taken entry by entry: the first that says something about a right decides on it. */
static uint32_t rights_by_descriptor(const struct sd *sd, const struct sd_caller *caller, const struct mapping *mapping)
{
	const uint8_t *acl = sd->parts[DACL].bytes, *ace, *owner = sd->parts[OWNER].bytes;
	bool is_owner = owner != NULL && is_caller(owner, caller), owner_is_told = false;
	uint32_t allowed = 0, denied = 0;

	if (acl == NULL)
		return UINT32_MAX; /* No list restricts anybody. */
	ace = acl + ACL_LEN;
	for (unsigned i = get_le16(acl + 4); i > 0; i--, ace += get_le16(ace + 2)) {
		uint32_t mask = map_generic(mapping, get_le32(ace + 4));
		bool is_about_owner = is_owner_rights(ace + ACE_LEN);

		if ((ace[1] & SD_INHERIT_ONLY) != 0)
			continue;
		owner_is_told |= is_about_owner;
		if (!(is_about_owner ? is_owner : is_caller(ace + ACE_LEN, caller)))
			continue;
		if (ace[0] == SD_DENY && (mask & mapping->nothing) != 0)
			mask |= mapping->all;
		if (ace[0] == SD_ALLOW)
			allowed |= mask & ~denied;
		else
			denied |= mask & ~allowed;
	}
	if (is_owner && !owner_is_told)
		allowed |= SD_READ_CONTROL | SD_WRITE_DAC;
	return allowed;
}

enum sd_level sd_cluster_level(const void *bytes, size_t len, const struct sd_caller *caller)
{
	struct sd sd;
	uint32_t rights;

	if (len == 0)
		return caller->is_administrator ? SD_LEVEL_ALL : caller->is_user ? SD_LEVEL_READ : SD_LEVEL_NONE;
	if (parse(bytes, len, &sd, NULL) < 0)
		return SD_LEVEL_NONE;
	rights = rights_by_descriptor(&sd, caller, &cluster_rights);
	if ((rights & SD_CLUSTER_READ) == 0)
		return SD_LEVEL_NONE;
	return (rights & SD_CLUSTER_CHANGE) != 0 ? SD_LEVEL_ALL : SD_LEVEL_READ;
}

int sd_access(const void *bytes, size_t len, const struct sd_caller *caller, uint32_t wanted, uint32_t *ret_granted)
{
	uint32_t allowed = UINT32_MAX, wished = map_generic(&key_rights, wanted & ~SD_MAXIMUM_ALLOWED);
	struct sd sd;

	if (len > 0)
		allowed = parse(bytes, len, &sd, NULL) == 0 ? rights_by_descriptor(&sd, caller, &key_rights) : 0;
	if (caller->is_administrator) {
		allowed |= SD_READ_CONTROL | SD_WRITE_DAC | SD_WRITE_OWNER | SD_ACCESS_SYSTEM_SECURITY;
		allowed &= SD_KEY_ALL_ACCESS | SD_ACCESS_SYSTEM_SECURITY;
	} else {
		allowed &= SD_KEY_READ;
	}
	if ((wished & ~allowed) != 0)
		return ERR_ACCESS_DENIED;
	if ((wanted & SD_MAXIMUM_ALLOWED) != 0) {
		if (allowed == 0)
			return ERR_ACCESS_DENIED;
		wished = allowed;
	}
	*ret_granted = wished;
	return 0;
}
