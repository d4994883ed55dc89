/* place: where the service of this machine is: in RUEDA_DIR, or in the system's places; rueda.conf there may say otherwise.
 *
 * Note     a program that runs with more rights than its user has does not look at RUEDA_DIR.
 * Threads  all functions; the settings are read once.     Limits  DIRECTORY_MAX bytes of a path.
 * Tests    tests/integration/library.py, ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/place.h"
#include "base/ini.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTORY_MAX = 3072 };

static pthread_once_t directories_once = PTHREAD_ONCE_INIT;
static char run_directory[DIRECTORY_MAX], state_directory[DIRECTORY_MAX], socket_path[DIRECTORY_MAX + 16];

static void on_setting(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	char *to = strcmp(key, "run_directory") == 0     ? run_directory
		   : strcmp(key, "state_directory") == 0 ? state_directory
							 : NULL;

	if (strcmp(section, "service") == 0 && to != NULL && value[0] == '/')
		(void)snprintf(to, DIRECTORY_MAX, "%s", value);
}

static void on_problem(void *data, unsigned line, const char *text)
{
	/* `ruedad --check` is the place to hear of mistakes. */
}

static void read_settings(const char *file)
{
	static const struct ini_handler handler = { NULL, on_setting, on_problem };
	_cleanup_free_ char *text = malloc(INI_FILE_MAX);
	FILE *f = fopen(file, "re");

	if (f == NULL)
		return;
	if (text != NULL)
		(void)ini_parse(text, fread(text, 1, INI_FILE_MAX, f), &handler);
	(void)fclose(f);
}

static void find_directories(void)
{
	const char *private = secure_getenv("RUEDA_DIR");
	char file[DIRECTORY_MAX];

	if (private != NULL && private[0] == '/' && strlen(private) < DIRECTORY_MAX - 32) {
		(void)snprintf(run_directory, sizeof(run_directory), "%s/run", private);
		(void)snprintf(state_directory, sizeof(state_directory), "%s/state", private);
		(void)snprintf(file, sizeof(file), "%s/rueda.conf", private);
	} else {
		(void)snprintf(run_directory, sizeof(run_directory), "/run/rueda");
		(void)snprintf(state_directory, sizeof(state_directory), "/var/lib/rueda");
		(void)snprintf(file, sizeof(file), "/etc/rueda/rueda.conf");
	}
	read_settings(file);
	(void)snprintf(socket_path, sizeof(socket_path), "%s/cluster", run_directory);
}

const char *place_socket(void)
{
	(void)pthread_once(&directories_once, find_directories);
	return socket_path;
}

const char *place_state(void)
{
	(void)pthread_once(&directories_once, find_directories);
	return state_directory;
}
