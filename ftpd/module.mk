# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call daemon_programs,PROGRAMS,ftpd,ftpd))

TEST_PROGRAMS += tests/unit-ftpd
tests/unit-ftpd_SRCS := $(sort $(wildcard tests/unit/ftpd/*_test.cc)) tests/support/dialog.cc
tests/unit-ftpd_LIBS := ftpd service auth store priv io proto base
tests/unit-ftpd_LDLIBS = $(GTEST_LIBS) $(LAUNCHER_LDLIBS)
