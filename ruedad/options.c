/* options: the command line of ruedad; what stands in the table is what --help prints, and what ruedad(8) must describe.
 * Threads  before there are any.      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/options.h"
#include <getopt.h>
#include <stdio.h>

enum { CHECK = 'c', DAEMON = 'd', HELP = 'h', RECOVER = 'r', VERSION = 'V', GUARD = 'g', AS_DAEMON = 256, SOCKETS };

static const struct {
	const char *name;
	int code;
	const char *help; /* NULL: not for people. */
} table[] = {
	{ "check", CHECK, "read the configuration, print the values in force, and exit" },
	{ "daemon", DAEMON,
	    "go to the background once the service is ready; log to ruedad.log in the state directory" },
	{ "guard", GUARD, "let the unit that listens at the socket GUARD run the resources, see ruedad(8)" },
	{ "help", HELP, "print this and exit" },
	{ "recover", RECOVER,
	    "come up without a cluster if the state on disk cannot be used, so that one can be restored" },
	{ "version", VERSION, "print the version and exit" }, { "as-daemon", AS_DAEMON, NULL },
	{ "sockets", SOCKETS, NULL }, /* =SERVICES,MAPPERS */
};

static void print_help(void)
{
	printf("Usage: ruedad [OPTION...]\n"
	       "The cluster service of one node, in the foreground unless told otherwise.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].help != NULL)
			printf("  -%c, --%-10s %s\n", table[i].code, table[i].name, table[i].help);
	printf("\nRUEDA_DIR names the directory of a private instance: its configuration rueda.conf, state/, run/ and\n"
	       "drives/. Without it: /etc/rueda, /var/lib/rueda and /run/rueda. See ruedad(8) and rueda.conf(5).\n");
}

struct options options_parse(int argc, char **argv)
{
	struct option known[ARRAY_SIZE(table) + 1] = { 0 };
	struct options o = { .action = OPTIONS_RUN };
	int code;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		known[i] = (struct option){ .name = table[i].name,
			.val = table[i].code,
			.has_arg =
			    table[i].code == SOCKETS || table[i].code == GUARD ? required_argument : no_argument };
	while ((code = getopt_long(argc, argv, "cdg:hrV", known, NULL)) != -1) {
		switch (code) {
		case CHECK:
			o.action = OPTIONS_CHECK;
			break;
		case DAEMON:
			o.daemon = true;
			break;
		case GUARD:
			o.guard = optarg;
			break;
		case RECOVER:
			o.recover = true;
			break;
		case AS_DAEMON:
			o.as_daemon = true;
			break;
		case SOCKETS:
			if (sscanf(optarg, "%u,%u", &o.services, &o.mappers) != 2)
				o.action = OPTIONS_BAD;
			break;
		case HELP:
			print_help();
			return (struct options){ .action = OPTIONS_DONE };
		case VERSION:
			printf("ruedad %s\n", RUEDA_VERSION);
			return (struct options){ .action = OPTIONS_DONE };
		default:
			fprintf(stderr, "ruedad --help tells what there is.\n");
			return (struct options){ .action = OPTIONS_BAD };
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ruedad: '%s' is not an option. ruedad --help tells what there is.\n", argv[optind]);
		o.action = OPTIONS_BAD;
	}
	return o;
}
