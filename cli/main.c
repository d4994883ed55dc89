/* main: what `rueda` does with a command line; the program cluster(1) makes such command lines of its own words.
 *
 * What     one table of verbs and one of options.  They are the dispatcher, the check of the command line and --help; the
 *          manual rueda(8) is compared with them.
 * Ends     0 done, 1 failed (the Windows code is in the message), 2 a mistake on the command line, 3 no service answers,
 *          4 not confirmed.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <stdio.h>
#include <string.h>

// clang-format off
static const struct cli_verb verbs[] = {
	{ "cluster create", "NAME", "node recovery-passphrase-file recovery-key json",
	  "make a cluster of this one node", 1, 1, cluster_create_verb },
	{ "cluster unseal", "", "recovery-passphrase-file recovery-private-key",
	  "open the sealed cluster key, for this node to keep", 0, 0, cluster_unseal_verb },
	{ "cluster recovery-key set", "", "recovery-passphrase-file recovery-key",
	  "let another passphrase or key pair open the cluster key of backups from now on; make a key if there is none",
	  0, 0, cluster_recovery_key_set_verb },
	{ "cluster ls", "", "json", "list the clusters that this machine knows", 0, 0, cluster_ls_verb },
	{ "cluster show", "", "common private json", "tell what the cluster is, and its properties", 0, 0, cluster_show_verb },
	{ "cluster set", "NAME[=VALUE]...", "common private type", "set properties of the cluster", 1, (size_t)-1, cluster_set_verb },
	{ "cluster rename", "NAME", "", "give the cluster another name", 1, 1, cluster_rename_verb },
	{ "cluster quorum", "[RESOURCE]", "path max-log-size json",
	  "tell or set the quorum resource", 0, 1, cluster_quorum_verb },
	{ "status", "", "json", "tell how the service of this machine is", 0, 0, status_verb },
	{ "node ls", "", "json", "list the nodes", 0, 0, node_ls_verb },
	{ "node show", "NODE", "common private json", "tell what a node has, and its properties", 1, 1, node_show_verb },
	{ "node set", "NODE NAME[=VALUE]...", "common private type", "set properties of a node", 2, (size_t)-1, node_set_verb },
	{ "node pause", "NODE", "", "let no group come to a node", 1, 1, node_pause_verb },
	{ "node resume", "NODE", "failback", "let groups come to a node again", 1, 1, node_resume_verb },
	{ "node drain", "NODE [TARGET]", "wait", "pause a node and move its groups away, to that node if they can be there",
	  1, 2, node_drain_verb },
	{ "node rm", "NODE", "yes", "remove a node from the cluster", 1, 1, node_rm_verb },
	{ "group ls", "", "json", "list the groups", 0, 0, group_ls_verb },
	{ "group show", "GROUP", "common private json", "tell what a group has, and its properties", 1, 1, group_show_verb },
	{ "group create", "NAME", "", "make an empty group", 1, 1, group_create_verb },
	{ "group set", "GROUP NAME[=VALUE]...", "common private type", "set properties of a group", 2, (size_t)-1, group_set_verb },
	{ "group rename", "GROUP NAME", "", "give a group another name", 2, 2, group_rename_verb },
	{ "group owners", "GROUP [NODE...]", "",
	  "list or set the preferred owners of a group ('-': none)", 1, (size_t)-1, group_owners_verb },
	{ "group online", "GROUP [NODE]", "wait",
	  "bring a group online, where it is or on that node", 1, 2, group_online_verb },
	{ "group offline", "GROUP", "wait", "take a group offline", 1, 1, group_offline_verb },
	{ "group move", "GROUP [NODE]", "wait", "move a group to that node, or the best other one", 1, 2, group_move_verb },
	{ "group cancel", "GROUP", "", "call off the move of a group", 1, 1, group_cancel_verb },
	{ "group rm", "GROUP", "if-empty yes", "delete a group with its resources", 1, 1, group_rm_verb },
	{ "resource ls", "[GROUP]", "json", "list the resources, or those of a group", 0, 1, resource_ls_verb },
	{ "resource show", "RESOURCE", "common private json", "tell what a resource has, and its properties", 1, 1, resource_show_verb },
	{ "resource why", "RESOURCE", "json", "tell what a resource has been through", 1, 1, resource_why_verb },
	{ "resource create", "NAME GROUP TYPE|PARAMETER=VALUE...", "agent separate", "make a resource of a type, or one that an agent runs", 2, (size_t)-1, resource_create_verb },
	{ "resource set", "RESOURCE NAME[=VALUE]...", "common private type",
	  "set properties of a resource", 2, (size_t)-1, resource_set_verb },
	{ "resource rename", "RESOURCE NAME", "", "give a resource another name", 2, 2, resource_rename_verb },
	{ "resource depend", "RESOURCE [EXPRESSION]", "add remove",
	  "print or set what a resource depends on ('': nothing)", 1, 2, resource_depend_verb },
	{ "resource owners", "RESOURCE [NODE...]", "add remove",
	  "list or set the possible owners of a resource", 1, (size_t)-1, resource_owners_verb },
	{ "resource online", "RESOURCE", "wait",
	  "bring a resource online, with what it depends on", 1, 1, resource_online_verb },
	{ "resource offline", "RESOURCE", "wait",
	  "take a resource offline, with what depends on it", 1, 1, resource_offline_verb },
	{ "resource restart", "RESOURCE", "wait",
	  "take a resource offline and bring it online again", 1, 1, resource_restart_verb },
	{ "resource fail", "RESOURCE", "", "treat a resource as failed", 1, 1, resource_fail_verb },
	{ "resource move", "RESOURCE GROUP", "",
	  "put a resource and its kin into another group", 2, 2, resource_move_verb },
	{ "resource rm", "RESOURCE", "yes", "delete a resource", 1, 1, resource_rm_verb },
	{ "checkpoint ls", "[RESOURCE]", "json", "list the checkpoints of all resources, or of one", 0, 1, checkpoint_ls_verb },
	{ "checkpoint show", "RESOURCE [KEY]", "file crypto cat json",
	  "print what is saved for a checkpoint: .reg text, or a list of files", 1, 2, checkpoint_show_verb },
	{ "checkpoint add", "RESOURCE [KEY]", "file crypto",
	  "let state outside the cluster follow a resource: a key of the node's registry, a file, or keys", 1, 2,
	  checkpoint_add_verb },
	{ "checkpoint rm", "RESOURCE [KEY]", "file crypto yes", "remove a checkpoint with what is saved for it", 1, 2,
	  checkpoint_rm_verb },
	{ "checkpoint rebuild", "[RESOURCE [KEY]]", "file crypto from plan json",
	  "make what is saved whole again where it is missing or damaged", 0, 2, checkpoint_rebuild_verb },
	{ "type ls", "", "json", "list the resource types", 0, 0, type_ls_verb },
	{ "type show", "TYPE", "common private json", "tell what a resource type has, and its properties", 1, 1, type_show_verb },
	{ "type agent", "AGENT", "json", "tell what a resource agent says of itself; needs no service", 1, 1, type_agent_verb },
	{ "type create", "NAME LIBRARY", "", "make a resource type known", 2, 2, type_create_verb },
	{ "type set", "TYPE NAME[=VALUE]...", "common private type", "set properties of a resource type", 2, (size_t)-1, type_set_verb },
	{ "type rm", "TYPE", "yes", "delete a resource type", 1, 1, type_rm_verb },
	{ "network ls", "", "json", "list the networks", 0, 0, network_ls_verb },
	{ "network show", "NETWORK", "common private json", "tell what a network has, and its properties", 1, 1, network_show_verb },
	{ "network set", "NETWORK NAME[=VALUE]...", "common private type",
	  "set properties of a network", 2, (size_t)-1, network_set_verb },
	{ "network rename", "NETWORK NAME", "", "give a network another name", 2, 2, network_rename_verb },
	{ "network priority", "[NETWORK...]", "json", "list the internal networks in the order of their use, or set it",
	  0, (size_t)-1, network_priority_verb },
	{ "interface ls", "", "json", "list the network interfaces", 0, 0, interface_ls_verb },
	{ "interface show", "INTERFACE", "common private json",
	  "tell what a network interface has, and its properties", 1, 1, interface_show_verb },
	{ "interface set", "INTERFACE NAME[=VALUE]...", "common private type",
	  "set properties of a network interface", 2, (size_t)-1, interface_set_verb },
	{ "backup show", "SET", "json", "tell what a backup set holds; needs no service", 1, 1, backup_show_verb },
	{ "backup verify", "SET", "recovery-passphrase-file recovery-private-key json",
	  "read all of a backup set and prove it; needs no service", 1, 1, backup_verify_verb },
	{ "backup ls", "SET [KEY]", "json", "list a key of a backup set; needs no service", 1, 2, backup_ls_verb },
	{ "backup cat", "SET KEY [VALUE]", "json",
	  "print a value of a backup set, or a key as .reg text; needs no service", 2, 3, backup_cat_verb },
	{ "backup diff", "SET SET", "json", "tell what differs from the first backup set to the second; needs no service",
	  2, 2, backup_diff_verb },
	{ "backup", "PATH", "copy-to json", "back up the cluster database into a directory", 1, 1, backup_verb },
	{ "restore", "PATH",
	  "force plan drive as-node as-new recovery-passphrase-file recovery-private-key only checkpoints yes json",
	  "put the cluster database of a backup set in force, or the checkpoints of one resource", 1, 1, restore_verb },
	{ "reg ls", "[KEY]", "local json", "list a key of the cluster database", 0, 1, reg_ls_verb },
	{ "reg get", "KEY [VALUE]", "local json", "print a value, or the key's default value", 1, 2, reg_get_verb },
	{ "reg set", "KEY [VALUE DATA...]", "local type", "make a key; set a value ('' is the default value)",
	  1, (size_t)-1, reg_set_verb },
	{ "reg del", "KEY [VALUE]", "local yes", "delete a value, or a key with everything below it", 1, 2, reg_del_verb },
	{ "reg export", "FILE [KEY]", "local utf8", "write keys and values as .reg text ('-' is standard output)",
	  1, 2, reg_export_verb },
	{ "reg import", "FILE", "local yes json", "carry out a .reg text ('-' is standard input)", 1, 1, reg_import_verb },
	{ "access ls", "", "json", "tell who may do what in the cluster", 0, 0, access_ls_verb },
	{ "access grant", "NAME read|all", "", "let somebody read the cluster, or do everything", 2, 2, access_grant_verb },
	{ "access revoke", "NAME", "", "take somebody's entries out of the access list", 1, 1, access_revoke_verb },
	{ "access reset", "", "yes", "go back to the access list of a new cluster", 0, 0, access_reset_verb },
	{ "user add", "NAME", "access password-file", "let somebody log in over the network by NTLM; needs no service",
	  1, 1, user_add_verb },
	{ "user passwd", "NAME", "password-file", "change the password of an account", 1, 1, user_passwd_verb },
	{ "user del", "NAME", "", "remove an account", 1, 1, user_del_verb },
	{ "user ls", "", "json", "list the accounts", 0, 0, user_ls_verb },
	{ "explain", "CODE|NAME", "json", "tell what an error code means and what to do", 1, 1, explain_verb },
	{ "events", "", "follow json", "tell what happens to the cluster's objects, as it happens", 0, 0, events_verb },
	{ "trace", "", "json", "print the flight recorder of the service", 0, 0, trace_verb },
	{ "shutdown", "", "yes", "stop the service of this machine", 0, 0, shutdown_verb },
};

#define FLAG(member) offsetof(struct cli, member), NULL
static const struct {
	const char *name;
	size_t at; /* In struct cli. */
	const char *argument;
	const char *help;
} options[] = {
	{ "access", offsetof(struct cli, access), "ACCESS", "what the account may do: read (the default) or all" },
	{ "add", offsetof(struct cli, add), "NAME", "add this one to those that there are" },
	{ "agent", offsetof(struct cli, agent), "AGENT", "the agent (OCF) that runs it: ocf:PROVIDER:TYPE, or a path" },
	{ "as-new", offsetof(struct cli, as_new), "NAME", "make another cluster, of this name, of the set" },
	{ "as-node", offsetof(struct cli, as_node), "NAME", "this machine stands in for that node of the set" },
	{ "cat", offsetof(struct cli, cat), "NAME", "print this file of the checkpoint ('.': the checkpoint is one file)" },
	{ "checkpoints", FLAG(checkpoints), "with --only: what is saved for the resource, and nothing else" },
	{ "common", FLAG(common_only), "only common properties" },
	{ "copy-to", offsetof(struct cli, copy_to), "DIR",
	  "afterwards copy the set into this missing or empty directory; up to 16 times" },
	{ "crypto", offsetof(struct cli, crypto), "NAME", "the crypto checkpoint of this name: TYPE\\PROVIDER\\CONTAINER" },
	{ "drive", offsetof(struct cli, drive), "L:", "the letter of a quorum disk that was replaced" },
	{ "failback", offsetof(struct cli, failback), "WHEN",
	  "what a drain took from it comes back: now, or as the policy of each group says (policy)" },
	{ "file", offsetof(struct cli, file), "PATH", "the checkpoint of this file or directory" },
	{ "follow", FLAG(follow), "go on until interrupted" },
	{ "force", FLAG(force), "restore although other nodes may run or the quorum disk is another one; with --only, also a set of another cluster" },
	{ "from", offsetof(struct cli, from), "SET", "take it from this backup set" },
	{ "if-empty", FLAG(if_empty), "only if nothing is in it" },
	{ "json", FLAG(json), "print JSON, as docs/json.md describes it" },
	{ "local", FLAG(local), "the registry of this node alone, in the place of the cluster database" },
	{ "max-log-size", offsetof(struct cli, max_log_size), "SIZE", "how large its log may become: bytes, or with K or M" },
	{ "node", offsetof(struct cli, node), "NODE", "only if this is the node's name" },
	{ "only", offsetof(struct cli, only), "resource=NAME",
	  "of this resource of the cluster that runs; with --checkpoints" },
	{ "password-file", offsetof(struct cli, password_file), "FILE", "the password is the first line of this file" },
	{ "path", offsetof(struct cli, path), "PATH", "where it keeps its files" },
	{ "plan", FLAG(plan), "change nothing, only tell what would be done" },
	{ "private", FLAG(private_only), "only private properties, whatever common ones there are" },
	{ "recovery-key", offsetof(struct cli, recovery_key), "FILE",
	  "make a cluster key and seal it under this public key (PEM)" },
	{ "recovery-passphrase-file", offsetof(struct cli, recovery_passphrase_file), "FILE",
	  "the passphrase that seals or opens the cluster key: the first line" },
	{ "recovery-private-key", offsetof(struct cli, recovery_private_key), "FILE",
	  "the private key (PEM) that opens the cluster key" },
	{ "remove", offsetof(struct cli, remove), "NAME", "take this one from those that there are" },
	{ "separate", FLAG(separate), "say that it runs in a process of its own, which all do here" },
	{ "type", offsetof(struct cli, types), "TYPE",
	  "sz (the default), expand_sz, multi_sz, dword, qword, binary, none, or a number; NAME=TYPE is that property's" },
	{ "utf8", FLAG(utf8), "write UTF-8 in the place of UTF-16" },
	{ "wait", offsetof(struct cli, wait), "[SECONDS]", "wait for its end, that long at most or for ever" },
	{ "yes", FLAG(yes), "do not ask" },
};
// clang-format on

/* Is the word in a list with spaces between? */
static bool is_listed(const char *list, const char *word, size_t len)
{
	for (const char *at = list; *at != 0;) {
		size_t n = strcspn(at, " ");

		if (n == len && strncmp(at, word, len) == 0)
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

enum { ARGUMENT_TEXT = 32 };

/* " FILE", or "[=SECONDS]" if it may be left out: what stands behind an option. */
static const char *argument_text(const char *argument, char text[ARGUMENT_TEXT])
{
	if (argument == NULL)
		return "";
	if (argument[0] == '[')
		(void)snprintf(text, ARGUMENT_TEXT, "[=%s", argument + 1);
	else
		(void)snprintf(text, ARGUMENT_TEXT, " %s", argument);
	return text;
}

static void print_usage(const struct cli_verb *v, FILE *to)
{
	char text[ARGUMENT_TEXT];

	fprintf(to, "rueda %s%s%s", v->words, v->arguments[0] != 0 ? " " : "", v->arguments);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (is_listed(v->options, options[i].name, strlen(options[i].name)))
			fprintf(to, " [--%s%s]", options[i].name, argument_text(options[i].argument, text));
	fprintf(to, "\n");
}

static int print_verb_help(const struct cli_verb *v)
{
	printf("Usage: ");
	print_usage(v, stdout);
	printf("\n%s\n", v->help);
	for (size_t i = 0, n = 0; i < ARRAY_SIZE(options); i++) {
		char head[64], text[ARGUMENT_TEXT];

		if (!is_listed(v->options, options[i].name, strlen(options[i].name)))
			continue;
		(void)snprintf(head, sizeof(head), "--%s%s", options[i].name, argument_text(options[i].argument, text));
		printf("%s  %-32s %s\n", n++ == 0 ? "\n" : "", head, options[i].help);
	}
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

static int print_help(void)
{
	printf("Usage: rueda VERB [ARGUMENT...] [OPTION...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		printf("  ");
		print_usage(&verbs[i], stdout);
		printf("      %s\n", verbs[i].help);
	}
	printf("\n  rueda --cluster NAME VERB ..., for a cluster on the network\n  rueda --help, --version\n\n"
	       "rueda VERB --help tells of the options. RUEDA_DIR names the directory of a private instance.\n"
	       "Exit status: 0 done, 1 failed, 2 mistake on the command line, 3 no service answers, 4 not confirmed.\n"
	       "See rueda(8).\n");
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

/* How many of the words are those of the verb; 0: they are not. */
static int match_verb(const char *verb, int count, char **words)
{
	for (int used = 0; used < count; used++) {
		size_t n = strcspn(verb, " ");

		if (strlen(words[used]) != n || strncmp(verb, words[used], n) != 0)
			return 0;
		if (verb[n] == 0)
			return used + 1;
		verb += n + 1;
	}
	return 0;
}

/* The verb whose words these are; the table has "backup show" before "backup". */
static const struct cli_verb *find_verb(int count, char **words, int *ret_used)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		*ret_used = match_verb(verbs[i].words, count, words);
		if (*ret_used > 0)
			return &verbs[i];
	}
	return NULL;
}

/* The verbs that begin with this word, on the stream; false: none does. */
static bool print_noun(const char *noun, FILE *to)
{
	size_t n = strlen(noun);
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strncmp(verbs[i].words, noun, n) != 0 || verbs[i].words[n] != ' ')
			continue;
		fprintf(to, "  ");
		print_usage(&verbs[i], to);
		any = true;
	}
	return any;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The words do not begin with a verb. */
static int no_verb(int count, char **words)
{
	if (count < 1) {
		fprintf(stderr, "rueda: what is to be done? rueda --help lists the verbs.\n");
		return CLI_USAGE;
	}
	if (count == 2 && is_help(words[1]) && print_noun(words[0], stdout))
		return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
	fprintf(stderr, "rueda: there is no verb '%.80s%s%.80s'. rueda --help lists the verbs.\n", words[0],
	    count > 1 ? " " : "", count > 1 ? words[1] : "");
	(void)print_noun(words[0], stderr);
	return CLI_USAGE;
}

/* An option that may be there several times. */
static int add_value(
    const struct cli *c, const char *option, const char *value, const char **all, size_t *count, size_t most)
{
	if (*count == most)
		return cli_usage(c, "--%s is there more than %zu times", option, most);
	all[(*count)++] = value;
	return 0;
}

/* Behind "--": sets what the option says. *i is where it stands, and moves over its argument. */
static int take_option(struct cli *c, const char *text, int count, char **words, int *i)
{
	size_t n = strcspn(text, "=");
	const char *value = text[n] == '=' ? text + n + 1 : NULL;

	for (size_t o = 0; o < ARRAY_SIZE(options); o++) {
		void *at = (char *)c + options[o].at;

		if (strlen(options[o].name) != n || strncmp(options[o].name, text, n) != 0 ||
		    !is_listed(c->verb->options, text, n))
			continue;
		if (options[o].argument == NULL) {
			if (value != NULL)
				return cli_usage(c, "--%s takes no argument", options[o].name);
			*(bool *)at = true;
			return 0;
		}
		if (options[o].argument[0] == '[') {
			*(const char **)at = value != NULL ? value : "";
			return 0;
		}
		if (value == NULL && *i + 1 < count)
			value = words[++*i];
		if (value == NULL || value[0] == 0)
			return cli_usage(c, "--%s needs an argument", options[o].name);
		if (at == (void *)c->copy_to)
			return add_value(c, options[o].name, value, c->copy_to, &c->copy_count, CLI_COPY_MAX);
		if (at == (void *)c->types)
			return add_value(c, options[o].name, value, c->types, &c->type_count, CLI_TYPE_MAX);
		*(const char **)at = value;
		return 0;
	}
	return cli_usage(c, "--%.*s is no option of it", (int)n, text);
}

/* The words behind the verb: options and arguments in any order; "--" ends the options. */
static int parse(struct cli *c, int count, char **words, bool *ret_help)
{
	bool only_arguments = false;

	for (int i = 0; i < count; i++) {
		int r = 0;

		if (only_arguments || strncmp(words[i], "--", 2) != 0)
			c->arguments[c->argument_count++] = words[i];
		else if (words[i][2] == 0)
			only_arguments = true;
		else if (strcmp(words[i], "--help") == 0)
			*ret_help = true;
		else
			r = take_option(c, words[i] + 2, count, words, &i);
		if (r != 0)
			return r;
	}
	if (*ret_help)
		return 0;
	if (c->argument_count < c->verb->least)
		return cli_usage(c, "an argument is missing");
	if (c->argument_count > c->verb->most)
		return cli_usage(c, "'%s' is one argument too many", c->arguments[c->verb->most]);
	return 0;
}

/* "--cluster NAME" before the verb: its words move up.  Verbs about files or the service of this machine have no cluster
 * to choose. */
static int take_cluster(int *count, char ***words)
{
	static const char option[] = "--cluster";
	size_t n = sizeof(option) - 1;

	if (*count < 1 || strncmp((*words)[0], option, n) != 0 || ((*words)[0][n] != 0 && (*words)[0][n] != '='))
		return 0;
	if ((*words)[0][n] == '=') {
		cli_cluster = (*words)[0] + n + 1;
	} else if (*count > 1) {
		cli_cluster = (*words)[1];
		(*count)--;
		(*words)++;
	}
	(*count)--;
	(*words)++;
	if (cli_cluster != NULL && cli_cluster[0] != 0)
		return 0;
	fprintf(stderr, "rueda: --cluster needs a NAME. rueda --help tells how it is used.\n");
	return CLI_USAGE;
}

static bool has_cluster(const struct cli_verb *v)
{
	static const char nouns[] = "node group resource type network interface reg events";
	static const char verbs_of_cluster[] = "show set rename quorum";
	size_t n = strcspn(v->words, " ");

	return is_listed(nouns, v->words, n) || (strncmp(v->words, "cluster ", 8) == 0 &&
						    is_listed(verbs_of_cluster, v->words + 8, strlen(v->words + 8)));
}

int cli_main(int count, char **words)
{
	_cleanup_free_ char **arguments = calloc((size_t)count + 1, sizeof(*arguments));
	struct cli c = { .arguments = arguments };
	bool help = false;
	int used, r;

	if (arguments == NULL)
		return CLI_FAILED;
	if (count >= 1 && (is_help(words[0]) || strcmp(words[0], "help") == 0))
		return print_help();
	if (count == 1 && (strcmp(words[0], "--version") == 0 || strcmp(words[0], "-V") == 0)) {
		printf("rueda %s\n", RUEDA_VERSION);
		return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
	}
	r = take_cluster(&count, &words);
	if (r != 0)
		return r;
	c.verb = find_verb(count, words, &used);
	if (c.verb == NULL)
		return no_verb(count, words);
	if (cli_cluster != NULL && !has_cluster(c.verb))
		return cli_usage(&c, "it is about this machine, so that --cluster has no meaning");
	r = parse(&c, count - used, words + used, &help);
	if (r != 0)
		return r;
	return help ? print_verb_help(c.verb) : c.verb->run(&c);
}
