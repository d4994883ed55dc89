/* replay: a fuzz target as an ordinary test.
 *
 * Why      what a fuzzer once found must stay found, on every machine and without a fuzzer.
 * How      each file of the target's corpus is run as it is, then random changes of random ones of them: bits, bytes,
 *          numbers, cuts, pieces of another.  Each input lies in memory of exactly its length, so that valgrind and
 *          AddressSanitizer see every step beyond it.  A target fails by dying; the input is then left in a file.
 * Tests    this is one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "tests/lib/test.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { FILES_MAX = 4096, INPUT_MAX = 1 << 20 };

static struct buf inputs[FILES_MAX];
static size_t input_count;
static const char *running_name;
static const uint8_t *running;
static size_t running_len;

/* Leave the input behind; only calls that are allowed in a signal handler. */
static void died(int signal_number)
{
	static const char path[] = "fuzz-crash.bin",
			  told[] = "# the input that killed it is in fuzz-crash.bin; it came from ";
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0 && write(fd, running, running_len) == (ssize_t)running_len) {
		(void)!write(STDOUT_FILENO, told, sizeof(told) - 1);
		(void)!write(STDOUT_FILENO, running_name, strlen(running_name));
		(void)!write(STDOUT_FILENO, "\n", 1);
	}
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number);
}

static void run(const char *name, const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len);

	CHECK(exact != NULL || len == 0);
	if (len > 0)
		memcpy(exact, data, len);
	running_name = name;
	running = exact;
	running_len = len;
	CHECK_INT(LLVMFuzzerTestOneInput(exact, len), 0);
	free(exact);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void read_input(const char *name, struct buf *ret)
{
	char path[4096];
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(st.st_size <= INPUT_MAX);
	buf_append_zeros(ret, (size_t)st.st_size);
	CHECK_INT(ret->error, 0);
	CHECK_INT(read(fd, ret->data, ret->len), st.st_size);
	(void)close(fd);
}

TEST(the_corpus_passes)
{
	static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
	struct dirent **entries;
	int count = scandir(CORPUS, &entries, is_input, alphasort);

	CHECK(count > 0 && count <= FILES_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		(void)signal(fatal[i], died);
	run("nothing", NULL, 0);
	for (int i = 0; i < count; i++) {
		struct buf *input = &inputs[input_count++];

		read_input(entries[i]->d_name, input);
		run(entries[i]->d_name, input->data, input->len);
		free(entries[i]);
	}
	free(entries);
}

static uint64_t state;

static size_t draw(size_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 24) % below;
}

static void change(struct buf *b)
{
	static const uint32_t numbers[] = { 0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff };
	const struct buf *other = &inputs[draw(input_count)];
	size_t at = draw(b->len), wanted = (size_t)1 << draw(6), n = MIN(wanted, b->len - at);

	switch (draw(6)) {
	case 0:
		b->data[at] ^= (uint8_t)(1u << draw(8));
		break;
	case 1:
		b->data[at] = (uint8_t)draw(256);
		break;
	case 2:
		if (at + 4 <= b->len)
			put_le32(b->data + at, numbers[draw(ARRAY_SIZE(numbers))] + (uint32_t)draw(2));
		break;
	case 3:
		if (at + 4 <= b->len)
			put_le32(b->data + at, get_le32(b->data + at) + (uint32_t)draw(64) - 32);
		break;
	case 4:
		if (draw(4) == 0)
			b->len = at + 1;
		break;
	default:
		if (n <= other->len)
			memmove(b->data + at, other->data + draw(other->len - n + 1), n);
	}
}

TEST(random_changes_of_the_corpus_pass)
{
	for (uint64_t round = 0; round < test_rounds(300) && input_count > 0; round++) {
		size_t chosen;
		struct buf b = { 0 };

		state = (test_seed + round) * 0x9e3779b97f4a7c15u;
		test_note_seed(test_seed + round);
		chosen = draw(input_count);
		if (inputs[chosen].len == 0)
			continue;
		buf_append(&b, inputs[chosen].data, inputs[chosen].len);
		CHECK_INT(b.error, 0);
		for (size_t i = 0, n = 1 + draw(8); i < n; i++)
			change(&b);
		run("a random change", b.data, b.len);
		buf_done(&b);
	}
}
