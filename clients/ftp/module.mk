# SPDX-License-Identifier: BSD-2-Clause
# ftp: the command-line client.
PROGRAMS += bin/ftp
LIBRARIES += ftp
ftp_SRCS := $(sort $(filter-out clients/ftp/main.cc,$(wildcard clients/ftp/*.cc)))
bin/ftp_SRCS := clients/ftp/main.cc
bin/ftp_LIBS := ftp proto io base
bin/ftp_LDLIBS := -levent_core -lssl -lcrypto

TEST_PROGRAMS += tests/unit-ftp
tests/unit-ftp_SRCS := $(sort $(wildcard tests/unit/clients/ftp/*_test.cc))
tests/unit-ftp_LIBS := ftp proto io base
tests/unit-ftp_LDLIBS := -lgtest -lgtest_main -lpthread $(bin/ftp_LDLIBS)
