/* The sealed cluster key: what opens it, and that nothing else does.  The golden files pin the format; their key is the
 * bytes 0 to 31, their passphrase is below.
 * SPDX-License-Identifier: Apache-2.0 */
#include "seal/seal.h"
#include "tests/lib/failalloc.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

static const struct seal_cost cheap = { .log2_n = 10, .r = 8, .p = 1 };

static const char good_passphrase[] = "correct horse battery staple";

void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);

/* OpenSSL's own allocations, unseen by failalloc: the nth is refused. */
static uint64_t openssl_countdown;

static bool openssl_refuses(void)
{
	return openssl_countdown > 0 && --openssl_countdown == 0;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	return openssl_refuses() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
	return openssl_refuses() ? NULL : __real_realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line)
{
	__real_free(p);
}

/* Before OpenSSL has allocated anything: later it does not take them any more. */
__attribute__((constructor)) static void watch_openssl(void)
{
	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		abort();
}

static struct seal_secret passphrase(const char *text)
{
	return (struct seal_secret){ SEAL_SECRET_PASSPHRASE, (const uint8_t *)text, strlen(text) };
}

static struct seal_secret pem(const char *text)
{
	return (struct seal_secret){ SEAL_SECRET_PEM, (const uint8_t *)text, strlen(text) };
}

static struct buf read_golden(const char *name)
{
	char path[4096];
	struct buf b = { 0 };
	uint8_t bytes[8192];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", TEST_GOLDEN, name);
	f = fopen(path, "rb");
	CHECK(f != NULL);
	buf_append(&b, bytes, fread(bytes, 1, sizeof(bytes), f));
	(void)fclose(f);
	CHECK(b.error == 0 && b.len > 0 && b.len < sizeof(bytes));
	return b;
}

static struct seal_secret golden_pem(struct buf *b, const char *name, const char *half)
{
	char file[64];

	(void)snprintf(file, sizeof(file), "sealed-key-%s-%s.pem", name, half);
	*b = read_golden(file);
	return (struct seal_secret){ SEAL_SECRET_PEM, b->data, b->len };
}

static struct seal_key counting_key(void)
{
	struct seal_key key;

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)i;
	return key;
}

static void check_opens(const struct buf *blob, const struct seal_secret *secret, const struct seal_key *key)
{
	struct error error = { 0 };
	struct seal_key opened;
	int r = seal_open(blob->data, blob->len, secret, &opened, &error);

	if (r < 0)
		test_fail(__FILE__, __LINE__, "not opened: %d %s", r, error.text);
	CHECK_MEM(opened.bytes, key->bytes, SEAL_KEY_LEN);
}

/* Refused, with a story, and the key's place is untouched. */
static int check_refused(const void *blob, size_t len, const struct seal_secret *secret)
{
	struct error error = { 0 };
	struct seal_key key, before;
	int r;

	memset(&before, 0x5a, sizeof(before));
	key = before;
	r = seal_open(blob, len, secret, &key, &error);
	CHECK(r < 0 && error.code == r && error.text[0] != 0);
	CHECK_MEM(key.bytes, before.bytes, sizeof(key.bytes));
	return r;
}

static struct buf sealed_under(const struct seal_secret *secret, const struct seal_key *key)
{
	struct error error = { 0 };
	struct buf blob = { 0 };
	int r = seal_close(key, secret, &cheap, &blob, &error);

	if (r < 0)
		test_fail(__FILE__, __LINE__, "not sealed: %d %s", r, error.text);
	return blob;
}

/* A key pair of any kind, as PEM text. */
static void make_pair(const char *kind, const char *detail, struct buf *ret_public, struct buf *ret_private)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0
			    ? EVP_PKEY_Q_keygen(NULL, NULL, kind, (size_t)strtoul(detail, NULL, 10))
			: detail != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, kind, detail)
					 : EVP_PKEY_Q_keygen(NULL, NULL, kind);
	struct buf *const out[] = { ret_public, ret_private };

	CHECK(key != NULL);
	for (size_t i = 0; i < 2; i++) {
		BIO *bio = BIO_new(BIO_s_mem());
		char *text;
		long len;

		CHECK_INT(i == 0 ? PEM_write_bio_PUBKEY(bio, key)
				 : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL),
		    1);
		len = BIO_get_mem_data(bio, &text);
		buf_append(out[i], text, (size_t)len);
		BIO_free_all(bio);
	}
	EVP_PKEY_free(key);
}

static struct seal_secret text_of(const struct buf *b)
{
	return (struct seal_secret){ SEAL_SECRET_PEM, b->data, b->len };
}

TEST(a_passphrase_opens_what_it_sealed)
{
	struct seal_secret right = passphrase(good_passphrase), wrong = passphrase("correct horse battery stapl");
	struct seal_key key;
	struct seal_info info;
	struct seal_id id;
	struct buf blob;

	CHECK_INT(seal_key_make(&key), 0);
	blob = sealed_under(&right, &key);
	CHECK_INT(seal_read(blob.data, blob.len, &info, NULL), 0);
	id = seal_key_id(&key);
	CHECK(info.kind == SEAL_PASSPHRASE && seal_id_equal(&info.id, &id));
	check_opens(&blob, &right, &key);
	CHECK_INT(check_refused(blob.data, blob.len, &wrong), ERR_INVALID_PASSWORD);
	buf_done(&blob);
}

TEST(two_keys_and_two_seals_of_one_key_have_nothing_in_common)
{
	struct seal_secret secret = passphrase(good_passphrase);
	struct seal_key a, b;
	struct buf first, second;
	size_t head = 28 + 12; /* Up to the salt. */

	CHECK(seal_key_make(&a) == 0 && seal_key_make(&b) == 0);
	CHECK(memcmp(a.bytes, b.bytes, SEAL_KEY_LEN) != 0);
	first = sealed_under(&secret, &a);
	second = sealed_under(&secret, &a);
	CHECK_INT(first.len, second.len);
	CHECK_MEM(first.data, second.data, head);
	CHECK(memcmp(first.data + head, second.data + head, 16) != 0);           /* Salt. */
	CHECK(memcmp(first.data + head + 16, second.data + head + 16, 12) != 0); /* Nonce. */
	CHECK(memcmp(first.data + head + 28, second.data + head + 28, SEAL_KEY_LEN) != 0);
	CHECK(memmem(first.data, first.len, a.bytes, 8) == NULL); /* Nor is the key itself in it. */
	buf_done(&first);
	buf_done(&second);
}

TEST(a_passphrase_that_is_too_short_or_long_is_refused)
{
	static char text[SEAL_PASSPHRASE_MAX + 2];
	static const size_t lens[] = { 0, SEAL_PASSPHRASE_LEAST - 1, SEAL_PASSPHRASE_LEAST, SEAL_PASSPHRASE_MAX,
		SEAL_PASSPHRASE_MAX + 1 };
	struct seal_key key = counting_key();

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct seal_secret secret = { SEAL_SECRET_PASSPHRASE, (const uint8_t *)text, lens[i] };
		bool lawful = i == 2 || i == 3;
		struct buf blob = { 0 };

		CHECK_INT(seal_close(&key, &secret, &cheap, &blob, NULL), lawful ? 0 : ERR_PASSWORD_RESTRICTION);
		CHECK((blob.len > 0) == lawful);
		buf_done(&blob);
	}
}

TEST(each_kind_of_key_pair_opens_what_it_sealed_and_no_other_does)
{
	static const struct {
		const char *kind, *detail;
		enum seal_kind sealed;
	} kinds[] = { { "RSA", "2048", SEAL_RSA }, { "RSA", "3072", SEAL_RSA }, { "X25519", NULL, SEAL_ECDH },
		{ "EC", "P-256", SEAL_ECDH }, { "EC", "P-384", SEAL_ECDH }, { "EC", "P-521", SEAL_ECDH } };
	struct buf public[ARRAY_SIZE(kinds)] = { 0 }, private[ARRAY_SIZE(kinds)] = { 0 }, blob;
	struct seal_key key = counting_key();
	struct seal_secret secret;
	struct seal_info info;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		make_pair(kinds[i].kind, kinds[i].detail, &public[i], &private[i]);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		secret = text_of(&public[i]);
		blob = sealed_under(&secret, &key);
		CHECK(seal_read(blob.data, blob.len, &info, NULL) == 0 && info.kind == kinds[i].sealed);
		CHECK_INT(check_refused(blob.data, blob.len, &secret), ERR_INVALID_PARAMETER); /* The public half. */
		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++) {
			secret = text_of(&private[j]);
			if (j == i)
				check_opens(&blob, &secret, &key);
			else
				CHECK_INT(check_refused(blob.data, blob.len, &secret), ERR_INVALID_PASSWORD);
		}
		secret = passphrase(good_passphrase);
		CHECK_INT(check_refused(blob.data, blob.len, &secret), ERR_INVALID_PARAMETER);
		buf_done(&blob);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		buf_done(&public[i]);
		buf_done(&private[i]);
	}
}

static void check_unusable(const struct seal_secret *secret, int code, const char *story)
{
	struct seal_key key = counting_key();
	struct error error = { 0 };
	struct buf blob = { 0 };
	int r = seal_close(&key, secret, &cheap, &blob, &error);

	CHECK_INT(r, code);
	if (strstr(error.text, story) == NULL)
		test_fail(__FILE__, __LINE__, "'%s' does not say '%s'", error.text, story);
	CHECK_INT(blob.len, 0);
}

TEST(other_public_keys_are_refused_with_the_reason)
{
	static const struct {
		const char *kind, *detail, *story;
	} kinds[] = { { "RSA", "1024", "has 1024 bits; 2048 to 8192" }, { "ED25519", NULL, "ED25519" },
		{ "X448", NULL, "X448" }, { "EC", "secp256k1", "EC secp256k1" }, { "EC", "P-224", "EC secp224r1" } };
	struct buf public, private;
	struct seal_secret secret;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		public = private = (struct buf){ 0 };
		make_pair(kinds[i].kind, kinds[i].detail, &public, &private);
		secret = text_of(&public);
		check_unusable(&secret, ERR_NOT_SUPPORTED, kinds[i].story);
		secret = text_of(&private);
		check_unusable(&secret, ERR_INVALID_PARAMETER, "private key");
		buf_done(&public);
		buf_done(&private);
	}
	secret = pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	check_unusable(&secret, ERR_INVALID_PARAMETER, "openssl x509");
	secret = pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	check_unusable(&secret, ERR_INVALID_PARAMETER, "no public key");
	secret = pem("");
	check_unusable(&secret, ERR_INVALID_PARAMETER, "no public key");
}

TEST(a_private_key_with_a_passphrase_of_its_own_is_refused_without_asking)
{
	struct buf public, private, blob;
	struct seal_secret secret = golden_pem(&public, "x25519", "public");
	struct seal_key key = counting_key();
	struct error error = { 0 };
	EVP_PKEY *pair;
	BIO *bio;
	char *text;

	blob = sealed_under(&secret, &key);
	secret = golden_pem(&private, "x25519", "private");
	bio = BIO_new_mem_buf(secret.bytes, (int)secret.len);
	pair = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free_all(bio);
	bio = BIO_new(BIO_s_mem());
	CHECK_INT(PEM_write_bio_PKCS8PrivateKey(bio, pair, EVP_aes_256_cbc(), "other", 5, NULL, NULL), 1);
	secret.len = (size_t)BIO_get_mem_data(bio, &text);
	secret.bytes = (const uint8_t *)text;
	CHECK_INT(seal_open(blob.data, blob.len, &secret, &key, &error), ERR_INVALID_PARAMETER);
	CHECK(strstr(error.text, "openssl pkey") != NULL);
	BIO_free_all(bio);
	EVP_PKEY_free(pair);
	buf_done(&blob);
	buf_done(&public);
	buf_done(&private);
}

/* Each byte in each of its bits, each length. */
static void check_each_change_refused(const struct buf *blob, const struct seal_secret *secret)
{
	uint8_t changed[SEAL_BLOB_MAX];
	uint8_t *exact;

	for (size_t i = 0; i < blob->len; i++) {
		memcpy(changed, blob->data, blob->len);
		changed[i] ^= (uint8_t)(1u << (i % 8));
		check_refused(changed, blob->len, secret);
	}
	for (size_t len = 0; len < blob->len; len++) {
		exact = malloc(len); /* So that a step beyond it is seen. */
		if (len > 0)
			memcpy(exact, blob->data, len);
		check_refused(exact, len, secret);
		free(exact);
	}
	memcpy(changed, blob->data, blob->len);
	changed[blob->len] = 0;
	check_refused(changed, blob->len + 1, secret);
}

TEST(each_changed_byte_and_each_cut_of_a_seal_is_refused)
{
	static const char *const names[] = { "x25519", "p256", "rsa" };
	struct seal_secret secret = passphrase(good_passphrase);
	struct seal_key key = counting_key();
	struct buf blob = sealed_under(&secret, &key);

	check_each_change_refused(&blob, &secret);
	buf_done(&blob);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf public, private;

		secret = golden_pem(&public, names[i], "public");
		blob = sealed_under(&secret, &key);
		secret = golden_pem(&private, names[i], "private");
		check_each_change_refused(&blob, &secret);
		buf_done(&blob);
		buf_done(&public);
		buf_done(&private);
	}
}

/* A hostile set must not cost gigabytes or hours. */
TEST(an_effort_that_is_not_lawful_is_refused_before_it_is_made)
{
	static const struct seal_cost costs[] = { { 0, 8, 1 }, { 9, 8, 1 }, { 19, 8, 1 }, { 31, 8, 1 }, { 64, 8, 1 },
		{ UINT32_MAX, 8, 1 }, { 10, 0, 1 }, { 10, 9, 1 }, { 10, 1u << 20, 1 }, { 10, UINT32_MAX, 1 },
		{ 10, 8, 0 }, { 10, 8, 5 }, { 10, 8, UINT32_MAX } };
	struct seal_secret secret = passphrase(good_passphrase);
	struct seal_key key = counting_key();
	struct buf blob = sealed_under(&secret, &key);
	struct seal_info info;
	struct error error;

	for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
		put_le32(blob.data + 28, costs[i].log2_n);
		put_le32(blob.data + 32, costs[i].r);
		put_le32(blob.data + 36, costs[i].p);
		CHECK_INT(check_refused(blob.data, blob.len, &secret), -EBADMSG);
		CHECK_INT(seal_read(blob.data, blob.len, &info, &error), -EBADMSG);
		CHECK(strstr(error.text, "not lawful") != NULL);
	}
	buf_done(&blob);
}

TEST(a_newer_version_or_kind_is_not_taken_for_damage)
{
	struct seal_secret secret = passphrase(good_passphrase);
	struct seal_key key = counting_key();
	struct buf blob = sealed_under(&secret, &key);

	put_le16(blob.data + 4, 2);
	CHECK_INT(check_refused(blob.data, blob.len, &secret), ERR_NOT_SUPPORTED);
	put_le16(blob.data + 4, 1);
	put_le16(blob.data + 6, 4);
	CHECK_INT(check_refused(blob.data, blob.len, &secret), ERR_NOT_SUPPORTED);
	put_le16(blob.data + 6, 0);
	CHECK_INT(check_refused(blob.data, blob.len, &secret), ERR_NOT_SUPPORTED);
	buf_done(&blob);
}

TEST(the_golden_files_open)
{
	static const char *const names[] = { "x25519", "p256", "rsa" };
	struct seal_secret secret = passphrase(good_passphrase);
	struct buf blob = read_golden("sealed-key-passphrase-1.bin");
	struct seal_key key = counting_key();
	struct seal_info info;
	char id[2 * SEAL_ID_LEN + 1];

	check_opens(&blob, &secret, &key);
	CHECK_INT(seal_read(blob.data, blob.len, &info, NULL), 0);
	seal_id_format(&info.id, id);
	CHECK_STR(id, "630dcd2966c4336691125448bbb25b4f"); /* Of the SHA-256 of the bytes 0 to 31. */
	CHECK_INT(info.cost.log2_n, 17);
	buf_done(&blob);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char file[64];
		struct buf private;

		(void)snprintf(file, sizeof(file), "sealed-key-%s-1.bin", names[i]);
		blob = read_golden(file);
		secret = golden_pem(&private, names[i], "private");
		check_opens(&blob, &secret, &key);
		buf_done(&blob);
		buf_done(&private);
	}
}

TEST(a_failed_allocation_is_an_error_and_leaves_nothing)
{
	struct seal_secret secret = passphrase(good_passphrase);
	struct seal_key key = counting_key(), opened;
	struct buf warm = sealed_under(&secret, &key);

	buf_done(&warm); /* What OpenSSL keeps for ever is made. */
	FAIL_EACH_ALLOCATION
	{
		struct buf blob = { 0 };
		int r = seal_close(&key, &secret, &cheap, &blob, NULL);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		if (r == 0)
			CHECK_INT(seal_open(blob.data, blob.len, &secret, &opened, NULL), 0);
		buf_done(&blob);
	}
}

/* OpenSSL's nth allocation fails: an error or the right key, never a crash or a wrong answer. */
static void fail_each_of_openssl(const struct seal_secret *closing, const struct seal_secret *opening)
{
	struct seal_key key = counting_key(), opened;
	struct buf blob = sealed_under(closing, &key), again = { 0 };
	bool more = true;

	check_opens(&blob, opening, &key);
	for (uint64_t n = 1; more; n += test_long ? 1 : 1 + n / 12) { /* There are thousands. */
		int r;

		memset(&opened, 0, sizeof(opened));
		openssl_countdown = n;
		r = seal_open(blob.data, blob.len, opening, &opened, NULL);
		more = openssl_countdown == 0;
		openssl_countdown = n;
		if (r == 0)
			CHECK_MEM(opened.bytes, key.bytes, SEAL_KEY_LEN);
		r = seal_close(&key, closing, &cheap, &again, NULL);
		more = more || openssl_countdown == 0;
		openssl_countdown = 0;
		if (r == 0)
			check_opens(&again, opening, &key);
		else
			CHECK_INT(again.len, 0);
		buf_done(&again);
		check_opens(&blob, opening, &key); /* The same call works the next time. */
	}
	buf_done(&blob);
}

TEST(openssl_without_memory_is_an_error)
{
	static const char *const names[] = { "x25519", "p256", "rsa" };
	struct seal_secret secret = passphrase(good_passphrase), closing;

	fail_each_of_openssl(&secret, &secret);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf public, private;

		closing = golden_pem(&public, names[i], "public");
		secret = golden_pem(&private, names[i], "private");
		fail_each_of_openssl(&closing, &secret);
		buf_done(&public);
		buf_done(&private);
	}
}

TEST(memory_for_secrets_is_not_in_core_dumps)
{
	size_t size = 100000;
	char *p = seal_memory_new(size), line[512];
	uintptr_t from = 0, to = 0;
	bool inside = false, found = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	CHECK(p != NULL && f != NULL);
	for (size_t i = 0; i < size; i++)
		CHECK(p[i] == 0);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = (uintptr_t)p >= from && (uintptr_t)p + size <= to;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL; /* MADV_DONTDUMP */
	}
	(void)fclose(f);
	CHECK(found);
	seal_memory_free(p, size);
}
