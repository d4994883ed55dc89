/* config: one table says what may stand in rueda.conf, and drives all that has to agree about it: reading, defaults,
 * complaints, `ruedad --check`, and the table in rueda.conf(5), which is generated from it.
 *
 * Where    RUEDA_DIR set: RUEDA_DIR/{rueda.conf,state,run,drives}.  Not set: /etc/rueda/{rueda.conf,drives},
 *          /var/lib/rueda, /run/rueda.
 * Promise  a configuration with a mistake is never used: the daemon says all the mistakes and does not start.
 * Not here what all nodes must agree about: that is in the cluster database, since apply must not see local settings.
 * Threads  all functions.      Limits  those of base/ini.h.
 * Format   rueda.conf(5)       Tests  tests/unit/config.c, tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/config.h"
#include "base/fd.h"
#include "base/ini.h"
#include "base/log.h"
#include "priv/roots.h"
#include "priv/users.h"
#include "ruedad/agents/networks.h"
#include "ruedad/serve/logins.h"
#include "ruedad/serve/sockets.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Sockets live in the run directory, and their addresses have 107 bytes. */
enum { RUN_DIRECTORY_MAX = 80, NAME_MAX_LEN = 63, TYPO_MAX = 32 };

#define FIELD(name) .offset = offsetof(struct config, name)

// clang-format off
const struct config_key config_keys[] = {
	{ "node", "name", CONFIG_NAME, NULL, "the host's name up to its first dot", FIELD(node_name),
	  .description = "The name of this node in the cluster." },
	{ "service", "api_level", CONFIG_CHOICE, "2003", .words = "2003|2008", FIELD(api_level),
	  .description = "Which generation of the Windows API to imitate where they differ. With 2008, backing up and "
			 "restoring the cluster database answer ERROR_CALL_NOT_IMPLEMENTED (120), as documented." },
	{ "service", "log_level", CONFIG_CHOICE, "info", .words = "error|warning|notice|info|debug", FIELD(log_level),
	  .description = "The least important lines that are logged. A HUP signal reads this key again." },
	{ "service", "user", CONFIG_NAME, "rueda", FIELD(user),
	  .description = "The user that the daemon runs as when it is started by root; it may not be root. Not used "
			 "otherwise." },
	{ "service", "group", CONFIG_NAME, "rueda", FIELD(group),
	  .description = "Members of this group may read the cluster over the local socket, unless the cluster's own list (rueda access) "
			 "says otherwise. It need not exist." },
	{ "service", "state_directory", CONFIG_DIRECTORY, NULL, "RUEDA_DIR/state, or /var/lib/rueda", FIELD(state_directory),
	  .description = "Where the database and its log are kept." },
	{ "service", "run_directory", CONFIG_DIRECTORY, NULL, "RUEDA_DIR/run, or /run/rueda", FIELD(run_directory),
	  .description = "Where the local socket is; at most 80 bytes." },
	{ "service", "check_changes", CONFIG_NUMBER, "10000", .min = 1, .max = 1000000000, FIELD(check_changes),
	  .description = "After how many changes of the database the nodes compare their digests, and this node proves that "
			 "the database in its memory is what its digest says." },
	{ "service", "check_minutes", CONFIG_NUMBER, "60", .min = 1, .max = 10080, FIELD(check_minutes),
	  .description = "How long after a change that is done at the latest." },
	{ "listen", "address", CONFIG_ADDRESSES, "off", FIELD(listen_addresses),
	  .description = "Where clients are served over the network. Over it, calls must be authenticated and encrypted; "
			 "the functions of rueda.h are not offered." },
	{ "listen", "port", CONFIG_NUMBER, "0", .min = 0, .max = 65535, FIELD(listen_port),
	  .description = "The TCP port for clients. With 0 there is another one after each start, and the endpoint mapper "
			 "tells it." },
	{ "listen", "epmap", CONFIG_PORT, "135", .min = 1, .max = 65535, FIELD(mapper_port),
	  .description = "The TCP port of the endpoint mapper; clients of Windows and Samba ask 135 and no other. Unless it "
			 "is set here, the service starts without a mapper if it may not have the port." },
	{ "listen", "connections_per_address", CONFIG_NUMBER, "128", .min = 1, .max = 16384, FIELD(connections_per_address),
	  .description = "How many connections one address (of IPv6, one network of 64 bits) may have." },
	{ "listen", "login_seconds", CONFIG_NUMBER, "20", .min = 1, .max = 600, FIELD(login_seconds),
	  .description = "How long a client may take to be authenticated." },
	{ "access", "ntlm", CONFIG_CHOICE, "on", .words = "on|off", FIELD(ntlm),
	  .description = "Whether clients may log in over the network by NTLM (version 2), with the accounts of this node that "
			 "rueda user manages. An account says itself whether it may read or do all." },
	{ "access", "winbind", CONFIG_CHOICE, "auto", .words = "auto|off", FIELD(winbind),
	  .description = "Whether accounts of the domain that this machine has joined may log in by NTLM, too: auto is where Samba's "
			 "winbindd runs. The service's user must be in the group that may have it check logins (winbindd_priv on "
			 "Debian). What these accounts may do, the cluster's own list (rueda access) says alone." },
	{ "access", "keytab", CONFIG_FILE, "none", FIELD(keytab),
	  .description = "The file with the keys for logins by Kerberos, such as those of MSServerClusterMgmtAPI/host. The "
			 "daemon's user must be able to read it." },
	{ "access", "all", CONFIG_LIST, "none", FIELD(access_all),
	  .description = "Which principals of Kerberos are administrators of this node: they may do everything, unless the cluster's own "
			 "list (rueda access) says otherwise. *@REALM is everybody of that realm." },
	{ "access", "read", CONFIG_LIST, "none", FIELD(access_read),
	  .description = "Which principals of Kerberos may read, likewise. Who is in neither list has what the cluster's own list gives." },
	{ "access", "map", CONFIG_USERS, "none", FIELD(access_map),
	  .description = "Which users of this machine those are who come over the network: NAME:USER, where NAME is an account, a "
			 "principal, or *@REALM. A backup is written as that user. Who is not in the list cannot write one; nobody "
			 "can be root or the daemon's user. The privileged process reads this key at its start." },
	{ "limits", "connections", CONFIG_NUMBER, "256", .min = 1, .max = 16384, FIELD(connections),
	  .description = "How many connections may be open at a time; more are refused." },
	{ "limits", "handles", CONFIG_NUMBER, "65536", .min = 16, .max = 1 << 24, FIELD(handles),
	  .description = "How many handles one client may have open, over all its connections." },
	{ "limits", "request_size", CONFIG_SIZE, "4M", .min = 64 << 10, .max = 64 << 20, FIELD(request_size),
	  .description = "How long one request may be." },
	{ "limits", "events", CONFIG_NUMBER, "1024", .min = 2, .max = 65536, FIELD(events),
	  .description = "How many events may wait at one notification port. When there are more, the newest are dropped, and "
			 "the client is told so." },
	{ "limits", "open_seconds", CONFIG_NUMBER, "30", .min = 1, .max = 3600, FIELD(open_seconds),
	  .description = "How long opening the directory of a backup may take (a mount may hang) before it fails with "
			 "ERROR_TIMEOUT (1460)." },
	{ "backup", "keep_safety_copies", CONFIG_NUMBER, "3", .min = 1, .max = 1000, FIELD(keep_safety_copies),
	  .description = "How many of the copies that a restore makes of what it replaces are kept." },
	{ "backup", "quiet_seconds", CONFIG_NUMBER, "120", .min = 1, .max = 86400, FIELD(quiet_seconds),
	  .description = "How long the file system of a backup set may give no sign of life, as a mount that hangs, before the "
			 "backup or restore fails with ERROR_TIMEOUT (1460). A disk that is only slow may take any time." },
	{ "checkpoints", "roots", CONFIG_ROOTS, "none", FIELD(checkpoint_roots),
	  .description = "The files and directories that checkpoints of files may be of, or be below: registry checkpoints named "
			 "File\\\\..., crypto checkpoints of PEM and PKCS12. They are "
			 "read and written with the rights of root (without root, those of the user who started the service): "
			 "who may change the cluster can make any file there. The privileged process reads this key at its start." },
	{ "checkpoints", "size", CONFIG_SIZE, "64M", .min = 64 << 10, .max = 512 << 20, FIELD(checkpoint_size),
	  .description = "How large one checkpoint may be." },
	{ "checkpoints", "file_seconds", CONFIG_NUMBER, "60", .min = 1, .max = 3600, FIELD(checkpoint_seconds),
	  .description = "How long taking or putting back one checkpoint of files or tokens may take before it fails with "
			 "ERROR_TIMEOUT (1460)." },
	{ "checkpoints", "pkcs11_module", CONFIG_FILE, "none", FIELD(pkcs11_module),
	  .description = "The PKCS #11 library for crypto checkpoints of keys in tokens, such as p11-kit-proxy.so, which leads to "
			 "all that p11-kit knows. It is loaded by a process of its own, for each job anew. Like the two below it is "
			 "read by the privileged process at its start." },
	{ "checkpoints", "pkcs11_pin_file", CONFIG_FILE, "none", FIELD(pkcs11_pin_file),
	  .description = "The file whose first line is the PIN of these tokens. Nobody but its owner may have access to it." },
	{ "checkpoints", "pkcs11_user", CONFIG_NAME, "root", FIELD(pkcs11_user),
	  .description = "The user as whom the library is used, without capabilities in any case. It is not looked at if the "
			 "service was not started by root." },
	{ "networks", "ignore", CONFIG_PATTERNS, "br-*,cali*,cni*,docker*,flannel*,lxcbr*,lxdbr*,podman*,tap*,veth*,virbr*,vnet*",
	  FIELD(networks_ignore),
	  .description = "Names of network links, with * and ?, that are no networks of the cluster. With * none is, and the "
			 "daemon makes no networks." },
	{ "networks", "linger_seconds", CONFIG_NUMBER, "30", .min = 0, .max = 86400, FIELD(networks_linger),
	  .description = "How long a link may be gone, or without addresses, before its network interfaces are removed from "
			 "the cluster, and with the last one of a network the network." },
	{ "unc", NULL, CONFIG_MAP, NULL, "no entries", FIELD(unc),
	  .description = "Which directory here stands for a share: the key is //server/share or a directory below it, "
			 "in any case, the value an absolute path." },
};
// clang-format on
const size_t config_key_count = ARRAY_SIZE(config_keys);
static_assert(ARRAY_SIZE(config_keys) <= ARRAY_SIZE(((struct config *)0)->lines), "each row has its line");

struct parse {
	struct config *c;
	config_problem *problem;
	void *data;
	unsigned problems;
	int error; /* -ENOMEM, and then nothing more is taken. */
};

static void *field(struct config *c, const struct config_key *key)
{
	return (char *)c + key->offset;
}

static void _printf_(3, 4) complain(struct parse *p, unsigned line, const char *format, ...)
{
	char text[1024];
	size_t used = line == 0 ? (size_t)snprintf(text, sizeof(text), "%.500s: ", p->c->file)
				: (size_t)snprintf(text, sizeof(text), "%.500s:%u: ", p->c->file, line);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text + used, sizeof(text) - used, format, ap);
	va_end(ap);
	p->problems++;
	p->problem(p->data, text);
}

static bool is_name(const char *value)
{
	size_t len = strlen(value);

	return len > 0 && len <= NAME_MAX_LEN && value[0] != '-' &&
	       strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

static bool parse_number(const char *value, bool is_size, uint64_t *ret)
{
	uint64_t n = 0, unit = 1;
	size_t digits = strspn(value, "0123456789");
	const char *end = value + digits;

	if (digits == 0 || digits > 15)
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)(value[i] - '0');
	if (is_size && *end != 0) {
		const char *letter = strchr("KMG", *end);

		if (letter == NULL)
			return false;
		unit = (uint64_t)1024 << 10 * (letter - "KMG");
		end++;
	}
	if (*end != 0 || n > UINT64_MAX / unit)
		return false;
	*ret = n * unit;
	return true;
}

static bool parse_choice(const char *words, const char *value, uint64_t *ret)
{
	uint64_t index = 0;

	for (const char *word = words;; word++, index++) {
		size_t len = strcspn(word, "|");

		if (strlen(value) == len && memcmp(word, value, len) == 0) {
			*ret = index;
			return true;
		}
		word += len;
		if (*word == 0)
			return false;
	}
}

static void set_text(struct parse *p, char **text, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL) {
		p->error = -ENOMEM;
		return;
	}
	free(*text);
	*text = copy;
}

static bool is_absolute(const char *value)
{
	return value[0] == '/';
}

static bool is_file(const char *value)
{
	return is_absolute(value) || strcmp(value, "none") == 0;
}

static bool are_addresses(const char *value)
{
	union socket_address addresses[SOCKETS_ADDRESSES_MAX];

	return sockets_parse_addresses(value, addresses) >= 0;
}

/* The kinds whose values are kept as they are written. */
// clang-format off
static const struct text_kind {
	bool (*is_valid)(const char *value);
	const char *must_be;
	unsigned max; /* How many of them, if they are listed. */
} text_kinds[] = {
	[CONFIG_NAME]      = { is_name, "1 to 63 letters, digits, '_' or '-'", 0 },
	[CONFIG_DIRECTORY] = { is_absolute, "an absolute path", 0 },
	[CONFIG_FILE]      = { is_file, "none or an absolute path", 0 },
	[CONFIG_ADDRESSES] = { are_addresses, "off, any, or IP addresses with commas between them", SOCKETS_ADDRESSES_MAX },
	[CONFIG_LIST]      = { logins_parse_list, "none, or user@REALM or *@REALM with commas between them", 0 },
	[CONFIG_USERS]     = { users_are_valid, "none, or NAME:USER with commas between them", USERS_MAX },
	[CONFIG_ROOTS]     = { roots_are_valid, "none, or absolute paths with commas between them", ROOTS_MAX },
	[CONFIG_PATTERNS]  = { networks_are_patterns,
		"none, or names of links with commas between them; * and ? stand for others", 0 },
};
// clang-format on

bool config_is_text(enum config_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(text_kinds) && text_kinds[kind].is_valid != NULL;
}

static void set_number(struct parse *p, const struct config_key *key, unsigned line, const char *value)
{
	bool is_size = key->kind == CONFIG_SIZE;
	uint64_t n;

	if (key->kind == CONFIG_PORT && strcmp(value, "off") == 0)
		n = 0;
	else if (!parse_number(value, is_size, &n) || n < key->min || n > key->max) {
		complain(p, line, "%s must be %sa number from %" PRIu64 " to %" PRIu64 "%s", key->key,
		    key->kind == CONFIG_PORT ? "off or " : "", key->min, key->max,
		    is_size ? " bytes; K, M or G may follow" : "");
		return;
	}
	*(uint64_t *)field(p->c, key) = n;
}

/* Take one value into its place, or complain. */
static void set_value(struct parse *p, const struct config_key *key, unsigned line, const char *value)
{
	const struct text_kind *text = config_is_text(key->kind) ? &text_kinds[key->kind] : NULL;

	assert(key->kind != CONFIG_MAP); /* A map is set by its own function. */
	if (text == NULL && key->kind != CONFIG_CHOICE)
		set_number(p, key, line, value);
	else if (text == NULL && !parse_choice(key->words, value, field(p->c, key)))
		complain(p, line, "%s must be one of %s", key->key, key->words);
	else if (text != NULL && text->is_valid(value))
		set_text(p, field(p->c, key), value);
	else if (text != NULL && text->max > 0)
		complain(p, line, "%s must be %s, at most %u", key->key, text->must_be, text->max);
	else if (text != NULL)
		complain(p, line, "%s must be %s", key->key, text->must_be);
}

static void set_share(struct parse *p, unsigned line, const char *name, const char *directory)
{
	struct error e = { 0 };
	int r = unc_map_add(&p->c->unc, name, directory, &e);

	if (r == -ENOMEM)
		p->error = r;
	else if (r < 0)
		complain(p, line, "%s: %s", name, e.text);
}

/* The number of letters to change, add or leave out between two words; big if one is longer than TYPO_MAX. */
static size_t typing_distance(const char *a, const char *b)
{
	size_t row[TYPO_MAX + 1], len = strlen(b);

	if (len > TYPO_MAX || strlen(a) > TYPO_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != 0; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[len];
}

static void complain_unknown_key(struct parse *p, unsigned line, const char *section, const char *name)
{
	const struct config_key *guess = NULL;
	size_t best = 4;

	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		size_t distance = key->key != NULL ? typing_distance(name, key->key) : SIZE_MAX;

		/* Among equals, the one of this section. */
		if (distance < best || (distance == best && guess != NULL && strcmp(key->section, section) == 0)) {
			best = distance;
			guess = key;
		}
	}
	if (guess == NULL)
		complain(p, line, "unknown key '%s' in [%s]", name, section);
	else if (strcmp(guess->section, section) == 0)
		complain(p, line, "unknown key '%s' in [%s]; did you mean '%s'?", name, section, guess->key);
	else
		complain(p, line, "unknown key '%s' in [%s]; did you mean '%s' of [%s]?", name, section, guess->key,
		    guess->section);
}

static void complain_unknown_section(struct parse *p, unsigned line, const char *section)
{
	const char *guess = NULL;
	size_t best = 4;

	for (size_t i = 0; i < config_key_count; i++) {
		size_t distance = typing_distance(section, config_keys[i].section);

		if (distance < best) {
			best = distance;
			guess = config_keys[i].section;
		}
	}
	if (guess != NULL)
		complain(p, line, "unknown section [%s]; did you mean [%s]?", section, guess);
	else
		complain(p, line, "unknown section [%s]", section);
}

static void take_entry(void *data, unsigned line, const char *section, const char *name, const char *value)
{
	struct parse *p = data;
	bool section_known = false;

	if (p->error < 0)
		return;
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->section, section) != 0)
			continue;
		section_known = true;
		if (key->kind == CONFIG_MAP) {
			p->c->lines[i] = line;
			set_share(p, line, name, value);
			return;
		}
		if (strcmp(key->key, name) == 0) {
			p->c->lines[i] = line;
			set_value(p, key, line, value);
			return;
		}
	}
	if (section_known)
		complain_unknown_key(p, line, section, name);
	else
		complain_unknown_section(p, line, section);
}

static void take_problem(void *data, unsigned line, const char *text)
{
	complain(data, line, "%s", text);
}

static char *join(const char *directory, const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = malloc(size);

	if (path != NULL)
		(void)snprintf(path, size, "%s/%s", directory, name);
	return path;
}

static int set_fallbacks(struct parse *p, const char *directory, const char *host)
{
	struct config *c = p->c;
	char node[NAME_MAX_LEN + 1];

	c->is_private = directory != NULL;
	c->file = join(directory != NULL ? directory : "/etc/rueda", "rueda.conf");
	c->drives_directory = join(directory != NULL ? directory : "/etc/rueda", "drives");
	c->state_directory = directory != NULL ? join(directory, "state") : strdup("/var/lib/rueda");
	c->run_directory = directory != NULL ? join(directory, "run") : strdup("/run/rueda");
	(void)snprintf(node, sizeof(node), "%.*s", (int)strcspn(host, "."), host);
	c->node_name = strdup(node);
	if (c->file == NULL || c->drives_directory == NULL || c->state_directory == NULL || c->run_directory == NULL ||
	    c->node_name == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < config_key_count && p->error == 0; i++)
		if (config_keys[i].fallback != NULL)
			set_value(p, &config_keys[i], 0, config_keys[i].fallback);
	return p->error;
}

int config_parse(const char *directory, const char *host, const char *text, size_t len, config_problem *problem,
    void *data, struct config *ret)
{
	struct config c = { 0 };
	struct parse p = { .c = &c, .problem = problem, .data = data };
	struct ini_handler handler = { .data = &p, .entry = take_entry, .problem = take_problem };
	int r;

	assert(directory == NULL || directory[0] == '/');
	r = set_fallbacks(&p, directory, host);
	if (r == 0)
		r = ini_parse(text, len, &handler);
	if (r == 0)
		r = p.error;
	if (r < 0) {
		config_done(&c);
		return r;
	}
	if (!is_name(c.node_name))
		complain(&p, 0, "the host's name cannot be the node's name; set name in [node]");
	if (strlen(c.run_directory) > RUN_DIRECTORY_MAX)
		complain(&p, 0, "the run directory is longer than %d bytes; choose another RUEDA_DIR or run_directory",
		    RUN_DIRECTORY_MAX);
	if (strcmp(c.listen_addresses, "off") != 0) {
		if (c.listen_port == 0 && c.mapper_port == 0)
			complain(&p, 0, "clients could not find the service; set port or epmap in [listen]");
		if (c.listen_port != 0 && c.listen_port == c.mapper_port)
			complain(&p, 0, "port and epmap of [listen] must differ");
	}
	*ret = c;
	return p.problems > 0 ? -EBADMSG : 0;
}

/* The whole file on the heap; a missing one is empty. */
static int read_file(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	text = malloc(INI_FILE_MAX + 1); /* One more than may be: ini_parse() complains about it. */
	if (text == NULL)
		return -ENOMEM;
	while (fd >= 0 && used < INI_FILE_MAX + 1 && (n = read(fd, text + used, INI_FILE_MAX + 1 - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		return -errno;
	*ret = TAKE_PTR(text);
	*ret_len = used;
	return 0;
}

int config_load(const char *directory, config_problem *problem, void *data, struct config *ret)
{
	_cleanup_free_ char *text = NULL, *file = join(directory != NULL ? directory : "/etc/rueda", "rueda.conf");
	char host[256] = "";
	size_t len = 0;
	int r;

	if (file == NULL)
		return -ENOMEM;
	r = read_file(file, &text, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		char line[1024];

		(void)snprintf(line, sizeof(line), "%.900s: %s", file, error_text(r));
		problem(data, line);
		*ret = (struct config){ 0 };
		return -EBADMSG;
	}
	(void)gethostname(host, sizeof(host) - 1);
	return config_parse(directory, host, text, len, problem, data, ret);
}

bool config_is_set(const struct config *c, const void *value)
{
	for (size_t i = 0; i < config_key_count; i++)
		if ((const char *)c + config_keys[i].offset == value)
			return c->lines[i] > 0;
	return false;
}

void config_done(struct config *c)
{
	for (size_t i = 0; i < config_key_count; i++)
		if (config_is_text(config_keys[i].kind))
			free(*(char **)field(c, &config_keys[i]));
	unc_map_done(&c->unc);
	free(c->file);
	free(c->drives_directory);
	*c = (struct config){ 0 };
}
