/* map: the client's question to an endpoint mapper.
 * The mapper is asked without a login, and is not believed more than that: whoever answers at the port that it tells must
 * prove to be the server, as far as the login demands.
 * Threads  all functions.     Tests  tests/unit/rpc_client_tcp.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/map.h"
#include "rpc/client_socket.h"
#include "rpc/dispatch.h"
#include "rpc/epmap.h"
#include "wire/epm.h"

static int read_answer(const struct buf *reply, const struct epm_Map_in *in, uint16_t *ret)
{
	const struct ndr_method *method = ndr_method(&epm_interface, 3, EPM_MAP);
	struct epm_Map_out out = { 0 };
	struct arena arena = { 0 };
	uint16_t port = 0;
	int r = ndr_pull(method->out, 3, reply->data, reply->len, &arena, &out);

	if (r == 0)
		r = ndr_check_answer(method, in, &out);
	for (uint32_t i = 0; r == 0 && out.status == 0 && i < out.tower_count && port == 0; i++)
		if (out.towers[i] != NULL)
			port = rpc_epmap_read_port(out.towers[i]->octets, out.towers[i]->length);
	arena_done(&arena);
	if (r == 0 && port == 0)
		r = ERR_EPT_S_NOT_REGISTERED;
	if (r == 0)
		*ret = port;
	return r;
}

int rpc_map_port(const char *host, uint16_t mapper_port, const struct pdu_syntax *interface,
    const struct rpc_wait *wait, uint16_t *ret)
{
	const struct ndr_method *method = ndr_method(&epm_interface, 3, EPM_MAP);
	const struct rpc_place place = { .host = host, .port = mapper_port };
	const struct pdu_syntax mapper = rpc_interface_syntax(&epm_interface, 3);
	_cleanup_(buf_done) struct buf tower = { 0 }, stub = { 0 }, reply = { 0 };
	_cleanup_(rpc_socket_closep) struct rpc_socket *s = NULL;
	struct epm_Map_in in = { .max_towers = 4 };
	struct epm_twr twr;
	int r;

	rpc_epmap_put_question(&tower, interface);
	if (tower.error != 0)
		return tower.error;
	twr = (struct epm_twr){ .length = (uint32_t)tower.len, .octets = tower.data };
	in.map_tower = &twr;
	r = ndr_push(method->in, 3, &in, &stub);
	if (r == 0)
		r = rpc_socket_open(&place, &mapper, 0, wait, &s);
	if (r == 0)
		r = rpc_socket_call(s, EPM_MAP, stub.data, stub.len, wait, &reply);
	return r < 0 ? r : read_answer(&reply, &in, ret);
}
