/* rueda: the functions of <rueda.h>, for what Windows has no call for.
 *
 * How      most are one call of our own interface (idl/rueda.idl), which is offered on the local socket only.
 * Rules    a story comes with the answer whether the call succeeded or not; it is written before the code is returned.
 * Threads  all functions.        Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/rueda.h"
#include "base/sha256.h"
#include "lib/clusapi/object.h"
#include "lib/clusapi/start.h"
#include "wire/rueda.h"
#include <string.h>

/* s into a buffer, cut to fit and terminated. */
static void put_text(const char16_t *s, LPWSTR buffer, size_t capacity)
{
	struct u16 text = u16_from_z(s);
	size_t len;

	if (buffer == NULL || capacity == 0)
		return;
	len = MIN(text.len, capacity - 1);
	if (len > 0)
		memcpy(buffer, text.units, len * sizeof(char16_t));
	buffer[len] = 0;
}

static FILETIME put_time(uint64_t t)
{
	return (FILETIME){ .dwLowDateTime = (DWORD)t, .dwHighDateTime = (DWORD)(t >> 32) };
}

static GUID put_guid(const struct guid *g)
{
	GUID out;

	out.Data1 = get_le32(g->bytes);
	out.Data2 = get_le16(g->bytes + 4);
	out.Data3 = get_le16(g->bytes + 6);
	memcpy(out.Data4, g->bytes + 8, sizeof(out.Data4));
	return out;
}

static int call_rueda(unsigned number, const void *in, void *out, struct arena *arena)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	int r = link_open(&l);

	return r < 0 ? r : link_call(l, LINK_RUEDA, number, in, out, arena);
}

static bool recovery_is_valid(const RUEDA_RECOVERY *r)
{
	return (r->dwKind == RUEDA_RECOVERY_PASSPHRASE || r->dwKind == RUEDA_RECOVERY_PEM) &&
	       (r->lpSecret != NULL || r->cbSecret == 0);
}

DWORD RuedaCreateCluster(
    LPCWSTR lpszClusterName, DWORD dwFlags, const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory)
{
	static const RUEDA_RECOVERY none;
	const RUEDA_RECOVERY *recovery = pRecovery != NULL ? pRecovery : &none;
	struct rueda_CreateCluster_in in = { .name = units(lpszClusterName),
		.flags = dwFlags,
		.recovery = recovery->dwKind,
		.secret = recovery->lpSecret,
		.secret_size = recovery->cbSecret };
	struct rueda_CreateCluster_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = 0;

	if (lpszClusterName == NULL || lpszClusterName[0] == 0 || dwFlags != 0 ||
	    (pRecovery != NULL && !recovery_is_valid(pRecovery)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = call_rueda(RUEDA_CREATE_CLUSTER, &in, &out, &arena);
	put_text(out.story, lpszStory, cchStory);
	return return_code(r);
}

/* Methods whose arguments are a secret, and whose answer is a story. */
static DWORD send_secret(unsigned method, const RUEDA_RECOVERY *recovery, LPWSTR lpszStory, DWORD cchStory)
{
	struct rueda_Unseal_in in = { 0 };
	struct rueda_Unseal_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = ERR_INVALID_PARAMETER;

	static_assert(sizeof(in) == sizeof(struct rueda_Reseal_in) && sizeof(out) == sizeof(struct rueda_Reseal_out),
	    "they are alike");
	if (recovery != NULL && recovery_is_valid(recovery)) {
		in.recovery = recovery->dwKind;
		in.secret = recovery->lpSecret;
		in.secret_size = recovery->cbSecret;
		r = call_rueda(method, &in, &out, &arena);
	}
	put_text(out.story, lpszStory, cchStory);
	return return_code(r);
}

DWORD RuedaUnsealClusterKey(const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory)
{
	return send_secret(RUEDA_UNSEAL, pRecovery, lpszStory, cchStory);
}

DWORD RuedaSetRecoveryKey(const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory)
{
	return send_secret(RUEDA_RESEAL, pRecovery, lpszStory, cchStory);
}

DWORD RuedaGetStatus(PRUEDA_STATUS pStatus)
{
	struct rueda_GetStatus_in in = { 0 };
	struct rueda_GetStatus_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = pStatus == NULL ? ERR_INVALID_PARAMETER : call_rueda(RUEDA_GET_STATUS, &in, &out, &arena);

	if (r < 0)
		return return_code(r);
	memset(pStatus, 0, sizeof(*pStatus));
	pStatus->State = (RUEDA_STATE)out.state;
	put_text(out.cluster_name, pStatus->szClusterName, RUEDA_NAME_CCH);
	put_text(out.node_name, pStatus->szNodeName, RUEDA_NAME_CCH);
	pStatus->InstanceId = put_guid(&out.instance_id);
	pStatus->qwGeneration = out.generation;
	pStatus->GenerationId = put_guid(&out.generation_id);
	pStatus->qwAppliedIndex = out.applied_index;
	pStatus->qwCheckpointIndex = out.checkpoint_index;
	pStatus->Started = put_time(out.started);
	pStatus->dwApiLevel = out.api_level;
	pStatus->cGroups = out.groups;
	pStatus->cResources = out.resources;
	pStatus->cNodes = out.nodes;
	memcpy(pStatus->DatabaseDigest, out.db_digest, sizeof(pStatus->DatabaseDigest));
	put_text(out.last_backup.path, pStatus->LastBackup.szPath, RUEDA_PATH_CCH);
	pStatus->LastBackup.Started = put_time(out.last_backup.started);
	pStatus->LastBackup.Ended = put_time(out.last_backup.ended);
	pStatus->LastBackup.bRunning = out.last_backup.running ? TRUE : FALSE;
	pStatus->LastBackup.dwStatus = out.last_backup.status;
	pStatus->ClusterKey.Seal = (RUEDA_SEAL)out.key_kind;
	memcpy(pStatus->ClusterKey.Id, out.key_id, sizeof(pStatus->ClusterKey.Id));
	pStatus->ClusterKey.bOpen = out.key_open ? TRUE : FALSE;
	return 0;
}

DWORD RuedaBackup(LPCWSTR lpszPathName, PRUEDA_BACKUP_RESULT pResult)
{
	struct rueda_Backup_in in = { .path = units(lpszPathName) };
	struct rueda_Backup_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = 0;

	if (lpszPathName == NULL || lpszPathName[0] == 0 || pResult == NULL)
		return return_code(ERR_INVALID_PARAMETER);
	r = call_rueda(RUEDA_BACKUP, &in, &out, &arena);
	memset(pResult, 0, sizeof(*pResult));
	put_text(out.story, pResult->szStory, RUEDA_STORY_CCH);
	if (r < 0)
		return return_code(r);
	put_text(out.snapshot, pResult->szSnapshot, ARRAY_SIZE(pResult->szSnapshot));
	pResult->cbSet = out.bytes;
	pResult->cKeys = out.keys;
	pResult->cValues = out.values;
	pResult->qwIndex = out.index;
	memcpy(pResult->DatabaseDigest, out.db_digest, sizeof(pResult->DatabaseDigest));
	return 0;
}

DWORD RuedaRestore(LPCWSTR lpszPathName, DWORD dwFlags, LPCWSTR lpszQuorumDriveLetter, LPCWSTR lpszAsNode,
    LPCWSTR lpszAsNew, const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	struct rueda_Restore_in in = { .path = units(lpszPathName),
		.flags = dwFlags,
		.drive = units(lpszQuorumDriveLetter),
		.as_node = units(lpszAsNode),
		.as_new = units(lpszAsNew) };
	struct rueda_Restore_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = 0;

	if (lpszPathName == NULL || lpszPathName[0] == 0 ||
	    (dwFlags & ~(RUEDA_RESTORE_FORCE | RUEDA_RESTORE_PLAN)) != 0 ||
	    (lpszQuorumDriveLetter != NULL && !is_drive(lpszQuorumDriveLetter)) ||
	    (pRecovery != NULL && !recovery_is_valid(pRecovery)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0 && pRecovery != NULL) {
		in.recovery = pRecovery->dwKind;
		in.secret = pRecovery->lpSecret;
		in.secret_size = pRecovery->cbSecret;
	}
	if (r == 0)
		r = start_service_link(&l);
	if (r == 0)
		r = link_call(l, LINK_RUEDA, RUEDA_RESTORE, &in, &out, &arena);
	put_text(out.story, lpszStory, cchStory);
	return return_code(r);
}

DWORD RuedaRestoreCheckpoints(
    LPCWSTR lpszPathName, LPCWSTR lpszResource, DWORD dwFlags, LPWSTR lpszStory, DWORD cchStory)
{
	struct rueda_RestoreCheckpoints_in in = {
		.path = units(lpszPathName), .resource = units(lpszResource), .flags = dwFlags
	};
	struct rueda_RestoreCheckpoints_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = 0;

	if (lpszPathName == NULL || lpszPathName[0] == 0 || lpszResource == NULL || lpszResource[0] == 0 ||
	    (dwFlags & ~(RUEDA_RESTORE_FORCE | RUEDA_RESTORE_PLAN)) != 0)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = call_rueda(RUEDA_RESTORE_CHECKPOINTS, &in, &out, &arena);
	put_text(out.story, lpszStory, cchStory);
	return return_code(r);
}

DWORD RuedaGetProgress(PRUEDA_PROGRESS pProgress)
{
	struct rueda_GetProgress_in in = { 0 };
	struct rueda_GetProgress_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = pProgress == NULL ? ERR_INVALID_PARAMETER : call_rueda(RUEDA_GET_PROGRESS, &in, &out, &arena);

	if (r == 0)
		*pProgress = (RUEDA_PROGRESS){ (RUEDA_PHASE)out.phase, out.bytes, out.total };
	return return_code(r);
}

DWORD RuedaGetResourceHistory(HRESOURCE hResource, PRUEDA_RESOURCE_HISTORY pHistory)
{
	_cleanup_named_ struct named *n = NULL;
	struct rueda_GetResourceHistory_in in;
	struct rueda_GetResourceHistory_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = pHistory == NULL ? ERR_INVALID_PARAMETER : named_get(hResource, OBJECT_RESOURCE, &n);

	if (r == 0) {
		in.resource = n->id;
		r = link_call(n->remote.link, LINK_RUEDA, RUEDA_GET_RESOURCE_HISTORY, &in, &out, &arena);
	}
	if (r < 0)
		return return_code(r);
	memset(pHistory, 0, sizeof(*pHistory));
	for (uint32_t i = 0; out.changes != NULL && i < out.count && i < RUEDA_HISTORY_MAX; i++) {
		pHistory->Changes[i].Time = put_time(out.changes[i].time);
		pHistory->Changes[i].State = (CLUSTER_RESOURCE_STATE)out.changes[i].state;
		pHistory->Changes[i].Reason = (RUEDA_REASON)out.changes[i].reason;
		pHistory->Changes[i].dwCode = out.changes[i].code;
		put_text(out.changes[i].node, pHistory->Changes[i].szNodeName, RUEDA_NAME_CCH);
		pHistory->cChanges = i + 1;
	}
	put_text(out.text, pHistory->szHostText, RUEDA_HOST_TEXT_CCH);
	return 0;
}

DWORD RuedaCheckProperties(HRESOURCE hResource, LPCVOID lpList, DWORD cbList, LPWSTR lpszStory, DWORD cchStory)
{
	_cleanup_named_ struct named *n = NULL;
	struct rueda_CheckProperties_in in = { .list = lpList, .list_size = cbList };
	struct rueda_CheckProperties_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = lpList == NULL ? ERR_INVALID_PARAMETER : named_get(hResource, OBJECT_RESOURCE, &n);

	if (r == 0) {
		in.resource = n->id;
		r = link_call(n->remote.link, LINK_RUEDA, RUEDA_CHECK_PROPERTIES, &in, &out, &arena);
	}
	put_text(out.story, lpszStory, cchStory);
	return return_code(r);
}

enum { PIECE_BYTES = 1 << 20, TRIES = 3 };

/* All pieces of what was the checkpoint's content when the first was read.  ERR_SHARING_VIOLATION: it has changed in between. */
static int read_pieces(const struct named *n, struct rueda_ReadCheckpoint_in *in, BYTE **ret, uint64_t *ret_total)
{
	struct digest digest, found;
	uint64_t total = 0;
	BYTE *data = NULL;
	int r;

	in->offset = 0;
	do {
		struct rueda_ReadCheckpoint_out out = { 0 };
		_cleanup_arena_ struct arena arena = { 0 };

		r = link_call(n->remote.link, LINK_RUEDA, RUEDA_READ_CHECKPOINT, in, &out, &arena);
		if (r < 0)
			break;
		if (data == NULL) {
			total = out.total;
			memcpy(digest.bytes, out.sha256, SHA256_LEN);
			data = LocalAlloc(LPTR, (SIZE_T)total + 1);
			r = data == NULL ? -ENOMEM : 0;
		} else if (out.total != total || memcmp(out.sha256, digest.bytes, SHA256_LEN) != 0) {
			r = ERR_SHARING_VIOLATION;
		}
		/* A file that is shorter or longer than it was is damaged. */
		if (r == 0 && in->offset < total && (out.data_size == 0 || out.data_size > total - in->offset))
			r = ERR_INVALID_DATA;
		if (r == 0 && out.data_size > 0)
			memcpy(data + in->offset, out.data, out.data_size);
		in->offset += out.data_size;
	} while (r == 0 && in->offset < total);
	if (r == 0) {
		found = sha256_of(data, (size_t)total);
		r = digest_equal(&found, &digest) ? 0 : ERR_INVALID_DATA;
	}
	if (r < 0) {
		(void)LocalFree(data);
		return r;
	}
	*ret = data;
	*ret_total = total;
	return 0;
}

DWORD RuedaReadCheckpoint(HRESOURCE hResource, DWORD dwKind, LPCWSTR lpszPath, LPBYTE *ppData, ULONGLONG *pcbData)
{
	_cleanup_named_ struct named *n = NULL;
	struct rueda_ReadCheckpoint_in in = { .kind = dwKind, .path = units(lpszPath), .size = PIECE_BYTES };
	int r = dwKind > RUEDA_CHECKPOINT_CRYPTO || lpszPath == NULL || ppData == NULL || pcbData == NULL
		    ? ERR_INVALID_PARAMETER
		    : named_get(hResource, OBJECT_RESOURCE, &n);

	if (r < 0)
		return return_code(r);
	in.resource = n->id;
	r = ERR_SHARING_VIOLATION;
	for (int i = 0; r == ERR_SHARING_VIOLATION && i < TRIES; i++) {
		uint64_t total;

		r = read_pieces(n, &in, ppData, &total);
		if (r == 0)
			*pcbData = total;
	}
	return return_code(r);
}

DWORD RuedaRebuildCheckpoint(HRESOURCE hResource, DWORD dwKind, LPCWSTR lpszPath, LPCWSTR lpszSet, DWORD dwFlags,
    RUEDA_REBUILD *pOutcome, LPWSTR lpszStory, DWORD cchStory)
{
	_cleanup_named_ struct named *n = NULL;
	struct rueda_RebuildCheckpoint_in in = {
		.kind = dwKind, .path = units(lpszPath), .set = units(lpszSet), .flags = dwFlags
	};
	struct rueda_RebuildCheckpoint_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = dwKind > RUEDA_CHECKPOINT_CRYPTO || lpszPath == NULL || (lpszSet != NULL && lpszSet[0] == 0) ||
			(dwFlags & ~RUEDA_REBUILD_PLAN) != 0
		    ? ERR_INVALID_PARAMETER
		    : named_get(hResource, OBJECT_RESOURCE, &n);

	if (r == 0) {
		in.resource = n->id;
		r = link_call(n->remote.link, LINK_RUEDA, RUEDA_REBUILD_CHECKPOINT, &in, &out, &arena);
	}
	put_text(out.story, lpszStory, cchStory);
	if (r == 0 && pOutcome != NULL)
		*pOutcome = (RUEDA_REBUILD)out.outcome;
	return return_code(r);
}

DWORD RuedaGetTrace(LPSTR *ppszTrace)
{
	struct rueda_GetTrace_in in = { 0 };
	struct rueda_GetTrace_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };
	int r = ppszTrace == NULL ? ERR_INVALID_PARAMETER : call_rueda(RUEDA_GET_TRACE, &in, &out, &arena);
	char *text;

	if (r < 0)
		return return_code(r);
	text = LocalAlloc(LPTR, (SIZE_T)out.trace_size + 1);
	if (text == NULL)
		return return_code(-ENOMEM);
	if (out.trace_size > 0)
		memcpy(text, out.trace, out.trace_size);
	*ppszTrace = text;
	return 0;
}

DWORD RuedaCancelCalls(HCLUSTER hCluster)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	int r = cluster_get(hCluster, &c);

	return return_code(r < 0 ? r : link_cancel(c->remote.link));
}

DWORD RuedaSetCallTimeout(HCLUSTER hCluster, DWORD dwMilliseconds)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	int r = cluster_get(hCluster, &c);

	if (r == 0 && dwMilliseconds > INT32_MAX)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		link_set_timeout(c->remote.link, (int)dwMilliseconds);
	return return_code(r);
}

DWORD RuedaShutdown(DWORD dwFlags)
{
	struct rueda_Shutdown_in in = { .flags = dwFlags };
	struct rueda_Shutdown_out out = { 0 };
	_cleanup_arena_ struct arena arena = { 0 };

	return return_code(dwFlags != 0 ? ERR_INVALID_PARAMETER : call_rueda(RUEDA_SHUTDOWN, &in, &out, &arena));
}
