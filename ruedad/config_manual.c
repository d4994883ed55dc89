/* config_manual: prints the table of keys for rueda.conf(5); run by the build, not installed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/config.h"

int main(void)
{
	config_print_manual(stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}
