/* control: control codes, for each kind of object.
 *
 * How      a method of the protocol for each kind, and a second one for "carried out on that node".  Their parameters are
 *          alike: the handle, for types a name, perhaps the node, then code and buffers; so one function makes the calls.
 * Sizes    lpBytesReturned is the bytes written, or with ERROR_MORE_DATA (234) the bytes needed.  Without a buffer the
 *          answer is 234 too, or success where there is nothing to return.
 * Threads  all functions.        Tests  tests/integration/properties.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
#include <string.h>

struct methods {
	unsigned plain, on_node;
};

struct buffers {
	DWORD code;
	const void *in;
	DWORD in_size;
	void *out;
	DWORD out_size;
	LPDWORD returned; /* May be NULL. */
};

union request {
	struct clusapi_ClusterControl_in plain;
	struct clusapi_NodeClusterControl_in on_node;
	struct clusapi_ResourceTypeControl_in type;
	struct clusapi_NodeResourceTypeControl_in type_on_node;
};
#define ALIKE(Method)                                                                                                  \
	(sizeof(struct clusapi_##Method##_in) == sizeof(struct clusapi_ClusterControl_in) &&                           \
	    sizeof(struct clusapi_Node##Method##_in) == sizeof(struct clusapi_NodeClusterControl_in) &&                \
	    sizeof(struct clusapi_##Method##_out) == sizeof(struct clusapi_ClusterControl_out))
static_assert(ALIKE(NodeControl) && ALIKE(GroupControl) && ALIKE(ResourceControl) && ALIKE(NetworkControl) &&
		  ALIKE(NetInterfaceControl),
    "the methods of the kinds are alike");
static_assert(
    offsetof(struct clusapi_NodeClusterControl_in, host_node) == sizeof(struct ndr_handle), "the node comes second");

#define FILL(request, b)                                                                                               \
	do {                                                                                                           \
		(request)->control_code = (b)->code;                                                                   \
		(request)->in_buffer = (b)->in;                                                                        \
		(request)->in_buffer_size = (b)->in_size;                                                              \
		(request)->out_buffer_size = (b)->out_size;                                                            \
	} while (0)

/* Where the node's handle is. */
static size_t fill(union request *request, const char16_t *type, bool on_node, const struct buffers *b)
{
	*request = (union request){ 0 };
	if (type == NULL && !on_node)
		FILL(&request->plain, b);
	else if (type == NULL)
		FILL(&request->on_node, b);
	else if (!on_node)
		FILL(&request->type, b);
	else
		FILL(&request->type_on_node, b);
	if (type == NULL)
		return offsetof(struct clusapi_NodeClusterControl_in, host_node);
	request->type.resource_type_name = type; /* At the same place with a node. */
	return offsetof(struct clusapi_NodeResourceTypeControl_in, node);
}
static_assert(offsetof(struct clusapi_NodeResourceTypeControl_in, resource_type_name) ==
		  offsetof(struct clusapi_ResourceTypeControl_in, resource_type_name),
    "the name comes second");

static int control(struct cluster *c, struct remote *target, const char16_t *type, HNODE host, const struct methods *m,
    struct buffers b)
{
	_cleanup_named_ struct named *node = NULL;
	union request request;
	struct clusapi_ClusterControl_out answer;
	_cleanup_arena_ struct arena arena = { 0 };
	size_t offset;
	int r = host != NULL ? named_get_second(host, OBJECT_NODE, c, &node) : 0;

	if (r == 0 && b.in == NULL && b.in_size > 0)
		r = ERR_INVALID_PARAMETER;
	if (r < 0)
		return r;
	if (b.out == NULL)
		b.out_size = 0;
	offset = fill(&request, type, node != NULL, &b);
	r = remote_call_at(target, node != NULL ? &node->remote : NULL, offset, node != NULL ? m->on_node : m->plain,
	    &request, &answer, &arena);
	if (b.returned != NULL)
		*b.returned = r == ERR_MORE_DATA ? answer.required : r == 0 ? answer.bytes_returned : 0;
	assert(r < 0 || answer.bytes_returned <= b.out_size); /* The decoder has seen to it. */
	if (r == 0 && answer.bytes_returned > 0)
		memcpy(b.out, answer.out_buffer, answer.bytes_returned);
	return r;
}

static int cluster_control(
    HCLUSTER handle, const char16_t *type, HNODE host, const struct methods *m, const struct buffers *b)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	int r = cluster_get(handle, &c);

	return r < 0 ? r : control(c, &c->remote, type, host, m, *b);
}

DWORD ClusterControl(HCLUSTER hCluster, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned)
{
	static const struct methods m = { CLUSAPI_CLUSTER_CONTROL, CLUSAPI_NODE_CLUSTER_CONTROL };
	struct buffers b = { dwControlCode, lpInBuffer, nInBufferSize, lpOutBuffer, nOutBufferSize, lpBytesReturned };

	return return_code(cluster_control(hCluster, NULL, hHostNode, &m, &b));
}

DWORD ClusterResourceTypeControl(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, HNODE hHostNode, DWORD dwControlCode,
    LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned)
{
	static const struct methods m = { CLUSAPI_RESOURCE_TYPE_CONTROL, CLUSAPI_NODE_RESOURCE_TYPE_CONTROL };
	struct buffers b = { dwControlCode, lpInBuffer, nInBufferSize, lpOutBuffer, nOutBufferSize, lpBytesReturned };

	if (lpszResourceTypeName == NULL)
		return return_code(ERR_INVALID_PARAMETER);
	return return_code(cluster_control(hCluster, units(lpszResourceTypeName), hHostNode, &m, &b));
}

#define DEFINE_CONTROL(Function, TYPE, kind, METHOD)                                                                   \
	DWORD Function(TYPE handle, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,      \
	    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned)                                         \
	{                                                                                                              \
		static const struct methods m = { CLUSAPI_##METHOD, CLUSAPI_NODE_##METHOD };                           \
		_cleanup_named_ struct named *n = NULL;                                                                \
		int r = named_get(handle, kind, &n);                                                                   \
                                                                                                                       \
		if (r == 0)                                                                                            \
			r = control(n->cluster, &n->remote, NULL, hHostNode, &m,                                       \
			    (struct buffers){ dwControlCode, lpInBuffer, nInBufferSize, lpOutBuffer, nOutBufferSize,   \
				lpBytesReturned });                                                                    \
		return return_code(r);                                                                                 \
	}

DEFINE_CONTROL(ClusterNodeControl, HNODE, OBJECT_NODE, NODE_CONTROL)
DEFINE_CONTROL(ClusterGroupControl, HGROUP, OBJECT_GROUP, GROUP_CONTROL)
DEFINE_CONTROL(ClusterResourceControl, HRESOURCE, OBJECT_RESOURCE, RESOURCE_CONTROL)
DEFINE_CONTROL(ClusterNetworkControl, HNETWORK, OBJECT_NETWORK, NETWORK_CONTROL)
DEFINE_CONTROL(ClusterNetInterfaceControl, HNETINTERFACE, OBJECT_NETINTERFACE, NET_INTERFACE_CONTROL)
