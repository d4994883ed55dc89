/* subject: what a verb is about: a node, group, resource, type or network, by name; see subject.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"
#include "cli/output.h"

enum noun { NOUN_CLUSTER, NOUN_NODE, NOUN_GROUP, NOUN_RESOURCE, NOUN_TYPE, NOUN_NETWORK, NOUN_INTERFACE, NOUN_COUNT };

struct subject {
	enum noun noun;
	const char *text; /* Its name as it was given. */
	char16_t *name;   /* Owned: the same. */
	HCLUSTER cluster;
	union { /* Of a type and of the cluster none. */
		HNODE node;
		HGROUP group;
		HRESOURCE resource;
		HNETWORK network;
		HNETINTERFACE interface;
		void *handle;
	};
};

/* The word for it: "node", … */
const char *noun_word(enum noun noun);
/* The one that an argument names (the cluster needs none); 0, or an enum cli_exit after a message. */
int subject_open(const struct cli *c, enum noun noun, size_t argument, DWORD access, struct subject *ret);
/* Another one in the same cluster. */
int subject_open_in(HCLUSTER cluster, enum noun noun, const char *text, DWORD access, struct subject *ret);
/* The verb rename: of a group, resource or network. */
int subject_rename_verb(struct cli *c, enum noun noun);
void subject_done(struct subject *s);
#define _cleanup_subject_ _cleanup_(subject_done)

/* Its control code of that number (without the kind), as ClusterGroupControl(); and with the output on the heap. */
DWORD subject_control(const struct subject *s, DWORD number, const struct buf *in, void *out, DWORD size, DWORD *ret);
DWORD subject_ask(const struct subject *s, DWORD number, BYTE **ret, DWORD *ret_size);
/* "online", … with "unknown" for what has no word. */
const char *node_state_word(CLUSTER_NODE_STATE state);
const char *group_state_word(CLUSTER_GROUP_STATE state);
const char *resource_state_word(CLUSTER_RESOURCE_STATE state);
const char *network_state_word(CLUSTER_NETWORK_STATE state);
const char *interface_state_word(CLUSTER_NETINTERFACE_STATE state);

/* Names of a list, of the entries that have one of the bits. */
struct names {
	char16_t **all; /* Owned, terminated. */
	size_t count;
};
DWORD names_of_cluster(HCLUSTER cluster, DWORD bits, struct names *ret);
DWORD names_of_node(HNODE node, DWORD bits, struct names *ret);
DWORD names_of_group(HGROUP group, DWORD bits, struct names *ret);
DWORD names_of_resource(HRESOURCE resource, DWORD bits, struct names *ret);
DWORD names_of_type(HCLUSTER cluster, const char16_t *type, DWORD bits, struct names *ret);
DWORD names_of_network(HNETWORK network, DWORD bits, struct names *ret);
void names_done(struct names *n);
#define _cleanup_names_ _cleanup_(names_done)
bool names_have(const struct names *n, struct u16 name); /* In any case. */
void names_json(const struct names *n, struct json *j, const char *member);
/* As a line "title  a, b". */
void names_print(const struct names *n, const char *title);

/* Properties: the end of what show tells, in text and in JSON (which is closed, printed and freed), and the verb set. */
int property_print(const struct cli *c, const struct subject *s);
int property_json(const struct cli *c, const struct subject *s, struct json *j);
int property_set_verb(struct cli *c, enum noun noun);

/* resource create --agent. */
int agent_create_resource(const struct cli *c);

/* How far something is that goes on in the background. */
struct look {
	const char *state; /* For people. */
	DWORD code;        /* WAIT_TIMEOUT: not at its end; 0: it has come true; else what went wrong. */
};
/* The code of a request, and the end of it if --wait was given: an enum cli_exit. */
int wait_for(const struct cli *c, const struct subject *s, const char *doing, DWORD code,
    struct look (*look)(const struct subject *s, void *data), void *data);
