/* file: key material in a file: a private key in PEM form, or a PKCS #12.  See file.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "keys/name.h"

enum { KEY_FILE_MAX = 1 << 20 }; /* Bytes. */

/* Whether what capture/ took is a regular file with such content (BOX_PEM, BOX_PKCS12).  ERR_INVALID_DATA: it is not, or too
 * large; -ENOMEM.  shown: for the story. */
int key_file_check(enum box_kind kind, const void *hive, size_t len, const char *shown, struct error *error);
