/* values: the names in the hive of a file checkpoint, shared by its writer and reader.  Their order matters: all that
 * describes an entry stands before its parts, and these before its attributes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "capture/format.h"
#include <inttypes.h>

#define VALUE_ACCESSED "Accessed"
#define VALUE_FORMAT "Format"
#define VALUE_GROUP "Group"
#define VALUE_KIND "Kind"
#define VALUE_LENGTH "Length"
#define VALUE_LINK "Link"
#define VALUE_MODE "Mode"
#define VALUE_MODIFIED "Modified"
#define VALUE_NAME "Name"
#define VALUE_OWNER "Owner"
#define PART_FORMAT "Part%016" PRIX64
#define XATTR_FORMAT "Xattr%04" PRIX32
#define KEY_FIRST "File"
#define KEY_FORMAT "%08" PRIX32 /* From 1. */

enum {
	TREE_FORMAT = 1,
	VALUE_NAME_UNITS = 20, /* The longest name: Part and 16 digits. */
	TIME_BYTES = 12,
	TYPE_SZ = 1,
	TYPE_BINARY = 3,
	TYPE_DWORD = 4,
	TYPE_QWORD = 11,
	SECOND_NS = 1000000000,
};
