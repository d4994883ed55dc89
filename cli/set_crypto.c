/* set_crypto: what the crypto checkpoints of a backup set need, and whether they open.
 *
 * Why      a set that is whole to its last byte may be of no use: nobody has the passphrase, or somebody has put another's keys
 *          into it.  That should be known before the set is needed.
 * How      each is opened as what the set's database and manifest say that it is: cluster, resource, name.  The content is
 *          wiped at once.
 * Threads  one.      Tests  tests/integration/crypto_checkpoints.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/set_crypto.h"
#include "cli/cli.h"
#include "cli/set_checkpoints.h"
#include "include/rueda.h"
#include "io/linux/disk.h"
#include "keys/name.h"
#include <stdio.h>
#include <string.h>

/* The id of the set's own key. */
static bool key_of(const struct set *s, struct seal_id *ret)
{
	struct seal_info info;

	if (s->info.header.key_len == 0 || seal_read(s->info.header.key, s->info.header.key_len, &info, NULL) < 0)
		return false;
	*ret = info.id;
	return true;
}

static void ask_service(const struct seal_id *id, struct set_crypto *ret)
{
	_cleanup_free_ RUEDA_STATUS *status = calloc(1, sizeof(*status));

	if (status == NULL || RuedaGetStatus(status) != 0)
		return;
	ret->known = true;
	ret->here = status->ClusterKey.Seal != RuedaSealNone && status->ClusterKey.bOpen &&
		    memcmp(status->ClusterKey.Id, id->bytes, SEAL_ID_LEN) == 0;
}

static int open_box(const struct set *s, const struct set_file *f, const struct seal_key *key, const uint8_t *box,
    size_t len, struct error *error)
{
	_cleanup_(key_name_done) struct key_name name = { 0 };
	struct box_label label = { .cluster = s->info.header.instance, .resource = f->resource };
	struct checkpoint checkpoint;
	struct box_key *k;
	uint8_t *content;
	size_t content_len;
	int r;

	if (!set_checkpoint_find(s, f, &checkpoint))
		return error_set(error, ERR_INVALID_DATA, "the database of the set does not know it");
	r = key_name_parse(checkpoint.path, &name, error);
	if (r < 0)
		return r;
	label.kind = name.kind;
	label.name = box_name(checkpoint.path);
	k = seal_memory_new(sizeof(*k));
	r = k == NULL ? -ENOMEM : box_key_make(key, &label, k);
	if (r == 0)
		r = box_open(k, box, len, &content, &content_len, error);
	if (r == 0)
		seal_memory_free(content, MAX(content_len, (size_t)1));
	seal_memory_free(k, sizeof(*k));
	return r;
}

static int look_at(const struct set *s, struct disk *disk, const struct set_file *f, const struct seal_id *id,
    const struct seal_key *key, struct set_crypto *ret, struct error *error)
{
	_cleanup_free_ uint8_t *box = NULL;
	struct box_label label;
	size_t len;
	int r = set_read_file(disk, f, &box, &len, error);

	if (r == 0)
		r = box_read(box, len, &label, error);
	if (r < 0)
		return r;
	ret->count++;
	if (id == NULL || !seal_id_equal(id, &label.key))
		ret->other++;
	else if (key != NULL)
		r = open_box(s, f, key, box, len, error);
	return r;
}

int set_crypto_look(const struct set *s, const char *path, const struct seal_key *key, struct set_crypto *ret)
{
	_cleanup_(disk_freep) struct disk *disk = NULL;
	struct set_crypto c = { .tried = key != NULL };
	struct error error = { 0 };
	struct seal_id id;
	bool has_key = key_of(s, &id);
	int r = disk_linux_open(path, &disk);

	if (r < 0)
		return cli_fail_error(r, NULL, "opening the directory of the set, %s,", path);
	for (size_t i = 0; i < s->file_count; i++) {
		const struct set_file *f = &s->files[i];

		if (!f->is_blob || f->kind != SET_CRYPTO_CHECKPOINT)
			continue;
		r = look_at(s, disk, f, has_key ? &id : NULL, key, &c, &error);
		if (r < 0)
			return cli_fail_error(r, error.code != 0 ? &error : NULL,
			    "opening the crypto checkpoint %s of the set in %s", f->name, path);
	}
	if (c.count > 0 && has_key)
		ask_service(&id, &c);
	*ret = c;
	return 0;
}

void set_crypto_json(const struct set_crypto *c, struct json *j)
{
	json_number(j, "crypto_checkpoints", c->count);
	json_number(j, "crypto_checkpoints_of_another_key", c->other);
	if (c->tried)
		json_number(j, "crypto_checkpoints_opened", c->count - c->other);
	else
		json_null(j, "crypto_checkpoints_opened");
	if (c->known)
		json_bool(j, "this_node_has_the_key", c->here);
	else
		json_null(j, "this_node_has_the_key");
}

void set_crypto_print(const struct set_crypto *c)
{
	size_t own = c->count - c->other;

	if (c->count == 0)
		return;
	printf("It holds %zu crypto checkpoint%s.\n", c->count, c->count == 1 ? "" : "s");
	if (c->other > 0)
		printf("%zu of them %s encrypted under a cluster key that is not in the set: only a node that has that "
		       "key "
		       "can restore %s.\n",
		    c->other, c->other == 1 ? "is" : "are", c->other == 1 ? "it" : "them");
	if (own > 0 && c->tried)
		printf("%zu of them, under the set's own key, %s with what was given.\n", own,
		    own == 1 ? "opens" : "open");
	if (own > 0 && !c->known)
		printf("Whether this node has the set's own key is not known: its service does not answer.\n");
	else if (own > 0)
		printf(
		    c->here
			? "This node has the set's own key and can restore them.\n"
			: "This node does not have the set's own key in force: to restore them here, a recovery option "
			  "or 'rueda cluster unseal' is needed.\n");
}
