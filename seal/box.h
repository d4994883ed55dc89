/* box: key material of an application, encrypted: the blob of a crypto checkpoint.  See box.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/guid.h"
#include "base/sha256.h"
#include "seal/seal.h"

enum {
	BOX_CONTENT_MAX = 2 << 20, /* Bytes. */
	BOX_LABEL_LEN = 88,
	BOX_MAX = BOX_CONTENT_MAX + 120, /* Of a box. */
};

enum box_kind { /* On disk. */
	BOX_PEM = 1,
	BOX_PKCS12 = 2,
	BOX_TOKEN = 3,
};

/* What the content belongs to: it can be opened as nothing else. */
struct box_label {
	enum box_kind kind;
	struct seal_id key; /* The cluster key's. */
	struct guid cluster, resource;
	struct digest name; /* Of the checkpoint's name: box_name(). */
};

/* What one checkpoint's boxes are closed and opened with; from the cluster key, which cannot be told from it. */
struct box_key {
	struct box_label label;
	uint8_t content[SEAL_KEY_LEN];  /* Encrypts. */
	uint8_t wrapping[SEAL_KEY_LEN]; /* For keys that leave a token only if they are wrapped. */
};

struct digest box_name(struct u16 name);
bool box_label_equal(const struct box_label *a, const struct box_label *b);

/* label->key is set from the key.  -ENOMEM.  The caller keeps it in such memory as seal_memory_new() gives. */
int box_key_make(const struct seal_key *key, const struct box_label *label, struct box_key *ret);
/* To another process, and back (-EBADMSG). */
enum { BOX_KEY_LEN = BOX_LABEL_LEN + 2 * SEAL_KEY_LEN };
void box_key_write(const struct box_key *key, uint8_t ret[BOX_KEY_LEN]);
int box_key_read(const uint8_t bytes[BOX_KEY_LEN], struct box_key *ret);

/* The box, with a nonce of its own, is appended to *out.  -EFBIG; -ENOMEM; -EIO: no random numbers. */
int box_close(const struct box_key *key, const void *content, size_t len, struct buf *out);
/* What a box says it is of.  -EBADMSG: it is none, or cut; ERR_NOT_SUPPORTED: a newer one. */
int box_read(const void *box, size_t len, struct box_label *ret, struct error *error);
/* The content, in seal_memory_new() of at least a byte: *ret_len bytes, to be freed with seal_memory_free(…, MAX(len, 1)).
 * As box_read(), and ERR_INVALID_DATA: it is not the key's checkpoint's, or damaged; -ENOMEM. */
int box_open(
    const struct box_key *key, const void *box, size_t len, uint8_t **ret, size_t *ret_len, struct error *error);
