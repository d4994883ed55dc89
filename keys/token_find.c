/* token_find: a session with the token that a URI means, and objects in it.
 *
 * Why      a PIN that is tried in vain a few times locks the token for everybody; an object that is overlooked stays when it
 *          should go, or is missing in what is saved.
 * How      one token must match; a PIN is tried only if the token says that none was wrong before.  Objects are asked for until
 *          there are no more: a token may show them in parts.
 * Threads  one.  What the library does, and how long it takes, is its business: see priv/keys.c.
 * Source   PKCS #11 (OASIS, 2.40), RFC 7512            Tests  tests/unit/key_token.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/token_find.h"
#include <p11-kit/p11-kit.h>
#include <string.h>

enum { SLOTS_MAX = 64, URI_ATTRIBUTES_MAX = 8 };

static int code_of(CK_RV rv)
{
	switch (rv) {
	case CKR_HOST_MEMORY:
		return -ENOMEM;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		return ERR_INVALID_PASSWORD;
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
	case CKR_USER_PIN_NOT_INITIALIZED:
	case CKR_USER_NOT_LOGGED_IN:
		return ERR_ACCESS_DENIED;
	case CKR_KEY_UNEXTRACTABLE:
	case CKR_KEY_NOT_WRAPPABLE:
		return ERR_NTE_BAD_KEY;
	case CKR_MECHANISM_INVALID:
	case CKR_FUNCTION_NOT_SUPPORTED:
		return ERR_NOT_SUPPORTED;
	case CKR_TOKEN_WRITE_PROTECTED:
		return ERR_WRITE_PROTECT;
	case CKR_DEVICE_MEMORY:
		return ERR_DISK_FULL;
	case CKR_WRAPPED_KEY_INVALID:
	case CKR_WRAPPED_KEY_LEN_RANGE:
		return ERR_INVALID_DATA;
	default:
		return ERR_GEN_FAILURE;
	}
}

int token_fail(struct token_session *s, CK_RV rv, const char *doing)
{
	return error_set(s->error, code_of(rv), "cannot %s: the token of %.200s says: %s", doing, s->token->uri,
	    p11_kit_strerror(rv));
}

static int load(struct token_session *s)
{
	CK_RV rv;

	s->module = p11_kit_module_load(s->token->module, P11_KIT_MODULE_CRITICAL);
	if (s->module == NULL)
		return error_set(s->error, ERR_FILE_NOT_FOUND, "cannot load the PKCS #11 library %.200s: %s",
		    s->token->module, p11_kit_message() != NULL ? p11_kit_message() : "it is none");
	rv = p11_kit_module_initialize(s->module);
	if (rv != CKR_OK)
		return token_fail(s, rv, "use the PKCS #11 library");
	s->initialized = true;
	return 0;
}

/* The one slot with a token that the URI means. */
static int find_slot(struct token_session *s, CK_TOKEN_INFO *ret)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	unsigned found = 0;
	CK_RV rv = s->module->C_GetSlotList(CK_TRUE, slots, &count), failed = CKR_OK;

	if (rv != CKR_OK)
		return token_fail(s, rv, "list the tokens");
	for (CK_ULONG i = 0; i < MIN(count, (CK_ULONG)SLOTS_MAX); i++) {
		CK_TOKEN_INFO info;

		rv = s->module->C_GetTokenInfo(slots[i], &info);
		if (rv != CKR_OK)
			failed = rv;
		if (rv != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
		    p11_kit_uri_match_token_info(s->uri, &info) != 1)
			continue;
		found++;
		s->slot = slots[i];
		*ret = info;
	}
	if (found == 1)
		return 0;
	if (found == 0 && failed != CKR_OK) /* It may be that one. */
		return token_fail(s, failed, "tell the tokens apart");
	return error_set(s->error, found == 0 ? ERR_FILE_NOT_FOUND : ERR_NTE_BAD_KEYSET,
	    "%s token of this node is the one of %.300s", found == 0 ? "no" : "more than one", s->token->uri);
}

static int log_in(struct token_session *s, const CK_TOKEN_INFO *info)
{
	const struct key_token *t = s->token;
	CK_RV rv;

	if ((info->flags & CKF_LOGIN_REQUIRED) == 0)
		return 0;
	if ((info->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
		return error_set(
		    s->error, ERR_NOT_SUPPORTED, "the token of %.300s asks for its PIN on a device of its own", t->uri);
	if (t->pin == NULL)
		return error_set(s->error, ERR_ACCESS_DENIED,
		    "the token of %.300s wants a PIN; pkcs11_pin_file in [checkpoints] of rueda.conf says where it is",
		    t->uri);
	if ((info->flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0)
		return error_set(s->error, ERR_ACCESS_DENIED,
		    "the token of %.300s was given a wrong PIN before, and more of them would lock it; log in once "
		    "with "
		    "the "
		    "right one by other means",
		    t->uri);
	rv = s->module->C_Login(s->session, CKU_USER, (CK_UTF8CHAR_PTR)t->pin, (CK_ULONG)t->pin_len);
	return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? 0 : token_fail(s, rv, "log in");
}

int token_session_begin(struct token_session *s, const struct key_token *t, struct error *error)
{
	CK_TOKEN_INFO info = { 0 };
	CK_RV rv;
	int r;

	*s = (struct token_session){ .token = t, .error = error, .uri = p11_kit_uri_new() };
	if (s->uri == NULL)
		return error_set_code(error, -ENOMEM, "cannot use a token");
	/* Whoever asks has parsed it before; but it may be somebody else's process. */
	r = key_uri_check(t->uri, error);
	if (r == 0 && p11_kit_uri_parse(t->uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, s->uri) != P11_KIT_URI_OK)
		r = error_set_code(error, -ENOMEM, "cannot read a PKCS #11 URI");
	if (r == 0)
		r = load(s);
	if (r == 0)
		r = find_slot(s, &info);
	if (r < 0)
		return r;
	rv = s->module->C_OpenSession(s->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s->session);
	if (rv != CKR_OK)
		return token_fail(s, rv, "open a session");
	s->open = true;
	return log_in(s, &info);
}

void token_session_end(struct token_session *s)
{
	if (s->open)
		(void)s->module->C_CloseSession(s->session); /* And with it go the session's objects. */
	if (s->initialized)
		(void)p11_kit_module_finalize(s->module);
	if (s->module != NULL)
		p11_kit_module_release(s->module);
	p11_kit_uri_free(s->uri);
	*s = (struct token_session){ 0 };
}

int token_objects(
    struct token_session *s, const CK_ATTRIBUTE *attributes, size_t count, CK_OBJECT_HANDLE *ret, size_t max)
{
	CK_OBJECT_HANDLE one_more;
	size_t found = 0;
	CK_ULONG n;
	CK_RV rv = s->module->C_FindObjectsInit(s->session, (CK_ATTRIBUTE_PTR)attributes, (CK_ULONG)count);

	if (rv != CKR_OK)
		return token_fail(s, rv, "look for a key");
	do {
		bool is_full = found == max;

		n = 0;
		rv = s->module->C_FindObjects(
		    s->session, is_full ? &one_more : ret + found, is_full ? 1 : (CK_ULONG)(max - found), &n);
		if (rv == CKR_OK)
			found += (size_t)MIN(n, (CK_ULONG)(max + 1 - found));
	} while (rv == CKR_OK && n > 0 && found <= max);
	(void)s->module->C_FindObjectsFinal(s->session);
	if (rv != CKR_OK)
		return token_fail(s, rv, "look for a key");
	return found > max ? -E2BIG : (int)found;
}

int token_keys(struct token_session *s, CK_OBJECT_HANDLE *ret, size_t max)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_SECRET_KEY };
	CK_ATTRIBUTE all[URI_ATTRIBUTES_MAX + 1];
	CK_ULONG count = 0;
	CK_ATTRIBUTE_PTR said = p11_kit_uri_get_attributes(s->uri, &count), class;
	int found = 0;

	assert(count <= URI_ATTRIBUTES_MAX);
	memcpy(all, said, count * sizeof(*all));
	class = p11_kit_uri_get_attribute(s->uri, CKA_CLASS);
	if (class != NULL)
		return token_objects(s, all, count, ret, max);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		int n;

		all[count] = (CK_ATTRIBUTE){ CKA_CLASS, (void *)&classes[i], sizeof(classes[i]) };
		n = token_objects(s, all, count + 1, ret + found, max - (size_t)found);
		if (n < 0)
			return n;
		found += n;
	}
	return found;
}
