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
 * Threads  all functions.         Tests  tests/unit/sd.c, tests/fuzz/sd.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/sd.h"

enum {
	HEADER_LEN = 20,
	SID_LEN = 8, /* And 4 for each subauthority. */
	SID_COUNT_MAX = 15,
	ACL_LEN = 8,
	ACE_LEN = 8,
	ACE_ALLOW = 0,
	ACE_DENY = 1,
	ACE_INHERIT_ONLY = 0x08,
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

/* The length of the SID at the start of bytes, 0 if there is none. */
static size_t sid_len(const uint8_t *bytes, size_t len)
{
	if (len < SID_LEN || bytes[0] != 1 || bytes[1] > SID_COUNT_MAX || len < SID_LEN + 4u * bytes[1])
		return 0;
	return SID_LEN + 4u * bytes[1];
}

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
		    ((ace[0] != ACE_ALLOW && ace[0] != ACE_DENY) || sid_len(ace + ACE_LEN, ace_size - ACE_LEN) == 0))
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
		part_len =
		    i == OWNER || i == GROUP ? sid_len(bytes + at, len - at) : acl_len(bytes + at, len - at, i == DACL);
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

static uint32_t map_generic(uint32_t mask)
{
	static const struct {
		uint32_t generic, rights;
	} map[] = {
		{ SD_GENERIC_READ, SD_KEY_READ },
		{ SD_GENERIC_EXECUTE, SD_KEY_READ },
		{ SD_GENERIC_WRITE, SD_KEY_WRITE },
		{ SD_GENERIC_ALL, SD_KEY_ALL_ACCESS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((mask & map[i].generic) != 0)
			mask = (mask & ~map[i].generic) | map[i].rights;
	return mask;
}

/* Does the SID name the caller, or a group that the caller is in? */
static bool is_caller(const uint8_t *sid, const struct sd_caller *caller)
{
	unsigned count = sid[1];
	uint32_t first = count > 0 ? get_le32(sid + SID_LEN) : 0, second = count > 1 ? get_le32(sid + SID_LEN + 4) : 0;

	if (memcmp(sid + 2, "\0\0\0\0\0", 5) != 0)
		return false;
	switch (sid[7]) {
	case 1: /* S-1-1-0: everyone. */
		return count == 1 && first == 0;
	case 5:
		if (count == 1)
			return first == 11 ||
			       (first == 18 && caller->may_change); /* Authenticated users; the system. */
		if (count != 2 || first != 32)
			return false;
		return second == 545 || (second == 544 && caller->may_change); /* Users, administrators. */
	case 22: /* S-1-22-1-uid, S-1-22-2-gid: Unix users and groups, as Samba writes them. */
		if (count != 2 || !caller->has_uid)
			return false;
		if (first == 1)
			return second == caller->uid;
		for (size_t i = 0; first == 2 && i < caller->gid_count; i++)
			if (second == caller->gids[i])
				return true;
		return false;
	default:
		return false;
	}
}

/* What the descriptor grants, taken entry by entry: the first that says something about a right decides on it. */
static uint32_t rights_by_descriptor(const struct sd *sd, const struct sd_caller *caller)
{
	const uint8_t *acl = sd->parts[DACL].bytes, *ace;
	uint32_t allowed = 0, denied = 0;

	if (acl == NULL)
		return UINT32_MAX; /* No list restricts anybody. */
	if (sd->parts[OWNER].bytes != NULL && is_caller(sd->parts[OWNER].bytes, caller))
		allowed |= SD_READ_CONTROL | SD_WRITE_DAC;
	ace = acl + ACL_LEN;
	for (unsigned i = get_le16(acl + 4); i > 0; i--) {
		uint32_t mask = map_generic(get_le32(ace + 4));

		if ((ace[1] & ACE_INHERIT_ONLY) == 0 && is_caller(ace + ACE_LEN, caller)) {
			if (ace[0] == ACE_ALLOW)
				allowed |= mask & ~denied;
			else
				denied |= mask & ~allowed;
		}
		ace += get_le16(ace + 2);
	}
	return allowed;
}

int sd_access(const void *bytes, size_t len, const struct sd_caller *caller, uint32_t wanted, uint32_t *ret_granted)
{
	uint32_t allowed = UINT32_MAX, wished = map_generic(wanted & ~SD_MAXIMUM_ALLOWED);
	struct sd sd;

	if (len > 0)
		allowed = parse(bytes, len, &sd, NULL) == 0 ? rights_by_descriptor(&sd, caller) : 0;
	if (caller->may_change) {
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
