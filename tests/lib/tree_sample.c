/* tree_sample: take a file or directory as a checkpoint, for tests in other languages and the corpus of the fuzzer.
 * Usage: tree-sample DIRECTORY NAME HIVE
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/tree.h"
#include <fcntl.h>
#include <stdio.h>

static int go_on(void *data, const char *what)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct tree_steps steps = { go_on, NULL };
	struct error error = { 0 };
	struct tree_place place;
	uint64_t size;
	int out;

	if (argc != 4)
		return 2;
	place = (struct tree_place){ open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), argv[2], argv[2] };
	out = open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (place.parent < 0 || out < 0 || files_take(&place, out, 64 << 20, &steps, &size, &error) < 0) {
		(void)fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return 0;
}
