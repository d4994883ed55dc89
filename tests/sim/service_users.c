/* service_users: see service_world.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/pdu.h"
#include "tests/sim/service_world.h"
#include "wire/clusapi.h"
#include "wire/regbuf.h"

/* Contents. */

static uint32_t filler_len(uint32_t number)
{
	return 4 + number * 37 % DATA_MAX;
}

static size_t make_data(uint32_t number, uint8_t data[DATA_MAX + 4])
{
	memset(data, (int)(number % 251), filler_len(number));
	put_le32(data, number);
	return filler_len(number);
}

static struct u16 value_name(unsigned n)
{
	static const char16_t names[] = u"v0v1v2";

	return (struct u16){ names + (size_t)2 * n, 2 };
}

static struct u16 key_name(const struct user *u, bool sub)
{
	static const char16_t names[] = u"Sim\\u0\\sub"
					u"Sim\\u1\\sub"
					u"Sim\\u2\\sub";

	return (struct u16){ names + (size_t)10 * u->number, sub ? 10 : 6 };
}

static const char16_t *zero_terminated(struct u16 s, char16_t units[16])
{
	memcpy(units, s.units, s.len * sizeof(char16_t));
	units[s.len] = 0;
	return units;
}

struct content read_content(const struct user *u, const struct db_key *root)
{
	const struct db_key *key = db_find(root, key_name(u, false));
	struct content c = { 0 };
	size_t found = 0;

	if (key == NULL)
		return c;
	c.key = true;
	c.sub = db_find(root, key_name(u, true)) != NULL;
	CHECK_INT(db_key_count(key), c.sub);
	for (unsigned i = 0; i < VALUES; i++) {
		uint8_t data[DATA_MAX + 4];
		struct db_value v;

		if (!db_value_find(key, value_name(i), &v))
			continue;
		CHECK(v.len >= 4);
		c.values[i] = get_le32(v.data);
		CHECK_INT(v.len, make_data(c.values[i], data));
		CHECK_MEM(v.data, data, v.len);
		found++;
	}
	CHECK_INT(db_value_count(key), found);
	return c;
}

bool content_equal(const struct content *a, const struct content *b)
{
	return a->key == b->key && a->sub == b->sub && memcmp(a->values, b->values, sizeof(a->values)) == 0;
}

void check_no_strangers(const struct db_key *root)
{
	const struct db_key *sim = db_find(root, U16("Sim"));

	for (size_t i = 0; sim != NULL && i < db_key_count(sim); i++)
		CHECK(db_key_name(db_key_at(sim, i)).len == 2);
	CHECK(sim == NULL || db_key_count(sim) <= USERS);
}

/* Users. */

void note_done(struct user *u)
{
	if (content_equal(&u->after, &u->history[u->last]))
		return;
	CHECK(u->last + 1 < HISTORY_MAX);
	u->history[++u->last] = u->after;
}

bool is_refusal(const struct world *w, uint32_t status)
{
	switch (error_to_win32(ERR_FROM_WIN32(status))) {
	case 6:    /* The handle has ended. */
	case 70:   /* Changing the generation. */
	case 1115: /* The log had not taken it when the service was stopped, or the generation changed. */
	case 5073: /* Stopping. */
	case 5932: /* No cluster. */
	case 1727:
		return true;
	default:
		return w->faults;
	}
}

static void user_answered(struct user *u, uint32_t status, const struct ndr_handle *handle)
{
	struct world *w = u->world;
	enum doing was = u->doing;

	u->doing = NOTHING;
	if (was == BAD_BATCH) {
		CHECK(status == error_to_win32(ERR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED) || status == 1726 ||
		      is_refusal(w, status));
		if (status == 6)
			u->root = u->key = (struct ndr_handle){ 0 };
		return;
	}
	if (status == 0) {
		if (was == ROOT)
			u->root = *handle;
		else if (was == CREATE)
			u->key = *handle;
		note_done(u);
		w->counts.acknowledged++;
		return;
	}
	if (status == 1726) {
		u->unsure = true;
		u->doing = was;
		w->counts.unsure++;
		return;
	}
	if (!is_refusal(w, status))
		test_fail(__FILE__, __LINE__, "user %u doing %d: status %u", u->number, was, status);
	if (status == 6 || status == FAULT_CONTEXT_MISMATCH)
		u->root = u->key = (struct ndr_handle){ 0 };
}

void user_look(struct user *u)
{
	union {
		struct clusapi_GetRootKey_out root;
		struct clusapi_CreateKey_out create;
		struct clusapi_SetValue_out set;
		struct clusapi_DeleteValue_out unset;
		struct clusapi_DeleteKey_out delete;
		struct clusapi_ExecuteBatch_out batch;
	} out;
	uint32_t status;

	if (u->doing == NOTHING || u->unsure || u->caller.service == NULL ||
	    !sim_caller_answer(&u->caller, &out, &status))
		return;
	user_answered(u, status, u->doing == ROOT ? &out.root.handle : &out.create.handle);
}

static void send_create(struct user *u, bool sub)
{
	char16_t units[16];

	sim_caller_send(&u->caller, CLUSAPI_CREATE_KEY,
	    &(struct clusapi_CreateKey_in){
		.key = u->root, .sub_key = zero_terminated(key_name(u, sub), units), .sam_desired = 0xf003f });
}

static void send_delete(struct user *u, bool sub)
{
	char16_t units[16];

	sim_caller_send(&u->caller, CLUSAPI_DELETE_KEY,
	    &(struct clusapi_DeleteKey_in){ .key = u->root, .sub_key = zero_terminated(key_name(u, sub), units) });
}

static void send_set(struct user *u, unsigned n, uint32_t number)
{
	uint8_t data[DATA_MAX + 4];
	char16_t units[16];

	sim_caller_send(&u->caller, CLUSAPI_SET_VALUE,
	    &(struct clusapi_SetValue_in){ .key = u->key,
		.value_name = zero_terminated(value_name(n), units),
		.type = 3,
		.data = data,
		.data_size = (uint32_t)make_data(number, data) });
}

static void send_unset(struct user *u, unsigned n)
{
	char16_t units[16];

	sim_caller_send(&u->caller, CLUSAPI_DELETE_VALUE,
	    &(struct clusapi_DeleteValue_in){ .key = u->key, .value_name = zero_terminated(value_name(n), units) });
}

/* All values at once, on the condition that the key is (or, for a bad one, is not) there. */
static void send_batch(struct user *u, uint32_t number, bool bad)
{
	struct buf batch = { 0 };
	uint8_t data[DATA_MAX + 4];
	size_t len = make_data(number, data);

	regbuf_begin(&batch);
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = key_name(u, false) });
	for (unsigned i = 0; i < VALUES; i++)
		regbuf_add(&batch, &(struct regbuf_command){ REGBUF_SET_VALUE, 3, value_name(i), data, len });
	if (bad)
		regbuf_add(&batch,
		    &(struct regbuf_command){ .kind = REGBUF_CONDITION_KEY_NOT_EXISTS, .name = key_name(u, false) });
	sim_caller_send(&u->caller, CLUSAPI_EXECUTE_BATCH,
	    &(struct clusapi_ExecuteBatch_in){ .key = u->root, .data_size = (uint32_t)batch.len, .data = batch.data });
	buf_done(&batch);
}

static enum doing choose(struct user *u, unsigned n)
{
	struct rng *g = &u->world->rng;
	const struct content *now = &u->history[u->last];

	if (ndr_handle_is_null(&u->root))
		return ROOT;
	if (ndr_handle_is_null(&u->key) || !now->key)
		return CREATE;
	switch (rng_below(g, 10)) {
	case 0:
		return now->values[n] != 0 ? UNSET : SET;
	case 1:
		return now->sub ? DELETE_SUB : CREATE_SUB;
	case 2:
		return !now->sub && rng_chance(g, 30) ? DELETE : SET;
	case 3:
		return BAD_BATCH;
	case 4:
	case 5:
		return BATCH;
	default:
		return SET;
	}
}

void user_begin(struct user *u)
{
	unsigned n = (unsigned)rng_below(&u->world->rng, VALUES);

	if (u->caller.service == NULL)
		sim_caller_connect(&u->caller, &u->world->service, &clusapi_interface, 3);
	u->after = u->history[u->last];
	u->doing = choose(u, n);
	u->sequence++;
	switch (u->doing) {
	case NOTHING:
		break;
	case ROOT:
		sim_caller_send(
		    &u->caller, CLUSAPI_GET_ROOT_KEY, &(struct clusapi_GetRootKey_in){ .sam_desired = 0xf003f });
		break;
	case CREATE:
		u->after.key = true;
		send_create(u, false);
		break;
	case CREATE_SUB:
		u->after.sub = true;
		send_create(u, true);
		break;
	case DELETE_SUB:
		u->after.sub = false;
		send_delete(u, true);
		break;
	case DELETE:
		u->after = (struct content){ 0 };
		send_delete(u, false);
		break;
	case SET:
		u->after.values[n] = u->sequence;
		send_set(u, n, u->sequence);
		break;
	case UNSET:
		u->after.values[n] = 0;
		send_unset(u, n);
		break;
	case BATCH:
	case BAD_BATCH:
		for (unsigned i = 0; u->doing == BATCH && i < VALUES; i++)
			u->after.values[i] = u->sequence;
		send_batch(u, u->sequence, u->doing == BAD_BATCH);
		break;
	}
}
