/* walk: over resources, groups and nodes, with a callback for each; and the first provider of a type or class.
 *
 * How      the names are listed first, so that callbacks may change what they like; an object that has been deleted since is
 *          left out.  The handle that a callback gets is closed when it returns.
 * Promise  what a callback returns ends the walk if it is not 0, and is returned.
 * Limits   DEPTH_MAX steps of dependencies, as the service has; VISITS_MAX resources, for whoever wrote more by hand.
 * Threads  all functions.     Tests  tests/integration/objects.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

enum { NAME_UNITS = 1024, DEPTH_MAX = 100, VISITS_MAX = 10000 };

/* ERROR_SUCCESS, and the walk goes on: it was deleted since the list was made. */
static DWORD unless_gone(DWORD code)
{
	return code == ERROR_RESOURCE_NOT_FOUND || code == ERROR_RESOURCE_NOT_AVAILABLE ||
		       code == ERROR_GROUP_NOT_FOUND || code == ERROR_GROUP_NOT_AVAILABLE ||
		       code == ERROR_CLUSTER_NODE_NOT_FOUND
		   ? ERROR_SUCCESS
		   : code;
}

/* visit opens what has the name, and calls back. */
static DWORD walk_cluster(
    HCLUSTER cluster, DWORD bits, DWORD (*visit)(HCLUSTER cluster, LPCWSTR name, void *data), void *data)
{
	HCLUSENUM list = ClusterOpenEnum(cluster, bits);
	DWORD code = list == NULL ? GetLastError() : ERROR_SUCCESS;
	WCHAR name[NAME_UNITS];

	for (DWORD i = 0; code == ERROR_SUCCESS; i++) {
		DWORD count = NAME_UNITS, type;

		code = ClusterEnum(list, i, &type, name, &count);
		if (code == ERROR_NO_MORE_ITEMS) {
			code = ERROR_SUCCESS;
			break;
		}
		if (code == ERROR_SUCCESS)
			code = visit(cluster, name, data);
	}
	if (list != NULL)
		(void)ClusterCloseEnum(list);
	return code;
}

/* Resources. */

struct resource_walk {
	HRESOURCE self; /* Left out; may be NULL. */
	LPCWSTR type;   /* NULL: all. */
	DWORD access;
	LPRESOURCE_CALLBACK plain; /* This or the next. */
	LPRESOURCE_CALLBACK_EX ex;
	PVOID parameter;
};

static DWORD visit_open_resource(HCLUSTER cluster, HRESOURCE resource, const struct resource_walk *w)
{
	if (w->self != NULL && ResUtilResourcesEqual(w->self, resource))
		return ERROR_SUCCESS;
	if (w->type != NULL && !ResUtilResourceTypesEqual(w->type, resource))
		return ERROR_SUCCESS;
	return w->plain != NULL ? w->plain(w->self, resource, w->parameter)
				: w->ex(cluster, w->self, resource, w->parameter);
}

static DWORD visit_resource(HCLUSTER cluster, LPCWSTR name, void *data)
{
	const struct resource_walk *w = data;
	HRESOURCE resource = OpenClusterResourceEx(cluster, name, w->access, NULL);
	DWORD code;

	if (resource == NULL)
		return unless_gone(GetLastError());
	code = visit_open_resource(cluster, resource, w);
	(void)CloseClusterResource(resource);
	return code;
}

DWORD ResUtilEnumResourcesEx2(HCLUSTER hCluster, HRESOURCE hSelf, LPCWSTR lpszResTypeName,
    LPRESOURCE_CALLBACK_EX pResCallBack, PVOID pParameter, DWORD dwDesiredAccess)
{
	struct resource_walk w = { .self = hSelf,
		.type = lpszResTypeName,
		.access = dwDesiredAccess,
		.ex = pResCallBack,
		.parameter = pParameter };

	if (pResCallBack == NULL)
		return ERROR_INVALID_PARAMETER;
	return walk_cluster(hCluster, CLUSTER_ENUM_RESOURCE, visit_resource, &w);
}

DWORD ResUtilEnumResourcesEx(
    HCLUSTER hCluster, HRESOURCE hSelf, LPCWSTR lpszResTypeName, LPRESOURCE_CALLBACK_EX pResCallBack, PVOID pParameter)
{
	return ResUtilEnumResourcesEx2(hCluster, hSelf, lpszResTypeName, pResCallBack, pParameter, GENERIC_ALL);
}

DWORD ResUtilEnumResources(HRESOURCE hSelf, LPCWSTR lpszResTypeName, LPRESOURCE_CALLBACK pResCallBack, PVOID pParameter)
{
	struct resource_walk w = { .self = hSelf,
		.type = lpszResTypeName,
		.access = GENERIC_ALL,
		.plain = pResCallBack,
		.parameter = pParameter };
	HCLUSTER cluster = pResCallBack != NULL ? OpenCluster(NULL) : NULL;
	DWORD code;

	if (pResCallBack == NULL)
		return ERROR_INVALID_PARAMETER;
	if (cluster == NULL)
		return GetLastError();
	code = walk_cluster(cluster, CLUSTER_ENUM_RESOURCE, visit_resource, &w);
	(void)CloseCluster(cluster);
	return code;
}

/* What is on the other end of dependencies of these kinds. */
static DWORD walk_relations(HCLUSTER cluster, HRESOURCE self, DWORD bits,
    DWORD (*visit)(HCLUSTER cluster, LPCWSTR name, void *data), void *data)
{
	HRESENUM list = ClusterResourceOpenEnum(self, bits);
	DWORD code = list == NULL ? GetLastError() : ERROR_SUCCESS;
	WCHAR name[NAME_UNITS];

	for (DWORD i = 0; code == ERROR_SUCCESS; i++) {
		DWORD count = NAME_UNITS, type;

		code = ClusterResourceEnum(list, i, &type, name, &count);
		if (code == ERROR_NO_MORE_ITEMS) {
			code = ERROR_SUCCESS;
			break;
		}
		if (code == ERROR_SUCCESS)
			code = visit(cluster, name, data);
	}
	if (list != NULL)
		(void)ClusterResourceCloseEnum(list);
	return code;
}

DWORD ResUtilResourceDepEnum(HRESOURCE hSelf, DWORD enumType, LPRESOURCE_CALLBACK_EX pResCallBack, PVOID pParameter)
{
	struct resource_walk w = { .self = hSelf, .access = GENERIC_ALL, .ex = pResCallBack, .parameter = pParameter };
	HCLUSTER cluster;
	DWORD code;

	if (pResCallBack == NULL ||
	    (enumType & ~(DWORD)(CLUSTER_RESOURCE_ENUM_DEPENDS | CLUSTER_RESOURCE_ENUM_PROVIDES)) != 0)
		return ERROR_INVALID_PARAMETER; /* Owners are no resources. */
	cluster = GetClusterFromResource(hSelf);
	if (cluster == NULL)
		return GetLastError();
	code = walk_relations(cluster, hSelf, enumType, visit_resource, &w);
	(void)CloseCluster(cluster);
	return code;
}

/* Providers. */

struct search {
	LPCWSTR type; /* This or the next. */
	PCLUS_RESOURCE_CLASS_INFO class;
	bool recurse;
	DWORD access;
	unsigned depth, visits;
	HRESOURCE found;
};

#define STOP UINT32_MAX /* It has been found: no code is that. */

static DWORD visit_provider(HCLUSTER cluster, LPCWSTR name, void *data)
{
	struct search *s = data;
	HRESOURCE resource = OpenClusterResourceEx(cluster, name, s->access, NULL);
	DWORD code = ERROR_SUCCESS;

	if (resource == NULL)
		return unless_gone(GetLastError());
	if (s->type != NULL ? ResUtilResourceTypesEqual(s->type, resource)
			    : ResUtilIsResourceClassEqual(s->class, resource)) {
		s->found = resource;
		return STOP;
	}
	if (++s->visits > VISITS_MAX)
		code = ERROR_DEPENDENCY_TREE_TOO_COMPLEX;
	else if (s->recurse && s->depth < DEPTH_MAX) {
		s->depth++;
		code = walk_relations(cluster, resource, CLUSTER_RESOURCE_ENUM_DEPENDS, visit_provider, s);
		s->depth--;
	}
	(void)CloseClusterResource(resource);
	return code;
}

/* cluster may be NULL: that of the resource. */
static HRESOURCE find_provider(HCLUSTER cluster, HANDLE self, struct search *s)
{
	HCLUSTER own = cluster == NULL ? GetClusterFromResource((HRESOURCE)self) : NULL;
	DWORD code;

	if (s->type == NULL && s->class == NULL) {
		code = ERROR_INVALID_PARAMETER;
	} else if (cluster == NULL && own == NULL) {
		code = GetLastError();
	} else {
		code = walk_relations(
		    own != NULL ? own : cluster, (HRESOURCE)self, CLUSTER_RESOURCE_ENUM_DEPENDS, visit_provider, s);
	}
	if (own != NULL)
		(void)CloseCluster(own);
	if (s->found == NULL)
		SetLastError(code == ERROR_SUCCESS ? ERROR_DEPENDENCY_NOT_FOUND : code);
	return s->found;
}

HRESOURCE ResUtilGetResourceDependencyEx(HANDLE hSelf, LPCWSTR lpszResourceType, DWORD dwDesiredAccess)
{
	return find_provider(NULL, hSelf, &(struct search){ .type = lpszResourceType, .access = dwDesiredAccess });
}

HRESOURCE ResUtilGetResourceDependency(HANDLE hSelf, LPCWSTR lpszResourceType)
{
	return ResUtilGetResourceDependencyEx(hSelf, lpszResourceType, GENERIC_ALL);
}

HRESOURCE ResUtilGetResourceDependencyByNameEx(
    HCLUSTER hCluster, HANDLE hSelf, LPCWSTR lpszResourceType, BOOL bRecurse, DWORD dwDesiredAccess)
{
	return find_provider(hCluster, hSelf,
	    &(struct search){ .type = lpszResourceType, .recurse = bRecurse != FALSE, .access = dwDesiredAccess });
}

HRESOURCE ResUtilGetResourceDependencyByName(HCLUSTER hCluster, HANDLE hSelf, LPCWSTR lpszResourceType, BOOL bRecurse)
{
	return ResUtilGetResourceDependencyByNameEx(hCluster, hSelf, lpszResourceType, bRecurse, GENERIC_ALL);
}

HRESOURCE ResUtilGetResourceDependencyByClassEx(
    HCLUSTER hCluster, HANDLE hSelf, PCLUS_RESOURCE_CLASS_INFO prci, BOOL bRecurse, DWORD dwDesiredAccess)
{
	return find_provider(hCluster, hSelf,
	    &(struct search){ .class = prci, .recurse = bRecurse != FALSE, .access = dwDesiredAccess });
}

HRESOURCE ResUtilGetResourceDependencyByClass(
    HCLUSTER hCluster, HANDLE hSelf, PCLUS_RESOURCE_CLASS_INFO prci, BOOL bRecurse)
{
	return ResUtilGetResourceDependencyByClassEx(hCluster, hSelf, prci, bRecurse, GENERIC_ALL);
}

HRESOURCE ResUtilGetResourceNameDependencyEx(LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwDesiredAccess)
{
	HCLUSTER cluster = OpenClusterEx(NULL, dwDesiredAccess, NULL);
	HRESOURCE self =
	    cluster != NULL ? OpenClusterResourceEx(cluster, lpszResourceName, dwDesiredAccess, NULL) : NULL;
	HRESOURCE found = self != NULL ? ResUtilGetResourceDependencyEx(self, lpszResourceType, dwDesiredAccess) : NULL;
	DWORD code = found == NULL ? GetLastError() : ERROR_SUCCESS;

	if (self != NULL)
		(void)CloseClusterResource(self);
	if (cluster != NULL)
		(void)CloseCluster(cluster);
	if (found == NULL)
		SetLastError(code);
	return found;
}

HRESOURCE ResUtilGetResourceNameDependency(LPCWSTR lpszResourceName, LPCWSTR lpszResourceType)
{
	return ResUtilGetResourceNameDependencyEx(lpszResourceName, lpszResourceType, GENERIC_ALL);
}

/* Groups and nodes. */

struct group_walk {
	HGROUP self;
	CLUSGROUP_TYPE type;
	bool of_type;
	LPGROUP_CALLBACK_EX callback;
	PVOID parameter;
};

static DWORD visit_group(HCLUSTER cluster, LPCWSTR name, void *data)
{
	const struct group_walk *w = data;
	HGROUP group = OpenClusterGroup(cluster, name);
	CLUSGROUP_TYPE type = ClusGroupTypeUnknown;
	BOOL same = FALSE;
	DWORD code;

	if (group == NULL)
		return unless_gone(GetLastError());
	code = w->self != NULL ? ResUtilGroupsEqual(w->self, group, &same) : ERROR_SUCCESS;
	if (code == ERROR_SUCCESS && w->of_type)
		code = ResUtilGetClusterGroupType(group, &type);
	if (code != ERROR_SUCCESS)
		code = unless_gone(code);
	else if (!same && (!w->of_type || type == w->type))
		code = w->callback(cluster, w->self, group, w->parameter);
	(void)CloseClusterGroup(group);
	return code;
}

DWORD ResUtilEnumGroups(HCLUSTER hCluster, HGROUP hSelf, LPGROUP_CALLBACK_EX pResCallBack, PVOID pParameter)
{
	struct group_walk w = { .self = hSelf, .callback = pResCallBack, .parameter = pParameter };

	return pResCallBack == NULL ? ERROR_INVALID_PARAMETER
				    : walk_cluster(hCluster, CLUSTER_ENUM_GROUP, visit_group, &w);
}

DWORD ResUtilEnumGroupsEx(
    HCLUSTER hCluster, HGROUP hSelf, CLUSGROUP_TYPE groupType, LPGROUP_CALLBACK_EX pResCallBack, PVOID pParameter)
{
	struct group_walk w = {
		.self = hSelf, .type = groupType, .of_type = true, .callback = pResCallBack, .parameter = pParameter
	};

	return pResCallBack == NULL ? ERROR_INVALID_PARAMETER
				    : walk_cluster(hCluster, CLUSTER_ENUM_GROUP, visit_group, &w);
}

struct node_walk {
	LPNODE_CALLBACK callback;
	PVOID parameter;
};

static DWORD visit_node(HCLUSTER cluster, LPCWSTR name, void *data)
{
	const struct node_walk *w = data;
	HNODE node = OpenClusterNode(cluster, name);
	CLUSTER_NODE_STATE state;
	DWORD code;

	if (node == NULL)
		return unless_gone(GetLastError());
	state = GetClusterNodeState(node);
	code = state == ClusterNodeStateUnknown ? unless_gone(GetLastError())
						: w->callback(cluster, node, state, w->parameter);
	(void)CloseClusterNode(node);
	return code;
}

DWORD ResUtilNodeEnum(HCLUSTER hCluster, LPNODE_CALLBACK pNodeCallBack, PVOID pParameter)
{
	struct node_walk w = { pNodeCallBack, pParameter };

	return pNodeCallBack == NULL ? ERROR_INVALID_PARAMETER
				     : walk_cluster(hCluster, CLUSTER_ENUM_NODE, visit_node, &w);
}
