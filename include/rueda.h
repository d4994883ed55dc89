/* rueda.h: what a Rueda cluster can do beyond the Windows API: make a cluster, look into it, back up and restore with
 * the reasons told, stop it.
 *
 * The functions without an HCLUSTER act on the service of this machine, over its local socket.  What <clusapi.h> says of all functions holds
 * here as well, with one addition:
 * Stories  a story is text for people, in English: what was done, or why not and what to do.  It is written on success and
 *          on failure, cut to the buffer, always terminated, and empty if there is nothing to tell.
 *
 * The names that begin with Rueda, rueda_ and RUEDA_ belong to these libraries.
 * Tests    tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RUEDA_H
#define RUEDA_RUEDA_H

#include "clusapi.h"

#define RUEDA_NAME_CCH 256u   /* Units of a name with its terminator. */
#define RUEDA_PATH_CCH 4096u  /* Of a path. */
#define RUEDA_STORY_CCH 1024u /* Of a story; longer ones are cut. */

typedef enum RUEDA_STATE {
	RuedaStateNoCluster = 0,          /* The service runs, and is in no cluster. */
	RuedaStateStarting = 1,
	RuedaStateUp = 2,
	RuedaStateChangingGeneration = 3, /* A restore is being put in force. */
	RuedaStateStopping = 4,
} RUEDA_STATE;

typedef enum RUEDA_SEAL {
	RuedaSealNone = 0, /* There is no cluster key. */
	RuedaSealPassphrase = 1,
	RuedaSealRsa = 2,
	RuedaSealEllipticCurve = 3,
} RUEDA_SEAL;

/* The cluster key, which encrypts what is secret in backup sets. */
typedef struct RUEDA_KEY {
	RUEDA_SEAL Seal; /* What it is sealed under in backup sets. */
	BYTE Id[16];     /* Which key it is; no secret. */
	BOOL bOpen;      /* This node has it in the clear. */
} RUEDA_KEY;

#define RUEDA_RECOVERY_PASSPHRASE 1u
#define RUEDA_RECOVERY_PEM 2u

/* What seals or opens the cluster key.  A passphrase has 12 to 1024 bytes and no terminator.  PEM text is of a public key to
 * seal, of the private key to open: RSA (2048 to 8192 bits), X25519, EC (P-256, P-384, P-521), without a passphrase of its
 * own, at most 16384 bytes.  The caller wipes it when it is used. */
typedef struct RUEDA_RECOVERY {
	DWORD dwKind; /* RUEDA_RECOVERY_ */
	const BYTE *lpSecret;
	DWORD cbSecret;
} RUEDA_RECOVERY;

typedef struct RUEDA_STATUS {
	RUEDA_STATE State;
	WCHAR szClusterName[RUEDA_NAME_CCH]; /* Empty in no cluster, as all that follows but the node's name. */
	WCHAR szNodeName[RUEDA_NAME_CCH];
	GUID InstanceId;
	ULONGLONG qwGeneration; /* Grows with each restore; GenerationId is what tells generations apart. */
	GUID GenerationId;
	ULONGLONG qwAppliedIndex;    /* Of the last change that this node has applied. */
	ULONGLONG qwCheckpointIndex; /* Of the newest checkpoint of the log. */
	FILETIME Started;            /* The service, on this node. */
	DWORD dwApiLevel;            /* 2003, or 2008: backup and restore answer 120. */
	DWORD cGroups, cResources, cNodes;
	BYTE DatabaseDigest[32];
	struct {
		WCHAR szPath[RUEDA_PATH_CCH]; /* Empty: none since the cluster was made or restored. */
		FILETIME Started, Ended;      /* 0: not yet. */
		BOOL bRunning;
		DWORD dwStatus; /* A code of <winerror.h>. */
	} LastBackup;
	RUEDA_KEY ClusterKey;
} RUEDA_STATUS, *PRUEDA_STATUS;

typedef struct RUEDA_BACKUP_RESULT {
	WCHAR szStory[RUEDA_STORY_CCH];
	WCHAR szSnapshot[32];  /* chkNNNN.tmp */
	ULONGLONG cbSet;       /* Bytes of all files. */
	ULONGLONG cKeys, cValues;
	ULONGLONG qwIndex;     /* Of the last change that is in the set. */
	BYTE DatabaseDigest[32];
} RUEDA_BACKUP_RESULT, *PRUEDA_BACKUP_RESULT;

typedef enum RUEDA_PHASE {
	RuedaPhaseNone = 0,            /* No backup or restore runs on this machine. */
	RuedaPhaseBackupWriting = 1,
	RuedaPhaseBackupProving = 2,   /* What was written is read back. */
	RuedaPhaseRestoreReading = 3,  /* The set is read and proven. */
	RuedaPhaseRestoreWriting = 4,  /* Its database is written to the state directory. */
	RuedaPhaseRestoreStarting = 5, /* What was in force is kept as a set, and the cluster starts with the new database. */
} RUEDA_PHASE;

typedef struct RUEDA_PROGRESS {
	RUEDA_PHASE Phase;
	ULONGLONG cbDone;  /* In this phase. */
	ULONGLONG cbTotal; /* Of this phase, at most; 0: not known. */
} RUEDA_PROGRESS, *PRUEDA_PROGRESS;

/* Why a resource changed its state. */
typedef enum RUEDA_REASON {
	RuedaReasonAsked = 1,    /* Somebody asked for it, or it is to be online as the cluster starts. */
	RuedaReasonHost = 2,     /* The process that runs it said so. */
	RuedaReasonRestart = 3,  /* Brought online again after a failure. */
	RuedaReasonTimeout = 4,  /* What it was doing took too long. */
	RuedaReasonNodeLost = 5, /* Its node is not there any more. */
	RuedaReasonDecided = 6,  /* Its group moves, or one that it depends on left. */
} RUEDA_REASON;

#define RUEDA_HISTORY_MAX 12u
#define RUEDA_HOST_TEXT_CCH 512u

typedef struct RUEDA_RESOURCE_HISTORY {
	DWORD cChanges;
	struct {
		FILETIME Time; /* 0: not known. */
		CLUSTER_RESOURCE_STATE State;
		RUEDA_REASON Reason;
		DWORD dwCode;                     /* Of <winerror.h>; 0: none. */
		WCHAR szNodeName[RUEDA_NAME_CCH]; /* Empty: nowhere. */
	} Changes[RUEDA_HISTORY_MAX];             /* The newest first. */
	WCHAR szHostText[RUEDA_HOST_TEXT_CCH];    /* What the process that runs it said last; may be empty. */
} RUEDA_RESOURCE_HISTORY, *PRUEDA_RESOURCE_HISTORY;

#define RUEDA_RESTORE_FORCE 0x00000001u /* As bForce of RestoreClusterDatabase(). */
#define RUEDA_RESTORE_PLAN 0x00000002u  /* Change nothing, only say what would be done. */

RUEDA_BEGIN_DECLARATIONS

/* Make a cluster of this one node.
 *
 * lpszClusterName  its name.
 * dwFlags          0.
 * pRecovery        the cluster gets a cluster key, which backup sets carry sealed under this; NULL: no cluster key.
 * lpszStory        buffer for the story, or NULL.
 * cchStory         capacity of the buffer in WCHARs.
 *
 * Returns 0; 50 a public key that cannot be used; 87; 123 a bad name; 183 the node is in a cluster already; 206 too long;
 * 1325 a passphrase that is too short or long; 1722 no service answers. */
DWORD RuedaCreateCluster(LPCWSTR lpszClusterName, DWORD dwFlags, const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory,
    DWORD cchStory);

/* Open the sealed cluster key of this machine's cluster, which its node keeps in the clear from then on.
 *
 * pRecovery            the passphrase or the private key.
 * lpszStory, cchStory  as for RuedaCreateCluster().
 *
 * Returns 0; 13 the sealed key is damaged; 86 the wrong passphrase or key; 87; 1168 the cluster has no cluster key; 5932 there
 * is no cluster; 1722 no service answers. */
DWORD RuedaUnsealClusterKey(const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory);

/* Seal the cluster key anew: sets made from now on open with this.  The key stays, so this node must have it open; a cluster
 * without a key gets one.  Sets made before open with what they were sealed under.
 *
 * pRecovery            a passphrase, or PEM text of a public key.
 * lpszStory, cchStory  as for RuedaCreateCluster().
 *
 * Returns 0; 5; 50, 87 the public key cannot be used; 170 somebody else is doing it; 1325 the passphrase is too short or too
 * long; 5932 there is no cluster; 6003 this node does not have the key open; 1722 no service answers. */
DWORD RuedaSetRecoveryKey(const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory);

/* How the service of this machine is.
 *
 * pStatus  receives it.
 *
 * Returns 0, also in no cluster; 87; 1722 no service answers. */
DWORD RuedaGetStatus(PRUEDA_STATUS pStatus);

/* BackupClusterDatabase(), with the details of the set.
 *
 * lpszPathName  the directory, as the service sees it.
 * pResult       receives the details; on failure the story alone, all else is 0.
 *
 * Returns as BackupClusterDatabase(). */
DWORD RuedaBackup(LPCWSTR lpszPathName, PRUEDA_BACKUP_RESULT pResult);

/* RestoreClusterDatabase(), with choices that Windows does not have.  The service is started if it does not run.
 *
 * lpszPathName           the directory of the set, as the service sees it.
 * dwFlags                RUEDA_RESTORE_ flags.
 * lpszQuorumDriveLetter  as for RestoreClusterDatabase(); mostly NULL.
 * lpszAsNode             restore on a machine that stands in for this node of the set; else NULL.
 * lpszAsNew              make another cluster, of this name, of the set; else NULL.
 * pRecovery              opens the set's cluster key for this node; NULL: the node has it already, or it stays sealed.
 * lpszStory, cchStory    as for RuedaCreateCluster().
 *
 * Returns as RestoreClusterDatabase(); also 123 and 206 for a name that no cluster can have, 183 if this machine is a node
 * of the set and not the one that it shall stand in for; and as RuedaUnsealClusterKey() for pRecovery. */
DWORD RuedaRestore(LPCWSTR lpszPathName, DWORD dwFlags, LPCWSTR lpszQuorumDriveLetter, LPCWSTR lpszAsNode,
    LPCWSTR lpszAsNew, const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory);

/* Makes what a backup set has for the checkpoints of one resource that which is saved for them, all or none, and touches
 * nothing else.  The resource must be offline; it is put back when the resource is brought online next.  What was saved
 * before is kept as a backup set, which the story names.
 *
 * lpszPathName         the directory of the set, as the service sees it.
 * lpszResource         the resource, by name or id; in the set it is the one of that id, else of that name.
 * dwFlags              RUEDA_RESTORE_FORCE: also from a set of another cluster; RUEDA_RESTORE_PLAN: only tell.
 * lpszStory, cchStory  as for RuedaCreateCluster().
 *
 * Returns 0; 5007 the cluster or the set has no such resource; 5019 it is not offline; 170 something was saved for it
 * meanwhile; 2 the set has no saved checkpoint of it; 87 the set is of another cluster; 6003, 13 its crypto checkpoints are encrypted with another cluster key, for another
 * cluster or resource; 1816 too many long paths for one change; and for the set as RestoreClusterDatabase(). */
DWORD RuedaRestoreCheckpoints(
    LPCWSTR lpszPathName, LPCWSTR lpszResource, DWORD dwFlags, LPWSTR lpszStory, DWORD cchStory);

/* How far the backup or restore is that runs on this machine, whoever has asked for it.  For another thread than the one
 * that waits for its end, or another program.
 *
 * pProgress  receives it.
 *
 * Returns 0, also if none runs; 5; 87; 1722 no service answers. */
DWORD RuedaGetProgress(PRUEDA_PROGRESS pProgress);

/* What a resource has been through: its last changes of state.
 *
 * hResource  of this machine's cluster; over the network this is not offered (1717).
 * pHistory   receives it; a resource that never ran has no changes.
 *
 * Returns 0; 6; 87; 5007 the resource has been deleted; 1717. */
DWORD RuedaGetResourceHistory(HRESOURCE hResource, PRUEDA_RESOURCE_HISTORY pHistory);

/* May a resource be given private properties?  They are not set.  CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES with a reason.
 *
 * hResource            of this machine's cluster; over the network this is not offered (1717).
 * lpList, cbList       a property list.
 * lpszStory, cchStory  as for RuedaCreateCluster(): which property is wrong, and why.
 *
 * Returns what setting them would: 0; 13, 87 a property is wrong; 6; 5007; 1717. */
DWORD RuedaCheckProperties(HRESOURCE hResource, LPCVOID lpList, DWORD cbList, LPWSTR lpszStory, DWORD cchStory);

#define RUEDA_CHECKPOINT_REGISTRY 0u
#define RUEDA_CHECKPOINT_CRYPTO 1u

/* What is saved for a checkpoint of a resource, proven: a registry checkpoint is a hive, a crypto checkpoint is encrypted.
 *
 * hResource  of a cluster of this machine.
 * dwKind     RUEDA_CHECKPOINT_
 * lpszPath   the checkpoint's name, as CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS and _GET_CRYPTO_CHECKPOINTS list it.
 * ppData     receives the bytes; the caller frees them with LocalFree().
 *
 * Returns 0; 2 no such checkpoint, or its file is missing; 5; 6; 13 its file is damaged; 32 it changes all the time; 87;
 * 5007; 1717 not over the network. */
DWORD RuedaReadCheckpoint(HRESOURCE hResource, DWORD dwKind, LPCWSTR lpszPath, LPBYTE *ppData, ULONGLONG *pcbData);

#define RUEDA_REBUILD_PLAN 1u /* Look, and only tell what would be done. */

typedef enum RUEDA_REBUILD {
	RuedaRebuildWhole = 0, /* It is whole: nothing was done. */
	RuedaRebuildCaptured = 1,
	RuedaRebuildTaken = 2, /* From the set. */
	RuedaRebuildPlanned = 3,
} RUEDA_REBUILD;

/* Make what is saved for a checkpoint whole again, if it is missing or damaged.
 *
 * hResource, dwKind, lpszPath  as above.
 * lpszSet   NULL: it is captured again from what is there now, on the node of this machine, where the resource must be online.
 *           A backup set: it is taken from there, whatever is saved now; it takes effect when the resource is brought
 *           online again, and until then it must be offline, unless the set has the very state that is saved.
 * dwFlags   RUEDA_REBUILD_
 * pOutcome  may be NULL.
 *
 * Returns 0; 2 no such checkpoint; 5; 6; 87; 1168 the set has none; 5004 the resource is not online on this machine; 5007;
 * 5019 it is not offline, and the set has another state; 170 something was saved meanwhile; 6003 the set's key material is
 * encrypted with another cluster key; 5087 the set is damaged; 5893 it is of another cluster; those of capturing; 1717 not over the network. */
DWORD RuedaRebuildCheckpoint(HRESOURCE hResource, DWORD dwKind, LPCWSTR lpszPath, LPCWSTR lpszSet, DWORD dwFlags,
    RUEDA_REBUILD *pOutcome, LPWSTR lpszStory, DWORD cchStory);

/* The root of the registry of this machine's node alone, what is HKEY_LOCAL_MACHINE on Windows: what registry checkpoints
 * are of.  It exists without a cluster.  The ClusterReg functions take the handle and those opened below it; but
 * notifications and batch ports are not there for it (50 and 120).  A restore ends it, as all handles.
 *
 * samDesired  KEY_READ, KEY_ALL_ACCESS, …
 *
 * Returns a handle for ClusterRegCloseKey(), or NULL; the last error: 5 not root and not the service's own user; 1722 no
 * service answers. */
HKEY RuedaGetLocalKey(REGSAM samDesired);

/* The lines of the service's flight recorder, oldest first.
 *
 * ppszTrace  receives the text, terminated, in UTF-8; the caller frees it with LocalFree().
 *
 * Returns 0; 5; 87; 1722 no service answers. */
DWORD RuedaGetTrace(LPSTR *ppszTrace);

/* End the calls that other threads have in flight: with the cluster, and with all handles that were got from it.  They
 * return 1223 (their last error, where they return something else).  The server is told to give them up, but may have carried
 * them out.  Calls that begin later are not concerned, and the handles stay open.
 *
 * hCluster  from OpenCluster(); of this machine or on the network.
 *
 * Returns 0; 6. */
DWORD RuedaCancelCalls(HCLUSTER hCluster);

/* How long a call with the cluster, or with a handle that was got from it, may take before it returns 1460; the server is
 * then told to give it up.  At first it is call_seconds of rueda-client.conf(5) for clusters on the network, else without limit.
 *
 * hCluster        from OpenCluster().
 * dwMilliseconds  0: without limit.
 *
 * Returns 0; 6; 87. */
DWORD RuedaSetCallTimeout(HCLUSTER hCluster, DWORD dwMilliseconds);

/* Ask the service of this machine to stop; it does so after the call.
 *
 * dwFlags  0.
 *
 * Returns 0; 5; 87; 1722 no service answers. */
DWORD RuedaShutdown(DWORD dwFlags);

RUEDA_END_DECLARATIONS

#endif
