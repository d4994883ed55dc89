/* ticket: a service's key and a client's ticket for it, which no KDC made.
 *
 * Why      a login by Kerberos needs two sides that share a key; with them in one process, unit tests and fuzz targets
 *          have whole logins, without a KDC, a network or root.
 * How      what a KDC would do: a session key for the two, put into an EncTicketPart, which is encrypted with the service's
 *          key.  The library writes DER for itself alone, so the few elements are written here.  KRB5_CONFIG becomes a
 *          file that forbids every name service.
 *
 *              Ticket [1]        version 5, realm, service, { etype, cipher }
 *              EncTicketPart [3] flags, key, realm, client, transited, authtime, endtime
 *
 * Threads  one, before there are others.     Source  RFC 4120 5.2, 5.3     Tests  tests/unit/kerberos.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/ticket.h"
#include "base/bytes.h"
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define REALM "RUEDA.TEST"

const char ticket_keytab[] = "MEMORY:rueda-test", ticket_principal[] = "alice@" REALM;
const char ticket_service[] = "MSServerClusterMgmtAPI", ticket_host[] = "node1.rueda.test";

enum {
	INTEGER = 0x02,
	BITS = 0x03,
	OCTETS = 0x04,
	TIME = 0x18,
	STRING = 0x1b,
	SEQUENCE = 0x30,
	APPLICATION = 0x60,
	NUMBERED = 0xa0
};
enum { USAGE_TICKET = 2, FLAG_INITIAL = 0x00400000 };

static void must(krb5_error_code r)
{
	if (r != 0) {
		(void)fprintf(stderr, "ticket: libkrb5 says %d\n", (int)r);
		abort();
	}
}

/* A header in front of what has been put since start. */
static void wrap(struct buf *b, size_t start, unsigned tag)
{
	size_t len = b->len - start;
	uint8_t header[4] = { (uint8_t)tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len };

	assert(len <= UINT16_MAX);
	if (len < 0x80)
		header[1] = (uint8_t)len;
	else if (len < 0x100)
		header[1] = 0x81, header[2] = (uint8_t)len;
	len = len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
	buf_append_zeros(b, len);
	assert(b->error == 0);
	memmove(b->data + start + len, b->data + start, b->len - len - start);
	memcpy(b->data + start, header, len);
}

/* [number] { tag value }; number -1: the value alone. */
static void put(struct buf *b, int number, unsigned tag, const void *data, size_t len)
{
	size_t start = b->len;

	buf_append(b, data, len);
	wrap(b, start, tag);
	if (number >= 0)
		wrap(b, start, NUMBERED + (unsigned)number);
}

static void put_number(struct buf *b, int number, int value)
{
	uint8_t byte = (uint8_t)value;

	assert(value >= 0 && value < 0x80);
	put(b, number, INTEGER, &byte, 1);
}

static void put_time(struct buf *b, int number, time_t t)
{
	char text[20];
	struct tm tm;

	assert(gmtime_r(&t, &tm) != NULL && strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) == 15);
	put(b, number, TIME, text, 15);
}

/* The realm at `number`, the name behind it. */
static void put_principal(struct buf *b, int number, krb5_const_principal p)
{
	size_t start, list;

	put(b, number, STRING, p->realm.data, p->realm.length);
	start = b->len;
	put_number(b, 0, p->type);
	list = b->len;
	for (int i = 0; i < p->length; i++)
		put(b, -1, STRING, p->data[i].data, p->data[i].length);
	wrap(b, list, SEQUENCE);
	wrap(b, list, NUMBERED + 1);
	wrap(b, start, SEQUENCE);
	wrap(b, start, NUMBERED + (unsigned)number + 1);
}

static void put_inside(struct buf *b, const krb5_creds *c)
{
	uint8_t flags[5] = { 0, FLAG_INITIAL >> 24, (FLAG_INITIAL >> 16) & 0xff };
	size_t start;

	put(b, 0, BITS, flags, sizeof(flags));
	start = b->len;
	put_number(b, 0, c->keyblock.enctype);
	put(b, 1, OCTETS, c->keyblock.contents, c->keyblock.length);
	wrap(b, start, SEQUENCE);
	wrap(b, start, NUMBERED + 1);
	put_principal(b, 2, c->client);
	start = b->len;
	put_number(b, 0, 0);
	put(b, 1, OCTETS, "", 0);
	wrap(b, start, SEQUENCE);
	wrap(b, start, NUMBERED + 4);
	put_time(b, 5, c->times.authtime);
	put_time(b, 7, c->times.endtime);
	wrap(b, 0, SEQUENCE);
	wrap(b, 0, APPLICATION + 3);
}

static void put_ticket(krb5_context k, struct buf *b, const krb5_creds *c, const krb5_keyblock *key)
{
	_cleanup_(buf_done) struct buf inside = { 0 };
	krb5_enc_data sealed = { .enctype = key->enctype };
	krb5_data plain;
	size_t start, len;

	put_inside(&inside, c);
	plain = (krb5_data){ .length = (unsigned)inside.len, .data = (char *)inside.data };
	must(krb5_c_encrypt_length(k, key->enctype, inside.len, &len));
	sealed.ciphertext = (krb5_data){ .length = (unsigned)len, .data = malloc(len) };
	must(sealed.ciphertext.data == NULL ? ENOMEM : krb5_c_encrypt(k, key, USAGE_TICKET, NULL, &plain, &sealed));
	put_number(b, 0, 5);
	put_principal(b, 1, c->server);
	start = b->len;
	put_number(b, 0, key->enctype);
	put(b, 2, OCTETS, sealed.ciphertext.data, sealed.ciphertext.length);
	wrap(b, start, SEQUENCE);
	wrap(b, start, NUMBERED + 3);
	wrap(b, 0, SEQUENCE);
	wrap(b, 0, APPLICATION + 1);
	free(sealed.ciphertext.data);
}

/* No file of this machine, and no name service. */
static void set_config(void)
{
	static const char text[] = "[libdefaults]\n\tdefault_realm = " REALM "\n\tdns_canonicalize_hostname = false\n"
				   "\tdns_lookup_kdc = false\n\tdns_lookup_realm = false\n\trdns = false\n"
				   "[domain_realm]\n\trueda.test = " REALM "\n";
	static char path[64];
	int fd;

	if (path[0] != 0)
		return;
	fd = memfd_create("krb5.conf", 0);
	assert(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert(setenv("KRB5_CONFIG", path, 1) == 0);
}

static void make_keytab(krb5_context k, krb5_principal service, krb5_keytab_entry *ret)
{
	krb5_keytab keytab;

	*ret = (krb5_keytab_entry){ .principal = service, .vno = 1 };
	must(krb5_kt_resolve(k, ticket_keytab, &keytab));
	if (krb5_kt_get_entry(k, keytab, service, 0, 0, ret) != 0) {
		must(krb5_c_make_random_key(k, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &ret->key));
		must(krb5_kt_add_entry(k, keytab, ret));
	}
	/* Not closed: the last reference would take the keytab along. */
}

void ticket_make(const char *cache, int seconds)
{
	_cleanup_(buf_done) struct buf ticket = { 0 };
	krb5_context k;
	krb5_creds c = { 0 };
	krb5_keytab_entry entry;
	krb5_ccache cc;
	time_t now = time(NULL);

	set_config();
	must(krb5_init_context(&k));
	must(krb5_parse_name(k, ticket_principal, &c.client));
	must(krb5_build_principal(k, &c.server, strlen(REALM), REALM, ticket_service, ticket_host, NULL));
	make_keytab(k, c.server, &entry);
	must(krb5_c_make_random_key(k, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &c.keyblock));
	c.times.authtime = c.times.starttime = (krb5_timestamp)(now - 86400);
	c.times.endtime = (krb5_timestamp)(now + seconds);
	c.ticket_flags = FLAG_INITIAL;
	put_ticket(k, &ticket, &c, &entry.key);
	c.ticket = (krb5_data){ .length = (unsigned)ticket.len, .data = (char *)ticket.data };
	must(krb5_cc_resolve(k, cache, &cc));
	must(krb5_cc_initialize(k, cc, c.client));
	must(krb5_cc_store_cred(k, cc, &c));
	must(krb5_cc_close(k, cc));
	c.ticket = (krb5_data){ 0 };
	krb5_free_keyblock_contents(k, &entry.key);
	if (entry.principal != c.server)
		krb5_free_principal(k, entry.principal);
	krb5_free_cred_contents(k, &c);
	krb5_free_context(k);
}

static enum rpc_access access_of(void *data, const char *principal)
{
	return strcmp(principal, ticket_principal) == 0 ? RPC_ACCESS_ALL : RPC_ACCESS_NONE;
}

void ticket_acceptor(struct kerberos_acceptor *a)
{
	struct error e = { 0 };

	*a = (struct kerberos_acceptor){ .access = access_of };
	if (kerberos_acceptor_init(a, ticket_keytab, &e) < 0)
		abort();
}

struct kerberos_initiator ticket_initiator(const char *cache)
{
	struct kerberos_initiator i = { .service = ticket_service, .host = ticket_host, .cache = cache };

	kerberos_initiator_init(&i);
	return i;
}
