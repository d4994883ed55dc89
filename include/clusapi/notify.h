/* clusapi/notify.h: events: ports that tell a program what changes in the cluster.
 *
 * A port collects the events that its filters let through; GetClusterNotify() takes them one at a time, in their
 * order. After a reconnection (CLUSTER_CHANGE_CLUSTER_RECONNECT) events may have been lost: close and open
 * everything again.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_NOTIFY_H
#define RUEDA_CLUSAPI_NOTIFY_H

#include "types.h"

/* Filter bits and event types of CreateClusterNotifyPort(). */
#define CLUSTER_CHANGE_NODE_STATE 0x00000001u
#define CLUSTER_CHANGE_NODE_DELETED 0x00000002u
#define CLUSTER_CHANGE_NODE_ADDED 0x00000004u
#define CLUSTER_CHANGE_NODE_PROPERTY 0x00000008u
#define CLUSTER_CHANGE_REGISTRY_NAME 0x00000010u
#define CLUSTER_CHANGE_REGISTRY_ATTRIBUTES 0x00000020u
#define CLUSTER_CHANGE_REGISTRY_VALUE 0x00000040u
#define CLUSTER_CHANGE_REGISTRY_SUBTREE 0x00000080u /* Widens the three before; never delivered itself. */
#define CLUSTER_CHANGE_RESOURCE_STATE 0x00000100u
#define CLUSTER_CHANGE_RESOURCE_DELETED 0x00000200u
#define CLUSTER_CHANGE_RESOURCE_ADDED 0x00000400u
#define CLUSTER_CHANGE_RESOURCE_PROPERTY 0x00000800u /* Dependencies and possible owners as well. */
#define CLUSTER_CHANGE_GROUP_STATE 0x00001000u
#define CLUSTER_CHANGE_GROUP_DELETED 0x00002000u
#define CLUSTER_CHANGE_GROUP_ADDED 0x00004000u
#define CLUSTER_CHANGE_GROUP_PROPERTY 0x00008000u /* Resources that come and go as well. */
#define CLUSTER_CHANGE_RESOURCE_TYPE_DELETED 0x00010000u
#define CLUSTER_CHANGE_RESOURCE_TYPE_ADDED 0x00020000u
#define CLUSTER_CHANGE_RESOURCE_TYPE_PROPERTY 0x00040000u
#define CLUSTER_CHANGE_CLUSTER_RECONNECT 0x00080000u
#define CLUSTER_CHANGE_NETWORK_STATE 0x00100000u
#define CLUSTER_CHANGE_NETWORK_DELETED 0x00200000u
#define CLUSTER_CHANGE_NETWORK_ADDED 0x00400000u
#define CLUSTER_CHANGE_NETWORK_PROPERTY 0x00800000u
#define CLUSTER_CHANGE_NETINTERFACE_STATE 0x01000000u
#define CLUSTER_CHANGE_NETINTERFACE_DELETED 0x02000000u
#define CLUSTER_CHANGE_NETINTERFACE_ADDED 0x04000000u
#define CLUSTER_CHANGE_NETINTERFACE_PROPERTY 0x08000000u
#define CLUSTER_CHANGE_QUORUM_STATE 0x10000000u
#define CLUSTER_CHANGE_CLUSTER_STATE 0x20000000u /* The cluster cannot be reached. */
#define CLUSTER_CHANGE_CLUSTER_PROPERTY 0x40000000u
#define CLUSTER_CHANGE_HANDLE_CLOSE 0x80000000u
#define CLUSTER_CHANGE_ALL 0xFFFFFFFFu

/* Filters of CreateClusterNotifyPortV2(): a kind of object, and the bits of that kind. */
typedef enum CLUSTER_OBJECT_TYPE {
	CLUSTER_OBJECT_TYPE_NONE = 0,
	CLUSTER_OBJECT_TYPE_CLUSTER = 1,
	CLUSTER_OBJECT_TYPE_GROUP = 2,
	CLUSTER_OBJECT_TYPE_RESOURCE = 3,
	CLUSTER_OBJECT_TYPE_RESOURCE_TYPE = 4,
	CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE = 5,
	CLUSTER_OBJECT_TYPE_NETWORK = 6,
	CLUSTER_OBJECT_TYPE_NODE = 7,
	CLUSTER_OBJECT_TYPE_REGISTRY = 8,
	CLUSTER_OBJECT_TYPE_QUORUM = 9,
	CLUSTER_OBJECT_TYPE_SHARED_VOLUME = 10,
	CLUSTER_OBJECT_TYPE_GROUPSET = 13,
	CLUSTER_OBJECT_TYPE_AFFINITYRULE = 16,
	CLUSTER_OBJECT_TYPE_FAULTDOMAIN = 17,
} CLUSTER_OBJECT_TYPE;

typedef struct _NOTIFY_FILTER_AND_TYPE {
	DWORD dwObjectType; /* CLUSTER_OBJECT_TYPE. */
	LONGLONG FilterFlags;
} NOTIFY_FILTER_AND_TYPE, *PNOTIFY_FILTER_AND_TYPE;

typedef enum CLUSTER_CHANGE_CLUSTER_V2 {
	CLUSTER_CHANGE_CLUSTER_RECONNECT_V2 = 0x00000001,
	CLUSTER_CHANGE_CLUSTER_STATE_V2 = 0x00000002,
	CLUSTER_CHANGE_CLUSTER_GROUP_ADDED_V2 = 0x00000004,
	CLUSTER_CHANGE_CLUSTER_HANDLE_CLOSE_V2 = 0x00000008,
	CLUSTER_CHANGE_CLUSTER_NETWORK_ADDED_V2 = 0x00000010,
	CLUSTER_CHANGE_CLUSTER_NODE_ADDED_V2 = 0x00000020,
	CLUSTER_CHANGE_CLUSTER_RESOURCE_TYPE_ADDED_V2 = 0x00000040,
	CLUSTER_CHANGE_CLUSTER_COMMON_PROPERTY_V2 = 0x00000080,
	CLUSTER_CHANGE_CLUSTER_PRIVATE_PROPERTY_V2 = 0x00000100,
	CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2 = 0x00000200,
	CLUSTER_CHANGE_CLUSTER_RENAME_V2 = 0x00000400,
	CLUSTER_CHANGE_CLUSTER_MEMBERSHIP_V2 = 0x00000800,
	CLUSTER_CHANGE_CLUSTER_UPGRADED_V2 = 0x00001000,
	CLUSTER_CHANGE_CLUSTER_ALL_V2 = 0x00001FFF,
} CLUSTER_CHANGE_CLUSTER_V2;

typedef enum CLUSTER_CHANGE_GROUP_V2 {
	CLUSTER_CHANGE_GROUP_DELETED_V2 = 0x00000001,
	CLUSTER_CHANGE_GROUP_COMMON_PROPERTY_V2 = 0x00000002,
	CLUSTER_CHANGE_GROUP_PRIVATE_PROPERTY_V2 = 0x00000004,
	CLUSTER_CHANGE_GROUP_STATE_V2 = 0x00000008,
	CLUSTER_CHANGE_GROUP_OWNER_NODE_V2 = 0x00000010,
	CLUSTER_CHANGE_GROUP_PREFERRED_OWNERS_V2 = 0x00000020,
	CLUSTER_CHANGE_GROUP_RESOURCE_ADDED_V2 = 0x00000040,
	CLUSTER_CHANGE_GROUP_RESOURCE_GAINED_V2 = 0x00000080,
	CLUSTER_CHANGE_GROUP_RESOURCE_LOST_V2 = 0x00000100,
	CLUSTER_CHANGE_GROUP_HANDLE_CLOSE_V2 = 0x00000200,
	CLUSTER_CHANGE_GROUP_ALL_V2 = 0x000003FF,
} CLUSTER_CHANGE_GROUP_V2;

typedef enum CLUSTER_CHANGE_GROUPSET_V2 {
	CLUSTER_CHANGE_GROUPSET_DELETED_v2 = 0x00000001,
	CLUSTER_CHANGE_GROUPSET_COMMON_PROPERTY_V2 = 0x00000002,
	CLUSTER_CHANGE_GROUPSET_PRIVATE_PROPERTY_V2 = 0x00000004,
	CLUSTER_CHANGE_GROUPSET_STATE_V2 = 0x00000008,
	CLUSTER_CHANGE_GROUPSET_GROUP_ADDED = 0x00000010,
	CLUSTER_CHANGE_GROUPSET_GROUP_REMOVED = 0x00000020,
	CLUSTER_CHANGE_GROUPSET_DEPENDENCIES_V2 = 0x00000040,
	CLUSTER_CHANGE_GROUPSET_DEPENDENTS_V2 = 0x00000080,
	CLUSTER_CHANGE_GROUPSET_HANDLE_CLOSE_v2 = 0x00000100,
	CLUSTER_CHANGE_GROUPSET_ALL_V2 = 0x000001FF,
} CLUSTER_CHANGE_GROUPSET_V2;

typedef enum CLUSTER_CHANGE_RESOURCE_V2 {
	CLUSTER_CHANGE_RESOURCE_COMMON_PROPERTY_V2 = 0x00000001,
	CLUSTER_CHANGE_RESOURCE_PRIVATE_PROPERTY_V2 = 0x00000002,
	CLUSTER_CHANGE_RESOURCE_STATE_V2 = 0x00000004,
	CLUSTER_CHANGE_RESOURCE_OWNER_GROUP_V2 = 0x00000008,
	CLUSTER_CHANGE_RESOURCE_DEPENDENCIES_V2 = 0x00000010,
	CLUSTER_CHANGE_RESOURCE_DEPENDENTS_V2 = 0x00000020,
	CLUSTER_CHANGE_RESOURCE_POSSIBLE_OWNERS_V2 = 0x00000040,
	CLUSTER_CHANGE_RESOURCE_DELETED_V2 = 0x00000080,
	CLUSTER_CHANGE_RESOURCE_DLL_UPGRADED_V2 = 0x00000100,
	CLUSTER_CHANGE_RESOURCE_HANDLE_CLOSE_V2 = 0x00000200,
	CLUSTER_CHANGE_RESOURCE_TERMINAL_STATE_V2 = 0x00000400,
	CLUSTER_CHANGE_RESOURCE_ALL_V2 = 0x000007FF,
} CLUSTER_CHANGE_RESOURCE_V2;

typedef enum CLUSTER_CHANGE_RESOURCE_TYPE_V2 {
	CLUSTER_CHANGE_RESOURCE_TYPE_DELETED_V2 = 0x00000001,
	CLUSTER_CHANGE_RESOURCE_TYPE_COMMON_PROPERTY_V2 = 0x00000002,
	CLUSTER_CHANGE_RESOURCE_TYPE_PRIVATE_PROPERTY_V2 = 0x00000004,
	CLUSTER_CHANGE_RESOURCE_TYPE_POSSIBLE_OWNERS_V2 = 0x00000008,
	CLUSTER_CHANGE_RESOURCE_TYPE_DLL_UPGRADED_V2 = 0x00000010,
	CLUSTER_RESOURCE_TYPE_SPECIFIC_V2 = 0x00000020,
	CLUSTER_CHANGE_RESOURCE_TYPE_ALL_V2 = 0x0000003F,
} CLUSTER_CHANGE_RESOURCE_TYPE_V2;

typedef enum CLUSTER_CHANGE_NETINTERFACE_V2 {
	CLUSTER_CHANGE_NETINTERFACE_DELETED_V2 = 0x00000001,
	CLUSTER_CHANGE_NETINTERFACE_COMMON_PROPERTY_V2 = 0x00000002,
	CLUSTER_CHANGE_NETINTERFACE_PRIVATE_PROPERTY_V2 = 0x00000004,
	CLUSTER_CHANGE_NETINTERFACE_STATE_V2 = 0x00000008,
	CLUSTER_CHANGE_NETINTERFACE_HANDLE_CLOSE_V2 = 0x00000010,
	CLUSTER_CHANGE_NETINTERFACE_ALL_V2 = 0x0000001F,
} CLUSTER_CHANGE_NETINTERFACE_V2;

typedef enum CLUSTER_CHANGE_NETWORK_V2 {
	CLUSTER_CHANGE_NETWORK_DELETED_V2 = 0x00000001,
	CLUSTER_CHANGE_NETWORK_COMMON_PROPERTY_V2 = 0x00000002,
	CLUSTER_CHANGE_NETWORK_PRIVATE_PROPERTY_V2 = 0x00000004,
	CLUSTER_CHANGE_NETWORK_STATE_V2 = 0x00000008,
	CLUSTER_CHANGE_NETWORK_HANDLE_CLOSE_V2 = 0x00000010,
	CLUSTER_CHANGE_NETWORK_ALL_V2 = 0x0000001F,
} CLUSTER_CHANGE_NETWORK_V2;

typedef enum CLUSTER_CHANGE_NODE_V2 {
	CLUSTER_CHANGE_NODE_NETINTERFACE_ADDED_V2 = 0x00000001,
	CLUSTER_CHANGE_NODE_DELETED_V2 = 0x00000002,
	CLUSTER_CHANGE_NODE_COMMON_PROPERTY_V2 = 0x00000004,
	CLUSTER_CHANGE_NODE_PRIVATE_PROPERTY_V2 = 0x00000008,
	CLUSTER_CHANGE_NODE_STATE_V2 = 0x00000010,
	CLUSTER_CHANGE_NODE_GROUP_GAINED_V2 = 0x00000020,
	CLUSTER_CHANGE_NODE_GROUP_LOST_V2 = 0x00000040,
	CLUSTER_CHANGE_NODE_HANDLE_CLOSE_V2 = 0x00000080,
	CLUSTER_CHANGE_NODE_ALL_V2 = 0x000000FF,
} CLUSTER_CHANGE_NODE_V2;

typedef enum CLUSTER_CHANGE_REGISTRY_V2 {
	CLUSTER_CHANGE_REGISTRY_ATTRIBUTES_V2 = 0x00000001,
	CLUSTER_CHANGE_REGISTRY_NAME_V2 = 0x00000002,
	CLUSTER_CHANGE_REGISTRY_SUBTREE_V2 = 0x00000004,
	CLUSTER_CHANGE_REGISTRY_VALUE_V2 = 0x00000008,
	CLUSTER_CHANGE_REGISTRY_HANDLE_CLOSE_V2 = 0x00000010,
	CLUSTER_CHANGE_REGISTRY_ALL_V2 = 0x0000001F,
} CLUSTER_CHANGE_REGISTRY_V2;

typedef enum CLUSTER_CHANGE_QUORUM_V2 {
	CLUSTER_CHANGE_QUORUM_STATE_V2 = 0x00000001,
	CLUSTER_CHANGE_QUORUM_ALL_V2 = 0x00000001,
} CLUSTER_CHANGE_QUORUM_V2;

typedef enum CLUSTER_CHANGE_SHARED_VOLUME_V2 {
	CLUSTER_CHANGE_SHARED_VOLUME_STATE_V2 = 0x00000001,
	CLUSTER_CHANGE_SHARED_VOLUME_ADDED_V2 = 0x00000002,
	CLUSTER_CHANGE_SHARED_VOLUME_REMOVED_V2 = 0x00000004,
	CLUSTER_CHANGE_SHARED_VOLUME_ALL_V2 = 0x00000007,
} CLUSTER_CHANGE_SHARED_VOLUME_V2;

typedef struct CLUSTER_MEMBERSHIP_INFO {
	BOOL HasQuorum;
	DWORD UpnodesSize;
	BYTE Upnodes[1]; /* UpnodesSize bytes: the numbers of the nodes that are up. */
} CLUSTER_MEMBERSHIP_INFO, *PCLUSTER_MEMBERSHIP_INFO;

RUEDA_BEGIN_DECLARATIONS

/* ---- Filters of bits ---- */

/* Open a port, or add a filter to one.
 *
 * hChange      the port; INVALID_HANDLE_VALUE opens a new one, for CloseClusterNotifyPort().
 * hCluster     whose events; INVALID_HANDLE_VALUE (for a new port only) adds no filter.
 * dwFilter     CLUSTER_CHANGE_… bits, for all objects.  Those of the registry have no effect here: see
 *              RegisterClusterNotify().
 * dwNotifyKey  comes back with each event that this filter lets through.
 *
 * Returns the port; NULL and the last error: 6; 87 no cluster for an existing port, or a port of the other kind; 4
 * too many ports.
 *
 * Limits    32 ports of both kinds and batch ports together wait through one cluster handle and those got from it. */
HCHANGE CreateClusterNotifyPort(HCHANGE hChange, HCLUSTER hCluster, DWORD dwFilter, DWORD_PTR dwNotifyKey);

/* Add a filter for one object to a port.
 *
 * hChange       the port.
 * dwFilterType  bits that fit the handle, with CLUSTER_CHANGE_HANDLE_CLOSE or alone.
 * hObject       an HNODE, HGROUP, HRESOURCE, HNETWORK or HNETINTERFACE; an HKEY for the bits of the registry, which
 *               CLUSTER_CHANGE_REGISTRY_SUBTREE widens to all below the key; an HCLUSTER for all objects.
 *               The filter stays in force when the handle is closed.
 * dwNotifyKey   comes back with each event.
 *
 * Returns 0; 6; 87 the bits do not fit the handle. */
DWORD RegisterClusterNotify(HCHANGE hChange, DWORD dwFilterType, HANDLE hObject, DWORD_PTR dwNotifyKey);

/* Take the next event.
 *
 * hChange         the port.
 * lpdwNotifyKey   receives the key of the filter; may be NULL.
 * lpdwFilterType  receives the event, one bit; may be NULL.
 * lpszName        receives the name of the object, or of the key relative to that of the filter; may be NULL.
 * lpcchName       capacity of lpszName in WCHARs; receives the length without the terminator.
 * dwMilliseconds  how long to wait; 0 asks, INFINITE waits without limit.
 *
 * Returns 0; 6, also when the cluster was restored and no events can come any more; 87 a port of the other kind;
 * 234 the name does not fit: the event stays the next one; 258 nothing came in time; 259 the port was closed
 * meanwhile.
 *
 * Events    CLUSTER_CHANGE_CLUSTER_STATE: the service cannot be reached; it is looked for until the port is closed.
 *           CLUSTER_CHANGE_CLUSTER_RECONNECT: it was found again, with all filters in force, or events were dropped since
 *           nobody took them; in between some were lost.  For nodes, groups and resources of RegisterClusterNotify() an
 *           event of their state follows if it is another one.
 * Threads   any number; each event is taken by one. */
DWORD GetClusterNotify(HCHANGE hChange, DWORD_PTR *lpdwNotifyKey, LPDWORD lpdwFilterType, LPWSTR lpszName,
    LPDWORD lpcchName, DWORD dwMilliseconds);

/* Close a port of either kind.  Threads that wait on it return with 259; events that were not taken are dropped.
 * Returns TRUE; FALSE and the last error 6. */
BOOL CloseClusterNotifyPort(HCHANGE hChange);

/* ---- Filters by kind of object ---- */

/* Open a port with filters by kind of object, or add such filters to one.
 *
 * hChange        the port; INVALID_HANDLE_VALUE opens a new one, for CloseClusterNotifyPort().
 * hCluster       whose events; INVALID_HANDLE_VALUE (for a new port only) adds no filter.
 * Filters        what to tell, for all objects of each kind; of the registry, from its root.
 * dwFilterCount  how many.
 * dwNotifyKey    comes back with each event.
 *
 * Returns the port; NULL and the last error: 6; 87 an unknown kind or bit, no filter; 4 too many ports. */
HCHANGE CreateClusterNotifyPortV2(
    HCHANGE hChange, HCLUSTER hCluster, NOTIFY_FILTER_AND_TYPE *Filters, DWORD dwFilterCount, DWORD_PTR dwNotifyKey);

/* Add a filter for one object to a port.
 *
 * hChange      the port.
 * Filter       kind and bits.
 * hObject      a handle of that kind; an HCLUSTER for kinds whose objects have none.
 * dwNotifyKey  comes back with each event.
 *
 * Returns 0; 6; 87 an unknown kind or bit. */
DWORD RegisterClusterNotifyV2(HCHANGE hChange, NOTIFY_FILTER_AND_TYPE Filter, HANDLE hObject, DWORD_PTR dwNotifyKey);

/* Add a filter for one resource type to a port.
 *
 * hChange, dwNotifyKey  as above.
 * hCluster              the cluster.
 * Flags                 CLUSTER_CHANGE_RESOURCE_TYPE_…_V2 bits.
 * resTypeName           name of the type.
 *
 * Returns 0; 6; 87 unknown bits, no name; 5078 there is no such type. */
DWORD RegisterClusterResourceTypeNotifyV2(
    HCHANGE hChange, HCLUSTER hCluster, LONGLONG Flags, LPCWSTR resTypeName, DWORD_PTR dwNotifyKey);

/* Something to wait on until a port of either kind has events.
 *
 * hChange         the port.
 * lphTargetEvent  receives a file descriptor as a HANDLE: (int)(intptr_t)*lphTargetEvent is readable, for poll(), while
 *                 events wait or after the port was closed.  It belongs to the port: do not read or close it.
 *
 * Returns 0; 6; 87.  Departs from Windows, where it is an event for WaitForSingleObject(). */
DWORD GetNotifyEventHandle(HCHANGE hChange, LPHANDLE lphTargetEvent);

/* Take the next event with its data and the ids and names of its object.
 *
 * hChange                       the port.
 * lpdwNotifyKey                 receives the key of the filter.
 * pFilterAndType                receives the kind of the object and the event, one bit.
 * buffer, lpbBufferSize         receive the data of the event; the size is in bytes.
 * lpszObjectId, lpcchObjectId   receive the id of the object; the counts are in WCHARs, in with and out without the
 *                               terminator.
 * lpszParentId, lpcchParentId   that of what the object is in: a group's node, a resource's group; of the registry the
 *                               name of the value.
 * lpszName, lpcchName           its name; of the registry the key, relative to that of the filter.
 * lpszType, lpcchType           of a resource the name of its type.
 * dwMilliseconds                how long to wait; 0 asks, INFINITE waits without limit.
 *
 * Any output may be NULL.  Returns as GetClusterNotify(); with 234 all sizes are told. */
DWORD GetClusterNotifyV2(HCHANGE hChange, DWORD_PTR *lpdwNotifyKey, PNOTIFY_FILTER_AND_TYPE pFilterAndType,
    BYTE *buffer, LPDWORD lpbBufferSize, LPWSTR lpszObjectId, LPDWORD lpcchObjectId, LPWSTR lpszParentId,
    LPDWORD lpcchParentId, LPWSTR lpszName, LPDWORD lpcchName, LPWSTR lpszType, LPDWORD lpcchType,
    DWORD dwMilliseconds);

RUEDA_END_DECLARATIONS

#endif
