/* The handle table without memory: an error, nothing half done, and the next call works.  In a program of its own, as
 * the table allocates only while it grows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "lib/clusapi/handle.h"
#include "tests/lib/failalloc.h"

static void no_destroy(struct object *o)
{
	(void)o;
}

TEST(a_table_that_cannot_grow_is_an_error)
{
	struct object o;
	void *handle = NULL;

	object_init(&o, OBJECT_KEY, no_destroy);
	failalloc_begin(1);
	CHECK_INT(handle_open(&o, &handle), -ENOMEM);
	CHECK(failalloc_end());
	CHECK(handle == NULL && handle_count() == 0 && o.references == 1);
	CHECK_INT(handle_open(&o, &handle), 0);
	CHECK(handle != NULL && handle_count() == 1 && o.references == 2);
}
