/* serve: from bytes of a call to its handler and back.  See serve.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/call.h"
#include "rpc/context.h"
#include "rpc/dispatch.h"
#include "ruedad/service.h"
#include "wire/clusapi.h"
#include "wire/command.h"

/* A call with its arguments decoded.  in and out live in the call's arena. */
struct serve_call {
	struct service *service;
	struct rpc_call *rpc;
	struct rpc_request request;
	enum rpc_access level; /* What the caller may do, as the call came. */
	const void *in;        /* The request's. */
	void *out;             /* The handler fills it in, all but the status. */
	bool local;            /* Of the interface for this node's own registry. */
	/* Set for serve_propose(): makes more of out from the result, and returns the call's error, or SERVE_LATER: it has
	 * seen to it that serve_finish() will be called. */
	int (*applied)(struct serve_call *c, const struct cluster_result *result);
	/* For applied(): what the call is about, and the state that it asks for. */
	struct guid about;
	uint32_t wanted;
	/* Of a request that waits for what it asked for (run.c). */
	struct serve_call *next_waiting;
	struct loop_timer *timer; /* Also of one that waits for events (notify.c). */
	int (*outcome)(struct serve_call *c);
	void *data; /* The handler's own. */
};

enum { SERVE_LATER = 1 };

/* Must, now or later, come to serve_finish(). */
typedef void serve_handler(struct serve_call *c);

/* What a call is answered with as long as the service does not serve; 0: it does. */
int serve_state_error(const struct service *s);

/* Encode the answer with the status that says r, and send it.  c is gone then. */
void serve_finish(struct serve_call *c, int r);

/* Put a command into the log, and finish the call with its outcome once it is applied. */
void serve_propose(struct serve_call *c, const struct command *command);
/* The same of a registry batch on this node's own registry, below the key; flags of enum db_regbatch_flags. */
void serve_change_local(struct serve_call *c, struct u16 key, const uint8_t *batch, size_t len, unsigned flags);
/* The time stamp for a command. */
uint64_t serve_now(const struct serve_call *c);

static inline struct arena *serve_arena(struct serve_call *c)
{
	return &c->rpc->arena;
}
/* Text for people in the arena; NULL without memory, or if it is no UTF-8. */
const char16_t *serve_story(struct serve_call *c, const char *story);
/* A terminated copy in the arena; NULL without memory. */
static inline const char16_t *serve_dup(struct serve_call *c, struct u16 s)
{
	return arena_dup_u16(serve_arena(c), s);
}
static inline struct db *serve_db(struct serve_call *c)
{
	return cluster_db(c->service->cluster);
}
static inline const struct db_key *serve_root(struct serve_call *c)
{
	return db_root(serve_db(c));
}
bool serve_may_change(const struct serve_call *c); /* The caller has access All. */

/* Something was applied: requests that wait for a state look again.  And: they wait no longer. */
void serve_waiting_look(struct service *s);
void serve_waiting_end(struct service *s);

/* The same for calls that wait for events: to be called with all that was applied; and they are answered with an error. */
void serve_notify_applied(struct service *s, const struct cluster_result *result);
void serve_notify_end(struct service *s);

/* Context handles.  ACCESS_* is what a handle remembers of how it was opened. */
enum { SERVE_READ = 1, SERVE_ALL = 3 };
int serve_handle_new(
    struct serve_call *c, const struct rpc_handle_type *type, void *object, uint32_t access, struct ndr_handle *ret);
int serve_handle_find(struct serve_call *c, const struct ndr_handle *handle, const struct rpc_handle_type *type,
    struct rpc_handle_value *ret);
int serve_handle_close(
    struct serve_call *c, const struct ndr_handle *in, const struct rpc_handle_type *type, struct ndr_handle *out);
/* dwDesiredAccess of an Open…Ex call to SERVE_* and what is granted.  0: maximum allowed is asked with its own bit. */
int serve_access(const struct serve_call *c, uint32_t desired, uint32_t *ret_access, uint32_t *ret_granted);

/* The handlers, by number; NULL: not implemented, answered with 120. */
serve_handler *serve_cluster_handler(unsigned number);
serve_handler *serve_registry_handler(unsigned number);
serve_handler *serve_object_handler(unsigned number);
serve_handler *serve_run_handler(unsigned number);
serve_handler *serve_relate_handler(unsigned number);
serve_handler *serve_list_handler(unsigned number);
serve_handler *serve_control_handler(unsigned number);
serve_handler *serve_notify_handler(unsigned number);
serve_handler *serve_batch_port_handler(unsigned number);
serve_handler *serve_rueda_handler(unsigned number);
/* A handle of the cluster: how it was opened. */
int serve_cluster_in(struct serve_call *c, const struct ndr_handle *handle, uint32_t *ret_access);
/* A handle of a key that is there: its path, good until the handle is closed. */
int serve_key_in(struct serve_call *c, const struct ndr_handle *handle, struct u16 *ret_path);
/* ApiBackupClusterDatabase: on version 2 a backup, on version 3 refused as specified.  serve/backup.c */
void serve_backup_cluster_database(struct serve_call *c);
/* Those of our own interface in serve/backup.c. */
void serve_rueda_backup(struct serve_call *c);
void serve_rueda_restore(struct serve_call *c);
void serve_rueda_restore_checkpoints(struct serve_call *c);
void serve_rueda_create_cluster(struct serve_call *c);
void serve_rueda_unseal(struct serve_call *c);
void serve_rueda_reseal(struct serve_call *c);
/* And in serve/checkpoint.c. */
void serve_rueda_read_checkpoint(struct serve_call *c);
void serve_rueda_rebuild_checkpoint(struct serve_call *c);

/* What the RPC server calls; data is the service. */
void serve_dispatch_clusapi(struct rpc_call *call, void *data); /* Both versions. */
void serve_dispatch_rueda(struct rpc_call *call, void *data);
void serve_dispatch_local(struct rpc_call *call, void *data); /* wire/local.h */
