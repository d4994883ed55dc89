/* fuzz path: any units are a path; what it becomes is absolute and plain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/path.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct unc_map map;
	static const struct path_context context = {.drives = "/R/drives", .unc = &map};
	struct path path = {0};
	char16_t *units;

	if (map.count == 0 && unc_map_add(&map, "//a/b", "/share", NULL) < 0)
		return 0;
	units = malloc(len + 2);
	assert(units != NULL);
	memcpy(units, data, len);
	if (path_translate(&context, (struct u16){units, len / 2}, &path, NULL) == 0) {
		const char *end = path.text + strlen(path.text);

		assert(path.text[0] == '/' && (end == path.text + 1 || end[-1] != '/'));
		for (const char *p = path.text; p != NULL && end > path.text + 1; p = strchr(p + 1, '/')) {
			size_t n = strcspn(p + 1, "/");

			assert(n > 0 && n <= PATH_COMPONENT_MAX);
			assert(!(n == 1 && p[1] == '.') && !(n == 2 && p[1] == '.' && p[2] == '.'));
		}
		path_done(&path);
	}
	free(units);
	return 0;
}
