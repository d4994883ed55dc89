/* watch_marks: which directories a process watches, for whom, and what of each concerns whom.
 *
 * Why      a directory can lie in the sources of many watches and above those of more, and the kernel has one watch for it.
 * How      a hash table by the kernel's number, with a mark for each directory and owner; an owner has a list of its own.  An
 *          owner looks again by marking all that it finds with a new generation, and sweeping the rest away.
 * Promise  the kernel watches a directory as long as somebody has a mark of it.
 * Threads  one.      Limits  MARKS_MAX marks.      Tests  tests/unit/priv_watch.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/watch_marks.h"
#include <string.h>
#include <sys/inotify.h>

enum { TABLE_SIZE_MIN = 64 };

int marks_init(struct marks *m, int inotify)
{
	*m = (struct marks){ .inotify = inotify, .size = TABLE_SIZE_MIN };
	m->table = calloc(m->size, sizeof(struct mark *));
	return m->table == NULL ? -ENOMEM : 0;
}

void marks_done(struct marks *m)
{
	assert(m->count == 0);
	free(m->table);
	*m = (struct marks){ 0 };
}

static struct mark **slot_of(const struct marks *m, int wd)
{
	return &m->table[((uint32_t)wd * UINT32_C(2654435761)) & (m->size - 1)];
}

/* Without memory it stays as it is, which is slower and not wrong. */
static void grow(struct marks *m)
{
	struct marks more = { .size = m->size * 2 };

	more.table = calloc(more.size, sizeof(struct mark *));
	if (more.table == NULL)
		return;
	for (size_t i = 0; i < m->size; i++) {
		while (m->table[i] != NULL) {
			struct mark *mark = m->table[i], **at = slot_of(&more, mark->wd);

			m->table[i] = mark->next_of_wd;
			mark->next_of_wd = *at;
			*at = mark;
		}
	}
	free(m->table);
	m->table = more.table;
	m->size = more.size;
}

static struct mark *first_from(struct mark *mark, int wd)
{
	while (mark != NULL && mark->wd != wd)
		mark = mark->next_of_wd;
	return mark;
}

struct mark *marks_first(const struct marks *m, int wd)
{
	return first_from(*slot_of(m, wd), wd);
}

struct mark *marks_next(const struct mark *after)
{
	return first_from(after->next_of_wd, after->wd);
}

static struct mark *find(const struct marks *m, const void *owner, int wd)
{
	struct mark *mark = marks_first(m, wd);

	while (mark != NULL && mark->owner != owner)
		mark = marks_next(mark);
	return mark;
}

static bool is_same_name(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

int marks_add(
    struct marks *m, struct marks_of *of, void *owner, uint32_t generation, int wd, const char *name, bool is_source)
{
	struct mark *mark = find(m, owner, wd), **slot;
	_cleanup_free_ char *copy = NULL;

	if (mark == NULL || !is_same_name(mark->name, name)) {
		copy = name == NULL ? NULL : strdup(name);
		if (name != NULL && copy == NULL)
			return -ENOMEM;
		if (mark != NULL) {
			free(mark->name);
			mark->name = TAKE_PTR(copy);
		}
	}
	if (mark != NULL) {
		mark->generation = generation;
		mark->is_source = is_source;
		return 0;
	}
	if (m->count == MARKS_MAX)
		return -E2BIG;
	if (m->count >= m->size)
		grow(m);
	mark = malloc(sizeof(*mark));
	if (mark == NULL)
		return -ENOMEM;
	slot = slot_of(m, wd);
	*mark = (struct mark){ .next_of_wd = *slot,
		.next_of_owner = of->first,
		.owner = owner,
		.generation = generation,
		.wd = wd,
		.is_source = is_source,
		.name = TAKE_PTR(copy) };
	*slot = of->first = mark;
	m->count++;
	return 0;
}

static void unlink_mark(struct marks *m, struct mark *mark)
{
	struct mark **at = slot_of(m, mark->wd);

	while (*at != mark)
		at = &(*at)->next_of_wd;
	*at = mark->next_of_wd;
}

void marks_sweep(struct marks *m, struct marks_of *of, uint32_t generation)
{
	for (struct mark **at = &of->first; *at != NULL;) {
		struct mark *mark = *at;

		if (mark->wd >= 0 && mark->generation == generation) {
			at = &mark->next_of_owner;
			continue;
		}
		*at = mark->next_of_owner;
		if (mark->wd >= 0) {
			unlink_mark(m, mark);
			if (marks_first(m, mark->wd) == NULL) /* It may have gone meanwhile. */
				(void)inotify_rm_watch(m->inotify, mark->wd);
		}
		m->count--;
		free(mark->name);
		free(mark);
	}
}

void marks_forget(struct marks *m, int wd)
{
	struct mark *mark;

	while ((mark = marks_first(m, wd)) != NULL) {
		unlink_mark(m, mark);
		mark->wd = -1;
	}
}
