/* fuzz seal: any bytes are a sealed key, or are refused with a story; what opens is the key that it says it is.  Costs of
 * scrypt are taken down to the least, so that the time goes into the reader.
 * SPDX-License-Identifier: Apache-2.0 */
#include "seal/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* That of tests/golden/sealed-key-x25519-private.pem. */
static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VuBCIEIDhweTxsOgcEr1aFfT0v3N2C1Zw/PbX1CC7YptAB7LlX\n"
				  "-----END PRIVATE KEY-----\n";

static void try(const uint8_t *data, size_t len, const struct seal_secret *secret)
{
	struct error error = { 0 };
	struct seal_info info;
	struct seal_key key;
	struct seal_id id;
	int r = seal_open(data, len, secret, &key, &error);

	if (r < 0) {
		assert(error.code == r && error.text[0] != 0);
		return;
	}
	id = seal_key_id(&key);
	assert(seal_read(data, len, &info, NULL) == 0 && seal_id_equal(&id, &info.id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seal_secret passphrase = { SEAL_SECRET_PASSPHRASE, (const uint8_t *)"correct horse battery staple", 28 };
	struct seal_secret pem = { SEAL_SECRET_PEM, (const uint8_t *)private_key, sizeof(private_key) - 1 };
	struct error error = { 0 };
	struct seal_info info;
	int r = seal_read(data, len, &info, &error);

	if (r < 0) {
		assert(error.code == r && error.text[0] != 0);
		return 0;
	}
	assert(len <= SEAL_BLOB_MAX);
	if (info.kind != SEAL_PASSPHRASE) {
		try(data, len, &pem);
	} else {
		assert(info.cost.log2_n <= 18 && info.cost.r == 8 && info.cost.p <= 4);
		if (info.cost.log2_n == 10)
			try(data, len, &passphrase);
	}
	return 0;
}
