/* private: what resource types say of private properties; see private.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "cluster/object/property.h"

/* May the resource have these private properties beside those that it has?  ERR_INVALID_DATA: one is not of its format;
 * ERR_INVALID_PARAMETER: its value cannot be; e names it.  Of a type that this program does not run, and of other objects
 * than resources: 0.  The list is one that property_check() has passed. */
int private_check(const struct property_object *o, const void *list, size_t len, struct error *e);

/* The private properties that the object has, and those that its type knows besides: names, each with its format, and a list
 * of texts.  out must be empty. */
int private_formats(const struct property_object *o, struct buf *out);
int private_names(const struct property_object *o, struct buf *out);
/* Of a resource type: those that its resources have. */
int private_formats_of_type(const struct property_object *o, struct buf *out);
