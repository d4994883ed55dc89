/* fuzz key_object: any bytes are the content of a token's checkpoint, or are refused; what is read is written as the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/object.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct key_object *objects = calloc(KEY_OBJECTS_MAX, sizeof(*objects));
	struct buf again = { 0 };
	size_t count;

	assert(objects != NULL);
	if (key_objects_read(data, len, objects, &count) == 0) {
		assert(count > 0 && count <= KEY_OBJECTS_MAX && objects[0].wrapped_len > 0);
		for (size_t i = 0; i < count; i++)
			key_object_write(&objects[i], &again);
		assert(again.error == 0 && again.len == len && memcmp(again.data, data, len) == 0);
	}
	buf_done(&again);
	free(objects);
	return 0;
}
