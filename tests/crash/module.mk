# SPDX-License-Identifier: BSD-2-Clause
# Crash tests (tests/crash/run.sh) and their helpers.
CRASH_LIBS := smtpd service auth store priv io proto base
TEST_PROGRAMS += tests/crash-states tests/crash-steps tests/crash-faults tests/crash-inject
tests/crash-states_SRCS := $(addprefix tests/crash/,states.cc states_run.cc scratch.cc mail_host.cc model.cc recorder.cc recorder_calls.cc)
tests/crash-states_LIBS := $(CRASH_LIBS)
tests/crash-states_LDLIBS = $(LAUNCHER_LDLIBS) -lsqlite3
tests/crash-steps_SRCS := $(addprefix tests/crash/,steps.cc kill_at_stop.cc scratch.cc mail_host.cc recorder.cc)
tests/crash-steps_LIBS := $(CRASH_LIBS)
tests/crash-steps_LDLIBS = $(LAUNCHER_LDLIBS) -lsqlite3
tests/crash-faults_SRCS := $(addprefix tests/crash/,faults.cc scratch.cc mail_host.cc recorder.cc recorder_calls.cc)
tests/crash-faults_LIBS := $(CRASH_LIBS)
tests/crash-faults_LDLIBS = $(LAUNCHER_LDLIBS) -lsqlite3
tests/crash-inject_SRCS := tests/crash/inject.cc
tests/crash-inject_LIBS := $(CRASH_LIBS)
tests/crash-inject_LDLIBS = $(LAUNCHER_LDLIBS) -lsqlite3
# The mailbox as POP3 sees it.
POP_CRASH_LIBS := pop3d service auth store priv io proto base
TEST_PROGRAMS += tests/crash-pop-states tests/crash-pop-steps tests/crash-pop-faults
tests/crash-pop-states_SRCS := $(addprefix tests/crash/,pop_states.cc states_run.cc scratch.cc pop_host.cc model.cc recorder.cc recorder_calls.cc)
tests/crash-pop-states_LIBS := $(POP_CRASH_LIBS)
tests/crash-pop-states_LDLIBS = $(LAUNCHER_LDLIBS)
tests/crash-pop-steps_SRCS := $(addprefix tests/crash/,pop_steps.cc kill_at_stop.cc scratch.cc pop_host.cc recorder.cc)
tests/crash-pop-steps_LIBS := $(POP_CRASH_LIBS)
tests/crash-pop-steps_LDLIBS = $(LAUNCHER_LDLIBS)
tests/crash-pop-faults_SRCS := $(addprefix tests/crash/,pop_faults.cc scratch.cc pop_host.cc recorder.cc recorder_calls.cc)
tests/crash-pop-faults_LIBS := $(POP_CRASH_LIBS)
tests/crash-pop-faults_LDLIBS = $(LAUNCHER_LDLIBS)
