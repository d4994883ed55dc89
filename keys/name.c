/* name: the names of the sources of crypto checkpoints, type\provider\container.
 *
 *	1\PEM\/etc/app/tls.key                       a private key in PEM form, in a file
 *	1\PKCS12\/etc/app/id.p12                     a PKCS #12 file
 *	1\PKCS11\pkcs11:token=app;object=signing     a private or secret key in a token (RFC 7512)
 *
 * Why      the form of the name is the API's; providers there are libraries of Windows, here they are ways to keep keys.
 * Rules    case counts everywhere, the type is 1 (what Windows calls a full RSA provider; nothing here depends on it).
 *          A path is absolute, escaped as those of files are (capture/name.c), with '/' between its names.
 *          A URI must say which key it is (object or id), and may not say where a PIN is or which library to load: names are
 *          in the database, for all who may read it, and everybody who may change the cluster chooses them.  Both are said by
 *          the administrator of the machine, in rueda.conf.
 * Threads  all functions.      Limits  name.h, capture/name.h
 * Source   RFC 7512
 * Format   docs/formats/crypto-checkpoint.md         Tests  tests/unit/key_name.c, tests/fuzz/key_name.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/name.h"
#include "capture/name.h"
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <string.h>

static const struct provider {
	struct u16 prefix;
	enum box_kind kind;
} providers[] = {
	{ U16("1\\PEM\\"), BOX_PEM },
	{ U16("1\\PKCS12\\"), BOX_PKCS12 },
	{ U16("1\\PKCS11\\"), BOX_TOKEN },
};

static const struct provider *find_provider(struct u16 name)
{
	for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
		struct u16 prefix = providers[i].prefix;

		if (name.len >= prefix.len && u16_equal_exact((struct u16){ name.units, prefix.len }, prefix))
			return &providers[i];
	}
	return NULL;
}

/* Absolute, without empty components, "." and "..". */
static bool is_path(const char *path, size_t len)
{
	if (len < 2 || path[0] != '/')
		return false;
	for (size_t at = 1, n; at <= len; at += n + 1) {
		const char *end = memchr(path + at, '/', len - at);

		n = end != NULL ? (size_t)(end - (path + at)) : len - at;
		if (!source_component_is_valid(path + at, n))
			return false;
	}
	return true;
}

static int check_path(const struct buf *path, struct error *error)
{
	if (path->len > SOURCE_PATH_MAX)
		return error_set(
		    error, ERR_FILENAME_EXCED_RANGE, "a file's path is longer than %d bytes", SOURCE_PATH_MAX);
	if (!is_path((const char *)path->data, path->len))
		return error_set(error, ERR_INVALID_PARAMETER,
		    "the container of PEM and PKCS12 is a file's absolute path, with '/' between its names");
	return 0;
}

/* What the URI says, or must not. */
static int check_parsed(P11KitUri *uri, struct error *error)
{
	CK_ATTRIBUTE_PTR class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
	CK_OBJECT_CLASS is = CKO_PRIVATE_KEY;

	if (p11_kit_uri_any_unrecognized(uri))
		return error_set(error, ERR_INVALID_PARAMETER, "the PKCS #11 URI has a part that is not known");
	if (p11_kit_uri_get_pin_value(uri) != NULL || p11_kit_uri_get_pin_source(uri) != NULL)
		return error_set(error, ERR_INVALID_PARAMETER,
		    "a PKCS #11 URI in the name of a checkpoint has no pin-value or pin-source: pkcs11_pin_file in "
		    "[checkpoints] of rueda.conf says where the PIN is");
	if (p11_kit_uri_get_module_name(uri) != NULL || p11_kit_uri_get_module_path(uri) != NULL)
		return error_set(error, ERR_INVALID_PARAMETER,
		    "a PKCS #11 URI in the name of a checkpoint has no module-name or module-path: pkcs11_module in "
		    "[checkpoints] of rueda.conf says which library is used");
	if (p11_kit_uri_get_attribute(uri, CKA_ID) == NULL && p11_kit_uri_get_attribute(uri, CKA_LABEL) == NULL)
		return error_set(error, ERR_INVALID_PARAMETER, "the PKCS #11 URI does not say which key: object or id");
	if (class != NULL && class->ulValueLen == sizeof(is))
		memcpy(&is, class->pValue, sizeof(is));
	if (is != CKO_PRIVATE_KEY && is != CKO_SECRET_KEY)
		return error_set(
		    error, ERR_INVALID_PARAMETER, "the PKCS #11 URI is of another type than private or secret-key");
	return 0;
}

static struct key_which_token which_token(P11KitUri *uri)
{
	const CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
	struct key_which_token t = { 0 };

	memcpy(t.parts[0], info->label, sizeof(info->label));
	memcpy(t.parts[1], info->manufacturerID, sizeof(info->manufacturerID));
	memcpy(t.parts[2], info->model, sizeof(info->model));
	memcpy(t.parts[3], info->serialNumber, sizeof(info->serialNumber));
	return t;
}

bool key_tokens_meet(const struct key_which_token *a, const struct key_which_token *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->parts); i++)
		if (a->parts[i][0] != 0 && b->parts[i][0] != 0 &&
		    memcmp(a->parts[i], b->parts[i], sizeof(a->parts[i])) != 0)
			return false;
	return true;
}

static int read_uri(const char *text, struct key_which_token *ret, struct error *error)
{
	size_t len = strlen(text);
	P11KitUri *uri;
	int r;

	if (len > KEY_URI_MAX)
		return error_set(
		    error, ERR_FILENAME_EXCED_RANGE, "a PKCS #11 URI is longer than %d bytes", KEY_URI_MAX);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return error_set(error, ERR_INVALID_PARAMETER,
			    "a PKCS #11 URI has letters of ASCII only; others are written %%XX");
	if (strncmp(text, "pkcs11:", 7) != 0) /* In one spelling, though a scheme has no case. */
		return error_set(error, ERR_INVALID_PARAMETER, "a PKCS #11 URI begins with pkcs11:");
	uri = p11_kit_uri_new();
	if (uri == NULL)
		return error_set_code(error, -ENOMEM, "cannot read a PKCS #11 URI");
	r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, uri);
	if (r == P11_KIT_URI_OK)
		r = check_parsed(uri, error);
	else if (r == P11_KIT_URI_UNEXPECTED)
		r = error_set_code(error, -ENOMEM, "cannot read a PKCS #11 URI");
	else
		r = error_set(error, ERR_INVALID_PARAMETER, "this is not a PKCS #11 URI of a key (RFC 7512): %s",
		    p11_kit_uri_message(r) != NULL ? p11_kit_uri_message(r) : "it is none");
	if (r == 0 && strchr(text, '?') != NULL) /* Whatever else it asks for. */
		r = error_set(error, ERR_INVALID_PARAMETER,
		    "a PKCS #11 URI in the name of a checkpoint has nothing behind a question mark");
	if (r == 0)
		*ret = which_token(uri);
	p11_kit_uri_free(uri);
	return r;
}

int key_uri_check(const char *uri, struct error *error)
{
	struct key_which_token ignored;

	return read_uri(uri, &ignored, error);
}

int key_name_parse(struct u16 name, struct key_name *ret, struct error *error)
{
	const struct provider *provider = find_provider(name);
	_cleanup_(buf_done) struct buf place = { 0 };
	struct key_which_token token = { 0 };
	struct u16 container;
	int r;

	if (provider == NULL)
		return error_set(error, ERR_INVALID_PARAMETER,
		    "a crypto checkpoint is named 1\\PEM\\/path, 1\\PKCS12\\/path or 1\\PKCS11\\pkcs11:…");
	container = (struct u16){ name.units + provider->prefix.len, name.len - provider->prefix.len };
	if (provider->kind != BOX_TOKEN) {
		r = source_unescape(container, &place);
		r = r == -EILSEQ ? error_set(error, ERR_INVALID_PARAMETER, "the path has a '%%' without two digits")
		    : r == 0     ? check_path(&place, error)
				 : r;
	} else {
		/* What is no letter of ASCII becomes one that is refused below. */
		for (size_t i = 0; i < container.len; i++)
			buf_u8(&place,
			    container.units[i] > 0 && container.units[i] < 0x7f ? (uint8_t)container.units[i] : 0x7f);
		r = 0;
	}
	buf_u8(&place, 0);
	if (place.error < 0)
		return error_set_code(error, place.error, "cannot read the name of a crypto checkpoint");
	if (r == 0 && provider->kind == BOX_TOKEN)
		r = read_uri((const char *)place.data, &token, error);
	if (r == 0)
		*ret = (struct key_name){ provider->kind, (char *)TAKE_PTR(place.data), token };
	return r;
}

void key_name_done(struct key_name *n)
{
	free(n->place);
	*n = (struct key_name){ 0 };
}
