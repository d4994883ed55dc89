/* log: one line for what a person must know; trace: everything else, kept in memory.
 * See log.c for the rules.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* A sentence, then key=value pairs with stable keys: log_at(LOG_WARNING, "backup failed path=%s error=%u", …). */
void log_at(enum log_level level, const char *format, ...) _printf_(2, 3);
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* Set up once, before threads: the name that begins each line, the least level that is printed, and whether lines go
 * to the journal (with <N> priorities instead of times). */
void log_setup(const char *program, enum log_level least, bool journal);
void log_set_level(enum log_level least); /* Any time, any thread. */
bool log_parse_level(const char *name, enum log_level *ret);

/* One record into the ring of the last TRACE_RECORDS; cheap enough for every message and state change. */
void trace(const char *format, ...) _printf_(1, 2);
/* Write the ring, oldest first, to a descriptor; safe in a signal handler. */
void trace_dump(int fd);
