/* winbind_helper: the process that asks winbindd, one question for each: `ruedad --as-winbind`.
 *
 * Why      see winbind.c.  What hangs or crashes in here is one login.
 * How      libwbclient is loaded when it is needed: a machine without it has no winbind, and that is all.
 * Promise  Nobody gets in as a guest, with an answer to NTLM version 1 or LM, by what winbindd has remembered of an earlier
 *          login, or as a machine; who is in a group for denials only, neither (as in rpc/auth/pac.c).
 * Note     Whatever winbindd says of a login that is not known to be its own trouble is a refusal, and counts as one.
 * Threads  one.     Tests  tests/interop/winbind.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/winbind_helper.h"
#include "base/error.h"
#include "base/sid.h"
#include "ruedad/serve/winbind_message.h"
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static int read_all(struct buf *b)
{
	ssize_t n;

	do {
		if (b->len > WINBIND_MESSAGE_MAX || buf_reserve(b, 65536) < 0)
			return -E2BIG;
		n = read(STDIN_FILENO, b->data + b->len, 65536);
		b->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return n < 0 ? -errno : 0;
}

static int write_all(const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(STDOUT_FILENO, b->data + at, b->len - at);

		if (n <= 0)
			return -EIO;
		at += (size_t)n;
	}
	return b->error;
}

/* A text of somebody else's, as much of it as may be in a message. */
static struct ntlm_part text_part(const char *text)
{
	size_t len = 0;

	while (text != NULL && len < WINBIND_TEXT_MAX && (unsigned char)text[len] >= ' ' && text[len] != 0x7f)
		len++;
	return (struct ntlm_part){ text, len };
}

static void put(struct buf *out, enum winbind_status status, const char *why)
{
	const struct winbind_answer a = { .status = status, .why = text_part(why) };

	winbind_put_answer(out, &a);
}

#ifdef RUEDA_WBCLIENT
#include <wbclient.h>

struct library {
	__typeof__(wbcInterfaceDetails) *details;
	__typeof__(wbcDomainInfo) *domain;
	__typeof__(wbcAuthenticateUserEx) *authenticate;
	__typeof__(wbcErrorString) *error_string;
};

static bool load(struct library *l)
{
	void *so = dlopen("libwbclient.so.0", RTLD_NOW);

	if (so == NULL)
		return false;
	l->details = (__typeof__(l->details))dlsym(so, "wbcInterfaceDetails");
	l->domain = (__typeof__(l->domain))dlsym(so, "wbcDomainInfo");
	l->authenticate = (__typeof__(l->authenticate))dlsym(so, "wbcAuthenticateUserEx");
	l->error_string = (__typeof__(l->error_string))dlsym(so, "wbcErrorString");
	return l->details != NULL && l->domain != NULL && l->authenticate != NULL && l->error_string != NULL;
}

/* A winbindd that has joined no domain knows the accounts of its own machine alone; those are not meant. */
static void look(const struct library *l, struct buf *out)
{
	struct winbind_answer a = { .status = WINBIND_OK };
	struct wbcInterfaceDetails *details;
	struct wbcDomainInfo *domain;
	wbcErr e = l->details(&details);

	if (e != WBC_ERR_SUCCESS) {
		put(out, WINBIND_ABSENT, l->error_string(e));
		return;
	}
	e = l->domain(details->netbios_domain, &domain);
	if (e != WBC_ERR_SUCCESS) {
		put(out, WINBIND_ABSENT, "this machine is in no domain");
		return;
	}
	a.computer = text_part(details->netbios_name);
	a.domain = text_part(details->netbios_domain);
	winbind_put_answer(out, &a);
}

/* Is it that nobody could say? */
static bool is_trouble(uint32_t status)
{
	// clang-format off
	static const uint32_t troubles[] = {
		0xc0000001, /* UNSUCCESSFUL */			0xc0000017, /* NO_MEMORY */
		0xc0000022, /* ACCESS_DENIED: to winbindd, or to the machine's own account */
		0xc000005e, /* NO_LOGON_SERVERS */		0xc000009a, /* INSUFFICIENT_RESOURCES */
		0xc00000b5, /* IO_TIMEOUT */			0xc00000c4, /* UNEXPECTED_NETWORK_ERROR */
		0xc00000da, /* CANT_ACCESS_DOMAIN_INFO */	0xc00000dc, /* INVALID_SERVER_STATE */
		0xc00000e5, /* INTERNAL_ERROR */		0xc0000133, /* TIME_DIFFERENCE_AT_DC */
		0xc000018a, /* NO_TRUST_LSA_SECRET */		0xc000018b, /* NO_TRUST_SAM_ACCOUNT */
		0xc000018c, /* TRUSTED_DOMAIN_FAILURE */	0xc000018d, /* TRUSTED_RELATIONSHIP_FAILURE */
		0xc000020c, /* CONNECTION_DISCONNECTED */	0xc000020d, /* CONNECTION_RESET */
		0xc0000233, /* DOMAIN_CONTROLLER_NOT_FOUND */	0xc0000236, /* CONNECTION_REFUSED */
		0xc000023c, /* NETWORK_UNREACHABLE */		0xc000023d, /* HOST_UNREACHABLE */
		0xc0020017, /* RPC_SERVER_UNAVAILABLE */
	};
	// clang-format on

	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
		if (status == troubles[i])
			return true;
	return false;
}

static void put_error(const struct library *l, wbcErr e, const struct wbcAuthErrorInfo *error, struct buf *out)
{
	struct wbcInterfaceDetails *details;

	if (e == WBC_ERR_AUTH_ERROR && error != NULL)
		put(out, is_trouble(error->nt_status) ? WINBIND_FAILED : WINBIND_DENIED, error->nt_string);
	else if (e == WBC_ERR_WINBIND_NOT_AVAILABLE && l->details(&details) == WBC_ERR_SUCCESS)
		put(out, WINBIND_FORBIDDEN, NULL); /* It answers everybody, but not that question. */
	else
		put(out, e == WBC_ERR_WINBIND_NOT_AVAILABLE ? WINBIND_ABSENT : WINBIND_FAILED, l->error_string(e));
}

/* The user and his primary group stand first, and have no attributes.  false: he is in a group for denials only. */
static bool put_sids(const struct wbcAuthUserInfo *info, struct buf *sids)
{
	for (uint32_t i = 0; i < info->num_sids; i++) {
		const struct wbcDomainSid *s = &info->sids[i].sid;
		uint32_t attributes = info->sids[i].attributes;
		struct sid sid = { { s->sid_rev_num, 0 } };

		if ((attributes & WBC_SID_ATTR_GROUP_USEFOR_DENY_ONLY) != 0)
			return false;
		if (i > 1 && (attributes & WBC_SID_ATTR_GROUP_ENABLED) == 0)
			continue;
		memcpy(sid.bytes + 2, s->id_auth, 6);
		for (unsigned j = 0; j < s->num_auths; j++)
			if (!sid_append(&sid, s->sub_auths[j]))
				return false;
		buf_append(sids, sid.bytes, sid_len(&sid));
	}
	return true;
}

static void put_user(const struct wbcAuthUserInfo *info, struct buf *out)
{
	static const uint32_t refused_flags = WBC_AUTH_USER_INFO_GUEST | WBC_AUTH_USER_INFO_CACHED_ACCOUNT |
					      WBC_AUTH_USER_INFO_USED_LM_PASSWORD |
					      WBC_AUTH_USER_INFO_SERVER_TRUST_ACCOUNT,
			      refused_kinds = WBC_ACB_DOMTRUST | WBC_ACB_WSTRUST | WBC_ACB_SVRTRUST;
	_cleanup_(buf_done) struct buf sids = { 0 };
	struct winbind_answer a = { .status = WINBIND_OK, .key = info->user_session_key };
	char name[2 * WINBIND_TEXT_MAX];
	int len;

	if ((info->user_flags & refused_flags) != 0 || (info->acct_flags & refused_kinds) != 0 ||
	    info->account_name == NULL || info->account_name[0] == 0 || info->domain_name == NULL) {
		put(out, WINBIND_DENIED, "a guest, a machine, or a login that the domain did not check now");
		return;
	}
	len = snprintf(name, sizeof(name), "%s\\%s", info->domain_name, info->account_name);
	a.name = text_part(name);
	if (len < 0 || a.name.len != (size_t)len || !put_sids(info, &sids)) {
		put(out, WINBIND_DENIED, "a name that is too long, or groups that are for denials only");
		return;
	}
	a.sids = (struct ntlm_part){ sids.data, sids.len };
	if (sids.error != 0)
		put(out, WINBIND_FAILED, error_text(sids.error));
	else
		winbind_put_answer(out, &a);
}

static void check(const struct library *l, const struct winbind_question *q, struct buf *out)
{
	char user[WINBIND_TEXT_MAX + 1] = "", domain[WINBIND_TEXT_MAX + 1] = "";
	struct wbcAuthUserParams params = {
		.account_name = user, .domain_name = domain, .level = WBC_AUTH_USER_LEVEL_RESPONSE
	};
	struct wbcAuthErrorInfo *error = NULL;
	struct wbcAuthUserInfo *info = NULL;
	wbcErr e;

	memcpy(user, q->user.data, q->user.len);
	memcpy(domain, q->domain.data, q->domain.len);
	memcpy(params.password.response.challenge, q->nonce, NTLM_NONCE_SIZE);
	params.password.response.nt_length = (uint32_t)q->response.len;
	params.password.response.nt_data = (uint8_t *)q->response.data;
	e = l->authenticate(&params, &info, &error);
	if (e != WBC_ERR_SUCCESS)
		put_error(l, e, error, out);
	else
		put_user(info, out);
}

static void ask(const struct winbind_question *q, struct buf *out)
{
	struct library l;

	if (!load(&l))
		put(out, WINBIND_ABSENT, "libwbclient is not installed");
	else if (q->kind == WINBIND_LOOK)
		look(&l, out);
	else
		check(&l, q, out);
}
#else
static void ask(const struct winbind_question *q, struct buf *out)
{
	put(out, WINBIND_ABSENT, "this build of Rueda knows no winbind");
}
#endif

int winbind_helper_main(void)
{
	_cleanup_(buf_done) struct buf in = { 0 }, out = { 0 };
	struct winbind_question q;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* It is told a key. */
	if (read_all(&in) < 0 || winbind_take_question(in.data, in.len, &q) < 0)
		return 2;
	ask(&q, &out);
	return out.error == 0 && write_all(&out) == 0 ? 0 : 1;
}
