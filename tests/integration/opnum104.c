/* opnum104: ApiBackupClusterDatabase in raw bytes, as any client of MS-CMRP would send it.
 * Usage: opnum104 SOCKET MAJOR_VERSION PATH (ASCII); prints what the answer says, in hexadecimal words, or the RPC error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/error.h"
#include "rpc/client.h"
#include <stdio.h>
#include <string.h>

/* [in, string] LPCWSTR: maximum, offset and count of units, the units with their zero. */
static void put_string(struct buf *stub, const char *text)
{
	size_t count = strlen(text) + 1;

	buf_u32(stub, (uint32_t)count);
	buf_u32(stub, 0);
	buf_u32(stub, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		buf_u16(stub, (uint16_t)text[i]);
}

int main(int argc, char **argv)
{
	struct rpc_client_config config = { 0 };
	struct rpc_client *client;
	struct buf stub = { 0 }, answer = { 0 };
	int r;

	if (argc != 4 || !guid_parse(U16("b97db8b2-4c63-11cf-bff6-08002be23f2f"), &config.interface.uuid))
		return 2;
	config.path = argv[1];
	config.interface.major = strcmp(argv[2], "2") == 0 ? 2 : 3;
	put_string(&stub, argv[3]);
	r = stub.error != 0 ? stub.error : rpc_client_new(&config, &client);
	if (r == 0) {
		r = rpc_client_call(client,
		    &(struct rpc_client_call){ .opnum = 104, .stub = stub.data, .len = stub.len, .timeout_ms = 60000 },
		    &answer);
		rpc_client_free(client);
	}
	if (r < 0)
		printf("error %u\n", error_to_win32(r));
	for (size_t i = 0; i + 4 <= answer.len; i += 4)
		printf("%08x ", get_le32(answer.data + i));
	if (r == 0)
		printf("%zu\n", answer.len);
	buf_done(&stub);
	buf_done(&answer);
	return 0;
}
