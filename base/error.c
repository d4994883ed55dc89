/* error: negative ints for failures, in three ranges, and their translation to Windows codes and sentences.
 *
 *   -1 … -4095              an errno, negated
 *   -(65536 + code)         a Windows error code (base/error.def names those that we use)
 *   (int)code               the same, if it is an HRESULT: 0x80000000 … 0x8fffffff
 *
 * Inside the program all functions return these; only the public edge (libclusapi, RPC replies) turns them
 * into Windows codes with error_to_win32().  The list error.def is the single source for the ERR_ names here, the
 * ERROR_ names in the public <winerror.h>, and for what `rueda explain` prints.
 *
 * Threads  all functions; error_text() may use storage of the calling thread.
 * Tests    tests/unit/error.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/utf16.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct error_entry entries[] = {
#define X(name, code, windows_name, text, advice) { code, #windows_name, text, advice },
#include "base/error.def"
#undef X
};

/* What an errno means to a Windows program.  Whatever is not here becomes ERROR_GEN_FAILURE. */
static const struct {
	int error;
	uint32_t code;
} from_errno[] = {
	{ EPERM, 5 },         { ENOENT, 2 },         { EIO, 1117 },       { EBADF, 6 },           { ENOMEM, 8 },
	{ EACCES, 5 },        { EFAULT, 87 },        { EBUSY, 170 },      { EEXIST, 183 },        { ENODEV, 55 },
	{ ENOTDIR, 267 },     { EISDIR, 267 },       { EINVAL, 87 },      { EMFILE, 4 },          { ENFILE, 4 },
	{ EFBIG, 112 },       { ENOSPC, 112 },       { EDQUOT, 112 },     { EROFS, 19 },          { ERANGE, 87 },
	{ ENAMETOOLONG, 206 }, { ENOSYS, 120 },      { ENOTEMPTY, 145 },  { ELOOP, 1921 },        { EBADMSG, 13 },
	{ EOVERFLOW, 13 },    { EILSEQ, 1113 },      { ENOBUFS, 8 },      { EOPNOTSUPP, 50 },     { ETIMEDOUT, 1460 },
	{ ECONNREFUSED, 1722 }, { ECONNRESET, 1726 }, { EPIPE, 1726 },    { ENOTCONN, 1722 },     { ECANCELED, 1223 },
	{ EAGAIN, 170 },      { ENODATA, 2 },        { EPROTO, 1728 },    { EALREADY, 183 },      { ESTALE, 6 },
};

/* A text that would have been of len bytes shows that it was cut, and not within a character. */
static void end_text(struct error *e, int len)
{
	static const char ellipsis[] = "…";

	if (len >= (int)sizeof(e->text))
		memcpy(e->text + utf8_fit(e->text, sizeof(e->text) - sizeof(ellipsis)), ellipsis, sizeof(ellipsis));
}

int error_set(struct error *e, int code, const char *format, ...)
{
	if (e != NULL) {
		va_list ap;

		e->code = code;
		va_start(ap, format);
		end_text(e, vsnprintf(e->text, sizeof(e->text), format, ap));
		va_end(ap);
	}
	return code;
}

int error_set_code(struct error *e, int code, const char *format, ...)
{
	if (e != NULL) {
		size_t used;
		va_list ap;

		e->code = code;
		va_start(ap, format);
		(void)vsnprintf(e->text, sizeof(e->text), format, ap);
		va_end(ap);
		used = strlen(e->text);
		end_text(e, (int)used + snprintf(e->text + used, sizeof(e->text) - used, ": %s", error_text(code)));
	}
	return code;
}

uint32_t error_to_win32(int r)
{
	if (r >= 0)
		return 0;
	if (r < -0x70000000) /* An HRESULT. */
		return (uint32_t)r;
	if (r <= -ERR_BASE)
		return (uint32_t)(-r - ERR_BASE);
	for (size_t i = 0; i < ARRAY_SIZE(from_errno); i++)
		if (from_errno[i].error == -r)
			return from_errno[i].code;
	return 31; /* ERROR_GEN_FAILURE */
}

static const struct error_entry *error_find(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].code == code)
			return &entries[i];
	return NULL;
}

const char *error_text(int r)
{
	static _Thread_local char unknown[64];
	const struct error_entry *entry;

	if (r >= 0)
		return "success";
	if (r > -ERR_BASE)
		return strerrordesc_np(-r) != NULL ? strerrordesc_np(-r) : "unknown error";
	entry = error_find(error_to_win32(r));
	if (entry != NULL)
		return entry->text;
	(void)snprintf(unknown, sizeof(unknown), "Windows error %u", error_to_win32(r));
	return unknown;
}

const char *error_win32_name(uint32_t code)
{
	const struct error_entry *entry = error_find(code);

	return entry != NULL ? entry->name : NULL;
}

const char *error_win32_text(uint32_t code)
{
	const struct error_entry *entry = error_find(code);

	return entry != NULL ? entry->text : NULL;
}

const char *error_win32_advice(uint32_t code)
{
	const struct error_entry *entry = error_find(code);

	return entry != NULL ? entry->advice : NULL;
}

const struct error_entry *error_list(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(entries);
	return entries;
}
