/* marker: Clusbackup.dat, the empty file that says that a complete set is here.
 *
 * How      read-only by its mode, and hidden where the file system can say so: the extended attribute by which Samba keeps
 *          DOS attributes (version 5: which fields are valid, the attributes, the time of creation).  A file system without
 *          user attributes has a marker that is read-only only.
 * Threads  any.
 * Format   docs/formats/backup-set.md      Tests  tests/integration/backup.py, tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/set.h"
#include "base/bytes.h"

enum { MARKER_MODE = 0444 };

static int set_attributes(struct disk_file *f, uint64_t time)
{
	enum { VERSION = 5, VALID_ATTRIBUTES = 0x01, VALID_CREATION = 0x10, READ_ONLY = 0x01, HIDDEN = 0x02 };
	_cleanup_(buf_done) struct buf attributes = { 0 };
	int r;

	buf_u16(&attributes, 0); /* An empty string: the attributes as text, of old versions. */
	buf_u16(&attributes, VERSION);
	buf_u32(&attributes, VERSION);
	buf_u32(&attributes, VALID_ATTRIBUTES | VALID_CREATION);
	buf_u32(&attributes, READ_ONLY | HIDDEN);
	buf_u64(&attributes, time);
	r = attributes.error;
	if (r == 0)
		r = file_set_xattr(f, "user.DOSATTRIB", attributes.data, attributes.len);
	return r == -EOPNOTSUPP || r == -EPERM || r == -EACCES ? 0 : r;
}

int set_create_marker(struct disk *directory, uint64_t time)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r = disk_open(directory, SET_MARKER, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, MARKER_MODE, &f);

	if (r == 0)
		r = set_attributes(f, time);
	if (r == 0)
		r = file_set_mode(f, MARKER_MODE); /* Whatever the umask made of it. */
	if (r == 0)
		r = file_set_time(f, time);
	return r < 0 ? r : file_sync(f);
}
