/* port: what a client wants to be told, and what has happened that it has not fetched yet.  See port.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/changes.h"

struct cluster_result;

enum {
	PORT_FILTERS_MAX = 4096,
	PORT_BYTES_MAX = 1 << 20, /* Of the events that wait, as far as their data and names go. */
};

/* CLUSTER_CHANGE, the bits of ports of version 1. */
enum port_v1 {
	PORT_V1_NODE = 0x0000000f,
	PORT_V1_REGISTRY_NAME = 0x00000010,
	PORT_V1_REGISTRY_ATTRIBUTES = 0x00000020,
	PORT_V1_REGISTRY_VALUE = 0x00000040,
	PORT_V1_REGISTRY = 0x00000070,
	PORT_V1_RESOURCE = 0x00000f00,
	PORT_V1_GROUP = 0x0000f000,
	PORT_V1_RECONNECT = 0x00080000,
	PORT_V1_NETWORK = 0x00f00000,
	PORT_V1_INTERFACE = 0x0f000000,
};
/* The bit for an event, or 0: ports of version 1 do not tell it. */
uint32_t port_v1_bit(uint32_t type, uint32_t what);
/* The bit for the state of such an object; 0: it has none. */
uint32_t port_v1_state(uint32_t type);
/* The flags of a type that a client may ask for; 0: there is no such type. */
uint64_t port_v2_flags(uint32_t type);

struct port_filter {
	uint32_t notify_key;
	uint32_t type;     /* enum change_type; of version 1 0: all but the registry. */
	uint64_t flags;    /* Of version 1: CLUSTER_CHANGE bits. */
	bool targeted;     /* Only for one object, or one key of the registry. */
	bool subtree;      /* The key with all below it. */
	struct u16 target; /* Id, or path from the root. */
};

/* An event as it waits in one queue or several.  Texts are terminated. */
struct port_event {
	unsigned references;
	uint32_t v1; /* Its bit, or 0. */
	size_t size; /* What it counts for. */
	struct cluster_change change;
};

struct port_entry {
	uint32_t notify_key;
	struct port_event *event;
};

struct port {
	unsigned version; /* 1 or 2. */
	size_t queue_max; /* Events; at least 2. */
	/* Whether the client hears of this key; NULL: of all. */
	bool (*may_hear)(const struct port *p, const struct cluster_result *event, struct u16 path);
	struct port_filter *filters;
	size_t filter_count, filter_capacity;
	struct port_entry *entries; /* A ring. */
	size_t first, count, capacity, bytes;
};

void port_init(struct port *p, unsigned version, size_t queue_max);
void port_done(struct port *p);

/* -ENOMEM; ERR_TOO_MANY_OPEN_FILES: PORT_FILTERS_MAX.  The target is copied. */
int port_filter(struct port *p, const struct port_filter *f);

/* Queue what the filters let through: all that an event of the log did.  Without memory events are dropped, as when the
 * queue is full; either is told by an event of its own in their place. */
void port_offer(struct port *p, const struct cluster_result *result);
/* One event with that key, whatever the filters say. */
void port_push(struct port *p, uint32_t notify_key, const struct cluster_change *change);

/* The oldest event, or NULL; good until port_take(). */
const struct port_entry *port_first(const struct port *p);
void port_take(struct port *p);
