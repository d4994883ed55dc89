/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"
#include "tests/lib/test.h"

TEST(a_published_vector)
{
	struct digest d = sha256_of("abc", 3);
	char text[2 * SHA256_LEN + 1];

	digest_format(&d, text);
	CHECK_STR(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(sums_forget_order_and_history)
{
	struct digest a = sha256_of("a", 1), b = sha256_of("b", 1), c = sha256_of("c", 1), x = { 0 }, y = { 0 };

	digest_add(&x, &a);
	digest_add(&x, &b);
	digest_add(&x, &c);
	digest_subtract(&x, &b);
	digest_add(&y, &c);
	digest_add(&y, &a);
	CHECK(digest_equal(&x, &y));
	digest_subtract(&y, &a);
	digest_subtract(&y, &c);
	CHECK(digest_equal(&y, &(struct digest){ 0 }));
}
