/* fuzz key_name: any units are the name of a crypto checkpoint, or are refused with a story; what is let in leads to an absolute
 * path, or to a URI that names no PIN and no library.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "keys/name.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char16_t *units = malloc(MAX(len, (size_t)1) * sizeof(*units));
	struct key_name n = { 0 };
	struct error error = { 0 };
	int r;

	assert(units != NULL);
	/* Letters, mostly; the first byte may say that they are whole units. */
	for (size_t i = 0; i < len; i++)
		units[i] = len > 1 && data[0] == 0xff && i + 1 < len ? get_le16(data + i) : data[i];
	r = key_name_parse((struct u16){ units, len }, &n, &error);
	if (r < 0) {
		assert(error.code == r && error.text[0] != 0 && n.place == NULL);
	} else if (n.kind == BOX_TOKEN) {
		assert(strncmp(n.place, "pkcs11:", 7) == 0 && strlen(n.place) <= KEY_URI_MAX);
		assert(key_uri_check(n.place, &error) == 0);
		assert(strchr(n.place, '?') == NULL);
	} else {
		assert(n.place[0] == '/' && n.place[1] != 0 && strstr(n.place, "//") == NULL);
		assert(strstr(n.place, "/../") == NULL && strlen(n.place) <= 4095);
	}
	key_name_done(&n);
	free(units);
	return 0;
}
