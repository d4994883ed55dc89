/* The arithmetic of NTLM against published numbers: RFC 1320, RFC 2202, MS-NLMP 4.2.4 (and 4.2.2 for the hash).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/ntlm_crypt.h"
#include "base/bytes.h"
#include "base/error.h"
#include "rpc/auth/ntlm_message.h"
#include "tests/lib/test.h"

static const uint8_t nonce[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static void from_hex(const char *text, uint8_t *ret, size_t len)
{
	CHECK_INT(strlen(text), len * 2);
	for (size_t i = 0; i < len; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], 0 };

		ret[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

static void check_hex(const uint8_t *got, const char *text, size_t len)
{
	uint8_t wanted[64];

	CHECK(len <= sizeof(wanted));
	from_hex(text, wanted, len);
	CHECK_MEM(got, wanted, len);
}

TEST(hmac_gives_the_published_digests)
{
	uint8_t key[16], data[50], got[16];

	memset(key, 0x0b, sizeof(key));
	ntlm_hmac(key, &(struct ntlm_part){ "Hi There", 8 }, 1, got);
	check_hex(got, "9294727a3638bb1c13f48ef8158bfc9d", 16);
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	ntlm_hmac(key, (struct ntlm_part[]){ { data, 20 }, { NULL, 0 }, { data, 30 } }, 3, got);
	check_hex(got, "56be34521d144c88dbb8c733f0e8b3f6", 16);
}

TEST(a_password_has_the_published_hash)
{
	uint8_t got[16];

	ntlm_hash_password(U16("Password"), got);
	check_hex(got, "a4f49c406510bdcab6824ee7c30fd852", 16);
	ntlm_hash_password(U16(""), got); /* MD4 of nothing. */
	check_hex(got, "31d6cfe0d16ae931b73c59d7e0c089c0", 16);
}

TEST(rc4_gives_the_published_bytes)
{
	uint8_t key[16], got[16] = { 0 };

	from_hex("0102030405060708090a0b0c0d0e0f10", key, sizeof(key)); /* RFC 6229 */
	ntlm_rc4(key, got, sizeof(got), got);
	check_hex(got, "9ac7cc9a609d1ef7b2932899cde41b97", 16);
}

/* The blob and the keys of MS-NLMP 4.2.4. */
static void make_example(uint8_t base[16])
{
	static const char blob_hex[] =
	    "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c005300"
	    "65007200760065007200000000000000"
	    "0000";
	uint8_t hash[16], owner[16], proof[16], blob[(sizeof(blob_hex) - 1) / 2];

	from_hex(blob_hex, blob, sizeof(blob));
	ntlm_hash_password(U16("Password"), hash);
	ntlm_owner_key(hash, U16("User"), U16("Domain"), owner);
	check_hex(owner, "0c868a403bfd7a93a3001ef22ef02e3f", 16);
	ntlm_hmac(owner, (struct ntlm_part[]){ { nonce, 8 }, { blob, sizeof(blob) } }, 2, proof);
	check_hex(proof, "68cd0ab851e51c96aabc927bebef6a1c", 16);
	ntlm_hmac(owner, &(struct ntlm_part){ proof, 16 }, 1, base);
}

TEST(a_login_has_the_published_keys)
{
	uint8_t base[16], key[16], sealed[16];

	make_example(base);
	check_hex(base, "8de40ccadbc14a82f15cb0ad0de95ca3", 16);
	memset(key, 0x55, sizeof(key));
	ntlm_rc4(base, key, sizeof(key), sealed);
	check_hex(sealed, "c5dad2544fc9799094ce1ce90bc9d03e", 16);
}

TEST(a_sealed_message_has_the_published_bytes)
{
	uint8_t key[16], signature[16], text[18];
	struct ntlm_session client;

	memset(key, 0x55, sizeof(key));
	ntlm_session_init(&client, key, false);
	check_hex(client.out.seal_key, "59f600973cc4960a25480a7c196e4c58", 16);
	check_hex(client.out.sign_key, "4788dc861b4782f35d43fd98fe1a2d39", 16);
	memcpy(text, u"Plaintext", sizeof(text));
	CHECK_INT(ntlm_session_seal(&client, text, sizeof(text), 0, sizeof(text), signature), 0);
	check_hex(text, "54e50165bf1936dc996020c1811b0f06fb5f", 18);
	check_hex(signature, "010000007fb38ec5c55d497600000000", 16);
}

static void start_pair(struct ntlm_session *client, struct ntlm_session *server)
{
	uint8_t key[16] = "0123456789abcde";

	ntlm_session_init(client, key, false);
	ntlm_session_init(server, key, true);
}

TEST(what_one_side_seals_the_other_opens_in_both_directions)
{
	struct ntlm_session client, server;
	uint8_t signature[16], data[40];

	start_pair(&client, &server);
	for (unsigned i = 0; i < 100; i++) {
		struct ntlm_session *from = i % 3 == 0 ? &server : &client, *to = i % 3 == 0 ? &client : &server;

		memset(data, (int)i, sizeof(data));
		CHECK_INT(ntlm_session_seal(from, data, sizeof(data), 8, i % 2 == 0 ? 24 : 0, signature), 0);
		CHECK_INT(data[8] == i && data[9] == i && data[10] == i, i % 2 != 0);
		CHECK_INT(ntlm_session_open(to, data, sizeof(data), 8, i % 2 == 0 ? 24 : 0, signature), 0);
		for (size_t at = 0; at < sizeof(data); at++)
			CHECK_INT(data[at], i);
	}
}

TEST(what_is_repeated_lost_or_swapped_is_noticed_for_good)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		static const unsigned orders[4][3] = { { 0, 0, 1 }, { 1, 2, 2 }, { 1, 0, 2 }, { 0, 2, 1 } };
		uint8_t data[3][16], signatures[3][16];
		struct ntlm_session client, server;
		unsigned good = 0;

		start_pair(&client, &server);
		for (unsigned i = 0; i < 3; i++) {
			memset(data[i], (int)i, sizeof(data[i]));
			CHECK_INT(ntlm_session_seal(&client, data[i], 16, 0, 16, signatures[i]), 0);
		}
		for (unsigned i = 0; i < 3; i++) {
			uint8_t copy[16];

			memcpy(copy, data[orders[kind][i]], sizeof(copy));
			good += ntlm_session_open(&server, copy, 16, 0, 16, signatures[orders[kind][i]]) == 0;
		}
		CHECK_INT(good, orders[kind][0] == 0);
	}
}

TEST(each_bit_is_under_the_signature)
{
	for (size_t bit = 0; bit < (24 + 16) * 8; bit++) {
		struct ntlm_session client, server;
		uint8_t data[24 + 16] = { 0 };

		start_pair(&client, &server);
		CHECK_INT(ntlm_session_seal(&client, data, 24, 8, 12, data + 24), 0);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(ntlm_session_open(&server, data, 24, 8, 12, data + 24), ERR_RPC_S_SEC_PKG_ERROR);
	}
}

TEST(after_the_list_the_stream_is_new_and_the_counter_is_not)
{
	struct ntlm_session client, server;
	uint8_t signature[16], data[16] = "abcdefghijklmno", sealed[16];

	start_pair(&client, &server);
	ntlm_session_sign_list(&client, data, sizeof(data), signature);
	CHECK_INT(ntlm_session_check_list(&server, data, sizeof(data), signature), 0);
	memcpy(sealed, data, sizeof(data));
	CHECK_INT(ntlm_session_seal(&client, sealed, 16, 0, 16, signature), 0);
	CHECK_INT(get_le32(signature + 12), 1);
	for (size_t i = 0; i < 16; i++) /* The first bytes of the stream of the sealing key. */
		sealed[i] ^= data[i];
	ntlm_rc4(client.out.seal_key, sealed, 16, sealed);
	for (size_t i = 0; i < 16; i++)
		CHECK_INT(sealed[i], 0);

	ntlm_session_sign_list(&client, data, sizeof(data), signature);
	CHECK_INT(ntlm_session_check_list(&server, data, sizeof(data) - 1, signature), ERR_RPC_S_SEC_PKG_ERROR);
}
