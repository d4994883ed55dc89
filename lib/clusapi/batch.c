/* batch: registry batches and read batches, collected here and sent whole.
 *
 * Rules    a batch commits as one change or not at all; the number of a failing command counts from 0 here (from 1 on the
 *          wire), -1 if none was tried.  A batch that is open when its connection breaks while it is being carried out ends
 *          with 1726: whether it was, nobody knows.
 * Threads  all functions; one thread at a time adds to a batch.       Tests  tests/integration/library.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/key.h"
#include "wire/clusapi.h"
#include "wire/regbuf.h"
#include <string.h>

struct batch { /* HREGBATCH and HREGREADBATCH. */
	struct object object;
	struct key *key; /* Referenced. */
	pthread_mutex_t lock;
	struct buf bytes;
	bool has_current_key; /* Write batches: a value command may follow. */
	uint32_t count;
};

struct reply { /* HREGREADBATCHREPLY */
	struct object object;
	pthread_mutex_t lock;
	struct regbuf_reader reader;
	uint8_t *bytes;
	char16_t *subkey;
	char16_t *name;
};

static void batch_destroy(struct object *o)
{
	struct batch *b = container_of(o, struct batch, object);

	key_put(&b->key);
	buf_done(&b->bytes);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
}

static int batch_new(HKEY hKey, enum object_kind kind, void **ret)
{
	struct key *k;
	struct batch *b;
	int r = ret == NULL ? ERR_INVALID_PARAMETER : key_get(hKey, &k);

	if (r < 0)
		return r;
	b = calloc(1, sizeof(*b));
	if (b == NULL) {
		key_put(&k);
		return -ENOMEM;
	}
	object_init(&b->object, kind, batch_destroy);
	b->key = k;
	(void)pthread_mutex_init(&b->lock, NULL);
	b->has_current_key = true;
	regbuf_begin(&b->bytes);
	r = handle_open(&b->object, ret);
	object_unref(&b->object);
	return r;
}

static int batch_get(const void *handle, enum object_kind kind, struct batch **ret)
{
	struct object *o;
	int r = handle_get(handle, kind, &o);

	if (r == 0)
		*ret = container_of(o, struct batch, object);
	return r;
}

static void batch_put(struct batch **b)
{
	if (*b != NULL)
		object_unref(&(*b)->object);
}
#define _cleanup_batch_ _cleanup_(batch_put)

/* Write batches. */

LONG ClusterRegCreateBatch(HKEY hKey, HREGBATCH *pHREGBATCH)
{
	return (LONG)return_code(batch_new(hKey, OBJECT_BATCH, (void **)pHREGBATCH));
}

static bool is_write_command(DWORD command)
{
	return (command >= REGBUF_SET_VALUE && command <= REGBUF_SET_KEY_SECURITY) || command == REGBUF_CONTROL_COMMAND ||
	       (command >= REGBUF_CONDITION_EXISTS && command <= REGBUF_CONDITION_KEY_NOT_EXISTS);
}

static int batch_add(struct batch *b, DWORD command, LPCWSTR name, DWORD options, const void *data, DWORD len)
{
	bool of_value = command == REGBUF_SET_VALUE || command == REGBUF_DELETE_VALUE || command == REGBUF_SET_KEY_SECURITY;

	if (!is_write_command(command))
		return ERR_INVALID_FUNCTION;
	if ((data == NULL && len > 0) || (of_value && !b->has_current_key))
		return ERR_INVALID_PARAMETER;
	if ((command == REGBUF_CREATE_KEY || command == REGBUF_DELETE_KEY) && name == NULL)
		return ERR_INVALID_PARAMETER;
	regbuf_add(&b->bytes, &(struct regbuf_command){ command, options, u16_from_z(units(name)), data, len });
	if (b->bytes.error != 0)
		return ERR_OUTOFMEMORY;
	if (command == REGBUF_CREATE_KEY)
		b->has_current_key = true;
	else if (command == REGBUF_DELETE_KEY)
		b->has_current_key = false;
	b->count++;
	return 0;
}

LONG ClusterRegBatchAddCommand(HREGBATCH hRegBatch, CLUSTER_REG_COMMAND dwCommand, LPCWSTR wzName, DWORD dwOptions,
    const void *lpData, DWORD cbData)
{
	_cleanup_batch_ struct batch *b = NULL;
	int r = batch_get(hRegBatch, OBJECT_BATCH, &b);

	if (r < 0)
		return (LONG)return_code(r);
	(void)pthread_mutex_lock(&b->lock);
	r = batch_add(b, (DWORD)dwCommand, wzName, dwOptions, lpData, cbData);
	(void)pthread_mutex_unlock(&b->lock);
	return (LONG)return_code(r);
}

static LONG batch_close(HREGBATCH handle, bool commit, INT *failed)
{
	_cleanup_object_ struct object *o = NULL;
	struct clusapi_ExecuteBatch_in in = { 0 };
	struct clusapi_ExecuteBatch_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	struct batch *b;
	int r = handle_take(handle, OBJECT_BATCH, &o);

	if (failed != NULL)
		*failed = -1;
	if (r < 0 || !commit)
		return (LONG)return_code(r);
	b = container_of(o, struct batch, object);
	if (b->count == 0)
		return 0;
	in.data = b->bytes.data;
	in.data_size = (uint32_t)b->bytes.len;
	r = remote_call(&b->key->remote, CLUSAPI_EXECUTE_BATCH, &in, &out, &arena);
	if (r < 0 && failed != NULL && out.failed_command > 0)
		*failed = out.failed_command - 1;
	return (LONG)return_code(r);
}

LONG ClusterRegCloseBatch(HREGBATCH hRegBatch, BOOL bCommit, INT *failedCommandNumber)
{
	return batch_close(hRegBatch, bCommit != FALSE, failedCommandNumber);
}

LONG ClusterRegCloseBatchEx(HREGBATCH hRegBatch, DWORD flags, INT *failedCommandNumber)
{
	if (flags > 1)
		return (LONG)return_code(ERR_INVALID_PARAMETER);
	return batch_close(hRegBatch, flags == 1, failedCommandNumber);
}

/* Read batches. */

LONG ClusterRegCreateReadBatch(HKEY hKey, HREGREADBATCH *phRegReadBatch)
{
	return (LONG)return_code(batch_new(hKey, OBJECT_READ_BATCH, (void **)phRegReadBatch));
}

static int read_batch_add(struct batch *b, LPCWSTR subkey, LPCWSTR value)
{
	/* The protocol reads values of a current key, so each command names its key first. */
	regbuf_add(&b->bytes, &(struct regbuf_command){ .kind = REGBUF_READ_KEY, .name = u16_from_z(units(subkey)) });
	regbuf_add(&b->bytes, &(struct regbuf_command){ .kind = REGBUF_READ_VALUE, .name = u16_from_z(units(value)) });
	b->count++;
	return b->bytes.error != 0 ? ERR_OUTOFMEMORY : 0;
}

LONG ClusterRegReadBatchAddCommand(HREGREADBATCH hRegReadBatch, LPCWSTR wzSubkeyName, LPCWSTR wzValueName)
{
	_cleanup_batch_ struct batch *b = NULL;
	int r = batch_get(hRegReadBatch, OBJECT_READ_BATCH, &b);

	if (r < 0)
		return (LONG)return_code(r);
	(void)pthread_mutex_lock(&b->lock);
	r = read_batch_add(b, wzSubkeyName, wzValueName);
	(void)pthread_mutex_unlock(&b->lock);
	return (LONG)return_code(r);
}

static void reply_destroy(struct object *o)
{
	struct reply *p = container_of(o, struct reply, object);

	regbuf_reader_done(&p->reader);
	free(p->bytes);
	free(p->subkey);
	free(p->name);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

static int reply_new(const uint8_t *bytes, size_t len, HREGREADBATCHREPLY *ret)
{
	_cleanup_object_ struct object *o = NULL;
	struct reply *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return -ENOMEM;
	object_init(&p->object, OBJECT_READ_BATCH_REPLY, reply_destroy);
	(void)pthread_mutex_init(&p->lock, NULL);
	o = &p->object;
	p->bytes = malloc(len + 1);
	if (p->bytes == NULL)
		return -ENOMEM;
	memcpy(p->bytes, bytes, len);
	r = regbuf_reader_init(&p->reader, p->bytes, len);
	if (r < 0)
		return r;
	return handle_open(o, (void **)ret);
}

LONG ClusterRegCloseReadBatchEx(HREGREADBATCH hRegReadBatch, DWORD flags, HREGREADBATCHREPLY *phRegReadBatchReply)
{
	_cleanup_object_ struct object *o = NULL;
	struct clusapi_ExecuteReadBatch_in in = { 0 };
	struct clusapi_ExecuteReadBatch_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	struct batch *b;
	int r = handle_take(hRegReadBatch, OBJECT_READ_BATCH, &o);

	(void)flags; /* Isolation is what a read batch has in any case. */
	if (r < 0 || phRegReadBatchReply == NULL)
		return (LONG)return_code(r < 0 ? r : ERR_INVALID_PARAMETER);
	b = container_of(o, struct batch, object);
	in.in_data = b->bytes.data;
	in.in_data_size = (uint32_t)b->bytes.len;
	r = remote_call(&b->key->remote, CLUSAPI_EXECUTE_READ_BATCH, &in, &out, &arena);
	if (r == 0)
		r = reply_new(out.out_data, out.out_data_size, phRegReadBatchReply);
	return (LONG)return_code(r);
}

LONG ClusterRegCloseReadBatch(HREGREADBATCH hRegReadBatch, HREGREADBATCHREPLY *phRegReadBatchReply)
{
	return ClusterRegCloseReadBatchEx(hRegReadBatch, 0, phRegReadBatchReply);
}

static int reply_next(struct reply *p, CLUSTER_READ_BATCH_COMMAND *ret)
{
	const struct regbuf_command *c = &p->reader.command;
	struct cursor before = p->reader.cursor;
	char16_t *copy;
	int r = regbuf_next(&p->reader);

	if (r <= 0)
		return r < 0 ? r : ERR_NO_MORE_ITEMS;
	/* READ_KEY entries, if the server sends them, name the key of what follows. */
	copy = u16_dup(c->name);
	if (copy == NULL) {
		p->reader.cursor = before; /* The same one next time. */
		return -ENOMEM;
	}
	if (c->kind == REGBUF_READ_KEY) {
		free(p->subkey);
		p->subkey = copy;
		return reply_next(p, ret);
	}
	free(p->name);
	p->name = copy;
	memset(ret, 0, sizeof(*ret));
	ret->Command = c->kind == REGBUF_READ_ERROR ? CLUSREG_READ_ERROR : CLUSREG_READ_VALUE;
	ret->dwOptions = c->type;
	ret->wzSubkeyName = (LPCWSTR)p->subkey;
	ret->wzValueName = (LPCWSTR)p->name;
	ret->lpData = c->data;
	ret->cbData = (DWORD)c->len;
	return 0;
}

LONG ClusterRegReadBatchReplyNextCommand(HREGREADBATCHREPLY hRegReadBatchReply, CLUSTER_READ_BATCH_COMMAND *pBatchCommand)
{
	_cleanup_object_ struct object *o = NULL;
	struct reply *p;
	int r = handle_get(hRegReadBatchReply, OBJECT_READ_BATCH_REPLY, &o);

	if (r < 0 || pBatchCommand == NULL)
		return (LONG)return_code(r < 0 ? r : ERR_INVALID_PARAMETER);
	p = container_of(o, struct reply, object);
	(void)pthread_mutex_lock(&p->lock);
	r = reply_next(p, pBatchCommand);
	(void)pthread_mutex_unlock(&p->lock);
	return (LONG)return_code(r);
}

LONG ClusterRegCloseReadBatchReply(HREGREADBATCHREPLY hRegReadBatchReply)
{
	_cleanup_object_ struct object *o = NULL;

	return (LONG)return_code(handle_take(hRegReadBatchReply, OBJECT_READ_BATCH_REPLY, &o));
}
