/* checkpoints_world: see checkpoints_world.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/checkpoints_world.h"
#include "ruedad/marks.h"
#include "tests/lib/sim_set.h"

static const char *const directory_names[DIRECTORIES] = { "a", "b" };

struct u16 key_name(const struct key *k)
{
	static const char16_t names[KEYS][16] = { u"App\\k0", u"App\\k1", u"File\\data\\k2", u"1\\PEM\\/data/k3" };

	return u16_from_z(names[k - k->world->keys]);
}

uint32_t source_of(struct world *w, const struct key *k)
{
	return outside_get(&w->outside, key_name(k));
}

bool is_marked(struct world *w, const struct key *k)
{
	enum checkpoint_kind kind = k == &w->keys[3] ? CHECKPOINT_CRYPTO : CHECKPOINT_REGISTRY;
	struct digest key = mark_key(&w->outside.resource, kind, key_name(k));
	struct mark mark;
	int r;

	sim_disk_set_quiet(w->outside.sim.state, true);
	r = mark_get(service_of(w)->disk, service_of(w)->generation, &key, &mark, NULL);
	sim_disk_set_quiet(w->outside.sim.state, false);
	return r == 0;
}

/* The sealed cluster key. */

static void look_at_sealing(struct world *w)
{
	const struct quolog_header *h = &service_of(w)->header;
	struct digest d = sha256_of(h->key, h->key_len);

	if (w->sealing_count > 0 && digest_equal(&d, &w->sealings[w->sealing_count - 1]))
		return;
	CHECK(w->sealing_count < SEALINGS_MAX);
	w->sealings[w->sealing_count++] = d;
}

void check_sealing(const struct world *w, const struct quolog_header *h)
{
	struct digest d = sha256_of(h->key, h->key_len);

	for (size_t i = w->sealing_asked; i < w->sealing_count; i++)
		if (digest_equal(&d, &w->sealings[i]))
			return;
	test_fail(__FILE__, __LINE__, "the set's cluster key was sealed like that at no moment of the backup");
}

/* Sets. */

static void key_names(const struct world *w, struct u16 ret[KEYS])
{
	for (unsigned i = 0; i < KEYS; i++)
		ret[i] = key_name(&w->keys[i]);
}

bool read_set(struct world *w, unsigned directory, struct numbers *ret, struct quolog_header *ret_header)
{
	struct disk *disk = sim_service_look(&w->outside.sim, directory_names[directory]);
	struct u16 names[KEYS];
	bool there;

	key_names(w, names);
	there = sim_set_read(&w->outside, disk, names, KEYS, ret->of, ret_header);
	for (unsigned i = 0; i < KEYS; i++)
		CHECK(ret->of[i] < w->next);
	sim_service_looked(&w->outside.sim, disk);
	return there;
}

struct numbers numbers_now(const struct world *w)
{
	struct numbers n = { 0 };

	for (unsigned i = 0; i < KEYS; i++)
		n.of[i] = w->keys[i].listed ? w->keys[i].saved : 0;
	return n;
}

/* What must hold at any moment. */

/* What was restored at that index is exactly what this was to bring. */
static bool is_what_was_wanted(
    struct world *w, const struct pending *p, const struct checkpoint all[KEYS], uint64_t index)
{
	if (!p->is || p->seen || index <= p->index)
		return false;
	for (unsigned i = 0; i < KEYS; i++) {
		if ((p->wanted.of[i] != 0) != (all[i].captured == index))
			return false;
		if (p->wanted.of[i] != 0 && outside_saved(&w->outside, key_name(&w->keys[i])) != p->wanted.of[i])
			return false;
	}
	return true;
}

/* What was saved until now is kept; what the restore leaves as it is need not be, if it came after that was asked for. */
static void check_safety_copy(struct world *w, const struct pending *p, const struct checkpoint all[KEYS])
{
	struct numbers n, now = numbers_now(w);
	struct u16 names[KEYS];

	key_names(w, names);
	CHECK(sim_set_read_safety_copy(&w->outside, names, KEYS, n.of));
	for (unsigned i = 0; i < KEYS && !w->faults; i++)
		if (now.of[i] != 0 && (p->wanted.of[i] != 0 || all[i].captured <= p->index))
			CHECK_INT(n.of[i], now.of[i]);
}

/* A restore of the resource alone, or of one checkpoint, has been applied: all of it, while the resource was not active. */
static void look_at_restored(struct world *w)
{
	struct checkpoint all[KEYS] = { 0 };
	uint64_t index = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		struct key *k = &w->keys[i];

		if (outside_checkpoint(&w->outside, key_name(k), &all[i]) && !k->fresh && k->listed &&
		    all[i].added != k->added && all[i].added == all[i].captured &&
		    (w->pending[0].is || w->pending[1].is))
			index = all[i].captured;
	}
	if (index == 0)
		return;
	CHECK(w->state == RESOURCE_OFFLINE || w->state == RESOURCE_FAILED);
	for (unsigned p = 0; p < 2; p++) {
		if (!is_what_was_wanted(w, &w->pending[p], all, index))
			continue;
		w->pending[p].seen = true;
		if (p == 0)
			check_safety_copy(w, &w->pending[p], all);
		w->counts.onlys += p == 0;
		w->counts.rebuilds += p == 1;
		return;
	}
	test_fail(__FILE__, __LINE__, "a part was restored");
}

static void look_at_key(struct world *w, struct key *k)
{
	struct checkpoint c;
	bool again;
	uint32_t before;

	if (!outside_checkpoint(&w->outside, key_name(k), &c)) {
		k->listed = false;
		k->left = 0;
		return;
	}
	CHECK(c.saved);
	again = k->listed && k->added == c.added;
	if (again && digest_equal(&k->digest, &c.digest))
		return;
	before = k->saved;
	if (!again)
		k->saved = k->left = 0;
	k->listed = true;
	k->added = c.added;
	k->digest = c.digest;
	c.number = outside_saved(&w->outside, key_name(k));
	CHECK(c.number != 0 && c.number < w->next);
	CHECK(c.number >= k->saved || w->faults);
	if (c.number < before)
		w->pending[0].crossed = w->pending[1].crossed = true;
	w->counts.saves += c.number != k->saved;
	k->saved = c.number;
	w->floor.of[k - w->keys] = MIN(w->floor.of[k - w->keys], k->saved);
	w->ceiling.of[k - w->keys] = MAX(w->ceiling.of[k - w->keys], k->saved);
}

/* Key material without an open cluster key: what was left unsaved then stays as it is. */
static bool could_not_save(struct world *w, const struct key *k)
{
	return k == &w->keys[3] && !(service_of(w)->has_key && service_of(w)->key_open);
}

static void look_at_state(struct world *w)
{
	enum resource_state now = outside_state(&w->outside), before = w->state;

	w->state = now;
	if (now == before)
		return;
	if (now == RESOURCE_ONLINE) {
		w->was_online = true;
		w->counts.onlines++;
	}
	for (unsigned i = 0; i < KEYS; i++) {
		struct key *k = &w->keys[i];

		if (now == RESOURCE_ONLINE && k->listed && !k->fresh)
			CHECK(source_of(w, k) == k->saved || (could_not_save(w, k) && source_of(w, k) > k->saved));
		if (now == RESOURCE_ONLINE && k->left != 0) {
			CHECK(source_of(w, k) >= k->left);
			w->counts.lefts++;
		}
		if (now == RESOURCE_ONLINE)
			k->left = 0;
		if (now == RESOURCE_OFFLINE && before == RESOURCE_OFFLINE_PENDING && w->was_online && !w->faults &&
		    k->listed && !k->fresh)
			CHECK_INT(k->saved, source_of(w, k));
		if (now == RESOURCE_ONLINE)
			k->fresh = k->busy;
	}
	if (now == RESOURCE_OFFLINE)
		w->was_online = false;
}

static void take_generation(struct world *w)
{
	memcpy(w->generation, service_of(w)->generation, sizeof(w->generation));
	for (unsigned i = 0; i < KEYS; i++) {
		w->keys[i].listed = w->keys[i].fresh = false;
		w->keys[i].left = 0;
		look_at_key(w, &w->keys[i]);
		CHECK_INT(w->keys[i].listed ? w->keys[i].saved : 0, w->wanted.of[i]);
	}
	w->state = RESOURCE_OFFLINE;
	w->was_online = false;
	w->pending[0].is = w->pending[1].is = false; /* What they did is not in the new generation. */
	w->pair = -1;
	w->counts.restores++;
}

void world_look(struct world *w)
{
	if (outside_is_over(&w->outside) || !w->outside.sim.running)
		return;
	if (is_up(w) && strcmp(w->generation, service_of(w)->generation) != 0)
		take_generation(w);
	if (is_up(w)) {
		look_at_sealing(w);
		look_at_restored(w);
		for (unsigned i = 0; i < KEYS; i++)
			look_at_key(w, &w->keys[i]);
		look_at_state(w);
	}
	users_look(w);
}

void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .next = 1, .state = RESOURCE_OFFLINE, .how = SIM_DISK_POWER_CUT };
	rng_init(&w->rng, seed ^ 0x0c0ffee);
	if (seed % 3 == 0) { /* It has no cluster key until somebody makes one. */
		outside_begin(&w->outside, seed);
		w->pair = -1;
	} else {
		outside_begin_sealed(&w->outside, seed, 0);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		int r;

		w->keys[i].world = w;
		outside_set(&w->outside, key_name(&w->keys[i]), w->next++);
		r = outside_add(&w->outside, key_name(&w->keys[i]));
		CHECK_INT(r, i == 3 && seed % 3 == 0 ? ERR_NO_RECOVERY_POLICY : 0);
	}
	memcpy(w->generation, service_of(w)->generation, sizeof(w->generation));
	outside_ask(&w->outside, true);
	users_begin(w);
	w->open = true;
}

void world_done(struct world *w)
{
	users_end(w);
	sim_service_done(&w->outside.sim);
}
