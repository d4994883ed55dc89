/* clusapi/batch.h: several changes of the database as one, several reads at one moment, and news of such changes.
 *
 * A write batch is a list of commands relative to a key, carried out together or not at all.  Whoever has a batch
 * port on that key or above gets the committed list as a notification; changes outside of batches make none.
 *
 * Handles  a batch, port, notification, read batch or reply belongs to the caller until the function that closes it.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_BATCH_H
#define RUEDA_CLUSAPI_BATCH_H

#include "types.h"

/* Commands of batches.  "Current key" is the key that the batch was made for, or the last one created in it. */
typedef enum CLUSTER_REG_COMMAND {
	CLUSREG_COMMAND_NONE = 0,
	CLUSREG_SET_VALUE = 1,        /* Set a value of the current key; dwOptions is its type. */
	CLUSREG_CREATE_KEY = 2,       /* Create or open a key, which becomes the current one. */
	CLUSREG_DELETE_KEY = 3,       /* Delete a key and all below it; a missing one is no error.  No current key. */
	CLUSREG_DELETE_VALUE = 4,     /* Delete a value of the current key; a missing one is no error. */
	CLUSREG_SET_KEY_SECURITY = 5, /* Replace the security descriptor of the current key. */
	CLUSREG_VALUE_DELETED = 6,    /* In notifications: the data that the next command replaces or deletes. */
	CLUSREG_READ_KEY = 7,         /* In replies of read batches. */
	CLUSREG_READ_VALUE = 8,
	CLUSREG_READ_ERROR = 9, /* dwOptions is the error code. */
	CLUSREG_CONTROL_COMMAND = 10,
	CLUSREG_CONDITION_EXISTS = 11, /* Conditions: if one does not hold, nothing is done (5986). */
	CLUSREG_CONDITION_NOT_EXISTS = 12,
	CLUSREG_CONDITION_IS_EQUAL = 13,
	CLUSREG_CONDITION_IS_NOT_EQUAL = 14,
	CLUSREG_CONDITION_IS_GREATER_THAN = 15,
	CLUSREG_CONDITION_IS_LESS_THAN = 16,
	CLUSREG_CONDITION_KEY_EXISTS = 17,
	CLUSREG_CONDITION_KEY_NOT_EXISTS = 18,
	CLUSREG_LAST_COMMAND = 19,
} CLUSTER_REG_COMMAND;

#define CLUSREG_DATABASE_SYNC_WRITE_TO_ALL_NODES 0x00000001u
#define CLUSREG_DATABASE_ISOLATE_READ 0x00000002u

/* One command of a notification.  What it points to belongs to the notification. */
typedef struct _CLUSTER_BATCH_COMMAND {
	CLUSTER_REG_COMMAND Command;
	DWORD dwOptions; /* Type of the value. */
	LPCWSTR wzName;  /* Of the value, or of the key relative to the port's key. */
	const BYTE *lpData;
	DWORD cbData; /* In bytes. */
} CLUSTER_BATCH_COMMAND;

/* One result of a read batch.  What it points to belongs to the reply. */
typedef struct _CLUSTER_READ_BATCH_COMMAND {
	CLUSTER_REG_COMMAND Command; /* CLUSREG_READ_VALUE or CLUSREG_READ_ERROR. */
	DWORD dwOptions;             /* Type of the value, or the error code. */
	LPCWSTR wzSubkeyName;
	LPCWSTR wzValueName;
	const BYTE *lpData;
	DWORD cbData; /* In bytes. */
} CLUSTER_READ_BATCH_COMMAND;

RUEDA_BEGIN_DECLARATIONS

/* ---- Write batches ---- */

/* Begin a batch of changes relative to a key.
 *
 * hKey        the key; it stays open until the batch is closed.
 * pHREGBATCH  receives the batch, for ClusterRegCloseBatch().
 *
 * Returns 0; 6. */
LONG ClusterRegCreateBatch(HKEY hKey, HREGBATCH *pHREGBATCH);

/* Add a command to a batch.  Nothing is sent; names and data are copied.
 *
 * hRegBatch       the batch.
 * dwCommand       a CLUSTER_REG_COMMAND that changes or tests something.
 * wzName          name of the value, or of the key relative to the batch's key.
 * dwOptions       type of the value.
 * lpData, cbData  data of the value, size in bytes; NULL and 0 for commands without.
 *
 * Returns 0; 1 unknown command; 6; 14 no memory; 87 a value command without a current key. */
LONG ClusterRegBatchAddCommand(HREGBATCH hRegBatch, CLUSTER_REG_COMMAND dwCommand, LPCWSTR wzName, DWORD dwOptions,
    const void *lpData, DWORD cbData);

/* Carry a batch out, or drop it, and free it in either case.
 *
 * hRegBatch            the batch.
 * bCommit              TRUE: carry it out, all or nothing.  FALSE: drop it.
 * failedCommandNumber  receives the number, from 0, of the command that failed, or -1 if none was tried; may be
 *                      NULL.
 *
 * Returns 0; 6; 5986 a condition does not hold; else the error of the first command that failed. */
LONG ClusterRegCloseBatch(HREGBATCH hRegBatch, BOOL bCommit, INT *failedCommandNumber);

/* As ClusterRegCloseBatch(), with flags in the place of bCommit.
 *
 * hRegBatch            the batch.
 * flags                1 carries the batch out, 0 drops it.
 * failedCommandNumber  as for ClusterRegCloseBatch().
 *
 * Returns as ClusterRegCloseBatch(); 87 unknown flags. */
LONG ClusterRegCloseBatchEx(HREGBATCH hRegBatch, DWORD flags, INT *failedCommandNumber);

/* ---- News of batches ---- */

/* Open a port that receives every batch committed from now on at a key or below it.
 *
 * hKey                the key.
 * phBatchNotifyPort   receives the port, for ClusterRegCloseBatchNotifyPort().
 *
 * Returns 0; 6. */
LONG ClusterRegCreateBatchNotifyPort(HKEY hKey, HREGBATCHPORT *phBatchNotifyPort);

/* Close a port.  A thread that waits in ClusterRegGetBatchNotification() is released with 259.  Returns 0; 6. */
LONG ClusterRegCloseBatchNotifyPort(HREGBATCHPORT hBatchNotifyPort);

/* Wait, without limit, for the next committed batch.
 *
 * hBatchNotify         the port.
 * phBatchNotification  receives the notification, for ClusterRegBatchCloseNotification().
 *
 * Returns 0; 6; 259 the port was closed; 31 batches were lost, with the connection or since too many waited: the next call
 * goes on with what is committed from now on; 13, 14 the notification could not be taken over.
 *
 * Threads   one thread waits on a port at a time. */
LONG ClusterRegGetBatchNotification(HREGBATCHPORT hBatchNotify, HREGBATCHNOTIFICATION *phBatchNotification);

/* The next command of a notification, in the order in which they were carried out.
 *
 * hBatchNotification  the notification.
 * pBatchCommand       receives the command; its pointers stay good until the notification is closed.
 *
 * Returns 0; 259 there are no more. */
LONG ClusterRegBatchReadCommand(HREGBATCHNOTIFICATION hBatchNotification, CLUSTER_BATCH_COMMAND *pBatchCommand);

/* Free a notification.  Returns 0; 6. */
LONG ClusterRegBatchCloseNotification(HREGBATCHNOTIFICATION hBatchNotification);

/* ---- Read batches ---- */

/* Begin a batch of reads relative to a key.
 *
 * hKey           the key; it stays open until the batch is closed. phRegReadBatch receives the batch, for
 *                ClusterRegCloseReadBatch().
 *
 * Returns 0; 6. */
LONG ClusterRegCreateReadBatch(HKEY hKey, HREGREADBATCH *phRegReadBatch);

/* Add a read to a batch.  Nothing is sent; names are copied.
 *
 * hRegReadBatch  the batch.
 * wzSubkeyName   the key relative to the batch's key; NULL: that key itself.
 * wzValueName    the value; NULL: the default value.
 *
 * Returns 0; 6; 14 no memory. */
LONG ClusterRegReadBatchAddCommand(HREGREADBATCH hRegReadBatch, LPCWSTR wzSubkeyName, LPCWSTR wzValueName);

/* Carry the reads out, all of one state of the database, and free the batch.
 *
 * hRegReadBatch         the batch.
 * phRegReadBatchReply   receives the reply, for ClusterRegCloseReadBatchReply().  NULL drops the batch.
 *
 * Returns 0; 6.  A value that is missing is no error of the batch: its result says so. */
LONG ClusterRegCloseReadBatch(HREGREADBATCH hRegReadBatch, HREGREADBATCHREPLY *phRegReadBatchReply);

/* As ClusterRegCloseReadBatch(), with flags.
 *
 * hRegReadBatch         the batch.
 * flags                 0.
 * phRegReadBatchReply   as for ClusterRegCloseReadBatch().
 *
 * Returns as ClusterRegCloseReadBatch(); 87 unknown flags. */
LONG ClusterRegCloseReadBatchEx(HREGREADBATCH hRegReadBatch, DWORD flags, HREGREADBATCHREPLY *phRegReadBatchReply);

/* The next result of a reply; there are as many as reads were added, in the same order.
 *
 * hRegReadBatchReply  the reply.
 * pBatchCommand       receives the result; its pointers stay good until the reply is closed.
 *
 * Returns 0; 6; 259 there are no more. */
LONG ClusterRegReadBatchReplyNextCommand(
    HREGREADBATCHREPLY hRegReadBatchReply, CLUSTER_READ_BATCH_COMMAND *pBatchCommand);

/* Free a reply.  Returns 0; 6. */
LONG ClusterRegCloseReadBatchReply(HREGREADBATCHREPLY hRegReadBatchReply);

RUEDA_END_DECLARATIONS

#endif
