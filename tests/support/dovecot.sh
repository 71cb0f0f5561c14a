#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's Dovecot, unpacked (never installed) under build/peers and started by hand on loopback, to compare with. It sees
# a mount namespace of its own, in which its files, its configuration and its two accounts stand where Debian puts them,
# so that Debian's settings hold; each one that differs is named in settings() with the reason. Needs root.
#     dovecot.sh unpack
#     dovecot.sh start DIR [option...]       prints the master's process id; log: DIR/log
#         --pop3 PORT --pop3s PORT --imap PORT --imaps PORT    on 127.0.0.1; a listener without a port is off
#         --users FILE       name:hash:uid:gid::home:: (Dovecot's passwd-file, hashes as in crypt(5))
#         --pam              PAM and passwd, Debian's default; behind --users if both are given
#         --account NAME:UID:HOME:HASH    an account that exists in the namespace only; PAM knows its hash
#         --cert FILE --key FILE          else a certificate for localhost is made
#         --mail LOCATION                 default maildir:~/Maildir (Debian: mbox)
#         --conf FILE                     settings that are added last
#     dovecot.sh run DIR COMMAND...          in its namespace: doveadm, or a server that shall see the same accounts
#     dovecot.sh stop DIR
# Exit status 77: not possible on this machine, with the reason on the last line; the caller says SKIP.
set -eu
cd "$(dirname "$0")/../.."
peer=$PWD/build/peers/dovecot
debs=$PWD/build/peers/debs

impossible() {
    echo "dovecot: $1" >&2
    exit 77
}

# Libraries that Debian's dependency list names and the machine lacks come along.
unpack() {
    [ -e "$peer/complete" ] && return
    mkdir -p "$debs" "$peer"
    exec 9>"${peer%/*}/dovecot.lock"
    flock 9
    [ -e "$peer/complete" ] && return
    fetch dovecot-core dovecot-pop3d dovecot-imapd
    local wanted
    wanted=$(dpkg-deb -f "$debs"/dovecot-core_*.deb Depends Pre-Depends | tr -s ':,|' '\n' | awk '$1 ~ /^lib/ {print $1}' |
        while read -r lib; do dpkg -s "$lib" >/dev/null 2>&1 || echo "$lib"; done | sort -u)
    # shellcheck disable=SC2086
    [ -z "$wanted" ] || fetch $wanted
    touch "$peer/complete"
}
fetch() { # PACKAGE...
    for package in "$@"; do
        (cd "$debs" && apt-get download "$package" >/dev/null 2>&1) || impossible "apt-get download $package failed"
        dpkg-deb -x "$debs/${package}"_*.deb "$peer"
    done
}

# Here: the two accounts of Debian's package and those of --account; all files of /etc but these are the machine's own.
accounts() { # DIR
    cp /etc/passwd /etc/group /etc/shadow "$1/etc/"
    for name in dovecot:61170 dovenull:61171; do
        echo "${name%:*}:x:${name#*:}:${name#*:}::/nonexistent:/usr/sbin/nologin" >>"$1/etc/passwd"
        echo "${name%:*}:x:${name#*:}:" >>"$1/etc/group"
    done
    for account in "${extra_accounts[@]}"; do
        IFS=: read -r name uid home hash <<<"$account"
        echo "$name:x:$uid:$uid::$home:/usr/sbin/nologin" >>"$1/etc/passwd"
        echo "$name:x:$uid:" >>"$1/etc/group"
        echo "$name:$hash:20000:0:99999:7:::" >>"$1/etc/shadow"
    done
    chmod 0640 "$1/etc/shadow"
    mkdir -p "$1/etc/pam.d"
    cp "$peer/etc/pam.d/dovecot" packaging/pam.d/* "$1/etc/pam.d/"
}

# Where Debian's installation links the machine's snakeoil certificate.
certificate() { # DIR
    local private=$1/etc/dovecot/private
    mkdir -p "$private"
    if [ -n "$cert" ]; then
        cp "$cert" "$private/dovecot.pem"
        cp "$key" "$private/dovecot.key"
        return
    fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$private/dovecot.key" -out "$private/dovecot.pem" \
        2>/dev/null
}

# Debian's files as its package configures them, plus local.conf, which they include last.
configure() { # DIR
    local etc=$1/etc/dovecot
    cp -r "$peer/usr/share/dovecot/conf.d" "$peer/usr/share/dovecot/dovecot.conf" "$etc/"
    local sources=""
    [ -z "$users" ] || sources="!include auth-passwdfile.conf.ext"
    [ -z "$pam" ] || sources="$sources\n!include auth-system.conf.ext"
    sed -i "s|^!include auth-system.conf.ext|$sources|" "$etc/conf.d/10-auth.conf"
    [ -z "$users" ] || sed -i "s|/etc/dovecot/users|$users|" "$etc/conf.d/auth-passwdfile.conf.ext"
    settings "$1" >"$etc/local.conf"
    [ -z "$conf" ] || cat "$conf" >>"$etc/local.conf"
}

settings() { # DIR
    cat <<END
# Debian's packages list the protocols by files that their installation makes.
protocols =$protocols
# This machine's other servers and networks are left alone.
listen = 127.0.0.1
# Debian's default is mbox; this is what is compared.
mail_location = $mail
# No syslog here.
log_path = $1/log
# /var/lib is not writable for an unpacked program.
state_dir = $1/state
service pop3-login {
  inet_listener pop3 {
    port = ${port[pop3]}
  }
  inet_listener pop3s {
    port = ${port[pop3s]}
  }
}
service imap-login {
  inet_listener imap {
    port = ${port[imap]}
  }
  inet_listener imaps {
    port = ${port[imaps]}
  }
}
END
}

options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --pop3 | --pop3s | --imap | --imaps) port[${1#--}]=$2 ;;
        --users) users=$(realpath "$2") ;;
        --pam) pam=1 && shift && continue ;;
        --account) extra_accounts+=("$2") ;;
        --cert) cert=$(realpath "$2") ;;
        --key) key=$(realpath "$2") ;;
        --mail) mail=$2 ;;
        --conf) conf=$(realpath "$2") ;;
        *) echo "dovecot.sh: unknown option $1" >&2 && exit 64 ;;
        esac
        shift 2
    done
    [ "${port[pop3]}${port[pop3s]}" = 00 ] || protocols="$protocols pop3"
    [ "${port[imap]}${port[imaps]}" = 00 ] || protocols="$protocols imap"
    [ -n "$users" ] || pam=1
}

start() { # DIR [option...]
    local dir
    mkdir -p "$1"
    dir=$(realpath "$1")
    shift
    options "$@"
    rm -rf "$dir/etc" "$dir/run"
    mkdir -p "$dir/etc" "$dir/run/dovecot" "$dir/state"
    accounts "$dir"
    certificate "$dir"
    configure "$dir"
    ulimit -n "$(ulimit -Hn)"
    PEER=$peer DIR=$dir unshare --mount --propagation private bash -ec '
        mount -t overlay -o "lowerdir=$PEER/usr:/usr" none /usr
        mount -t overlay -o "lowerdir=$DIR/etc:/etc" none /etc
        mount --bind "$DIR/run" /run
        [ ! -d "$PEER/lib/x86_64-linux-gnu" ] || export LD_LIBRARY_PATH=$PEER/lib/x86_64-linux-gnu
        unset PEER DIR
        exec /usr/sbin/dovecot' </dev/null >"$dir/start.log" 2>&1 9>&- || {
        cat "$dir/start.log" >&2
        impossible "did not start"
    }
    # It answers from here on, and writes its number a moment later.
    for _ in $(seq 100); do
        [ -s "$dir/run/dovecot/master.pid" ] && break
        sleep 0.05
    done
    cat "$dir/run/dovecot/master.pid"
}

[ $# -gt 0 ] || { sed -n '3,17p' "$0" >&2 && exit 64; }
declare -A port=([pop3]=0 [pop3s]=0 [imap]=0 [imaps]=0)
extra_accounts=()
users='' pam='' cert='' key='' conf='' protocols='' mail='maildir:~/Maildir'
command=$1
shift
[ "$(id -u)" -eq 0 ] || impossible "only root can start it"
unshare --mount true 2>/dev/null || impossible "no mount namespaces here"
case $command in
unpack) unpack ;;
start)
    unpack
    start "$@"
    ;;
run)
    pid=$(cat "$1/run/dovecot/master.pid")
    shift
    exec nsenter --mount --target "$pid" -- "$@"
    ;;
stop)
    pid=$(cat "$1/run/dovecot/master.pid")
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    ;;
*) echo "dovecot.sh: unknown command $command" >&2 && exit 64 ;;
esac
