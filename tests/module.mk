# SPDX-License-Identifier: BSD-2-Clause
# Unit tests: tests/unit/<path>_test.cc tests <path>.cc; one GoogleTest program per area: make $(B)/tests/unit-proto
UNIT_AREAS := base proto io priv store auth service
GTEST_LIBS := -lgtest -lgtest_main -lpthread
define unit_area
TEST_PROGRAMS += tests/unit-$(1)
tests/unit-$(1)_SRCS := $(sort $(wildcard tests/unit/$(2)/*_test.cc tests/unit/$(2)/*/*_test.cc))
tests/unit-$(1)_LIBS := $(3)
tests/unit-$(1)_LDLIBS := $(GTEST_LIBS) $(4)
endef
$(eval $(call unit_area,base,common/base,base,-lfmt))
$(eval $(call unit_area,proto,common/proto,proto base,-lfmt))
$(eval $(call unit_area,io,common/io,io base,-levent_core -lssl -lcrypto -lfmt))
$(eval $(call unit_area,priv,common/priv,priv base,-lseccomp -lfmt))
$(eval $(call unit_area,store,common/store,store base,-lcrypto -lfmt))
$(eval $(call unit_area,auth,common/auth,auth base,-lcrypt -lpam -lcrypto -lfmt))
$(eval $(call unit_area,service,common/service,service auth store priv io proto base,-levent_core -lssl -lcrypto -lseccomp -lcrypt -lpam -lfmt))

include tests/support/echod/module.mk

# auth-probe: one PAM login as a monitor makes it; tests/interop/pam_*.sh.
TEST_PROGRAMS += tests/auth-probe
tests/auth-probe_SRCS := tests/support/auth_probe/main.cc
tests/auth-probe_LIBS := auth base
tests/auth-probe_LDLIBS := -lcrypt -lpam -lcrypto -lfmt

# The tables of SECURITY.md, as the programs enforce them; tests/priv compares.
TEST_PROGRAMS += tests/print-tables
tests/print-tables_SRCS := tests/priv/print_tables.cc
tests/print-tables_LIBS = $(DAEMONS) service auth store priv io proto base
tests/print-tables_LDLIBS = $(LAUNCHER_LDLIBS) -lsqlite3

# The dialog stage: mailboxes on disk.
TEST_PROGRAMS += tests/write-mailbox
tests/write-mailbox_SRCS := tests/support/write_mailbox.cc tests/support/mailboxes.cc

TEST_PROGRAMS += tests/bare-loops
tests/bare-loops_SRCS := tests/bench/bare_loops.cc
tests/bare-loops_LDLIBS := -lsqlite3
TEST_PROGRAMS += tests/pop3-load
tests/pop3-load_SRCS := tests/bench/pop3_load.cc
tests/pop3-load_LDLIBS := -lssl -lcrypto
TEST_PROGRAMS += tests/ftp-load
tests/ftp-load_SRCS := tests/bench/ftp_load.cc
tests/ftp-load_LDLIBS := -lssl -lcrypto -lpthread
TEST_PROGRAMS += tests/core-load
tests/core-load_SRCS := tests/bench/core_load.cc
tests/core-load_LDLIBS := -lssl -lcrypto

# The tables of posada.toml(5), posada-log(5) and the example file; tests/docs compares.
TEST_PROGRAMS += tests/print-docs
tests/print-docs_SRCS := tests/docs/print_docs.cc ctl/sections.cc $(DAEMON_OPTIONS)
tests/print-docs_LIBS := $(DAEMONS) service auth store priv io proto base
tests/print-docs_LDLIBS = $(LAUNCHER_LDLIBS)

include tests/fuzz/module.mk
include tests/crash/module.mk

# inject: a system call in another process's name, for tests/priv.
TEST_PROGRAMS += tests/inject
tests/inject_SRCS := tests/priv/inject.cc
tests/inject_LDLIBS := -lseccomp

# The attacker inside (tests/attack/inside.py): a net program under its client's orders.
TEST_PROGRAMS += tests/puppet-net
tests/puppet-net_SRCS := tests/support/puppet/net_main.cc
tests/puppet-net_LIBS = echod pop3d smtpd $(NET_LIBS)
tests/puppet-net_LDLIBS = $(NET_LDLIBS)

# And an agent that lies (tests/attack/lies.py): its own MailAgent::serve comes before pop3d's.
TEST_PROGRAMS += tests/liar-pop3d
tests/liar-pop3d_SRCS := pop3d/main.cc tests/support/liar/agent.cc
tests/liar-pop3d_LIBS = pop3d $(LAUNCHER_LIBS)
tests/liar-pop3d_LDLIBS = $(LAUNCHER_LDLIBS)
tests/liar-pop3d_LDFLAGS := -Wl,--allow-multiple-definition
