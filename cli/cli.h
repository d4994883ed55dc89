/* cli: what the verbs of `rueda` share: the command line as it was understood, and how a verb ends.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/utf16.h"
#include "include/rueda.h"

/* How the program ends. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* The Windows code is in the message. */
	CLI_USAGE = 2,
	CLI_NO_SERVICE = 3,    /* Nobody answers. */
	CLI_NOT_CONFIRMED = 4, /* A destructive verb without a yes. */
};

enum { CLI_COPY_MAX = 16, CLI_TYPE_MAX = 64 };

struct cli {
	const struct cli_verb *verb;
	char **arguments; /* Behind the words of the verb. */
	size_t argument_count;

	bool json, yes, force, follow, plan, private_only, utf8, local, checkpoints;
	bool common_only, if_empty, separate;
	const char *node, *only, *recovery_passphrase_file, *recovery_key, *recovery_private_key;
	const char *as_node, *as_new, *drive, *access, *password_file, *wait;
	const char *add, *agent, *failback, *remove, *path, *max_log_size;
	const char *file, *crypto, *from, *cat;
	const char *copy_to[CLI_COPY_MAX];
	size_t copy_count;
	const char *types[CLI_TYPE_MAX]; /* "TYPE", or "NAME=TYPE" for one property. */
	size_t type_count;
};

struct cli_verb {
	const char *words;     /* "backup show" */
	const char *arguments; /* For the usage line: "SET [KEY]". */
	const char *options;   /* Names of options, separated by spaces. */
	const char *help;
	size_t least, most;        /* Arguments. */
	int (*run)(struct cli *c); /* Returns an enum cli_exit. */
};

/* "rueda: WHAT failed: 267 ERROR_DIRECTORY: what it means. What to do next.", the story below it if there is one; returns
 * CLI_FAILED or CLI_NO_SERVICE. */
int cli_fail(DWORD code, const char *story, const char *what, ...) _printf_(3, 4);
int cli_fail_error(int r, const struct error *error, const char *what, ...) _printf_(3, 4);
/* The same for a key that was named on the command line, with what may be wrong with the name. */
int cli_fail_key(DWORD code, const char *doing, const char *key);
/* A mistake on the command line: CLI_USAGE. */
int cli_usage(const struct cli *c, const char *format, ...) _printf_(2, 3);
/* Ask on the terminal unless --yes was given: 0, or CLI_NOT_CONFIRMED. */
int cli_confirm(const struct cli *c, const char *format, ...) _printf_(2, 3);

/* An argument as terminated UTF-16, on the heap; NULL after a message.  NULL stays NULL and is no mistake. */
char16_t *cli_units(const char *text);
/* The path of a set as the service will see it: a relative one is made absolute.  NULL after a message. */
char *cli_path(const char *path);
/* The path of a key below that root (cli/regfile.h), whose name may stand before it.  A view into units. */
struct u16 cli_key_path(const char16_t *units, const char *root);

static inline const WCHAR *cli_wide(const char16_t *units)
{
	return (const WCHAR *)units;
}

/* A connection to the cluster that --cluster names, or that of this machine; 0, or an enum cli_exit after a message. */
int cli_open(DWORD access, HCLUSTER *ret);
/* The root of the cluster database, or with --local of this node's own registry; the same. */
int cli_open_root(const struct cli *c, DWORD access, REGSAM sam, HKEY *ret);
/* What stands before its keys in text. */
const char *cli_root_name(const struct cli *c);
/* What --cluster said; NULL: nothing. */
extern const char *cli_cluster;
/* The program: the table of verbs on a command line (without the name of the program); an enum cli_exit. */
int cli_main(int count, char **words);

/* The verbs; the files are named after the nouns. */
int cluster_create_verb(struct cli *c);
int cluster_unseal_verb(struct cli *c);
int cluster_recovery_key_set_verb(struct cli *c);
int cluster_ls_verb(struct cli *c);
int cluster_show_verb(struct cli *c);
int cluster_set_verb(struct cli *c);
int cluster_rename_verb(struct cli *c);
int cluster_quorum_verb(struct cli *c);
int access_ls_verb(struct cli *c);
int access_grant_verb(struct cli *c);
int access_revoke_verb(struct cli *c);
int access_reset_verb(struct cli *c);
int status_verb(struct cli *c);
int node_ls_verb(struct cli *c);
int node_show_verb(struct cli *c);
int node_set_verb(struct cli *c);
int node_pause_verb(struct cli *c);
int node_resume_verb(struct cli *c);
int node_drain_verb(struct cli *c);
int node_rm_verb(struct cli *c);
int group_ls_verb(struct cli *c);
int group_show_verb(struct cli *c);
int group_create_verb(struct cli *c);
int group_set_verb(struct cli *c);
int group_rename_verb(struct cli *c);
int group_owners_verb(struct cli *c);
int group_online_verb(struct cli *c);
int group_offline_verb(struct cli *c);
int group_move_verb(struct cli *c);
int group_cancel_verb(struct cli *c);
int group_rm_verb(struct cli *c);
int resource_ls_verb(struct cli *c);
int resource_show_verb(struct cli *c);
int resource_why_verb(struct cli *c);
int resource_create_verb(struct cli *c);
int resource_set_verb(struct cli *c);
int resource_rename_verb(struct cli *c);
int resource_depend_verb(struct cli *c);
int resource_owners_verb(struct cli *c);
int resource_online_verb(struct cli *c);
int resource_offline_verb(struct cli *c);
int resource_restart_verb(struct cli *c);
int resource_fail_verb(struct cli *c);
int resource_move_verb(struct cli *c);
int resource_rm_verb(struct cli *c);
int checkpoint_ls_verb(struct cli *c);
int checkpoint_show_verb(struct cli *c);
int checkpoint_add_verb(struct cli *c);
int checkpoint_rm_verb(struct cli *c);
int checkpoint_rebuild_verb(struct cli *c);
int type_ls_verb(struct cli *c);
int type_show_verb(struct cli *c);
int type_create_verb(struct cli *c);
int type_agent_verb(struct cli *c);
int type_set_verb(struct cli *c);
int type_rm_verb(struct cli *c);
int network_ls_verb(struct cli *c);
int network_show_verb(struct cli *c);
int network_set_verb(struct cli *c);
int network_priority_verb(struct cli *c);
int network_rename_verb(struct cli *c);
int interface_ls_verb(struct cli *c);
int interface_show_verb(struct cli *c);
int interface_set_verb(struct cli *c);
int backup_verb(struct cli *c);
int backup_show_verb(struct cli *c);
int backup_verify_verb(struct cli *c);
int backup_ls_verb(struct cli *c);
int backup_cat_verb(struct cli *c);
int backup_diff_verb(struct cli *c);
int restore_verb(struct cli *c);
int reg_ls_verb(struct cli *c);
int reg_get_verb(struct cli *c);
int reg_set_verb(struct cli *c);
int reg_del_verb(struct cli *c);
int reg_export_verb(struct cli *c);
int reg_import_verb(struct cli *c);
int explain_verb(struct cli *c);
int events_verb(struct cli *c);
int trace_verb(struct cli *c);
int shutdown_verb(struct cli *c);
int user_add_verb(struct cli *c);
int user_passwd_verb(struct cli *c);
int user_del_verb(struct cli *c);
int user_ls_verb(struct cli *c);

struct accounts;
/* The accounts of this node's service, without a word: negative for who may not read them. */
int user_accounts(struct accounts *ret);
