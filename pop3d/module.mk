# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call daemon_programs,PROGRAMS,pop3d,pop3d))

TEST_PROGRAMS += tests/unit-pop3d
tests/unit-pop3d_SRCS := $(sort $(wildcard tests/unit/pop3d/*_test.cc)) tests/support/dialog.cc tests/support/mailboxes.cc
tests/unit-pop3d_LIBS := pop3d service auth store priv io proto base
tests/unit-pop3d_LDLIBS = $(GTEST_LIBS) $(LAUNCHER_LDLIBS)
