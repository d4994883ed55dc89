/* service_world: see service_world.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/service_world.h"
#include "backup/set.h"
#include "wire/clusapi.h"
#include "wire/rueda.h"

/* Sets in directories. */

/* Whether a content is one that the user had between the floor of the backup and now. */
static bool was_content(const struct user *u, size_t floor, const struct content *c)
{
	if (u->doing != NOTHING && content_equal(c, &u->after))
		return true;
	for (size_t i = floor; i <= u->last; i++)
		if (content_equal(c, &u->history[i]))
			return true;
	return false;
}

static bool same_set(const struct known_set *a, const struct known_set *b)
{
	return a->index == b->index && guid_equal(&a->generation, &b->generation);
}

/* Another set than the last known is there: an older one, if a power cut has undone what was not yet durable, or that of a
 * backup of which nobody has heard the end. */
static void take_other_set(struct world *w, struct directory *d, const struct known_set *found)
{
	for (unsigned i = 0; i < d->older_count; i++)
		if (same_set(&d->older[i], found)) {
			d->set = d->older[i];
			d->committed = true;
			return;
		}
	CHECK(d->backups > 0);
	for (unsigned i = 0; i < USERS; i++)
		CHECK(was_content(&w->users[i], d->floors[i], &found->contents[i]));
	CHECK(d->older_count < ARRAY_SIZE(d->older));
	if (d->committed)
		d->older[d->older_count++] = d->set;
	else
		d->maybe_none = true;
	d->committed = true;
	d->set = *found;
}

void look_at_directory(struct world *w, struct directory *d)
{
	struct disk *disk = sim_service_look(&w->service, d->name);
	struct known_set found;
	struct set_info info;
	struct error error = { 0 };
	struct set *set;

	if (set_read(disk, &set, &error) < 0) {
		if (d->committed && !d->maybe_none)
			test_fail(__FILE__, __LINE__, "%s: %s", d->name, error.text);
		d->committed = false;
		sim_service_looked(&w->service, disk);
		return;
	}
	CHECK_INT(set_verify(disk, &info, &error), 0);
	sim_service_looked(&w->service, disk);
	found =
	    (struct known_set){ set->info.header.generation.id, set->info.header.last, set->info.digest, { { 0 } } };
	for (unsigned i = 0; i < USERS; i++)
		found.contents[i] = read_content(&w->users[i], db_root(set->db));
	set_free(set);
	if (d->committed && same_set(&found, &d->set)) {
		CHECK(digest_equal(&found.digest, &d->set.digest));
		CHECK_MEM(found.contents, d->set.contents, sizeof(found.contents));
		return;
	}
	take_other_set(w, d, &found);
}

/* Administrators. */

static void backup_answered(struct admin *a, uint32_t status)
{
	struct world *w = a->world;
	struct directory *d = a->directory;

	CHECK(!a->busy || status != 0);
	if (status == 0) {
		look_at_directory(w, d);
		CHECK(d->committed);
		CHECK(!same_set(&a->before, &d->set));
		d->older_count = 0; /* It is durable. */
		d->maybe_none = false;
		w->counts.backups++;
	} else if (status != error_to_win32(ERR_CLUSTER_BACKUP_IN_PROGRESS)) {
		look_at_directory(w, d);
		if (!is_refusal(w, status) && status != error_to_win32(ERR_BUSY))
			test_fail(__FILE__, __LINE__, "backup: status %u", status);
	}
	d->backups--;
}

static void restore_answered(struct admin *a, uint32_t status, const char16_t *story)
{
	struct world *w = a->world;
	char text[1100];
	bool in_force;

	(void)u16_to_utf8_buffer(u16_from_z(story), text, sizeof(text));
	in_force = strstr(text, "in force as generation") != NULL;
	if (strcmp(w->generation, a->generation) == 0 &&
	    (status == 0 ? service_of(w)->stopping : in_force && w->faults)) {
		a->promised = true;
		a->task = RESTORE;
		return;
	}
	if (status == 0) {
		CHECK(strcmp(w->generation, a->generation) != 0);
		w->counts.restores++;
		return;
	}
	/* An error after the commit says so. */
	if (strcmp(w->generation, a->generation) != 0)
		CHECK(in_force);
	if (!is_refusal(w, status) && status != error_to_win32(ERR_BUSY) &&
	    status != error_to_win32(ERR_CLUSTER_BACKUP_IN_PROGRESS) && a->directory->committed)
		test_fail(__FILE__, __LINE__, "restore: status %u: %s", status, text);
}

void admin_look(struct admin *a)
{
	union {
		struct rueda_CreateCluster_out create;
		struct rueda_GetStatus_out status;
		struct rueda_Backup_out backup;
		struct rueda_Restore_out restore;
		struct clusapi_BackupClusterDatabase_out old;
	} out;
	enum task was = a->task;
	uint32_t status;

	if (was == IDLE || a->promised || a->caller.service == NULL || !sim_caller_answer(&a->caller, &out, &status))
		return;
	a->task = IDLE;
	switch (was) {
	case IDLE:
	case OTHER:
		break;
	case CREATION:
		if (status == error_to_win32(ERR_CLUSTER_NODE_SHUTTING_DOWN)) {
			a->promised = true; /* It was stopped before it came up. */
			a->task = CREATION;
			break;
		}
		CHECK(status == 0 ? a->world->generation[0] != 0
				  : a->world->faults || status == error_to_win32(ERR_ALREADY_EXISTS));
		break;
	case BACKUP:
		backup_answered(a, status);
		break;
	case RESTORE:
		restore_answered(a, status, out.restore.story);
		break;
	}
}

void begin_backup(struct admin *a, struct directory *d)
{
	static const char16_t *const paths[DIRECTORIES] = { u"/sets/a", u"\\sets\\b" };
	struct world *w = a->world;
	const char16_t *path = paths[d - w->directories];

	a->task = BACKUP;
	a->directory = d;
	a->before = d->set;
	a->busy = is_up(w) && service_of(w)->backup != NULL;
	if (d->backups++ == 0)
		for (unsigned i = 0; i < USERS; i++)
			d->floors[i] = w->users[i].last;
	if (a->number == 0)
		sim_caller_send(&a->caller, CLUSAPI_BACKUP_CLUSTER_DATABASE,
		    &(struct clusapi_BackupClusterDatabase_in){ .path_name = path });
	else
		sim_caller_send(&a->caller, RUEDA_BACKUP, &(struct rueda_Backup_in){ .path = path });
}

void begin_restore(struct admin *a, struct directory *d)
{
	static const char16_t *const paths[DIRECTORIES] = { u"/sets/a", u"/sets/b" };
	struct world *w = a->world;

	a->task = RESTORE;
	a->directory = d;
	a->before = d->set;
	memcpy(a->generation, w->generation, sizeof(a->generation));
	sim_caller_send(&a->caller, RUEDA_RESTORE,
	    &(struct rueda_Restore_in){ .path = paths[a->directory - w->directories], .flags = 1 });
}

void begin_creation(struct admin *a)
{
	a->task = CREATION;
	a->world->created = true;
	memcpy(a->generation, a->world->generation, sizeof(a->generation));
	sim_caller_send(&a->caller, RUEDA_CREATE_CLUSTER, &(struct rueda_CreateCluster_in){ .name = u"sim" });
}

void admin_connect(struct admin *a)
{
	if (a->caller.service == NULL)
		sim_caller_connect(&a->caller, &a->world->service,
		    a->number == 0 ? &clusapi_interface : &rueda_interface, a->number == 0 ? 2 : 1);
}

static void admin_begin(struct admin *a)
{
	struct world *w = a->world;
	struct directory *d = &w->directories[rng_below(&w->rng, DIRECTORIES)];

	admin_connect(a);
	if (a->number == 0) {
		begin_backup(a, d);
		return;
	}
	if (w->generation[0] == 0 && rng_chance(&w->rng, 80)) {
		begin_creation(a);
		return;
	}
	switch (rng_below(&w->rng, 8)) {
	case 0:
	case 1:
		begin_restore(a, d);
		break;
	case 2:
		a->task = OTHER;
		sim_caller_send(&a->caller, RUEDA_GET_STATUS, &(struct rueda_GetStatus_in){ 0 });
		break;
	default:
		begin_backup(a, d);
	}
}

/* The generation in force has changed: everything is what it is in the set that is being restored. */
static void take_generation(struct world *w)
{
	const struct db_key *root = db_root(cluster_db(service_of(w)->cluster));
	struct digest now = db_digest(cluster_db(service_of(w)->cluster));
	const struct known_set *from = NULL;

	for (unsigned i = 0; i < ADMINS; i++) {
		if (w->admins[i].task == RESTORE && digest_equal(&w->admins[i].before.digest, &now))
			from = &w->admins[i].before;
	}
	CHECK(from != NULL || (w->created && w->generation[0] == 0));
	for (unsigned i = 0; i < USERS; i++) {
		struct user *u = &w->users[i];
		struct content c = read_content(u, root);

		user_look(u); /* Of before. */
		CHECK(u->doing == NOTHING || u->unsure || u->caller.service == NULL);
		u->doing = NOTHING;
		u->unsure = false;
		if (from != NULL)
			CHECK(content_equal(&c, &from->contents[i]));
		else
			CHECK(!c.key);
		u->last = 0;
		u->history[0] = c;
	}
	memcpy(w->generation, service_of(w)->generation, sizeof(w->generation));
	w->applied = 0;
}

void world_look(struct world *w)
{
	struct cluster *c = service_of(w)->cluster;

	if (sim_service_is_dead(&w->service))
		return;
	if (is_up(w) && strcmp(w->generation, service_of(w)->generation) != 0)
		take_generation(w);
	for (unsigned i = 0; i < ADMINS; i++)
		admin_look(&w->admins[i]);
	if (!is_up(w) || cluster_applied(c) == w->applied)
		return;
	w->applied = cluster_applied(c);
	for (unsigned i = 0; i < USERS; i++) {
		const struct user *u = &w->users[i];
		struct content now = read_content(u, db_root(cluster_db(c)));

		CHECK(content_equal(&now, &u->history[u->last]) ||
		      (u->doing != NOTHING && content_equal(&now, &u->after)));
	}
	check_no_strangers(db_root(cluster_db(c)));
}

void world_check_digest(struct world *w)
{
	struct digest kept, recomputed;

	if (!is_up(w))
		return;
	kept = db_digest(cluster_db(service_of(w)->cluster));
	recomputed = db_digest_recomputed(db_root(cluster_db(service_of(w)->cluster)));
	CHECK(digest_equal(&kept, &recomputed));
}

static bool is_open(struct world *w)
{
	return w->open && !sim_service_is_dead(&w->service) && !w->service.stopped;
}

static void on_user(void *data)
{
	struct user *u = data;
	struct world *w = u->world;

	if (is_open(w)) {
		world_look(w);
		user_look(u);
		if (u->doing == NOTHING)
			user_begin(u);
	}
	loop_timer_start(u->timer, rng_below(&w->rng, 3000000));
}

static void on_admin(void *data)
{
	struct admin *a = data;
	struct world *w = a->world;

	if (is_open(w)) {
		world_look(w);
		admin_look(a);
		if (a->task == IDLE && !w->scripted && rng_chance(&w->rng, 40)) {
			admin_begin(a);
			admin_look(a); /* Refusals come at once. */
		}
		if (!w->scripted && rng_chance(&w->rng, 5) && is_up(w))
			service_checkpoint(service_of(w));
	}
	loop_timer_start(a->timer, rng_below(&w->rng, 30000000));
}

void world_init(struct world *w, uint64_t seed)
{
	static const char *const names[DIRECTORIES] = { "a", "b" };

	*w = (struct world){ .how = SIM_DISK_POWER_CUT };
	rng_init(&w->rng, seed ^ 0x5eed);
	sim_service_init(&w->service, seed, "[service]\ncheck_changes = 50\ncheck_minutes = 1\n");
	for (unsigned i = 0; i < USERS; i++) {
		w->users[i].world = w;
		w->users[i].number = i;
		CHECK_INT(loop_timer_new(w->service.world, on_user, &w->users[i], &w->users[i].timer), 0);
		on_user(&w->users[i]);
	}
	for (unsigned i = 0; i < ADMINS; i++) {
		w->admins[i].world = w;
		w->admins[i].number = i;
		CHECK_INT(loop_timer_new(w->service.world, on_admin, &w->admins[i], &w->admins[i].timer), 0);
		on_admin(&w->admins[i]);
	}
	for (unsigned i = 0; i < DIRECTORIES; i++)
		w->directories[i].name = names[i];
}

void world_done(struct world *w)
{
	for (unsigned i = 0; i < USERS; i++)
		loop_timer_free(w->users[i].timer);
	for (unsigned i = 0; i < ADMINS; i++)
		loop_timer_free(w->admins[i].timer);
	sim_service_done(&w->service);
}
