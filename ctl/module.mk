# SPDX-License-Identifier: BSD-2-Clause
# posada: the administrator's program, and the demo.
PROGRAMS += bin/posada
bin/posada_SRCS := $(sort $(wildcard ctl/*.cc)) $(wildcard smtpd/options*.cc pop3d/options*.cc)
bin/posada_LIBS := service auth store priv io proto base
bin/posada_LDLIBS := -levent_core -lssl -lcrypto -lseccomp -lcap-ng -lcrypt -lpam -ltomlplusplus -lfmt
