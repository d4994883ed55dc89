/* kerberos_accept: the server's side of Kerberos.  What and why: kerberos.c.
 *
 * Threads  one at a time for a connection.     Tests  tests/unit/kerberos.c, tests/fuzz/kerberos.c, tests/interop/rpc_auth.py, domain.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "rpc/auth/kerberos_private.h"
#include "rpc/auth/pac.h"
#include <gssapi/gssapi_ext.h>
#include <stdio.h>

/* The client's principal, in full. */
static int take_name(struct kerberos *k, gss_name_t name)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss_display_name(&minor, name, &text, NULL);
	bool fits;

	if (major != GSS_S_COMPLETE)
		return kerberos_refuse(k, "the client has no name", major, minor);
	fits = text.length > 0 && text.length < sizeof(k->name) && memchr(text.value, 0, text.length) == NULL;
	if (fits)
		memcpy(k->name, text.value, text.length);
	(void)gss_release_buffer(&minor, &text);
	return fits ? 0 : kerberos_refuse(k, "the client's name is too long", GSS_S_COMPLETE, 0);
}

/* The groups that the domain says the client is in, if it says any.  The library has checked the PAC's signature with the
 * key of the keytab; it keeps back a PAC that has not the right one, as if there were none. */
static int take_groups(struct kerberos *k, gss_name_t name)
{
	static char attribute[] = "urn:mspac:logon-info";
	gss_buffer_desc which = { sizeof(attribute) - 1, attribute }, value = GSS_C_EMPTY_BUFFER,
			shown = GSS_C_EMPTY_BUFFER;
	_cleanup_(buf_done) struct buf sids = { 0 };
	int authenticated = 0, complete = 0, more = -1, r;
	OM_uint32 minor,
	    major = gss_get_name_attribute(&minor, name, &which, &authenticated, &complete, &value, &shown, &more);

	if (major == GSS_S_UNAVAILABLE)
		return 0; /* A KDC that is no domain's. */
	if (major != GSS_S_COMPLETE)
		return kerberos_refuse(k, "the ticket's PAC cannot be read", major, minor);
	r = authenticated ? pac_logon_sids(value.value, value.length, &sids) : ERR_ACCESS_DENIED;
	(void)gss_release_buffer(&minor, &value);
	(void)gss_release_buffer(&minor, &shown);
	if (r == 0)
		r = rpc_sids_new(sids.data, sids.len, &k->sids);
	if (r == -ENOMEM)
		return r;
	return r < 0 ? kerberos_refuse(k, authenticated ? "the PAC is malformed" : "the PAC is not signed with our key",
			   GSS_S_COMPLETE, 0)
		     : 0;
}

static int take_client(struct kerberos *k)
{
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 minor, major;
	int r;

	major = gss_inquire_context(&minor, k->context, &name, NULL, NULL, NULL, NULL, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		return kerberos_refuse(k, "the client has no name", major, minor);
	r = take_name(k, name);
	if (r == 0)
		r = take_groups(k, name);
	(void)gss_release_name(&minor, &name);
	return r;
}

static int accept_leg(struct kerberos *k, const uint8_t *token, size_t len, struct buf *token_out)
{
	gss_buffer_desc in = { len, (void *)token }, out = GSS_C_EMPTY_BUFFER;
	bool is_first = k->context == GSS_C_NO_CONTEXT;
	OM_uint32 ignored, minor, major, flags = 0;
	int r;

	if (k->refused || k->established || len == 0 || len > KERBEROS_TOKEN_MAX)
		return -EPROTO;
	major = gss_accept_sec_context(&minor, &k->context, k->acceptor->credentials, &in, GSS_C_NO_CHANNEL_BINDINGS,
	    NULL, NULL, &out, &flags, NULL, NULL);
	if (major != GSS_S_COMPLETE && major != GSS_S_CONTINUE_NEEDED) {
		(void)gss_release_buffer(
		    &ignored, &out); /* It may be an error message; a refusal has no room for it. */
		return kerberos_refuse(k, "a login is refused", major, minor);
	}
	r = kerberos_take_token(&out, token_out);
	if (r < 0)
		return r;
	if (major == GSS_S_CONTINUE_NEEDED)
		return 1;
	if (is_first) /* Not in the style of DCE: it proves nothing about now. */
		return kerberos_refuse(k, "a login has no third leg", GSS_S_COMPLETE, 0);
	r = take_client(k);
	return r < 0 ? r : kerberos_establish(k, flags);
}

static void identify(struct rpc_security *s, struct rpc_identity *identity)
{
	const struct kerberos *k = container_of(s, struct kerberos, base);

	identity->kind = RPC_BY_KERBEROS;
	memcpy(identity->name, k->name, sizeof(identity->name));
	if (!k->established || k->refused)
		return;
	identity->access = k->acceptor->access(k->acceptor->data, k->name);
	identity->sids = rpc_sids_ref(k->sids);
}

static int accept_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	int r = accept_leg(k, token, len, token_out);

	k->refused |= r < 0; /* For good, whatever it was. */
	return r;
}

static int make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = {
		.step = accept_step,
		.identify = identify,
		.protect = kerberos_protect,
		.unprotect = kerberos_unprotect,
		.sign_list = kerberos_sign_list,
		.check_list = kerberos_check_list,
		.free = kerberos_free,
	};
	struct kerberos *k = kerberos_new(level, &ops);

	if (k == NULL)
		return -ENOMEM;
	k->acceptor = container_of(p, struct kerberos_acceptor, provider);
	*ret = &k->base;
	return 0;
}

int kerberos_acceptor_init(struct kerberos_acceptor *a, const char *keytab, struct error *e)
{
	gss_OID_set_desc only_krb5 = { 1, (gss_OID)gss_mech_krb5 };
	gss_cred_id_t credentials = GSS_C_NO_CREDENTIAL;
	gss_key_value_element_desc elements[] = { { "keytab", keytab }, { "rcache", "none:" } };
	const gss_key_value_set_desc store = { ARRAY_SIZE(elements), elements };
	OM_uint32 minor, major;
	char text[400];

	/* No name: whichever of the keys the client has a ticket for. */
	major = gss_acquire_cred_from(
	    &minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &only_krb5, GSS_C_ACCEPT, &store, &credentials, NULL, NULL);
	if (major != GSS_S_COMPLETE) {
		kerberos_describe(major, minor, text, sizeof(text));
		return error_set(e, ERR_RPC_S_SEC_PKG_ERROR, "the keytab %s cannot be used: %s", keytab, text);
	}
	a->credentials = credentials;
	a->provider = (struct rpc_security_provider){ .type = RPC_AUTH_KERBEROS, .make = make };
	return 0;
}

void kerberos_acceptor_done(struct kerberos_acceptor *a)
{
	gss_cred_id_t credentials = a->credentials;
	OM_uint32 minor;

	(void)gss_release_cred(&minor, &credentials);
	a->credentials = NULL;
}
