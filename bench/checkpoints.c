/* bench-checkpoints: checkpoints of files added to a resource and taken away, as a program sees it through the public headers.
 *
 * Usage (RUEDA_DIR names the instance; output is one line of JSON)
 *     bench-checkpoints add RESOURCE DIRECTORY COUNT       of the files DIRECTORY/0 …, one call after the other
 *     bench-checkpoints remove RESOURCE DIRECTORY COUNT    take them away
 *     bench-checkpoints again RESOURCE DIRECTORY COUNT     take each away and add it, in turn, until the standard input ends
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/callers.h"
#include <ClusAPI.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_UNITS = 2048 };

static void control(HRESOURCE resource, DWORD code, const char *directory, unsigned long number)
{
	char text[NAME_MAX_UNITS];
	WCHAR name[NAME_MAX_UNITS];
	size_t len = 0;
	DWORD status, returned;
	int n = snprintf(text, sizeof(text), "File%s/%lu", directory, number);

	if (n < 0 || (size_t)n >= sizeof(text))
		die("the name", ERROR_FILENAME_EXCED_RANGE);
	for (; text[len] != 0; len++)
		name[len] = text[len] == '/' ? '\\' : (WCHAR)(unsigned char)text[len];
	name[len++] = 0;
	status = ClusterResourceControl(resource, NULL, code, name, (DWORD)(len * sizeof(name[0])), NULL, 0, &returned);
	if (status != ERROR_SUCCESS)
		die("ClusterResourceControl", (long)status);
}

static HRESOURCE open_resource(const char *text)
{
	HCLUSTER cluster = OpenCluster(NULL);
	WCHAR name[NAME_MAX_UNITS];
	HRESOURCE resource;
	size_t len = strlen(text);

	if (cluster == NULL)
		die("OpenCluster", (long)GetLastError());
	if (len >= NAME_MAX_UNITS)
		die("the resource's name", ERROR_FILENAME_EXCED_RANGE);
	for (size_t i = 0; i <= len; i++)
		name[i] = (WCHAR)(unsigned char)text[i];
	resource = OpenClusterResource(cluster, name);
	if (resource == NULL)
		die("OpenClusterResource", (long)GetLastError());
	return resource;
}

static int input_has_ended(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 5 ? strtoul(argv[4], NULL, 10) : 0, done = 0;
	HRESOURCE resource;
	uint64_t begin;

	if (count == 0) {
		fprintf(stderr, "usage: bench-checkpoints add|remove|again RESOURCE DIRECTORY COUNT\n");
		return 2;
	}
	resource = open_resource(argv[2]);
	begin = now_ns();
	if (strcmp(argv[1], "again") == 0) {
		for (; !input_has_ended(); done++) {
			control(resource, CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT, argv[3], done % count);
			control(resource, CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT, argv[3], done % count);
		}
	} else {
		DWORD code = strcmp(argv[1], "add") == 0 ? CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT
							 : CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT;

		for (; done < count; done++)
			control(resource, code, argv[3], done);
	}
	printf("{\"count\": %lu, \"seconds\": %.4f}\n", done, (double)(now_ns() - begin) / 1e9);
	return 0;
}
