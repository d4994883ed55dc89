/* path: the components of a key's path; '\' stands between them.
 * A name may have any unit but '\' and zero: the first would be two names, the second cannot be written in the API or a
 * hive.
 * Threads  all functions.          Tests  tests/unit/db.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/path.h"

bool path_next(struct u16 *path, struct u16 *ret_name)
{
	size_t len = 0;

	if (path->len == 0)
		return false;
	while (len < path->len && path->units[len] != u'\\')
		len++;
	*ret_name = (struct u16){ path->units, len };
	if (len + 1 < path->len)
		len++; /* The separator; a last one stays. */
	path->units += len;
	path->len -= len;
	return true;
}

int path_check(struct u16 path)
{
	struct u16 name;

	if (path.len > DB_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	if (u16_has_unit(path, 0))
		return ERR_INVALID_PARAMETER;
	for (unsigned depth = 1; path_next(&path, &name); depth++) {
		if (name.len == 0)
			return ERR_INVALID_PARAMETER;
		if (name.len > DB_KEY_NAME_MAX || depth == DB_DEPTH_MAX)
			return ERR_FILENAME_EXCED_RANGE;
	}
	return 0;
}

void path_split(struct u16 path, struct u16 *ret_parent, struct u16 *ret_name)
{
	size_t begin = path.len;

	assert(path.len > 0);
	while (begin > 0 && path.units[begin - 1] != u'\\')
		begin--;
	*ret_name = (struct u16){ path.units + begin, path.len - begin };
	*ret_parent = (struct u16){ path.units, begin > 0 ? begin - 1 : 0 };
}
