/* keyring: the cluster keys that this node has, in the clear.
 *
 *     keys/630dcd2966c4336691125448bbb25b4f     32 bytes, the key of that id
 *
 * Why      a node must use the cluster key after every start, when nobody is there to type a passphrase.
 * How      one file for each key, named after its id, which is a digest of it: so a file proves itself, and a set that is
 *          restored finds its key whichever cluster had it here.
 * Promise  a key is durable before anything that needs it is put in force.  No key is ever removed: a safety copy, or a
 *          set elsewhere, may need it.
 * Not kept secrecy from root and the daemon's user: the file's mode, 0600, is all that protects it.
 * Threads  blocking; any, two writers of one key at a time excepted.
 * Format   docs/formats/state.md         Tests  tests/unit/keyring.c, tests/integration/recovery.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/keyring.h"
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 64 };

static void name_of(const struct seal_id *id, const char *suffix, char ret[NAME_MAX_LEN])
{
	char text[2 * SEAL_ID_LEN + 1];

	seal_id_format(id, text);
	(void)snprintf(ret, NAME_MAX_LEN, "keys/%s%s", text, suffix);
}

static int write_key(struct disk *state, const char *name, const struct seal_key *key)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r = disk_open(state, name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f);

	if (r == 0)
		r = file_write(f, 0, key->bytes, sizeof(key->bytes));
	if (r == 0)
		r = file_sync(f);
	return r;
}

int keyring_put(struct disk *state, const struct seal_key *key, struct error *error)
{
	struct seal_id id = seal_key_id(key);
	char name[NAME_MAX_LEN], fresh[NAME_MAX_LEN];
	int r = disk_make_directory(state, "keys", 0700);

	name_of(&id, "", name);
	name_of(&id, ".new", fresh);
	if (r == 0 || r == -EEXIST)
		r = disk_sync_directory(state, "");
	if (r == 0)
		r = write_key(state, fresh, key);
	if (r == 0)
		r = disk_rename(state, fresh, name);
	if (r == 0)
		r = disk_sync_directory(state, "keys");
	return r < 0 ? error_set_code(error, r, "cannot keep the cluster key in the state directory's %s", name) : 0;
}

int keyring_get(struct disk *state, const struct seal_id *id, struct seal_key *ret, struct error *error)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	char name[NAME_MAX_LEN];
	struct seal_key key = { 0 };
	struct seal_id found;
	uint64_t size = 0;
	int r;

	name_of(id, "", name);
	r = disk_open(state, name, DISK_READ, 0, &f);
	if (r == 0)
		r = file_size(f, &size);
	if (r == 0 && size == sizeof(key.bytes))
		r = file_read(f, 0, key.bytes, sizeof(key.bytes));
	if (r < 0)
		return error_set_code(error, r, "cannot read the cluster key from the state directory's %s", name);
	found = seal_key_id(&key);
	if (size != sizeof(key.bytes) || !seal_id_equal(&found, id))
		r = error_set(error, -EBADMSG,
		    "the state directory's %s is not the key that its name says; unseal the key again", name);
	else
		*ret = key;
	seal_key_wipe(&key);
	return r;
}
