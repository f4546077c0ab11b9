# SPDX-License-Identifier: MIT
#
# make coverage: which lines of the kernel the tests reach, those inside the emulator and those on
# the host together. Inside, nothing of the kernel is changed but how it is compiled: without the
# optimisations that move lines (-Og), with and without the checks; a plugin of QEMU's notes which
# instructions are executed. On the host gcc counts. tools/coverage runs the tests, with
# build/coverage for their BUILD, and puts both together.

COVERAGE_PLUGIN  := $(BUILD)/coverage/coverage.so
COVERAGE_KERNELS := $(BUILD)/coverage/euralios.elf $(BUILD)/coverage/checked/euralios.elf
# -Og leaves the compiler blind to what it sees at -O2: its guesses are no warnings here.
COVERAGE_CFLAGS   = $(filter-out -O2 -DDEBUG=%,$(KERNEL_CFLAGS)) -Og -Wno-maybe-uninitialized

$(COVERAGE_PLUGIN): tools/profiler/coverage.c tools/profiler/plugin.h mk/coverage.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && cc -O2 $(WARNINGS) -iquote . -shared -fPIC -o $@ $<

# $(call coverage_kernel,ELF FILE,FOLDER OF OBJECTS,DEBUG)
define coverage_kernel
COVERAGE_OBJECTS += $(KERNEL_SOURCES:%=$(2)/%.o)
$(2)/%.o: % $(BUILD)/toolchain.mk mk/toolchain.mk mk/kernel.mk mk/coverage.mk
	$$(call say,CC,$$@)
	$(Q)mkdir -p $$(@D) && $$(CC) $$(COVERAGE_CFLAGS) -DDEBUG=$(3) -c -o $$@ $$<
$(1): $(KERNEL_SOURCES:%=$(2)/%.o) boot/kernel.ld
	$$(call say,LD,$$@)
	$(Q)$(LD) $(KERNEL_LDFLAGS) -T boot/kernel.ld -o $$@ $(KERNEL_SOURCES:%=$(2)/%.o)
endef
$(eval $(call coverage_kernel,$(BUILD)/coverage/euralios.elf,$(BUILD)/coverage/kernel,0))
$(eval $(call coverage_kernel,$(BUILD)/coverage/checked/euralios.elf,$(BUILD)/coverage/checked,1))

# --- on the host: the unit tests that have something of the kernel in them ------------------------

COVERAGE_TESTS := $(foreach t,$(UNIT_TESTS),$(if $(filter kernel/%,$(call linked,tests/unit/$(t)_test.c)),$(if $(filter plain,$(call said,Build,tests/unit/$(t)_test.c)),,$(t))))

$(BUILD)/coverage/host/%.c.o: %.c $(BUILD)/toolchain.mk mk/test.mk mk/host.mk mk/coverage.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(HOST_KERNEL_CFLAGS) $(HOST_CFLAGS) -O0 --coverage -c -o $@ $<

# $(call coverage_test,NAME)
define coverage_test
coverage_$(1)_objects := $(patsubst %,$(BUILD)/coverage/host/%.o,tests/unit/$(1)_test.c $(call linked,tests/unit/$(1)_test.c) $(filter %.c,$(BASE_SOURCES)))
COVERAGE_OBJECTS += $$(coverage_$(1)_objects)
$(BUILD)/coverage/unit/$(1): $$(coverage_$(1)_objects)
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D) && $$(CC) --coverage -o $$@ $$^ -lcmocka -lpthread -lm
endef
$(foreach t,$(COVERAGE_TESTS),$(eval $(call coverage_test,$(t))))

-include $(sort $(COVERAGE_OBJECTS:.o=.d))

.PHONY: coverage
coverage: $(COVERAGE_PLUGIN) $(COVERAGE_KERNELS) $(COVERAGE_TESTS:%=$(BUILD)/coverage/unit/%)
coverage: $(TEST_NEEDS_kernel) $(TEST_NEEDS_system) ## lines of the kernel that tests reach; build/coverage.csv
	@BUILD=$(BUILD) tools/coverage
