# SPDX-License-Identifier: BSD-2-Clause
# The common library, one archive per room. Arrows: base <- {proto, io, priv, store, auth, who} <- service <- daemons.
LIBRARIES += base proto io priv store auth who service
$(foreach room,base proto io priv store auth who service,$(eval $(room)_SRCS := $(sort $(wildcard common/$(room)/*.cc))))
EVENT_LIBS := -levent_core
TLS_LIBS := -lssl -lcrypto
# What the two link units of a daemon are made of. The net program gets no auth, no store and no PAM; archives hand over
# only the objects that are referred to, and tests/priv reads the result's symbols.
NET_LIBS := service proto priv io base
NET_LDLIBS := -levent_core -lssl -lcrypto -lseccomp -lfmt
LAUNCHER_LIBS := service auth store priv io base
LAUNCHER_LDLIBS := -levent_core -lssl -lcrypto -lseccomp -lcrypt -lpam -lfmt
