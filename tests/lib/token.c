/* token: a software token (SoftHSM) of a test's own.
 * How      straight through the library's functions, without the code under test; each call loads and finalizes it, so that
 *          the code under test can do the same in between.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/token.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST_PTR f;
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		CK_RV rv_ = (call);                                                                                    \
		if (rv_ != CKR_OK) {                                                                                   \
			(void)fprintf(stderr, "%s:%d: %s: 0x%lx\n", __FILE__, __LINE__, #call, rv_);                   \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

bool token_is_possible(void)
{
	return access(TOKEN_MODULE, R_OK) == 0;
}

void token_use_directory(const char *directory)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", directory);
	file = fopen(path, "w");
	if (file == NULL || fprintf(file, "directories.tokendir = %s\nlog.level = ERROR\n", directory) < 0 ||
	    fclose(file) != 0 || setenv("SOFTHSM2_CONF", path, 1) < 0)
		abort();
}

static void load(void)
{
	void *library = dlopen(TOKEN_MODULE, RTLD_NOW);
	CK_C_GetFunctionList get = library != NULL ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;

	if (get == NULL)
		abort();
	TRY(get(&f));
	TRY(f->C_Initialize(NULL));
}

static bool find_slot(const char *label, CK_SLOT_ID *ret)
{
	CK_SLOT_ID slots[16];
	CK_ULONG count = ARRAY_SIZE(slots);

	TRY(f->C_GetSlotList(CK_TRUE, slots, &count));
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;

		TRY(f->C_GetTokenInfo(slots[i], &info));
		if (label == NULL ? (info.flags & CKF_TOKEN_INITIALIZED) == 0
				  : strncmp((char *)info.label, label, strlen(label)) == 0) {
			*ret = slots[i];
			return true;
		}
	}
	return false;
}

static void begin(const char *token, CK_USER_TYPE user)
{
	CK_SLOT_ID slot;

	load();
	if (!find_slot(token, &slot))
		abort();
	TRY(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	TRY(f->C_Login(session, user, (CK_UTF8CHAR_PTR)TOKEN_PIN, strlen(TOKEN_PIN)));
}

static void end(void)
{
	TRY(f->C_CloseSession(session));
	TRY(f->C_Finalize(NULL));
}

void token_make(const char *label)
{
	CK_UTF8CHAR padded[32];
	CK_SLOT_ID slot;

	load();
	if (!find_slot(NULL, &slot))
		abort();
	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	TRY(f->C_InitToken(slot, (CK_UTF8CHAR_PTR)TOKEN_PIN, strlen(TOKEN_PIN), padded));
	TRY(f->C_Finalize(NULL));
	begin(label, CKU_SO);
	TRY(f->C_InitPIN(session, (CK_UTF8CHAR_PTR)TOKEN_PIN, strlen(TOKEN_PIN)));
	end();
}

void token_generate(const struct token_key *key)
{
	CK_MECHANISM rsa = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN }, aes = { .mechanism = CKM_AES_KEY_GEN };
	CK_BYTE exponent[] = { 1, 0, 1 }, id = key->id;
	CK_ULONG bits = 2048, bytes = 32;
	CK_OBJECT_HANDLE public, private;
	CK_ATTRIBUTE common[] = { { CKA_TOKEN, &yes, sizeof(yes) }, { CKA_LABEL, (void *)key->name, strlen(key->name) },
		{ CKA_ID, &id, sizeof(id) }, { CKA_EXTRACTABLE, key->is_fixed ? &no : &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) }, { CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SIGN, &yes, sizeof(yes) }, { CKA_ENCRYPT, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &bytes, sizeof(bytes) } };
	CK_ATTRIBUTE open[] = { { CKA_TOKEN, &yes, sizeof(yes) }, { CKA_LABEL, (void *)key->name, strlen(key->name) },
		{ CKA_ID, &id, sizeof(id) }, { CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_MODULUS_BITS, &bits, sizeof(bits) }, { CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) } };

	begin(key->token, CKU_USER);
	if (key->is_secret)
		TRY(f->C_GenerateKey(session, &aes, common, ARRAY_SIZE(common), &private));
	else
		TRY(f->C_GenerateKeyPair(session, &rsa, open, ARRAY_SIZE(open), common, 7, &public, &private));
	end();
}

void token_import(const struct token_key *key, const uint8_t value[32])
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_BYTE id = key->id;
	CK_OBJECT_HANDLE object;
	CK_ATTRIBUTE attributes[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) }, { CKA_LABEL, (void *)key->name, strlen(key->name) },
		{ CKA_ID, &id, sizeof(id) }, { CKA_EXTRACTABLE, key->is_fixed ? &no : &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) }, { CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) }, { CKA_VALUE, (void *)value, 32 } };

	begin(key->token, CKU_USER);
	TRY(f->C_CreateObject(session, attributes, ARRAY_SIZE(attributes), &object));
	end();
}

static CK_ULONG find(const char *name, CK_OBJECT_HANDLE *ret, CK_ULONG max)
{
	CK_ATTRIBUTE wanted = { CKA_LABEL, (void *)name, strlen(name) };
	CK_ULONG count;

	TRY(f->C_FindObjectsInit(session, &wanted, 1));
	TRY(f->C_FindObjects(session, ret, max, &count));
	TRY(f->C_FindObjectsFinal(session));
	return count;
}

unsigned token_remove(const char *token, const char *name)
{
	CK_OBJECT_HANDLE objects[32];
	CK_ULONG count;

	begin(token, CKU_USER);
	count = find(name, objects, ARRAY_SIZE(objects));
	for (CK_ULONG i = 0; i < count; i++)
		TRY(f->C_DestroyObject(session, objects[i]));
	end();
	return (unsigned)count;
}

unsigned token_count(const char *token, const char *name)
{
	CK_OBJECT_HANDLE objects[32];
	CK_ULONG count;

	begin(token, CKU_USER);
	count = find(name, objects, ARRAY_SIZE(objects));
	end();
	return (unsigned)count;
}

/* The nth private or secret key; its class. */
static bool find_key(const char *name, unsigned n, CK_OBJECT_HANDLE *ret, CK_OBJECT_CLASS *ret_class)
{
	CK_OBJECT_HANDLE objects[32];
	CK_ULONG count = find(name, objects, ARRAY_SIZE(objects));

	for (CK_ULONG i = 0; i < count; i++) {
		CK_ATTRIBUTE class = { CKA_CLASS, ret_class, sizeof(*ret_class) };

		TRY(f->C_GetAttributeValue(session, objects[i], &class, 1));
		*ret = objects[i];
		if ((*ret_class == CKO_PRIVATE_KEY || *ret_class == CKO_SECRET_KEY) && n-- == 0)
			return true;
	}
	return false;
}

unsigned token_sign_all(const char *token, const char *name, uint8_t *ret, size_t *ret_len, unsigned max)
{
	CK_MECHANISM rsa = { .mechanism = CKM_SHA256_RSA_PKCS }, aes = { .mechanism = CKM_AES_ECB };
	CK_BYTE text[] = "sixteen letters!";
	CK_OBJECT_HANDLE key;
	CK_OBJECT_CLASS class;
	CK_ULONG len = (CK_ULONG)*ret_len;
	unsigned n = 0;

	begin(token, CKU_USER);
	for (; n < max && find_key(name, n, &key, &class); n++) {
		uint8_t *to = ret + n * *ret_len;

		len = (CK_ULONG)*ret_len;
		if (class == CKO_PRIVATE_KEY) {
			TRY(f->C_SignInit(session, &rsa, key));
			TRY(f->C_Sign(session, text, 16, to, &len));
		} else {
			TRY(f->C_EncryptInit(session, &aes, key));
			TRY(f->C_Encrypt(session, text, 16, to, &len));
		}
	}
	end();
	if (max == 1)
		*ret_len = len;
	return n;
}

bool token_sign(const char *token, const char *name, uint8_t *ret, size_t *ret_len)
{
	return token_sign_all(token, name, ret, ret_len, 1) == 1;
}

bool token_flag(const char *token, const char *name, CK_ATTRIBUTE_TYPE type)
{
	CK_OBJECT_HANDLE key;
	CK_OBJECT_CLASS class;
	CK_BBOOL flag = CK_FALSE;
	CK_ATTRIBUTE a = { type, &flag, sizeof(flag) };

	begin(token, CKU_USER);
	if (find_key(name, 0, &key, &class))
		TRY(f->C_GetAttributeValue(session, key, &a, 1));
	end();
	return flag != CK_FALSE;
}
