# SPDX-License-Identifier: MIT
#
# Starting the system in QEMU: to use it, to debug it, to measure it, and for long tests. The book, too.

ACCEL ?= tcg
QEMU_RUN = BUILD=$(BUILD) tools/qemu --accel $(ACCEL)

.PHONY: run debug book bench bench-check soak

# An odd status is the guest's own end (the exit port), not a failure of QEMU.
run: $(KERNEL) $(BOOT_TAR) ## start it: serial line on the terminal, window if there is a display
	@echo 'Ctrl-A X ends QEMU.'
	@$(QEMU_RUN) --display auto || [ $$(($$? % 2)) = 1 ]

debug: $(KERNEL) $(BOOT_TAR) ## start it under gdb; serial line into build/serial.log
	@rm -f $(BUILD)/gdb.socket
	@$(QEMU_RUN) --display auto --serial file:$(BUILD)/serial.log --gdb $(BUILD)/gdb.socket \
		--pid-file $(BUILD)/gdb.pid & \
	while [ ! -S $(BUILD)/gdb.socket ]; do sleep 0.1; done; \
	gdb -q -x tools/gdbinit $(KERNEL) -ex 'target remote $(BUILD)/gdb.socket'; \
	kill $$(cat $(BUILD)/gdb.pid) 2>/dev/null || :

book: ## the book, as HTML in build/book
	$(call say,BOOK,$(BUILD)/book)
	$(Q)$(PYTHON) -m sphinx -q -W -b html book $(BUILD)/book

# The Linux column's program: static, with the host's C library.
$(BUILD)/bench/linux-init: tests/bench/linux.c tests/bench/posix.c tests/bench/measure.h tests/bench/posix.h mk/run.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 $(WARNINGS) -iquote . -static -o $@ $(filter %.c,$^) -lpthread

BENCH_NEEDS := $(KERNEL) $(TEST_TAR) $(KERNEL_TEST_TAR) $(BUILD)/unit/frame_allocator_cost
bench: $(BENCH_NEEDS) $(BUILD)/bench/linux-init ## guest instructions, ours and Linux's; build/bench.csv, bench-size.csv and pictures
	@BUILD=$(BUILD) tools/bench
bench-check: $(BENCH_NEEDS) ## fails if a row is 3 % worse than tests/bench/baseline.csv, a goal is lost, or a cost not flat
	@BUILD=$(BUILD) tools/bench --check

soak: all test-archive $(BENCH_NEEDS) ## the long tests, an hour: the figures, 20 million fuzzed calls, 20 minutes of stress, services killed for 10
	@BUILD=$(BUILD) tools/bench --check
	@BUILD=$(BUILD) FUZZ_CALLS=$(or $(FUZZ_CALLS),20000000) STRESS_SECONDS=$(or $(STRESS_SECONDS),1200) \
		tools/test --only fuzz,stress kernel
	@BUILD=$(BUILD) SOAK_SECONDS=$(or $(SOAK_SECONDS),600) $(PYTHON) -m pytest -q -p no:cacheprovider \
		tests/system/test_soak.py
