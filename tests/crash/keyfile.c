/* keyfile: key material in files, each system call of whose taking and putting back fails, is cut short or is the last of the
 * process; and each allocation.  What is in the place is the old file or the new one, whole; what is saved is whole, or nothing is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "priv/keys.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/failsys.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OLD, NEW, KILLED = 1 };

struct story {
	struct tree_fixture f;
	enum box_kind kind;
	uint8_t key[BOX_KEY_LEN];
	struct buf content[2], box[2]; /* Of the old and of the new file. */
	struct error *error;           /* Shared with processes that are forked. */
	uint64_t *taken;
	int fd; /* Where a box is. */
};

/* What OpenSSL makes of a new key. */
static struct buf make_content(enum box_kind kind)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf b = { 0 };
	char *data;
	long len;

	if (kind == BOX_PEM) {
		CHECK_INT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	} else {
		PKCS12 *p = PKCS12_create("secret", "name", key, NULL, NULL, 0, 0, 0, 0, 0);

		CHECK(i2d_PKCS12_bio(bio, p) == 1);
		PKCS12_free(p);
	}
	len = BIO_get_mem_data(bio, &data);
	buf_append(&b, data, (size_t)len);
	BIO_free_all(bio);
	EVP_PKEY_free(key);
	return b;
}

static int work(struct story *s, bool puts, uint64_t size, uint64_t before)
{
	struct tree_job job = { .fd = s->fd, .size = size, .before = before, .key = s->key, .steps = &s->f.steps };
	struct keys_place place = { .puts = puts, .file = { s->f.fd, "key", "key" } };
	int r;

	r = keys_work(&place, &job, s->taken, &s->f.told, s->error);
	return r < 0 && s->error->code == 0 ? error_set_code(s->error, r, "gave up") : r; /* As priv/tree.c does. */
}

static void fill(struct story *s, const struct buf *box)
{
	CHECK_INT(ftruncate(s->fd, 0), 0);
	CHECK(box == NULL || pwrite(s->fd, box->data, box->len, 0) == (ssize_t)box->len);
}

static int put(struct story *s)
{
	return work(s, true, s->box[NEW].len, 0);
}

static int take(struct story *s)
{
	return work(s, false, BOX_MAX, 0);
}

/* In a process of its own, which may die, and gives up rights: 0, an error with its story, or KILLED. */
static int attempt(struct story *s, int (*what)(struct story *s), uint64_t nth, int how)
{
	int status;
	pid_t pid;

	*s->error = (struct error){ 0 };
	failsys_begin(nth, how);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(what(s) < 0 ? 2 : 0);
	(void)failsys_end();
	CHECK_INT(waitpid(pid, &status, 0), pid);
	if (failsys->wrong[0] != 0)
		test_fail(__FILE__, __LINE__, "%s", failsys->wrong);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return KILLED;
	CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2));
	CHECK(WEXITSTATUS(status) == 0 || (s->error->code < 0 && s->error->text[0] != 0));
	return WEXITSTATUS(status) == 0 ? 0 : s->error->code;
}

static void save(struct story *s, int which)
{
	s->content[which] = make_content(s->kind);
	trees_file(&s->f, "key", s->content[which].data, s->content[which].len);
	trees_settle();
	fill(s, NULL);
	if (attempt(s, take, 0, 0) < 0)
		test_fail(__FILE__, __LINE__, "%s", s->error->text);
	buf_append_zeros(&s->box[which], (size_t)*s->taken);
	CHECK(pread(s->fd, s->box[which].data, s->box[which].len, 0) == (ssize_t)s->box[which].len);
}

static void story_begin(struct story *s, enum box_kind kind)
{
	const struct seal_key cluster_key = { "the key of the cluster, 32 bytes" };
	const struct box_label label = { .kind = kind };
	static int count;
	struct box_key key;
	char name[32];

	*s = (struct story){ .kind = kind, .fd = memfd_create("box", MFD_CLOEXEC) };
	s->error = mmap(NULL, sizeof(*s->error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s->taken = mmap(NULL, sizeof(*s->taken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(s->fd >= 0 && s->error != MAP_FAILED && s->taken != MAP_FAILED);
	CHECK_INT(box_key_make(&cluster_key, &label, &key), 0);
	box_key_write(&key, s->key);
	(void)snprintf(name, sizeof(name), "story%d", ++count);
	trees_open(&s->f, name);
	save(s, NEW);
	save(s, OLD);
}

static void story_end(struct story *s)
{
	for (int i = OLD; i <= NEW; i++) {
		buf_done(&s->content[i]);
		buf_done(&s->box[i]);
	}
	(void)close(s->fd);
	(void)munmap(s->error, sizeof(*s->error));
	(void)munmap(s->taken, sizeof(*s->taken));
	trees_close(&s->f);
}

/* Which of the two is in the place: there is no third. */
static int look(struct story *s)
{
	_cleanup_fd_ int fd = openat(s->f.fd, "key", O_RDONLY | O_CLOEXEC);
	uint8_t now[8192];
	ssize_t n = read(fd, now, sizeof(now));

	for (int i = OLD; i <= NEW; i++)
		if (n == (ssize_t)s->content[i].len && memcmp(now, s->content[i].data, s->content[i].len) == 0)
			return i;
	test_fail(__FILE__, __LINE__, "neither the old file nor the new one: %zd bytes", n);
}

static void put_with_each_call(struct story *s, int how)
{
	for (uint64_t nth = 1;; nth++) {
		int r, state;

		trees_file(&s->f, "key", s->content[OLD].data, s->content[OLD].len);
		fill(s, &s->box[NEW]);
		r = attempt(s, put, nth, how);
		state = look(s);
		CHECK(r != 0 || (state == NEW && !failsys->directory_is_dirty)); /* Done is done, and durable. */
		CHECK(r != 0 || how > 0 || !trees_has_leftovers(&s->f));
		if (failsys->left != 0) {
			CHECK(nth > 12 && r == 0);
			return;
		}
		CHECK_INT(r == KILLED, how == FAILSYS_DIES);
		CHECK(how != FAILSYS_SHORT || r == 0); /* That is no error. */
		/* The next one makes it right, and clears up. */
		CHECK_INT(attempt(s, put, 0, 0), 0);
		CHECK_INT(look(s), NEW);
		CHECK(!trees_has_leftovers(&s->f));
	}
}

TEST(whichever_call_is_the_last_while_a_key_file_is_put_back_the_old_or_the_new_is_there)
{
	for (int kind = BOX_PEM; kind <= BOX_PKCS12; kind++) {
		struct story s;

		story_begin(&s, (enum box_kind)kind);
		put_with_each_call(&s, FAILSYS_DIES);
		story_end(&s);
	}
}

TEST(whichever_call_fails_while_a_key_file_is_put_back_the_old_or_the_new_is_there)
{
	static const int ways[] = { EIO, ENOSPC, EACCES, FAILSYS_SHORT };

	for (int kind = BOX_PEM; kind <= BOX_PKCS12; kind++)
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			struct story s;

			story_begin(&s, (enum box_kind)kind);
			put_with_each_call(&s, ways[i]);
			story_end(&s);
		}
}

static int put_taken(struct story *s)
{
	return work(s, true, *s->taken, 0);
}

/* A box that is said to be there opens to the whole file. */
static void check_taken(struct story *s)
{
	trees_text(&s->f, "key", "another");
	CHECK_INT(attempt(s, put_taken, 0, 0), 0);
	CHECK_INT(look(s), OLD);
	trees_settle();
}

static void take_with_each_call(struct story *s, int how)
{
	for (uint64_t nth = 1;; nth++) {
		int r;

		fill(s, NULL);
		*s->taken = 0;
		r = attempt(s, take, nth, how);
		if (failsys->left != 0) {
			CHECK(nth > 12 && r == 0);
			return;
		}
		CHECK_INT(look(s), OLD);
		CHECK_INT(r == KILLED, how == FAILSYS_DIES);
		CHECK((r == 0) == (*s->taken > 0));
		if (r == 0)
			check_taken(s);
	}
}

TEST(whichever_call_fails_while_a_key_file_is_taken_it_is_whole_or_not_saved)
{
	static const int ways[] = { FAILSYS_DIES, EIO, ENOENT, FAILSYS_SHORT };

	for (int kind = BOX_PEM; kind <= BOX_PKCS12; kind++)
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			struct story s;

			story_begin(&s, (enum box_kind)kind);
			take_with_each_call(&s, ways[i]);
			story_end(&s);
		}
}

/* Whoever finds a hole in what reads keys is not root: root without capabilities could still write root's files. */
TEST(who_looks_at_the_content_of_a_key_file_is_not_root)
{
	static const struct identity nobody = { .uid = 65533, .gid = 65533 };
	struct story s;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	story_begin(&s, BOX_PEM);
	fill(&s, NULL);
	pid = fork();
	if (pid == 0) {
		struct tree_job job = { .fd = s.fd, .size = BOX_MAX, .key = s.key, .steps = &s.f.steps };
		struct keys_place place = { .file = { s.f.fd, "key", "key" }, .reader = &nobody };
		uid_t real, effective, saved;

		if (keys_work(&place, &job, s.taken, &s.f.told, s.error) < 0 || *s.taken == 0)
			_exit(1);
		_exit(getresuid(&real, &effective, &saved) < 0 || real != 65533 || effective != 65533 ||
		      saved != 65533 || getegid() != 65533 || getgroups(0, NULL) != 0 ||
		      prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	check_taken(&s);
	story_end(&s);
}

/* The last, as it gives up rights. */
TEST(without_memory_a_key_file_is_taken_or_put_back_whole_or_not_at_all)
{
	struct story s;

	story_begin(&s, BOX_PEM);
	failsys_begin(0, 0);
	(void)failsys_end();
	FAIL_EACH_ALLOCATION
	{
		int r;

		fill(&s, &s.box[OLD]);
		*s.taken = 1;
		r = work(&s, false, BOX_MAX, s.box[OLD].len);
		if (r < 0 && r != -ENOMEM)
			test_fail(__FILE__, __LINE__, "%d %s", r, s.error->text);
		CHECK(r == 0 || failalloc_hit());
		CHECK(failalloc_hit() || *s.taken == 0); /* It is what it was. */
	}
	FAIL_EACH_ALLOCATION
	{
		int r = work(&s, true, s.box[NEW].len, 0);

		CHECK(r == 0 || (failalloc_hit() && r == -ENOMEM && look(&s) == OLD));
		trees_file(&s.f, "key", s.content[OLD].data, s.content[OLD].len);
	}
	story_end(&s);
}
