# Rueda: the outside of the build; the inside is meson.build.
# SPDX-License-Identifier: Apache-2.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60

.PHONY: all check soak mutants fuzz demo bench install clean

all: $(BUILD)/build.ninja
	@packaging/install-deps build
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@packaging/install-deps build
	meson setup $(BUILD) --prefix=$(PREFIX) >$(BUILD).log 2>&1 || { tail -n 20 $(BUILD).log; exit 1; }

# Build and run the tests; the last line counts them.
check:
	@packaging/install-deps check
	@$(MAKE) --no-print-directory all
	@python3 tests/report.py $(BUILD)

# The long forms of the same tests: many more seeds, every mutant, large hives.  Takes hours.
soak:
	@packaging/install-deps check
	@$(MAKE) --no-print-directory all
	@RUEDA_TEST_LONG=1 python3 tests/report.py $(BUILD)

# Break the product on purpose: each patch must turn the test red that it names.
mutants:
	@packaging/install-deps check
	@tests/mutants/run

# The whole story on a throw-away cluster.
demo:
	@packaging/install-deps build
	@$(MAKE) --no-print-directory all >$(BUILD)-demo.log 2>&1 || { tail -n 30 $(BUILD)-demo.log; exit 1; }
	@examples/demo $(BUILD)

# Run each fuzz target for FUZZ_SECONDS, with clang and the sanitizers.
fuzz:
	@packaging/install-deps check
	@tests/fuzz/run -t $(FUZZ_SECONDS)

# Compare with etcd, sqlite3 and the bare machine: medians and ratios in one table.  About ten minutes; docs/BENCH.md.
bench:
	@packaging/install-deps bench
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) python3 bench/run.py

install: all
	meson configure $(BUILD) --prefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig # So that programs find the new libraries.

clean:
	rm -rf $(BUILD) $(BUILD).log
