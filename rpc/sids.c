/* sids: see sids.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/sids.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rpc_sids_new(const uint8_t *bytes, size_t len, struct rpc_sids **ret)
{
	struct rpc_sids *s;

	if (len > RPC_SIDS_SIZE_MAX)
		return -E2BIG;
	s = malloc(sizeof(*s) + len);
	if (s == NULL)
		return -ENOMEM;
	*s = (struct rpc_sids){ .refs = 1, .len = len };
	if (len > 0)
		memcpy(s->bytes, bytes, len);
	*ret = s;
	return 0;
}

struct rpc_sids *rpc_sids_ref(struct rpc_sids *s)
{
	if (s != NULL)
		s->refs++;
	return s;
}

void rpc_sids_unref(struct rpc_sids *s)
{
	if (s == NULL)
		return;
	assert(s->refs > 0);
	if (--s->refs == 0)
		free(s);
}

bool rpc_sids_equal(const struct rpc_sids *a, const struct rpc_sids *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
