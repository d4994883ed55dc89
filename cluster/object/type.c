/* type: what is known of the resource types that this program has.
 *
 * Why      programs ask for a resource's class and characteristics to know what they may do with it: which resource can
 *          be the quorum's, which is a disk, which an address.
 * Promise  a pure function of the name.  A characteristic is claimed only where something here stands behind it.
 * Tests    tests/unit/property.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/type.h"

// clang-format off
static const struct type_traits types[] = {
	{ U16("IP Address"),	0, TYPE_CLASS_NETWORK, TYPE_SUBCLASS_SHARED, { 0 } },
	{ U16("IPv6 Address"),	0, TYPE_CLASS_NETWORK, TYPE_SUBCLASS_SHARED, { 0 } },
	{ U16("Local Quorum"),	TYPE_CHARACTERISTIC_QUORUM | TYPE_CHARACTERISTIC_LOCAL_QUORUM, TYPE_CLASS_STORAGE, 0, { 0 } },
	{ U16("Network Name"),	0, TYPE_CLASS_UNKNOWN, 0, U16("IP Address") },
	{ U16("Physical Disk"),	0, TYPE_CLASS_STORAGE, TYPE_SUBCLASS_SHARED, { 0 } },
};
// clang-format on

const struct type_traits *type_traits(struct u16 name)
{
	static const struct type_traits unknown;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (u16_equal(types[i].name, name))
			return &types[i];
	return &unknown;
}
