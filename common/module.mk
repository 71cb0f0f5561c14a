# SPDX-License-Identifier: BSD-2-Clause
# The common library, one archive per room. Arrows: base <- {proto, io, priv, store, auth} <- service <- daemons.
LIBRARIES += base proto io priv store auth service
$(foreach room,base proto io priv store auth service,$(eval $(room)_SRCS := $(sort $(wildcard common/$(room)/*.cc common/$(room)/*/*.cc))))
EVENT_LIBS := -levent_core
TLS_LIBS := -lssl -lcrypto
# What the two link units of a daemon are made of. The net program gets no auth, no store and no PAM; archives hand over
# only the objects that are referred to, and tests/priv reads the result's symbols.
NET_LIBS := service proto priv io base
# Few mappings: each one is copied and thrown away for every connection. NET_LINK=static leaves none, and is for who
# rebuilds when OpenSSL is mended.
NET_LINK ?= shared
NET_LDLIBS_shared := -static-libstdc++ -static-libgcc -levent_core -lssl -lcrypto -l:libseccomp.a
NET_LDLIBS_static := -static-pie -Wl,--no-warnings -levent_core -lssl -lcrypto -lseccomp
NET_LDLIBS := $(if $(filter asan fuzz,$(MODE)),-levent_core -lssl -lcrypto -lseccomp,$(NET_LDLIBS_$(NET_LINK)))
LAUNCHER_LIBS := service auth store priv io base
LAUNCHER_LDLIBS := -levent_core -lssl -lcrypto -lseccomp -lcrypt -lpam -lfmt

# Every daemon's folder: what posadad, posada and the tests of the configuration link of it are its options.
DAEMONS := smtpd pop3d ftpd
DAEMON_OPTIONS := $(wildcard $(DAEMONS:%=%/options*.cc))

# $(call daemon_programs,LIST,NAME,FOLDER): sbin/NAME and libexec/posada/NAME-net, appended to LIST. Everything in the
# folder but the two main files is one archive, of which each program takes what it refers to: the net program gets no
# agent and no account, the launcher no protocol.
define daemon_programs
LIBRARIES += $(2)
$(2)_SRCS := $(sort $(filter-out $(3)/main.cc $(3)/net_main.cc,$(wildcard $(3)/*.cc)))
$(1) += sbin/$(2) libexec/posada/$(2)-net
sbin/$(2)_SRCS := $(3)/main.cc
sbin/$(2)_LIBS := $(2) $(LAUNCHER_LIBS)
sbin/$(2)_LDLIBS := $(LAUNCHER_LDLIBS)
libexec/posada/$(2)-net_SRCS := $(3)/net_main.cc
libexec/posada/$(2)-net_LIBS := $(2) $(NET_LIBS)
libexec/posada/$(2)-net_LDLIBS := $(NET_LDLIBS)
endef
