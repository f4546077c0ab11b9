# SPDX-License-Identifier: MIT
#
# User space: the libraries, and every server, driver and program that has a folder.
#
#   servers/NAME drivers/NAME    linked with lib/native
#   programs/NAME                linked with lib/posix on top of it, and with programs/common
#   ports/NAME                   upstream sources, a library or a program (its build.mk says which)
#   tests/guest/{native,posix}/  each .c file and each folder a program of the test image
#
# All *.c and *.S files of the folder make the program. A build.mk in it may set
#   LIBS := lwip          libraries from ports/, or native libraries by name
#   FLAGS := -DX=1        further compiler flags
#   SOURCES := a/b.c      further sources, from the root of the repository

# --- flags ---------------------------------------------------------------------------------------

# musl's headers come before the compiler's own, of which they leave immintrin.h and the like.
USER_CFLAGS = $(COMMON_CFLAGS) -isystem $(SYSROOT)/include -isystem $(CC_INCLUDE) $(PROTECTOR)

# R, RX, R and RW segments on pages of their own. No RELRO: nothing is relocated at start.
USER_LAYOUT  := lib/posix/tables.ld
USER_LDFLAGS := -nostdlib -static -z separate-code -z noexecstack -z max-page-size=4096 -z norelro \
	--build-id=none -T $(USER_LAYOUT)

# The stack protector's canary lies at %fs:0x28. Libraries run before there is a thread-local
# block, servers may have threads without one: only programs can have it.
PROTECTOR := -fno-stack-protector
$(BUILD)/user/programs/%.o: PROTECTOR := -fstack-protector-strong

# Servers are each made as a whole (mk/toolchain.mk); what others are linked with too has both forms.
# Programs gain too little for the time it takes: there are many of them; drivers nothing. The
# words of messages are stored as they come, which is quicker than to pack them into vectors first.
$(BUILD)/user/servers/%.o: USER_WHOLE := $(WHOLE) -fno-tree-slp-vectorize
$(BUILD)/user/lib/%.o: USER_WHOLE := $(WHOLE) $(if $(WHOLE),-ffat-lto-objects) -fno-tree-slp-vectorize
$(BUILD)/user/lib/posix/%.o: USER_WHOLE :=
USER_LD = $(LD) $(USER_LDFLAGS)
comma := ,

CRT_BEGIN := $(SYSROOT)/lib/crt1.o $(SYSROOT)/lib/crti.o
CRT_END   := $(SYSROOT)/lib/crtn.o

$(CRT_BEGIN) $(CRT_END): $(LIBC)

# --- objects and libraries -----------------------------------------------------------------------

USER_MK := $(BUILD)/toolchain.mk mk/toolchain.mk mk/user.mk

$(BUILD)/user/%.c.o: %.c $(USER_MK) | $(LIBC)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(USER_CFLAGS) $(USER_WHOLE) $(FLAGS) -c -o $@ $<

$(BUILD)/user/%.S.o: %.S $(USER_MK) | $(LIBC)
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(USER_CFLAGS) $(FLAGS) -c -o $@ $<

ARCHIVE = $(Q)rm -f $@ && mkdir -p $(@D) && $(AR) rcsD $@ $(filter %.o,$^)

# $(call library,NAME,SOURCES): one of our own libraries.
define library
$(BUILD)/lib/lib$(1).a: $(2:%=$(BUILD)/user/%.o)
	$$(call say,AR,$$@)
	$$(ARCHIVE)
USER_OBJECTS += $(2:%=$(BUILD)/user/%.o)
endef

# lib/base/kernel_*.c is what only the kernel lacks: programs have musl's.
BASE_SOURCES := $(filter-out lib/base/kernel_%,$(call find_sources,lib/base,*.c *.S))
$(eval $(call library,base,$(BASE_SOURCES)))
$(eval $(call library,native,$(call find_sources,lib/native,*.c *.S)))
$(eval $(call library,posix,$(call find_sources,lib/posix,*.c *.S)))
$(eval $(call library,common,$(wildcard programs/common/*.c)))
$(eval $(call library,test,$(wildcard tests/guest/common/*.c)))

NATIVE_LIBS := $(patsubst %,$(BUILD)/lib/lib%.a,native base)
POSIX_LIBS  := $(patsubst %,$(BUILD)/lib/lib%.a,common posix native base)

# ports/NAME: upstream sources, see there.
include mk/ports.mk

# --- programs ------------------------------------------------------------------------------------

# $(call program,PATH,OBJECTS,LIBRARIES): build/debug/PATH with and build/image/PATH without debug
# information. The symbol table stays: init takes the names in a crash report from it.
define program
$(BUILD)/debug/$(1): $(2) $(3) $(LIBC) $(CRT_BEGIN) $(CRT_END) $(USER_LAYOUT)
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D) && $$(USER_LD) -o $$@ $(CRT_BEGIN) $(2) \
		$$(USER_LD_OPTION)--start-group $(3) $(LIBC) $$(LIBGCC) $$(USER_LD_OPTION)--end-group $(CRT_END)

$(BUILD)/image/$(1): $(BUILD)/debug/$(1)
	$(Q)mkdir -p $$(@D) && $(OBJCOPY) --strip-debug $$< $$@
endef

# $(call component,FOLDER,PATH,LIBRARIES,SOURCES): the program of one of our folders or files.
define component
LIBS :=
FLAGS :=
SOURCES :=
-include $(wildcard $(1)/build.mk)
component_objects := $$(patsubst %,$(BUILD)/user/%.o,$(4) $$(SOURCES))
USER_OBJECTS := $$(USER_OBJECTS) $$(component_objects)
$$(component_objects): FLAGS := $$(FLAGS) $$(foreach l,$$(LIBS),$$(port_$$(l)_includes))
$$(component_objects): $(wildcard $(1)/build.mk) | \
	$$(patsubst %,$(UPSTREAM)/%.sha256,$$(filter $(PORTS_library),$$(LIBS)))
$$(eval $$(call program,$(2),$$(component_objects),$$(patsubst %,$(BUILD)/lib/lib%.a,$$(LIBS:lib%=%)) $(3)))
endef

# Programs that speak to the system directly, by including headers of abi, lib/native, lib/posix; the
# others are plain POSIX, and run on Linux too.
folder_names = $(sort $(notdir $(patsubst %/,%,$(dir $(1)))))
including = $(shell grep -lsE '"($(1))' $(2))
NATIVE_HEADERS  := lib/native/|lib/posix/|abi/
NATIVE_COMMON   := $(call including,$(NATIVE_HEADERS),programs/common/*.c)
NATIVE_PROGRAMS := $(call folder_names,$(call including,$(NATIVE_HEADERS),programs/*/*.[ch]) \
	$(foreach c,$(NATIVE_COMMON),$(call including,$(c:.c=.h),programs/*/*.[ch])))
HOST_PROGRAMS   := $(filter-out common $(NATIVE_PROGRAMS),$(call folder_names,$(wildcard programs/*/*.c)))

# $(call folders,PARENTS): the folders in them that hold sources.
folders = $(patsubst %/,%,$(sort $(dir $(wildcard $(addsuffix /*/*.c,$(1))))))
sources_of = $(wildcard $(1)/*.c $(1)/*.S)

NATIVE_FOLDERS := $(call folders,servers drivers)
POSIX_FOLDERS  := $(filter-out programs/common,$(call folders,programs))
whole_programs := $(addprefix $(BUILD)/debug/bin/,$(notdir $(call folders,servers)))
$(whole_programs): USER_LD = $(call whole_ld,$(USER_CFLAGS),$(USER_LDFLAGS))
$(whole_programs): USER_LD_OPTION := $(if $(WHOLE),-Wl$(comma))
$(foreach f,$(NATIVE_FOLDERS),$(eval $(call component,$(f),bin/$(notdir $(f)),$(NATIVE_LIBS),$(call sources_of,$(f)))))
$(foreach f,$(POSIX_FOLDERS),$(eval $(call component,$(f),bin/$(notdir $(f)),$(POSIX_LIBS),$(call sources_of,$(f)))))
$(foreach p,$(PORTS),$(call port_programs,$(p),program,$(port_$(p)_own),$(POSIX_LIBS)))

BIN := $(sort $(notdir $(NATIVE_FOLDERS) $(POSIX_FOLDERS)) $(PORT_BIN))

# --- programs of the test image ------------------------------------------------------------------

TEST_LIB := $(BUILD)/lib/libtest.a

# $(call guest_tests,native|posix,LIBRARIES)
define guest_tests
$(foreach f,$(call folders,tests/guest/$(1)),$(eval $(call component,$(f),tests/$(notdir $(f)),$(TEST_LIB) $(2),$(call sources_of,$(f)))))
$(foreach f,$(wildcard tests/guest/$(1)/*.c),$(eval $(call component,$(f:.c=),tests/$(notdir $(f:.c=)),$(TEST_LIB) $(2),$(f))))
TESTS += $(notdir $(call folders,tests/guest/$(1)) $(patsubst %.c,%,$(wildcard tests/guest/$(1)/*.c)))
endef
$(eval $(call guest_tests,native,$(NATIVE_LIBS)))
$(eval $(call guest_tests,posix,$(POSIX_LIBS)))

TESTS += $(PORT_TESTS:%=ports/%)

# The kernel's own tests: a program that the kernel starts in place of init.
$(eval $(call component,tests/guest/kernel,tests/kernel,$(NATIVE_LIBS),$(wildcard tests/guest/kernel/*.c)))

# The EuraliOS half of `make bench`; its Linux half is in mk/run.mk.
$(eval $(call component,tests/bench/euralios,tests/bench,$(POSIX_LIBS),tests/bench/euralios.c tests/bench/posix.c))
$(eval $(call component,tests/bench/size,tests/bench-size,$(POSIX_LIBS),tests/bench/size.c))
TESTS += bench bench-size

# --- the same programs for Linux -----------------------------------------------------------------
#
# The objects of ports and programs are compiled for musl, and know nothing of the system below it:
# linked with Debian's own musl, of the same version, they are Linux programs. So a workload can be
# run by the same code on both systems (tests/workloads).

LINUX_LIBC := /usr/lib/x86_64-linux-musl
REFERENCE  := $(BUILD)/reference

# $(call reference,PATH,OBJECTS,ARCHIVES)
define reference
$(REFERENCE)/$(1): $(2) $(3)
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D) && $(LD) -static -z noexecstack -o $$@ $(LINUX_LIBC)/crt1.o $(LINUX_LIBC)/crti.o $(2) \
		--start-group $(3) $(LINUX_LIBC)/libc.a $$(LIBGCC) --end-group $(LINUX_LIBC)/crtn.o
REFERENCES += $(REFERENCE)/$(1)
endef
$(foreach p,$(PORTS),$(call port_programs,$(p),reference,$(port_$(p)_linux)))
REFERENCE_COMMON := $(patsubst %,$(BUILD)/user/%.o,$(filter-out $(NATIVE_COMMON),$(wildcard programs/common/*.c)))
$(foreach p,$(HOST_PROGRAMS),$(eval $(call reference,bin/$(p),$(patsubst %,$(BUILD)/user/%.o,$(wildcard programs/$(p)/*.c)),\
	$(REFERENCE)/libcommon.a $(BUILD)/lib/libbase.a)))

$(REFERENCE)/libcommon.a: $(REFERENCE_COMMON)
	$(call say,AR,$@)
	$(ARCHIVE)

# The data of ports, beside their programs.
port_file_rule = $(eval $(REFERENCE)/$(1): $(2) ; $$(Q)mkdir -p $$(@D) && cp -f $$< $$@)
$(foreach f,$(PORT_FILES),$(call port_file_rule,$(firstword $(subst =, ,$(f))),$(lastword $(subst =, ,$(f)))))
REFERENCES += $(foreach f,$(PORT_FILES),$(REFERENCE)/$(firstword $(subst =, ,$(f))))

.PHONY: reference
reference: $(REFERENCES) ## the programs that need nothing but POSIX, for Linux

# What the last component set must not reach the libraries.
LIBS :=
FLAGS :=
SOURCES :=
INCLUDES :=

.PHONY: user
user: $(BIN:%=$(BUILD)/image/bin/%) ## all servers, drivers and programs

-include $(USER_OBJECTS:.o=.d) $(PORT_OBJECTS:.o=.d)
