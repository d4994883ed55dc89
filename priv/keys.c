/* keys: taking and putting back key material for crypto checkpoints, the part of the process with the rights.
 *
 *	take  the file, as a hive  ─► become the service's user ─► OpenSSL: is it a key? ─► compare with what was saved before ─► box
 *	      the token's key, wrapped ─────────────────────────────────────────┘
 *	put   box ─► open it ─► the file (capture/put.c), or the token
 *
 * Why      ruedad reads bytes from everybody, lives long, and may leave a core: it should never have a private key of an
 *          application in its memory.  So what it gets is closed here, and what it hands back is opened here.
 * Which key it could have been the cluster key; it is one that is good for this one checkpoint (seal/box.c), so that a
 *          process that loads somebody's PKCS #11 library, or has a file parsed, can lose no more than what it works on.
 *          That ruedad has the cluster key all the same, on disk and now and then in memory, means: taken over, it can read
 *          what is saved.  A core dump of it cannot.
 * How      unchanged is what opens to the same content: a fresh nonce makes each box another.  An old box that does not open,
 *          because it is damaged or of another cluster key, is a change.
 *          A library can hang, and may block signals: as soon as ruedad does not wait any more (its socket is closed), a thread
 *          kills the process.
 * Promise  nothing of the content is written anywhere but to the place itself.  The process leaves no core, and nobody of its
 *          user can look into it.  Content, keys and PIN are in memory that is not swapped if the limits allow, and wiped.
 * Not kept what is read passes through buffers of capture/take.c, of hive/ and of OpenSSL, which are memory like any other (and
 *          could be swapped) for as long as the process lives; a library does with a PIN what it does.
 * Threads  one, and that of the last paragraph of How.       Limits  BOX_CONTENT_MAX, KEY_FILE_MAX, KEY_PIN_MAX
 * Design   docs/design/crypto-checkpoints.md        Tests  tests/crash/keyfile.c, tests/integration/crypto_checkpoints.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/keys.h"
#include "base/fd.h"
#include "keys/file.h"
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Content in memory for secrets, of which size bytes were asked for. */
struct secret {
	uint8_t *bytes;
	size_t len, size;
};

static void secret_done(struct secret *s)
{
	seal_memory_free(s->bytes, s->size);
	*s = (struct secret){ 0 };
}

int keys_hide(struct error *error)
{
	struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return error_set_code(error, -errno, "cannot hide what is secret");
	return 0;
}

/* The token. */

static int read_pin(const char *path, uint8_t *to, size_t *ret_len, struct error *error)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const uint8_t *end;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_code(error, -errno, "cannot open pkcs11_pin_file %.300s", path);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		return error_set(error, ERR_ACCESS_DENIED,
		    "pkcs11_pin_file %.300s is not a regular file that nobody but its owner can use (chmod 600)", path);
	n = read(fd, to, KEY_PIN_MAX);
	if (n < 0)
		return error_set_code(error, -errno, "cannot read pkcs11_pin_file %.300s", path);
	end = memchr(to, '\n', (size_t)n);
	*ret_len = end != NULL ? (size_t)(end - to) : (size_t)n;
	if (*ret_len == 0 || *ret_len == KEY_PIN_MAX)
		return error_set(error, ERR_INVALID_PARAMETER,
		    "the first line of pkcs11_pin_file %.300s is empty or too long", path);
	return 0;
}

static bool is_none(const char *setting)
{
	return setting == NULL || strcmp(setting, "none") == 0;
}

int keys_open_token(const struct priv_options *options, const char *uri, struct keys_place *ret, struct error *error)
{
	int r;

	if (is_none(options->pkcs11_module))
		return error_set(error, ERR_ACCESS_DENIED,
		    "keys in tokens are not allowed on this node: pkcs11_module in [checkpoints] of rueda.conf names "
		    "no "
		    "library");
	r = key_uri_check(uri, error);
	if (r < 0)
		return r;
	ret->kind = BOX_TOKEN;
	ret->token = (struct key_token){ .module = options->pkcs11_module, .uri = uri };
	if (!is_none(options->pkcs11_pin_file)) {
		ret->pin = seal_memory_new(KEY_PIN_MAX);
		if (ret->pin == NULL)
			return error_set_code(error, -ENOMEM, "cannot read pkcs11_pin_file");
		r = read_pin(options->pkcs11_pin_file, ret->pin, &ret->token.pin_len, error);
		ret->token.pin = ret->pin;
	}
	if (r == 0 && geteuid() == 0 && options->pkcs11_user != NULL)
		r = identity_become(options->pkcs11_user);
	if (r == 0 && geteuid() == 0)
		r = identity_keep_capabilities(0);
	return r < 0 && error->code == 0 ? error_set_code(error, r, "cannot become who uses the token") : r;
}

/* Both, in the clear and in boxes. */

static int content_reset(void *data)
{
	struct secret *s = data;

	OPENSSL_cleanse(s->bytes, s->len);
	s->len = 0;
	return 0;
}

static int content_write(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct secret *s = data;

	if (offset > s->size || len > s->size - offset)
		return -EFBIG;
	memcpy(s->bytes + offset, bytes, len);
	s->len = MAX(s->len, (size_t)offset + len);
	return 0;
}

/* Root without capabilities is still the owner of root's files. */
static int give_up_rights(const struct keys_place *p, struct error *error)
{
	int parent = getppid(), r = 0;

	if (geteuid() != 0)
		return 0;
	if (p->reader != NULL)
		r = identity_become(p->reader);
	if (r == 0)
		r = identity_keep_capabilities(0);
	if (r < 0)
		return error_set_code(error, r, "cannot give up rights");
	/* A change of user takes both back. */
	r = keys_hide(error);
	if (r == 0 && identity_follow_parent(parent, SIGKILL) < 0)
		r = error_set_code(error, -ECHILD, "cannot give up rights");
	return r;
}

/* Straight to memory for secrets: a file in memory could be swapped. */
static int take_file(const struct keys_place *p, const struct tree_job *job, struct secret *ret, struct error *error)
{
	struct tree_sink sink = { content_reset, content_write, ret, BOX_CONTENT_MAX };
	uint64_t size = 0;
	int r;

	*ret = (struct secret){ seal_memory_new(BOX_CONTENT_MAX), 0, BOX_CONTENT_MAX };
	if (ret->bytes == NULL)
		return error_set_code(error, -ENOMEM, "no memory for a key");
	r = files_take_to(&p->file, &sink, job->steps, &size, error);
	if (r < 0)
		return r;
	assert(size == ret->len);
	/* What follows looks closely at what somebody has written. */
	r = give_up_rights(p, error);
	if (r < 0)
		return r;
	return key_file_check(p->kind, ret->bytes, ret->len, p->file.shown, error);
}

static int take_token(const struct keys_place *p, const struct box_key *key, struct secret *ret, struct error *error)
{
	struct key_token token = p->token;
	_cleanup_(buf_done) struct buf content = { 0 };
	int r;

	token.wrapping = key->wrapping;
	r = key_token_take(&token, &content, error);
	if (r < 0)
		return r;
	*ret = (struct secret){ seal_memory_new(content.len), content.len, content.len };
	if (ret->bytes == NULL)
		return error_set_code(error, -ENOMEM, "no memory for a key");
	memcpy(ret->bytes, content.data, content.len); /* Wrapped, it is no secret. */
	return 0;
}

/* Whether what was saved before opens to the same. */
static bool is_same(const struct box_key *key, const struct tree_job *job, const struct secret *content)
{
	_cleanup_(secret_done) struct secret old = { 0 };
	_cleanup_free_ uint8_t *box = NULL;

	if (job->before == 0 || job->before > BOX_MAX || tree_read(job->fd, (size_t)job->before, &box) < 0 ||
	    box_open(key, box, (size_t)job->before, &old.bytes, &old.len, NULL) < 0)
		return false;
	old.size = MAX(old.len, (size_t)1);
	return old.len == content->len && CRYPTO_memcmp(old.bytes, content->bytes, old.len) == 0;
}

static int write_box(int fd, const struct buf *box)
{
	if (ftruncate(fd, 0) < 0)
		return -errno;
	for (size_t done = 0; done < box->len;) {
		ssize_t n = pwrite(fd, box->data + done, box->len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int take(const struct keys_place *p, const struct box_key *key, const struct tree_job *job, uint64_t *ret_taken,
    struct error *error)
{
	_cleanup_(secret_done) struct secret content = { 0 };
	_cleanup_(buf_done) struct buf box = { 0 };
	int r = p->kind == BOX_TOKEN ? take_token(p, key, &content, error) : take_file(p, job, &content, error);

	if (r < 0)
		return r;
	*ret_taken = 0;
	if (is_same(key, job, &content))
		return 0;
	r = box_close(key, content.bytes, content.len, &box);
	if (r == 0 && box.len > job->size)
		r = -EFBIG;
	if (r == 0)
		r = write_box(job->fd, &box);
	if (r < 0)
		return error_set_code(error, r, "cannot save a crypto checkpoint");
	*ret_taken = box.len;
	return 0;
}

static int put(const struct keys_place *p, const struct box_key *key, const struct tree_job *job, struct error *told,
    struct error *error)
{
	_cleanup_(secret_done) struct secret content = { 0 };
	_cleanup_free_ uint8_t *box = NULL;
	struct key_token token = p->token;
	int r = job->size > BOX_MAX ? -EFBIG : tree_read(job->fd, (size_t)job->size, &box);

	if (r < 0)
		return error_set_code(error, r, "cannot read the crypto checkpoint to put back");
	r = box_open(key, box, (size_t)job->size, &content.bytes, &content.len, error);
	if (r < 0)
		return r;
	content.size = MAX(content.len, (size_t)1);
	if (p->kind != BOX_TOKEN)
		return files_put(&p->file, content.bytes, content.len, job->steps, told, error);
	token.wrapping = key->wrapping;
	return key_token_put(&token, content.bytes, content.len, error);
}

int keys_work(void *data, const struct tree_job *job, uint64_t *ret_taken, struct error *told, struct error *error)
{
	struct keys_place *p = data;
	struct box_key *key = seal_memory_new(sizeof(*key));
	int r = key == NULL ? -ENOMEM : job->key == NULL ? -EBADMSG : box_key_read(job->key, key);

	if (r == 0 && p->kind != BOX_TOKEN)
		p->kind = key->label.kind;
	if (r == 0 && (p->kind != key->label.kind || (p->kind == BOX_TOKEN) != (p->token.uri != NULL)))
		r = -EBADMSG;
	if (r == 0)
		r = p->puts ? put(p, key, job, told, error) : take(p, key, job, ret_taken, error);
	seal_memory_free(key, sizeof(*key));
	return r;
}

static void *watch_asker(void *data)
{
	struct pollfd p = { .fd = *(const int *)data, .events = POLLRDHUP };

	while (poll(&p, 1, -1) <= 0)
		;
	(void)kill(getpid(), SIGKILL);
	return NULL;
}

int keys_serve(int socket, struct keys_place *place)
{
	pthread_t watcher;
	int r = 0;

	/* Files look themselves whether somebody waits, and clear up. */
	if (place->kind == BOX_TOKEN)
		r = -pthread_create(&watcher, NULL, watch_asker, &socket);
	if (r == 0)
		r = tree_serve(socket, keys_work, place);
	seal_memory_free(place->pin, KEY_PIN_MAX);
	return r;
}
