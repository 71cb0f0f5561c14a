# SPDX-License-Identifier: BSD-2-Clause
# posada: one non-recursive make. `make demo` and `make check` are the two commands to know; `make help` lists the rest.
MODE ?= opt
B := build/$(MODE)
PREFIX ?= /usr
DESTDIR ?=
VERSION := 0.1.0
CCACHE := $(shell command -v ccache 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Wnon-virtual-dtor -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fPIE
PKGS := libevent_core libevent libssl libcrypto fmt libseccomp sqlite3
CXX_opt := g++
CXX_asan := g++
CXX_clang := clang++
CXX_fuzz := clang++
OPT_opt := -O2 -g $(HARDEN)
OPT_asan := -O0 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS
OPT_clang := -O1 -g $(HARDEN)
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -D_GLIBCXX_ASSERTIONS
LINK_opt := -pie -Wl,-z,relro,-z,now
LINK_asan := -fsanitize=address,undefined
LINK_clang := -pie -Wl,-z,relro,-z,now
LINK_fuzz := -fsanitize=address,undefined
CXXFLAGS ?=
CXX := $(CCACHE) $(CXX_$(MODE))
ALL_CXXFLAGS := -std=c++20 $(OPT_$(MODE)) $(WARN) -I. -DPOSADA_VERSION='"$(VERSION)"' $(CXXFLAGS)
LDFLAGS_ALL := $(LINK_$(MODE)) -Wl,--as-needed

.DEFAULT_GOAL := all
LIBRARIES :=
PROGRAMS :=
MODULES := $(sort $(wildcard */module.mk) $(wildcard clients/*/module.mk))
include $(MODULES)

# library NAME: sources in NAME_SRCS -> $(B)/lib/NAME.a
# program PATH (sbin/pop3d): PATH's sources in PATH_SRCS, posada libraries in PATH_LIBS, system ones in PATH_LDLIBS
objects = $(patsubst %.cc,$(B)/obj/%.o,$(1))
define library_rule
$(B)/lib/$(1).a: $(call objects,$($(1)_SRCS))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
ALL_SRCS += $($(1)_SRCS)
endef
define program_rule
$(B)/$(1): $(call objects,$($(1)_SRCS)) $(patsubst %,$(B)/lib/%.a,$($(1)_LIBS))
	@mkdir -p $$(@D)
	@echo "  LD    $$@"
	@$$(CXX) $$(LDFLAGS_ALL) $($(1)_LDFLAGS) -o $$@ $(call objects,$($(1)_SRCS)) -Wl,--start-group $(patsubst %,$(B)/lib/%.a,$($(1)_LIBS)) -Wl,--end-group $($(1)_LDLIBS)
ALL_SRCS += $($(1)_SRCS)
endef
$(foreach l,$(LIBRARIES),$(eval $(call library_rule,$(l))))
$(foreach p,$(PROGRAMS) $(TEST_PROGRAMS),$(eval $(call program_rule,$(p))))

# The sanitizer build, made in every check, reads the standard headers once, precompiled. Not with ccache, which does better,
# and not with -O2, whose warnings take what was precompiled for our code.
ifeq ($(CCACHE)$(MODE),asan)
PRECOMPILED := -include $(B)/pch/headers.h
$(B)/obj/tests/unit/%.o: PRECOMPILED := -include $(B)/pch/test_headers.h
PCH := $(B)/pch/headers.h.gch $(B)/pch/test_headers.h.gch
$(B)/pch/%.h.gch: tests/support/%.pch
	@mkdir -p $(@D)
	@echo "  PCH   $<"
	@cp $< $(@:.gch=)
	@$(CXX) $(ALL_CXXFLAGS) -x c++-header $< -o $@
.SECONDARY: $(PCH)
endif

$(B)/obj/%.o: %.cc $(PCH)
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(CXX) $(ALL_CXXFLAGS) $(PRECOMPILED) -MMD -MP -c $< -o $@

include targets.mk

all: $(patsubst %,$(B)/%,$(PROGRAMS))
clean:
	rm -rf build

-include $(patsubst %.cc,$(B)/obj/%.d,$(sort $(ALL_SRCS)))
.PHONY: all clean
