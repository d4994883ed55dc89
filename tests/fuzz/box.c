/* fuzz box: any bytes are the blob of a crypto checkpoint, or are refused with a story; what opens is closed for this key, and
 * closes to the same length again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "seal/box.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seal_key cluster_key;
	struct error error = { 0 };
	struct box_label label;
	struct box_key key;
	struct buf again = { 0 };
	uint8_t *content;
	size_t content_len;
	int r = box_read(data, len, &label, &error);

	if (r < 0) {
		assert(error.code == r && error.text[0] != 0);
		return 0;
	}
	assert(len <= BOX_MAX);
	for (size_t i = 0; i < sizeof(cluster_key.bytes); i++)
		cluster_key.bytes[i] = (uint8_t)i;
	r = box_key_make(&cluster_key, &label, &key);
	assert(r == 0);
	r = box_open(&key, data, len, &content, &content_len, &error);
	if (r < 0) {
		assert(error.code == r && error.text[0] != 0);
		return 0;
	}
	assert(box_label_equal(&label, &key.label) && content_len <= BOX_CONTENT_MAX);
	r = box_close(&key, content, content_len, &again);
	assert(r == 0 && again.len == len);
	buf_done(&again);
	seal_memory_free(content, MAX(content_len, (size_t)1));
	return 0;
}
