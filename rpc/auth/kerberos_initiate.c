/* kerberos_initiate: the client's side of Kerberos.  What and why: kerberos.c.
 *
 * Errors   those that the user can do something about have codes of their own; all others are ERR_ACCESS_DENIED.  What the
 *          server thinks of the ticket it keeps to itself: that is ERR_ACCESS_DENIED, too, and its log knows more.
 * Threads  one at a time for a connection; it may block.
 * Tests    tests/unit/kerberos.c, tests/fuzz/kerberos.c, tests/interop/rpc_auth.py, tests/integration/kerberos.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/kerberos_private.h"
#include <gssapi/gssapi_ext.h>
#include <krb5.h>
#include <stdio.h>

/* What MIT's library says, in the words of Windows. */
static int client_error(OM_uint32 major, OM_uint32 minor)
{
	if (GSS_ROUTINE_ERROR(major) == GSS_S_CREDENTIALS_EXPIRED || GSS_ROUTINE_ERROR(major) == GSS_S_NO_CRED)
		return ERR_NO_SUCH_LOGON_SESSION;
	switch ((krb5_error_code)minor) {
	case KRB5_CC_NOTFOUND:
	case KRB5_FCC_NOFILE:
	case KRB5KRB_AP_ERR_TKT_EXPIRED:
		return ERR_NO_SUCH_LOGON_SESSION;
	case KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN:
		return ERR_WRONG_TARGET_NAME;
	case KRB5KRB_AP_ERR_SKEW:
	case KRB5KRB_AP_ERR_TKT_NYV:
		return ERR_TIME_SKEW;
	case KRB5_KDC_UNREACH:
	case KRB5_REALM_CANT_RESOLVE:
	case KRB5_REALM_UNKNOWN:
		return ERR_NO_LOGON_SERVERS;
	default:
		return ERR_ACCESS_DENIED;
	}
}

static int refuse(struct kerberos *k, const char *what, OM_uint32 major, OM_uint32 minor)
{
	(void)kerberos_refuse(k, what, major, minor);
	return client_error(major, minor);
}

/* The server's name, and the tickets to go there with. */
static int begin(struct kerberos *k)
{
	const struct kerberos_initiator *i = k->initiator;
	gss_OID_set_desc only_krb5 = { 1, (gss_OID)gss_mech_krb5 };
	gss_key_value_element_desc cache = { "ccache", i->cache };
	const gss_key_value_set_desc store = { i->cache != NULL ? 1 : 0, &cache };
	gss_buffer_desc text;
	OM_uint32 minor, major;
	char name[512];
	int len = snprintf(name, sizeof(name), "%s@%s", i->service, i->host);

	if (len < 0 || (size_t)len >= sizeof(name))
		return -ENAMETOOLONG;
	text = (gss_buffer_desc){ (size_t)len, name };
	major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &k->target);
	if (major == GSS_S_COMPLETE)
		major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &only_krb5, GSS_C_INITIATE,
		    &store, &k->credentials, NULL, NULL);
	return major == GSS_S_COMPLETE ? 0 : refuse(k, "there is no ticket", major, minor);
}

static int initiate_leg(struct kerberos *k, const uint8_t *token, size_t len, struct buf *token_out)
{
	gss_buffer_desc in = { len, (void *)token }, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 wanted = GSS_C_DCE_STYLE | GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG |
			   GSS_C_INTEG_FLAG | (k->base.level == RPC_LEVEL_PRIVACY ? GSS_C_CONF_FLAG : 0);
	OM_uint32 minor, major, flags = 0, ignored;
	int r = 0;

	if (k->refused || k->established || len > KERBEROS_TOKEN_MAX || (len == 0 && k->context != GSS_C_NO_CONTEXT))
		return -EPROTO;
	if (k->target == GSS_C_NO_NAME)
		r = begin(k);
	if (r < 0)
		return r;
	major = gss_init_sec_context(&minor, k->credentials, &k->context, k->target, (gss_OID)gss_mech_krb5, wanted,
	    GSS_C_INDEFINITE, GSS_C_NO_CHANNEL_BINDINGS, &in, NULL, &out, &flags, NULL);
	if (major != GSS_S_COMPLETE && major != GSS_S_CONTINUE_NEEDED) {
		(void)gss_release_buffer(&ignored, &out);
		return refuse(k, "cannot log in", major, minor);
	}
	r = kerberos_take_token(&out, token_out);
	if (r < 0)
		return r;
	return major == GSS_S_CONTINUE_NEEDED ? 1 : kerberos_establish(k, flags);
}

static int initiate_step(struct rpc_security *s, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct kerberos *k = container_of(s, struct kerberos, base);
	int r = initiate_leg(k, token, len, token_out);

	k->refused |= r < 0; /* For good, whatever it was. */
	return r;
}

static int make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = {
		.step = initiate_step,
		.protect = kerberos_protect,
		.unprotect = kerberos_unprotect,
		.sign_list = kerberos_sign_list,
		.check_list = kerberos_check_list,
		.free = kerberos_free,
	};
	struct kerberos *k = kerberos_new(level, &ops);

	if (k == NULL)
		return -ENOMEM;
	k->initiator = container_of(p, struct kerberos_initiator, provider);
	*ret = &k->base;
	return 0;
}

void kerberos_initiator_init(struct kerberos_initiator *i)
{
	assert(i->service != NULL && i->host != NULL);
	i->provider = (struct rpc_security_provider){ .type = RPC_AUTH_KERBEROS, .make = make };
}
