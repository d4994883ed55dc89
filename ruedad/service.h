/* service: the cluster service of this node: what is between the loop and the clients.  See service.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/checkpoint/checkpoint.h"
#include "io/disk.h"
#include "io/loop.h"
#include "ruedad/config.h"
#include "ruedad/replica.h"
#include "ruedad/store.h"
#include "seal/seal.h"
#include <stdatomic.h>

struct links;
struct local_registry;
struct networks;
struct priv_directory;
struct priv_open;
struct rpc_server;
struct sources;

enum service_state {
	SERVICE_NO_CLUSTER, /* Nothing to serve but creating and restoring one. */
	SERVICE_STARTING,   /* The log is replayed. */
	SERVICE_UP,
	SERVICE_CHANGING,   /* Another generation is being put in force. */
	SERVICE_STOPPING,
};

/* How far the backup or restore is, for who asks.  Set by its thread, read by the loop's. */
struct progress {
	_Atomic uint32_t phase; /* enum progress_phase */
	_Atomic uint64_t bytes, total;
};

enum progress_phase { /* On the wire: idl/rueda.idl. */
	PROGRESS_NONE = 0,
	PROGRESS_BACKUP_WRITING = 1,
	PROGRESS_BACKUP_PROVING = 2,
	PROGRESS_RESTORE_READING = 3,
	PROGRESS_RESTORE_WRITING = 4,
	PROGRESS_RESTORE_STARTING = 5,
};

static inline void progress_set(struct progress *p, enum progress_phase phase, uint64_t bytes, uint64_t total)
{
	atomic_store(&p->bytes, bytes);
	atomic_store(&p->total, total);
	atomic_store(&p->phase, phase);
}

/* What a checkpoint is made of. */
struct capture_source {
	enum checkpoint_kind kind;
	enum checkpoint_view view;
	struct u16 path; /* Borrowed. */
};

/* When blobs may be put and removed: agents/blobs.c. */
struct blob_keeper {
	unsigned puts, holds;           /* Under way: puts; backups that pin what is named. */
	bool unknown;                   /* A command may be in the log or not: what it names stays in this life. */
	struct blob_turn *waiting;      /* Puts, for the end of the sweep. */
	struct sweep_job *sweep;        /* Running, or NULL. */
	struct db_snapshot *checkpoint; /* A sweep is due, after this one; or NULL. */
};

typedef void service_down(void *data, struct db_snapshot *last, uint64_t index);
typedef void service_up(void *data, int r, const struct error *error);

struct service {
	/* Given. */
	struct loop *loop;
	const struct config *config;
	struct disk *disk;        /* Of the state directory. */
	struct rpc_server *rpc;   /* Its handles are run down when the generation changes. */
	/* A directory, opened with a caller's rights; called on workers.  priv_open(), or a simulated one. */
	int (*open_directory)(
	    void *priv, const struct priv_open *what, struct priv_directory *ret, struct error *error);
	void *priv;
	struct local_registry *local; /* This node's own registry; NULL: none. */
	struct sources *sources;      /* What registry checkpoints are taken of; NULL: nothing. */
	struct links *links;   /* Of this machine; NULL: the cluster is told nothing of them. */
	struct runner *runner; /* Starts hosts; NULL: resources that need one cannot be run. */
	struct guid boot;    /* Of the machine: after another one, what was written and not synced may be gone. */
	size_t segment_size; /* Of the engine's log; 0 = its default. */
	bool recover;        /* A generation that cannot be started is passed over. */
	/* The process cannot go on; what to say is in the error. */
	void (*failed)(void *data, const struct error *error);
	void *data;

	/* Of the service itself. */
	enum service_state state;
	char16_t *node_name;
	uint64_t started; /* FILETIME. */

	/* The generation in force; NULL and empty without one. */
	char generation[STORE_NAME_MAX];
	struct quolog_header header;
	struct disk *engine_disk; /* Of the generation's directory. */
	struct replica *replica;
	struct cluster *cluster;  /* The replica's. */
	struct manage *manage;    /* The policy, where this node is the owner. */
	struct hosts *hosts;      /* What this node runs. */
	struct clock *clock;      /* The cluster's own time. */
	struct networks *networks; /* Tells the cluster of the links. */
	struct notify_port *ports;      /* Of clients that want to be told what changes (serve/notify.c, … */
	struct batch_port *batch_ports; /* … serve/batchport.c). */
	unsigned port_count;            /* Of both. */
	struct serve_call *waiting; /* Requests that wait for a state, for a moment (serve/run.c). */
	bool has_key;             /* The header has a sealed cluster key, and this is it: … */
	struct seal_info key;
	bool key_open;            /* … and the keyring has it. */

	/* Checkpoints. */
	struct checkpoint_job *checkpoint; /* Running, or NULL. */
	uint64_t checkpoint_index;         /* The newest that is durable. */
	uint64_t log_bytes;                /* Of commands applied since. */

	/* The saved state of resources: agents/capture.h, putback.h, rebuild.h, blobs.h. */
	struct capture_job *captures;
	struct putback_job *putbacks;
	struct rebuild_job *rebuilds;
	unsigned capture_count;
	unsigned mark_jobs; /* Of agents/follow_mark.c, under way. */
	uint64_t capture_number;
	struct blob_keeper blobs;

	/* Checks: agents/check.h. */
	uint32_t node;                  /* Its number in the cluster. */
	struct loop_timer *check_timer; /* NULL, or runs while there are changes that have not been checked. */
	uint64_t unchecked;             /* How many. */
	bool damaged;                   /* What is in memory must not be written anywhere any more. */

	/* Backup and restore: at most one of each at a time on this node. */
	struct backup_job *backup;
	struct restore_job *restore;
	struct progress progress;
	struct unseal_job *unseal; /* Or NULL. */
	struct reseal_job *reseal; /* The same. */

	bool hosts_stopping; /* What runs here is being stopped, before the log comes to its end. */
	bool stopping; /* service_stop() has been called; it waits for a backup or restore to end. */

	/* Set by service_stop(), service_take_down(), service_bring_up(). */
	void (*stopped)(void *data);
	service_down *down;
	service_up *up;
	void *stopped_data, *change_data;
};

/* Takes what is given in *s, finds the generation in force and starts it.  Without one the service is up in the state
 * SERVICE_NO_CLUSTER.  On failure service_done() is due all the same. */
int service_start(struct service *s, struct error *error);
/* A last checkpoint, then stopped(data). */
void service_stop(struct service *s, void (*stopped)(void *data), void *data);
/* After stopped, or a failed start.  At any other time it means that the process has died: nobody is told of anything, and
 * the simulated loop must have been halted. */
void service_done(struct service *s);

static inline struct u16 service_node_name(const struct service *s)
{
	return u16_from_z(s->node_name);
}

/* Found a cluster of this one node, put it in force, but do not start it: service_bring_up().  With a secret it gets a
 * cluster key, sealed under that.  Blocks for a few syncs, and half a second for a passphrase: nobody else is served yet. */
int service_create_cluster(struct service *s, struct u16 name, const struct seal_secret *secret, struct error *error);
/* Sees whether the generation has a cluster key, and whether this node has it. */
void service_look_for_key(struct service *s);

/* A generation's directory with this database (taken over) at header->snapshot and an empty log: durable, not in force.
 * Blocks. */
int service_write_generation(struct service *s, const struct quolog_header *header, struct db *db, struct error *error);

/* Changing the generation, in two halves.  Down: the log is brought to its end, all handles of all clients end, and what
 * the database was at last is told (borrowed; NULL without a cluster).  Up: what `current` names now is started; r is 0
 * once it serves.  Only from SERVICE_UP and SERVICE_NO_CLUSTER; ERR_BUSY from others. */
int service_take_down(struct service *s, service_down *down, void *data);
void service_bring_up(struct service *s, service_up *up, void *data);

/* A backup or restore has ended: a stop may have been waiting for it. */
void service_job_ended(struct service *s);
/* The same of a put or sweep of blobs, for which a change of the generation waits too. */
void service_blobs_ended(struct service *s);

/* Write a checkpoint soon, unless one is being written. */
void service_checkpoint(struct service *s);
/* Prove on a worker that the database in memory is what its digest says; each checkpoint does so too.  The process cannot go
 * on if it is not. */
void service_prove(struct service *s);
/* The state in memory is not what it should be: write no checkpoint of it, and end the process. */
void service_is_damaged(struct service *s, const struct error *error);
