/* box: key material of an application, encrypted: the blob of a crypto checkpoint.
 *
 *	label (kind, id of the cluster key, cluster, resource, name) | nonce | length | content, encrypted | tag
 *
 * Why      blobs lie in the state directory, in every backup set, on every node.  A private key must not; and whoever can
 *          write there must not get a key of one service put into the place of another's.
 * How      AES-256-GCM with a fresh nonce, under a key of the checkpoint's own: HKDF of the cluster key and the label.  What
 *          precedes the content is authenticated, as the opener expects it and not as the box says it is: that the two are
 *          compared before serves the story only.
 * Promise  a box opens with the cluster key, and as the checkpoint that it was closed for, unchanged, or not at all.
 * Not kept the length of the content; which of two boxes is the newer.
 * Threads  any.       Limits  BOX_CONTENT_MAX.
 * Format   docs/formats/crypto-checkpoint.md         Tests  tests/unit/box.c, tests/fuzz/box.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "seal/box.h"
#include "seal/internal.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

enum {
	MAGIC = 0x43436452, /* "RdCC" */
	VERSION = 1,
	HEAD_LEN = BOX_LABEL_LEN + SEAL_NONCE_LEN + 4,
};
static_assert(HEAD_LEN + SEAL_TAG_LEN == BOX_MAX - BOX_CONTENT_MAX, "a box of the largest content");

struct view { /* Of a box. */
	struct box_label label;
	const uint8_t *nonce, *content, *tag;
	size_t len;
};

struct digest box_name(struct u16 name)
{
	struct sha256 s;
	struct digest d;

	sha256_init(&s);
	for (size_t i = 0; i < name.len; i++) {
		uint8_t unit[2];

		put_le16(unit, name.units[i]);
		sha256_update(&s, unit, sizeof(unit));
	}
	sha256_final(&s, &d);
	return d;
}

bool box_label_equal(const struct box_label *a, const struct box_label *b)
{
	return a->kind == b->kind && seal_id_equal(&a->key, &b->key) && guid_equal(&a->cluster, &b->cluster) &&
	       guid_equal(&a->resource, &b->resource) && digest_equal(&a->name, &b->name);
}

static void write_label(const struct box_label *l, uint8_t ret[BOX_LABEL_LEN])
{
	put_le32(ret, MAGIC);
	put_le16(ret + 4, VERSION);
	put_le16(ret + 6, (uint16_t)l->kind);
	memcpy(ret + 8, l->key.bytes, SEAL_ID_LEN);
	memcpy(ret + 24, l->cluster.bytes, 16);
	memcpy(ret + 40, l->resource.bytes, 16);
	memcpy(ret + 56, l->name.bytes, SHA256_LEN);
}

static int read_label(struct cursor *c, struct box_label *ret, struct error *error)
{
	uint32_t magic = cursor_u32(c), version = cursor_u16(c), kind = cursor_u16(c);
	const uint8_t *rest = cursor_bytes(c, BOX_LABEL_LEN - 8);

	if (c->error != 0 || magic != MAGIC)
		return error_set(error, -EBADMSG, "this is not what was saved for a crypto checkpoint");
	if (version != VERSION || kind < BOX_PEM || kind > BOX_TOKEN)
		return error_set(error, ERR_NOT_SUPPORTED,
		    "the crypto checkpoint is of a form (version %u, kind %u) that this program does not know", version,
		    kind);
	ret->kind = (enum box_kind)kind;
	memcpy(ret->key.bytes, rest, SEAL_ID_LEN);
	memcpy(ret->cluster.bytes, rest + 16, 16);
	memcpy(ret->resource.bytes, rest + 32, 16);
	memcpy(ret->name.bytes, rest + 48, SHA256_LEN);
	return 0;
}

int box_key_make(const struct seal_key *key, const struct box_label *label, struct box_key *ret)
{
	uint8_t context[BOX_LABEL_LEN], keys[2 * SEAL_KEY_LEN];
	struct box_label full = *label;
	int r;

	full.key = seal_key_id(key);
	write_label(&full, context);
	r = seal_derive(
	    key->bytes, sizeof(key->bytes), "rueda crypto checkpoint 1", context, sizeof(context), keys, sizeof(keys));
	if (r == 0) {
		ret->label = full;
		memcpy(ret->content, keys, SEAL_KEY_LEN);
		memcpy(ret->wrapping, keys + SEAL_KEY_LEN, SEAL_KEY_LEN);
	}
	OPENSSL_cleanse(keys, sizeof(keys));
	return r;
}

void box_key_write(const struct box_key *key, uint8_t ret[BOX_KEY_LEN])
{
	write_label(&key->label, ret);
	memcpy(ret + BOX_LABEL_LEN, key->content, SEAL_KEY_LEN);
	memcpy(ret + BOX_LABEL_LEN + SEAL_KEY_LEN, key->wrapping, SEAL_KEY_LEN);
}

int box_key_read(const uint8_t bytes[BOX_KEY_LEN], struct box_key *ret)
{
	struct cursor c = cursor_make(bytes, BOX_KEY_LEN);
	struct box_label label;

	if (read_label(&c, &label, NULL) < 0)
		return -EBADMSG;
	ret->label = label;
	memcpy(ret->content, bytes + BOX_LABEL_LEN, SEAL_KEY_LEN);
	memcpy(ret->wrapping, bytes + BOX_LABEL_LEN + SEAL_KEY_LEN, SEAL_KEY_LEN);
	return 0;
}

/* All that precedes the content. */
static void write_head(
    const struct box_label *label, const uint8_t nonce[SEAL_NONCE_LEN], size_t len, uint8_t ret[HEAD_LEN])
{
	write_label(label, ret);
	memcpy(ret + BOX_LABEL_LEN, nonce, SEAL_NONCE_LEN);
	put_le32(ret + BOX_LABEL_LEN + SEAL_NONCE_LEN, (uint32_t)len);
}

int box_close(const struct box_key *key, const void *content, size_t len, struct buf *out)
{
	uint8_t nonce[SEAL_NONCE_LEN], head[HEAD_LEN], *to;
	size_t before = out->len;
	int r;

	if (len > BOX_CONTENT_MAX)
		return -EFBIG;
	if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	write_head(&key->label, nonce, len, head);
	buf_append(out, head, sizeof(head));
	buf_append_zeros(out, len + SEAL_TAG_LEN);
	if (out->error != 0)
		return out->error;
	to = out->data + before + HEAD_LEN;
	r = seal_crypt(
	    true, &(struct seal_crypt){ key->content, nonce, head, sizeof(head), content, to, len, to + len });
	if (r < 0)
		out->len = before;
	return r == -EBADMSG ? -ENOMEM : r; /* Nothing else can be wrong with it. */
}

static int parse(const void *box, size_t len, struct view *ret, struct error *error)
{
	struct cursor c = cursor_make(box, len);
	struct view v;
	int r = read_label(&c, &v.label, error);

	if (r < 0)
		return r;
	v.nonce = cursor_bytes(&c, SEAL_NONCE_LEN);
	v.len = cursor_u32(&c);
	v.content = cursor_bytes(&c, v.len);
	v.tag = cursor_bytes(&c, SEAL_TAG_LEN);
	if (c.error != 0 || cursor_left(&c) != 0 || v.len > BOX_CONTENT_MAX)
		return error_set(error, -EBADMSG, "what was saved for the crypto checkpoint is damaged");
	*ret = v;
	return 0;
}

int box_read(const void *box, size_t len, struct box_label *ret, struct error *error)
{
	struct view v;
	int r = parse(box, len, &v, error);

	if (r == 0)
		*ret = v.label;
	return r;
}

static int tell_other(const struct box_label *found, const struct box_label *wanted, struct error *error)
{
	const char *what = !guid_equal(&found->cluster, &wanted->cluster)     ? "cluster"
			   : !guid_equal(&found->resource, &wanted->resource) ? "resource"
			   : !seal_id_equal(&found->key, &wanted->key)        ? "cluster key"
									      : "crypto checkpoint";

	return error_set(error, ERR_INVALID_DATA, "what was saved is of another %s", what);
}

int box_open(
    const struct box_key *key, const void *box, size_t len, uint8_t **ret, size_t *ret_len, struct error *error)
{
	uint8_t head[HEAD_LEN], tag[SEAL_TAG_LEN], *content;
	struct view v;
	int r = parse(box, len, &v, error);

	if (r < 0)
		return r;
	if (!box_label_equal(&v.label, &key->label))
		return tell_other(&v.label, &key->label, error);
	content = seal_memory_new(MAX(v.len, (size_t)1));
	if (content == NULL)
		return error_set_code(error, -ENOMEM, "cannot open the crypto checkpoint");
	write_head(&key->label, v.nonce, v.len, head);
	memcpy(tag, v.tag, sizeof(tag));
	r = seal_crypt(
	    false, &(struct seal_crypt){ key->content, v.nonce, head, sizeof(head), v.content, content, v.len, tag });
	if (r == 0) {
		*ret = content;
		*ret_len = v.len;
		return 0;
	}
	seal_memory_free(content, MAX(v.len, (size_t)1));
	if (r == -EBADMSG)
		return error_set(error, ERR_INVALID_DATA,
		    "what was saved for the crypto checkpoint is damaged, or was not saved for this one");
	return error_set_code(error, r, "cannot open the crypto checkpoint");
}
