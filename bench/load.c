/* bench-load: what a program sees of a cluster through the public headers: filling, setting, reading, backup, restore.
 *
 * Usage (RUEDA_DIR names the instance; output is one line of JSON)
 *     bench-load fill COUNT             COUNT values of 200 bytes, 100 in each key, 10 keys in each batch
 *     bench-load set CALLERS SECONDS    each caller sets values of 200 bytes, one call at a time
 *     bench-load get CALLERS SECONDS    the same, reading; needs fill
 *     bench-load backup DIRECTORY       BackupClusterDatabase()
 *     bench-load backups DIRECTORY      the same again and again until the standard input ends
 *     bench-load restore DIRECTORY      RestoreClusterDatabase() to the first value read through new handles
 *     bench-load answer                 wait for the service: from the start of this program to the first value read
 * All callers share one handle of the cluster and have keys of their own, as threads of one program would.
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/callers.h"
#include <ClusAPI.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VALUE_LEN = 200, VALUES_PER_KEY = 100, KEYS_PER_BATCH = 10, CALLERS_MAX = 512, KEY_PARENTS = 100 };

static HCLUSTER open_cluster(void)
{
	HCLUSTER cluster = OpenCluster(NULL);

	if (cluster == NULL)
		die("OpenCluster", (long)GetLastError());
	return cluster;
}

static HKEY open_root(HCLUSTER cluster)
{
	HKEY root = GetClusterKey(cluster, KEY_ALL_ACCESS);

	if (root == NULL)
		die("GetClusterKey", (long)GetLastError());
	return root;
}

static void check(const char *what, long code)
{
	if (code != ERROR_SUCCESS)
		die(what, code);
}

static void widen(WCHAR *to, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i <= len; i++)
		to[i] = (WCHAR)(unsigned char)text[i];
}

/* 100 parents, so that no key has very many children. */
static void key_name(WCHAR *to, unsigned long number)
{
	char text[64];

	(void)snprintf(
	    text, sizeof(text), "Bench\\%02lu\\{%08lx-1111-4222-8333-0123456789ab}", number % KEY_PARENTS, number);
	widen(to, text);
}

static void value_name(WCHAR *to, unsigned number)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "Parameter%04u", number);
	widen(to, text);
}

static void make_data(BYTE data[VALUE_LEN], uint64_t seed)
{
	for (size_t i = 0; i < VALUE_LEN; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		data[i] = (BYTE)(seed >> 56);
	}
}

static HKEY create_key(HKEY root, unsigned long number)
{
	WCHAR name[64];
	HKEY key;

	key_name(name, number);
	check("ClusterRegCreateKey", ClusterRegCreateKey(root, name, 0, KEY_ALL_ACCESS, NULL, &key, NULL));
	return key;
}

static void add(HREGBATCH batch, CLUSTER_REG_COMMAND command, LPCWSTR name, DWORD type, const void *data, DWORD len)
{
	check("ClusterRegBatchAddCommand", ClusterRegBatchAddCommand(batch, command, name, type, data, len));
}

static void fill(HKEY root, unsigned long count)
{
	uint64_t begin = now_ns();
	HREGBATCH batch = NULL;

	for (unsigned long i = 0; i < count; i++) {
		BYTE data[VALUE_LEN];
		WCHAR name[64];

		if (i % (VALUES_PER_KEY * KEYS_PER_BATCH) == 0) {
			if (batch != NULL)
				check("ClusterRegCloseBatch", ClusterRegCloseBatch(batch, TRUE, NULL));
			check("ClusterRegCreateBatch", ClusterRegCreateBatch(root, &batch));
		}
		if (i % VALUES_PER_KEY == 0) {
			key_name(name, i / VALUES_PER_KEY);
			add(batch, CLUSREG_CREATE_KEY, name, 0, NULL, 0);
		}
		make_data(data, i);
		value_name(name, (unsigned)(i % VALUES_PER_KEY));
		add(batch, CLUSREG_SET_VALUE, name, REG_BINARY, data, VALUE_LEN);
	}
	if (batch != NULL)
		check("ClusterRegCloseBatch", ClusterRegCloseBatch(batch, TRUE, NULL));
	printf("{\"count\": %lu, \"seconds\": %.4f}\n", count, (double)(now_ns() - begin) / 1e9);
}

static void set_once(void *data, unsigned caller, uint64_t turn)
{
	const HKEY *keys = data;
	BYTE value[VALUE_LEN];
	WCHAR name[32];

	make_data(value, turn);
	value_name(name, (unsigned)(turn % VALUES_PER_KEY));
	check("ClusterRegSetValue", (long)ClusterRegSetValue(keys[caller], name, REG_BINARY, value, VALUE_LEN));
}

static void get_once(void *data, unsigned caller, uint64_t turn)
{
	const HKEY *keys = data;
	BYTE value[VALUE_LEN];
	DWORD len = VALUE_LEN;
	WCHAR name[32];

	value_name(name, (unsigned)(turn % VALUES_PER_KEY));
	check("ClusterRegQueryValue", ClusterRegQueryValue(keys[caller], name, NULL, value, &len));
}

static void load(HKEY root, bool sets, unsigned callers, double seconds)
{
	static HKEY keys[CALLERS_MAX];

	if (callers == 0 || callers > CALLERS_MAX)
		die("bad number of callers", (long)callers);
	for (unsigned i = 0; i < callers; i++)
		keys[i] = create_key(root, i);
	callers_run(callers, seconds, sets ? set_once : get_once, keys);
	for (unsigned i = 0; i < callers; i++)
		(void)ClusterRegCloseKey(keys[i]);
}

static void tell_time(uint64_t begin)
{
	printf("{\"seconds\": %.4f}\n", (double)(now_ns() - begin) / 1e9);
}

static void backup(HCLUSTER cluster, const char *directory)
{
	WCHAR path[1024];

	widen(path, directory);
	check("BackupClusterDatabase", (long)BackupClusterDatabase(cluster, path));
}

static void backups(HCLUSTER cluster, const char *directory)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t begin = now_ns();
	unsigned count = 0;

	do {
		backup(cluster, directory);
		count++;
	} while (poll(&input, 1, 0) == 0);
	printf("{\"count\": %u, \"seconds\": %.4f}\n", count, (double)(now_ns() - begin) / 1e9);
}

/* Whether the value that fill makes first can be read through handles made now. */
static bool is_answering(void)
{
	HCLUSTER cluster = OpenCluster(NULL);
	HKEY root = cluster != NULL ? GetClusterKey(cluster, KEY_READ) : NULL, key = NULL;
	BYTE value[VALUE_LEN];
	DWORD len = VALUE_LEN;
	WCHAR name[64];
	long code = ERROR_INVALID_HANDLE;

	key_name(name, 0);
	if (root != NULL)
		code = ClusterRegOpenKey(root, name, KEY_READ, &key);
	value_name(name, 0);
	if (code == ERROR_SUCCESS)
		code = ClusterRegQueryValue(key, name, NULL, value, &len);
	if (key != NULL)
		(void)ClusterRegCloseKey(key);
	if (root != NULL)
		(void)ClusterRegCloseKey(root);
	if (cluster != NULL)
		(void)CloseCluster(cluster);
	return code == ERROR_SUCCESS;
}

static void await_answer(uint64_t begin)
{
	const struct timespec pause = { 0, 1000000 };

	while (!is_answering()) {
		if (now_ns() - begin > 120000000000u)
			die("no answer for two minutes", 0);
		(void)nanosleep(&pause, NULL);
	}
	tell_time(begin);
}

static void restore(const char *directory)
{
	uint64_t begin = now_ns();
	WCHAR path[1024];

	widen(path, directory);
	check("RestoreClusterDatabase", (long)RestoreClusterDatabase(path, FALSE, NULL));
	await_answer(begin);
}

static void timed_backup(HCLUSTER cluster, const char *directory)
{
	uint64_t begin = now_ns();

	backup(cluster, directory);
	tell_time(begin);
}

/* What needs a cluster that is up. */
static void run(const char *verb, const char *argument, double seconds)
{
	HCLUSTER cluster = open_cluster();

	if (strcmp(verb, "fill") == 0)
		fill(open_root(cluster), strtoul(argument, NULL, 10));
	else if (strcmp(verb, "backup") == 0)
		timed_backup(cluster, argument);
	else if (strcmp(verb, "backups") == 0)
		backups(cluster, argument);
	else
		load(open_root(cluster), strcmp(verb, "set") == 0, (unsigned)strtoul(argument, NULL, 10), seconds);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
	} verbs[] = { { "answer", 2 }, { "restore", 3 }, { "fill", 3 }, { "backup", 3 }, { "backups", 3 }, { "set", 4 },
		{ "get", 4 } };
	const char *verb = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].name) != 0 || argc != verbs[i].arguments)
			continue;
		if (argc > 2 && strlen(argv[2]) > 1000)
			die("the argument is too long", 0);
		if (i == 0)
			await_answer(now_ns());
		else if (i == 1)
			restore(argv[2]);
		else
			run(verb, argv[2], argc > 3 ? strtod(argv[3], NULL) : 0);
		return 0;
	}
	fprintf(stderr, "usage: see the beginning of bench/load.c\n");
	return 2;
}
