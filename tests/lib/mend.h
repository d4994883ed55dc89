/* mend: checksums put right in damaged bytes, so that a fuzzer need not find them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"

/* The base block of a hive of whole pages, at least one.  Root and minor version stay as they are. */
void mend_hive(uint8_t *hive, size_t len);

/* Follow the lengths of a log from its first record on and give each the checksum that its reader will want.  record, if
 * any, is shown each of them: what is left of the log, and the seed of the checksums. */
void mend_log(uint8_t *bytes, size_t len, void (*record)(const uint8_t *bytes, size_t len, uint32_t seed));
