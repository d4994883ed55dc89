/* version: what this program says of its own version, and which cluster version it is compatible with.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
	VERSION_MAJOR = 0,
	VERSION_MINOR = 1,
	VERSION_BUILD = 0,
	/* The operational version (public protocol, section 9): 2012 R2, whose calls we follow. */
	CLUSTER_VERSION = 0x00082580,
};
