/* reader: read the quolog.log of a backup set strictly.  See reader.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "quolog/header.h"
#include "quolog/record.h"

/* Called in the order of the file; a negative result ends the reading and is returned.  All is borrowed.  What has been
 * visited is only as good as the result of quolog_read(): a later fault condemns the whole file. */
struct quolog_visitor {
	int (*header)(void *data, const struct quolog_header *header);
	int (*batch)(void *data, uint64_t index, const uint8_t *bytes, size_t len);
	int (*manifest)(void *data, const uint8_t *bytes, size_t len);
	void *data;
};

/* -EBADMSG: not a whole and undamaged log of a set, the story says where and why; ERR_NOT_SUPPORTED: of a newer version;
 * -ENOMEM; else what the visitor gave (the story is its own). */
int quolog_read(const uint8_t *bytes, size_t len, const struct quolog_visitor *visitor, struct error *error);
