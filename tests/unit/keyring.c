/* The keyring loses power, its process, single calls and its bits: a key is there whole, or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/keyring.h"
#include "ruedad/agents/crypto.h"
#include "sim/disk.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

struct place {
	struct sim_disk *medium;
	struct disk *disk;
	struct seal_key key;
	struct seal_id id;
};

static void place_init(struct place *p, uint64_t seed)
{
	*p = (struct place){ 0 };
	CHECK_INT(seal_key_make(&p->key), 0);
	p->id = seal_key_id(&p->key);
	CHECK_INT(sim_disk_new(seed, &p->medium), 0);
	sim_disk_set_garbage(p->medium, seed % 2 == 0 ? SIM_DISK_GARBAGE_WRITE : SIM_DISK_NO_GARBAGE);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
}

static void place_restart(struct place *p)
{
	disk_free(p->disk);
	sim_disk_restart(p->medium);
	CHECK_INT(sim_disk_open(p->medium, "", &p->disk), 0);
}

static void place_done(struct place *p)
{
	disk_free(p->disk);
	sim_disk_free(p->medium);
}

static int get(struct place *p)
{
	struct error error = { 0 };
	struct seal_key key;
	int r = keyring_get(p->disk, &p->id, &key, &error);

	if (r == 0)
		CHECK_MEM(key.bytes, p->key.bytes, SEAL_KEY_LEN);
	else
		CHECK(error.code == r && error.text[0] != 0);
	return r;
}

TEST(a_key_is_found_by_its_id_and_no_other_is)
{
	struct place p;
	struct seal_id right, wrong;

	place_init(&p, 1);
	CHECK_INT(get(&p), -ENOENT);
	CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
	CHECK_INT(sim_disk_unsynced(p.medium), 0);
	CHECK_INT(get(&p), 0);
	right = wrong = p.id;
	wrong.bytes[SEAL_ID_LEN - 1] ^= 1;
	p.id = wrong;
	CHECK_INT(get(&p), -ENOENT);
	p.id = right;
	CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
	CHECK_INT(get(&p), 0);
	place_done(&p);
}

TEST(a_stop_at_any_call_leaves_the_key_or_none_and_what_was_there_stays)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(40); seed++)
		for (int was_there = 0; was_there < 2; was_there++) {
			bool stopped = true;

			test_note_seed(seed);
			for (uint64_t n = 1; stopped; n++) {
				struct place p;
				int r;

				place_init(&p, seed);
				if (was_there)
					CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
				sim_disk_stop_at(
				    p.medium, SIM_DISK_ANY, n, seed % 3 == 0 ? SIM_DISK_DEATH : SIM_DISK_POWER_CUT);
				r = keyring_put(p.disk, &p.key, NULL);
				stopped = sim_disk_is_stopped(p.medium);
				CHECK(r == 0 || stopped);
				if (r == 0 && !stopped)
					sim_disk_stop(p.medium, SIM_DISK_POWER_CUT); /* Durable is durable. */
				place_restart(&p);
				if (r == 0 || was_there)
					CHECK_INT(get(&p), 0);
				else
					CHECK(get(&p) == 0 || get(&p) == -ENOENT);
				CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
				CHECK_INT(get(&p), 0);
				place_done(&p);
			}
		}
}

TEST(a_call_that_fails_is_an_error_and_the_next_try_works)
{
	bool failed = true;

	for (uint64_t n = 1; failed; n++) {
		struct error error = { 0 };
		struct place p;
		int r;

		place_init(&p, n);
		sim_disk_fail_at(p.medium, SIM_DISK_ANY, n, -ENOSPC);
		r = keyring_put(p.disk, &p.key, &error);
		failed = sim_disk_has_failed(p.medium);
		CHECK_INT(r, failed ? -ENOSPC : 0);
		CHECK((error.text[0] != 0) == failed);
		sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, -ENOSPC);
		CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
		CHECK_INT(get(&p), 0);
		place_done(&p);
	}
}

TEST(a_file_of_a_changed_byte_or_length_is_not_taken_for_the_key)
{
	static const uint8_t none[SEAL_KEY_LEN + 1];
	char text[2 * SEAL_ID_LEN + 1], name[64];
	struct disk_file *f;
	struct place p;

	place_init(&p, 1);
	seal_id_format(&p.id, text);
	(void)snprintf(name, sizeof(name), "keys/%s", text);
	for (uint64_t i = 0; i < SEAL_KEY_LEN; i++) {
		CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
		CHECK_INT(sim_disk_rot(p.medium, name, i, 0x10), 0);
		CHECK_INT(get(&p), -EBADMSG);
	}
	for (size_t len = 0; len <= SEAL_KEY_LEN + 1; len += len == 0 ? SEAL_KEY_LEN - 1 : 2) {
		CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
		CHECK_INT(disk_open(p.disk, name, DISK_WRITE, 0, &f), 0);
		CHECK_INT(file_truncate(f, len), 0);
		file_close(f);
		CHECK_INT(get(&p), -EBADMSG);
	}
	CHECK_INT(disk_open(p.disk, name, DISK_WRITE | DISK_TRUNCATE, 0, &f), 0);
	CHECK_INT(file_write(f, 0, none, sizeof(none)), 0);
	file_close(f);
	CHECK_INT(get(&p), -EBADMSG);
	place_done(&p);
}

static struct buf make_box(struct place *p, const struct box_label *label)
{
	struct buf box = { 0 };
	struct box_key key;

	CHECK_INT(box_key_make(&p->key, label, &key), 0);
	CHECK_INT(box_close(&key, "content", 7, &box), 0);
	return box;
}

/* The key that a box wants: made, and it is the one that opens it. */
static int use_box(struct place *p, const struct box_label *label, const struct buf *box)
{
	struct error error = { 0 };
	struct box_key key;
	uint8_t *bytes = NULL, *content;
	size_t len;
	int r = crypto_key_of(p->disk, box->data, box->len, label, &bytes, &error);

	CHECK(r == 0 ? bytes != NULL : bytes == NULL && error.code == r && error.text[0] != 0);
	if (r < 0)
		return r;
	CHECK_INT(box_key_read(bytes, &key), 0);
	crypto_key_free(bytes);
	CHECK_INT(box_open(&key, box->data, box->len, &content, &len, NULL), 0);
	seal_memory_free(content, len);
	return 0;
}

TEST(what_a_box_is_opened_with_is_the_right_key_or_none)
{
	const struct box_label label = { .kind = BOX_PEM };
	struct place p, other;
	struct buf box, damaged = { 0 };

	place_init(&p, 1);
	place_init(&other, 2);
	CHECK_INT(keyring_put(p.disk, &p.key, NULL), 0);
	box = make_box(&p, &label);
	CHECK_INT(use_box(&p, &label, &box), 0);
	CHECK_INT(use_box(&other, &label, &box), ERR_NO_RECOVERY_POLICY);
	buf_append(&damaged, box.data, 50);
	CHECK_INT(use_box(&p, &label, &damaged), ERR_INVALID_DATA);
	for (uint64_t nth = 1, failed = 1; failed; nth++) {
		int r;

		sim_disk_fail_at(p.medium, SIM_DISK_ANY, nth, -EIO);
		r = use_box(&p, &label, &box);
		failed = sim_disk_has_failed(p.medium);
		CHECK_INT(r, failed ? -EIO : 0);
	}
	sim_disk_fail_at(p.medium, SIM_DISK_ANY, 0, -EIO);
	FAIL_EACH_ALLOCATION
	{
		int r = use_box(&p, &label, &box);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
	}
	buf_done(&box);
	buf_done(&damaged);
	place_done(&p);
	place_done(&other);
}
