/* regbatch: registry batches of the API, carried out or refused as a whole, and read batches.  See regbatch.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/db/db.h"

/* A longer notification is not made: whoever waits for it must be told that it missed something. */
#define DB_NOTIFICATION_MAX (8u << 20)
/* In a reply that has this length a value becomes an error, ERROR_MORE_DATA. */
#define DB_READ_REPLY_MAX (8u << 20)

enum db_regbatch_flags {
	/* Not a batch but a call of its own: deleting what is not there is ERR_FILE_NOT_FOUND, deleting a key that has subkeys
	 * ERR_ACCESS_DENIED, and no batch port hears of it. */
	DB_REGBATCH_CALL = 1,
};

struct db_regbatch_result {
	int32_t failed_command;  /* Its number, from 1; 0: the failure came before the first; -1: none failed. */
	bool created;            /* The last CREATE_KEY made its key, which was not there. */
	struct buf batch;        /* The evaluated database batch (batch.h); empty: the database did not change. */
	struct buf notification; /* What a batch port delivers; empty if notification_lost. */
	bool notification_lost;  /* It would have been longer than DB_NOTIFICATION_MAX. */
};

void db_regbatch_result_done(struct db_regbatch_result *r);

/* Carry out the commands below the key base.  On an error the database is as it was, and only ret->failed_command is set:
 * -ENOMEM; ERR_KEY_DELETED: base is not there; ERR_INVALID_DATA: not such a buffer; ERR_INVALID_PARAMETER: an unknown
 * command, or one that needs a current key and has none; ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED;
 * ERR_CLUSTERLOG_RECORD_EXCEEDS_MAXSIZE: it comes to more than DB_BATCH_MAX; and those of db.h. */
int db_regbatch_apply(struct db *db, struct u16 base, const void *bytes, size_t len, uint64_t time, unsigned flags,
    struct db_regbatch_result *ret);

/* Read below the key base and append the reply, one entry for each READ_VALUE.  -ENOMEM, ERR_KEY_DELETED,
 * ERR_INVALID_DATA, ERR_INVALID_PARAMETER as above; what goes wrong with one value is an entry of the reply.
 * may_read() is asked for each key that the buffer names; NULL: all may be read. */
int db_regbatch_read(const struct db_key *root, struct u16 base, const void *bytes, size_t len,
    bool (*may_read)(void *data, const struct db_key *key), void *data, struct buf *reply);
