/* accounts: the file with the accounts for NTLM.
 *
 * Why      NTLM needs something that both sides know; where there is no domain, this file has it.
 * How      A text of one line for each account, name:access:hash.  Whoever changes it holds a lock on the directory,
 *          writes a new file, syncs it, renames it over the old one and syncs the directory.  The server looks at the
 *          file's status at each login (no more than that happens in its loop) and reads it again when it is another
 *          one.  A file that is damaged, or that others may read, lets nobody in, and the log says so once.
 * Promise  A reader sees the old accounts or the new ones.
 * Not kept against whoever reads the file: the hash is all that NTLM needs.  Hence 0600.
 * Threads  one at a time for a cache.     Limits  ACCOUNTS_MAX, ACCOUNTS_FILE_MAX.
 * Format   docs/formats/accounts.md     Tests  tests/unit/accounts.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/accounts.h"
#include "base/fd.h"
#include "base/log.h"
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>

static const char head[] = "rueda accounts 1\n";
static const char new_file[] = ACCOUNTS_FILE ".new";

void accounts_done(struct accounts *a)
{
	if (a->entries != NULL)
		OPENSSL_cleanse(a->entries, a->count * sizeof(*a->entries));
	free(a->entries);
	*a = (struct accounts){ 0 };
}

/* Terminated UTF-8 as units; false if it is not well-formed, too long, or has control characters. */
static bool name_units(const char *name, char16_t units[NTLM_NAME_MAX], struct u16 *ret)
{
	size_t left = strlen(name), len = 0;

	while (left > 0) {
		uint32_t c;
		size_t taken = utf8_next(name, left, &c);

		if (taken == 0 || c < ' ' || c == 0x7f || (c >= 0xd800 && c < 0xe000) || len + 2 > NTLM_NAME_MAX)
			return false;
		if (c >= 0x10000) {
			units[len++] = (char16_t)(0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		units[len++] = (char16_t)c;
		name += taken;
		left -= taken;
	}
	*ret = (struct u16){ units, len };
	return true;
}

struct ntlm_account *accounts_find(const struct accounts *a, struct u16 name)
{
	for (size_t i = 0; i < a->count; i++) {
		char16_t units[NTLM_NAME_MAX];
		struct u16 own;

		if (name_units(a->entries[i].name, units, &own) && u16_equal(own, name))
			return &a->entries[i];
	}
	return NULL;
}

bool accounts_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	char16_t units[NTLM_NAME_MAX];
	struct u16 u;

	if (len == 0 || len > RPC_NAME_MAX || name[0] == ' ' || name[len - 1] == ' ')
		return false;
	return strpbrk(name, ":\\") == NULL && name_units(name, units, &u);
}

int accounts_add(struct accounts *a, const struct ntlm_account *account)
{
	char16_t units[NTLM_NAME_MAX];
	struct ntlm_account *grown;
	struct u16 name;

	if (!accounts_name_is_valid(account->name) || !name_units(account->name, units, &name))
		return -EINVAL;
	if (accounts_find(a, name) != NULL)
		return -EEXIST;
	if (a->count == ACCOUNTS_MAX)
		return -ENOSPC;
	grown = malloc((a->count + 1) * sizeof(*grown)); /* realloc() would leave hashes behind. */
	if (grown == NULL)
		return -ENOMEM;
	if (a->count > 0)
		memcpy(grown, a->entries, a->count * sizeof(*grown));
	grown[a->count] = *account;
	if (a->entries != NULL)
		OPENSSL_cleanse(a->entries, a->count * sizeof(*grown));
	free(a->entries);
	a->entries = grown;
	a->count++;
	return 0;
}

void accounts_remove(struct accounts *a, struct ntlm_account *entry)
{
	size_t at = (size_t)(entry - a->entries);

	assert(at < a->count);
	a->count--;
	memmove(entry, entry + 1, (a->count - at) * sizeof(*entry));
	OPENSSL_cleanse(&a->entries[a->count], sizeof(*entry));
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != 0 ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* line is terminated in the place of its end, and is changed. */
static int parse_line(char *line, struct accounts *a)
{
	char *access = strchr(line, ':'), *hash = access != NULL ? strchr(access + 1, ':') : NULL;
	struct ntlm_account account = { 0 };

	if (hash == NULL || strlen(hash + 1) != 2 * NTLM_KEY_SIZE)
		return -EBADMSG;
	*access++ = 0;
	*hash++ = 0;
	if (!accounts_name_is_valid(line))
		return -EBADMSG;
	memcpy(account.name, line, strlen(line) + 1);
	if (strcmp(access, "all") == 0)
		account.access = RPC_ACCESS_ALL;
	else if (strcmp(access, "read") == 0)
		account.access = RPC_ACCESS_READ;
	else
		return -EBADMSG;
	for (size_t i = 0; i < NTLM_KEY_SIZE; i++) {
		int high = hex_digit(hash[2 * i]), low = hex_digit(hash[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		account.hash[i] = (uint8_t)(high << 4 | low);
	}
	return accounts_add(a, &account);
}

int accounts_parse(const char *text, size_t len, struct accounts *ret, unsigned *ret_line)
{
	_cleanup_(accounts_done) struct accounts a = { 0 };
	_cleanup_free_ char *copy = NULL;
	unsigned number = 1;
	int r;

	*ret_line = number;
	if (len < sizeof(head) - 1 || memcmp(text, head, sizeof(head) - 1) != 0 || text[len - 1] != '\n' ||
	    memchr(text, 0, len) != NULL)
		return -EBADMSG;
	copy = malloc(len + 1);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = 0;
	for (char *line = copy + sizeof(head) - 1, *end; *line != 0; line = end + 1) {
		end = strchr(line, '\n');
		*end = 0;
		*ret_line = ++number;
		r = parse_line(line, &a);
		if (r < 0) {
			OPENSSL_cleanse(copy, len);
			return r == -ENOMEM ? r : -EBADMSG;
		}
	}
	OPENSSL_cleanse(copy, len);
	*ret = a;
	a = (struct accounts){ 0 };
	return 0;
}

int accounts_format(const struct accounts *a, struct buf *text)
{
	buf_append(text, head, sizeof(head) - 1);
	for (size_t i = 0; i < a->count; i++) {
		const struct ntlm_account *account = &a->entries[i];
		const char *access = account->access == RPC_ACCESS_ALL ? ":all:" : ":read:";
		char byte[3];

		buf_append(text, account->name, strlen(account->name));
		buf_append(text, access, strlen(access));
		for (size_t j = 0; j < NTLM_KEY_SIZE; j++) {
			(void)snprintf(byte, sizeof(byte), "%02x", account->hash[j]);
			buf_append(text, byte, 2);
		}
		buf_u8(text, '\n');
	}
	return text->error;
}

static int read_all(int fd, struct buf *text)
{
	ssize_t n;

	do {
		if (text->len > ACCOUNTS_FILE_MAX)
			return -EFBIG;
		if (buf_reserve(text, 65536) < 0)
			return text->error;
		n = read(fd, text->data + text->len, 65536);
		if (n > 0)
			text->len += (size_t)n;
	} while (n > 0);
	return n < 0 ? -errno : 0;
}

int accounts_load(int directory, struct accounts *ret, struct error *e)
{
	_cleanup_fd_ int fd = openat(directory, ACCOUNTS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(buf_done) struct buf text = { 0 };
	unsigned line;
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT) {
		*ret = (struct accounts){ 0 };
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_code(e, -errno, "cannot open the accounts file");
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
		return error_set(e, -EPERM, "the accounts file may be a regular file of mode 0600 only");
	r = read_all(fd, &text);
	if (r < 0)
		return error_set_code(e, r, "cannot read the accounts file");
	r = accounts_parse((const char *)text.data, text.len, ret, &line);
	OPENSSL_cleanse(text.data, text.len);
	if (r == -EBADMSG)
		return error_set(e, r, "line %u of the accounts file is wrong", line);
	return r < 0 ? error_set_code(e, r, "cannot read the accounts file") : 0;
}

/* All of the file, durable; its name is not yet. */
static int write_file(int directory, const struct buf *text)
{
	_cleanup_fd_ int fd = -1;
	struct stat owner;
	size_t at = 0;

	if (fstat(directory, &owner) < 0)
		return -errno;
	if (unlinkat(directory, new_file, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(directory, new_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	/* Root may have written it for a daemon that is somebody else. */
	if (geteuid() == 0 && fchown(fd, owner.st_uid, owner.st_gid) < 0)
		return -errno;
	while (at < text->len) {
		ssize_t n = write(fd, text->data + at, text->len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int accounts_save(int directory, const struct accounts *a, struct error *e)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	int r = accounts_format(a, &text);

	if (r == 0)
		r = write_file(directory, &text);
	if (text.data != NULL)
		OPENSSL_cleanse(text.data, text.len);
	if (r == 0 && renameat(directory, new_file, directory, ACCOUNTS_FILE) < 0)
		r = -errno;
	if (r == 0 && fsync(directory) < 0)
		r = -errno;
	return r < 0 ? error_set_code(e, r, "cannot write the accounts file") : 0;
}

void accounts_cache_done(struct accounts_cache *c)
{
	accounts_done(&c->accounts);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void refresh(struct accounts_cache *c)
{
	struct error e = { 0 };
	struct stat now = { 0 };

	if (fstatat(c->directory, ACCOUNTS_FILE, &now, AT_SYMLINK_NOFOLLOW) < 0)
		now = (struct stat){ 0 };
	if (c->is_loaded && is_same_file(&now, &c->seen))
		return;
	accounts_done(&c->accounts);
	c->is_loaded = true;
	c->seen = now;
	if (accounts_load(c->directory, &c->accounts, &e) < 0)
		log_error("%s; nobody can log in by NTLM", e.text);
}

int accounts_lookup(void *cache, struct u16 user, struct u16 domain, struct ntlm_account *ret)
{
	struct accounts_cache *c = cache;
	const struct ntlm_account *found;

	refresh(c);
	found = accounts_find(&c->accounts, user);
	if (found == NULL)
		return -ENOENT;
	*ret = *found;
	return 0;
}
