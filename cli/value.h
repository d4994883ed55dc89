/* value: keys and values of a database for people and programs; see value.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cli/output.h"
#include "cluster/db/db.h"

/* "REG_SZ"; a type without a name as its number. */
const char *value_type_name(uint32_t type, char buffer[16]);
/* From "sz", "REG_SZ" or a number.  -EINVAL. */
int value_parse_type(const char *text, uint32_t *ret);
/* Data of such a type from words of the command line, as ClusterRegSetValue() wants it.  -EINVAL, -EILSEQ, -ENOMEM. */
int value_parse_data(uint32_t type, char **words, size_t count, struct buf *ret);

/* The members type, type_number, size and hex, and where the data follows its type text, texts or number. */
void value_json_members(struct json *j, uint32_t type, const uint8_t *data, size_t len);
/* For a person or a script: text as it is, texts and numbers on lines of their own, other bytes in hexadecimal. */
void value_print(uint32_t type, const uint8_t *data, size_t len);
/* On one line, as behind the '=' of .reg text; bytes beyond a few are left out. */
void value_print_short(uint32_t type, const uint8_t *data, size_t len);

/* Subkeys and values of one key; the result is an enum cli_exit. */
int value_list_key(const struct db_key *key, struct u16 path, bool as_json);
/* The key and all below it as .reg text in UTF-16LE, below that root (cli/regfile.h).  ERR_NO_UNICODE_TRANSLATION: a name that .reg text cannot hold. */
int value_reg_text(const struct db_key *key, const char *root, struct u16 path, struct buf *ret);
