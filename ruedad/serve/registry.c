/* registry: the cluster database as MS-CMRP's registry methods show it (opnums 28-40, 113, 145, 157).
 *
 * How      a key handle is a path: a key that is deleted and made again is found again, a restored database needs no
 *          tables of pointers.  Reading looks at the head of the database; changing goes through the log as a command
 *          with the key's path, and the check that the key still exists is made there, where the order is fixed.
 * Local    the same methods, on another interface, are of this node's own registry (c->local): another root, and changes do
 *          not go through the log but through ruedad/localreg.h.  Handles belong to their interface.
 * Access   opening a key asks its security descriptor for the rights that are wanted, and the handle has these and no
 *          others; a change takes level All besides, each time.  Deleting and creating ask the descriptor of the key that
 *          goes, or that gets a child.  Batches go by the rights of their handle and, where they read, by the descriptors
 *          of the keys that they name.
 * Rules    cmrp.md of the public protocol: sizes of section 12.3 (a short buffer is 234 with the size needed), order of
 *          enumerations is that of names.
 * Threads  the loop thread.       Tests  tests/integration/library.py, local_registry.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/regbatch.h"
#include "ruedad/localreg.h"
#include "ruedad/serve/access.h"
#include "ruedad/serve/serve.h"
#include "wire/regbuf.h"
#include <string.h>

enum {
	VALUE_OUT_MAX = 4 << 20, /* Bytes that a client may ask for; no value is larger. */
	WOW64_VIEWS = 0x300,     /* Which registry of a 64-bit machine: here is one. */
};

struct key_object {
	size_t len;
	char16_t path[]; /* Below the root, "" is the root; terminated. */
};

static void key_rundown(void *object)
{
	free(object);
}

static const struct rpc_handle_type key_type = { "key", key_rundown };

static struct u16 key_path(const struct key_object *k)
{
	return (struct u16){ k->path, k->len };
}

static const struct db_key *key_root(struct serve_call *c)
{
	return c->local ? localreg_root(c->service->local) : serve_root(c);
}

/* What a handle of that key is to allow, by its descriptor and the caller's level. */
static int check_sam(const struct serve_call *c, const struct db_key *key, uint32_t sam, uint32_t *ret)
{
	struct sd_caller caller;
	const uint8_t *descriptor;
	size_t len;

	descriptor = db_key_security(key, &len);
	access_key_caller(c->rpc->identity, c->level, &caller);
	return sd_access(descriptor, len, &caller, sam & ~(uint32_t)WOW64_VIEWS, ret);
}

/* A handle for "base\path".  The path has been found to be good by the database. */
static int key_handle(struct serve_call *c, struct u16 base, struct u16 path, uint32_t sam, struct ndr_handle *ret)
{
	bool both = base.len > 0 && path.len > 0;
	size_t len = base.len + both + path.len;
	struct key_object *k;
	int r;

	if (len > DB_PATH_MAX)
		return ERR_FILENAME_EXCED_RANGE;
	k = malloc(sizeof(*k) + (len + 1) * sizeof(char16_t));
	if (k == NULL)
		return -ENOMEM;
	k->len = len;
	if (base.len > 0)
		memcpy(k->path, base.units, base.len * sizeof(char16_t));
	if (both)
		k->path[base.len] = '\\';
	if (path.len > 0)
		memcpy(k->path + base.len + both, path.units, path.len * sizeof(char16_t));
	k->path[len] = 0;
	r = serve_handle_new(c, &key_type, k, sam, ret);
	if (r < 0)
		free(k);
	return r;
}

struct key_in {
	struct u16 path;
	uint32_t sam;
	const struct db_key *key; /* NULL: deleted meanwhile. */
};

static int key_in(struct serve_call *c, const struct ndr_handle *handle, struct key_in *ret)
{
	struct rpc_handle_value value;
	int r = serve_handle_find(c, handle, &key_type, &value);

	if (r < 0)
		return r;
	ret->path = key_path(value.object);
	ret->sam = value.access;
	ret->key = db_find(key_root(c), ret->path);
	return 0;
}

int serve_key_in(struct serve_call *c, const struct ndr_handle *handle, struct u16 *ret_path)
{
	struct key_in key;
	int r = key_in(c, handle, &key);

	if (r == 0 && key.key == NULL)
		r = ERR_KEY_DELETED;
	if (r == 0)
		*ret_path = key.path;
	return r;
}

/* For methods that read: the key must be there. */
static int key_to_read(struct serve_call *c, const struct ndr_handle *handle, uint32_t right, struct key_in *ret)
{
	int r = key_in(c, handle, ret);

	if (r == 0 && ret->key == NULL)
		r = ERR_KEY_DELETED;
	if (r == 0 && (ret->sam & right) != right)
		r = ERR_ACCESS_DENIED;
	return r;
}

/* For methods that change; that the key is still there is seen in the log. */
static int key_to_change(struct serve_call *c, const struct ndr_handle *handle, uint32_t right, struct key_in *ret)
{
	int r = key_in(c, handle, ret);

	if (r == 0 && (ret->sam & right) != right)
		r = ERR_ACCESS_DENIED;
	return r;
}

/* Opening. */

static void get_root_key(struct serve_call *c)
{
	const struct clusapi_GetRootKey_in *in = c->in;
	struct clusapi_GetRootKey_out *out = c->out;
	uint32_t sam;
	int r = check_sam(c, key_root(c), in->sam_desired, &sam);

	if (r == 0)
		r = key_handle(c, (struct u16){ 0 }, (struct u16){ 0 }, sam, &out->handle);
	serve_finish(c, r);
}

static void open_key(struct serve_call *c)
{
	const struct clusapi_OpenKey_in *in = c->in;
	struct clusapi_OpenKey_out *out = c->out;
	struct u16 sub = u16_from_z(in->sub_key);
	const struct db_key *found = NULL;
	struct key_in key;
	uint32_t sam;
	int r = key_to_read(c, &in->key, 0, &key);

	if (r == 0 && sub.len > 0 && sub.units[0] == '\\')
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		found = db_find(key.key, sub);
	if (r == 0)
		r = found == NULL ? ERR_FILE_NOT_FOUND : check_sam(c, found, in->sam_desired, &sam);
	if (r == 0)
		r = key_handle(c, key.path, sub, sam, &out->handle);
	serve_finish(c, r);
}

/* Copies the batch. */
static void change(
    struct serve_call *c, struct u16 key, const uint8_t *batch, uint32_t len, enum db_regbatch_flags flags)
{
	struct command command = { .kind = COMMAND_REG_BATCH, .version = COMMAND_VERSION };

	if (c->local) {
		serve_change_local(c, key, batch, len, flags);
		return;
	}
	command.reg_batch = (struct command_RegBatch){
		.key = key.units, .batch = batch, .batch_size = len, .flags = flags, .time = serve_now(c)
	};
	serve_propose(c, &command);
}

/* The calls that change something are batches of one command. */
static void change_one(struct serve_call *c, struct u16 key, const struct regbuf_command *one)
{
	_cleanup_(buf_done) struct buf batch = { 0 };

	regbuf_begin(&batch);
	regbuf_add(&batch, one);
	if (batch.error != 0)
		serve_finish(c, batch.error);
	else
		change(c, key, batch.data, (uint32_t)batch.len, DB_REGBATCH_CALL);
}

static int created_key(struct serve_call *c, const struct cluster_result *result)
{
	const struct clusapi_CreateKey_in *in = c->in;
	struct clusapi_CreateKey_out *out = c->out;
	const struct db_key *made = NULL;
	struct key_in key;
	uint32_t sam;
	int r = result->status != 0 ? ERR_FROM_WIN32(result->status) : key_in(c, &in->key, &key);

	if (r == 0 && key.key != NULL)
		made = db_find(key.key, u16_from_z(in->sub_key));
	if (r == 0)
		r = made == NULL ? ERR_KEY_DELETED : check_sam(c, made, in->sam_desired, &sam);
	if (r == 0)
		r = key_handle(c, key.path, u16_from_z(in->sub_key), sam, &out->handle);
	if (r == 0)
		out->disposition = result->disposition;
	return r;
}

/* A key that is there is opened; else the nearest one above gets a child, whose descriptor will be the same. */
static int check_create(const struct serve_call *c, const struct db_key *from, struct u16 sub, uint32_t sam)
{
	const struct db_key *above = db_find(from, sub);
	uint32_t granted;
	int r;

	if (above != NULL)
		return check_sam(c, above, sam, &granted);
	while (above == NULL) {
		while (sub.len > 0 && sub.units[sub.len - 1] != '\\')
			sub.len--;
		sub.len -= sub.len > 0;
		above = db_find(from, sub);
	}
	r = check_sam(c, above, SD_KEY_CREATE_SUB_KEY, &granted);
	return r == 0 ? check_sam(c, above, sam, &granted) : r;
}

static void create_key(struct serve_call *c)
{
	const struct clusapi_CreateKey_in *in = c->in;
	struct key_in key;
	int r = in->options != 0 ? ERR_INVALID_PARAMETER : key_in(c, &in->key, &key);

	if (r == 0 && key.key != NULL)
		r = check_create(c, key.key, u16_from_z(in->sub_key), in->sam_desired);
	if (r == 0 && !serve_may_change(c))
		r = ERR_ACCESS_DENIED;
	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	c->applied = created_key;
	change_one(c, key.path, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = u16_from_z(in->sub_key) });
}

static void close_key(struct serve_call *c)
{
	const struct clusapi_CloseKey_in *in = c->in;
	struct clusapi_CloseKey_out *out = c->out;

	serve_finish(c, serve_handle_close(c, &in->key, &key_type, &out->key));
}

/* Reading. */

static void enum_key(struct serve_call *c)
{
	const struct clusapi_EnumKey_in *in = c->in;
	struct clusapi_EnumKey_out *out = c->out;
	struct key_in key;
	int r = key_to_read(c, &in->key, SD_KEY_ENUMERATE_SUB_KEYS, &key);

	out->key_name = u"";
	if (r == 0 && in->index >= db_key_count(key.key))
		r = ERR_NO_MORE_ITEMS;
	if (r == 0) {
		const struct db_key *child = db_key_at(key.key, in->index);

		out->key_name = serve_dup(c, db_key_name(child));
		out->last_write_time = db_key_time(child);
		r = out->key_name == NULL ? -ENOMEM : 0;
	}
	serve_finish(c, r);
}

static void query_value(struct serve_call *c)
{
	const struct clusapi_QueryValue_in *in = c->in;
	struct clusapi_QueryValue_out *out = c->out;
	struct db_value value;
	struct key_in key;
	uint8_t *data;
	int r;

	if (in->data_size > VALUE_OUT_MAX) {
		/* The answer would have to be as long as the client asks, filled with zeros. */
		rpc_call_fail(c->rpc, ERR_RPC_X_BAD_STUB_DATA);
		return;
	}
	r = key_to_read(c, &in->key, SD_KEY_QUERY_VALUE, &key);
	if (r == 0 && !db_value_find(key.key, u16_from_z(in->value_name), &value))
		r = ERR_FILE_NOT_FOUND;
	if (r == 0) {
		out->value_type = value.type;
		out->required = (uint32_t)value.len;
		if (value.len > in->data_size)
			r = ERR_MORE_DATA;
	}
	if (r == 0 && in->data_size > 0) {
		data = arena_alloc_zero(serve_arena(c), in->data_size);
		if (data == NULL)
			r = -ENOMEM;
		else if (value.len > 0)
			memcpy(data, value.data, value.len);
		out->data = data;
	}
	serve_finish(c, r);
}

static void enum_value(struct serve_call *c)
{
	const struct clusapi_EnumValue_in *in = c->in;
	struct clusapi_EnumValue_out *out = c->out;
	struct db_value value;
	struct key_in key;
	int r = key_to_read(c, &in->key, SD_KEY_QUERY_VALUE, &key);

	out->value_name = u"";
	if (r == 0 && in->index >= db_value_count(key.key))
		r = ERR_NO_MORE_ITEMS;
	if (r == 0) {
		value = db_value_at(key.key, in->index);
		out->value_name = serve_dup(c, value.name);
		out->type = value.type;
		out->total_size = (uint32_t)value.len;
		if (out->value_name == NULL) {
			out->value_name = u"";
			r = -ENOMEM;
		} else if (value.len > in->data_size) {
			r = ERR_MORE_DATA;
		} else {
			/* Valid until the answer is encoded, which serve_finish() does before anything changes. */
			out->data = value.data;
			out->data_size = (uint32_t)value.len;
		}
	}
	serve_finish(c, r);
}

static void query_info_key(struct serve_call *c)
{
	const struct clusapi_QueryInfoKey_in *in = c->in;
	struct clusapi_QueryInfoKey_out *out = c->out;
	struct key_in key;
	size_t len;
	int r = key_to_read(c, &in->key, SD_KEY_QUERY_VALUE, &key);

	if (r == 0) {
		out->sub_key_count = (uint32_t)db_key_count(key.key);
		out->value_count = (uint32_t)db_value_count(key.key);
		out->last_write_time = db_key_time(key.key);
		for (size_t i = 0; i < db_key_count(key.key); i++)
			out->max_sub_key_len =
			    MAX(out->max_sub_key_len, (uint32_t)db_key_name(db_key_at(key.key, i)).len);
		for (size_t i = 0; i < db_value_count(key.key); i++) {
			struct db_value value = db_value_at(key.key, i);

			out->max_value_name_len = MAX(out->max_value_name_len, (uint32_t)value.name.len);
			out->max_value_len = MAX(out->max_value_len, (uint32_t)value.len);
		}
		(void)db_key_security(key.key, &len);
		out->security_descriptor_size = (uint32_t)len;
	}
	serve_finish(c, r);
}

static void get_key_security(struct serve_call *c)
{
	const struct clusapi_GetKeySecurity_in *in = c->in;
	struct clusapi_GetKeySecurity_out *out = c->out;
	struct buf part = { 0 };
	const uint8_t *descriptor;
	struct key_in key;
	size_t len;
	int r = key_to_read(c, &in->key, SD_READ_CONTROL, &key);

	if (r == 0) {
		descriptor = db_key_security(key.key, &len);
		r = sd_extract(descriptor, len, in->security_information, &part);
	}
	if (r == 0) {
		out->security_descriptor.size = (uint32_t)part.len;
		if (part.len > in->security_descriptor.size) {
			r = ERR_INSUFFICIENT_BUFFER;
		} else {
			out->security_descriptor.data = arena_dup(serve_arena(c), part.data, part.len);
			out->security_descriptor.size = in->security_descriptor.size;
			out->security_descriptor.length = (uint32_t)part.len;
			r = out->security_descriptor.data == NULL ? -ENOMEM : 0;
		}
	}
	buf_done(&part);
	serve_finish(c, r);
}

/* Changing. */

static void set_value(struct serve_call *c)
{
	const struct clusapi_SetValue_in *in = c->in;
	struct key_in key;
	int r = key_to_change(c, &in->key, SD_KEY_SET_VALUE, &key);

	if (r < 0)
		serve_finish(c, r);
	else
		change_one(c, key.path,
		    &(struct regbuf_command){
			REGBUF_SET_VALUE, in->type, u16_from_z(in->value_name), in->data, in->data_size });
}

static void delete_value(struct serve_call *c)
{
	const struct clusapi_DeleteValue_in *in = c->in;
	struct key_in key;
	int r = key_to_change(c, &in->key, SD_KEY_SET_VALUE, &key);

	if (r < 0)
		serve_finish(c, r);
	else
		change_one(c, key.path,
		    &(struct regbuf_command){ .kind = REGBUF_DELETE_VALUE, .name = u16_from_z(in->value_name) });
}

static void delete_key(struct serve_call *c)
{
	const struct clusapi_DeleteKey_in *in = c->in;
	const struct db_key *goes = NULL;
	struct key_in key;
	uint32_t granted;
	int r = key_in(c, &in->key, &key);

	if (r == 0 && in->sub_key[0] == 0)
		r = ERR_INVALID_PARAMETER; /* A key does not delete itself. */
	if (r == 0 && key.key != NULL)
		goes = db_find(key.key, u16_from_z(in->sub_key));
	if (r == 0 && goes != NULL)
		r = check_sam(c, goes, SD_DELETE, &granted);
	if (r < 0)
		serve_finish(c, r);
	else
		change_one(c, key.path,
		    &(struct regbuf_command){ .kind = REGBUF_DELETE_KEY, .name = u16_from_z(in->sub_key) });
}

static void set_key_security(struct serve_call *c)
{
	const struct clusapi_SetKeySecurity_in *in = c->in;
	bool of_owner = (in->security_information & (SD_OWNER | SD_GROUP)) != 0;
	bool of_lists = (in->security_information & (SD_DACL | SD_SACL)) != 0;
	struct key_in key;
	int r = key_to_change(c, &in->key, (of_owner ? SD_WRITE_OWNER : 0) | (of_lists ? SD_WRITE_DAC : 0), &key);

	if (r < 0)
		serve_finish(c, r);
	else
		change_one(c, key.path,
		    &(struct regbuf_command){ REGBUF_SET_KEY_SECURITY, in->security_information, { 0 },
			in->security_descriptor.data, in->security_descriptor.length });
}

/* Batches. */

static int executed_batch(struct serve_call *c, const struct cluster_result *result)
{
	struct clusapi_ExecuteBatch_out *out = c->out;

	out->failed_command = result->status != 0 ? MAX(result->failed_command, 0) : 0;
	return result->status != 0 ? ERR_FROM_WIN32(result->status) : 0;
}

static void execute_batch(struct serve_call *c)
{
	const struct clusapi_ExecuteBatch_in *in = c->in;
	struct key_in key;
	int r = key_to_change(c, &in->key, SD_KEY_SET_VALUE, &key);

	if (r < 0) {
		serve_finish(c, r);
		return;
	}
	c->applied = executed_batch;
	change(c, key.path, in->data, in->data_size, 0);
}

static bool may_read(void *data, const struct db_key *key)
{
	uint32_t granted;

	return check_sam(data, key, SD_KEY_QUERY_VALUE, &granted) == 0;
}

/* Both read batches; the second one's flags ask for isolation, which reading at one moment gives anyway. */
static int read_batch(struct serve_call *c, const struct ndr_handle *handle, const uint8_t *in, uint32_t in_size,
    const uint8_t **ret, uint32_t *ret_size)
{
	struct buf reply = { 0 };
	struct key_in key;
	int r = key_to_read(c, handle, SD_KEY_QUERY_VALUE, &key);

	if (r == 0)
		r = db_regbatch_read(key_root(c), key.path, in, in_size, may_read, c, &reply);
	if (r == 0) {
		*ret = arena_dup(serve_arena(c), reply.data, reply.len);
		*ret_size = (uint32_t)reply.len;
		r = *ret == NULL ? -ENOMEM : 0;
	}
	buf_done(&reply);
	return r;
}

static void execute_read_batch(struct serve_call *c)
{
	const struct clusapi_ExecuteReadBatch_in *in = c->in;
	struct clusapi_ExecuteReadBatch_out *out = c->out;

	serve_finish(c, read_batch(c, &in->key, in->in_data, in->in_data_size, &out->out_data, &out->out_data_size));
}

static void execute_read_batch_ex(struct serve_call *c)
{
	const struct clusapi_ExecuteReadBatchEx_in *in = c->in;
	struct clusapi_ExecuteReadBatchEx_out *out = c->out;

	if (in->flags != 0)
		serve_finish(c, ERR_INVALID_PARAMETER);
	else
		serve_finish(
		    c, read_batch(c, &in->key, in->in_data, in->in_data_size, &out->out_data, &out->out_data_size));
}

serve_handler *serve_registry_handler(unsigned number)
{
	switch (number) {
	case CLUSAPI_GET_ROOT_KEY:
		return get_root_key;
	case CLUSAPI_CREATE_KEY:
		return create_key;
	case CLUSAPI_OPEN_KEY:
		return open_key;
	case CLUSAPI_ENUM_KEY:
		return enum_key;
	case CLUSAPI_SET_VALUE:
		return set_value;
	case CLUSAPI_DELETE_VALUE:
		return delete_value;
	case CLUSAPI_QUERY_VALUE:
		return query_value;
	case CLUSAPI_DELETE_KEY:
		return delete_key;
	case CLUSAPI_ENUM_VALUE:
		return enum_value;
	case CLUSAPI_CLOSE_KEY:
		return close_key;
	case CLUSAPI_QUERY_INFO_KEY:
		return query_info_key;
	case CLUSAPI_SET_KEY_SECURITY:
		return set_key_security;
	case CLUSAPI_GET_KEY_SECURITY:
		return get_key_security;
	case CLUSAPI_EXECUTE_BATCH:
		return execute_batch;
	case CLUSAPI_EXECUTE_READ_BATCH:
		return execute_read_batch;
	case CLUSAPI_EXECUTE_READ_BATCH_EX:
		return execute_read_batch_ex;
	default:
		return NULL;
	}
}
