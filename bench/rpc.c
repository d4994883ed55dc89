/* bench-rpc: the same client of DCE/RPC over TCP against two servers, ours and Samba's.
 *
 * Why      the runtimes can only be compared if everything else is the same: client, loopback, what is asked for.
 * How      A blocking connection for each caller, with the runtime's own channel and NTLM; what is timed begins after the login.
 *          null      the least that either does: ours GetClusterVersion (which answers 120), Samba's winreg_GetVersion
 *          registry  open a key, read its value "v", close it: three calls; both servers have the same key and value
 * Usage    bench-rpc rueda|samba PORT none|sign|seal null|registry CALLERS SECONDS
 *          The account is root (Samba) or alice (ours) with the password "Password"; the key is Bench, below the cluster's
 *          root or HKLM\SOFTWARE.  Output is one line of JSON (bench/callers.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/callers.h"
#include "rpc/auth/ntlm.h"
#include "rpc/channel.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLERS_MAX = 64, HANDLE = 20, VALUE_MAX = 1024, MAXIMUM_ALLOWED = 0x02000000, KEY_READ = 0x20019 };

/* What a server needs to be told, and where its answers have the handle and the status. */
struct server {
	const char *name;
	struct pdu_syntax interface;
	struct u16 user;
	uint16_t null, root, open, query, close;
	size_t handle_at;
	bool status_first; /* Else last. */
};

static const struct server servers[] = {
	{ .name = "rueda",
	    .interface = { .uuid = { { 0xb2, 0xb8, 0x7d, 0xb9, 0x63, 0x4c, 0xcf, 0x11, 0xbf, 0xf6, 0x08, 0x00, 0x2b,
			       0xe2, 0x3f, 0x2f } },
		.major = 3 },
	    .user = { u"alice", 5 },
	    .null = 4,
	    .root = 28,
	    .open = 30,
	    .query = 34,
	    .close = 37,
	    .handle_at = 8,
	    .status_first = true },
	{ .name = "samba",
	    .interface = { .uuid = { { 0x01, 0xd0, 0x8c, 0x33, 0x44, 0x22, 0xf1, 0x31, 0xaa, 0xaa, 0x90, 0x00, 0x38,
			       0x00, 0x10, 0x03 } },
		.major = 1 },
	    .user = { u"root", 4 },
	    .null = 26,
	    .root = 2,
	    .open = 15,
	    .query = 17,
	    .close = 5,
	    .handle_at = 0 },
};

struct caller {
	struct rpc_channel channel;
	int fd;
	struct buf null, open, query; /* Stubs; query and close get the handle that was opened. */
};

struct load {
	const struct server *server;
	struct caller callers[CALLERS_MAX];
};

static void drive(struct caller *c)
{
	struct rpc_channel *ch = &c->channel;

	while (ch->state == CHANNEL_BINDING || (ch->state == CHANNEL_READY && ch->call_count > 0)) {
		uint8_t data[8192];
		ssize_t n;

		if (ch->output.len > 0 &&
		    send(c->fd, ch->output.data, ch->output.len, MSG_NOSIGNAL) != (ssize_t)ch->output.len)
			die("send", 0);
		ch->output.len = 0;
		n = recv(c->fd, data, sizeof(data), 0);
		if (n <= 0)
			die("the server hung up", n);
		rpc_channel_input(ch, data, (size_t)n);
	}
	if (ch->state == CHANNEL_BROKEN)
		die("the connection is broken", ch->error);
}

static struct buf call(struct caller *c, uint16_t opnum, const struct buf *stub)
{
	struct rpc_channel_call call;
	struct buf reply = { 0 };
	int r = rpc_channel_call(&c->channel, &call, opnum, stub->data, stub->len);

	if (r == 0) {
		drive(c);
		r = rpc_channel_take_reply(&c->channel, &call, &reply);
	}
	if (r < 0)
		die("call", r);
	return reply;
}

static void pad(struct buf *b)
{
	buf_append_zeros(b, ALIGN_UP(b->len, (size_t)4) - b->len);
}

static void put_text(struct buf *b, const char *text)
{
	uint32_t units = (uint32_t)strlen(text) + 1;

	buf_u32(b, units);
	buf_u32(b, 0);
	buf_u32(b, units);
	for (uint32_t i = 0; i < units; i++)
		buf_u16(b, (unsigned char)text[i]);
	pad(b);
}

/* As winreg has it. */
static void put_counted_text(struct buf *b, const char *text)
{
	uint16_t bytes = (uint16_t)(2 * (strlen(text) + 1));

	buf_u16(b, bytes);
	buf_u16(b, bytes);
	buf_u32(b, 1);
	put_text(b, text);
}

/* Stubs that are the same each time, with the handle of the root in them. */
static void make_stubs(const struct server *s, struct caller *c)
{
	struct buf ask = { 0 }, root;
	const uint8_t *handle;
	bool samba = !s->status_first;

	if (samba)
		buf_u32(&ask, 0);
	buf_u32(&ask, samba ? MAXIMUM_ALLOWED : KEY_READ);
	root = call(c, s->root, &ask);
	if (root.len < s->handle_at + HANDLE)
		die("the root has no handle", (long)root.len);
	handle = root.data + s->handle_at;
	buf_append(&c->open, handle, HANDLE);
	buf_append_zeros(&c->query, HANDLE);
	if (samba) {
		buf_append(&c->null, handle, HANDLE);
		put_counted_text(&c->open, "SOFTWARE\\Bench");
		buf_u32(&c->open, 0);
		buf_u32(&c->open, KEY_READ);
		put_counted_text(&c->query, "v");
		for (uint32_t i = 0; i < 2; i++)
			buf_u32(&c->query, i == 0); /* type: a pointer, and what is there */
		for (uint32_t i = 0; i < 4; i++)
			buf_u32(&c->query, i == 0 ? 2 : i == 1 ? VALUE_MAX : 0); /* data: a pointer, room, 0, 0 sent */
		buf_u32(&c->query, 3);
		buf_u32(&c->query, VALUE_MAX);
		buf_u32(&c->query, 4);
		buf_u32(&c->query, 0);
	} else {
		put_text(&c->open, "Bench");
		buf_u32(&c->open, KEY_READ);
		put_text(&c->query, "v");
		buf_u32(&c->query, VALUE_MAX);
	}
	buf_done(&ask);
	buf_done(&root);
	if (c->null.error != 0 || c->open.error != 0 || c->query.error != 0)
		die("no memory", 0);
}

static void null_call(void *data, unsigned caller, uint64_t turn)
{
	struct load *l = data;
	struct buf reply = call(&l->callers[caller], l->server->null, &l->callers[caller].null);

	(void)turn;
	buf_done(&reply);
}

static void registry_calls(void *data, unsigned caller, uint64_t turn)
{
	struct load *l = data;
	const struct server *s = l->server;
	struct caller *c = &l->callers[caller];
	struct buf close = { 0 }, reply = call(c, s->open, &c->open);

	(void)turn;
	if (reply.len < s->handle_at + HANDLE || get_le32(reply.data + (s->status_first ? 0 : reply.len - 4)) != 0)
		die("the key cannot be opened", (long)reply.len);
	memcpy(c->query.data, reply.data + s->handle_at, HANDLE);
	buf_append(&close, c->query.data, HANDLE);
	buf_done(&reply);
	reply = call(c, s->query, &c->query);
	if (reply.len < 200 || get_le32(reply.data + reply.len - 4) != 0)
		die("the value cannot be read", (long)reply.len);
	buf_done(&reply);
	reply = call(c, s->close, &close);
	buf_done(&reply);
	buf_done(&close);
}

static void connect_caller(
    const struct server *s, uint16_t port, uint8_t level, const struct ntlm_initiator *initiator, struct caller *c)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	struct rpc_security *security = NULL;
	int one = 1, r = 0;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		die("connect", port);
	if (level != RPC_LEVEL_NONE) {
		r = initiator->provider.make(&initiator->provider, level, &security);
		if (r == 0) {
			security->type = RPC_AUTH_NTLM;
			security->level = level;
			security->context_id = 1;
		}
	}
	if (r == 0)
		r = rpc_channel_init(&c->channel, &s->interface, 0, RPC_FRAGMENT_TCP, security);
	if (r < 0)
		die("bind", r);
	drive(c);
	make_stubs(s, c);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct ntlm_initiator initiator = { .source = &auth_system_source, .domain = { u"", 0 } };
	const char *levels[] = {
		[RPC_LEVEL_NONE] = "none", [RPC_LEVEL_INTEGRITY] = "sign", [RPC_LEVEL_PRIVACY] = "seal"
	};
	unsigned callers = argc == 7 ? (unsigned)strtoul(argv[5], NULL, 10) : 0;
	uint8_t level = UINT8_MAX;

	for (size_t i = 0; argc == 7 && i < ARRAY_SIZE(servers); i++)
		if (strcmp(argv[1], servers[i].name) == 0)
			load.server = &servers[i];
	for (size_t i = 0; argc == 7 && i < ARRAY_SIZE(levels); i++)
		if (levels[i] != NULL && strcmp(argv[3], levels[i]) == 0)
			level = (uint8_t)i;
	if (load.server == NULL || level == UINT8_MAX || callers == 0 || callers > CALLERS_MAX ||
	    (strcmp(argv[4], "null") != 0 && strcmp(argv[4], "registry") != 0)) {
		fprintf(stderr, "usage: see the beginning of bench/rpc.c\n");
		return 2;
	}
	initiator.user = load.server->user;
	ntlm_hash_password((struct u16){ u"Password", 8 }, initiator.hash);
	ntlm_initiator_init(&initiator);
	for (unsigned i = 0; i < callers; i++)
		connect_caller(load.server, (uint16_t)strtoul(argv[2], NULL, 10), level, &initiator, &load.callers[i]);
	callers_run(callers, strtod(argv[6], NULL), strcmp(argv[4], "null") == 0 ? null_call : registry_calls, &load);
	return 0;
}
