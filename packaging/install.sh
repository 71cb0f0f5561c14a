#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# install.sh install|uninstall, called by make with DESTDIR, PREFIX, SYSCONFDIR, BUILD and PROGRAMS in the environment.
# Every file put below DESTDIR is written to a manifest, which is all that uninstall removes. Configuration that exists is
# never overwritten; configuration, spool, mail and keys are never removed.
set -eu
manifest_path=$PREFIX/share/posada/manifest
manifest=$DESTDIR$manifest_path
umask 022

put() { # mode source target
    mkdir -p "$DESTDIR$(dirname "$3")"
    install -m "$1" "$2" "$DESTDIR$3"
    echo "$3" >>"$manifest"
}

# A file with @PREFIX@ and @SYSCONFDIR@ in it.
put_filled() { # mode source target
    filled=$(mktemp)
    sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@SYSCONFDIR@|$SYSCONFDIR|g" "$2" >"$filled"
    put "$1" "$filled" "$3"
    rm -f "$filled"
}

put_config() { # mode source target: the administrator's once it is there
    if [ -e "$DESTDIR$3" ]; then
        echo "kept $DESTDIR$3"
        return
    fi
    mkdir -p "$DESTDIR$(dirname "$3")"
    install -m "$1" "$2" "$DESTDIR$3"
}

do_install() {
    mkdir -p "$(dirname "$manifest")"
    : >"$manifest"
    for program in $PROGRAMS; do put 0755 "$BUILD/$program" "$PREFIX/$program"; done
    for page in man/*.[1578]; do
        [ -e "$page" ] || continue
        put 0644 "$page" "$PREFIX/share/man/man${page##*.}/$(basename "$page")"
    done
    for unit in packaging/systemd/*; do put_filled 0644 "$unit" "$PREFIX/lib/systemd/system/$(basename "$unit")"; done
    put 0644 packaging/sysusers.d/posada.conf "$PREFIX/lib/sysusers.d/posada.conf"
    put 0644 packaging/tmpfiles.d/posada.conf "$PREFIX/lib/tmpfiles.d/posada.conf"
    for doc in README.md ARCHITECTURE.md SECURITY.md CHANGES.md LICENSE packaging/posada.toml packaging/posada.toml.example; do
        put 0644 "$doc" "$PREFIX/share/doc/posada/$(basename "$doc")"
    done
    put_filled 0644 packaging/inetd/inetd.conf "$PREFIX/share/doc/posada/inetd.conf"
    put_config 0640 packaging/posada.toml "$SYSCONFDIR/posada/posada.toml"
    for pam in packaging/pam.d/*; do
        [ -e "$pam" ] && put_config 0644 "$pam" "$SYSCONFDIR/pam.d/$(basename "$pam")"
    done
    echo "$manifest_path" >>"$manifest"
    echo "installed $(wc -l <"$manifest") files below ${DESTDIR:-/}"
    [ -n "$DESTDIR" ] || cat <<EOF
Next: systemd-sysusers posada.conf && systemd-tmpfiles --create posada.conf
      posada check      # is the configuration right?
      systemctl daemon-reload && systemctl enable --now posada.service
EOF
}

do_uninstall() {
    [ -r "$manifest" ] || { echo "no manifest $manifest: nothing to remove" >&2; exit 1; }
    copy=$(mktemp)
    cp "$manifest" "$copy"
    while read -r path; do rm -f "$DESTDIR$path"; done <"$copy"
    # Folders of our own, if they are empty now; the deepest first.
    sed 's|/[^/]*$||' "$copy" | grep posada | sort -ur | while read -r folder; do
        rmdir "$DESTDIR$folder" 2>/dev/null || true
    done
    echo "removed $(wc -l <"$copy") files"
    rm -f "$copy"
    echo "kept: $SYSCONFDIR/posada, $SYSCONFDIR/pam.d/posada-*, /var/lib/posada (mail and spool)"
}

case ${1:-} in
install) do_install ;;
uninstall) do_uninstall ;;
*) echo "usage: install.sh install|uninstall" >&2; exit 64 ;;
esac
