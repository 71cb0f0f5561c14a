#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's Postfix, unpacked (never installed) under build/peers and started by hand on loopback, with Debian's default
# main.cf and master.cf values: chroot off as in Debian 12's "y" column would need a copied system; durability as shipped.
# Delivery by local(8) into a Maildir of an existing account. Usage:
#     postfix.sh start DIR PORT USER   prints the master's pid;   postfix.sh stop DIR
set -eu
cd "$(dirname "$0")/../.."
peer=$PWD/build/peers/postfix

unpack() {
    [ -x "$peer/usr/lib/postfix/sbin/master" ] && return
    mkdir -p build/peers/debs
    (cd build/peers/debs && apt-get download postfix >/dev/null)
    for deb in build/peers/debs/postfix_*.deb; do dpkg-deb -x "$deb" "$peer"; done
}

configure() { # DIR PORT USER
    mkdir -p "$1/etc" "$1/queue" "$1/data" "$1/mail"
    cp -r "$peer/etc/postfix/." "$1/etc/"
    cp "$peer/usr/share/postfix/main.cf.dist" "$1/etc/main.cf.proto" 2>/dev/null || true
    install -d -o "$3" -m 0700 "$1/mail/$3"
    chown "$mail_owner" "$1/data"
    cat >"$1/etc/main.cf" <<EOF
compatibility_level = 3.6
queue_directory = $1/queue
data_directory = $1/data
command_directory = $peer/usr/sbin
daemon_directory = $peer/usr/lib/postfix/sbin
meta_directory = $1/etc
shlib_directory = $peer/usr/lib/postfix
mail_owner = $mail_owner
setgid_group = $setgid_group
myhostname = bench.test
mydestination = bench.test
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
local_recipient_maps = unix:passwd.byname
mail_spool_directory = $1/mail/
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH
biff = no
append_dot_mydomain = no
mailbox_size_limit = 0
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
maillog_file = $1/mail.log
maillog_file_prefixes = $1
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
EOF
    cat >"$1/etc/master.cf" <<EOF
127.0.0.1:$2 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
EOF
}

# Two existing accounts that nothing else uses: Postfix insists on an owner and a group of its own.
mail_owner=list
setgid_group=irc
export LD_LIBRARY_PATH=$peer/usr/lib/postfix
case $1 in
unpack) unpack ;;
start)
    unpack
    configure "$2" "$3" "$4"
    for folder in active bounce corrupt defer deferred flush hold incoming private saved trace; do
        install -d -o "$mail_owner" -m 0700 "$2/queue/$folder"
    done
    install -d -m 0755 "$2/queue/pid"
    install -d -o "$mail_owner" -g "$setgid_group" -m 0730 "$2/queue/maildrop"
    install -d -o "$mail_owner" -g "$setgid_group" -m 0710 "$2/queue/public"
    MAIL_CONFIG=$2/etc "$peer/usr/lib/postfix/sbin/master" -c "$2/etc" -w
    cat "$2/queue/pid/master.pid"
    ;;
stop)
    pid=$(tr -d ' ' <"$2/queue/pid/master.pid")
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    ;;
*) echo "usage: $0 start DIR PORT USER | stop DIR" >&2; exit 64 ;;
esac
