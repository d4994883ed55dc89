/* network: what is asked of networks and network interfaces.
 *
 * Threads  all functions.        Tests  tests/integration/objects.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
#include <string.h>

/* More than that share no order. */
enum { NETWORK_LIST_MAX = 256 };

CLUSTER_NETWORK_STATE GetClusterNetworkState(HNETWORK hNetwork)
{
	return (CLUSTER_NETWORK_STATE)named_state(hNetwork, OBJECT_NETWORK, CLUSAPI_GET_NETWORK_STATE);
}

DWORD GetClusterNetworkId(HNETWORK hNetwork, LPWSTR lpszNetworkId, LPDWORD lpcchName)
{
	return named_id(hNetwork, OBJECT_NETWORK, lpszNetworkId, lpcchName);
}

DWORD SetClusterNetworkName(HNETWORK hNetwork, LPCWSTR lpszName)
{
	return named_rename(hNetwork, OBJECT_NETWORK, CLUSAPI_SET_NETWORK_NAME, lpszName);
}

/* The wire has the numbers of the header, whatever order the text of the protocol gives them. */
CLUSTER_NETINTERFACE_STATE GetClusterNetInterfaceState(HNETINTERFACE hNetInterface)
{
	return (CLUSTER_NETINTERFACE_STATE)named_state(
	    hNetInterface, OBJECT_NETINTERFACE, CLUSAPI_GET_NET_INTERFACE_STATE);
}

DWORD GetClusterNetInterface(HCLUSTER hCluster, LPCWSTR lpszNodeName, LPCWSTR lpszNetworkName, LPWSTR lpszInterfaceName,
    LPDWORD lpcchInterfaceName)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_GetNetInterface_in in = { units(lpszNodeName), units(lpszNetworkName) };
	struct clusapi_GetNetInterface_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (lpszNodeName == NULL || lpszNetworkName == NULL))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_GET_NET_INTERFACE, &in, &out, &arena);
	if (r == 0)
		r = put_name(out.interface_name, lpszInterfaceName, lpcchInterfaceName);
	return return_code(r);
}

DWORD SetClusterNetworkPriorityOrder(HCLUSTER hCluster, DWORD NetworkCount, HNETWORK NetworkList[])
{
	_cleanup_cluster_ struct cluster *c = NULL;
	char16_t ids[NETWORK_LIST_MAX][ARRAY_SIZE(((struct named *)NULL)->id)];
	const char16_t *list[NETWORK_LIST_MAX];
	struct clusapi_SetNetworkPriorityOrder_in in = { NetworkCount, list };
	struct clusapi_SetNetworkPriorityOrder_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (NetworkCount > NETWORK_LIST_MAX || (NetworkList == NULL && NetworkCount > 0)))
		r = ERR_INVALID_PARAMETER;
	for (DWORD i = 0; r == 0 && i < NetworkCount; i++) {
		_cleanup_named_ struct named *network = NULL;

		r = named_get_second(NetworkList[i], OBJECT_NETWORK, c, &network);
		if (r == 0)
			memcpy(ids[i], network->id, sizeof(ids[i]));
		list[i] = ids[i];
	}
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_SET_NETWORK_PRIORITY_ORDER, &in, &out, &arena);
	return return_code(r);
}
