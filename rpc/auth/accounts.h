/* accounts: the file with the accounts for NTLM.  See accounts.c and docs/formats/accounts.md.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "rpc/auth/ntlm.h"
#include <sys/stat.h>

enum { ACCOUNTS_MAX = 1024, ACCOUNTS_FILE_MAX = 1 << 20, ACCOUNTS_PASSWORD_MAX = 256 };
#define ACCOUNTS_FILE "accounts" /* In the state directory. */

struct accounts {
	struct ntlm_account *entries; /* Owned. */
	size_t count;
};
void accounts_done(struct accounts *a);

/* The entry of that name in any case, or NULL. */
struct ntlm_account *accounts_find(const struct accounts *a, struct u16 name);
/* A name: 1 to RPC_NAME_MAX bytes of UTF-8 and NTLM_NAME_MAX - 1 units, without ':', '\', control
 * characters and spaces at its ends. */
bool accounts_name_is_valid(const char *name);
/* -EINVAL (the name), -EEXIST, -ENOSPC (ACCOUNTS_MAX), -ENOMEM. */
int accounts_add(struct accounts *a, const struct ntlm_account *account);
void accounts_remove(struct accounts *a, struct ntlm_account *entry);

/* -EBADMSG: *ret_line is the first line that is wrong. */
int accounts_parse(const char *text, size_t len, struct accounts *ret, unsigned *ret_line);
int accounts_format(const struct accounts *a, struct buf *text);

/* From and to the file in a directory; no file is no accounts.  A file that others can read is refused: -EPERM. */
int accounts_load(int directory, struct accounts *ret, struct error *e);
/* Replaced as a whole, durable, 0600, and its owner is the directory's. */
int accounts_save(int directory, const struct accounts *a, struct error *e);

/* What a server looks up in; it reads the file again when that has changed. */
struct accounts_cache {
	int directory; /* Borrowed. */
	bool is_loaded;
	struct stat seen; /* The file that accounts are from; st_ino 0: there was none. */
	struct accounts accounts;
};
void accounts_cache_done(struct accounts_cache *c);
/* struct ntlm_acceptor.lookup(), with the cache as data; the domain does not matter. */
int accounts_lookup(void *cache, struct u16 user, struct u16 domain, struct ntlm_account *ret);
