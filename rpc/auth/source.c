/* source: the real chance (libcrypto) and the real time.
 * Threads  all.     Tests  used by tests/interop/rpc_auth.py; tests/unit/ntlm.c has its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/source.h"
#include "base/filetime.h"
#include <errno.h>
#include <openssl/rand.h>

static int fill_random(void *data, void *bytes, size_t len)
{
	assert(len <= INT32_MAX);
	return RAND_bytes(bytes, (int)len) == 1 ? 0 : -EIO;
}

static uint64_t filetime(void *data)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return filetime_from_timespec(now);
}

const struct auth_source auth_system_source = { .fill_random = fill_random, .filetime = filetime };
