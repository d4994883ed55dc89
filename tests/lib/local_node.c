/* local_node: see local_node.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/local_node.h"

#define LIMIT_NS 600000000000ull

static void make_header(struct quolog_header *h, uint64_t index)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->name, u"test", 10);
	h->name_len = 4;
	memset(&h->instance, 1, sizeof(h->instance));
	memset(&h->generation.id, 2, sizeof(h->generation.id));
	h->generation.number = 1;
	h->snapshot = index;
}

void local_node_init(struct local_node *n, uint64_t seed, size_t segment_size, uint64_t index)
{
	struct quolog_header header;
	struct error error;
	struct disk *disk;

	*n = (struct local_node){ .options = { .node = 1, .segment_size = segment_size }, .trimmed = index };
	CHECK_INT(sim_loop_new(seed, &n->world), 0);
	CHECK_INT(sim_disk_new(seed, &n->medium), 0);
	CHECK_INT(sim_disk_open(n->medium, "", &disk), 0);
	make_header(&header, index);
	if (engine_local_create(n->world, disk, &header, &n->options, &error) < 0)
		test_fail(__FILE__, __LINE__, "%s", error.text);
	disk_free(disk);
	n->check = check_new(index);
}

void local_node_done(struct local_node *n)
{
	if (n->engine != NULL)
		local_node_down(n);
	check_free(n->check);
	sim_disk_free(n->medium);
	sim_loop_free(n->world);
}

int local_node_up(struct local_node *n, uint64_t applied, struct error *error)
{
	int r;

	CHECK(n->engine == NULL);
	CHECK_INT(sim_loop_add(n->world, &n->loop), 0);
	CHECK_INT(sim_disk_open(n->medium, "", &n->disk), 0);
	r = engine_local_new(n->loop, n->disk, &n->options, &n->engine);
	if (r >= 0) {
		n->life = check_start(n->check, n->engine, applied, error);
		r = n->life != NULL ? 0 : error->code;
	}
	if (r < 0)
		local_node_down(n);
	return r;
}

void local_node_down(struct local_node *n)
{
	if (n->life != NULL)
		check_end(n->life);
	sim_loop_halt(n->loop);
	engine_free(n->engine);
	disk_free(n->disk);
	sim_loop_free(n->loop);
	sim_disk_restart(n->medium);
	n->engine = NULL;
	n->life = NULL;
	n->disk = NULL;
	n->loop = NULL;
}

bool local_node_dead(struct local_node *n)
{
	return sim_disk_is_stopped(n->medium) || n->life->failed;
}

static bool is_settled(void *data)
{
	struct local_node *n = data;

	return local_node_dead(n) || (engine_quorate(n->engine) && n->life->open == 0);
}

bool local_node_settle(struct local_node *n)
{
	CHECK(sim_loop_run_until(n->world, is_settled, n, LIMIT_NS));
	return !local_node_dead(n);
}

static bool is_stopped(void *data)
{
	return ((struct local_node *)data)->life->stopped;
}

void local_node_stop(struct local_node *n)
{
	check_stop(n->life);
	CHECK(sim_loop_run_until(n->world, is_stopped, n, LIMIT_NS));
	local_node_down(n);
}
