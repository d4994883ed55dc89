/* Keys in a token, with SoftHSM: they leave it wrapped or not at all, and come back as they were.
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/object.h"
#include "keys/token.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/token.h"
#include "tests/lib/trees.h"

#define URI "pkcs11:token=app;object=signing"

static const uint8_t wrapping[SEAL_KEY_LEN] = "wrap wrap wrap wrap wrap wrap 12";

static struct key_token token_of(const char *uri)
{
	return (struct key_token){ TOKEN_MODULE, uri, (const uint8_t *)TOKEN_PIN, strlen(TOKEN_PIN), wrapping };
}

static void start(struct tree_fixture *f, const char *name)
{
	if (!token_is_possible())
		test_skip("SoftHSM is not installed");
	trees_open(f, name);
	token_use_directory(f->path);
	token_make("app");
}

static struct buf take(struct tree_fixture *f, const char *uri)
{
	struct key_token t = token_of(uri);
	struct buf b = { 0 };

	if (key_token_take(&t, &b, &f->error) < 0)
		test_fail(__FILE__, __LINE__, "%s", f->error.text);
	return b;
}

static int take_fails(struct tree_fixture *f, const struct key_token *t)
{
	struct buf b = { 0 };
	int r = key_token_take(t, &b, &f->error);

	CHECK(r < 0 && f->error.code == r && f->error.text[0] != 0 && b.len == 0);
	buf_done(&b);
	return r;
}

static void put(struct tree_fixture *f, const char *uri, const struct buf *content)
{
	struct key_token t = token_of(uri);

	if (key_token_put(&t, content->data, content->len, &f->error) < 0)
		test_fail(__FILE__, __LINE__, "%s", f->error.text);
}

static void check_signs(const char *name, const uint8_t *expected, size_t len)
{
	uint8_t now[512];
	size_t now_len = sizeof(now);

	CHECK(token_sign("app", name, now, &now_len));
	CHECK_INT(now_len, len);
	CHECK_MEM(now, expected, len);
}

static void check_comes_back(const struct token_key *key, const char *uri)
{
	struct tree_fixture f;
	struct buf content, again;
	uint8_t signature[512];
	size_t len = sizeof(signature);
	unsigned objects = key->is_secret ? 1 : 2;

	start(&f, key->is_secret ? "secret" : "pair");
	token_generate(key);
	CHECK(token_sign("app", key->name, signature, &len));
	content = take(&f, uri);
	again = take(&f, uri);
	CHECK(content.len == again.len && memcmp(content.data, again.data, again.len) == 0);
	buf_done(&again);
	put(&f, uri, &content); /* It is what it was. */
	CHECK_INT(token_count("app", key->name), objects);

	CHECK_INT(token_remove("app", key->name), objects);
	put(&f, uri, &content);
	CHECK_INT(token_count("app", key->name), objects);
	check_signs(key->name, signature, len);
	CHECK(token_flag("app", key->name, CKA_SENSITIVE) && token_flag("app", key->name, CKA_EXTRACTABLE));
	again = take(&f, uri);
	CHECK(content.len == again.len && memcmp(content.data, again.data, again.len) == 0);
	buf_done(&again);

	/* Others in its place, one of them fixed, go. */
	CHECK_INT(token_remove("app", key->name), objects);
	token_generate(key);
	token_generate(&(struct token_key){ "app", key->name, key->id, key->is_secret, .is_fixed = true });
	token_generate(&(struct token_key){ "app", "bystander", 9 });
	put(&f, uri, &content);
	CHECK_INT(token_count("app", key->name), objects);
	check_signs(key->name, signature, len);
	CHECK_INT(token_count("app", "bystander"), 2);
	buf_done(&content);
	trees_close(&f);
}

TEST(a_key_pair_comes_back_as_it_was)
{
	check_comes_back(&(struct token_key){ "app", "signing", 1 }, URI);
}

TEST(a_secret_key_comes_back_as_it_was)
{
	check_comes_back(
	    &(struct token_key){ "app", "signing", 1, .is_secret = true }, "pkcs11:id=%01;type=secret-key");
}

TEST(a_key_that_may_not_leave_stays)
{
	struct tree_fixture f;
	struct key_token t = token_of(URI);

	start(&f, "fixed");
	token_generate(&(struct token_key){ "app", "signing", 1, .is_fixed = true });
	CHECK_INT(take_fails(&f, &t), ERR_NTE_BAD_KEY);
	trees_close(&f);
}

TEST(one_key_must_be_meant)
{
	struct tree_fixture f;
	struct key_token t = token_of(URI), other = token_of("pkcs11:token=other;object=signing");

	start(&f, "which");
	CHECK_INT(take_fails(&f, &t), ERR_NTE_BAD_KEYSET);
	CHECK_INT(take_fails(&f, &other), ERR_FILE_NOT_FOUND);
	token_generate(&(struct token_key){ "app", "signing", 1 });
	token_generate(&(struct token_key){ "app", "signing", 2 });
	CHECK_INT(take_fails(&f, &t), ERR_NTE_BAD_KEYSET);
	t.uri = "pkcs11:object=signing;id=%02";
	buf_done(&(struct buf){ .data = take(&f, t.uri).data });
	t.module = "/nonexistent/module.so";
	CHECK_INT(take_fails(&f, &t), ERR_FILE_NOT_FOUND);
	trees_close(&f);
}

TEST(a_wrong_pin_is_tried_once)
{
	struct tree_fixture f;
	struct key_token t = token_of(URI), none = token_of(URI);

	start(&f, "pin");
	token_generate(&(struct token_key){ "app", "signing", 1 });
	none.pin = NULL;
	CHECK_INT(take_fails(&f, &none), ERR_ACCESS_DENIED);
	t.pin = (const uint8_t *)"1111";
	CHECK_INT(take_fails(&f, &t), ERR_INVALID_PASSWORD);
	CHECK_INT(take_fails(&f, &t), ERR_ACCESS_DENIED);
	t = token_of(URI);
	CHECK_INT(take_fails(&f, &t), ERR_ACCESS_DENIED);
	CHECK_INT(token_count("app", "signing"), 2); /* Which logs in. */
	buf_done(&(struct buf){ .data = take(&f, URI).data });
	trees_close(&f);
}

TEST(what_is_no_key_of_a_token_touches_nothing)
{
	static const uint8_t other_wrapping[SEAL_KEY_LEN] = "another key to wrap keys under 1";
	struct tree_fixture f;
	struct key_token t = token_of(URI);
	uint8_t signature[512];
	size_t len = sizeof(signature);
	struct buf content;

	start(&f, "damaged");
	token_generate(&(struct token_key){ "app", "signing", 1 });
	content = take(&f, URI);
	CHECK_INT(token_remove("app", "signing"), 2);
	token_generate(&(struct token_key){ "app", "signing", 1 });
	CHECK(token_sign("app", "signing", signature, &len));
	CHECK_INT(key_token_put(&t, content.data, content.len - 1, &f.error), ERR_INVALID_DATA);
	t.wrapping = other_wrapping;
	CHECK(key_token_put(&t, content.data, content.len, &f.error) < 0);
	check_signs("signing", signature, len);
	CHECK_INT(token_count("app", "signing"), 2);
	buf_done(&content);
	trees_close(&f);
}

TEST(a_failed_allocation_is_an_error_and_the_old_key_stays_or_the_new_one_is_there)
{
	struct tree_fixture f;
	struct key_token t = token_of(URI);
	struct buf content;
	uint8_t saved[512], old[512];
	size_t len = sizeof(saved);
	unsigned failed = 0;

	start(&f, "memory");
	token_generate(&(struct token_key){ "app", "signing", 1 });
	CHECK(token_sign("app", "signing", saved, &len));
	content = take(&f, URI);
	FAIL_EACH_ALLOCATION
	{
		struct buf now = { 0 };
		int r = key_token_take(&t, &now, NULL);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		CHECK(r < 0 ? now.len == 0 : now.len == content.len && memcmp(now.data, content.data, now.len) == 0);
		buf_done(&now);
	}
	CHECK_INT(token_remove("app", "signing"), 2);
	token_generate(&(struct token_key){ "app", "signing", 1 });
	CHECK(token_sign("app", "signing", old, &len));
	FAIL_EACH_ALLOCATION
	{
		int r = key_token_put(&t, content.data, content.len, NULL);

		CHECK(r == 0 || (r == -ENOMEM && failalloc_hit()));
		failed += r < 0;
		failalloc_arm(0);
		CHECK_INT(token_count("app", "signing"), 2);
		check_signs("signing", r == 0 ? saved : old, len);
		if (r == 0)
			break; /* Nothing is old any more. */
	}
	(void)failalloc_end();
	CHECK(failed > 0);
	buf_done(&content);
	trees_close(&f);
}
