# Rueda: the outside of the build; the inside is meson.build.
# SPDX-License-Identifier: Apache-2.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60

.PHONY: all check fuzz install clean

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

# Run each fuzz target for FUZZ_SECONDS, with clang and the sanitizers.
fuzz:
	@packaging/install-deps check
	@tests/fuzz/run -t $(FUZZ_SECONDS)

install: all
	meson configure $(BUILD) --prefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) $(BUILD).log
