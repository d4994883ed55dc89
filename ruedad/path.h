/* path: what a Windows-style path means on this node; see path.c for the rules.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/utf16.h"

enum { PATH_UNITS_MAX = 32767, PATH_COMPONENT_MAX = 255 }; /* UTF-16 units of a path; bytes of a component. */

/* The [unc] section: which directory here stands for a share. */
struct unc_map {
	struct unc_entry {
		char16_t *name; /* Owned: server/share[/more], no slashes at the ends, as it was written. */
		size_t name_len;
		char *directory; /* Owned: absolute. */
	} * entries; /* Owned. */
	size_t count;
};

enum { UNC_ENTRIES_MAX = 256 };

/* name as in rueda.conf: //server/share or \\server\share, UTF-8.  -EINVAL (with the reason in *e) if name or directory
 * cannot be used, -EEXIST if the name is there already in whatever case, -ENOMEM, -E2BIG. */
int unc_map_add(struct unc_map *map, const char *name, const char *directory, struct error *e);
void unc_map_done(struct unc_map *map);

struct path_context {
	const char *drives; /* The directory of the drive links, absolute. */
	const struct unc_map *unc;
};

struct path {
	char *text; /* Owned.  Absolute, UTF-8, no empty, "." or ".." component, no slash at the end (but "/"). */
	bool
	    may_create; /* The last component may be made if it is missing: false for a drive's own link and for "/". */
};

/* 0, or one of ERR_INVALID_PARAMETER, ERR_PATH_NOT_FOUND, ERR_FILENAME_EXCED_RANGE, ERR_NO_UNICODE_TRANSLATION,
 * ERR_BAD_PATHNAME with its story in *e; or -ENOMEM. */
int path_translate(const struct path_context *context, struct u16 windows, struct path *ret, struct error *e);
void path_done(struct path *p);
