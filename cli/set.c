/* set: the verbs that look into a backup set: show, verify, ls, cat, diff.  They need no service.
 *
 * How      each reads the whole set with the code that restore uses, so what is shown is proven first.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/set.h"
#include "base/filetime.h"
#include "cli/cli.h"
#include "cli/recovery.h"
#include "cli/regfile.h"
#include "cli/set_checkpoints.h"
#include "cli/set_crypto.h"
#include "cli/value.h"
#include "io/linux/disk.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int open_set(const char *path, struct set **ret)
{
	_cleanup_(disk_freep) struct disk *d = NULL;
	struct error error = { 0 };
	int r = disk_linux_open(path, &d);

	if (r < 0)
		return cli_fail_error(
		    r == -ENOENT ? ERR_PATH_NOT_FOUND : r, NULL, "opening the directory of the set, %s,", path);
	r = set_read(d, ret, &error);
	return r < 0 ? cli_fail_error(r, &error, "reading the backup set in %s", path) : 0;
}

static const char *file_kind(const struct set_file *f)
{
	return !f->is_blob                          ? "snapshot"
	       : f->kind == SET_REGISTRY_CHECKPOINT ? "registry checkpoint"
						    : "crypto checkpoint";
}

/* The set's cluster key: 0 there is none, 1 here it is, or negative with the reason. */
static int read_key(const struct set *s, struct seal_info *ret, struct error *error)
{
	const struct quolog_header *h = &s->info.header;
	int r;

	if (h->key_len == 0)
		return 0;
	r = seal_read(h->key, h->key_len, ret, error);
	return r < 0 ? r : 1;
}

static void json_key(const struct set *s, struct json *j)
{
	struct seal_info info;

	if (read_key(s, &info, NULL) <= 0) {
		json_null(j, "cluster_key");
		return;
	}
	json_open(j, "cluster_key", '{');
	json_bytes(j, "id", info.id.bytes, sizeof(info.id.bytes));
	json_text(j, "sealed_under", recovery_kind_name(info.kind));
	json_close(j, '}');
}

static void show_key(const struct set *s)
{
	char id[2 * SEAL_ID_LEN + 1];
	struct error error = { 0 };
	struct seal_info info;
	int r = read_key(s, &info, &error);

	output_name("cluster key");
	if (r > 0) {
		seal_id_format(&info.id, id);
		printf("%s, sealed under %s\n", id, seal_kind_text(info.kind));
	} else {
		printf("%s\n", r == 0 ? "none" : error.text);
	}
}

static void show_json(const struct set *s, struct json *j)
{
	const struct quolog_header *h = &s->info.header;

	json_u16(j, "cluster", quolog_header_name(h));
	json_guid(j, "instance_id", &h->instance);
	json_number(j, "generation", h->generation.number);
	json_guid(j, "generation_id", &h->generation.id);
	json_number(j, "snapshot_index", h->snapshot);
	json_number(j, "index", h->last);
	json_time(j, "time", h->time);
	json_number(j, "bytes", s->info.bytes);
	json_number(j, "keys", s->info.key_count);
	json_number(j, "values", s->info.value_count);
	json_number(j, "batches", s->info.batch_count);
	json_number(j, "partitions", h->partition_count);
	json_bool(j, "has_sealed_key", h->key_len > 0);
	json_key(s, j);
	json_bytes(j, "database_digest", s->info.digest.bytes, sizeof(s->info.digest.bytes));
	json_open(j, "files", '[');
	for (size_t i = 0; i < s->file_count; i++) {
		json_open(j, NULL, '{');
		json_text(j, "name", s->files[i].name);
		json_text(j, "kind", file_kind(&s->files[i]));
		json_number(j, "size", s->files[i].size);
		json_bytes(j, "sha256", s->files[i].digest.bytes, sizeof(s->files[i].digest.bytes));
		set_checkpoint_json(s, &s->files[i], j);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void show_text(const struct set *s)
{
	const struct quolog_header *h = &s->info.header;
	char id[GUID_TEXT_LEN + 1], digest[2 * SHA256_LEN + 1];

	output_name("cluster");
	output_u16(quolog_header_name(h));
	guid_format(&h->instance, id);
	printf(" (%s)\n", id);
	guid_format(&h->generation.id, id);
	output_name("generation");
	printf("%" PRIu64 " (%s)\n", h->generation.number, id);
	output_name("time");
	output_time(h->time);
	printf("\n");
	output_name("up to change");
	printf("%" PRIu64 " (snapshot at %" PRIu64 ", %" PRIu64 " batches after it)\n", h->last, h->snapshot,
	    s->info.batch_count);
	output_name("database");
	printf("%" PRIu64 " keys, %" PRIu64 " values\n", s->info.key_count, s->info.value_count);
	digest_format(&s->info.digest, digest);
	output_name("digest");
	printf("%s\n", digest);
	output_name("quorum disk");
	printf(h->partition_count > 0 ? "%" PRIu32 " partitions\n" : "no layout recorded\n", h->partition_count);
	show_key(s);
	output_name("size");
	printf("%" PRIu64 " bytes\n", s->info.bytes);
	for (size_t i = 0; i < s->file_count; i++) {
		output_name(i == 0 ? "files" : "");
		printf("%s, %" PRIu64 " bytes, %s", s->files[i].name, s->files[i].size, file_kind(&s->files[i]));
		set_checkpoint_print(s, &s->files[i]);
		printf("\n");
	}
}

int backup_show_verb(struct cli *c)
{
	_cleanup_(set_freep) struct set *s = NULL;
	struct json j = { 0 };
	int r = open_set(c->arguments[0], &s);

	if (r != 0)
		return r;
	if (!c->json) {
		show_text(s);
		return output_end();
	}
	json_open(&j, NULL, '{');
	show_json(s, &j);
	json_close(&j, '}');
	return json_print(&j);
}

/* Whether the secret that was given opens the set's cluster key, and that opens what it should: 0, or an enum cli_exit after a
 * message. */
static int test_key(const struct cli *c, const struct set *s, const struct recovery *recovery, struct set_crypto *ret)
{
	const struct quolog_header *h = &s->info.header;
	struct error error = { 0 };
	struct seal_key key;
	int r;

	if (recovery_given(recovery) == NULL)
		return set_crypto_look(s, c->arguments[0], NULL, ret);
	if (h->key_len == 0)
		return cli_fail(ERROR_NOT_FOUND,
		    "the set is complete and undamaged, but it has no sealed cluster key to test this with",
		    "opening the cluster key of the set in %s", c->arguments[0]);
	r = seal_open(h->key, h->key_len, &recovery->secret, &key, &error);
	r = r < 0 ? cli_fail_error(r, &error, "opening the cluster key of the set in %s", c->arguments[0])
		  : set_crypto_look(s, c->arguments[0], &key, ret);
	seal_key_wipe(&key);
	return r;
}

/* What the set's cluster key means for who restores it. */
static void tell_key(const struct set *s, const struct recovery *recovery)
{
	char id[2 * SEAL_ID_LEN + 1];
	struct error error = { 0 };
	struct seal_info info;
	int r = read_key(s, &info, &error);

	if (r < 0) {
		printf("Its cluster key cannot be used: %s.\n", error.text);
		return;
	}
	if (r == 0) {
		printf("It holds no cluster key.\n");
		return;
	}
	seal_id_format(&info.id, id);
	if (recovery_given(recovery) != NULL)
		printf("Its cluster key %s opens with what was given.\n", id);
	else
		printf("Its cluster key %s is sealed under %s, which a machine that does not have the key needs for "
		       "what is "
		       "encrypted with it.\n",
		    id, seal_kind_text(info.kind));
}

int backup_verify_verb(struct cli *c)
{
	_cleanup_(set_freep) struct set *s = NULL;
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	struct set_crypto crypto = { 0 };
	struct json j = { 0 };
	int r = recovery_read(c, &recovery);

	if (r == 0)
		r = open_set(c->arguments[0], &s);
	if (r == 0)
		r = test_key(c, s, &recovery, &crypto);
	if (r != 0)
		return r;
	if (c->json) {
		json_open(&j, NULL, '{');
		json_bool(&j, "complete", true);
		json_number(&j, "files", s->file_count);
		json_number(&j, "bytes", s->info.bytes);
		json_number(&j, "index", s->info.header.last);
		json_bytes(&j, "database_digest", s->info.digest.bytes, sizeof(s->info.digest.bytes));
		json_key(s, &j);
		json_bool(&j, "cluster_key_opened", recovery_given(&recovery) != NULL);
		set_crypto_json(&crypto, &j);
		json_close(&j, '}');
		return json_print(&j);
	}
	printf("The backup set in %s is complete and undamaged: %" PRIu64 " bytes, up to change %" PRIu64 ".\n",
	    c->arguments[0], s->info.bytes, s->info.header.last);
	tell_key(s, &recovery);
	set_crypto_print(&crypto);
	return output_end();
}

/* The key that an argument names, or a message. */
static const struct db_key *find_key(const struct set *s, const char *text, char16_t **ret_units, struct u16 *ret_path)
{
	const struct db_key *key;

	*ret_units = cli_units(text);
	if (*ret_units == NULL)
		return NULL;
	*ret_path = cli_key_path(*ret_units, REGFILE_ROOT);
	key = db_find(db_root(s->db), *ret_path);
	if (key == NULL)
		(void)cli_fail_key(ERROR_FILE_NOT_FOUND, "opening in the set the key", text);
	return key;
}

int backup_ls_verb(struct cli *c)
{
	_cleanup_(set_freep) struct set *s = NULL;
	_cleanup_free_ char16_t *units = NULL;
	const struct db_key *key;
	struct u16 path;
	int r = open_set(c->arguments[0], &s);

	if (r != 0)
		return r;
	key = find_key(s, c->argument_count > 1 ? c->arguments[1] : "", &units, &path);
	return key == NULL ? CLI_FAILED : value_list_key(key, path, c->json);
}

static int cat_key(const struct cli *c, const struct db_key *key, struct u16 path)
{
	_cleanup_(buf_done) struct buf text = { 0 }, utf8 = { 0 };
	int r = value_reg_text(key, REGFILE_ROOT, path, &text);

	if (r == 0)
		r = regfile_to_utf8(&text, &utf8);
	if (r < 0)
		return cli_fail_error(r, NULL, "writing the key '%s' as text", c->arguments[1]);
	(void)fwrite(utf8.data, 1, utf8.len, stdout);
	return output_end();
}

int backup_cat_verb(struct cli *c)
{
	_cleanup_(set_freep) struct set *s = NULL;
	_cleanup_free_ char16_t *units = NULL, *name = NULL;
	const struct db_key *key;
	struct db_value v;
	struct json j = { 0 };
	struct u16 path;
	int r;

	if (c->json && c->argument_count < 3)
		return cli_usage(c, "--json needs a VALUE; a whole key is printed as .reg text");
	r = open_set(c->arguments[0], &s);
	if (r != 0)
		return r;
	key = find_key(s, c->arguments[1], &units, &path);
	if (key == NULL)
		return CLI_FAILED;
	if (c->argument_count < 3)
		return cat_key(c, key, path);
	name = cli_units(c->arguments[2]);
	if (name == NULL)
		return CLI_USAGE;
	if (!db_value_find(key, u16_from_z(name), &v))
		return cli_fail(ERROR_FILE_NOT_FOUND, NULL, "reading the value '%s' of the set", c->arguments[2]);
	if (!c->json) {
		value_print(v.type, v.data, v.len);
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_u16(&j, "key", path);
	json_u16(&j, "name", v.name);
	value_json_members(&j, v.type, v.data, v.len);
	json_close(&j, '}');
	return json_print(&j);
}

/* Differences. */

struct diff {
	struct json *json; /* NULL: text. */
	uint64_t count;
};

static void diff_side(struct json *j, const char *name, const struct db_value *v)
{
	if (v == NULL) {
		json_null(j, name);
		return;
	}
	json_open(j, name, '{');
	value_json_members(j, v->type, v->data, v->len);
	json_close(j, '}');
}

static void print_side(char sign, const struct set_difference *d, const struct db_value *v)
{
	char buffer[16];

	if (v == NULL)
		return;
	printf("%c ", sign);
	output_u16(d->path);
	printf("\\");
	if (v->name.len == 0)
		printf("@");
	else
		output_u16(v->name);
	printf("  %s  ", value_type_name(v->type, buffer));
	value_print_short(v->type, v->data, v->len);
	printf("\n");
}

/* How a key differs that both have. */
struct key_change {
	bool security, time, name;
};

static struct key_change key_change(const struct set_difference *d)
{
	size_t old_len, new_len;
	const uint8_t *old = db_key_security(d->old_key, &old_len), *new = db_key_security(d->new_key, &new_len);

	return (struct key_change){
		.security = old_len != new_len || (old_len > 0 && memcmp(old, new, old_len) != 0),
		.time = db_key_time(d->old_key) != db_key_time(d->new_key),
		.name = !u16_equal_exact(db_key_name(d->old_key), db_key_name(d->new_key)),
	};
}

/* To the last digit, since changes follow each other fast. */
static void print_fine_time(uint64_t time)
{
	char text[32];

	filetime_format(time, text);
	printf("%.19s.%07u UTC", text, (unsigned)(time % 10000000));
}

static void print_key_change(const struct set_difference *d, struct key_change change)
{
	const char *between = "";

	printf("! [");
	output_u16(d->path);
	printf("]");
	if (change.security) {
		printf(" security changed");
		between = ",";
	}
	if (change.name) {
		printf("%s name ", between);
		output_u16(db_key_name(d->old_key));
		printf(" -> ");
		output_u16(db_key_name(d->new_key));
		between = ",";
	}
	if (change.time) {
		printf("%s time ", between);
		print_fine_time(db_key_time(d->old_key));
		printf(" -> ");
		print_fine_time(db_key_time(d->new_key));
	}
	printf("\n");
}

static void json_key_change(struct json *j, const struct set_difference *d, struct key_change change)
{
	if (change.name)
		json_u16(j, "new_name", db_key_name(d->new_key));
	if (change.time) {
		json_time(j, "old_time", db_key_time(d->old_key));
		json_time(j, "new_time", db_key_time(d->new_key));
	}
}

static void json_value_change(struct json *j, const struct set_difference *d)
{
	json_u16(j, "name", d->old_value != NULL ? d->old_value->name : d->new_value->name);
	if (d->old_value != NULL && d->new_value != NULL && !u16_equal_exact(d->old_value->name, d->new_value->name))
		json_u16(j, "new_name", d->new_value->name);
	diff_side(j, "old", d->old_value);
	diff_side(j, "new", d->new_value);
}

static int on_difference(void *data, const struct set_difference *d)
{
	struct diff *diff = data;
	bool gone = d->is_value ? d->new_value == NULL : d->new_key == NULL;
	bool added = d->is_value ? d->old_value == NULL : d->old_key == NULL;
	bool both = !gone && !added;
	struct key_change key = !d->is_value && both ? key_change(d) : (struct key_change){ 0 };
	const char *change;

	if (gone || added)
		change = gone ? "removed" : "added";
	else if (d->is_value)
		change = "changed";
	else
		change = key.security ? "security changed" : key.name ? "name changed" : "time changed";
	diff->count++;
	if (diff->json != NULL) {
		json_open(diff->json, NULL, '{');
		json_text(diff->json, "change", change);
		json_u16(diff->json, "key", d->path);
		if (d->is_value)
			json_value_change(diff->json, d);
		else if (both)
			json_key_change(diff->json, d, key);
		json_close(diff->json, '}');
	} else if (d->is_value) {
		print_side('-', d, d->old_value);
		print_side('+', d, d->new_value);
	} else if (both) {
		print_key_change(d, key);
	} else {
		printf("%c [", gone ? '-' : '+');
		output_u16(d->path);
		printf("]\n");
	}
	return 0;
}

int backup_diff_verb(struct cli *c)
{
	_cleanup_(set_freep) struct set *old = NULL, *new = NULL;
	struct json j = { 0 };
	struct diff diff = { .json = c->json ? &j : NULL };
	int r = open_set(c->arguments[0], &old);

	if (r == 0)
		r = open_set(c->arguments[1], &new);
	if (r != 0)
		return r;
	json_open(&j, NULL, '{');
	json_open(&j, "differences", '[');
	r = set_diff(old->db, new->db, on_difference, &diff);
	json_close(&j, ']');
	if (r == 0)
		diff.count += set_checkpoints_diff(old, new, diff.json);
	json_bool(&j, "equal", diff.count == 0);
	json_close(&j, '}');
	if (r < 0 || !c->json)
		buf_done(&j.text);
	if (r < 0)
		return cli_fail_error(r, NULL, "comparing the sets");
	return c->json ? json_print(&j) : output_end();
}
