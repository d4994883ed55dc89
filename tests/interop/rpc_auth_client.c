/* rpc_auth_client: our client logs in to the echo server over TCP, calls, and says as whom: "kind access name".
 * RPC_AUTH_CLIENT = "HOST PORT MECHANISM LEVEL", where MECHANISM is ntlm, kerberos or spnego (Kerberos, then NTLM).
 * The account is alice of tests/lib/rpc_login.c, or whom the default ticket cache is of.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/kerberos.h"
#include "rpc/auth/spnego.h"
#include "tests/lib/rpc_login.h"
#include "tests/lib/test.h"
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *a;
	int fd;

	CHECK_INT(getaddrinfo(host, port, &hints, &a), 0);
	fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK_INT(connect(fd, a->ai_addr, a->ai_addrlen), 0);
	freeaddrinfo(a);
	return fd;
}

/* Until the channel waits for us. */
static void drive(struct rpc_channel *ch, int fd)
{
	while (ch->state == CHANNEL_BINDING || (ch->state == CHANNEL_READY && ch->call_count > 0)) {
		uint8_t data[8192];
		ssize_t n;

		if (ch->output.len > 0)
			CHECK_INT(send(fd, ch->output.data, ch->output.len, MSG_NOSIGNAL), ch->output.len);
		buf_done(&ch->output);
		n = recv(fd, data, sizeof(data), 0);
		CHECK(n > 0);
		rpc_channel_input(ch, data, (size_t)n);
	}
}

static struct buf call(struct rpc_channel *ch, int fd, uint16_t opnum, const void *stub, size_t len)
{
	struct rpc_channel_call call;
	struct buf reply = { 0 };

	CHECK_INT(rpc_channel_call(ch, &call, opnum, stub, len), 0);
	drive(ch, fd);
	CHECK(call.answered);
	CHECK_INT(rpc_channel_take_reply(ch, &call, &reply), 0);
	return reply;
}

static void make_calls(struct rpc_channel *ch, int fd)
{
	static const size_t sizes[] = { 0, 1, 16, 5784, 20000, 300000 };
	static uint8_t stub[300000];
	struct buf reply;

	for (size_t i = 0; i < sizeof(stub); i++)
		stub[i] = (uint8_t)(i * 7 % 251);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		reply = call(ch, fd, ECHO_ECHO, stub, sizes[i]);
		CHECK_INT(reply.len, sizes[i]);
		if (sizes[i] > 0)
			CHECK_MEM(reply.data, stub, sizes[i]);
		buf_done(&reply);
	}
	reply = call(ch, fd, ECHO_ACCOUNT, NULL, 0);
	printf("%u %u %.*s\n", get_le32(reply.data + 4), get_le32(reply.data), (int)(reply.len - 8), reply.data + 8);
	buf_done(&reply);
}

TEST(log_in)
{
	const char *arguments = getenv("RPC_AUTH_CLIENT");
	char host[256], port[8], mechanism[16];
	struct ntlm_initiator ntlm = login_initiator(U16("alice"), U16("Secret.1"));
	struct kerberos_initiator kerberos = { .service = "MSServerClusterMgmtAPI", .host = host };
	struct spnego_mechanisms spnego = { .ntlm = &ntlm.provider, .kerberos = &kerberos.provider };
	const struct rpc_security_provider *chosen = &spnego.provider;
	struct rpc_channel ch;
	unsigned level;
	int fd;

	CHECK(arguments != NULL);
	CHECK_INT(sscanf(arguments, "%255s %7s %15s %u", host, port, mechanism, &level), 4);
	ntlm.source = &auth_system_source;
	kerberos_initiator_init(&kerberos);
	spnego_initiator_init(&spnego);
	if (strcmp(mechanism, "ntlm") == 0)
		chosen = &ntlm.provider;
	else if (strcmp(mechanism, "kerberos") == 0)
		chosen = &kerberos.provider;
	CHECK_INT(login_channel(&ch, chosen, (uint8_t)level), 0);
	fd = connect_to(host, port);
	drive(&ch, fd);
	CHECK_INT(ch.error, 0);
	CHECK_INT(ch.state, CHANNEL_READY);
	make_calls(&ch, fd);
	rpc_channel_done(&ch);
	(void)close(fd);
}
