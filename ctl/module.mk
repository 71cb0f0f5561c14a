# SPDX-License-Identifier: BSD-2-Clause
# posada: the administrator's program, and the demo.
PROGRAMS += bin/posada
bin/posada_SRCS := $(sort $(wildcard ctl/*.cc)) $(DAEMON_OPTIONS) smtpd/queue_open.cc smtpd/queue_protocol.cc
bin/posada_LIBS := service auth store priv io proto base
bin/posada_LDLIBS := -levent_core -lssl -lcrypto -lseccomp -lcrypt -lpam -lfmt

TEST_PROGRAMS += tests/unit-ctl
tests/unit-ctl_SRCS := $(filter-out ctl/main.cc,$(bin/posada_SRCS)) $(sort $(wildcard tests/unit/ctl/*_test.cc))
tests/unit-ctl_LIBS := $(bin/posada_LIBS)
tests/unit-ctl_LDLIBS := -lgtest -lgtest_main -lpthread $(bin/posada_LDLIBS)
