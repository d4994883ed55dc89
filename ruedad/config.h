/* config: what rueda.conf and RUEDA_DIR say; see config.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/path.h"
#include <stdio.h>

enum config_kind {
	CONFIG_NAME,      /* char *: letters, digits, '_' and '-', at most 63. */
	CONFIG_DIRECTORY, /* char *: absolute. */
	CONFIG_CHOICE,    /* uint64_t: the index of one of the words. */
	CONFIG_NUMBER,    /* uint64_t */
	CONFIG_SIZE,      /* uint64_t: bytes; K, M or G may follow. */
	CONFIG_MAP,       /* struct unc_map: the whole section. */
	CONFIG_ADDRESSES, /* char *: "off", "any", or a list of IP addresses. */
	CONFIG_PORT,      /* uint64_t: 0 is written "off". */
	CONFIG_FILE,      /* char *: "none", or an absolute path. */
	CONFIG_LIST,      /* char *: "none", or principals with commas between. */
	CONFIG_USERS,     /* char *: "none", or NAME:USER with commas between. */
	CONFIG_ROOTS,     /* char *: "none", or absolute paths with commas between. */
	CONFIG_PATTERNS,  /* char *: "none", or patterns of names with commas between. */
};

enum config_ntlm { CONFIG_NTLM_ON, CONFIG_NTLM_OFF };      /* Of struct config.ntlm. */
enum config_winbind { CONFIG_WINBIND_AUTO, CONFIG_WINBIND_OFF };
enum config_api_level { API_LEVEL_2003, API_LEVEL_2008 }; /* Of struct config.api_level. */

struct config {
	char *file;             /* Where it was read from; it need not exist. */
	char *drives_directory; /* The links c: … z: */
	bool is_private;        /* RUEDA_DIR was given. */

	/* One for each row of config_keys. */
	char *node_name;
	uint64_t api_level;
	uint64_t log_level; /* enum log_level */
	char *user, *group;
	char *state_directory, *run_directory;
	uint64_t connections, handles, request_size, open_seconds, events;
	uint64_t keep_safety_copies, quiet_seconds;
	uint64_t check_changes, check_minutes;
	char *listen_addresses;
	uint64_t listen_port, mapper_port, connections_per_address, login_seconds;
	uint64_t ntlm, winbind;
	char *keytab, *access_all, *access_read, *access_map;
	char *checkpoint_roots, *pkcs11_module, *pkcs11_pin_file, *pkcs11_user;
	uint64_t checkpoint_size, checkpoint_seconds;
	char *networks_ignore;
	uint64_t networks_linger;
	struct unc_map unc;

	unsigned lines[64]; /* Where each row was set; 0 = default. */
};

struct config_key {
	const char *section, *key; /* key NULL: any (CONFIG_MAP). */
	enum config_kind kind;
	const char *fallback; /* The default as it would be written, or NULL: see fallback_text. */
	const char *fallback_text;
	const char *words;       /* CONFIG_CHOICE: "a|b|c". */
	uint64_t min, max;       /* CONFIG_NUMBER, CONFIG_SIZE. */
	size_t offset;           /* In struct config. */
	const char *description; /* Sentences. */
};
extern const struct config_key config_keys[];
extern const size_t config_key_count;
/* Whether the value is a char *, kept as it is written. */
bool config_is_text(enum config_kind kind);

/* Every mistake is told to problem() as a whole line, "FILE:12: …", and counted.  Returns 0; -EBADMSG if there were
 * mistakes; -ENOMEM.  *ret is to be freed in each case but the last.
 * directory: RUEDA_DIR, absolute, or NULL for the system's places.  host: the host's name. */
typedef void config_problem(void *data, const char *text);
int config_parse(const char *directory, const char *host, const char *text, size_t len, config_problem *problem,
    void *data, struct config *ret);
/* The same from the file that belongs to the directory; a missing file is an empty one. */
int config_load(const char *directory, config_problem *problem, void *data, struct config *ret);
/* Whether the file says so, of a field that has a row. */
bool config_is_set(const struct config *c, const void *field);
void config_done(struct config *c);

/* The values in force in the form of the file, each with where it comes from; reading it back gives the same. */
void config_print(const struct config *c, FILE *out);
/* The table of keys for rueda.conf(5), in mdoc. */
void config_print_manual(FILE *out);
