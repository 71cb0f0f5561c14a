# SPDX-License-Identifier: BSD-2-Clause
# posadad reads the sections of all daemons, so it links their options; it links no parser of any protocol.
PROGRAMS += sbin/posadad
SUITE_OPTIONS := $(DAEMON_OPTIONS)
SUITE_LIBS := service auth store priv io proto base
SUITE_LDLIBS := -levent_core -lssl -lcrypto -lseccomp -lcrypt -lpam -lfmt
sbin/posadad_SRCS := $(sort $(wildcard supervisor/*.cc)) $(SUITE_OPTIONS)
sbin/posadad_LIBS := $(SUITE_LIBS)
sbin/posadad_LDLIBS := $(SUITE_LDLIBS)

TEST_PROGRAMS += tests/unit-supervisor
tests/unit-supervisor_SRCS := $(filter-out supervisor/main.cc,$(sort $(wildcard supervisor/*.cc))) $(SUITE_OPTIONS) \
  $(sort $(wildcard tests/unit/supervisor/*_test.cc))
tests/unit-supervisor_LIBS := $(SUITE_LIBS)
tests/unit-supervisor_LDLIBS := -lgtest -lgtest_main -lpthread $(SUITE_LDLIBS)
