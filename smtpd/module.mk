# SPDX-License-Identifier: BSD-2-Clause
# smtpd: everything but the main files is one archive, of which each program takes what it refers to: the net programs
# get no spool and no deliver, the launcher gets no protocol.
LIBRARIES += smtpd
smtpd_SRCS := $(sort $(filter-out smtpd/main.cc smtpd/%_main.cc,$(wildcard smtpd/*.cc)))

# program_SRCS, its posada libraries, its system ones: name, main file, libraries, system libraries
define smtpd_program
PROGRAMS += $(1)
$(1)_SRCS := $(2)
$(1)_LIBS := smtpd $(3)
$(1)_LDLIBS := $(4)
endef
$(eval $(call smtpd_program,sbin/smtpd,smtpd/main.cc,$(LAUNCHER_LIBS),$(LAUNCHER_LDLIBS)))
$(eval $(call smtpd_program,libexec/posada/smtpd-net,smtpd/net_main.cc,$(NET_LIBS),$(NET_LDLIBS)))
$(eval $(call smtpd_program,libexec/posada/smtpd-submission-net,smtpd/submission_net_main.cc,$(NET_LIBS),$(NET_LDLIBS)))
$(eval $(call smtpd_program,libexec/posada/smtpd-queue,smtpd/queue_main.cc,$(NET_LIBS),$(NET_LDLIBS) -lsqlite3))
$(eval $(call smtpd_program,libexec/posada/smtpd-relay,smtpd/relay_main.cc,$(NET_LIBS),$(NET_LDLIBS)))

TEST_PROGRAMS += tests/unit-smtpd
tests/unit-smtpd_SRCS := $(sort $(wildcard tests/unit/smtpd/*_test.cc)) tests/support/dialog.cc
tests/unit-smtpd_LIBS := smtpd service auth store priv io proto base
tests/unit-smtpd_LDLIBS = $(GTEST_LIBS) $(LAUNCHER_LDLIBS) -lsqlite3
