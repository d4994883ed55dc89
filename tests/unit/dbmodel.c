/* The database against a naive model: arrays that are searched from one end to the other and copied whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/db.h"
#include "tests/unit/dbtest.h"

struct model_value {
	char16_t name[4];
	size_t name_len;
	uint32_t type;
	uint8_t data[40];
	size_t len;
};

struct model_key {
	char16_t name[4];
	size_t name_len;
	uint64_t time;
	uint8_t security; /* One byte; 0 = none. */
	struct model_value *values;
	size_t value_count;
	struct model_key *keys;
	size_t key_count;
};

/* Few names, so that they meet; some equal but for their case, some that no converter likes. */
static struct u16 pick_name(struct chance *c, char16_t units[4])
{
	static const char16_t alphabet[] = { u'a', u'A', u'b', u'_', 0xe4, 0xc4, 0x3b1, 0x391, 0xd800, 0xffff };
	size_t len = 1 + chance(c, 2);

	for (size_t i = 0; i < len; i++)
		units[i] = alphabet[chance(c, ARRAY_SIZE(alphabet))];
	return (struct u16){ units, len };
}

static void model_done(struct model_key *k)
{
	for (size_t i = 0; i < k->key_count; i++)
		model_done(&k->keys[i]);
	free(k->keys);
	free(k->values);
	*k = (struct model_key){ 0 };
}

static struct model_key model_copy(const struct model_key *k)
{
	struct model_key copy = *k;

	copy.values = malloc((k->value_count + 1) * sizeof(*k->values));
	if (k->value_count > 0)
		memcpy(copy.values, k->values, k->value_count * sizeof(*k->values));
	copy.keys = malloc((k->key_count + 1) * sizeof(*k->keys));
	for (size_t i = 0; i < k->key_count; i++)
		copy.keys[i] = model_copy(&k->keys[i]);
	return copy;
}

static struct model_key *model_child(struct model_key *k, struct u16 name)
{
	for (size_t i = 0; i < k->key_count; i++)
		if (u16_equal((struct u16){ k->keys[i].name, k->keys[i].name_len }, name))
			return &k->keys[i];
	return NULL;
}

static struct model_key *model_add(struct model_key *k, struct u16 name, uint64_t time)
{
	size_t at = 0;
	struct model_key *new;

	while (at < k->key_count && u16_compare((struct u16){ k->keys[at].name, k->keys[at].name_len }, name) < 0)
		at++;
	k->keys = realloc(k->keys, (k->key_count + 1) * sizeof(*k->keys));
	new = &k->keys[at];
	memmove(new + 1, new, (k->key_count++ - at) * sizeof(*new));
	*new = (struct model_key){ .name_len = name.len, .time = time, .security = k->security };
	memcpy(new->name, name.units, name.len * sizeof(char16_t));
	k->time = time;
	return new;
}

static struct model_value *model_value(struct model_key *k, struct u16 name)
{
	for (size_t i = 0; i < k->value_count; i++)
		if (u16_equal((struct u16){ k->values[i].name, k->values[i].name_len }, name))
			return &k->values[i];
	return NULL;
}

static void model_set(struct model_key *k, const struct db_value *v, uint64_t time)
{
	struct model_value *m = model_value(k, v->name);

	if (m == NULL) {
		size_t at = 0;

		while (at < k->value_count &&
		       u16_compare((struct u16){ k->values[at].name, k->values[at].name_len }, v->name) < 0)
			at++;
		k->values = realloc(k->values, (k->value_count + 1) * sizeof(*k->values));
		m = &k->values[at];
		memmove(m + 1, m, (k->value_count++ - at) * sizeof(*m));
		m->name_len = v->name.len;
		memcpy(m->name, v->name.units, v->name.len * sizeof(char16_t));
	}
	m->type = v->type;
	m->len = v->len;
	memcpy(m->data, v->data, v->len);
	k->time = time;
}

static void compare(const struct db_key *key, const struct model_key *k)
{
	size_t len;
	const uint8_t *security = db_key_security(key, &len);

	CHECK(u16_equal_exact(db_key_name(key), (struct u16){ k->name, k->name_len }));
	CHECK_INT(db_key_time(key), k->time);
	CHECK_INT(len, k->security != 0);
	CHECK(security == NULL || *security == k->security);
	CHECK_INT(db_value_count(key), k->value_count);
	for (size_t i = 0; i < k->value_count; i++) {
		struct db_value v = db_value_at(key, i);

		CHECK(u16_equal_exact(v.name, (struct u16){ k->values[i].name, k->values[i].name_len }));
		CHECK_INT(v.type, k->values[i].type);
		CHECK_INT(v.len, k->values[i].len);
		CHECK_MEM(v.data, k->values[i].data, v.len);
		CHECK(db_value_find(key, v.name, &v));
		CHECK_MEM(v.data, k->values[i].data, v.len);
	}
	CHECK_INT(db_key_count(key), k->key_count);
	for (size_t i = 0; i < k->key_count; i++)
		compare(db_key_at(key, i), &k->keys[i]);
}

struct run {
	struct chance chance;
	struct db *db;
	struct model_key model;
	uint64_t time;
	struct held {
		struct db_snapshot *snapshot;
		struct model_key model;
	} held[3];
	/* The key that the step is about. */
	char16_t path_units[32];
	struct u16 path;
	struct model_key *above, *key; /* NULL: not there. */
	struct u16 last;
};

static void pick_path(struct run *run)
{
	size_t depth = chance(&run->chance, 5);
	char16_t units[4];

	run->path = (struct u16){ run->path_units, 0 };
	run->above = NULL;
	run->key = &run->model;
	for (size_t i = 0; i < depth; i++) {
		struct u16 name = pick_name(&run->chance, units);

		/* Mostly a name that is there, as long as there is one. */
		if (run->key != NULL && run->key->key_count > 0 && chance(&run->chance, 4) > 0) {
			struct model_key *some = &run->key->keys[chance(&run->chance, run->key->key_count)];

			name = (struct u16){ some->name, some->name_len };
		}
		if (i > 0)
			run->path_units[run->path.len++] = u'\\';
		memcpy(run->path_units + run->path.len, name.units, name.len * sizeof(char16_t));
		run->last = (struct u16){ run->path_units + run->path.len, name.len };
		run->path.len += name.len;
		run->above = run->key;
		if (run->key != NULL)
			run->key = model_child(run->key, name);
	}
}

static void step_create(struct run *run)
{
	bool created;
	size_t begin = 0;
	struct model_key *k = &run->model;

	CHECK_INT(db_key_create(run->db, run->path, run->time, &created), 0);
	CHECK_INT(created, run->key == NULL);
	while (begin < run->path.len) {
		size_t end = begin;
		struct u16 name;

		while (end < run->path.len && run->path.units[end] != u'\\')
			end++;
		name = (struct u16){ run->path.units + begin, end - begin };
		if (model_child(k, name) == NULL)
			(void)model_add(k, name, run->time);
		k = model_child(k, name);
		begin = end + 1;
	}
}

static void step_delete(struct run *run)
{
	int r = db_key_delete(run->db, run->path, run->time);
	size_t at;

	if (run->path.len == 0 || run->key == NULL) {
		CHECK_INT(r, run->path.len == 0 ? ERR_ACCESS_DENIED : ERR_FILE_NOT_FOUND);
		return;
	}
	CHECK_INT(r, 0);
	at = (size_t)(run->key - run->above->keys);
	model_done(run->key);
	memmove(run->key, run->key + 1, (--run->above->key_count - at) * sizeof(*run->key));
	run->above->time = run->time;
}

static void step_value(struct run *run, bool set)
{
	char16_t units[4];
	uint8_t data[40];
	struct db_value v = { .name = pick_name(&run->chance, units),
		.type = (uint32_t)chance(&run->chance, 12),
		.data = data,
		.len = chance(&run->chance, sizeof(data)) };
	struct model_value *m = run->key != NULL ? model_value(run->key, v.name) : NULL;

	memset(data, (int)chance(&run->chance, 256), sizeof(data));
	if (chance(&run->chance, 4) == 0)
		v.name.len = 0, m = run->key != NULL ? model_value(run->key, v.name) : NULL;
	if (set) {
		CHECK_INT(db_value_set(run->db, run->path, &v, run->time), run->key != NULL ? 0 : ERR_FILE_NOT_FOUND);
		if (run->key != NULL)
			model_set(run->key, &v, run->time);
		return;
	}
	CHECK_INT(db_value_delete(run->db, run->path, v.name, run->time), m != NULL ? 0 : ERR_FILE_NOT_FOUND);
	if (m != NULL) {
		memmove(m, m + 1, (--run->key->value_count - (size_t)(m - run->key->values)) * sizeof(*m));
		run->key->time = run->time;
	}
}

static void step_security(struct run *run)
{
	uint8_t security = (uint8_t)chance(&run->chance, 3);
	int r = db_key_set_security(run->db, run->path, &security, security != 0, run->time);

	CHECK_INT(r, run->key != NULL ? 0 : ERR_FILE_NOT_FOUND);
	if (run->key != NULL) {
		run->key->security = security;
		run->key->time = run->time;
	}
}

static void held_done(struct held *h)
{
	if (h->snapshot != NULL)
		compare(db_snapshot_root(h->snapshot), &h->model);
	db_snapshot_unref(h->snapshot);
	model_done(&h->model);
	h->snapshot = NULL;
}

static void step_snapshot(struct run *run)
{
	struct held *h = &run->held[chance(&run->chance, ARRAY_SIZE(run->held))];

	if (h->snapshot != NULL && chance(&run->chance, 3) == 0) {
		db_put_back(run->db, h->snapshot);
		model_done(&run->model);
		run->model = model_copy(&h->model);
		return;
	}
	held_done(h);
	h->snapshot = db_snapshot_take(run->db);
	CHECK(h->snapshot != NULL);
	h->model = model_copy(&run->model);
}

static void step(struct run *run)
{
	pick_path(run);
	run->time += chance(&run->chance, 3);
	switch (chance(&run->chance, 16)) {
	case 0 ... 4:
		step_create(run);
		break;
	case 5:
		step_delete(run);
		break;
	case 6 ... 11:
		step_value(run, true);
		break;
	case 12 ... 13:
		step_value(run, false);
		break;
	case 14:
		step_security(run);
		break;
	default:
		if (chance(&run->chance, 3) == 0)
			step_snapshot(run);
		break;
	}
}

static void run_seed(uint64_t seed, unsigned steps, bool check_each)
{
	struct run run = { .chance = chance_begin(seed) };

	CHECK_INT(db_new(&run.db), 0);
	for (unsigned i = 0; i < steps; i++) {
		step(&run);
		if (check_each) {
			compare(db_root(run.db), &run.model);
			check_db(run.db);
		}
	}
	compare(db_root(run.db), &run.model);
	check_db(run.db);
	for (size_t i = 0; i < ARRAY_SIZE(run.held); i++)
		held_done(&run.held[i]);
	model_done(&run.model);
	db_free(run.db);
}

TEST(short_histories_agree_with_the_model_at_each_step)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(150); seed++)
		run_seed(seed, 100, true);
}

TEST(long_histories_agree_with_the_model_in_the_end)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(20); seed++)
		run_seed(seed, 10000, false);
}
