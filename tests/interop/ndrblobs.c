/* ndrblobs: writes a valid request and answer of every method of MS-CMRP 3.0, for a foreign reader to read.
 *
 * Usage: ndrblobs DIRECTORY SEED [full]      "full": without NULL pointers
 * Files: NAME.in, NAME.out; a line "NUMBER NAME" each on standard output.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/ndrfill.h"
#include "wire/clusapi.h"
#include <stdio.h>

enum { VERSION = 3, VALUE_MAX = 512 };

static int write_file(const char *directory, const char *name, const char *suffix, const struct buf *bytes)
{
	char path[4096];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s.%s", directory, name, suffix);
	f = fopen(path, "wb");
	if (f == NULL)
		return -1;
	ok = bytes->len == 0 || fwrite(bytes->data, bytes->len, 1, f) == 1;
	return fclose(f) == 0 && ok ? 0 : -1;
}

/* The answer is made up first, then the request gets the sizes that the answer was given: those that it fixed, and
 * those that go both ways. */
static void fix_request(const struct ndr_method *m, void *in, const void *out)
{
	for (unsigned i = 0; i < m->out->field_count; i++)
		for (unsigned k = 0; k < m->in->field_count; k++) {
			const struct ndr_field *to = &m->in->fields[k], *from = &m->out->fields[i];

			if (to->kind == NDR_U32 && from->kind == NDR_U32 && strcmp(to->name, from->name) == 0)
				memcpy((char *)in + to->offset, (const char *)out + from->offset, sizeof(uint32_t));
		}
}

/* Samba takes a notification's key for a pointer, where the specification has a number: NULL and 0 look the same. */
static void clear_notify_keys(struct clusapi_GetNotifyV2_out *out)
{
	for (uint32_t i = 0; i < out->notification_count; i++)
		((struct clusapi_notification *)&out->notifications[i])->notify_key = 0;
}

int main(int argc, char **argv)
{
	struct rng rng;

	if (argc < 3)
		return 2;
	rng_init(&rng, strtoull(argv[2], NULL, 10));
	for (unsigned n = 0; n < clusapi_interface.method_count; n++) {
		const struct ndr_method *m = ndr_method(&clusapi_interface, VERSION, n);
		_Alignas(16) char in[VALUE_MAX] = { 0 }, out[VALUE_MAX] = { 0 };
		_cleanup_(arena_done) struct arena arena = { 0 };
		_cleanup_(buf_done) struct buf request = { 0 }, answer = { 0 };
		struct ndrfill fill = { .arena = &arena, .rng = &rng, .letters = true, .full = argc > 3 };

		if (m == NULL)
			continue;
		assert(m->in->size <= VALUE_MAX && m->out->size <= VALUE_MAX);
		ndrfill(&fill, m->in, VERSION, in);
		ndrfill(&fill, m->out, VERSION, out);
		fix_request(m, in, out);
		if (n == CLUSAPI_GET_NOTIFY_V2)
			clear_notify_keys((struct clusapi_GetNotifyV2_out *)out);
		if (ndr_push(m->in, VERSION, in, &request) < 0 || ndr_push(m->out, VERSION, out, &answer) < 0)
			return 1;
		if (write_file(argv[1], m->name, "in", &request) < 0 ||
		    write_file(argv[1], m->name, "out", &answer) < 0)
			return 1;
		printf("%u %s\n", n, m->name);
	}
	return 0;
}
