/* rueda: the program: its command line is that of main.c.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc - (argc > 0), argv + (argc > 0));
}
