/* token: each single call of a PKCS #11 library fails, is lost or never comes, while a key is taken out of a token or put
 * back.  What is saved is a whole key, or nothing; what is in the token is the old key or the new one, or plainly both, until
 * the next putting back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/token.h"
#include "base/fd.h"
#include "tests/lib/failing_token.h"
#include "tests/lib/token.h"
#include "tests/lib/trees.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define URI "pkcs11:token=app;object=signing"

enum { SIGNATURE = 256, SIGNATURES = 8 };

static const uint8_t wrapping[SEAL_KEY_LEN] = "wrap wrap wrap wrap wrap wrap 12";

static const struct failing_token ways[] = {
	{ TOKEN_FAILS, CKR_DEVICE_ERROR },
	{ TOKEN_FAILS, CKR_SESSION_CLOSED },
	{ TOKEN_FAILS, CKR_HOST_MEMORY },
	{ TOKEN_FAILS, CKR_GENERAL_ERROR },
	{ TOKEN_IS_GONE, CKR_DEVICE_REMOVED },
	{ TOKEN_LOST_ANSWER, CKR_DEVICE_ERROR },
	{ TOKEN_KILLS, CKR_OK },
	{ TOKEN_DIES, CKR_OK },
};

/* What it answers is only a word for it; and a call that only asks is not done as well if its answer is lost. */
static bool is_usual(const struct failing_token *way)
{
	return way->mode == TOKEN_KILLS || (way->mode == TOKEN_FAILS && way->result == CKR_DEVICE_ERROR);
}

/* Two keys of the same name, and the tokens that have them: directories, copied for each attempt. */
struct story {
	struct tree_fixture f;
	struct failing_token *plan;
	struct buf saved[2]; /* Of the old and of the new one. */
	uint8_t signature[2][SIGNATURE];
	char slot[64];
	char before[300]; /* The directory of the token before each attempt. */
	bool is_empty;    /* There is no key in it. */
	unsigned objects; /* Of a key: 2 with its public key. */
};

static struct key_token token_of(const char *module)
{
	return (struct key_token){ module, URI, (const uint8_t *)TOKEN_PIN, strlen(TOKEN_PIN), wrapping };
}

static void copy_file(int from, int to, const char *name)
{
	_cleanup_fd_ int in = openat(from, name, O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int out = openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t bytes[65536];
	ssize_t n = read(in, bytes, sizeof(bytes));

	CHECK(n >= 0 && n < (ssize_t)sizeof(bytes) && write(out, bytes, (size_t)n) == n);
}

/* The files of the token's directory; what is in the other one goes. */
static void copy_token(const struct story *s, const char *from, const char *to)
{
	char path[600];
	const struct dirent *entry;
	DIR *source, *target;

	(void)snprintf(path, sizeof(path), "%s/%s", from, s->slot);
	source = opendir(path);
	(void)snprintf(path, sizeof(path), "%s/%s", to, s->slot);
	CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
	target = opendir(path);
	CHECK(source != NULL && target != NULL);
	while ((entry = readdir(target)) != NULL)
		if (entry->d_name[0] != '.')
			CHECK_INT(unlinkat(dirfd(target), entry->d_name, 0), 0);
	while ((entry = readdir(source)) != NULL)
		if (entry->d_name[0] != '.')
			copy_file(dirfd(source), dirfd(target), entry->d_name);
	(void)closedir(source);
	(void)closedir(target);
}

/* SoftHSM's own name for the token: the only directory. */
static void find_token(struct story *s, const char *path)
{
	const struct dirent *entry;
	DIR *d = opendir(path);

	CHECK(d != NULL);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			(void)snprintf(s->slot, sizeof(s->slot), "%.60s", entry->d_name);
	(void)closedir(d);
	CHECK(s->slot[0] != 0);
}

static void take_saved(struct story *s, int which)
{
	struct key_token t = token_of(TOKEN_MODULE);
	size_t len = SIGNATURE;

	if (key_token_take(&t, &s->saved[which], &s->f.error) < 0)
		test_fail(__FILE__, __LINE__, "%s", s->f.error.text);
	CHECK(token_sign("app", "signing", s->signature[which], &len));
}

static void story_begin(struct story *s, const char *name, bool is_secret, bool is_empty)
{
	struct token_key key = { "app", "signing", 1, .is_secret = is_secret };
	char path[300];
	int fd;

	*s = (struct story){ .is_empty = is_empty, .objects = is_secret ? 1 : 2 };
	if (!token_is_possible())
		test_skip("SoftHSM is not installed");
	trees_open(&s->f, name);
	(void)snprintf(path, sizeof(path), "%s/plan", s->f.path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(ftruncate(fd, sizeof(*s->plan)) == 0);
	s->plan = mmap(NULL, sizeof(*s->plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(s->plan != MAP_FAILED && close(fd) == 0 && setenv("FAILING_TOKEN", path, 1) == 0);
	(void)snprintf(path, sizeof(path), "%s/token", s->f.path);
	CHECK_INT(mkdir(path, 0700), 0);
	token_use_directory(path);
	token_make("app");
	token_generate(&(struct token_key){ "app", "bystander", 9, .is_secret = true });
	token_generate(&key);
	take_saved(s, 1);
	CHECK_INT(token_remove("app", "signing"), s->objects);
	token_generate(&key);
	take_saved(s, 0);
	if (is_empty)
		CHECK_INT(token_remove("app", "signing"), s->objects);
	(void)snprintf(s->before, sizeof(s->before), "%s/before", s->f.path);
	CHECK_INT(mkdir(s->before, 0700), 0);
	find_token(s, path);
	copy_token(s, path, s->before);
}

static void story_again(struct story *s)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/token", s->f.path);
	copy_token(s, s->before, path);
}

static size_t read_whole(int directory, const char *name, uint8_t *to, size_t max)
{
	_cleanup_fd_ int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, max);

	return n < 0 ? SIZE_MAX : (size_t)n;
}

static unsigned count_names(DIR *d)
{
	unsigned n = 0;

	rewinddir(d);
	while (readdir(d) != NULL)
		n++;
	return n;
}

/* No byte of its objects is another: what it holds need not be looked at.  What SoftHSM notes when somebody has logged in is no
 * object. */
static bool is_untouched(const struct story *s)
{
	static uint8_t was[65536], is[65536];
	char path[600];
	const struct dirent *entry;
	DIR *before, *now;
	bool same;

	(void)snprintf(path, sizeof(path), "%s/%s", s->before, s->slot);
	before = opendir(path);
	(void)snprintf(path, sizeof(path), "%s/token/%s", s->f.path, s->slot);
	now = opendir(path);
	CHECK(before != NULL && now != NULL);
	same = count_names(before) == count_names(now);
	rewinddir(before);
	while (same && (entry = readdir(before)) != NULL) {
		size_t len;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "token.object") == 0)
			continue;
		len = read_whole(dirfd(before), entry->d_name, was, sizeof(was));
		same = len == read_whole(dirfd(now), entry->d_name, is, sizeof(is)) && memcmp(was, is, len) == 0;
	}
	(void)closedir(before);
	(void)closedir(now);
	return same;
}

static void story_end(struct story *s)
{
	(void)munmap(s->plan, sizeof(*s->plan));
	buf_done(&s->saved[0]);
	buf_done(&s->saved[1]);
	trees_close(&s->f);
}

static bool is_saved(const struct story *s, int which, const struct buf *content)
{
	return content->len == s->saved[which].len && memcmp(content->data, s->saved[which].data, content->len) == 0;
}

/* What is in the token, told without any fault: the old key, the new one, none or more than one. */
enum state { OLD, NEW, NONE, SEVERAL };

static enum state look(struct story *s)
{
	struct key_token t = token_of(TOKEN_MODULE);
	uint8_t now[SIGNATURES * SIGNATURE] = { 0 };
	_cleanup_(buf_done) struct buf content = { 0 };
	size_t len = SIGNATURE;
	unsigned count = token_sign_all("app", "signing", now, &len, SIGNATURES);
	int r = key_token_take(&t, &content, &s->f.error);

	CHECK_INT(token_count("app", "bystander"), 1);
	for (unsigned i = 0; i < count; i++) /* Never another one. */
		CHECK(memcmp(now + i * SIGNATURE, s->signature[OLD], len) == 0 ||
		      memcmp(now + i * SIGNATURE, s->signature[NEW], len) == 0);
	if (count != 1) {
		CHECK_INT(r, ERR_NTE_BAD_KEYSET); /* So it would never be saved. */
		return count == 0 ? NONE : SEVERAL;
	}
	CHECK_INT(r, 0);
	CHECK(is_saved(s, OLD, &content) || is_saved(s, NEW, &content)); /* With all that belongs to it. */
	CHECK_INT(token_count("app", "signing"), s->objects);
	return is_saved(s, NEW, &content) ? NEW : OLD;
}

/* In a process of its own: 0, an error, or that it was killed. */
enum { KILLED = 1 };

static int attempt(struct story *s, int (*work)(struct story *s))
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		int r = work(s);

		_exit(r == 0 ? 0 : s->f.error.code == r && s->f.error.text[0] != 0 ? 2 : 3);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return KILLED;
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2); /* An error has its story. */
	return WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int put_new(struct story *s)
{
	struct key_token t = token_of(FAILING_TOKEN);

	return key_token_put(&t, s->saved[NEW].data, s->saved[NEW].len, &s->f.error);
}

/* Without faults it becomes what it has to be, from wherever it was left. */
static void check_put_again(struct story *s)
{
	*s->plan = (struct failing_token){ 0 };
	CHECK_INT(attempt(s, put_new), 0);
	CHECK_INT(look(s), NEW);
}

/* One attempt; false: it had fewer calls. */
static bool try_put(struct story *s, const struct failing_token *way, uint64_t nth)
{
	enum state state;
	int r;

	*s->plan = *way;
	s->plan->left = nth;
	r = attempt(s, put_new);
	if (s->plan->left != 0) {
		CHECK_INT(r, 0);
		CHECK_INT(look(s), NEW);
		story_again(s);
		return false;
	}
	CHECK_INT(r == KILLED, way->mode == TOKEN_KILLS || way->mode == TOKEN_DIES);
	if (r != 0 && is_untouched(s))
		return true;
	state = look(s);
	CHECK(r != 0 || state == NEW); /* Done is done. */
	CHECK(state != NONE || s->is_empty);
	/* If it goes on working, what was made in vain is taken back. */
	CHECK(r != -EIO || way->mode == TOKEN_IS_GONE || state != SEVERAL || nth > s->objects + 1);
	check_put_again(s);
	story_again(s);
	return true;
}

/* thoroughly: also each call that only asks. */
static void put_with_each_call(struct story *s, bool thoroughly)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct failing_token way = ways[i];
		uint64_t nth = 1;

		way.only_changes = !test_long && !(thoroughly && is_usual(&way));
		while (try_put(s, &way, nth))
			nth++;
		CHECK(nth > s->objects * (s->is_empty ? 1 : 2));
	}
}

TEST(whichever_call_fails_while_a_key_is_put_back_the_old_or_the_new_is_there)
{
	struct story s;

	story_begin(&s, "replaced", false, false);
	put_with_each_call(&s, false);
	story_end(&s);
}

TEST(whichever_call_fails_while_a_lost_key_is_put_back_it_is_whole_or_not_there)
{
	struct story s;

	story_begin(&s, "lost", false, true);
	put_with_each_call(&s, false);
	story_end(&s);
}

TEST(whichever_call_fails_while_a_secret_key_is_put_back_the_old_or_the_new_is_there)
{
	struct story s;

	story_begin(&s, "secret", true, false);
	put_with_each_call(&s, true);
	story_end(&s);
}

/* What was taken lies in a file, so that a process that dies leaves what it had. */
static int take_now(struct story *s)
{
	struct key_token t = token_of(FAILING_TOKEN);
	_cleanup_(buf_done) struct buf content = { 0 };
	int r = key_token_take(&t, &content, &s->f.error);

	if (r == 0 ? !is_saved(s, OLD, &content) : content.len != 0)
		_exit(4);
	return r;
}

TEST(whichever_call_fails_while_a_key_is_taken_it_is_taken_whole_or_not_at_all)
{
	struct story s;

	story_begin(&s, "taken", false, false);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		for (uint64_t nth = 1; (is_usual(&ways[i]) && ways[i].mode == TOKEN_FAILS) || test_long; nth++) {
			int r;

			*s.plan = ways[i];
			s.plan->left = nth;
			r = attempt(&s, take_now);
			if (s.plan->left != 0) {
				CHECK(nth > 50 && r == 0);
				break;
			}
			/* Only what closes the session may fail without being told. */
			CHECK((r == KILLED) == (ways[i].mode == TOKEN_KILLS || ways[i].mode == TOKEN_DIES));
		}
	CHECK_INT(look(&s), OLD);
	story_end(&s);
}

TEST(objects_that_are_found_one_by_one_are_all_found)
{
	struct story s;

	story_begin(&s, "one by one", false, false);
	*s.plan = (struct failing_token){ .one_by_one = 1 };
	CHECK_INT(attempt(&s, take_now), 0);
	CHECK_INT(attempt(&s, put_new), 0);
	CHECK_INT(look(&s), NEW);
	/* Two of the name: both are seen, and both go. */
	token_generate(&(struct token_key){ "app", "signing", 1 });
	CHECK_INT(attempt(&s, take_now), -EIO);
	CHECK_INT(attempt(&s, put_new), 0);
	CHECK_INT(look(&s), NEW);
	story_end(&s);
}

TEST(an_attribute_that_is_too_large_is_not_left_out)
{
	struct story s;

	story_begin(&s, "huge", false, false);
	*s.plan = (struct failing_token){ .huge = CKA_MODULUS };
	CHECK_INT(attempt(&s, take_now), -EIO);
	CHECK_INT(look(&s), OLD);
	story_end(&s);
}

TEST(nothing_is_touched_if_what_is_there_can_never_be_removed)
{
	struct story s;

	story_begin(&s, "kept", false, false);
	*s.plan = (struct failing_token){ .kept = 1 };
	CHECK_INT(attempt(&s, put_new), -EIO);
	CHECK(is_untouched(&s));
	story_end(&s);
}

/* SoftHSM syncs nothing: after a power loss files that it has made may be there without their content, while those that it
 * removed are gone. */
static void lose_content(const char *directory, off_t kept)
{
	DIR *d = opendir(directory);
	const struct dirent *entry;

	CHECK(d != NULL);
	while ((entry = readdir(d)) != NULL) {
		char path[600];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		CHECK_INT(stat(path, &st), 0);
		if (entry->d_name[0] != '.' && S_ISDIR(st.st_mode))
			lose_content(path, kept);
		else if (S_ISREG(st.st_mode) && strstr(entry->d_name, ".object") != NULL &&
			 strncmp(entry->d_name, "token.", 6) != 0 && st.st_size > kept)
			CHECK_INT(truncate(path, kept), 0);
	}
	(void)closedir(d);
}

TEST(a_token_whose_files_lost_their_content_is_put_right)
{
	for (off_t kept = 0; kept < 400; kept += 80) {
		struct key_token t = token_of(TOKEN_MODULE);
		struct buf none = { 0 };
		struct story s;
		char name[32];

		(void)snprintf(name, sizeof(name), "power %d", (int)kept);
		story_begin(&s, name, true, false);
		CHECK_INT(attempt(&s, put_new), 0);
		(void)token_remove("app", "bystander");
		lose_content(s.f.path, kept);
		CHECK(key_token_take(&t, &none, &s.f.error) < 0);
		CHECK_INT(attempt(&s, put_new), 0);
		token_generate(&(struct token_key){ "app", "bystander", 9, .is_secret = true });
		CHECK_INT(look(&s), NEW);
		story_end(&s);
	}
}
