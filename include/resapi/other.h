/* resapi/other.h: paths, texts, services, worker threads, secrets, health.
 *
 * Included by <resapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RESAPI_OTHER_H
#define RUEDA_RESAPI_OTHER_H

#include "../clusapi.h"

typedef HANDLE RESOURCE_HANDLE;
/* 0 information, 1 warning, 2 error, 3 severe.  The names LOG_… belong to <syslog.h> here. */
typedef int LOG_LEVEL, *PLOG_LEVEL;
typedef void (*PLOG_EVENT_ROUTINE)(RESOURCE_HANDLE ResourceHandle, LOG_LEVEL LogLevel, LPCWSTR FormatString, ...);

typedef struct CLUS_WORKER {
	HANDLE hThread;
	BOOL Terminate;
} CLUS_WORKER, *PCLUS_WORKER;
typedef DWORD (*PWORKER_START_ROUTINE)(PCLUS_WORKER pWorker, LPVOID lpThreadParameter);

typedef struct _HCLUSCRYPTPROVIDER *HCLUSCRYPTPROVIDER;

typedef struct _CLUSTER_HEALTH_FAULT {
	LPWSTR Id;
	DWORD ErrorType;
	DWORD ErrorCode;
	LPWSTR Description;
	LPWSTR Provider;
	DWORD Flags;
	DWORD Reserved;
} CLUSTER_HEALTH_FAULT, *PCLUSTER_HEALTH_FAULT;
typedef struct _CLUSTER_HEALTH_FAULT_ARRAY {
	DWORD numFaults;
	CLUSTER_HEALTH_FAULT *faults;
} CLUSTER_HEALTH_FAULT_ARRAY, *PCLUSTER_HEALTH_FAULT_ARRAY;

/* The tag by which copies of the database are compared. */
typedef struct _PaxosTagCStruct {
	ULONGLONG __padding__PaxosTagVtable;
	ULONGLONG __padding__NextEpochVtable;
	ULONGLONG __padding__NextEpoch_DateTimeVtable;
	ULONGLONG NextEpoch_DateTime_ticks;
	LONG NextEpoch_Value;
	ULONG __padding__BoundryNextEpoch;
	ULONGLONG __padding__EpochVtable;
	ULONGLONG __padding__Epoch_DateTimeVtable;
	ULONGLONG Epoch_DateTime_ticks;
	LONG Epoch_Value;
	ULONG __padding__BoundryEpoch;
	LONG Sequence;
	ULONG __padding__BoundrySequence;
} PaxosTagCStruct, *PPaxosTagCStruct;

RUEDA_BEGIN_DECLARATIONS

/* ---- Paths and texts ---- */

/* Tell whether a path is well formed.  It says nothing about whether anything is there.
 *
 * pszPath  an absolute path: "c:\…", "\\server\share\…", "\\?\…" or "/…"; at most 32,767 WCHARs.
 *
 * Returns TRUE if it is: a beginning of one of these forms, then names that are not empty and hold none of the
 * characters below U+0020 and, except in the POSIX form, none of < > : " | ? *.  FALSE and the last error otherwise:
 * 87 NULL, 161 not well formed. */
BOOL ResUtilIsPathValid(LPCWSTR pszPath);

/* A copy of a text, for LocalFree().
 *
 * pszInString  the text.
 *
 * Returns the copy.  NULL and the last error: 87 pszInString is NULL; 8 no memory. */
PWSTR ResUtilDupString(LPCWSTR pszInString);

/* Create a directory with all directories that are missing on the way. */
DWORD ResUtilCreateDirectoryTree(LPCWSTR pszPath);

/* A copy of a text with the environment variables in it replaced, for LocalFree(). */
LPWSTR ResUtilExpandEnvironmentStrings(LPCWSTR pszSrc);

/* The environment with the computer name replaced by the name that a resource appears under; for
 * ResUtilFreeEnvironment(). */
LPVOID ResUtilGetEnvironmentWithNetName(HRESOURCE hResource);

/* Free such an environment. */
DWORD ResUtilFreeEnvironment(LPVOID lpEnvironment);

/* ---- Services ---- */

/* Start a service, and open it if phServiceHandle is not NULL. */
DWORD ResUtilStartResourceService(LPCWSTR pszServiceName, LPSC_HANDLE phServiceHandle);

/* Check that a service runs. */
DWORD ResUtilVerifyResourceService(LPCWSTR pszServiceName);

/* Stop a service. */
DWORD ResUtilStopResourceService(LPCWSTR pszServiceName);

/* Check that a service, given by its handle, runs. */
DWORD ResUtilVerifyService(SC_HANDLE hServiceHandle);

/* Stop a service, given by its handle. */
DWORD ResUtilStopService(SC_HANDLE hServiceHandle);

/* End the process of a service. */
DWORD ResUtilTerminateServiceProcessFromResDll(DWORD dwServicePid, BOOL bOffline, PDWORD pdwResourceState,
    PLOG_EVENT_ROUTINE pfnLogEvent, RESOURCE_HANDLE hResourceHandle);

/* Give a service the environment of ResUtilGetEnvironmentWithNetName(). */
DWORD ResUtilSetResourceServiceEnvironment(
    LPCWSTR pszServiceName, HRESOURCE hResource, PLOG_EVENT_ROUTINE pfnLogEvent, RESOURCE_HANDLE hResourceHandle);

/* Take that environment back. */
DWORD ResUtilRemoveResourceServiceEnvironment(
    LPCWSTR pszServiceName, PLOG_EVENT_ROUTINE pfnLogEvent, RESOURCE_HANDLE hResourceHandle);

/* Set a service up to be started by the cluster only. */
DWORD ResUtilSetResourceServiceStartParameters(LPCWSTR pszServiceName, SC_HANDLE schSCMHandle, LPSC_HANDLE phService,
    PLOG_EVENT_ROUTINE pfnLogEvent, RESOURCE_HANDLE hResourceHandle);

/* The same, with the access that the service is opened with. */
DWORD ResUtilSetResourceServiceStartParametersEx(LPCWSTR pszServiceName, SC_HANDLE schSCMHandle, LPSC_HANDLE phService,
    DWORD dwDesiredAccess, PLOG_EVENT_ROUTINE pfnLogEvent, RESOURCE_HANDLE hResourceHandle);

/* ---- Worker threads ---- */

/* Start a worker thread. */
DWORD ClusWorkerCreate(PCLUS_WORKER lpWorker, PWORKER_START_ROUTINE lpStartAddress, PVOID lpParameter);

/* Asked by the worker: is it to end? */
BOOL ClusWorkerCheckTerminate(PCLUS_WORKER lpWorker);

/* Tell a worker to end, and wait for it. */
VOID ClusWorkerTerminate(PCLUS_WORKER lpWorker);

/* Tell a worker to end unless WaitOnly is TRUE, and wait for it at most TimeoutInMilliseconds. */
DWORD ClusWorkerTerminateEx(PCLUS_WORKER ClusWorker, DWORD TimeoutInMilliseconds, BOOL WaitOnly);

/* The same for several workers. */
DWORD ClusWorkersTerminate(
    PCLUS_WORKER *ClusWorkers, const SIZE_T ClusWorkersCount, DWORD TimeoutInMilliseconds, BOOL WaitOnly);

/* ---- Secrets of resources ---- */

/* Open what encrypts the secrets of a resource. */
HCLUSCRYPTPROVIDER OpenClusterCryptProvider(LPCWSTR lpszResource, LPCWSTR lpszProvider, DWORD dwType, DWORD dwFlags);

/* The same, with the name of a key. */
HCLUSCRYPTPROVIDER OpenClusterCryptProviderEx(
    LPCWSTR lpszResource, LPCWSTR lpszKeyname, LPCWSTR lpszProvider, DWORD dwType, DWORD dwFlags);

/* Close it. */
DWORD CloseClusterCryptProvider(HCLUSCRYPTPROVIDER hClusCryptProvider);

/* Encrypt data; the result is for FreeClusterCrypt(). */
DWORD ClusterEncrypt(HCLUSCRYPTPROVIDER hClusCryptProvider, PBYTE pData, DWORD cbData, PBYTE *ppData, PDWORD pcbData);

/* Decrypt data; the result is for FreeClusterCrypt(). */
DWORD ClusterDecrypt(HCLUSCRYPTPROVIDER hClusCryptProvider, PBYTE pCryptInput, DWORD cbCryptInput, PBYTE *ppCryptOutput,
    PDWORD pcbCryptOutput);

/* Free what ClusterEncrypt() or ClusterDecrypt() returned. */
DWORD FreeClusterCrypt(PVOID pCryptInfo);

/* ---- Health and maintenance ---- */

/* The faults that are known of a cluster's health. */
DWORD ClusGetClusterHealthFaults(HCLUSTER hCluster, CLUSTER_HEALTH_FAULT_ARRAY *objects, DWORD flags);

/* Add a fault. */
DWORD ClusAddClusterHealthFault(HCLUSTER hCluster, CLUSTER_HEALTH_FAULT *failure, DWORD dwReserved);

/* Remove a fault. */
DWORD ClusRemoveClusterHealthFault(HCLUSTER hCluster, LPCWSTR id, DWORD flags);

/* Make an empty fault. */
DWORD InitializeClusterHealthFault(CLUSTER_HEALTH_FAULT *clusterHealthFault);

/* Make an empty list of faults. */
DWORD InitializeClusterHealthFaultArray(CLUSTER_HEALTH_FAULT_ARRAY *clusterHealthFaultArray);

/* Free what a fault points to. */
DWORD FreeClusterHealthFault(CLUSTER_HEALTH_FAULT *clusterHealthFault);

/* Free what a list of faults points to. */
DWORD FreeClusterHealthFaultArray(CLUSTER_HEALTH_FAULT_ARRAY *clusterHealthFaultArray);

/* Whether the node could be shut down without harm to storage. */
DWORD ResUtilVerifyShutdownSafe(DWORD flags, DWORD reason, PDWORD pResult);

/* Delete a key of the cluster database with everything below it. */
DWORD ResUtilsDeleteKeyTree(HKEY key, LPCWSTR keyName, BOOL treatNoKeyAsError);

/* Tell whether two tags are equal. */
BOOL ResUtilPaxosComparer(const PaxosTagCStruct *left, const PaxosTagCStruct *right);

/* Tell whether one tag is older than another. */
BOOL ResUtilLeftPaxosIsLessThanRight(const PaxosTagCStruct *left, const PaxosTagCStruct *right);

RUEDA_END_DECLARATIONS

#endif
