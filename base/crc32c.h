/* crc32c: the Castagnoli checksum of our log records (RFC 3720, appendix B.4).  Finds torn and rotten bytes; it is no
 * protection against an attacker.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Continue a checksum; start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
