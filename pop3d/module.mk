# SPDX-License-Identifier: BSD-2-Clause
# pop3d: everything but the main files is one archive, of which each program takes what it refers to: the net program
# gets no agent and no Maildir, the launcher gets no protocol.
LIBRARIES += pop3d
pop3d_SRCS := $(sort $(filter-out pop3d/main.cc pop3d/net_main.cc,$(wildcard pop3d/*.cc)))

PROGRAMS += sbin/pop3d libexec/posada/pop3d-net
sbin/pop3d_SRCS := pop3d/main.cc
sbin/pop3d_LIBS := pop3d $(LAUNCHER_LIBS)
sbin/pop3d_LDLIBS = $(LAUNCHER_LDLIBS)
libexec/posada/pop3d-net_SRCS := pop3d/net_main.cc
libexec/posada/pop3d-net_LIBS := pop3d $(NET_LIBS)
libexec/posada/pop3d-net_LDLIBS = $(NET_LDLIBS)

TEST_PROGRAMS += tests/unit-pop3d
tests/unit-pop3d_SRCS := $(sort $(wildcard tests/unit/pop3d/*_test.cc)) tests/support/dialog.cc tests/support/mailboxes.cc
tests/unit-pop3d_LIBS := pop3d service auth store priv io proto base
tests/unit-pop3d_LDLIBS = $(GTEST_LIBS) $(LAUNCHER_LDLIBS)
