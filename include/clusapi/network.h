/* clusapi/network.h: networks and network interfaces.
 *
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_NETWORK_H
#define RUEDA_CLUSAPI_NETWORK_H

#include "types.h"

typedef enum CLUSTER_NETWORK_ENUM {
	CLUSTER_NETWORK_ENUM_NETINTERFACES = 1,
	CLUSTER_NETWORK_ENUM_ALL = 1,
} CLUSTER_NETWORK_ENUM;

RUEDA_BEGIN_DECLARATIONS

/* ---- Networks ---- */

/* Open a network by its name.  NULL and the last error: 5045 no such network. */
HNETWORK OpenClusterNetwork(HCLUSTER hCluster, LPCWSTR lpszNetworkName);

/* Open a network by its name with the access that is asked for; lpdwGrantedAccess receives what was granted. */
HNETWORK OpenClusterNetworkEx(
    HCLUSTER hCluster, LPCWSTR lpszNetworkName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a network's handle. */
BOOL CloseClusterNetwork(HNETWORK hNetwork);

/* A handle for the cluster that the network belongs to, for CloseCluster(). */
HCLUSTER GetClusterFromNetwork(HNETWORK hNetwork);

/* Whether the nodes reach each other over the network. */
CLUSTER_NETWORK_STATE GetClusterNetworkState(HNETWORK hNetwork);

/* The network's id (a GUID without braces) as text. */
DWORD GetClusterNetworkId(HNETWORK hNetwork, LPWSTR lpszNetworkId, LPDWORD lpcchName);

/* Rename a network. */
DWORD SetClusterNetworkName(HNETWORK hNetwork, LPCWSTR lpszName);

/* Set the order in which the nodes use the networks among themselves; all of those networks must be listed. */
DWORD SetClusterNetworkPriorityOrder(HCLUSTER hCluster, DWORD NetworkCount, HNETWORK NetworkList[]);

/* Send a control code (CLUSCTL_NETWORK_…) to a network; parameters as for ClusterControl(). */
DWORD ClusterNetworkControl(HNETWORK hNetwork, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of a network's interfaces (CLUSTER_NETWORK_ENUM bits). */
HNETWORKENUM ClusterNetworkOpenEnum(HNETWORK hNetwork, DWORD dwType);

/* How many entries the list has; 0 on failure. */
DWORD ClusterNetworkGetEnumCount(HNETWORKENUM hNetworkEnum);

/* One entry of the list, as ClusterEnum(). */
DWORD ClusterNetworkEnum(
    HNETWORKENUM hNetworkEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list. */
DWORD ClusterNetworkCloseEnum(HNETWORKENUM hNetworkEnum);

/* ---- Network interfaces ---- */

/* Open a network interface by its name.  NULL and the last error: 5047 no such interface. */
HNETINTERFACE OpenClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpszInterfaceName);

/* Open a network interface by its name with the access that is asked for; lpdwGrantedAccess receives what was
 * granted. */
HNETINTERFACE OpenClusterNetInterfaceEx(
    HCLUSTER hCluster, LPCWSTR lpszInterfaceName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a network interface's handle. */
BOOL CloseClusterNetInterface(HNETINTERFACE hNetInterface);

/* A handle for the cluster that the interface belongs to, for CloseCluster(). */
HCLUSTER GetClusterFromNetInterface(HNETINTERFACE hNetInterface);

/* The name of the interface that joins a node and a network. */
DWORD GetClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName, LPWSTR lpszInterfaceName,
    LPDWORD lpcchInterfaceName);

/* The names of all interfaces that join a node and a network, as a list of texts; the size is in bytes. */
DWORD GetClusterNetInterfaceEx(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName,
    LPWSTR lpmszInterfaceNameList, LPDWORD lpcbInterfaceListBufSize);

/* Whether the interface works and is reached by the others. */
CLUSTER_NETINTERFACE_STATE GetClusterNetInterfaceState(HNETINTERFACE hNetInterface);

/* Send a control code (CLUSCTL_NETINTERFACE_…) to an interface; parameters as for ClusterControl(). */
DWORD ClusterNetInterfaceControl(HNETINTERFACE hNetInterface, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of the interfaces of a node on a network; NULL for either name means any. */
HNETINTERFACEENUM ClusterNetInterfaceOpenEnum(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName);

/* One entry of the list, as ClusterEnum() without the type. */
DWORD ClusterNetInterfaceEnum(HNETINTERFACEENUM hNetInterfaceEnum, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list. */
DWORD ClusterNetInterfaceCloseEnum(HNETINTERFACEENUM hNetInterfaceEnum);

RUEDA_END_DECLARATIONS

#endif
