# SPDX-License-Identifier: MIT
#
# Ports: libraries and programs from upstream sources.
#
# ports/NAME/build.mk sets
#   KIND := library|program|test   libNAME.a, /bin/NAME, or /tests/ports/NAME of the test image
#   SOURCES            the files of it, from the root of the upstream tree
#   GENERATED          further files, of those that `ports/NAME/generate UPSTREAM DESTINATION` makes
#   OWN                further files, of ours, from the root of this repository
#   LINUX              files of upstream that stand in for OWN in the programs for Linux
#   FLAGS              compiler flags for all of them
#   INCLUDES           include folders, for these files and for those who name the library in LIBS
#   LIBS               libraries from ports/ that programs are linked with
#   PROGRAMS           programs of other names than the port's, or beside a library: all are linked
#                      with the above, and each with its SOURCES_PROGRAM
#   FILES              PATH=FILE: data on the image

# The compiler and the flags, but neither DEBUG nor WERROR, concern upstream code: it is large, and
# should be compiled once.
PORT_CFLAGS = $(filter-out $(WARNINGS) -DDEBUG=%,$(USER_CFLAGS)) -w
$(BUILD)/ports.config: $(BUILD)/toolchain.mk mk/toolchain.mk mk/user.mk mk/ports.mk
	@echo '$(CC) $(CC_VERSION) $(PORT_CFLAGS)' > $@.new
	@$(call update,$@)

$(BUILD)/ports/%.o: PROTECTOR := -fstack-protector-strong
$(BUILD)/user/ports/%.o: PROTECTOR := -fstack-protector-strong

PORTS := $(patsubst ports/%/build.mk,%,$(sort $(wildcard ports/*/build.mk)))
# What they add up to. Expanded at once, because the variables are the next port's then.
PORTS_library :=
PORTS_program :=
PORTS_test :=
PORT_FILES :=
PORT_OBJECTS :=
PORT_BIN :=
PORT_TESTS :=

# $(call port_read,NAME): build.mk as variables port_NAME_VARIABLE.
define port_read
KIND :=
SOURCES :=
GENERATED :=
OWN :=
LINUX :=
FLAGS :=
INCLUDES :=
LIBS :=
PROGRAMS :=
FILES :=
include ports/$(1)/build.mk
port_$(1)_made := $$(if $$(wildcard ports/$(1)/generate),$(PORTS_BUILD)/ports/$(1)/generated/made)
port_$(1)_flags := $$(FLAGS) $$(port_$(1)_made:%/made=-I %) $$(INCLUDES:%=-I %)
port_$(1)_includes := $$(INCLUDES:%=-I %)
port_$(1)_libs := $$(LIBS)
port_$(1)_own := $$(OWN:%=$(BUILD)/user/%.o)
port_$(1)_linux := $$(LINUX:%=$(PORTS_BUILD)/ports/$(1)/%.o)
port_$(1)_generated := $$(GENERATED:%=$(PORTS_BUILD)/ports/$(1)/generated/%.o)
port_$(1)_objects := $$(SOURCES:%=$(PORTS_BUILD)/ports/$(1)/%.o) $$(port_$(1)_generated)
port_$(1)_programs := $$(or $$(PROGRAMS),$$(if $$(filter program test,$$(KIND)),$(1)))
$$(foreach p,$$(PROGRAMS),$$(eval program_$$(p)_objects := $$(SOURCES_$$(p):%=$(PORTS_BUILD)/ports/$(1)/%.o)))
port_$(1)_upstream := $$(sort $$(filter-out $$(port_$(1)_generated),$$(port_$(1)_objects)) \
	$$(port_$(1)_linux) $$(foreach p,$$(PROGRAMS),$$(program_$$(p)_objects)))
port_$(1)_files := $$(filter $(UPSTREAM)/$(1)/%,$$(foreach f,$$(FILES),$$(lastword $$(subst =, ,$$(f)))))
PORTS_$$(KIND) += $(1)
PORT_FILES += $$(FILES)
PORT_OBJECTS += $$(port_$(1)_upstream) $$(port_$(1)_generated)
PORT_$$(if $$(filter test,$$(KIND)),TESTS,BIN) += $$(port_$(1)_programs)
USER_OBJECTS += $$(port_$(1)_own)
endef
$(foreach p,$(PORTS),$(eval $(call port_read,$(p))))

# $(call port_rules,NAME): what libraries it is compiled with is known only when all have been read.
define port_rules
$(port_$(1)_upstream) $(port_$(1)_generated) $(port_$(1)_own): \
	FLAGS := $(port_$(1)_flags) $(foreach l,$(port_$(1)_libs),$(port_$(l)_includes))
$(port_$(1)_own): ports/$(1)/build.mk | $(UPSTREAM)/$(1).sha256
$(port_$(1)_files): $(UPSTREAM)/$(1).sha256 ;
endef
$(foreach p,$(PORTS),$(eval $(call port_rules,$(p))))

# $(call port_compile,NAME): here, not in another BUILD's folder.
define port_compile
$(port_$(1)_upstream) $(port_$(1)_generated): $(UPSTREAM)/$(1).sha256 ports/$(1)/build.mk $(BUILD)/ports.config \
	$(port_$(1)_made) | $(LIBC) $(port_$(1)_libs:%=$(UPSTREAM)/%.sha256) $(foreach l,$(port_$(1)_libs),$(port_$(l)_made))
$(port_$(1)_upstream): $(BUILD)/ports/$(1)/%.o:
	$$(call say,CC,$$@)
	$(Q)mkdir -p $$(@D) && $$(CC) $$(PORT_CFLAGS) $$(FLAGS) -c -o $$@ $(UPSTREAM)/$(1)/$$*
$(port_$(1)_generated):
	$$(call say,CC,$$@)
	$(Q)$$(CC) $$(PORT_CFLAGS) $$(FLAGS) -c -o $$@ $$(@:.o=)
endef
ifeq ($(PORTS_BUILD),$(BUILD))
$(foreach p,$(PORTS),$(eval $(call port_compile,$(p))))

$(BUILD)/ports/%/generated/made: ports/%/generate $(UPSTREAM)/%.sha256 $(BUILD)/ports.config
	$(call say,MAKE,$(@D))
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && { CC='$(CC)' $< $(UPSTREAM)/$* $(@D) < /dev/null > $(@D).log 2>&1 || \
		{ tail -n 20 $(@D).log; exit 1; }; } && touch $@

.PRECIOUS: $(BUILD)/ports/%/generated/made
endif

define port_library
$(BUILD)/lib/lib$(1:lib%=%).a: $(port_$(1)_objects)
	$$(call say,AR,$$@)
	$$(ARCHIVE)
endef
$(foreach p,$(PORTS_library),$(eval $(call port_library,$(p))))

# $(call port_programs,NAME,RULE,OWN,LIBRARIES): $(call RULE,PATH,OBJECTS,ARCHIVES) for each program. A
# library's programs take of it what they need, others are all of the port.
port_archives = $(patsubst %,$(BUILD)/lib/lib%.a,$(patsubst lib%,%,$(filter $(1),$(PORTS_library)) $(port_$(1)_libs)))
port_shared = $(if $(filter $(1),$(PORTS_library)),,$(port_$(1)_objects))
port_programs = $(foreach b,$(port_$(1)_programs),$(eval $(call $(2),$(if \
	$(filter $(1),$(PORTS_test)),tests/ports,bin)/$(b),$(program_$(b)_objects) $(port_shared) $(3),$(port_archives) $(4))))

# What the last port set must not reach other rules.
OWN :=
LINUX :=
PROGRAMS :=
FILES :=
GENERATED :=
