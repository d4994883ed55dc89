/* recovery: what seals or opens the cluster key: the options that name a file, and the verb cluster unseal.
 *
 * Why      a passphrase on the command line would be seen by everybody who lists processes; so it comes in a file, which
 *          may be a pipe: --recovery-passphrase-file <(pass show cluster).
 * Rules    a passphrase is the first line of its file, without the line end; its bytes are used as they are.  A regular
 *          file that others than its owner can read is used, with a warning; a public key is for all to read.
 * Promise  no core dump of this process is written from the moment when a secret has been read.
 * Threads  one.      Tests  tests/integration/recovery.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/recovery.h"
#include "base/fd.h"
#include "cli/output.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* At most size bytes.  The length, or -errno. */
static ssize_t read_all(int fd, uint8_t *to, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, to + len, size - len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

static void warn_of_readers(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		fprintf(stderr, "rueda: warning: others can use the file %s (mode %04o); chmod 600 it\n", path,
		    st.st_mode & 07777);
}

/* The file's content, at most max bytes, in memory for secrets of max + 1 bytes. */
static int read_file(const char *path, size_t max, bool secret, uint8_t *to, size_t *ret_len)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return cli_fail_error(-errno, NULL, "opening the file %s", path);
	if (secret)
		warn_of_readers(fd, path);
	n = read_all(fd, to, max + 1);
	if (n < 0)
		return cli_fail_error((int)n, NULL, "reading the file %s", path);
	*ret_len = (size_t)n;
	return 0;
}

/* Of the file's len bytes: its first line. */
static int first_line(const char *path, const uint8_t *text, size_t len, size_t *ret_len)
{
	const uint8_t *end = memchr(text, '\n', len);
	size_t n = end != NULL ? (size_t)(end - text) : len;

	if (n > 0 && end != NULL && text[n - 1] == '\r')
		n--;
	if (n == 0) {
		fprintf(stderr, "rueda: the first line of the file %s is empty: there is no passphrase in it\n", path);
		return CLI_FAILED;
	}
	if (n > SEAL_PASSPHRASE_MAX || memchr(text, 0, n) != NULL) {
		fprintf(stderr,
		    "rueda: the first line of the file %s is no passphrase: it is longer than %d bytes or binary\n",
		    path, SEAL_PASSPHRASE_MAX);
		return CLI_FAILED;
	}
	*ret_len = n;
	return 0;
}

int recovery_read(const struct cli *c, struct recovery *ret)
{
	bool is_passphrase = c->recovery_passphrase_file != NULL;
	const char *pem = c->recovery_key != NULL ? c->recovery_key : c->recovery_private_key,
		   *path = is_passphrase ? c->recovery_passphrase_file : pem;
	size_t max = is_passphrase ? SEAL_PASSPHRASE_MAX + 2 : SEAL_PEM_MAX, len = 0;
	int r;

	*ret = (struct recovery){ 0 };
	if (is_passphrase && pem != NULL)
		return cli_usage(c, "a passphrase and a key exclude each other");
	if (path == NULL)
		return 0;
	(void)prctl(PR_SET_DUMPABLE, 0);
	ret->size = max + 1;
	ret->memory = seal_memory_new(ret->size);
	if (ret->memory == NULL)
		return cli_fail_error(-ENOMEM, NULL, "reading the file %s", path);
	r = read_file(path, max, c->recovery_key == NULL, ret->memory, &len);
	if (r == 0 && is_passphrase)
		r = first_line(path, ret->memory, len, &len);
	if (r != 0)
		return r;
	ret->secret =
	    (struct seal_secret){ is_passphrase ? SEAL_SECRET_PASSPHRASE : SEAL_SECRET_PEM, ret->memory, len };
	ret->call =
	    (RUEDA_RECOVERY){ is_passphrase ? RUEDA_RECOVERY_PASSPHRASE : RUEDA_RECOVERY_PEM, ret->memory, (DWORD)len };
	return 0;
}

void recovery_done(struct recovery *r)
{
	seal_memory_free(r->memory, r->size);
	*r = (struct recovery){ 0 };
}

const char *recovery_kind_name(enum seal_kind kind)
{
	return kind == SEAL_PASSPHRASE ? "passphrase" : kind == SEAL_RSA ? "rsa" : "ecdh";
}

/* A secret for the service, and the story that it answers. */
static int send_recovery(struct cli *c, const char *needed, const char *doing,
    DWORD (*call)(const RUEDA_RECOVERY *pRecovery, LPWSTR lpszStory, DWORD cchStory))
{
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	WCHAR story[RUEDA_STORY_CCH] = { 0 };
	_cleanup_free_ char *text = NULL;
	int r = recovery_read(c, &recovery);
	DWORD code;

	if (r != 0)
		return r;
	if (recovery_given(&recovery) == NULL)
		return cli_usage(c, "--recovery-passphrase-file or %s is needed", needed);
	code = call(&recovery.call, story, RUEDA_STORY_CCH);
	text = u16_to_utf8(u16_from_z((const char16_t *)story));
	if (code != 0)
		return cli_fail(code, text, "%s", doing);
	printf("%s\n", text != NULL ? text : "");
	return output_end();
}

int cluster_unseal_verb(struct cli *c)
{
	return send_recovery(c, "--recovery-private-key", "unsealing the cluster key", RuedaUnsealClusterKey);
}

int cluster_recovery_key_set_verb(struct cli *c)
{
	return send_recovery(c, "--recovery-key", "sealing the cluster key anew", RuedaSetRecoveryKey);
}
