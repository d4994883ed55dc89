/* The edge of the library: our errors in the three ways in which the API fails.
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/lasterror.h"
#include "tests/lib/test.h"

TEST(a_failure_is_the_last_error_as_well)
{
	SetLastError(0);
	CHECK_INT(return_code(ERR_DATABASE_BACKUP_CORRUPT), 5087);
	CHECK_INT(GetLastError(), 5087);
	CHECK(return_null(-ENOENT) == NULL);
	CHECK_INT(GetLastError(), 2);
	CHECK_INT(return_bool(-ENOMEM), FALSE);
	CHECK_INT(GetLastError(), 8);
}

TEST(a_success_leaves_the_last_error_alone)
{
	SetLastError(4711);
	CHECK_INT(return_code(0), 0);
	CHECK_INT(return_code(17), 0);
	CHECK_INT(return_bool(0), TRUE);
	CHECK_INT(GetLastError(), 4711);
}
