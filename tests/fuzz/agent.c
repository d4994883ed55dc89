/* fuzz agent: any bytes are what an agent says of itself; what is read keeps the limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/agent.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct agent a;
	struct error e = { 0 };
	int r = agent_parse(data, len, &a, &e);

	assert(r == 0 || e.text[0] != 0);
	assert(a.parameter_count <= AGENT_PARAMETERS_MAX && a.action_count <= AGENT_ACTIONS_MAX);
	for (size_t i = 0; r == 0 && i < a.parameter_count; i++) {
		const struct agent_parameter *p = &a.parameters[i];

		assert(strlen(p->name) <= AGENT_TEXT_MAX && strlen(p->type) <= AGENT_TEXT_MAX);
		assert(strlen(p->standard) <= AGENT_TEXT_MAX && strlen(p->about) < AGENT_TEXT_MAX);
		assert(agent_parameter(&a, p->name) != NULL);
	}
	for (size_t i = 0; r == 0 && i < a.action_count; i++)
		assert(agent_action(&a, a.actions[i].name, a.actions[i].depth) != NULL);
	agent_done(&a);
	return 0;
}
