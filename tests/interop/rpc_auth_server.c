/* rpc_auth_server: the echo interface on a TCP port of the loopback address, for clients that are not ours and must log
 * in; RPC_AUTH_PORT says which port, RPC_AUTH_KEYTAB (if it is set) where the keys for Kerberos are.  The accounts are
 * those of tests/lib/rpc_login.c, and alice and bob of the realm RUEDA.TEST.
 * It says "ready" and ends with its input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/kerberos.h"
#include "rpc/auth/spnego.h"
#include "tests/lib/rpc_host.h"
#include "tests/lib/rpc_login.h"
#include "tests/lib/test.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	CHECK(fd >= 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The same functions under the UUID of Samba's own echo interface: its client logs in only to interfaces that it knows. */
static const struct pdu_syntax sambas_syntax = {
	.uuid = { { 0xc5, 0x5e, 0xa1, 0x60, 0xe8, 0x4d, 0xd7, 0x11, 0xa6, 0x37, 0x00, 0x50, 0x56, 0xa2, 0x01, 0x82 } },
	.major = 1,
};

static enum rpc_access access_of(void *data, const char *principal)
{
	if (strcmp(principal, "alice@RUEDA.TEST") == 0)
		return RPC_ACCESS_ALL;
	return strcmp(principal, "bob@RUEDA.TEST") == 0 ? RPC_ACCESS_READ : RPC_ACCESS_NONE;
}

TEST(serve)
{
	static struct ntlm_acceptor ntlm;
	static struct kerberos_acceptor kerberos = { .access = access_of };
	static struct spnego_mechanisms spnego;
	static struct rpc_interface sambas;
	struct rpc_limits limits = rpc_limits_default();
	const char *port = getenv("RPC_AUTH_PORT"), *keytab = getenv("RPC_AUTH_KEYTAB");
	struct error e = { 0 };
	struct host *h = calloc(1, sizeof(*h));

	CHECK(h != NULL && port != NULL);
	ntlm = login_acceptor();
	ntlm.source = &auth_system_source;
	spnego.ntlm = &ntlm.provider;
	if (keytab != NULL) {
		if (kerberos_acceptor_init(&kerberos, keytab, &e) < 0)
			test_fail(__FILE__, __LINE__, "%s", e.text);
		spnego.kerberos = &kerberos.provider;
	}
	spnego_acceptor_init(&spnego);
	host_start_on(h, listen_on((uint16_t)strtoul(port, NULL, 10)), port, &login_nobody, &limits);
	pthread_mutex_lock(&h->lock);
	sambas = h->echo.interface;
	sambas.name = "rpcecho";
	sambas.syntax = sambas_syntax;
	CHECK_INT(rpc_server_add_interface(h->echo.server, &sambas), 0);
	CHECK_INT(rpc_server_add_provider(h->echo.server, &ntlm.provider), 0);
	CHECK_INT(rpc_server_add_provider(h->echo.server, &spnego.provider), 0);
	if (keytab != NULL)
		CHECK_INT(rpc_server_add_provider(h->echo.server, &kerberos.provider), 0);
	pthread_mutex_unlock(&h->lock);
	puts("ready");
	while (getchar() != EOF) {
	}
	host_stop(h);
	kerberos_acceptor_done(&kerberos);
	free(h);
}
