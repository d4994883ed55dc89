/* diff: what differs between two databases.
 *
 * How      both trees are walked side by side in their common order; a key that only one side has is told once, not with
 *          everything below it; keys that are equal in name and differ in its case, in time or descriptor are told, their
 *          values and subkeys compared.
 * Depth    is bounded by DB_DEPTH_MAX, hence the recursion.       Tests  tests/unit/set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/set.h"
#include <string.h>

enum { PATH_UNITS_MAX = DB_DEPTH_MAX * (DB_KEY_NAME_MAX + 1) };

struct diff {
	int (*callback)(void *data, const struct set_difference *d);
	void *data;
	char16_t *path; /* Of the keys being compared; PATH_UNITS_MAX units. */
	size_t len;
};

static int tell(struct diff *d, struct set_difference difference)
{
	difference.path = (struct u16){ d->path, d->len };
	return d->callback(d->data, &difference);
}

/* Go down to a subkey; returns the length to go back to. */
static size_t descend(struct diff *d, struct u16 name)
{
	size_t before = d->len;

	if (d->len > 0)
		d->path[d->len++] = '\\';
	memcpy(d->path + d->len, name.units, name.len * sizeof(char16_t));
	d->len += name.len;
	return before;
}

static bool same_value(const struct db_value *a, const struct db_value *b)
{
	return a->type == b->type && a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0) &&
	       u16_equal_exact(a->name, b->name);
}

static int diff_values(struct diff *d, const struct db_key *a, const struct db_key *b)
{
	size_t i = 0, j = 0, a_count = db_value_count(a), b_count = db_value_count(b);
	int r = 0;

	while (r == 0 && (i < a_count || j < b_count)) {
		struct db_value old_value = { 0 }, new_value = { 0 };
		int order;

		if (i < a_count)
			old_value = db_value_at(a, i);
		if (j < b_count)
			new_value = db_value_at(b, j);
		order = i == a_count ? 1 : j == b_count ? -1 : u16_compare(old_value.name, new_value.name);
		if (order != 0 || !same_value(&old_value, &new_value))
			r = tell(d, (struct set_difference){ .is_value = true,
					.old_key = a,
					.new_key = b,
					.old_value = order <= 0 ? &old_value : NULL,
					.new_value = order >= 0 ? &new_value : NULL });
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

static bool same_security(const struct db_key *a, const struct db_key *b)
{
	size_t a_len, b_len;
	const uint8_t *x = db_key_security(a, &a_len), *y = db_key_security(b, &b_len);

	return a_len == b_len && (a_len == 0 || memcmp(x, y, a_len) == 0);
}

static int diff_keys(struct diff *d, const struct db_key *a, const struct db_key *b)
{
	size_t i = 0, j = 0, a_count = db_key_count(a), b_count = db_key_count(b);
	int r = 0;

	if (a == b)
		return 0; /* Shared by two snapshots of one database. */
	if (db_key_time(a) != db_key_time(b) || !same_security(a, b) ||
	    !u16_equal_exact(db_key_name(a), db_key_name(b)))
		r = tell(d, (struct set_difference){ .old_key = a, .new_key = b });
	if (r == 0)
		r = diff_values(d, a, b);
	while (r == 0 && (i < a_count || j < b_count)) {
		const struct db_key *x = i < a_count ? db_key_at(a, i) : NULL,
				    *y = j < b_count ? db_key_at(b, j) : NULL;
		int order = x == NULL ? 1 : y == NULL ? -1 : u16_compare(db_key_name(x), db_key_name(y));
		size_t before = descend(d, db_key_name(order <= 0 ? x : y));

		if (order == 0)
			r = diff_keys(d, x, y);
		else
			r = tell(d, (struct set_difference){
					.old_key = order < 0 ? x : NULL, .new_key = order < 0 ? NULL : y });
		d->len = before;
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

int set_diff(const struct db *old_db, const struct db *new_db,
    int (*callback)(void *data, const struct set_difference *d), void *data)
{
	struct diff d = { .callback = callback, .data = data };
	int r;

	d.path = malloc(PATH_UNITS_MAX * sizeof(*d.path));
	if (d.path == NULL)
		return -ENOMEM;
	r = diff_keys(&d, db_root(old_db), db_root(new_db));
	free(d.path);
	return r;
}
