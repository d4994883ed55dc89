/* macro: the handful of idioms that every file uses.  Cleanup attributes free locals at the end of their scope;
 * TAKE_PTR hands such a local over to the caller.  Tests: used everywhere.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ALIGN_UP(n, to) (((n) + ((to) - 1)) & ~((__typeof__(n))(to) - 1))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _printf_(at, first) __attribute__((format(printf, at, first)))
#define _public_ __attribute__((visibility("default")))

/* Hand over what a cleanup variable owns. */
#define TAKE_PTR(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) take_ptr_ = (p);                                                                         \
		(p) = NULL;                                                                                            \
		take_ptr_;                                                                                             \
	})

/* Make the cleanup function x_freep() out of x_free(). */
#define DEFINE_FREEP(type, function)                                                                                   \
	static inline void function##p(type **p)                                                                       \
	{                                                                                                              \
		function(*p);                                                                                          \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)
