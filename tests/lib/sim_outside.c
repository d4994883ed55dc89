/* sim_outside: see sim_outside.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_outside.h"
#include "backup/dbhive.h"
#include "base/log.h"
#include "cluster/group/apply.h"
#include "cluster/object/object.h"
#include "keys/name.h"
#include "ruedad/agents/capture.h"
#include "ruedad/blobs.h"
#include "ruedad/keyring.h"
#include "ruedad/localreg.h"
#include "tests/lib/test.h"
#include "wire/command.h"
#include "wire/regbuf.h"
#include "wire/rueda.h"

#define SECOND 1000000000ull

/* Key pairs: those of tests/golden. */
static const char public_keys[2][200] = {
	"-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VuAyEAD35bROCZAnkuru2aXGuHrvElbpGJjYi8kMfDpTsAOx0=\n"
	"-----END PUBLIC KEY-----\n",
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7jRwAqxjS2Mfpw/VIDGjYZhedz9Y\n"
	"K7X708jmFl9cZJsHLtDuSVtj95dBocaGIyPiGxA8iLi3M4qRGFDBvlulEw==\n"
	"-----END PUBLIC KEY-----\n",
};
static const char private_keys[2][300] = {
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VuBCIEIDhweTxsOgcEr1aFfT0v3N2C1Zw/PbX1CC7YptAB7LlX\n"
	"-----END PRIVATE KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBjvXBIh64JnRaEvq\n"
	"QSaU85FpAu/tdgMOdWFt1NMZzt+hRANCAATuNHACrGNLYx+nD9UgMaNhmF53P1gr\n"
	"tfvTyOYWX1xkmwcu0O5JW2P3l0GhxoYjI+IbEDyIuLczipEYUMG+W6UT\n"
	"-----END PRIVATE KEY-----\n",
};

struct seal_secret outside_public(unsigned pair)
{
	return (struct seal_secret){ SEAL_SECRET_PEM, (const uint8_t *)public_keys[pair], strlen(public_keys[pair]) };
}

void outside_send_reseal(struct sim_caller *c, unsigned pair)
{
	struct seal_secret secret = outside_public(pair);

	sim_caller_send(c, RUEDA_RESEAL,
	    &(struct rueda_Reseal_in){ .recovery = 2, .secret = secret.bytes, .secret_size = (uint32_t)secret.len });
}

struct seal_secret outside_private(unsigned pair)
{
	return (struct seal_secret){ SEAL_SECRET_PEM, (const uint8_t *)private_keys[pair], strlen(private_keys[pair]) };
}

struct wait {
	bool done;
	int result;
};

static bool is_true(void *data)
{
	return *(const bool *)data;
}

void outside_wait(struct outside *o, const bool *done)
{
	CHECK(sim_loop_run_until(o->sim.world, is_true, (void *)done, 600 * SECOND));
}

static bool is_up(void *data)
{
	struct outside *o = data;

	return outside_service(o)->state == SERVICE_UP;
}

static void on_up(void *data, int r, const struct error *error)
{
	*(int *)data = r;
}

static void note(void *data, int r)
{
	*(struct wait *)data = (struct wait){ true, r };
}

static void applied(void *data, int status, const struct cluster_result *result)
{
	note(data, status < 0 ? status : result->status != 0 ? ERR_FROM_WIN32(result->status) : 0);
}

static int propose(struct outside *o, struct command command, replica_done *done, void *data)
{
	struct buf bytes = { 0 };
	int r;

	command.version = COMMAND_VERSION;
	CHECK_INT(ndr_message_push(&command_messages, &command, &bytes), 0);
	r = replica_propose(outside_service(o)->replica, bytes.data, bytes.len, done, data);
	buf_done(&bytes);
	return r;
}

int outside_propose(struct outside *o, struct command command)
{
	struct wait w = { 0 };

	CHECK_INT(propose(o, command, applied, &w), 0);
	outside_wait(o, &w.done);
	return w.result;
}

/* One that needs no host. */
static void make_resource(struct outside *o)
{
	const struct db_key *root = db_root(cluster_db(outside_service(o)->cluster)),
			    *group = object_find(root, OBJECT_GROUP, U16("Cluster Group"));
	struct command create = { .kind = COMMAND_OBJECT_CREATE };

	o->resource = (struct guid){ { 0x5a } };
	create.object_create = (struct command_ObjectCreate){ .kind = OBJECT_RESOURCE,
		.name = u"app",
		.id = o->resource,
		.type_name = u"Network Name",
		.display_name = u"" };
	CHECK(group != NULL && guid_parse(object_id(group), &create.object_create.group_id));
	CHECK_INT(outside_propose(o, create), 0);
}

static void ignore(void *data, int status, const struct cluster_result *result)
{
}

void outside_ask(struct outside *o, bool online)
{
	struct command request = { .kind = COMMAND_RESOURCE_REQUEST };
	uint32_t verb = online ? RESOURCE_VERB_ONLINE : RESOURCE_VERB_OFFLINE;

	request.resource_request = (struct command_ResourceRequest){ o->resource, verb, 7 };
	(void)propose(o, request, ignore, NULL); /* It may be stopping. */
}

enum resource_state outside_state(struct outside *o)
{
	return resource_run_state(resource_run_find(cluster_groups(outside_service(o)->cluster), &o->resource));
}

struct awaited {
	struct outside *outside;
	enum resource_state state;
};

static bool has_state(void *data)
{
	struct awaited *a = data;

	return outside_state(a->outside) == a->state;
}

void outside_wait_state(struct outside *o, enum resource_state state)
{
	struct awaited a = { o, state };

	if (!sim_loop_run_until(o->sim.world, has_state, &a, 600 * SECOND))
		test_fail(
		    __FILE__, __LINE__, "it is in state %d and was to be in %d", (int)outside_state(o), (int)state);
}

static void begin(struct outside *o, uint64_t seed, const struct seal_secret *secret)
{
	struct error error = { 0 };
	int r = 1;

	log_set_level(LOG_ERROR);
	*o = (struct outside){ 0 };
	sim_service_init(&o->sim, seed, "");
	sim_files_init(&o->files, &o->sim, seed + 3);
	CHECK_INT(sim_service_up(&o->sim, &error), 0);
	CHECK_INT(service_create_cluster(outside_service(o), U16("sim"), secret, &error), 0);
	service_bring_up(outside_service(o), on_up, &r);
	CHECK(sim_loop_run_until(o->sim.world, is_up, o, 600 * SECOND));
	CHECK_INT(r, 0);
	make_resource(o);
}

void outside_begin(struct outside *o, uint64_t seed)
{
	begin(o, seed, &(struct seal_secret){ 0 });
}

void outside_begin_sealed(struct outside *o, uint64_t seed, unsigned pair)
{
	begin(o, seed, (struct seal_secret[]){ outside_public(pair) });
}

void outside_end(struct outside *o)
{
	sim_service_stop(&o->sim);
	outside_wait(o, &o->sim.stopped);
	sim_service_down(&o->sim, SIM_DISK_POWER_CUT);
	sim_service_done(&o->sim);
}

void outside_restart(struct outside *o, enum sim_disk_stop how)
{
	struct error error = { 0 };

	sim_service_down(&o->sim, how);
	CHECK_INT(sim_service_up(&o->sim, &error), 0);
	CHECK(sim_loop_run_until(o->sim.world, is_up, o, 600 * SECOND));
}

/* Sources. */

static enum checkpoint_kind kind_of(struct u16 key)
{
	return key.len > 0 && key.units[0] == '1' ? CHECKPOINT_CRYPTO : CHECKPOINT_REGISTRY;
}

/* The name of a file below /data, as of key material; false: it is a key of the registry. */
static bool is_file(struct u16 key, char ret[64])
{
	size_t at = key.len, n = 0;

	if (kind_of(key) == CHECKPOINT_REGISTRY && (key.len < 5 || !u16_equal((struct u16){ key.units, 5 }, U16("File\\"))))
		return false;
	while (key.units[at - 1] != '\\' && key.units[at - 1] != '/')
		at--;
	for (; at < key.len && n < 63; at++)
		ret[n++] = (char)key.units[at];
	ret[n] = 0;
	return true;
}

static void added(void *data, int r, const struct error *error)
{
	note(data, r);
}

static void execute(struct outside *o, const struct buf *batch, localreg_done *done, void *data)
{
	struct localreg_result result;

	CHECK_INT(batch->error, 0);
	CHECK_INT(localreg_execute(
		      outside_service(o)->local, (struct u16){ 0 }, batch->data, batch->len, 0, done, data, &result),
	    0);
}

static void execute_and_wait(struct outside *o, const struct buf *batch)
{
	struct wait w = { 0 };

	execute(o, batch, note, &w);
	outside_wait(o, &w.done);
	CHECK_INT(w.result, 0);
}

static void number_batch(struct buf *batch, struct u16 key, const uint32_t *number)
{
	struct regbuf_command value = { REGBUF_SET_VALUE, 4, U16("N"), (const uint8_t *)number, sizeof(*number) };

	regbuf_begin(batch);
	regbuf_add(batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = key });
	regbuf_add(batch, &value);
	value.name = U16("Again");
	regbuf_add(batch, &value);
}

void outside_set(struct outside *o, struct u16 key, uint32_t number)
{
	_cleanup_(buf_done) struct buf batch = { 0 };
	char name[64];

	if (is_file(key, name)) {
		sim_files_write(&o->files, name, number);
		return;
	}
	number_batch(&batch, key, &number);
	execute_and_wait(o, &batch);
}

static void forget(void *data, int r)
{
}

void outside_write(struct outside *o, struct u16 key, uint32_t number)
{
	_cleanup_(buf_done) struct buf batch = { 0 };
	char name[64];

	if (is_file(key, name)) {
		sim_files_write(&o->files, name, number);
		return;
	}
	number_batch(&batch, key, &number);
	execute(o, &batch, forget, NULL);
}

void outside_fill(struct outside *o, struct u16 key, size_t len)
{
	_cleanup_free_ uint8_t *bytes = calloc(1, len);
	_cleanup_(buf_done) struct buf batch = { 0 };

	CHECK(bytes != NULL);
	regbuf_begin(&batch);
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_CREATE_KEY, .name = key });
	regbuf_add(&batch, &(struct regbuf_command){ REGBUF_SET_VALUE, 3, U16("Fill"), bytes, len });
	execute_and_wait(o, &batch);
}

void outside_remove(struct outside *o, struct u16 key)
{
	_cleanup_(buf_done) struct buf batch = { 0 };

	regbuf_begin(&batch);
	regbuf_add(&batch, &(struct regbuf_command){ .kind = REGBUF_DELETE_KEY, .name = key });
	execute_and_wait(o, &batch);
}

uint32_t outside_number(const struct db_key *key)
{
	struct db_value n, again;

	if (key == NULL)
		return 0;
	CHECK(db_value_find(key, U16("N"), &n) && db_value_find(key, U16("Again"), &again));
	CHECK_INT(get_le32(n.data), get_le32(again.data)); /* A batch is there whole. */
	return get_le32(n.data);
}

uint32_t outside_get(struct outside *o, struct u16 key)
{
	char name[64];

	return is_file(key, name) ? sim_files_read(&o->files, name)
				  : outside_number(db_find(localreg_root(outside_service(o)->local), key));
}

int outside_add(struct outside *o, struct u16 key)
{
	struct capture_source source = { .kind = kind_of(key), .path = key };
	struct wait w = { 0 };
	int r = capture_add(outside_service(o), &o->resource, &source, added, &w);

	if (r == 0)
		outside_wait(o, &w.done);
	return r < 0 ? r : w.result;
}

static struct command deletion(struct outside *o, char16_t *path)
{
	struct command command = { .kind = COMMAND_CHECKPOINT_DELETE };

	command.checkpoint_delete = (struct command_CheckpointDelete){
		.resource = o->resource, .checkpoint_kind = kind_of(u16_from_z(path)), .path = path
	};
	return command;
}

int outside_delete(struct outside *o, struct u16 key)
{
	_cleanup_free_ char16_t *path = u16_dup(key);

	return outside_propose(o, deletion(o, path));
}

void outside_forget(struct outside *o, struct u16 key)
{
	_cleanup_free_ char16_t *path = u16_dup(key);

	(void)propose(o, deletion(o, path), ignore, NULL);
}

bool outside_checkpoint(struct outside *o, struct u16 key, struct checkpoint *ret)
{
	const struct db_key *resource =
	    checkpoint_resource(db_root(cluster_db(outside_service(o)->cluster)), &o->resource);

	return resource != NULL && checkpoint_find(resource, kind_of(key), key, ret);
}

/* With the key of this node's keyring that the box names. */
static uint32_t box_content(struct outside *o, struct u16 key, const uint8_t *bytes, size_t len)
{
	struct box_label found, label = { .kind = BOX_PEM,
		.cluster = outside_service(o)->header.instance,
		.resource = o->resource,
		.name = box_name(key) };
	_cleanup_(disk_freep) struct disk *state = NULL;
	struct seal_key sealed;
	struct box_key box;
	uint8_t *content;
	uint32_t number;
	size_t content_len;

	CHECK_INT(box_read(bytes, len, &found, NULL), 0);
	CHECK_INT(sim_disk_open(o->sim.state, "", &state), 0);
	CHECK_INT(keyring_get(state, &found.key, &sealed, NULL), 0);
	CHECK_INT(box_key_make(&sealed, &label, &box), 0);
	CHECK_INT(box_open(&box, bytes, len, &content, &content_len, NULL), 0);
	number = sim_files_number(content, content_len);
	seal_memory_free(content, content_len);
	return number;
}

uint32_t outside_content(struct outside *o, struct u16 key, const uint8_t *bytes, size_t len)
{
	_cleanup_(db_freep) struct db *db = NULL;
	char name[64];
	uint32_t number;

	if (kind_of(key) == CHECKPOINT_CRYPTO) {
		sim_disk_set_quiet(o->sim.state, true);
		number = box_content(o, key, bytes, len);
		sim_disk_set_quiet(o->sim.state, false);
		return number;
	}
	if (is_file(key, name))
		return sim_files_number(bytes, len);
	CHECK_INT(dbhive_read(bytes, len, &db, NULL), 0);
	return outside_number(db_root(db));
}

uint32_t outside_saved(struct outside *o, struct u16 key)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct checkpoint c;
	size_t len;
	int r;

	CHECK(outside_checkpoint(o, key, &c));
	sim_disk_set_quiet(o->sim.state, true);
	r = blob_read(outside_service(o)->disk, outside_service(o)->generation, &c, &bytes, &len, NULL);
	sim_disk_set_quiet(o->sim.state, false);
	return r < 0 ? 0 : outside_content(o, key, bytes, len);
}
