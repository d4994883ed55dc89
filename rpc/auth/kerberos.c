/* kerberos: Kerberos 5 as a mechanism of the RPC runtime: what server and client share.
 *
 * Why      in a domain nobody types passwords twice, and a stolen login of one server opens no other.
 * How      MIT's GSSAPI library, the krb5 mechanism only, in the style of DCE: three legs, the last of which proves that the
 *          client knows the ticket's key *now*.  PDUs:
 *
 *              privacy          gss_wrap_iov() over [signature][header][body, in place][trailer]
 *              packet, integrity  gss_get_mic() over the same bytes
 *
 *          Header and trailer are covered if header signing was agreed, else the body alone.
 * Promise  At level packet and above a login has integrity, and detection of replay and of wrong order; at privacy also
 *          confidentiality; else it is refused.  Any "supplementary" word of GSSAPI (old, duplicate, out of order) counts
 *          as failure.
 * Not here a replay cache: a recorded first leg is worth nothing to who cannot answer the second, and its file would be
 *          I/O in the loop.  The acceptor asks no KDC and no name service; it reads its keytab at each login.
 * Threads  one at a time for a connection.     Limits  KERBEROS_TOKEN_MAX, RPC_NAME_MAX bytes of a principal.
 * Source   RFC 4121, MS-KILE 3.4.5.4, MS-RPCE 3.3.1.5.2.2
 * Tests    tests/unit/kerberos.c, tests/fuzz/kerberos.c, tests/interop/rpc_auth.py, domain.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "rpc/auth/kerberos_private.h"
#include <stdio.h>

enum { PART_HEADER, PART_BEFORE, PART_BODY, PART_AFTER, PART_COUNT };

/* One side's words about a status are a list; the first says enough. */
static void describe_one(OM_uint32 status, int type, char *text, size_t size)
{
	OM_uint32 minor, more = 0;
	gss_buffer_desc words = GSS_C_EMPTY_BUFFER;

	text[0] = 0;
	if (gss_display_status(&minor, status, type, GSS_C_NO_OID, &more, &words) == GSS_S_COMPLETE)
		(void)snprintf(text, size, "%.*s", (int)words.length, (const char *)words.value);
	(void)gss_release_buffer(&minor, &words);
}

void kerberos_describe(OM_uint32 major, OM_uint32 minor, char *text, size_t size)
{
	char general[128], special[256];

	describe_one(major, GSS_C_GSS_CODE, general, sizeof(general));
	describe_one(minor, GSS_C_MECH_CODE, special, sizeof(special));
	(void)snprintf(text, size, "%s (%s)", general, special);
}

int kerberos_refuse(struct kerberos *k, const char *what, OM_uint32 major, OM_uint32 minor)
{
	char text[400] = "";

	if (major != GSS_S_COMPLETE)
		kerberos_describe(major, minor, text, sizeof(text));
	trace("kerberos: %s: %s", what, text);
	k->refused = true;
	return ERR_ACCESS_DENIED;
}

/* The parts of a PDU; signature_len bytes of signature, or NULL while only lengths are asked for. */
static void set_parts(const struct rpc_security *s, gss_iov_buffer_desc parts[PART_COUNT], uint8_t *pdu, size_t len,
    size_t body, size_t body_len, uint8_t *signature)
{
	OM_uint32 around = s->header_sign ? GSS_IOV_BUFFER_TYPE_SIGN_ONLY : GSS_IOV_BUFFER_TYPE_EMPTY;
	size_t after = body + body_len;

	parts[PART_HEADER] = (gss_iov_buffer_desc){ GSS_IOV_BUFFER_TYPE_HEADER, { s->signature_len, signature } };
	parts[PART_BEFORE] = (gss_iov_buffer_desc){ around, { s->header_sign ? body : 0, pdu } };
	parts[PART_BODY] = (gss_iov_buffer_desc){ GSS_IOV_BUFFER_TYPE_DATA, { body_len, pdu + body } };
	parts[PART_AFTER] = (gss_iov_buffer_desc){ around, { s->header_sign ? len - after : 0, pdu + after } };
}

static int ask_signature_len(struct kerberos *k)
{
	static uint8_t nothing[16];
	OM_uint32 minor, major;

	if (k->base.level == RPC_LEVEL_PRIVACY) {
		gss_iov_buffer_desc parts[PART_COUNT];

		set_parts(&k->base, parts, nothing, sizeof(nothing), 0, sizeof(nothing), NULL);
		major = gss_wrap_iov_length(&minor, k->context, 1, GSS_C_QOP_DEFAULT, NULL, parts, PART_COUNT);
		k->base.signature_len = parts[PART_HEADER].buffer.length;
	} else {
		gss_iov_buffer_desc parts[] = { { GSS_IOV_BUFFER_TYPE_DATA, { sizeof(nothing), nothing } },
			{ GSS_IOV_BUFFER_TYPE_MIC_TOKEN, { 0, NULL } } };

		major = gss_get_mic_iov_length(&minor, k->context, GSS_C_QOP_DEFAULT, parts, (int)ARRAY_SIZE(parts));
		k->base.signature_len = parts[1].buffer.length;
	}
	if (major != GSS_S_COMPLETE)
		return kerberos_refuse(k, "no length of signatures", major, minor);
	return k->base.signature_len <= RPC_SIGNATURE_MAX ? 0 : -EOVERFLOW;
}

int kerberos_establish(struct kerberos *k, OM_uint32 flags)
{
	OM_uint32 needed = GSS_C_DCE_STYLE | GSS_C_MUTUAL_FLAG;

	if (k->base.level >= RPC_LEVEL_CALL)
		needed |= GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG;
	if (k->base.level == RPC_LEVEL_PRIVACY)
		needed |= GSS_C_CONF_FLAG;
	if ((flags & needed) != needed || (flags & GSS_C_ANON_FLAG))
		return kerberos_refuse(k, "less was agreed than the level needs", GSS_S_COMPLETE, 0);
	k->established = true;
	return ask_signature_len(k);
}

int kerberos_take_token(gss_buffer_t token, struct buf *out)
{
	OM_uint32 minor;

	if (token->length > 0)
		buf_append(out, token->value, token->length);
	(void)gss_release_buffer(&minor, token);
	return out->error;
}

struct kerberos *kerberos_new(uint8_t level, const struct rpc_security_ops *ops)
{
	struct kerberos *k = calloc(1, sizeof(*k));

	if (k != NULL) {
		k->base.ops = ops;
		k->base.type = RPC_AUTH_KERBEROS;
		k->base.level = level;
		k->context = GSS_C_NO_CONTEXT;
		k->credentials = GSS_C_NO_CREDENTIAL;
		k->target = GSS_C_NO_NAME;
	}
	return k;
}

void kerberos_free(struct rpc_security *s)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	OM_uint32 minor;

	(void)gss_delete_sec_context(&minor, &k->context, GSS_C_NO_BUFFER);
	(void)gss_release_cred(&minor, &k->credentials);
	(void)gss_release_name(&minor, &k->target);
	rpc_sids_unref(k->sids);
	free(k);
}

/* What a signature without encryption is over. */
static gss_buffer_desc signed_range(
    const struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len)
{
	return s->header_sign ? (gss_buffer_desc){ len, pdu } : (gss_buffer_desc){ body_len, pdu + body };
}

int kerberos_protect(struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, uint8_t *signature)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	gss_buffer_desc data = signed_range(s, pdu, len, body, body_len), token = GSS_C_EMPTY_BUFFER;
	gss_iov_buffer_desc parts[PART_COUNT];
	OM_uint32 minor, major;
	int sealed = 0;
	bool fits;

	assert(k->established);
	if (s->level == RPC_LEVEL_PRIVACY) {
		set_parts(s, parts, pdu, len, body, body_len, signature);
		major = gss_wrap_iov(&minor, k->context, 1, GSS_C_QOP_DEFAULT, &sealed, parts, PART_COUNT);
		return major == GSS_S_COMPLETE && sealed && parts[PART_HEADER].buffer.length == s->signature_len
			   ? 0
			   : ERR_RPC_S_SEC_PKG_ERROR;
	}
	major = gss_get_mic(&minor, k->context, GSS_C_QOP_DEFAULT, &data, &token);
	fits = major == GSS_S_COMPLETE && token.length == s->signature_len;
	if (fits)
		memcpy(signature, token.value, token.length);
	(void)gss_release_buffer(&minor, &token);
	return fits ? 0 : ERR_RPC_S_SEC_PKG_ERROR;
}

int kerberos_unprotect(
    struct rpc_security *s, uint8_t *pdu, size_t len, size_t body, size_t body_len, const uint8_t *signature)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	gss_buffer_desc data = signed_range(s, pdu, len, body, body_len), token;
	gss_iov_buffer_desc parts[PART_COUNT];
	uint8_t copy[RPC_SIGNATURE_MAX];
	OM_uint32 minor, major;
	int sealed = 0;

	assert(k->established && s->signature_len <= sizeof(copy));
	memcpy(copy, signature, s->signature_len); /* The library writes into it. */
	if (s->level == RPC_LEVEL_PRIVACY) {
		set_parts(s, parts, pdu, len, body, body_len, copy);
		major = gss_unwrap_iov(&minor, k->context, &sealed, NULL, parts, PART_COUNT);
		return major == GSS_S_COMPLETE && sealed ? 0 : ERR_RPC_S_SEC_PKG_ERROR;
	}
	token = (gss_buffer_desc){ s->signature_len, copy };
	major = gss_verify_mic(&minor, k->context, &data, &token, NULL);
	return major == GSS_S_COMPLETE ? 0 : ERR_RPC_S_SEC_PKG_ERROR;
}

int kerberos_sign_list(struct rpc_security *s, const uint8_t *list, size_t len, struct buf *signature)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	gss_buffer_desc data = { len, (void *)list }, token = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major;

	assert(k->established);
	major = gss_get_mic(&minor, k->context, GSS_C_QOP_DEFAULT, &data, &token);
	if (major != GSS_S_COMPLETE)
		return ERR_RPC_S_SEC_PKG_ERROR;
	return kerberos_take_token(&token, signature);
}

int kerberos_check_list(
    struct rpc_security *s, const uint8_t *list, size_t len, const uint8_t *signature, size_t signature_len)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	gss_buffer_desc data = { len, (void *)list }, token = { signature_len, (void *)signature };
	OM_uint32 minor, major;

	assert(k->established);
	major = gss_verify_mic(&minor, k->context, &data, &token, NULL);
	return major == GSS_S_COMPLETE ? 0 : ERR_RPC_S_SEC_PKG_ERROR;
}
