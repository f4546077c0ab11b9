# SPDX-License-Identifier: MIT
#
# Fuzzing on the host: tests/fuzz/NAME_fuzz.c, with libFuzzer, ASan and UBSan (always clang: gcc has no
# libFuzzer). A line "Sources: ..." in the head comment names what else is linked besides lib/base;
# "Build: kernel" that the kernel is (mk/host.mk).
#
#   make test SUITES=fuzz        100,000 inputs for each, or 20 seconds (8 for kernel_*), as in `make test`
#   make fuzz SECONDS=600        the long run; what it finds stays in build/fuzz/NAME.corpus

FUZZ_CFLAGS := -std=gnu11 -g -O1 $(WARNINGS) -iquote . -MMD -MP -DDEBUG=1 \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(BUILD)/host/fuzz/%.c.o: %.c $(BUILD)/toolchain.mk mk/fuzz.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && clang $(FUZZ_CFLAGS) -c -o $@ $<

$(BUILD)/host/fuzz-kernel/%.c.o: %.c $(BUILD)/toolchain.mk mk/fuzz.mk mk/host.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && clang $(HOST_KERNEL_CFLAGS) $(FUZZ_CFLAGS) -c -o $@ $<

# $(call fuzz_test,NAME,SOURCES,FOLDER OF OBJECTS)
define fuzz_test
fuzz_$(1)_objects := $(patsubst %,$(BUILD)/host/$(3)/%.o,tests/fuzz/$(1)_fuzz.c $(2) $(filter %.c,$(BASE_SOURCES)))
FUZZ_OBJECTS += $$(fuzz_$(1)_objects)
$(BUILD)/fuzz/$(1): $$(fuzz_$(1)_objects)
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D) && clang -fsanitize=fuzzer,address,undefined -o $$@ $$^
endef

FUZZ_TESTS := $(patsubst tests/fuzz/%_fuzz.c,%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
$(foreach t,$(FUZZ_TESTS),$(eval $(call fuzz_test,$(t),$(call linked,tests/fuzz/$(t)_fuzz.c),$(if $(call said,Build,tests/fuzz/$(t)_fuzz.c),fuzz-kernel,fuzz))))

SECONDS ?= 60

.PHONY: fuzz fuzz-tests
fuzz-tests: $(FUZZ_TESTS:%=$(BUILD)/fuzz/%)

fuzz: fuzz-tests ## fuzz the host-testable code, SECONDS=60 for each target
	$(Q)for name in $(FUZZ_TESTS); do \
		mkdir -p $(BUILD)/fuzz/$$name.corpus; \
		echo "== $$name"; \
		$(BUILD)/fuzz/$$name -max_total_time=$(SECONDS) -timeout=10 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/fuzz/$$name. $(BUILD)/fuzz/$$name.corpus || exit 1; \
	done

-include $(sort $(FUZZ_OBJECTS:.o=.d))
