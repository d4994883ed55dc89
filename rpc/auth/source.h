/* source: the chance and the time that mechanisms need, so that tests can choose them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

struct auth_source {
	/* Bytes that nobody can guess.  Negative: there are none, and then nobody may log in. */
	int (*fill_random)(void *data, void *bytes, size_t len);
	uint64_t (*filetime)(void *data); /* The wall clock. */
	void *data;
};

extern const struct auth_source auth_system_source;
