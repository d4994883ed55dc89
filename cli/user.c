/* user: the verbs about accounts for logins by NTLM: user add, passwd, del, ls.
 *
 * Why      in the file, not through the service: it works before the first start, and needs no call that carries secrets.
 * How      The state directory is that of rueda.conf, or the default.  It is locked while the file is read, changed and
 *          replaced; the service sees the change at the next login.  Root or the daemon's user may do that.
 * Note     A password comes from the terminal (asked twice), from --password-file, or from standard input if that is no
 *          terminal; never from the command line, which others can see.  One line end at its end is no part of it.
 * Threads  one.      Tests  tests/integration/logins.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/ini.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "rpc/auth/accounts.h"
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/file.h>
#include <termios.h>

enum { PATH_SIZE = 4096, LINE_SIZE = 4 * ACCOUNTS_PASSWORD_MAX + 2 };

static void take_entry(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	char *path = data;

	if (strcmp(section, "service") == 0 && strcmp(key, "state_directory") == 0)
		(void)snprintf(path, PATH_SIZE, "%s", value);
}

static void take_problem(void *data, unsigned line, const char *text)
{
	/* The service tells about mistakes in its configuration. */
}

/* Where the service has its state: as config.c of ruedad decides it. */
static int find_state_directory(char path[PATH_SIZE])
{
	const struct ini_handler handler = { .data = path, .entry = take_entry, .problem = take_problem };
	const char *directory = getenv("RUEDA_DIR");
	_cleanup_free_ char *text = malloc(INI_FILE_MAX);
	_cleanup_fd_ int fd = -1;
	ssize_t n;
	char file[PATH_SIZE];

	if (text == NULL)
		return -ENOMEM;
	if (directory != NULL && directory[0] == 0)
		directory = NULL;
	(void)snprintf(path, PATH_SIZE, "%s%s", directory != NULL ? directory : "/var/lib/rueda",
	    directory != NULL ? "/state" : "");
	(void)snprintf(file, sizeof(file), "%s/rueda.conf", directory != NULL ? directory : "/etc/rueda");
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read(fd, text, INI_FILE_MAX);
	return n < 0 ? -errno : ini_parse(text, (size_t)n, &handler);
}

int user_accounts(struct accounts *ret)
{
	_cleanup_fd_ int fd = -1;
	struct error e;
	char path[PATH_SIZE];
	int r = find_state_directory(path);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : accounts_load(fd, ret, &e);
}

/* The state directory, locked while it is open, and the accounts in it; or an enum cli_exit. */
static int open_accounts(const char *what, int *ret_directory, struct accounts *ret)
{
	_cleanup_fd_ int fd = -1;
	struct error e = { 0 };
	char path[PATH_SIZE];
	int r = find_state_directory(path);

	if (r < 0)
		return cli_fail_error(r, NULL, "%s", what);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		r = error_set_code(&e, -errno, "cannot open the state directory %s", path);
		return cli_fail_error(r, &e, "%s", what);
	}
	r = accounts_load(fd, ret, &e);
	if (r < 0)
		return cli_fail_error(r, &e, "%s", what);
	*ret_directory = TAKE_FD(fd);
	return 0;
}

/* One line without its end.  -ENODATA, -EFBIG. */
static int read_line(FILE *from, char line[LINE_SIZE])
{
	size_t len;

	if (fgets(line, LINE_SIZE, from) == NULL)
		return -ENODATA;
	len = strcspn(line, "\n");
	if (line[len] == 0 && len == LINE_SIZE - 1)
		return -EFBIG;
	line[len] = 0;
	return 0;
}

static int ask(const char *prompt, char line[LINE_SIZE])
{
	struct termios before, quiet;
	int r;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -errno;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s", prompt);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	r = read_line(stdin, line);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fprintf(stderr, "\n");
	return r;
}

static int get_line(const struct cli *c, char line[LINE_SIZE])
{
	char again[LINE_SIZE];
	FILE *file;
	int r;

	if (c->password_file != NULL) {
		file = fopen(c->password_file, "re");
		if (file == NULL)
			return -errno;
		r = read_line(file, line);
		(void)fclose(file);
		return r;
	}
	if (!isatty(STDIN_FILENO))
		return read_line(stdin, line);
	r = ask("Password: ", line);
	if (r == 0)
		r = ask("The same again: ", again);
	if (r == 0 && strcmp(line, again) != 0)
		r = -EKEYREJECTED;
	OPENSSL_cleanse(again, sizeof(again));
	return r;
}

/* The hash of a password that is asked for; or an enum cli_exit after a message. */
static int get_hash(const struct cli *c, uint8_t hash[NTLM_KEY_SIZE])
{
	_cleanup_free_ char16_t *units = NULL;
	char line[LINE_SIZE];
	size_t len = 0;
	int r = get_line(c, line);

	if (r == 0)
		r = utf8_to_u16(line, strlen(line), &units, &len);
	OPENSSL_cleanse(line, sizeof(line));
	if (r == -EKEYREJECTED || r == -ENODATA || r == -EFBIG ||
	    (r == 0 && (len == 0 || len > ACCOUNTS_PASSWORD_MAX))) {
		fprintf(stderr, "rueda: nothing was changed: %s\n",
		    r == -EKEYREJECTED ? "the two passwords differ"
				       : "a password has 1 to 256 characters, on one line");
		return CLI_FAILED;
	}
	if (r < 0)
		return cli_fail_error(r, NULL, "reading the password");
	ntlm_hash_password((struct u16){ units, len }, hash);
	OPENSSL_cleanse(units, len * sizeof(*units));
	return 0;
}

/* The account that the command line names, or NULL after a message. */
static struct ntlm_account *named(const struct cli *c, const struct accounts *a)
{
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]);
	struct ntlm_account *found = name != NULL ? accounts_find(a, u16_from_z(name)) : NULL;

	if (name != NULL && found == NULL)
		fprintf(stderr, "rueda: there is no account '%s'; rueda user ls lists them\n", c->arguments[0]);
	return found;
}

static int save(int directory, const struct accounts *a, const char *what)
{
	struct error e = { 0 };
	int r = accounts_save(directory, a, &e);

	return r < 0 ? cli_fail_error(r, &e, "%s", what) : CLI_OK;
}

int user_add_verb(struct cli *c)
{
	static const char what[] = "adding the account";
	_cleanup_(accounts_done) struct accounts a = { 0 };
	struct ntlm_account account = { .access = RPC_ACCESS_READ };
	_cleanup_fd_ int directory = -1;
	int r;

	if (!accounts_name_is_valid(c->arguments[0]))
		return cli_usage(c, "a name has 1 to 255 bytes, no ':' or control characters, no spaces at its ends");
	if (c->access != NULL && strcmp(c->access, "read") != 0 && strcmp(c->access, "all") != 0)
		return cli_usage(c, "--access is read or all");
	if (c->access != NULL && strcmp(c->access, "all") == 0)
		account.access = RPC_ACCESS_ALL;
	memcpy(account.name, c->arguments[0], strlen(c->arguments[0]) + 1);
	r = get_hash(c, account.hash);
	if (r == 0)
		r = open_accounts(what, &directory, &a);
	if (r != 0)
		return r;
	r = accounts_add(&a, &account);
	OPENSSL_cleanse(account.hash, sizeof(account.hash));
	if (r == -EEXIST) {
		fprintf(stderr, "rueda: there is an account '%s' already; rueda user passwd changes its password\n",
		    c->arguments[0]);
		return CLI_FAILED;
	}
	return r < 0 ? cli_fail_error(r, NULL, "%s", what) : save(directory, &a, what);
}

int user_passwd_verb(struct cli *c)
{
	static const char what[] = "changing the password";
	_cleanup_(accounts_done) struct accounts a = { 0 };
	_cleanup_fd_ int directory = -1;
	struct ntlm_account *account;
	uint8_t hash[NTLM_KEY_SIZE];
	int r = get_hash(c, hash);

	if (r == 0)
		r = open_accounts(what, &directory, &a);
	if (r != 0)
		return r;
	account = named(c, &a);
	if (account == NULL)
		return CLI_FAILED;
	memcpy(account->hash, hash, sizeof(hash));
	OPENSSL_cleanse(hash, sizeof(hash));
	return save(directory, &a, what);
}

int user_del_verb(struct cli *c)
{
	static const char what[] = "removing the account";
	_cleanup_(accounts_done) struct accounts a = { 0 };
	_cleanup_fd_ int directory = -1;
	struct ntlm_account *account;
	int r = open_accounts(what, &directory, &a);

	if (r != 0)
		return r;
	account = named(c, &a);
	if (account == NULL)
		return CLI_FAILED;
	accounts_remove(&a, account);
	return save(directory, &a, what);
}

int user_ls_verb(struct cli *c)
{
	_cleanup_(accounts_done) struct accounts a = { 0 };
	_cleanup_fd_ int directory = -1;
	int r = open_accounts("listing the accounts", &directory, &a);
	struct json j = { 0 };

	if (r != 0)
		return r;
	if (c->json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; i < a.count; i++) {
		const char *access = a.entries[i].access == RPC_ACCESS_ALL ? "all" : "read";

		if (!c->json) {
			printf("%-5s %s\n", access, a.entries[i].name);
			continue;
		}
		json_open(&j, NULL, '{');
		json_text(&j, "name", a.entries[i].name);
		json_text(&j, "access", access);
		json_close(&j, '}');
	}
	if (!c->json)
		return output_end();
	json_close(&j, ']');
	return json_print(&j);
}
