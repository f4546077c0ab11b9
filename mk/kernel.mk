# SPDX-License-Identifier: MIT
#
# The kernel: kernel/, boot/*.S and lib/base make one ELF file, which GRUB starts through its
# multiboot2 header and QEMU's -kernel through its PVH note.

KERNEL := $(BUILD)/euralios.elf

# x87 and vector registers are the user's: a kernel that used them would have to save them.
KERNEL_CFLAGS = $(COMMON_CFLAGS) -isystem $(CC_INCLUDE) -ffreestanding -mcmodel=kernel \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-delete-null-pointer-checks -DKERNEL=1
KERNEL_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack -z norelro --build-id=none

KERNEL_SOURCES := $(call find_sources,kernel boot lib/base,*.c *.S)
KERNEL_OBJECTS := $(KERNEL_SOURCES:%=$(BUILD)/kernel/%.o)

$(BUILD)/kernel/%.c.o: %.c $(BUILD)/toolchain.mk mk/toolchain.mk mk/kernel.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(KERNEL_CFLAGS) $(WHOLE) -c -o $@ $<

$(BUILD)/kernel/%.S.o: %.S $(BUILD)/toolchain.mk mk/toolchain.mk mk/kernel.mk
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(KERNEL_CFLAGS) -c -o $@ $<

# Debug information stays in: QEMU and GRUB load segments only, gdb wants the rest.
$(KERNEL): $(KERNEL_OBJECTS) boot/kernel.ld
	$(call say,LD,$@)
	$(Q)$(call whole_ld,$(KERNEL_CFLAGS),$(KERNEL_LDFLAGS)) -T boot/kernel.ld -o $@ $(KERNEL_OBJECTS)

# The same with all checks (kernel/debug/), whatever DEBUG is: `make test` runs the kernel's tests on it.
CHECKED_KERNEL  := $(BUILD)/checked/euralios.elf
CHECKED_OBJECTS := $(KERNEL_SOURCES:%=$(BUILD)/checked/%.o)

$(BUILD)/checked/%.c.o: %.c $(BUILD)/toolchain.mk mk/toolchain.mk mk/kernel.mk
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(filter-out -DDEBUG=%,$(KERNEL_CFLAGS)) -DDEBUG=1 -c -o $@ $<

$(BUILD)/checked/%.S.o: %.S $(BUILD)/toolchain.mk mk/toolchain.mk mk/kernel.mk
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(filter-out -DDEBUG=%,$(KERNEL_CFLAGS)) -DDEBUG=1 -c -o $@ $<

$(CHECKED_KERNEL): $(CHECKED_OBJECTS) boot/kernel.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(KERNEL_LDFLAGS) -T boot/kernel.ld -o $@ $(CHECKED_OBJECTS)

.PHONY: kernel
kernel: $(if $(wildcard boot/kernel.ld),$(KERNEL),$(KERNEL_OBJECTS)) ## the kernel only

-include $(KERNEL_OBJECTS:.o=.d) $(CHECKED_OBJECTS:.o=.d)
