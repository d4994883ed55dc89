/* sources: what checkpoints are taken of and put back to.
 *
 *	keys    this node's own registry (ruedad/localreg.h): a snapshot is written as a hive on a worker; putting back is one change
 *	files   priv's business (priv/client.h): ruedad has no rights to them; a thread waits for it
 *	key material   the same, in files and in tokens; here it is encrypted, and looks like files
 *
 * Why      one interface for both, that never blocks the loop, and under which no two jobs meet at one source.
 * How      a job that shares a file's path with one that runs, or lies above or below it, waits for that one if either of them
 *          puts back.  Keys of the registry need no such care: each change there is whole.  Jobs on a token wait for each other,
 *          so that a PIN that is wrong is not tried by two at a time; those on different tokens do not, since one may hang, and
 *          whether they are different is told by their URIs.  Files are waited for on threads of their own: a mount that hangs must not
 *          hold the workers, which the log and the blobs need.
 * Promise  what sources.h says.
 *          Watching is the registry's and file_watch.c's; here changes are told together.
 * Threads  the loop's; writing hives on workers, a thread for each job on files.
 * Limits   JOBS_MAX at a time, then ERR_BUSY; FILES_MAX of them on files and tokens run, TOKENS_MAX on tokens, the others wait;
 *          hive_max bytes.
 * Design   docs/design/checkpoint-sources.md        Tests  tests/unit/source_name.c, tests/integration/sources.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/sources.h"
#include "backup/dbhive.h"
#include "base/fd.h"
#include "capture/name.h"
#include "hive/hive.h"
#include "keys/name.h"
#include "priv/client.h"
#include "ruedad/localreg.h"
#include <string.h>
#include <sys/eventfd.h>

enum { JOBS_MAX = 1024, FILES_MAX = 32, TOKENS_MAX = 16 };

struct sources {
	struct sources_config config;
	struct source_job *jobs;                         /* In the order in which they were asked for. */
	size_t job_count, files_running, tokens_running; /* Tokens count as files, too. */
	struct source_watch *watches;
	loop_callback *stopped; /* Wanted by sources_stop(). */
	void *stopped_data;
};

struct source_job {
	struct sources *sources;
	struct source_job *next;
	struct source_name name; /* Its key lies in units.  Of a key's material: a file, whose path may be a URI. */
	char16_t *units;         /* Owned. */
	struct key_which_token token;
	struct source_key key; /* Of a crypto checkpoint. */
	bool puts, running, cancelled;
	int cancel_fd;                /* An eventfd: readable once it is cancelled. */
	struct db_snapshot *snapshot; /* Of the registry, to take a key. */
	struct buf hive;              /* To put back, or what was taken. */
	int result;
	struct error error;
	source_captured *captured;
	source_done *done;
	void *data;
};

struct source_watch {
	struct sources *sources;
	struct source_watch *next;
	struct localreg_watch *local; /* One of the two. */
	void *files;
	struct loop_timer *timer;
	bool pending;
	loop_callback *changed;
	void *data;
};

static void job_free(struct source_job *j)
{
	if (j == NULL)
		return;
	source_name_done(&j->name);
	db_snapshot_unref(j->snapshot);
	buf_done(&j->hive);
	close_fd(&j->cancel_fd);
	free(j->units);
	free(j);
}
DEFINE_FREEP(struct source_job, job_free)

int sources_new(const struct sources_config *config, struct sources **ret)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->config = *config;
	*ret = s;
	return 0;
}

void sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	assert(s->watches == NULL);
	while (s->jobs != NULL) {
		struct source_job *j = s->jobs;

		s->jobs = j->next;
		job_free(j);
	}
	free(s);
}

void sources_stop(struct sources *s, loop_callback *stopped, void *data)
{
	if (s->jobs == NULL) {
		stopped(data);
		return;
	}
	s->stopped = stopped;
	s->stopped_data = data;
	for (struct source_job *j = s->jobs; j != NULL; j = j->next)
		source_cancel(j);
}

int sources_check_name(struct u16 name, struct error *error)
{
	_cleanup_(source_name_done) struct source_name n = { 0 };

	return source_name_parse(name, &n, error);
}

int sources_check_key(struct u16 name, struct error *error)
{
	_cleanup_(key_name_done) struct key_name n = { 0 };

	return key_name_parse(name, &n, error);
}

/* Jobs. */

static void start_jobs(struct sources *s);

static bool is_token(const struct source_job *j)
{
	return j->name.kind == SOURCE_FILE && j->name.path[0] != '/';
}

/* Out of the list, then told: the callback may begin another. */
static void end_job(struct source_job *j)
{
	struct sources *s = j->sources;
	struct source_job **at = &s->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	s->job_count--;
	s->files_running -= j->name.kind == SOURCE_FILE;
	s->tokens_running -= is_token(j);
	if (j->result < 0 && j->error.code == 0)
		(void)error_set_code(
		    &j->error, j->result, "cannot %s", j->puts ? "put back a checkpoint" : "take a checkpoint");
	start_jobs(s);
	if (j->puts) {
		j->done(j->data, j->result, &j->error);
	} else {
		uint8_t *hive = j->result == 0 ? TAKE_PTR(j->hive.data) : NULL;

		j->captured(j->data, j->result, hive, j->result == 0 ? j->hive.len : 0, &j->error);
	}
	job_free(j);
	if (s->jobs == NULL && s->stopped != NULL)
		s->stopped(s->stopped_data);
}

static void end_on_loop(void *data)
{
	end_job(data);
}

/* Files. */

static void run_files(void *data)
{
	struct source_job *j = data;
	struct priv_tree what = { .puts = j->puts,
		.path = j->name.path,
		.hive_max = j->sources->config.hive_max,
		.hive = &j->hive,
		.key = j->key.key,
		.before = j->key.before,
		.seconds = j->sources->config.file_seconds,
		.cancel_fd = j->cancel_fd };

	j->result = j->sources->config.tree(j->sources->config.priv, &what, &j->error);
}

/* Keys. */

struct key_sink {
	struct buf *out;
	size_t max;
};

static int key_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct key_sink *k = data;

	if (offset + len > k->max)
		return ERR_DISK_FULL;
	if (offset + len > k->out->len)
		buf_append_zeros(k->out, (size_t)(offset + len) - k->out->len);
	if (k->out->error < 0)
		return k->out->error;
	memcpy(k->out->data + offset, bytes, len);
	return 0;
}

static int key_sync(void *data)
{
	return 0;
}

static void run_key(void *data)
{
	struct source_job *j = data;
	struct key_sink k = { &j->hive, j->sources->config.hive_max };
	struct hive_sink sink = { key_write, key_sync, &k };
	const struct db_key *key = db_find(db_snapshot_root(j->snapshot), j->name.key);

	if (key == NULL) {
		j->result = error_set(&j->error, ERR_FILE_NOT_FOUND, "cannot take a checkpoint: there is no such key");
		return;
	}
	j->result = dbhive_write_to(&sink, key, db_key_time(key), NULL);
	if (j->result == ERR_DISK_FULL)
		(void)error_set(
		    &j->error, j->result, "cannot take a checkpoint: the key makes more than %zu bytes", k.max);
}

static void key_replaced(void *data, int r)
{
	struct source_job *j = data;

	j->result = r;
	end_job(j);
}

static int take_key(struct source_job *j)
{
	struct sources *s = j->sources;

	j->snapshot = localreg_saved(s->config.registry);
	return j->snapshot == NULL ? -ENOMEM : loop_work(s->config.loop, run_key, end_on_loop, j);
}

/* Whether it has been saved or undone: what is durable is known. */
static void on_settled(void *data, int r)
{
	struct source_job *j = data;

	r = j->cancelled ? ERR_CANCELLED : take_key(j);
	if (r == 0)
		return; /* The result is the worker's, which may have it already. */
	j->result = r;
	end_job(j);
}

/* Only what is durable is taken: what is saved must never be newer than the source that a crash leaves. */
static int start_key(struct source_job *j)
{
	struct sources *s = j->sources;
	int r;

	if (j->puts)
		return localreg_replace(
		    s->config.registry, j->name.key, j->hive.data, j->hive.len, key_replaced, j, &j->error);
	r = localreg_settle(s->config.registry, on_settled, j);
	return r > 0 ? take_key(j) : r;
}

/* Whether one path is the other or lies below it. */
static bool paths_meet(const char *a, const char *b)
{
	size_t len = MIN(strlen(a), strlen(b));

	return strncmp(a, b, len) == 0 && (a[len] == 0 || a[len] == '/') && (b[len] == 0 || b[len] == '/');
}

static bool must_wait(const struct source_job *j)
{
	if (j->name.kind == SOURCE_KEY)
		return false;
	if (j->sources->files_running >= FILES_MAX || (is_token(j) && j->sources->tokens_running >= TOKENS_MAX))
		return true;
	for (const struct source_job *other = j->sources->jobs; other != j; other = other->next)
		if (other->name.kind == SOURCE_FILE &&
		    (is_token(other) && is_token(j)
			    ? key_tokens_meet(&other->token, &j->token)
			    : (other->puts || j->puts) && paths_meet(other->name.path, j->name.path)))
			return true;
	return false;
}

static void start_job(struct source_job *j)
{
	struct loop *loop = j->sources->config.loop;
	int r;

	j->running = true;
	j->sources->files_running += j->name.kind == SOURCE_FILE;
	j->sources->tokens_running += is_token(j);
	r = j->cancelled                 ? ERR_CANCELLED
	    : j->name.kind == SOURCE_KEY ? start_key(j)
					 : loop_background(loop, run_files, end_on_loop, j);
	if (r == 0)
		return;
	j->result = r;
	/* Told later: nobody is called from inside a call. */
	if (loop_post(loop, end_on_loop, j) < 0)
		abort(); /* Somebody would wait for ever. */
}

static void start_jobs(struct sources *s)
{
	for (struct source_job *j = s->jobs; j != NULL; j = j->next)
		if (!j->running && !must_wait(j))
			start_job(j);
}

static int parse_name(struct source_job *j, struct u16 name, struct error *error)
{
	struct key_name n;
	int r;

	if (j->key.key == NULL)
		return source_name_parse(name, &j->name, error);
	r = key_name_parse(name, &n, error);
	if (r == 0) {
		j->name = (struct source_name){ .kind = SOURCE_FILE, .path = n.place };
		j->token = n.token;
	}
	return r;
}

/* key: NULL, or of a crypto checkpoint. */
static int job_new(
    struct sources *s, struct u16 name, const struct source_key *key, struct source_job **ret, struct error *error)
{
	_cleanup_(job_freep) struct source_job *j = NULL;
	int r;

	if (s->job_count == JOBS_MAX)
		return error_set(error, ERR_BUSY, "more than %d checkpoints are being taken or put back", JOBS_MAX);
	j = calloc(1, sizeof(*j));
	if (j != NULL) {
		j->cancel_fd = -1;
		j->units = u16_dup(name);
	}
	if (j == NULL || j->units == NULL)
		return error_set_code(error, -ENOMEM, "cannot take or put back a checkpoint");
	if (key != NULL)
		j->key = *key;
	r = parse_name(j, (struct u16){ j->units, name.len }, error);
	if (r < 0)
		return r;
	j->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (j->cancel_fd < 0)
		return error_set_code(error, -errno, "cannot take or put back a checkpoint");
	j->sources = s;
	*ret = TAKE_PTR(j);
	return 0;
}

static void job_begin(struct source_job *j)
{
	struct source_job **end = &j->sources->jobs;

	while (*end != NULL)
		end = &(*end)->next;
	*end = j;
	j->sources->job_count++;
	start_jobs(j->sources);
}

static int capture(struct sources *s, struct u16 name, const struct source_key *key, source_captured *done, void *data,
    struct source_job **ret, struct error *error)
{
	struct source_job *j;
	int r = job_new(s, name, key, &j, error);

	if (r < 0)
		return r;
	j->captured = done;
	j->data = data;
	if (ret != NULL)
		*ret = j;
	job_begin(j);
	return 0;
}

int source_capture(
    struct sources *s, struct u16 name, source_captured *done, void *data, struct source_job **ret, struct error *error)
{
	return capture(s, name, NULL, done, data, ret, error);
}

int source_capture_key(struct sources *s, struct u16 name, const struct source_key *key, source_captured *done,
    void *data, struct source_job **ret, struct error *error)
{
	return capture(s, name, key, done, data, ret, error);
}

int source_put_back_key(struct sources *s, struct u16 name, const struct source_key *key, const uint8_t *hive,
    size_t len, source_done *done, void *data, struct source_job **ret, struct error *error)
{
	_cleanup_(job_freep) struct source_job *j = NULL;
	int r = job_new(s, name, key, &j, error);

	if (r < 0)
		return r;
	buf_append(&j->hive, hive, len);
	if (j->hive.error < 0)
		return error_set_code(error, j->hive.error, "cannot put back a checkpoint");
	j->puts = true;
	j->done = done;
	j->data = data;
	if (ret != NULL)
		*ret = j;
	job_begin(TAKE_PTR(j));
	return 0;
}

int source_put_back(struct sources *s, struct u16 name, const uint8_t *hive, size_t len, source_done *done, void *data,
    struct source_job **ret, struct error *error)
{
	return source_put_back_key(s, name, NULL, hive, len, done, data, ret, error);
}

void source_cancel(struct source_job *job)
{
	uint64_t one = 1;

	if (job->cancelled)
		return;
	job->cancelled = true;
	(void)!write(job->cancel_fd, &one, sizeof(one));
	if (!job->running)
		start_job(job); /* Which ends it. */
}

/* Watching. */

static void tell_changed(void *data)
{
	struct source_watch *w = data;

	w->pending = false;
	w->changed(w->data);
}

static void note_change(void *data)
{
	struct source_watch *w = data;

	if (w->pending)
		return;
	w->pending = true;
	loop_timer_start(w->timer, SOURCE_WATCH_MS * UINT64_C(1000000));
}

/* A file, if path says so, or the key of that name. */
static int watch_new(struct sources *s, const char *path, struct u16 name, loop_callback *changed, void *data,
    struct source_watch **ret, struct error *error)
{
	struct error why = { 0 };
	struct source_watch *w;
	int r;

	if (path != NULL && s->config.watch == NULL)
		return error_set(error, ERR_NOT_SUPPORTED, "files are not watched here");
	w = calloc(1, sizeof(*w));
	r = w == NULL ? -ENOMEM : loop_timer_new(s->config.loop, tell_changed, w, &w->timer);
	if (r == 0 && path != NULL)
		r = s->config.watch(s->config.watches, path, note_change, w, &w->files, &why);
	else if (r == 0)
		r = localreg_watch_new(s->config.registry, name, note_change, w, &w->local);
	if (r < 0) {
		if (w != NULL)
			loop_timer_free(w->timer);
		free(w);
		return why.code < 0 ? error_set(error, r, "%s", why.text)
				    : error_set_code(error, r, "cannot watch the source of a checkpoint");
	}
	w->sources = s;
	w->changed = changed;
	w->data = data;
	w->next = s->watches;
	s->watches = w;
	*ret = w;
	return 0;
}

int source_watch(struct sources *s, struct u16 name, loop_callback *changed, void *data, struct source_watch **ret,
    struct error *error)
{
	_cleanup_(source_name_done) struct source_name n = { 0 };
	int r = source_name_parse(name, &n, error);

	return r < 0 ? r : watch_new(s, n.kind == SOURCE_FILE ? n.path : NULL, name, changed, data, ret, error);
}

int source_watch_key(struct sources *s, struct u16 name, loop_callback *changed, void *data, struct source_watch **ret,
    struct error *error)
{
	_cleanup_(key_name_done) struct key_name n = { 0 };
	int r = key_name_parse(name, &n, error);

	if (r == 0 && n.kind == BOX_TOKEN)
		return error_set(error, ERR_NOT_SUPPORTED, "keys in tokens are not watched");
	return r < 0 ? r : watch_new(s, n.place, name, changed, data, ret, error);
}

void source_watch_free(struct source_watch *w)
{
	struct source_watch **at;

	if (w == NULL)
		return;
	for (at = &w->sources->watches; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	localreg_watch_free(w->local);
	if (w->files != NULL)
		w->sources->config.unwatch(w->files);
	loop_timer_free(w->timer);
	free(w);
}
