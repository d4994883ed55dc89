/* alias: a command line of cluster.exe as one of rueda.
 *
 * Why      administrators and their scripts know the words of cluster.exe.  There is one way to do a thing here: this file
 *          only finds other words for it, and knows no cluster.
 * How      cluster [[/cluster:]NAME] OBJECT [NAME] /SWITCH[:VALUE] [/MODIFIER[:VALUE]...] [PROPERTY=VALUE...].  A row of the
 *          table `actions` has an object, a switch and what rueda calls it: its verb and its arguments:
 *            @     the name of the object        =    the value of the switch
 *            ?     that value if there is one    ,    its parts between commas
 *            $     properties                    {x}  the value of the modifier x
 *            !     the value of the switch, which must be one: without a comma
 *          and --words, which are options; one that ends with "=" gets the value of the switch.
 * Keeps    case does not matter, but in names and values; a part in brackets may be left out, or a part of that; "-" is as
 *          good as "/".  What a user named can never become an option of rueda.
 * Not      what cluster.exe prints and its exit status.  Several switches that do something in one command line.
 * Threads  any.      Facts  cluster(1).      Tests  tests/unit/alias.c, tests/integration/alias.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/alias/alias.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum object { CLUSTER, NODE, GROUP, RESOURCE, TYPE, NETWORK, INTERFACE, OBJECT_COUNT };

/* The first is cluster.exe's own: no word for it. */
static const struct {
	const char *spelling, *listed; /* The second: what stands for all of them. */
} objects[OBJECT_COUNT] = {
	[CLUSTER] = { NULL, NULL },
	[NODE] = { "node", "node ls" },
	[GROUP] = { "group", "group ls" },
	[RESOURCE] = { "res[ource]", "resource ls" },
	[TYPE] = { "restype", "type ls" },
	[NETWORK] = { "net[work]", "network ls" },
	[INTERFACE] = { "netint[erface]", "interface ls" },
};

enum value { NONE, MAYBE, MUST };

enum modifier { WAIT, GROUP_OF, TYPE_OF, SEPARATE, PATH, LOG_SIZE, LIBRARY, USE_DEFAULT, MODIFIER_COUNT };
#define M(modifier) (1u << (modifier))

static const struct {
	const char *spelling;
	enum value value;
	const char *option; /* Of rueda, before the value; NULL: the action says where it goes. */
	const char *unit;   /* Behind the value. */
} modifiers[MODIFIER_COUNT] = {
	[WAIT] = { "wait", MAYBE, "--wait", "" },
	[GROUP_OF] = { "group", MUST, NULL, NULL },
	[TYPE_OF] = { "type", MUST, NULL, NULL },
	[SEPARATE] = { "sep[arate]", NONE, "--separate", "" },
	[PATH] = { "path", MUST, "--path", "" },
	[LOG_SIZE] = { "maxlogsize", MUST, "--max-log-size", "K" },
	[LIBRARY] = { "dll[name]", MUST, NULL, NULL },
	[USE_DEFAULT] = { "usedefault", NONE, NULL, NULL },
};

struct action {
	enum object object;
	const char *spelling;
	enum value value;
	const char *verb;      /* Of rueda; NULL: there is none. */
	const char *arguments; /* Without a verb: what to do instead. */
	unsigned needs, may;   /* Modifiers. */
};

// clang-format off
#define PROPERTIES(object, noun, name)                                                                                     \
	{ object, "prop[erties]", MAYBE, noun " set", "--common " name "$", 0, M(USE_DEFAULT) },                               \
	{ object, "priv[properties]", MAYBE, noun " set", "--private " name "$", 0, M(USE_DEFAULT) }

static const struct action actions[] = {
	{ CLUSTER, "list", NONE, "cluster ls", "", 0, 0 },
	{ CLUSTER, "ver[sion]", NONE, "cluster show", "--common", 0, 0 },
	PROPERTIES(CLUSTER, "cluster", ""),
	{ CLUSTER, "ren[ame]", MUST, "cluster rename", "=", 0, 0 },
	{ CLUSTER, "quorum[resource]", MAYBE, "cluster quorum", "?", 0, M(PATH) | M(LOG_SIZE) },
	{ CLUSTER, "create", MAYBE, NULL, "rueda cluster create NAME makes one of this node", 0, 0 },
	{ CLUSTER, "g[en]", NONE, NULL, "rueda trace and the journal tell what has happened", 0, 0 },
	{ NODE, "stat[us]", NONE, "node show", "@", 0, 0 },
	{ NODE, "pause", NONE, "node pause", "@", 0, 0 },
	{ NODE, "resume", NONE, "node resume", "@", 0, 0 },
	{ NODE, "evict", NONE, "node rm", "--yes @", 0, 0 },
	{ NODE, "listint[erfaces]", NONE, "node show", "@", 0, 0 },
	{ NODE, "start", NONE, NULL, "systemctl start rueda does it on that node", 0, M(WAIT) },
	{ NODE, "stop", NONE, NULL, "rueda shutdown does it on that node", 0, M(WAIT) },
	{ NODE, "force[cleanup]", NONE, NULL, "rueda node rm NODE removes a node; its files are removed by hand", 0, 0 },
	PROPERTIES(NODE, "node", "@"),
	{ GROUP, "stat[us]", NONE, "group show", "@", 0, 0 },
	{ GROUP, "create", NONE, "group create", "@", 0, 0 },
	{ GROUP, "del[ete]", NONE, "group rm", "--if-empty --yes @", 0, 0 },
	{ GROUP, "ren[ame]", MUST, "group rename", "@ =", 0, 0 },
	{ GROUP, "on[line]", MAYBE, "group online", "@ ?", 0, M(WAIT) },
	{ GROUP, "off[line]", NONE, "group offline", "@", 0, M(WAIT) },
	{ GROUP, "move[to]", MAYBE, "group move", "@ ?", 0, M(WAIT) },
	{ GROUP, "listowners", NONE, "group owners", "@", 0, 0 },
	{ GROUP, "setowners", MUST, "group owners", "@ ,", 0, 0 },
	PROPERTIES(GROUP, "group", "@"),
	{ RESOURCE, "stat[us]", NONE, "resource show", "@", 0, 0 },
	{ RESOURCE, "create", NONE, "resource create", "@ {group} {type}", M(GROUP_OF) | M(TYPE_OF), M(SEPARATE) },
	{ RESOURCE, "del[ete]", NONE, "resource rm", "--yes @", 0, 0 },
	{ RESOURCE, "ren[ame]", MUST, "resource rename", "@ =", 0, 0 },
	{ RESOURCE, "on[line]", NONE, "resource online", "@", 0, M(WAIT) },
	{ RESOURCE, "off[line]", NONE, "resource offline", "@", 0, M(WAIT) },
	{ RESOURCE, "fail", NONE, "resource fail", "@", 0, 0 },
	{ RESOURCE, "move[to]", MUST, "resource move", "@ =", 0, 0 },
	{ RESOURCE, "listdep[endencies]", NONE, "resource depend", "@", 0, 0 },
	{ RESOURCE, "adddep[endency]", MUST, "resource depend", "--add= @", 0, 0 },
	{ RESOURCE, "removedep[endency]", MUST, "resource depend", "--remove= @", 0, 0 },
	{ RESOURCE, "listowners", NONE, "resource owners", "@", 0, 0 },
	{ RESOURCE, "addowner", MUST, "resource owners", "--add= @", 0, 0 },
	{ RESOURCE, "removeowner", MUST, "resource owners", "--remove= @", 0, 0 },
	{ RESOURCE, "check[points]", NONE, "checkpoint ls", "@", 0, 0 },
	{ RESOURCE, "addcheck[points]", MUST, "checkpoint add", "@ !", 0, 0 },
	{ RESOURCE, "removecheck[points]", MUST, "checkpoint rm", "--yes @ !", 0, 0 },
	{ RESOURCE, "cryptocheck[points]", NONE, "checkpoint ls", "@", 0, 0 },
	{ RESOURCE, "addcryptocheck[points]", MUST, "checkpoint add", "--crypto= @", 0, 0 },
	{ RESOURCE, "removecryptocheck[points]", MUST, "checkpoint rm", "--yes --crypto= @", 0, 0 },
	{ RESOURCE, "maint[enancemode]", MAYBE, NULL, "there is no maintenance of disks", 0, 0 },
	PROPERTIES(RESOURCE, "resource", "@"),
	{ TYPE, "list", NONE, "type show", "@", 0, 0 },
	{ TYPE, "stat[us]", NONE, "type show", "@", 0, 0 },
	{ TYPE, "listowners", NONE, "type show", "@", 0, 0 },
	{ TYPE, "create", NONE, "type create", "@ {dll}", M(LIBRARY), 0 },
	{ TYPE, "del[ete]", NONE, "type rm", "--yes @", 0, 0 },
	PROPERTIES(TYPE, "type", "@"),
	{ NETWORK, "stat[us]", NONE, "network show", "@", 0, 0 },
	{ NETWORK, "listint[erfaces]", NONE, "network show", "@", 0, 0 },
	{ NETWORK, "ren[ame]", MUST, "network rename", "@ =", 0, 0 },
	PROPERTIES(NETWORK, "network", "@"),
	{ INTERFACE, "stat[us]", NONE, "interface show", "@", 0, 0 },
	PROPERTIES(INTERFACE, "interface", "@"),
};
// clang-format on

/* Of properties: the word behind the last colon of a value, and what rueda calls it. */
static const struct {
	const char *spelling, *type;
} types[] = {
	{ "dword", "dword" },
	{ "str[ing]", "sz" },
	{ "expandstr[ing]", "expand_sz" },
	{ "multistr[ing]", "multi_sz" },
	{ "binary", "binary" },
	{ "ularge", "qword" },
};

enum { WAIT_SECONDS = 10 }; /* Without /wait, as cluster.exe. */

/* A command line, taken apart.  All point into the words. */
struct line {
	const char *cluster;
	enum object object;
	const char *name;
	const struct action *action;
	const char *value;
	unsigned given; /* Modifiers. */
	const char *values[MODIFIER_COUNT];
	const char *settings[ALIAS_WORDS_MAX];
	size_t setting_count;
};

/* Is it "sta[tus]": at least what is before the bracket, at most all? */
static bool is_spelt(const char *word, size_t len, const char *spelling)
{
	size_t i = 0, least = strcspn(spelling, "[");

	for (; i < len; i++) {
		char c = spelling[i < least ? i : i + 1];

		if (i >= strlen(spelling) || c == 0 || c == ']' || strncasecmp(&c, word + i, 1) != 0)
			return false;
	}
	return i >= least;
}

static bool is_switch(const char *word)
{
	return (word[0] == '/' || word[0] == '-') && word[1] != 0;
}

static int check_value(const char *word, size_t len, enum value value, const char *text, struct error *error)
{
	if (value == NONE && text != NULL)
		return error_set(error, -EINVAL, "%.*s takes no value", (int)len, word);
	if (value == MUST && (text == NULL || text[0] == 0))
		return error_set(error, -EINVAL, "%.*s needs a value: %.*s:VALUE", (int)len, word, (int)len, word);
	return 0;
}

static const struct action *find_action(enum object object, const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i].object == object && is_spelt(word, len, actions[i].spelling))
			return &actions[i];
	return NULL;
}

/* "/name:value".  Switches of an object go before modifiers of the same name. */
static int take_switch(struct line *l, const char *word, struct error *error)
{
	size_t len = strcspn(word, ":");
	const char *text = word[len] == ':' ? word + len + 1 : NULL;
	const struct action *a = find_action(l->object, word + 1, len - 1);
	int r;

	if (a != NULL && l->action != NULL)
		return error_set(error, -EINVAL, "%s: one thing at a time, in a command of its own", word);
	if (a != NULL && a->verb == NULL)
		return error_set(error, -EINVAL, "%.*s is not here: %s", (int)len, word, a->arguments);
	if (a != NULL) {
		l->action = a;
		l->value = text;
		/* "/prop:A=1" is "/prop A=1". */
		if (text != NULL && strchr(a->arguments, '$') != NULL) {
			l->settings[l->setting_count++] = text;
			return text[0] != 0 ? 0 : check_value(word, len, MUST, text, error);
		}
		return check_value(word, len, a->value, text, error);
	}
	for (enum modifier m = 0; m < MODIFIER_COUNT; m++) {
		if (!is_spelt(word + 1, len - 1, modifiers[m].spelling))
			continue;
		r = check_value(word, len, modifiers[m].value, text, error);
		if (r == 0 && l->given & M(m))
			r = error_set(error, -EINVAL, "%s is there twice", word);
		l->given |= M(m);
		l->values[m] = text;
		return r;
	}
	return error_set(error, -EINVAL, "%s is not known%s%s. rueda --help lists what there is besides", word,
	    l->object != CLUSTER ? " for " : "", l->object != CLUSTER ? objects[l->object].spelling : "");
}

/* What comes before the switches: a cluster, an object, its name. */
static int take_names(struct line *l, int count, char **words, int *ret_used, struct error *error)
{
	static const char cluster[] = "/cluster:";
	int i = 0;

	for (;; i++) {
		enum object object = CLUSTER + 1;

		if (i < count && l->cluster == NULL && is_switch(words[i]) &&
		    strncasecmp(words[i] + 1, cluster + 1, sizeof(cluster) - 2) == 0) {
			l->cluster = words[i] + sizeof(cluster) - 1;
			continue;
		}
		if (i == count || is_switch(words[i]))
			break;
		while (object < OBJECT_COUNT && !is_spelt(words[i], strlen(words[i]), objects[object].spelling))
			object++;
		if (object < OBJECT_COUNT) {
			l->object = object;
			i++;
			break;
		}
		if (l->cluster != NULL)
			return error_set(
			    error, -EINVAL, "'%s' is none of node, group, res, restype, network and netint", words[i]);
		l->cluster = words[i];
	}
	if (l->cluster != NULL && l->cluster[0] == 0)
		return error_set(error, -EINVAL, "the cluster has no name");
	if (i < count && l->object != CLUSTER && !is_switch(words[i]))
		l->name = words[i++];
	*ret_used = i;
	return 0;
}

static int check_modifiers(const struct line *l, struct error *error)
{
	unsigned needs = l->action != NULL ? l->action->needs : 0;
	unsigned may = l->action != NULL ? l->action->may | needs : 0;

	for (enum modifier m = 0; m < MODIFIER_COUNT; m++) {
		if (l->given & ~may & M(m))
			return error_set(error, -EINVAL, "/%s has no meaning here", modifiers[m].spelling);
		if (needs & ~l->given & M(m))
			return error_set(
			    error, -EINVAL, "/%s needs /%s:VALUE as well", l->action->spelling, modifiers[m].spelling);
	}
	return 0;
}

/* *ret_help: "/?" is among them. */
static int take_apart(struct line *l, int count, char **words, bool *ret_help, struct error *error)
{
	int i, r;

	for (i = 0; i < count; i++)
		if (strcmp(words[i], "/?") == 0 || strcasecmp(words[i], "/help") == 0 ||
		    strcmp(words[i], "--help") == 0)
			*ret_help = true;
	if (*ret_help)
		return 0;
	if (count >= ALIAS_WORDS_MAX / 4)
		return error_set(error, -E2BIG, "there are more than %d words", ALIAS_WORDS_MAX / 4);
	r = take_names(l, count, words, &i, error);
	for (; r == 0 && i < count; i++) {
		bool has_settings = l->action != NULL && strchr(l->action->arguments, '$') != NULL;

		if (is_switch(words[i]))
			r = take_switch(l, words[i], error);
		else if (has_settings)
			l->settings[l->setting_count++] = words[i];
		else
			r = error_set(error, -EINVAL, "'%s' is one word too many", words[i]);
	}
	return r != 0 ? r : check_modifiers(l, error);
}

/* Putting together. */

static _printf_(2, 3) int add(struct alias *a, const char *format, ...)
{
	va_list arguments;
	char *word;
	int len;

	if (a->count == ALIAS_WORDS_MAX)
		return -E2BIG;
	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	word = len >= 0 ? malloc((size_t)len + 1) : NULL;
	if (word == NULL)
		return -ENOMEM;
	va_start(arguments, format);
	(void)vsnprintf(word, (size_t)len + 1, format, arguments);
	va_end(arguments);
	a->words[a->count++] = word;
	return 0;
}

static int add_split(struct alias *a, const char *text)
{
	int r = 0;

	for (size_t n; r == 0 && *text != 0; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		r = n > 0 ? add(a, "%.*s", (int)n, text) : 0;
	}
	return r;
}

/* The words of a template, one by one. */
static bool next_token(const char **at, const char **ret, size_t *ret_len)
{
	*at += strspn(*at, " ");
	*ret = *at;
	*ret_len = strcspn(*at, " ");
	/* "@$" are two. */
	if (*ret_len > 1 && (*at)[0] == '@')
		*ret_len = 1;
	*at += *ret_len;
	return *ret_len > 0;
}

/* "NAME=VALUE[:TYPE]": how long the value is, and rueda's word for the type if there is one. */
static const char *type_of_setting(const char *text, size_t *ret_len)
{
	const char *colon = strrchr(text, ':'), *equals = strchr(text, '=');

	*ret_len = strlen(text);
	for (size_t i = 0; colon != NULL && equals != NULL && colon > equals && i < ARRAY_SIZE(types); i++) {
		if (is_spelt(colon + 1, strlen(colon + 1), types[i].spelling)) {
			*ret_len = (size_t)(colon - text);
			return types[i].type;
		}
	}
	return NULL;
}

static int add_types(struct alias *a, const struct line *l)
{
	int r = 0;

	for (size_t i = 0; i < l->setting_count && r == 0; i++) {
		const char *text = l->settings[i];
		size_t len;
		const char *type = type_of_setting(text, &len);

		if (type != NULL)
			r = add(a, "--type=%.*s=%s", (int)strcspn(text, "="), text, type);
	}
	return r;
}

/* A list is one NAME=TEXT for each text. */
static int add_list(struct alias *a, const char *text, size_t len)
{
	int name_len = (int)strcspn(text, "=");
	size_t at = (size_t)name_len + 1;
	int r = 0;

	do {
		size_t n = strcspn(text + at, ",");

		n = n < len - at ? n : len - at;
		r = add(a, "%.*s=%.*s", name_len, text, (int)n, text + at);
		at += n + 1;
	} while (r == 0 && at <= len);
	return r;
}

static int add_settings(struct alias *a, const struct line *l, struct error *error)
{
	bool standard = l->given & M(USE_DEFAULT);
	int r = 0;

	for (size_t i = 0; i < l->setting_count && r == 0; i++) {
		const char *text = l->settings[i];
		size_t len;
		const char *type = type_of_setting(text, &len);

		if (standard != (strchr(text, '=') == NULL))
			return error_set(error, -EINVAL,
			    standard ? "'%s' has a value besides /usedefault"
				     : "'%s' is no NAME=VALUE; /prop and /priv alone show all properties, and "
				       "NAME /usedefault takes a value out",
			    text);
		if (type != NULL && strcmp(type, "multi_sz") == 0)
			r = add_list(a, text, len);
		else
			r = add(a, "%.*s", (int)len, text);
	}
	return r;
}

static int add_modifiers(struct alias *a, const struct line *l)
{
	int r = 0;

	for (enum modifier m = 0; m < MODIFIER_COUNT && r == 0; m++) {
		const char *option = modifiers[m].option, *value = l->values[m];

		if (m == WAIT && l->action->may & M(m) && !(l->given & M(m)))
			r = add(a, "%s=%d", option, WAIT_SECONDS);
		else if (l->given & M(m) && option != NULL)
			r = value != NULL ? add(a, "%s=%s%s", option, value, modifiers[m].unit) : add(a, "%s", option);
	}
	return r;
}

static int add_argument(struct alias *a, const struct line *l, const char *token, size_t len, struct error *error)
{
	switch (token[0]) {
	case '@':
		return add(a, "%s", l->name);
	case '=':
		return add(a, "%s", l->value);
	case '!':
		return strchr(l->value, ',') == NULL
			   ? add(a, "%s", l->value)
			   : error_set(
				 error, -EINVAL, "/%s: one at a time, in a command of its own", l->action->spelling);
	case '?':
		return l->value != NULL && l->value[0] != 0 ? add(a, "%s", l->value) : 0;
	case ',':
		return add_split(a, l->value);
	case '$':
		return add_settings(a, l, error);
	case '{':
		for (enum modifier m = 0; m < MODIFIER_COUNT; m++)
			if (is_spelt(token + 1, len - 2, modifiers[m].spelling))
				return add(a, "%s", l->values[m]);
		break;
	default:
		break;
	}
	assert(!"a row of the table is mistaken");
	return -EINVAL;
}

static int add_verb(struct alias *a, const char *verb)
{
	int r = 0;
	size_t n;

	for (const char *at = verb; r == 0 && next_token(&at, &verb, &n);)
		r = add(a, "%.*s", (int)n, verb);
	return r;
}

/* Options first, then "--", and only then what the user named. */
static int put_together(struct alias *a, const struct line *l, struct error *error)
{
	const struct action *action = l->action;
	bool show = strchr(action->arguments, '$') != NULL && l->setting_count == 0;
	const char *at = action->arguments, *token;
	size_t n;
	int r;

	if (show && l->given & M(USE_DEFAULT))
		return error_set(error, -EINVAL, "/usedefault needs the names of properties before it");
	if (show) { /* "resource set" becomes "resource show". */
		r = add(a, "%.*s", (int)strcspn(action->verb, " "), action->verb);
		r = r == 0 ? add(a, "show") : r;
	} else {
		r = add_verb(a, action->verb);
	}
	while (r == 0 && next_token(&at, &token, &n))
		if (token[0] == '-')
			r = add(a, "%.*s%s", (int)n, token, token[n - 1] == '=' ? l->value : "");
	if (r == 0 && !show)
		r = add_types(a, l);
	if (r == 0)
		r = add_modifiers(a, l);
	if (r == 0)
		r = add(a, "--");
	at = action->arguments;
	while (r == 0 && next_token(&at, &token, &n))
		if (token[0] != '-')
			r = add_argument(a, l, token, n, error);
	return r;
}

int alias_translate(int count, char **words, struct alias *ret, struct error *error)
{
	struct line l = { .object = CLUSTER };
	int r;

	*ret = (struct alias){ 0 };
	r = take_apart(&l, count, words, &ret->help, error);
	if (r != 0 || ret->help)
		return r;
	if (l.cluster != NULL)
		r = add(ret, "--cluster=%s", l.cluster);
	if (r == 0 && l.object == CLUSTER && l.action == NULL)
		r = error_set(error, -EINVAL, "what is to be done? cluster /? tells what there is");
	if (r == 0 && l.object != CLUSTER && l.name == NULL &&
	    (l.action == NULL || is_spelt("status", 6, l.action->spelling) || is_spelt("list", 4, l.action->spelling)))
		return add_verb(ret, objects[l.object].listed);
	if (r == 0 && l.object != CLUSTER && l.name == NULL)
		r = error_set(error, -EINVAL, "/%s needs the name of a %s before it", l.action->spelling,
		    objects[l.object].spelling);
	if (r == 0 && l.action == NULL)
		l.action = find_action(l.object, "status", 6);
	return r == 0 ? put_together(ret, &l, error) : r;
}

void alias_done(struct alias *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->words[i]);
	a->count = 0;
}

/* Help. */

static void print_action(FILE *f, const struct action *a)
{
	bool settings = a->verb != NULL && strchr(a->arguments, '$') != NULL;

	fprintf(f, "  cluster%s%s%s /%s%s", a->object != CLUSTER ? " " : "",
	    a->object != CLUSTER ? objects[a->object].spelling : "", a->object != CLUSTER ? " NAME" : "", a->spelling,
	    settings            ? " [NAME=VALUE[:TYPE]...]"
	    : a->value == MAYBE ? "[:VALUE]"
	    : a->value == MUST  ? ":VALUE"
				: "");
	for (enum modifier m = 0; m < MODIFIER_COUNT; m++) {
		const char *value = modifiers[m].value == NONE   ? ""
				    : modifiers[m].value == MUST ? ":VALUE"
								 : "[:VALUE]";

		if (a->needs & M(m))
			fprintf(f, " /%s%s", modifiers[m].spelling, value);
		else if (a->may & M(m))
			fprintf(f, " [/%s%s]", modifiers[m].spelling, value);
	}
	if (settings)
		fprintf(f, "\n      rueda %s, or %.*s show\n", a->verb, (int)strcspn(a->verb, " "), a->verb);
	else
		fprintf(f, "\n      rueda %s\n", a->verb);
}

void alias_print_help(FILE *f)
{
	fprintf(f,
	    "Usage: cluster [[/cluster:]NAME] [OBJECT [NAME]] /SWITCH[:VALUE]...\n\n"
	    "The words of cluster.exe for commands of rueda, which each line names. What is in brackets may be left\n"
	    "out; an OBJECT alone lists all of its kind.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i].verb != NULL)
			print_action(f, &actions[i]);
	fprintf(f, "\nTypes of properties are");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		fprintf(f, "%s %s", i > 0 ? "," : "", types[i].spelling);
	fprintf(f,
	    ".\nWithout /wait the end of /online, /offline and /moveto is waited for %d seconds.\n"
	    "See cluster(1), rueda(8).\n",
	    WAIT_SECONDS);
}
