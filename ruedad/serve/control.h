/* control: one call of a control code, and the functions of control_facts.c.  See control.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/object/property.h"
#include "ruedad/serve/serve.h"

struct control_call {
	struct serve_call *serve;
	struct property_object object;
	uint32_t access;   /* Of the handle. */
	const uint8_t *in; /* What the client sent. */
	size_t in_len;
	struct buf out; /* What it gets. */
	bool private;   /* Private properties are set. */
};

void control_add_text(struct buf *out, struct u16 s); /* With its terminator. */

/* Each appends its answer to out, and gives 0 or an error. */
int control_get_nothing(struct control_call *call);
int control_get_characteristics(struct control_call *call);
int control_get_flags(struct control_call *call);
int control_get_class_info(struct control_call *call);
int control_get_required_dependencies(struct control_call *call);
int control_get_name(struct control_call *call);
int control_get_id(struct control_call *call);
int control_get_resource_type(struct control_call *call);
int control_get_node(struct control_call *call);
int control_get_network(struct control_call *call);
int control_get_state_change_time(struct control_call *call);
int control_get_last_move_time(struct control_call *call);
int control_get_resource_failure_info(struct control_call *call);
int control_get_group_failure_info(struct control_call *call);
int control_get_network_name(struct control_call *call);
int control_is_quorum_blocked(struct control_call *call);
int control_enum_affinity_rules(struct control_call *call);
int control_force_flush(struct control_call *call);
int control_get_fqdn(struct control_call *call);
int control_check_voter_evict(struct control_call *call);
int control_check_voter_down(struct control_call *call);
int control_query_delete(struct control_call *call);
