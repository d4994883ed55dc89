/* type: what is known of the resource types that this program has.  See type.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/utf16.h"

enum { TYPE_CHARACTERISTIC_QUORUM = 0x1, TYPE_CHARACTERISTIC_LOCAL_QUORUM = 0x4 };
enum { TYPE_CLASS_UNKNOWN = 0, TYPE_CLASS_STORAGE = 1, TYPE_CLASS_NETWORK = 2 };
#define TYPE_SUBCLASS_SHARED 0x80000000u /* Of the class storage; of the class network: an address. */

struct type_traits {
	struct u16 name;
	uint32_t characteristics;
	uint32_t class, subclass;
	struct u16 required; /* The type that a resource must depend on; empty: none. */
};

/* Never NULL: of other types nothing is known. */
const struct type_traits *type_traits(struct u16 name);
