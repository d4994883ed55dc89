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

/* Open a network with full access.
 *
 * lpszNetworkName  its name or id.
 *
 * Returns a handle for CloseClusterNetwork().  NULL and the last error: 5045 no such network; 5 the caller may only
 * read and uses OpenClusterNetworkEx(). */
HNETWORK OpenClusterNetwork(HCLUSTER hCluster, LPCWSTR lpszNetworkName);

/* Open a network with the access that is asked for.
 *
 * dwDesiredAccess    GENERIC_READ, GENERIC_ALL or MAXIMUM_ALLOWED.  0 is an error (87).
 * lpdwGrantedAccess  receives what was granted; may be NULL.
 *
 * Returns as OpenClusterNetwork(). */
HNETWORK OpenClusterNetworkEx(
    HCLUSTER hCluster, LPCWSTR lpszNetworkName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a network's handle.  Returns TRUE.  FALSE and the last error: 6. */
BOOL CloseClusterNetwork(HNETWORK hNetwork);

/* A handle for the cluster that the network belongs to, on the same connection, for CloseCluster().  NULL and the last
 * error: 6. */
HCLUSTER GetClusterFromNetwork(HNETWORK hNetwork);

/* Whether the nodes reach each other over the network.  ClusterNetworkStateUnknown and the last error: 5045 the network
 * has been deleted. */
CLUSTER_NETWORK_STATE GetClusterNetworkState(HNETWORK hNetwork);

/* The network's id, a GUID without braces.
 *
 * lpszNetworkId  buffer for the text; NULL asks for its size.
 * lpcchName      in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns 0; 234 the buffer is too small; 5045. */
DWORD GetClusterNetworkId(HNETWORK hNetwork, LPWSTR lpszNetworkId, LPDWORD lpcchName);

/* Rename a network.  Returns 0; 123 empty; 183, 5010, 5044 taken; 206 too long; 5045. */
DWORD SetClusterNetworkName(HNETWORK hNetwork, LPCWSTR lpszName);

/* Set the order in which the nodes use the networks among themselves; all of those networks must be listed. */
DWORD SetClusterNetworkPriorityOrder(HCLUSTER hCluster, DWORD NetworkCount, HNETWORK NetworkList[]);

/* Send a control code (CLUSCTL_NETWORK_…) to a network; parameters as for ClusterControl(). */
DWORD ClusterNetworkControl(HNETWORK hNetwork, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of a network's interfaces, as they are now.
 *
 * dwType  CLUSTER_NETWORK_ENUM_NETINTERFACES.
 *
 * Returns a handle for ClusterNetworkCloseEnum().  NULL and the last error: 87 no bit; 5045. */
HNETWORKENUM ClusterNetworkOpenEnum(HNETWORK hNetwork, DWORD dwType);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterNetworkGetEnumCount(HNETWORKENUM hNetworkEnum);

/* One entry of the list; parameters and errors as for ClusterEnum(), lpdwType receives
 * CLUSTER_NETWORK_ENUM_NETINTERFACES. */
DWORD ClusterNetworkEnum(
    HNETWORKENUM hNetworkEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterNetworkCloseEnum(HNETWORKENUM hNetworkEnum);

/* ---- Network interfaces ---- */

/* Open a network interface with full access.
 *
 * lpszInterfaceName  its name or id.
 *
 * Returns a handle for CloseClusterNetInterface().  NULL and the last error: 5047 no such interface; 5 the caller may
 * only read and uses OpenClusterNetInterfaceEx(). */
HNETINTERFACE OpenClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpszInterfaceName);

/* Open a network interface with the access that is asked for.
 *
 * dwDesiredAccess    GENERIC_READ, GENERIC_ALL or MAXIMUM_ALLOWED.  0 is an error (87).
 * lpdwGrantedAccess  receives what was granted; may be NULL.
 *
 * Returns as OpenClusterNetInterface(). */
HNETINTERFACE OpenClusterNetInterfaceEx(
    HCLUSTER hCluster, LPCWSTR lpszInterfaceName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a network interface's handle.  Returns TRUE.  FALSE and the last error: 6. */
BOOL CloseClusterNetInterface(HNETINTERFACE hNetInterface);

/* A handle for the cluster that the interface belongs to, on the same connection, for CloseCluster().  NULL and the
 * last error: 6. */
HCLUSTER GetClusterFromNetInterface(HNETINTERFACE hNetInterface);

/* The name of the interface that joins a node and a network.
 *
 * lpszNodeName, lpszNetworkName  both must be there.
 * lpszInterfaceName              buffer for the name; NULL asks for its size.
 * lpcchInterfaceName             in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns 0; 234 the buffer is too small; 5042, 5045, 5047 no such node, network, interface. */
DWORD GetClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName, LPWSTR lpszInterfaceName,
    LPDWORD lpcchInterfaceName);

/* The names of all interfaces that join a node and a network, as a list of texts; the size is in bytes. */
DWORD GetClusterNetInterfaceEx(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName,
    LPWSTR lpmszInterfaceNameList, LPDWORD lpcbInterfaceListBufSize);

/* Put the internal networks, those whose Role has the bit 1, into the order in which the nodes are to use them.  They are
 * told in that order by ClusterOpenEnum() with CLUSTER_ENUM_INTERNAL_NETWORK.
 *
 * NetworkCount, NetworkList  all internal networks, each once, the first to be used first; at most 256.
 *
 * Returns 0; 87 these are not exactly the internal networks; 5045 one has been deleted. */
DWORD SetClusterNetworkPriorityOrder(HCLUSTER hCluster, DWORD NetworkCount, HNETWORK NetworkList[]);

/* Whether the interface works and is reached by the others.  ClusterNetInterfaceStateUnknown and the last error: 5047
 * the interface has been deleted. */
CLUSTER_NETINTERFACE_STATE GetClusterNetInterfaceState(HNETINTERFACE hNetInterface);

/* Send a control code (CLUSCTL_NETINTERFACE_…) to an interface; parameters as for ClusterControl(). */
DWORD ClusterNetInterfaceControl(HNETINTERFACE hNetInterface, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of the interfaces of a node on a network, as they are now.
 *
 * lpszNodeName, lpszNetworkName  NULL or empty: any.
 *
 * Returns a handle for ClusterNetInterfaceCloseEnum().  NULL and the last error: 5042, 5045 no such node, network; 1745
 * from a server that is too old. */
HNETINTERFACEENUM ClusterNetInterfaceOpenEnum(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName);

/* One entry of the list; parameters and errors as for ClusterEnum(), without the type. */
DWORD ClusterNetInterfaceEnum(HNETINTERFACEENUM hNetInterfaceEnum, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterNetInterfaceCloseEnum(HNETINTERFACEENUM hNetInterfaceEnum);

RUEDA_END_DECLARATIONS

#endif
