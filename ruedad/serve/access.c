/* access: what a client may do in the cluster.
 *
 * Why      who somebody is, is found out on each node (the kernel, an account, a ticket); what he may do is the cluster's
 *          affair, the same on all nodes, and an administrator sets it with the tools that he has.
 * How      the rules of the node come first (listen_unix.c, the accounts file, the lists of [access]): they put the client
 *          into BUILTIN\Administrators (All), into BUILTIN\Users (All or Read), or into neither.  Then the cluster's property
 *          "Security Descriptor" is asked, with these groups and all SIDs that the client has.  It is asked again for
 *          each call, since it may change while a client is connected.
 *
 *              kernel, account, ticket ─► rule ─┐
 *              SIDs of the name, of the ticket ─┴─► Security Descriptor ─► None, Read, All
 *
 * Promise  Root and the daemon's own user have All on the unix socket, whatever the descriptor says: whoever locks
 *          everybody out can be helped.  A descriptor that cannot be enforced gives nobody else anything.
 * Not kept while there is no cluster, or it is still being started, the rules of the node decide: who has nothing by them
 *          must connect again.
 * Threads  the loop's.     Tests  tests/unit/sd.c (the descriptor), tests/integration/access.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/access.h"
#include "base/log.h"
#include "cluster/cluster.h"
#include <string.h>

/* The descriptor, where there is one; *ret_len 0: none. */
static const uint8_t *cluster_descriptor(const struct service *s, size_t *ret_len)
{
	struct db_value value;

	*ret_len = 0;
	if (s->state != SERVICE_UP || s->cluster == NULL ||
	    !db_value_find(db_root(cluster_db(s->cluster)), U16("Security Descriptor"), &value))
		return NULL;
	*ret_len = value.len;
	return value.data;
}

/* Over the unix socket the rules give All to nobody but these. */
static bool is_owner_of_node(const struct rpc_identity *identity)
{
	return identity->local && identity->rule == RPC_ACCESS_ALL;
}

static void fill_caller(const struct rpc_identity *identity, struct sd_caller *ret)
{
	*ret = (struct sd_caller){
		.is_local = identity->local,
		.has_uid = identity->local,
		.uid = identity->uid,
		.gid = identity->gid,
		.gids = identity->groups,
		.gid_count = identity->group_count,
	};
	if (identity->sids != NULL) {
		ret->sids = identity->sids->bytes;
		ret->sids_len = identity->sids->len;
	}
}

enum rpc_access access_level(const struct service *s, const struct rpc_identity *identity)
{
	static const enum rpc_access levels[] = {
		[SD_LEVEL_NONE] = RPC_ACCESS_NONE, [SD_LEVEL_READ] = RPC_ACCESS_READ, [SD_LEVEL_ALL] = RPC_ACCESS_ALL
	};
	struct sd_caller caller;
	const uint8_t *descriptor;
	size_t len;

	if (is_owner_of_node(identity))
		return RPC_ACCESS_ALL;
	descriptor = cluster_descriptor(s, &len);
	if (len == 0)
		return identity->rule;
	fill_caller(identity, &caller);
	caller.is_administrator = identity->rule == RPC_ACCESS_ALL;
	caller.is_user = identity->rule != RPC_ACCESS_NONE;
	return levels[sd_cluster_level(descriptor, len, &caller)];
}

void access_key_caller(const struct rpc_identity *identity, enum rpc_access level, struct sd_caller *ret)
{
	fill_caller(identity, ret);
	ret->is_administrator = ret->is_system = level == RPC_ACCESS_ALL;
	ret->is_user = true;
}

static const struct db_key *nearest(const struct db_key *root, struct u16 path)
{
	const struct db_key *key;

	while ((key = db_find(root, path)) == NULL) {
		while (path.len > 0 && path.units[path.len - 1] != '\\')
			path.len--;
		path.len -= path.len > 0;
	}
	return key;
}

bool access_may_hear(const struct service *s, const struct rpc_identity *identity, const struct cluster_result *event,
    struct u16 path, uint32_t right)
{
	const struct db_key *roots[] = { db_root(cluster_db(s->cluster)),
		event->before != NULL ? db_snapshot_root(event->before) : NULL };
	enum rpc_access level = access_level(s, identity);
	struct sd_caller caller;
	bool may = level != RPC_ACCESS_NONE;

	access_key_caller(identity, level, &caller);
	for (size_t i = 0; may && i < ARRAY_SIZE(roots); i++) {
		const uint8_t *descriptor;
		uint32_t granted;
		size_t len;

		if (roots[i] == NULL)
			continue;
		descriptor = db_key_security(nearest(roots[i], path), &len);
		may = sd_access(descriptor, len, &caller, right, &granted) == 0;
	}
	return may;
}

/* The name's own SID goes in front of those that the mechanism gave.  An account of a domain has one among these. */
static int add_own_sid(struct rpc_identity *identity)
{
	_cleanup_(buf_done) struct buf all = { 0 };
	_cleanup_free_ char16_t *units = NULL;
	struct rpc_sids *sids;
	struct sid own;
	size_t len;
	int r;

	if (identity->kind == RPC_BY_DOMAIN)
		return 0;
	if (identity->kind == RPC_BY_KERBEROS) {
		own = sid_of_principal(identity->name);
	} else {
		r = utf8_to_u16(identity->name, strlen(identity->name), &units, &len);
		if (r < 0)
			return r;
		own = sid_of_account((struct u16){ units, len });
	}
	buf_append(&all, own.bytes, sid_len(&own));
	if (identity->sids != NULL)
		buf_append(&all, identity->sids->bytes, identity->sids->len);
	r = all.error != 0 ? all.error : rpc_sids_new(all.data, all.len, &sids);
	if (r < 0)
		return r;
	rpc_identity_done(identity);
	identity->sids = sids;
	return 0;
}

int access_admit(void *data, struct rpc_identity *identity)
{
	const struct service *s = data;
	const uint8_t *descriptor;
	size_t len;
	int r = 0;

	if (!identity->local)
		r = add_own_sid(identity);
	if (r < 0)
		return r;
	identity->access = access_level(s, identity);
	descriptor = cluster_descriptor(s, &len);
	if (identity->access == RPC_ACCESS_NONE && len > 0 && sd_validate(descriptor, len, NULL) < 0)
		log_warning(
		    "the cluster's security descriptor cannot be enforced, so that nobody has access but root; see "
		    "rueda access");
	return 0;
}
