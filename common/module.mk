# SPDX-License-Identifier: BSD-2-Clause
# The common library, one archive per room. Arrows: base <- {proto, io, priv, store, auth, who} <- service <- daemons.
LIBRARIES += base proto io priv store auth who service
$(foreach room,base proto io priv store auth who service,$(eval $(room)_SRCS := $(sort $(wildcard common/$(room)/*.cc))))
EVENT_LIBS := -levent_core
TLS_LIBS := -lssl -lcrypto
