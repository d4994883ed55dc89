/* depend: dependency expressions, "[a] and ([b] or [c])".  See depend.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/guid.h"

enum { DEPEND_TERMS_MAX = 64, DEPEND_DEPTH_MAX = 16 };

/* An expression in postfix order.  Without items it is empty: it depends on nothing and is true. */
struct depend {
	uint8_t count, terms;
	struct depend_item {
		enum depend_kind { DEPEND_TERM, DEPEND_AND, DEPEND_OR } kind;
		struct guid id; /* Of a term: the provider. */
	} items[2 * DEPEND_TERMS_MAX];
};

/* What a name in brackets means, as an id.  Negative: the error that the whole gets. */
typedef int depend_resolve(void *data, struct u16 name, struct guid *ret);

/* ERR_INVALID_PARAMETER: not an expression, or a larger one than the limits allow; else what resolve said.  resolve NULL:
 * what stands in brackets is an id. */
int depend_parse(struct u16 text, depend_resolve *resolve, void *data, struct depend *ret);
/* The expression as text, ids in brackets, or what name() makes of them.  Appended to out (buf_u16). */
void depend_format(const struct depend *d, struct buf *out);

typedef bool depend_value(void *data, const struct guid *id);
bool depend_holds(const struct depend *d, depend_value *value, void *data);
bool depend_has(const struct depend *d, const struct guid *id);
/* "… and [id]".  ERR_DEPENDENCY_ALREADY_EXISTS, ERR_INVALID_PARAMETER: too many. */
int depend_add(struct depend *d, const struct guid *id);
/* All terms of id go, and what stood around them closes up.  ERR_DEPENDENCY_NOT_FOUND. */
int depend_remove(struct depend *d, const struct guid *id);
