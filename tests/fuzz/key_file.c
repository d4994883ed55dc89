/* fuzz key_file: any bytes are a file that is named as a private key or a PKCS #12 (the first byte chooses): let in, or refused
 * with a story.
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/format.h"
#include "keys/file.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int sink_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct buf *out = data;

	if (offset + len > out->len)
		buf_append_zeros(out, (size_t)(offset + len) - out->len);
	memcpy(out->data + offset, bytes, len);
	return 0;
}

static int sink_sync(void *data)
{
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf hive = { 0 };
	struct hive_sink sink = { sink_write, sink_sync, &hive };
	struct error error = { 0 };
	struct tree_writer *w;
	uint64_t size;
	int r;

	if (len < 1)
		return 0;
	r = files_writer_new(&sink, &w);
	assert(r == 0);
	r = files_begin(w, &(struct tree_entry){ .kind = TREE_FILE, .name = "", .target = "", .length = len - 1 });
	for (size_t at = 1, n; r == 0 && at < len; at += n) {
		n = MIN(len - at, (size_t)TREE_PART_MAX);
		r = files_part(w, at - 1, data + at, n);
	}
	r = r < 0 ? r : files_end(w);
	r = r < 0 ? r : files_writer_finish(w, &size);
	assert(r == 0);
	files_writer_free(w);
	r = key_file_check(data[0] % 2 == 0 ? BOX_PEM : BOX_PKCS12, hive.data, hive.len, "it", &error);
	assert(r == 0 || (error.code == r && error.text[0] != 0));
	buf_done(&hive);
	return 0;
}
