/* resource: what a host was told about its resource, and the table of what its type understands.  See resource.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/message.h"
#include <sys/types.h>

enum host_format { HOST_FORMAT_TEXT, HOST_FORMAT_NUMBER };

/* A private property: a row of its type's table, which docs/resource-types.md shows to people. */
struct host_property {
	const char *name;
	enum host_format format;
	bool required;
	const char *standard; /* NULL: none. */
	const char *about;
};

struct resource;

/* What a type does.  These functions are called in a process of their own: they may wait, fail and crash.  They must
 * not rely on what an earlier one left in memory. */
struct host_type {
	const char *name;
	const struct host_property *properties;
	size_t property_count;
	bool takes_others; /* Properties that are not in the table are passed on. */
	bool watched;      /* online() starts a process whose end is the resource's failure. */
	/* What values are to be like, beyond the table; nothing but the properties is looked at, and any may be missing.
	 * NULL: whatever they are. */
	int (*values)(const struct resource *r, struct error *e);
	/* Can it be online on this node as it is now?  NULL: yes. */
	int (*check)(const struct resource *r, struct error *e);
	/* Stopping what is not there succeeds: offline() is also what ends left-overs. */
	int (*online)(struct resource *r, struct error *e);
	int (*offline)(struct resource *r, struct error *e);
	/* 1: it is active; 0: it is not, and e says why; else it cannot be told.  NULL: processes are all there is of it. */
	int (*probe)(struct resource *r, bool thorough, struct error *e);
};

extern const struct host_type *const host_types[];
extern const size_t host_type_count;
const struct host_type *host_type_find(const char *name); /* NULL: no such type. */

struct resource_value {
	char *name, *text; /* Owned.  Of several texts: separated by blanks. */
	bool is_number;
};

enum { RESOURCE_VALUES_MAX = 256 };

struct resource {
	const struct host_type *type;
	char *id, *name, *network_name; /* Owned. */
	struct host_settings settings;
	struct resource_value values[RESOURCE_VALUES_MAX];
	size_t value_count;
	pid_t process; /* The watched one; 0: none. */
};

/* The error says what to correct: an unknown type (ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND), a property that is missing, or
 * refused by the type (ERR_INVALID_PARAMETER), or not of its format (ERR_INVALID_DATA); -ENOMEM. */
int resource_init(struct resource *r, const char *id, const struct host_configure *c, struct error *e);
/* Only what can be said of the values that there are, wherever the resource may run: ERR_INVALID_DATA: not of its format;
 * ERR_INVALID_PARAMETER. */
int resource_check_values(const struct resource *r, struct error *e);
int resource_check(const struct resource *r, struct error *e); /* All that resource_init() leaves to be said later. */
void resource_done(struct resource *r);

/* A property, or its standard; NULL: neither. */
const char *resource_get(const struct resource *r, const char *name);
uint32_t resource_number(const struct resource *r, const char *name); /* Of the format number, which has a standard. */
