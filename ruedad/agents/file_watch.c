/* file_watch: being told when files change.
 *
 *	wanted ──► asked ──► seen ──► removing ──► gone
 *	  ▲          │ failed  │
 *	  └──────────┴─────────┘ the process has ended; again, after a while
 *
 * Why      ruedad has no rights to the files; processes of priv's watch them (priv/watch.c), and may fail, end or hang.
 * How      a process for each root that has watches, so that a mount that hangs delays its own root only.  One request is under
 *          way at a time, so the process's queue is never full.  If it ends while it looks at the files of one watch, that one
 *          is suspected, and waits for SUSPECT_SECONDS and longer before it is asked for again; the others do not.
 * Promise  what file_watch.h says.
 * Threads  the loop's.      Limits  WATCHES_MAX for each root (priv/watch.h); beyond, watches wait.
 * Design   docs/design/checkpoint-sources.md
 * Tests    tests/unit/file_watch.c (a process that fails in every way), tests/integration/sources.c (a real priv)
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/file_watch.h"
#include "base/fd.h"
#include "base/log.h"
#include "priv/channel.h"
#include "priv/roots.h"
#include "priv/watch.h"

enum {
	RETRY_SECONDS = 1, /* After the first failure; twice as long after each further one, … */
	RETRY_SECONDS_MAX = 60,
	SUSPECT_SECONDS = 60, /* The same for a watch at whose files the process has ended. */
	SUSPECT_SECONDS_MAX = 3600,
	PACKETS_A_TURN = 64,
};

enum state {
	WANTED, /* The process does not know it. */
	ASKED,
	SEEN,
	REMOVING,
};

struct file_watch {
	struct file_watch *next;
	struct root *root;
	uint64_t id;
	enum state state;
	bool dropped; /* Freed by whoever asked for it. */
	bool told;    /* The log knows that it cannot be watched. */
	unsigned failures;
	uint64_t not_before_ns; /* WANTED: when to ask for it. */
	loop_callback *changed;
	void *data;
	char path[];
};

/* A process that watches, as long as its socket is open. */
struct process {
	uv_poll_t poll;
	struct root *root; /* NULL: nobody listens any more. */
	int socket;        /* Owned. */
};

/* One is being started. */
struct opening {
	struct root *root; /* NULL: nobody wants it any more. */
};

struct root {
	struct root *next;
	struct file_watches *all;
	struct file_watch *watches;
	struct process *process;
	struct opening *opening;
	struct loop_timer *timer; /* For the next thing that has to wait. */
	unsigned failures;        /* Of the process, one after another. */
	uint64_t not_before_ns;   /* No new process. */
	uint64_t asked;           /* The id of the request under way; 0: none. */
	uint64_t looked_at;       /* The id of the watch whose files are being looked at; 0: none. */
	size_t len;
	char path[];
};

struct file_watches {
	struct file_watches_config config;
	struct root *roots;
	uint64_t last_id;
};

static void pump(struct root *root);

static uint64_t backoff_ns(unsigned failures, unsigned first, unsigned max)
{
	return MIN((uint64_t)first << MIN(failures, 16u), (uint64_t)max) * UINT64_C(1000000000);
}

static struct file_watch *find(const struct root *root, uint64_t id)
{
	struct file_watch *w = root->watches;

	while (w != NULL && w->id != id)
		w = w->next;
	return w;
}

static void remove_watch(struct file_watch *w)
{
	struct file_watch **at = &w->root->watches;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

/* The process. */

static void on_process_closed(uv_handle_t *handle)
{
	struct process *p = handle->data;

	close_fd(&p->socket);
	free(p);
}

static void close_process(struct root *root)
{
	struct process *p = TAKE_PTR(root->process);

	if (p == NULL)
		return;
	p->root = NULL;
	uv_close((uv_handle_t *)&p->poll, on_process_closed);
	root->asked = root->looked_at = 0;
}

/* Only what nobody waits for any more is left. */
static bool is_unused(const struct root *root)
{
	for (const struct file_watch *w = root->watches; w != NULL; w = w->next)
		if (!w->dropped)
			return false;
	return true;
}

static void root_free(struct root *root)
{
	struct root **at = &root->all->roots;

	while (*at != root)
		at = &(*at)->next;
	*at = root->next;
	while (root->watches != NULL)
		remove_watch(root->watches);
	close_process(root);
	if (root->opening != NULL)
		root->opening->root = NULL;
	loop_timer_free(root->timer);
	free(root);
}

static void suspect(struct root *root)
{
	struct file_watch *w = find(root, root->looked_at);

	if (w == NULL)
		return;
	log_warning("gave up watching files, is tried again; does a mount hang? path=\"%s\"", w->path);
	w->told = true;
	w->not_before_ns =
	    loop_now_ns(root->all->config.loop) + backoff_ns(w->failures++, SUSPECT_SECONDS, SUSPECT_SECONDS_MAX);
}

/* There is no process (any more): all begins again, after a while. */
static void lose_process(struct root *root, const char *why)
{
	if (root->failures == 0)
		log_warning("files below a root are not watched for the moment: %s root=\"%s\"", why, root->path);
	suspect(root);
	close_process(root);
	root->not_before_ns =
	    loop_now_ns(root->all->config.loop) + backoff_ns(root->failures++, RETRY_SECONDS, RETRY_SECONDS_MAX);
	for (struct file_watch *w = root->watches, *next; w != NULL; w = next) {
		next = w->next;
		w->state = WANTED;
		if (w->dropped)
			remove_watch(w);
	}
	pump(root);
}

/* What it says. */

static void on_seen(struct root *root, struct file_watch *w)
{
	if (root->asked == w->id)
		root->asked = 0;
	w->state = SEEN;
	w->failures = root->failures = 0;
	if (w->told && !w->dropped)
		log_notice("files are watched again path=\"%s\"", w->path);
	w->told = false;
}

static void on_failed(struct root *root, struct file_watch *w, const struct watch_event *e)
{
	if (root->asked == w->id)
		root->asked = 0;
	w->state = WANTED;
	w->not_before_ns =
	    loop_now_ns(root->all->config.loop) + backoff_ns(w->failures++, RETRY_SECONDS, RETRY_SECONDS_MAX);
	if (!w->told && !w->dropped)
		log_warning("files cannot be watched, is tried again: %s path=\"%s\" error=%u", e->text, w->path,
		    error_to_win32(e->result));
	w->told = true;
}

/* false: the process must be given up. */
static bool on_event(struct root *root, const struct watch_event *e)
{
	struct file_watch *w = find(root, e->id);
	bool is_change = e->type == WATCH_SEES || e->type == WATCH_CHANGED;

	if (w == NULL || w->state == WANTED)
		return false;
	if (e->type == WATCH_REMOVED && w->state != REMOVING)
		return false;
	if (w->state == REMOVING && e->type != WATCH_REMOVED && e->type != WATCH_FAILED) {
		root->looked_at = e->type == WATCH_LOOKS ? e->id : 0;
		return true;
	}
	root->looked_at = e->type == WATCH_LOOKS ? e->id : e->type == WATCH_CHANGED ? root->looked_at : 0;
	if (e->type == WATCH_SEES)
		on_seen(root, w);
	/* One that is being removed is answered for its removal, too. */
	if (e->type == WATCH_FAILED && w->state != REMOVING) {
		/* What was seen until now is not any more. */
		is_change = w->state == SEEN;
		on_failed(root, w, e);
	}
	if (e->type == WATCH_REMOVED)
		root->asked = 0;
	if (e->type == WATCH_REMOVED || (w->dropped && w->state == WANTED)) {
		remove_watch(w);
		return true;
	}
	if (is_change && !w->dropped)
		w->changed(w->data);
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct process *p = poll->data;

	(void)status; /* An error is found again by reading. */
	(void)events;
	for (int i = 0; i < PACKETS_A_TURN && p->root != NULL; i++) {
		_cleanup_fd_ int fd = -1;
		uint8_t packet[WATCH_PACKET_MAX];
		struct watch_event e;
		int n = channel_receive(p->socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT);

		if (n == -EAGAIN)
			break;
		if (n <= 0 || fd >= 0) {
			lose_process(p->root, "the process that watches them has ended");
			return;
		}
		if (watch_event_decode(packet, (size_t)n, &e) < 0 || !on_event(p->root, &e)) {
			lose_process(p->root, "the process that watches them sent nonsense");
			return;
		}
	}
	if (p->root != NULL)
		pump(p->root);
}

static int listen_to(struct root *root, int *socket)
{
	struct process *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return -ENOMEM;
	r = uv_poll_init(root->all->config.uv, &p->poll, *socket);
	if (r < 0) {
		free(p);
		return r;
	}
	p->poll.data = p;
	p->root = root;
	p->socket = TAKE_FD(*socket);
	root->process = p;
	return uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

static void on_opened(void *data, int result, int socket, const struct error *e)
{
	struct opening *opening = data;
	struct root *root = opening->root;
	_cleanup_fd_ int fd = socket;
	int r = result;

	free(opening);
	if (root == NULL)
		return;
	root->opening = NULL;
	if (r == 0)
		r = listen_to(root, &fd);
	if (r < 0)
		lose_process(root, result < 0 ? e->text : error_text(r));
	else
		pump(root);
}

static int open_process(struct root *root)
{
	const struct file_watches_config *config = &root->all->config;
	struct opening *opening = calloc(1, sizeof(*opening));
	int r;

	if (opening == NULL)
		return -ENOMEM;
	opening->root = root;
	r = config->open(config->priv, on_opened, opening);
	if (r < 0)
		free(opening);
	else
		root->opening = opening;
	return r;
}

/* What is asked of it. */

static int ask(struct root *root, struct file_watch *w, enum watch_request_type type)
{
	struct watch_request q = { .type = type, .id = w->id };
	struct buf out = { 0 };
	int r;

	if (type == WATCH_ADD) {
		q.path = w->path;
		q.path_len = strlen(w->path);
	}
	watch_request_encode(&q, &out);
	r = out.error < 0 ? out.error : channel_send(root->process->socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
	buf_done(&out);
	if (r < 0)
		return r;
	w->state = type == WATCH_ADD ? ASKED : REMOVING;
	root->asked = w->id;
	return 0;
}

static void wait_until(struct root *root, uint64_t ns)
{
	uint64_t now = loop_now_ns(root->all->config.loop);

	loop_timer_start(root->timer, ns > now ? ns - now : 1);
}

/* The next request, if none is under way; or a new process; or a time to wait for. */
static void pump(struct root *root)
{
	uint64_t now = loop_now_ns(root->all->config.loop), next = UINT64_MAX;
	int r = 0;

	if (root->opening != NULL || root->asked != 0)
		return;
	if (root->process == NULL && now < root->not_before_ns) {
		wait_until(root, root->not_before_ns);
		return;
	}
	if (root->process == NULL) {
		r = open_process(root);
		if (r < 0)
			lose_process(root, error_text(r));
		return;
	}
	for (struct file_watch *w = root->watches; r == 0 && root->asked == 0 && w != NULL; w = w->next) {
		if (w->dropped && w->state == SEEN)
			r = ask(root, w, WATCH_REMOVE);
		else if (w->state == WANTED && w->not_before_ns <= now)
			r = ask(root, w, WATCH_ADD);
		else if (w->state == WANTED)
			next = MIN(next, w->not_before_ns);
	}
	if (r < 0)
		lose_process(root, error_text(r));
	else if (root->asked == 0 && next != UINT64_MAX)
		wait_until(root, next);
}

static void on_timer(void *data)
{
	pump(data);
}

/* The interface. */

int file_watches_new(const struct file_watches_config *config, struct file_watches **ret)
{
	struct file_watches *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->config = *config;
	*ret = f;
	return 0;
}

void file_watches_free(struct file_watches *f)
{
	if (f == NULL)
		return;
	assert(f->roots == NULL); /* A root goes with its last watch. */
	free(f);
}

static int root_of(struct file_watches *f, const char *path, size_t len, struct root **ret)
{
	struct root *root = f->roots;
	int r;

	while (root != NULL && (root->len != len || memcmp(root->path, path, len) != 0))
		root = root->next;
	if (root == NULL) {
		root = calloc(1, sizeof(*root) + len + 1);
		r = root == NULL ? -ENOMEM : loop_timer_new(f->config.loop, on_timer, root, &root->timer);
		if (r < 0) {
			free(root);
			return r;
		}
		root->all = f;
		root->len = len;
		memcpy(root->path, path, len);
		root->next = f->roots;
		f->roots = root;
	}
	*ret = root;
	return 0;
}

int file_watch_new(struct file_watches *f, const char *path, loop_callback *changed, void *data,
    struct file_watch **ret, struct error *error)
{
	size_t root_len = roots_find(f->config.roots, path), size = strlen(path) + 1;
	_cleanup_free_ struct file_watch *w = NULL;
	struct root *root;
	int r;

	if (root_len == 0)
		return error_set(error, ERR_ACCESS_DENIED,
		    "%.300s is not below a root that [checkpoints] of rueda.conf allows on this node", path);
	w = calloc(1, sizeof(*w) + size);
	r = w == NULL ? -ENOMEM : root_of(f, path, root_len, &root);
	if (r < 0)
		return error_set_code(error, r, "cannot watch files");
	memcpy(w->path, path, size);
	w->root = root;
	w->id = ++f->last_id;
	w->changed = changed;
	w->data = data;
	w->next = root->watches;
	root->watches = w;
	loop_timer_start(root->timer, 1); /* Nothing is done from inside. */
	*ret = TAKE_PTR(w);
	return 0;
}

void file_watch_free(struct file_watch *w)
{
	struct root *root;

	if (w == NULL)
		return;
	root = w->root;
	assert(!w->dropped);
	w->dropped = true;
	if (is_unused(root)) {
		root_free(root); /* The process ends with its socket, and forgets. */
		return;
	}
	if (w->state == WANTED)
		remove_watch(w);
	else
		loop_timer_start(root->timer, 1);
}
