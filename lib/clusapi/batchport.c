/* batchport: ports that tell which registry batches were committed, and those batches command by command.
 *
 * How      the thread that asks waits in a call of its own, which closing the port cancels.  The server's port is opened
 *          again when the connection was lost; batches may have been committed meanwhile, so the call that finds this out
 *          fails with 31, and the next one waits again.
 * Limits   LINK_WAITS_MAX ports of a cluster handle.
 * Threads  all functions; one waits on a port at a time, others wait for it.     Tests  tests/integration/notify.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/key.h"
#include "rpc/client.h"
#include "wire/clusapi.h"
#include "wire/regbuf.h"
#include <stdatomic.h>
#include <string.h>

struct batch_port { /* HREGBATCHPORT */
	struct object object;
	struct key *key; /* Referenced. */
	struct remote remote;
	struct rpc_cancel cancel;
	atomic_bool closed;
	pthread_mutex_t lock; /* Of who waits. */
};

struct notification { /* HREGBATCHNOTIFICATION */
	struct object object;
	pthread_mutex_t lock;
	struct regbuf_reader reader;
	uint8_t *bytes;
	char16_t **names; /* What was handed out stays good. */
	size_t name_count;
};

static void batch_port_destroy(struct object *o)
{
	struct batch_port *p = container_of(o, struct batch_port, object);

	link_wait_release(p->remote.link);
	remote_done(&p->remote);
	key_put(&p->key);
	rpc_cancel_done(&p->cancel);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

static int batch_port_open(struct remote *r, struct ndr_handle *ret)
{
	struct batch_port *p = container_of(r, struct batch_port, remote);
	struct clusapi_CreateBatchPort_in in;
	struct clusapi_CreateBatchPort_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int result = remote_call(&p->key->remote, CLUSAPI_CREATE_BATCH_PORT, &in, &out, &arena);

	if (result == 0)
		*ret = out.batch_port;
	return result;
}

static int batch_port_new(struct key *k, HREGBATCHPORT *ret)
{
	struct batch_port *p = calloc(1, sizeof(*p));
	int r = p == NULL ? -ENOMEM : rpc_cancel_init(&p->cancel);

	if (r < 0) {
		free(p);
		key_put(&k);
		return r;
	}
	r = link_wait_reserve(k->remote.link);
	if (r < 0) {
		rpc_cancel_done(&p->cancel);
		free(p);
		key_put(&k);
		return r;
	}
	object_init(&p->object, OBJECT_BATCH_PORT, batch_port_destroy);
	p->key = k;
	(void)pthread_mutex_init(&p->lock, NULL);
	remote_init(&p->remote, k->remote.link, batch_port_open, CLUSAPI_CLOSE_BATCH_PORT);
	r = remote_open(&p->remote); /* From now on batches are told. */
	if (r == 0)
		r = handle_open(&p->object, (void **)ret);
	object_unref(&p->object);
	return r;
}

LONG ClusterRegCreateBatchNotifyPort(HKEY hKey, HREGBATCHPORT *phBatchNotifyPort)
{
	struct key *k;
	int r = phBatchNotifyPort == NULL ? ERR_INVALID_PARAMETER : key_get(hKey, &k);

	return (LONG)return_code(r < 0 ? r : batch_port_new(k, phBatchNotifyPort));
}

LONG ClusterRegCloseBatchNotifyPort(HREGBATCHPORT hBatchNotifyPort)
{
	_cleanup_object_ struct object *o = NULL;
	struct batch_port *p;
	int r = handle_take(hBatchNotifyPort, OBJECT_BATCH_PORT, &o);

	if (r < 0)
		return (LONG)return_code(r);
	p = container_of(o, struct batch_port, object);
	atomic_store(&p->closed, true);
	link_wait_cancel(p->remote.link, &p->cancel);
	return 0;
}

static void notification_destroy(struct object *o)
{
	struct notification *n = container_of(o, struct notification, object);

	regbuf_reader_done(&n->reader);
	for (size_t i = 0; i < n->name_count; i++)
		free(n->names[i]);
	free(n->names);
	free(n->bytes);
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
}

static int notification_new(const uint8_t *bytes, size_t len, HREGBATCHNOTIFICATION *ret)
{
	_cleanup_object_ struct object *o = NULL;
	struct notification *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return -ENOMEM;
	object_init(&n->object, OBJECT_BATCH_NOTIFICATION, notification_destroy);
	(void)pthread_mutex_init(&n->lock, NULL);
	o = &n->object;
	n->bytes = malloc(len + 1);
	if (n->bytes == NULL)
		return -ENOMEM;
	memcpy(n->bytes, bytes, len);
	r = regbuf_reader_init(&n->reader, n->bytes, len);
	return r < 0 ? r : handle_open(o, (void **)ret);
}

/* The lock is held. */
static int wait_for_batch(struct batch_port *p, HREGBATCHNOTIFICATION *ret)
{
	struct clusapi_GetBatchNotification_in in;
	struct clusapi_GetBatchNotification_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	uint64_t epoch;
	int r;

	if (atomic_load(&p->closed))
		return ERR_NO_MORE_ITEMS;
	r = remote_get(&p->remote, &in.batch_port, &epoch);
	if (r < 0)
		return r;
	r = link_wait(p->remote.link, CLUSAPI_GET_BATCH_NOTIFICATION, &in, &out, &arena, &p->cancel);
	if (r < 0 && atomic_load(&p->closed))
		return ERR_NO_MORE_ITEMS;
	if (r == 0 && out.data == NULL)
		return ERR_INVALID_DATA;
	if (r == 0)
		return notification_new(out.data, out.data_size, ret);
	return r == ERR_INVALID_HANDLE && epoch == link_epoch(p->remote.link) ? r : ERR_GEN_FAILURE;
}

LONG ClusterRegGetBatchNotification(HREGBATCHPORT hBatchNotify, HREGBATCHNOTIFICATION *phBatchNotification)
{
	_cleanup_object_ struct object *o = NULL;
	struct batch_port *p;
	int r = phBatchNotification == NULL ? ERR_INVALID_PARAMETER : handle_get(hBatchNotify, OBJECT_BATCH_PORT, &o);

	if (r < 0)
		return (LONG)return_code(r);
	p = container_of(o, struct batch_port, object);
	(void)pthread_mutex_lock(&p->lock);
	r = wait_for_batch(p, phBatchNotification);
	(void)pthread_mutex_unlock(&p->lock);
	return (LONG)return_code(r);
}

static int next_command(struct notification *n, CLUSTER_BATCH_COMMAND *ret)
{
	const struct regbuf_command *c = &n->reader.command;
	char16_t **grown = realloc(n->names, (n->name_count + 1) * sizeof(*grown)), *name;
	struct cursor before = n->reader.cursor;
	int r;

	if (grown == NULL)
		return -ENOMEM;
	n->names = grown;
	r = regbuf_next(&n->reader);
	if (r <= 0)
		return r < 0 ? r : ERR_NO_MORE_ITEMS;
	name = u16_dup(c->name);
	if (name == NULL) {
		n->reader.cursor = before; /* The same one next time. */
		return -ENOMEM;
	}
	n->names[n->name_count++] = name;
	*ret = (CLUSTER_BATCH_COMMAND){ .Command = (CLUSTER_REG_COMMAND)c->kind,
		.dwOptions = c->type,
		.wzName = (LPCWSTR)name,
		.lpData = c->data,
		.cbData = (DWORD)c->len };
	return 0;
}

LONG ClusterRegBatchReadCommand(HREGBATCHNOTIFICATION hBatchNotification, CLUSTER_BATCH_COMMAND *pBatchCommand)
{
	_cleanup_object_ struct object *o = NULL;
	struct notification *n;
	int r = pBatchCommand == NULL ? ERR_INVALID_PARAMETER
				      : handle_get(hBatchNotification, OBJECT_BATCH_NOTIFICATION, &o);

	if (r < 0)
		return (LONG)return_code(r);
	n = container_of(o, struct notification, object);
	(void)pthread_mutex_lock(&n->lock);
	r = next_command(n, pBatchCommand);
	(void)pthread_mutex_unlock(&n->lock);
	return (LONG)return_code(r);
}

LONG ClusterRegBatchCloseNotification(HREGBATCHNOTIFICATION hBatchNotification)
{
	_cleanup_object_ struct object *o = NULL;

	return (LONG)return_code(handle_take(hBatchNotification, OBJECT_BATCH_NOTIFICATION, &o));
}
