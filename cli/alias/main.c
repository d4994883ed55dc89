/* cluster: the words of cluster.exe, carried out as rueda does.
 *
 * What     an optional program for those who know cluster.exe: alias.c makes a command line of rueda, cli/main.c runs it.
 * Ends     as rueda: 0 done, 1 failed (the Windows code is in the message), 2 a mistake, 3 no service answers.
 * Threads  one.      Manual  cluster(1).      Tests  tests/integration/alias.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/alias/alias.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
	_cleanup_alias_ struct alias a = { 0 };
	struct error error = { 0 };
	int r = alias_translate(argc - (argc > 0), argv + (argc > 0), &a, &error);

	if (r < 0) {
		fprintf(stderr, "cluster: %s.\n", error.code != 0 ? error.text : error_text(r));
		return r == -EINVAL || r == -E2BIG ? CLI_USAGE : CLI_FAILED;
	}
	if (a.help) {
		alias_print_help(stdout);
		return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
	}
	return cli_main((int)a.count, a.words);
}
