/* ntlm_accept: the server's side of NTLMv2.  What and why: ntlm.c.
 *
 * Note     An account that does not exist is checked all the same, against a hash that nobody has, so that neither the
 *          answer nor its time tells which names exist.
 *          The client's domain is part of the proof; whether it matters is the lookup's business.
 * How      Two may know somebody: the lookup, which is our own accounts, and the authority, which is a domain:
 *
 *              the client says of his domain        his proof is checked
 *              nothing, or this machine's name      here (user@domain: as for anything else)
 *              the authority's name                 there
 *              anything else                        here; if it is wrong, there
 *
 *          Most clients say the first thing that comes to their mind (WORKGROUP, their own machine), so our own accounts must
 *          not care.  Asking the authority takes time: the step is then made twice (RPC_STEP_LATER), and goes on where it was.
 *          All else is the same for both, since the authority gives the key that the proof has made.
 * Threads  one at a time for a connection.     Tests  tests/unit/ntlm.c, tests/fuzz/ntlm.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_private.h"
#include <openssl/crypto.h>

static bool has_authority(const struct ntlm_acceptor *a)
{
	return a->authority != NULL && a->authority->domain.len > 0;
}

static void put_target_info(const struct ntlm_acceptor *a, struct u16 computer, struct buf *b)
{
	uint8_t time[8];

	ntlm_put_name_pair(b, NTLM_PAIR_DOMAIN, has_authority(a) ? a->authority->domain : computer);
	ntlm_put_name_pair(b, NTLM_PAIR_COMPUTER, computer);
	if (a->dns_name.len > 0)
		ntlm_put_name_pair(b, NTLM_PAIR_DNS_COMPUTER, a->dns_name);
	put_le64(time, a->source->filetime(a->source->data));
	ntlm_put_pair(b, NTLM_PAIR_TIME, time, sizeof(time));
	ntlm_put_pair(b, NTLM_PAIR_END, NULL, 0);
}

static void on_answered(struct ntlm_inquiry *q)
{
	struct ntlm *n = container_of(q, struct ntlm, inquiry);

	n->base.ready(n->base.ready_data);
}

/* Whether there is an authority now. */
static int look(struct ntlm *n)
{
	struct ntlm_authority *authority = n->acceptor->authority;

	if (authority == NULL || n->has_looked)
		return 0;
	n->has_looked = true;
	n->inquiry.answered = on_answered;
	return authority->look(authority, &n->inquiry);
}

static int make_challenge(struct ntlm *n, const uint8_t *token, size_t len, struct buf *token_out)
{
	static const uint32_t always = NTLM_UNICODE | NTLM_NTLM | NTLM_EXTENDED | NTLM_TARGET_INFO |
				       NTLM_TARGET_IS_SERVER | NTLM_REQUEST_TARGET,
			      wanted = NTLM_SIGN | NTLM_SEAL | NTLM_ALWAYS_SIGN | NTLM_128 | NTLM_KEY_EXCHANGE |
				       NTLM_VERSION;
	_cleanup_(buf_done) struct buf info = { 0 };
	const struct ntlm_acceptor *a = n->acceptor;
	struct u16 computer;
	uint32_t flags;
	int r;

	if (ntlm_decode_negotiate(token, len, &flags) < 0)
		return -EBADMSG;
	if (!ntlm_flags_suffice(flags, n->base.level))
		return ERR_ACCESS_DENIED;
	r = look(n);
	if (r != 0)
		return r;
	r = a->source->fill_random(a->source->data, n->nonce, sizeof(n->nonce));
	if (r < 0)
		return r;
	n->flags = always | (flags & wanted);
	computer = has_authority(a) ? a->authority->computer : a->computer;
	put_target_info(a, computer, &info);
	if (info.error != 0)
		return info.error;
	buf_append(&n->first, token, len);
	ntlm_put_challenge(&n->challenge, n->flags, n->nonce, computer, &info);
	buf_append(token_out, n->challenge.data, n->challenge.len);
	if (n->first.error != 0 || n->challenge.error != 0 || token_out->error != 0)
		return -ENOMEM;
	n->stage = NTLM_SECOND;
	return 1;
}

/* Whether the client's part of the response says that there is a MIC; -EBADMSG. */
static int says_mic(struct ntlm_part response)
{
	const uint8_t *blob = (const uint8_t *)response.data + NTLM_KEY_SIZE;
	struct cursor c = cursor_make(blob + NTLM_BLOB_HEADER, response.len - NTLM_RESPONSE_LEAST);
	struct ntlm_part value;
	bool has_mic = false;
	uint16_t id;
	int r;

	if (blob[0] != 1 || blob[1] != 1)
		return -EBADMSG;
	while ((r = ntlm_next_pair(&c, &id, &value)) > 0)
		if (id == NTLM_PAIR_FLAGS && value.len == 4)
			has_mic |= get_le32(value.data) & NTLM_PAIR_FLAG_MIC;
	return r < 0 ? r : has_mic;
}

/* The account of that name, or for a name that there is not one whose password nobody knows. */
static int find_account(struct ntlm *n, struct u16 user, struct u16 domain)
{
	const struct ntlm_acceptor *a = n->acceptor;
	int r = a->lookup(a->data, user, domain, &n->account);

	if (r == 0)
		return 0;
	n->account = (struct ntlm_account){ .access = RPC_ACCESS_NONE };
	if (a->source->fill_random(a->source->data, n->account.hash, sizeof(n->account.hash)) < 0)
		return -EIO;
	return r;
}

/* By our own accounts. */
static int check_here(struct ntlm *n, const struct ntlm_proof *p, uint8_t ret_base[NTLM_KEY_SIZE])
{
	const uint8_t *proof = p->response.data;
	const struct ntlm_part parts[] = { { n->nonce, sizeof(n->nonce) },
		{ proof + NTLM_KEY_SIZE, p->response.len - NTLM_KEY_SIZE } };
	uint8_t owner[NTLM_KEY_SIZE], wanted[NTLM_KEY_SIZE];
	int found = find_account(n, p->user, p->domain);
	bool is_right;

	ntlm_owner_key(n->account.hash, p->user, p->domain, owner);
	OPENSSL_cleanse(n->account.hash, sizeof(n->account.hash));
	ntlm_hmac(owner, parts, ARRAY_SIZE(parts), wanted);
	is_right = CRYPTO_memcmp(wanted, proof, sizeof(wanted)) == 0;
	ntlm_hmac(owner, &(struct ntlm_part){ wanted, sizeof(wanted) }, 1, ret_base);
	OPENSSL_cleanse(owner, sizeof(owner));
	return found == 0 && is_right ? 0 : ERR_ACCESS_DENIED;
}

/* What the authority has said.  Guests have no key. */
static int take_answer(struct ntlm *n, uint8_t ret_base[NTLM_KEY_SIZE])
{
	static const uint8_t none[NTLM_KEY_SIZE];
	struct ntlm_inquiry *q = &n->inquiry;

	assert(q->asked == NULL);
	if (q->result < 0)
		return q->result;
	if (q->name[0] == 0 || CRYPTO_memcmp(q->base, none, sizeof(none)) == 0)
		return ERR_ACCESS_DENIED;
	n->account = (struct ntlm_account){ .access = RPC_ACCESS_NONE };
	memcpy(n->account.name, q->name, sizeof(n->account.name));
	memcpy(ret_base, q->base, NTLM_KEY_SIZE);
	return 0;
}

/* 0: the proof is right, and *ret_base is the key that it gives. */
static int check_proof(struct ntlm *n, const struct ntlm_proof *p, uint8_t ret_base[NTLM_KEY_SIZE])
{
	const struct ntlm_acceptor *a = n->acceptor;
	bool is_bare = p->domain.len == 0 && !u16_has_unit(p->user, '@'),
	     is_ours = !has_authority(a) || is_bare || u16_equal(p->domain, a->computer) ||
		       u16_equal(p->domain, a->authority->computer);

	if (n->has_asked)
		return take_answer(n, ret_base);
	if (is_ours || !u16_equal(p->domain, a->authority->domain)) {
		int r = check_here(n, p, ret_base);

		if (r == 0 || is_ours)
			return r;
	}
	n->has_asked = true;
	n->inquiry.answered = on_answered;
	n->inquiry.result = -EAGAIN;
	return a->authority->check(a->authority, &n->inquiry, p);
}

static int check_authenticate(struct ntlm *n, const uint8_t *token, size_t len, uint8_t key[NTLM_KEY_SIZE])
{
	uint8_t base[NTLM_KEY_SIZE], mic[16];
	char16_t user_units[NTLM_NAME_MAX], domain_units[NTLM_NAME_MAX];
	struct ntlm_authenticate m;
	struct ntlm_proof proof = { .nonce = n->nonce };
	int has_mic, r;

	if (ntlm_decode_authenticate(token, len, &m) < 0 || ntlm_take_name(m.user, user_units, &proof.user) < 0 ||
	    ntlm_take_name(m.domain, domain_units, &proof.domain) < 0)
		return -EBADMSG;
	proof.response = m.response;
	(void)u16_to_utf8_buffer(proof.user, n->tried, sizeof(n->tried));
	n->flags &= m.flags | ~(uint32_t)(NTLM_SIGN | NTLM_SEAL | NTLM_128 | NTLM_KEY_EXCHANGE | NTLM_EXTENDED);
	if (proof.user.len == 0 || (m.flags & NTLM_ANONYMOUS) || !ntlm_flags_suffice(n->flags, n->base.level))
		return ERR_ACCESS_DENIED;
	if (m.response.len < NTLM_RESPONSE_LEAST)
		return ERR_ACCESS_DENIED; /* NTLMv1 has 24 bytes. */
	has_mic = says_mic(m.response);
	if (has_mic < 0 || (has_mic && m.mic == NULL))
		return -EBADMSG;
	r = check_proof(n, &proof, base);
	if (r != 0)
		return r;
	if (n->flags & NTLM_KEY_EXCHANGE) {
		if (m.session_key.len != NTLM_KEY_SIZE)
			return -EBADMSG;
		ntlm_rc4(base, m.session_key.data, NTLM_KEY_SIZE, key);
	} else {
		memcpy(key, base, NTLM_KEY_SIZE);
	}
	OPENSSL_cleanse(base, sizeof(base));
	if (has_mic) {
		ntlm_mic(n, key, token, len, mic);
		if (CRYPTO_memcmp(mic, m.mic, sizeof(mic)) != 0)
			return ERR_ACCESS_DENIED;
	}
	return 0;
}

static int accept_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct ntlm *n = container_of(s, struct ntlm, base);
	uint8_t key[NTLM_KEY_SIZE];
	int r = -EPROTO;

	if (n->stage == NTLM_FIRST) {
		r = make_challenge(n, token, len, token_out);
	} else if (n->stage == NTLM_SECOND) {
		r = check_authenticate(n, token, len, key);
		if (r == 0)
			ntlm_establish(n, key, true);
		OPENSSL_cleanse(key, sizeof(key));
	}
	if (r < 0)
		n->stage = NTLM_REFUSED;
	return r;
}

static void identify(struct rpc_security *s, struct rpc_identity *identity)
{
	const struct ntlm *n = container_of(s, struct ntlm, base);
	bool proved = n->stage == NTLM_ESTABLISHED;

	identity->kind = proved && n->has_asked ? RPC_BY_DOMAIN : RPC_BY_NTLM;
	memcpy(identity->name, proved ? n->account.name : n->tried, sizeof(identity->name));
	if (!proved)
		return;
	identity->access = n->account.access;
	identity->sids = rpc_sids_ref(n->inquiry.sids);
}

static int make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = {
		.step = accept_step,
		.identify = identify,
		.protect = ntlm_protect,
		.unprotect = ntlm_unprotect,
		.sign_list = ntlm_sign_list,
		.check_list = ntlm_check_list,
		.free = ntlm_free,
	};
	struct ntlm *n = ntlm_new(level, &ops);

	if (n == NULL)
		return -ENOMEM;
	n->acceptor = container_of(p, struct ntlm_acceptor, provider);
	*ret = &n->base;
	return 0;
}

void ntlm_acceptor_init(struct ntlm_acceptor *a)
{
	assert(a->computer.len > 0 && a->computer.len <= NTLM_NAME_MAX && a->dns_name.len <= NTLM_NAME_MAX);
	a->provider = (struct rpc_security_provider){ .type = RPC_AUTH_NTLM, .make = make };
}
