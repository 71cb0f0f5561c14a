# SPDX-License-Identifier: BSD-2-Clause
# make install DESTDIR= PREFIX=/usr SYSCONFDIR=/etc; make uninstall with the same three.
SYSCONFDIR ?= /etc
INSTALL_ENV = DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" SYSCONFDIR="$(SYSCONFDIR)" BUILD="$(B)" PROGRAMS="$(PROGRAMS)"

install: all
	@$(INSTALL_ENV) packaging/install.sh install
uninstall:
	@$(INSTALL_ENV) packaging/install.sh uninstall

.PHONY: install uninstall
