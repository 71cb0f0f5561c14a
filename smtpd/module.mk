# SPDX-License-Identifier: BSD-2-Clause
# smtpd: everything but the main files is one archive, of which each program takes what it refers to: the net programs
# get no spool and no deliver, the launcher gets no protocol.
LIBRARIES += smtpd
smtpd_SRCS := $(sort $(filter-out smtpd/main.cc smtpd/%_main.cc,$(wildcard smtpd/*.cc)))

TEST_PROGRAMS += tests/unit-smtpd
tests/unit-smtpd_SRCS := $(sort $(wildcard tests/unit/smtpd/*_test.cc)) tests/support/dialog.cc
tests/unit-smtpd_LIBS := smtpd service auth store priv io proto base
tests/unit-smtpd_LDLIBS = $(GTEST_LIBS) $(LAUNCHER_LDLIBS) -lsqlite3

# The queue's own programs. LAUNCHER_LDLIBS minus PAM: they see no password.
PROGRAMS += libexec/posada/smtpd-queue
libexec/posada/smtpd-queue_SRCS := smtpd/queue_main.cc
libexec/posada/smtpd-queue_LIBS := smtpd service priv io proto base
libexec/posada/smtpd-queue_LDLIBS := -lsqlite3 -levent_core -lssl -lcrypto -lseccomp -lcap-ng -lfmt
