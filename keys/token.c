/* token: keys in PKCS #11 tokens: taken wrapped, and put back.
 *
 * Why      a key that an application keeps in a token (a library that needs no hardware, most often) has to follow its
 *          resource.  The token lets it out only wrapped under another key, which is all that we ask for.
 * How
 *             take  wrapping key → a session object;  C_WrapKey (CKM_AES_KEY_WRAP_PAD);  attributes of the key, and of the
 *                   public keys and certificates that have its CKA_ID
 *             put   the same is taken first: if that is what is to be there, nothing is done
 *                   C_UnwrapKey to a new key, C_CreateObject of what goes with it, then what was there before is removed
 *
 *          A token has no transactions, so the order of these says what is there in between.  Where there is an old key, the
 *          new one comes first and the old one goes last; where there is none, left-overs go first and the new one comes last.
 *          So there is exactly one key of the name only while all that belongs to it, and nothing else, is there.
 * Promise  the key is never in the clear outside the token.  What is taken is whole.  Interrupted or failing at any call while
 *          it is put back, the old key or the new one is there, whole; or both, which is told apart from one: it is
 *          never taken (ERR_NTE_BAD_KEYSET), and putting back again makes it one.  The old one goes only after the token
 *          has said that it has the new one.
 * Not kept what the token says that it has done and has not, also after a power loss (SoftHSM syncs nothing): the next putting
 *          back finds it.  Handles that applications have to the old key; attributes that PKCS #11 does not let be set (where it was made,
 *          whether it was always sensitive), certificates' being trusted.
 * Fallback none: a token that cannot wrap in this way, or not with a key that we give it, is told so (ERR_NOT_SUPPORTED).
 * Threads  one: it is done in a process of its own, priv/keys.c.     Limits  object.h
 * Source   PKCS #11 (OASIS, 2.40), RFC 5649
 * Design   docs/design/crypto-checkpoints.md         Tests  tests/unit/key_token.c, tests/crash/token.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/token.h"
#include "keys/object.h"
#include "keys/token_find.h"
#include <p11-kit/pkcs11.h>
#include <string.h>

enum { SAME_NAME_MAX = 64 };

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* Says nothing of what the token can do. */
static bool is_trouble(CK_RV rv)
{
	return rv == CKR_HOST_MEMORY || rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED ||
	       rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_MEMORY || rv == CKR_DEVICE_REMOVED ||
	       rv == CKR_SESSION_CLOSED || rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_TOKEN_NOT_PRESENT;
}

/* The wrapping key, as an object of the session. */
static int make_wrapping_key(struct token_session *s, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_ATTRIBUTE attributes[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_VALUE, (void *)s->token->wrapping, SEAL_KEY_LEN },
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_WRAP, &yes, sizeof(yes) },
		{ CKA_UNWRAP, &yes, sizeof(yes) },
	};
	CK_MECHANISM_INFO info;
	CK_RV rv = s->module->C_GetMechanismInfo(s->slot, CKM_AES_KEY_WRAP_PAD, &info);

	if (rv == CKR_OK && ((info.flags & CKF_WRAP) == 0 || (info.flags & CKF_UNWRAP) == 0))
		rv = CKR_MECHANISM_INVALID;
	if (rv == CKR_OK)
		rv = s->module->C_CreateObject(s->session, attributes, ARRAY_SIZE(attributes), ret);
	if (rv == CKR_OK)
		return 0;
	if (is_trouble(rv))
		return token_fail(s, rv, "use the token");
	return error_set(s->error, ERR_NOT_SUPPORTED,
	    "the token of %.300s cannot wrap keys as a checkpoint needs it (CKM_AES_KEY_WRAP_PAD)", s->token->uri);
}

/* Attributes. */

/* Fill in; *ret_has is false if the object has no such attribute, or an empty one. */
static int get(struct token_session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, bool *ret_has)
{
	CK_RV rv = s->module->C_GetAttributeValue(s->session, object, a, 1);

	if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE)
		return token_fail(s, rv, "read what belongs to a key"); /* It may have it, and must not lose it. */
	*ret_has = rv == CKR_OK && a->ulValueLen != CK_UNAVAILABLE_INFORMATION && a->ulValueLen > 0;
	return 0;
}

static int get_flag(struct token_session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool *ret)
{
	CK_BBOOL flag = CK_FALSE;
	CK_ATTRIBUTE a = { type, &flag, sizeof(flag) };
	bool has;
	int r = get(s, object, &a, &has);

	if (r == 0)
		*ret = has && flag != CK_FALSE;
	return r;
}

static int get_bytes(struct token_session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *out)
{
	CK_ATTRIBUTE a = { .type = type };
	size_t before = out->len;
	bool has;
	int r = get(s, object, &a, &has);

	if (r < 0 || !has)
		return r;
	if (a.ulValueLen > KEY_ATTRIBUTE_LEN_MAX)
		return error_set(s->error, ERR_NOT_SUPPORTED,
		    "something that belongs to the key of %.300s has more than %d bytes", s->token->uri,
		    KEY_ATTRIBUTE_LEN_MAX);
	buf_append_zeros(out, a.ulValueLen);
	if (out->error < 0)
		return error_set_code(s->error, out->error, "cannot take a key out of a token");
	a.pValue = out->data + before;
	r = get(s, object, &a, &has);
	out->len = r == 0 && has ? before + MIN(a.ulValueLen, (CK_ULONG)(out->len - before)) : before;
	return r;
}

/* One attribute's value at the end of out, in the form of the format; nothing, if the object has none. */
static int read_attribute(
    struct token_session *s, CK_OBJECT_HANDLE object, const struct key_attribute_kind *kind, struct buf *out)
{
	CK_ULONG number;
	CK_BBOOL flag;
	CK_ATTRIBUTE a = { kind->type, &flag, sizeof(flag) };
	bool has;
	int r;

	if (kind->form == KEY_BYTES)
		return get_bytes(s, object, kind->type, out);
	if (kind->form == KEY_NUMBER)
		a = (CK_ATTRIBUTE){ kind->type, &number, sizeof(number) };
	r = get(s, object, &a, &has);
	if (r < 0 || !has)
		return r;
	if (kind->form == KEY_FLAG)
		buf_u8(out, flag != CK_FALSE);
	else
		buf_u64(out, number);
	return out->error < 0 ? error_set_code(s->error, out->error, "cannot take a key out of a token") : 0;
}

/* Values lie in *values, which may move until all are there: their places are offsets until then. */
static int write_object(struct token_session *s, CK_OBJECT_HANDLE object, bool is_key, const uint8_t *wrapped,
    size_t wrapped_len, struct buf *out)
{
	_cleanup_(buf_done) struct buf values = { 0 };
	struct key_object o = { .wrapped = wrapped, .wrapped_len = wrapped_len };
	size_t at[KEY_ATTRIBUTES_MAX];

	for (size_t i = 0; i < key_attribute_kind_count; i++) {
		const struct key_attribute_kind *kind = &key_attribute_kinds[i];
		size_t before = values.len;
		int r;

		/* Of the key nothing is asked for that is the key. */
		if (is_key && kind->type == CKA_VALUE)
			continue;
		r = read_attribute(s, object, kind, &values);
		if (r < 0)
			return r;
		if (values.len == before)
			continue;
		at[o.count] = before;
		o.attributes[o.count++] = (struct key_attribute){ .kind = kind, .len = values.len - before };
	}
	for (size_t i = 0; i < o.count; i++)
		o.attributes[i].bytes = values.data + at[i];
	key_object_write(&o, out);
	return out->error < 0 ? error_set_code(s->error, out->error, "cannot take a key out of a token") : 0;
}

/* As the token wants them; values are borrowed from the object, numbers lie in *numbers. */
static size_t make_template(const struct key_object *o, CK_ATTRIBUTE *ret, CK_ULONG *numbers)
{
	size_t count = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct key_attribute *a = &o->attributes[i];

		if (a->kind->form == KEY_NUMBER) {
			numbers[i] = (CK_ULONG)get_le64(a->bytes);
			ret[count++] = (CK_ATTRIBUTE){ a->kind->type, &numbers[i], sizeof(numbers[i]) };
		} else {
			ret[count++] = (CK_ATTRIBUTE){ a->kind->type, (void *)a->bytes, (CK_ULONG)a->len };
		}
	}
	return count;
}

/* Taking. */

static int wrap(struct token_session *s, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key, struct buf *out)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_WRAP_PAD };
	CK_ULONG len = 0;
	CK_RV rv;
	bool may_leave = false, wants_trusted = false;
	int r = get_flag(s, key, CKA_EXTRACTABLE, &may_leave);

	if (r == 0)
		r = get_flag(s, key, CKA_WRAP_WITH_TRUSTED, &wants_trusted);
	if (r < 0)
		return r;
	if (!may_leave || wants_trusted)
		return error_set(s->error, ERR_NTE_BAD_KEY, "the key of %.300s may not leave its token", s->token->uri);
	rv = s->module->C_WrapKey(s->session, &mechanism, wrapping, key, NULL, &len);
	if (rv == CKR_OK && len > KEY_WRAPPED_MAX)
		rv = CKR_KEY_SIZE_RANGE;
	if (rv == CKR_OK) {
		buf_append_zeros(out, len);
		if (out->error < 0)
			return error_set_code(s->error, out->error, "cannot take a key out of a token");
		rv = s->module->C_WrapKey(s->session, &mechanism, wrapping, key, out->data, &len);
		out->len = len;
	}
	return rv == CKR_OK ? 0 : token_fail(s, rv, "take the key out, wrapped");
}

static int compare_bufs(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	int order = memcmp(x->data, y->data, MIN(x->len, y->len));

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* The public keys and certificates of a key, in an order that does not depend on the token's. */
static int take_companions(struct token_session *s, CK_OBJECT_HANDLE key, struct buf *content)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PUBLIC_KEY, CKO_CERTIFICATE };
	_cleanup_(buf_done) struct buf id = { 0 };
	struct buf written[KEY_OBJECTS_MAX] = { 0 };
	int count = 0, r = get_bytes(s, key, CKA_ID, &id);

	if (r < 0 || id.len == 0)
		return r; /* Without one nothing can belong to it. */
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(classes); i++) {
		CK_ATTRIBUTE wanted[] = { { CKA_CLASS, (void *)&classes[i], sizeof(classes[i]) },
			{ CKA_ID, id.data, id.len } };
		CK_OBJECT_HANDLE found[KEY_OBJECTS_MAX];

		r = token_objects(s, wanted, ARRAY_SIZE(wanted), found, (size_t)(KEY_OBJECTS_MAX - 1 - count));
		if (r == -E2BIG)
			r = error_set(s->error, ERR_NOT_SUPPORTED,
			    "more than %d public keys and certificates belong to the key of %.300s",
			    KEY_OBJECTS_MAX - 1, s->token->uri);
		for (int k = 0, n = r; r >= 0 && k < n; k++)
			r = write_object(s, found[k], false, NULL, 0, &written[count++]);
	}
	if (r >= 0)
		qsort(written, (size_t)count, sizeof(*written), compare_bufs);
	for (int i = 0; i < count; i++) {
		if (r >= 0)
			buf_append(content, written[i].data, written[i].len);
		buf_done(&written[i]);
	}
	return r < 0 ? r : content->error;
}

static int take_key(struct token_session *s, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key, struct buf *content)
{
	_cleanup_(buf_done) struct buf wrapped = { 0 };
	int r = wrap(s, wrapping, key, &wrapped);

	if (r == 0)
		r = write_object(s, key, true, wrapped.data, wrapped.len, content);
	if (r == 0)
		r = take_companions(s, key, content);
	return r;
}

static int take(struct token_session *s, struct buf *content)
{
	CK_OBJECT_HANDLE key, wrapping;
	int found = token_keys(s, &key, 1), r;

	if (found == 0 || found == -E2BIG)
		return error_set(s->error, ERR_NTE_BAD_KEYSET, "there is %s key as in %.300s",
		    found == 0 ? "no" : "more than one", s->token->uri);
	r = found < 0 ? found : make_wrapping_key(s, &wrapping);
	return r < 0 ? r : take_key(s, wrapping, key, content);
}

int key_token_take(const struct key_token *t, struct buf *content, struct error *error)
{
	struct token_session s;
	size_t before = content->len;
	int r = token_session_begin(&s, t, error);

	if (r == 0)
		r = take(&s, content);
	if (r < 0)
		content->len = before;
	token_session_end(&s);
	return r;
}

/* Putting back. */

static int unwrap(struct token_session *s, CK_OBJECT_HANDLE wrapping, const struct key_object *o, CK_OBJECT_HANDLE *ret)
{
	CK_MECHANISM mechanism = { .mechanism = CKM_AES_KEY_WRAP_PAD };
	CK_ATTRIBUTE attributes[KEY_ATTRIBUTES_MAX + 1];
	CK_ULONG numbers[KEY_ATTRIBUTES_MAX];
	size_t count = make_template(o, attributes, numbers), kept = 0;
	CK_RV rv;

	/* What is part of the key itself comes with it. */
	for (size_t i = 0; i < count; i++)
		if (attributes[i].type != CKA_MODULUS && attributes[i].type != CKA_PUBLIC_EXPONENT &&
		    attributes[i].type != CKA_EC_PARAMS && attributes[i].type != CKA_EC_POINT)
			attributes[kept++] = attributes[i];
	attributes[kept++] = (CK_ATTRIBUTE){ CKA_TOKEN, &yes, sizeof(yes) };
	rv = s->module->C_UnwrapKey(s->session, &mechanism, wrapping, (CK_BYTE_PTR)o->wrapped, (CK_ULONG)o->wrapped_len,
	    attributes, (CK_ULONG)kept, ret);
	return rv == CKR_OK ? 0 : token_fail(s, rv, "put the key back");
}

static int create(struct token_session *s, const struct key_object *o, CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE attributes[KEY_ATTRIBUTES_MAX + 1];
	CK_ULONG numbers[KEY_ATTRIBUTES_MAX];
	size_t count = make_template(o, attributes, numbers);
	CK_RV rv;

	attributes[count++] = (CK_ATTRIBUTE){ CKA_TOKEN, &yes, sizeof(yes) };
	rv = s->module->C_CreateObject(s->session, attributes, (CK_ULONG)count, ret);
	return rv == CKR_OK ? 0 : token_fail(s, rv, "put back what belongs to the key");
}

struct handles {
	CK_OBJECT_HANDLE objects[2 * SAME_NAME_MAX];
	size_t count, key_count; /* Keys are the first of them. */
};

/* Keys last; up to the first that stays. */
static int remove_all(struct token_session *s, const struct handles *h)
{
	for (size_t i = h->count; i-- > 0;) {
		CK_RV rv = s->module->C_DestroyObject(s->session, h->objects[i]);

		if (rv != CKR_OK && rv != CKR_OBJECT_HANDLE_INVALID)
			return token_fail(s, rv, "remove a key");
	}
	return 0;
}

/* What has to go once the new ones are there: keys of the name; public keys and certificates of the CKA_ID. */
static int find_old(struct token_session *s, const struct key_object *key, struct handles *ret)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PUBLIC_KEY, CKO_CERTIFICATE };
	const struct key_attribute *id = key_object_find(key, CKA_ID);
	int n = token_keys(s, ret->objects, SAME_NAME_MAX);

	ret->count = ret->key_count = (size_t)MAX(n, 0);
	for (size_t i = 0; id != NULL && n >= 0 && i < ARRAY_SIZE(classes); i++) {
		CK_ATTRIBUTE wanted[] = { { CKA_CLASS, (void *)&classes[i], sizeof(classes[i]) },
			{ CKA_ID, (void *)id->bytes, (CK_ULONG)id->len } };

		n = token_objects(
		    s, wanted, ARRAY_SIZE(wanted), ret->objects + ret->count, ARRAY_SIZE(ret->objects) - ret->count);
		ret->count += (size_t)MAX(n, 0);
	}
	if (n == -E2BIG)
		return error_set(s->error, ERR_NTE_BAD_KEYSET,
		    "more keys and certificates than a checkpoint could replace are as in %.300s", s->token->uri);
	return MIN(n, 0);
}

/* What a token never lets go would stay beside each new key. */
static int check_removable(struct token_session *s, const struct handles *h)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < h->count; i++) {
		CK_BBOOL flag = CK_TRUE;
		CK_ATTRIBUTE a = { CKA_DESTROYABLE, &flag, sizeof(flag) };
		bool has;

		r = get(s, h->objects[i], &a, &has);
		if (r == 0 && has && flag == CK_FALSE)
			r = error_set(s->error, ERR_ACCESS_DENIED,
			    "what the token has as %.300s may not be removed (CKA_DESTROYABLE)", s->token->uri);
	}
	return r;
}

/* Whether what is there is what shall be: also that it can be taken, so it is not a key that looks alike. */
static bool is_there(struct token_session *s, CK_OBJECT_HANDLE wrapping, const void *content, size_t len)
{
	_cleanup_(buf_done) struct buf now = { 0 };
	struct error ignored = { 0 }, *error = s->error;
	CK_OBJECT_HANDLE key;
	bool same;

	s->error = &ignored;
	same = token_keys(s, &key, 1) == 1 && take_key(s, wrapping, key, &now) == 0 && now.len == len &&
	       memcmp(now.data, content, len) == 0;
	s->error = error;
	return same;
}

/* The key first or last, as there are others of its name or none. */
static int make_all(
    struct token_session *s, CK_OBJECT_HANDLE wrapping, const struct key_object *objects, size_t count, bool key_first)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t which = key_first ? i : (i + 1) % count;
		CK_OBJECT_HANDLE made;

		r = which == 0 ? unwrap(s, wrapping, &objects[which], &made) : create(s, &objects[which], &made);
	}
	return r;
}

static bool is_among(const struct handles *h, CK_OBJECT_HANDLE object)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->objects[i] == object)
			return true;
	return false;
}

/* Only the old ones stay.  What was made is looked for: a token may have made it and said that it has not. */
static void give_up(struct token_session *s, const struct key_object *key, const struct handles *old)
{
	struct handles now = { 0 }, made = { 0 };
	struct error *error = s->error;

	s->error = NULL; /* Why it failed has been said. */
	(void)find_old(s, key, &now);
	for (size_t i = 0; i < now.count; i++)
		if (!is_among(old, now.objects[i]))
			made.objects[made.count++] = now.objects[i];
	(void)remove_all(s, &made);
	s->error = error;
}

static int put(struct token_session *s, const void *content, size_t len, const struct key_object *objects, size_t count)
{
	struct handles old = { 0 };
	CK_OBJECT_HANDLE wrapping;
	bool has_key;
	int r = make_wrapping_key(s, &wrapping);

	if (r < 0 || is_there(s, wrapping, content, len))
		return r;
	r = find_old(s, &objects[0], &old);
	if (r == 0)
		r = check_removable(s, &old);
	if (r < 0)
		return r;
	has_key = old.key_count > 0;
	/* Left-overs without a key would come to belong to the new one. */
	if (!has_key)
		r = remove_all(s, &old);
	if (r == 0)
		r = make_all(s, wrapping, objects, count, has_key);
	if (r == 0)
		return remove_all(s, &old);
	if (has_key)
		give_up(s, &objects[0], &old);
	return r;
}

int key_token_put(const struct key_token *t, const void *content, size_t len, struct error *error)
{
	_cleanup_free_ struct key_object *objects = calloc(KEY_OBJECTS_MAX, sizeof(*objects));
	struct token_session s;
	size_t count;
	int r;

	if (objects == NULL)
		return error_set_code(error, -ENOMEM, "cannot put back a key");
	if (key_objects_read(content, len, objects, &count) < 0)
		return error_set(error, ERR_INVALID_DATA, "what was saved is not a key of a token");
	r = token_session_begin(&s, t, error);
	if (r == 0)
		r = put(&s, content, len, objects, count);
	token_session_end(&s);
	return r;
}
