/* crypto: what the boxes of a crypto checkpoint are closed and opened with.
 *
 * Why      the cluster key is on disk (ruedad/keyring.c), and needed for moments; key material of applications is never in this
 *          process (priv/keys.c).  What goes there is a key for one checkpoint, derived here.
 * How      a capture uses the cluster's key; what was saved is opened with the key that it names, which may be an older one, as
 *          long as this node has it.
 * Promise  keys are in memory that is not dumped, and wiped.
 * Threads  labels: the loop's; keys: workers.        Tests  tests/unit/keyring.c, tests/integration/crypto_checkpoints.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/crypto.h"
#include "keys/name.h"
#include "ruedad/keyring.h"

int crypto_label(
    const struct service *s, const struct guid *resource, struct u16 name, struct box_label *ret, struct error *error)
{
	_cleanup_(key_name_done) struct key_name n = { 0 };
	int r = key_name_parse(name, &n, error);

	if (r == 0)
		*ret = (struct box_label){
			.kind = n.kind, .cluster = s->header.instance, .resource = *resource, .name = box_name(name)
		};
	return r;
}

/* Both keys of a moment; in memory for secrets. */
struct keys {
	struct seal_key cluster;
	struct box_key box;
};

static int read_key(struct disk *state, const struct seal_id *id, struct seal_key *ret, struct error *error)
{
	char text[2 * SEAL_ID_LEN + 1];
	int r = keyring_get(state, id, ret, error);

	if (r != -ENOENT)
		return r;
	seal_id_format(id, text);
	return error_set(error, ERR_NO_RECOVERY_POLICY,
	    "this node does not have the cluster key %s; open it with 'rueda cluster unseal'", text);
}

int crypto_key(
    struct disk *state, const struct seal_id *id, const struct box_label *label, uint8_t **ret, struct error *error)
{
	struct keys *keys = seal_memory_new(sizeof(*keys));
	uint8_t *key = seal_memory_new(BOX_KEY_LEN);
	int r = keys == NULL || key == NULL ? error_set_code(error, -ENOMEM, "cannot use the cluster key")
					    : read_key(state, id, &keys->cluster, error);

	if (r == 0) {
		r = box_key_make(&keys->cluster, label, &keys->box);
		if (r < 0)
			(void)error_set_code(error, r, "cannot use the cluster key");
	}
	if (r == 0) {
		box_key_write(&keys->box, key);
		*ret = TAKE_PTR(key);
	}
	seal_memory_free(keys, sizeof(*keys));
	crypto_key_free(key);
	return r;
}

int crypto_key_of(struct disk *state, const uint8_t *box, size_t len, const struct box_label *label, uint8_t **ret,
    struct error *error)
{
	struct box_label found;
	int r = box_read(box, len, &found, error);

	if (r == -EBADMSG) {
		r = ERR_INVALID_DATA;
		if (error != NULL) /* Its story has been told. */
			error->code = r;
	}
	return r < 0 ? r : crypto_key(state, &found.key, label, ret, error);
}

void crypto_key_free(uint8_t *key)
{
	seal_memory_free(key, BOX_KEY_LEN);
}
