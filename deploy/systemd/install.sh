#!/bin/sh
# Installs bedrock-watch as a service of the machine, upgrades it in place, or takes it away; --help says how.
#
# Each version has a directory of its own below /opt/bedrock-watch/releases, and /opt/bedrock-watch/current is the one
# in use: an upgrade that does not start is undone by pointing back.  Everything is done in main(), at the end, so
# that the shell has read this file before the file is replaced.
set -eu

NAME=bedrock-watch
OPT=/opt/$NAME
ETC=/etc/$NAME
STATE=/var/lib/$NAME
LINK=/usr/local/bin/$NAME
UNITS=/usr/local/lib/systemd/system
HERE=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<END
usage: install.sh [--wheelhouse DIR] [--python PYTHON]
       install.sh --uninstall [--purge]

Installs bedrock-watch and its systemd service, or upgrades what is installed.  Needs root, systemd 252 or later, and
Python 3.11 or later with its venv module.  Doing it again does no harm.

  --wheelhouse DIR   install from the wheels in DIR, made by \`make wheelhouse\`, without a network;
                     by default from the checkout around this script, and what it needs from the package index
  --python PYTHON    the interpreter to install with; by default python3, or the newest python3.N that will do
  --uninstall        take the program and the service away; $STATE and $ETC are kept
  --purge            with --uninstall: delete those too, with the user and the group $NAME
  --help             print this
END
}

say() { printf '%s\n' "$NAME: $*"; }

fail() { # what happened, what next
    printf '%s\n' "install.sh: $1" >&2
    [ $# -lt 2 ] || printf '  %s\n' "$2" >&2
    exit 1
}

running_systemd() { [ -d /run/systemd/system ]; }

systemd_version() { systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'; }

# Where the parts of a release are put, from its own copies of them: "from" and "to" on each line.
parts() {
    cat <<END
deploy/$NAME.service $UNITS/$NAME.service
deploy/$NAME.service.d/growing-delay.conf $UNITS/$NAME.service.d/growing-delay.conf
deploy/sysusers.conf /usr/local/lib/sysusers.d/$NAME.conf
deploy/tmpfiles.conf /usr/local/lib/tmpfiles.d/$NAME.conf
share/$NAME.1 /usr/local/share/man/man1/$NAME.1
share/$NAME.bash /usr/local/share/bash-completion/completions/$NAME
share/$NAME.zsh /usr/local/share/zsh/site-functions/_$NAME
share/$NAME.fish /etc/fish/completions/$NAME.fish
END
}

find_python() { # prints the interpreter to use
    for candidate in ${1:-python3 python3.15 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import ensurepip, venv' 2>/dev/null ||
                fail "$candidate has no venv module" "on Debian and Ubuntu: apt-get install python3-venv"
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or later${1:+ at $1}" "install one, or name it: --python /path/to/python3.12"
}

# Make directory $1, and remember which of its parents were not there: --uninstall takes these away again.
make_directory() {
    [ ! -d "$1" ] || return 0
    make_directory "$(dirname "$1")"
    mkdir -m 755 "$1"
    printf '%s\n' "$1" >>"$OPT/made"
}

# Make the release in directory $1 with the interpreter $2, from wheelhouse $3 or, when that is empty, the checkout.
make_release() {
    release=$1 wheelhouse=$3
    "$2" -m venv "$release"
    set -- "$release/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir install --no-deps
    [ -z "$wheelhouse" ] || set -- "$@" --no-index --find-links "$wheelhouse"
    # The hashes of the lock say that what is installed is what was tested.
    "$@" --require-hashes --requirement "$HERE/requirements.lock"
    if [ -n "$wheelhouse" ]; then "$@" $NAME; else "$@" "$HERE/../.."; fi
    mkdir "$release/deploy" "$release/share"
    cp -R "$HERE/." "$release/deploy/"
    "$release/bin/$NAME" man >"$release/share/$NAME.1"
    for shell in bash zsh fish; do
        "$release/bin/$NAME" completion "$shell" >"$release/share/$NAME.$shell"
    done
    # A delay that grows is new in systemd 254; older ones would complain about it at each start.
    [ "$(systemd_version)" -ge 254 ] || rm -r "$release/deploy/$NAME.service.d"
    chmod -R u=rwX,go=rX "$release"
}

# Put the release $1 in place: its unit, its completions, its manual page, and itself.
switch_to() {
    parts | while read -r from to; do
        if [ -e "$1/$from" ]; then
            make_directory "$(dirname "$to")"
            install -m 644 "$1/$from" "$to"
        else
            rm -f "$to"
        fi
    done
    # A symbolic link is replaced by renaming another: there is no moment without one.
    ln -sfn "$1" "$OPT/.current"
    mv -T "$OPT/.current" "$OPT/current"
    make_directory /usr/local/bin
    ln -sfn "$OPT/current/bin/$NAME" $LINK
    ! running_systemd || systemctl daemon-reload
}

write_configuration() {
    [ ! -e "$ETC/config.toml" ] || return 0
    "$OPT/current/bin/$NAME" config init - |
        sed "s|^#state_dir = .*|state_dir = \"$STATE\"|" >"$ETC/config.toml.new"
    chown "root:$NAME" "$ETC/config.toml.new"
    chmod 640 "$ETC/config.toml.new"
    mv "$ETC/config.toml.new" "$ETC/config.toml"
}

let_the_group_read() { # a configuration that was there before
    [ -e "$ETC/config.toml" ] && ! setpriv --reuid=$NAME --regid=$NAME --init-groups test -r "$ETC/config.toml" || return 0
    chgrp $NAME "$ETC/config.toml"
    chmod g+r "$ETC/config.toml"
    say "$ETC/config.toml: the group may read it now, as the service has to"
}

schema() { # prints the version of the database's schema; nothing when there is no database
    [ ! -e "$STATE/$NAME.db" ] || "$1/bin/python" -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$STATE/$NAME.db"
}

copy_database() { # release, from, to; as SQLite does it, whoever else uses it
    "$1/bin/python" -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))' "$2" "$3"
}

# Start the release $1 in place of $2; when it does not start, point back to $2, with the database that $2 can read.
upgrade() {
    say "stopping the service for the upgrade"
    systemctl stop $NAME
    kept=$OPT/before-upgrade
    rm -rf "$kept"
    install -d -m 700 "$kept"
    before=$(schema "$1")
    [ -z "$before" ] || copy_database "$1" "$STATE/$NAME.db" "$kept/$NAME.db"
    switch_to "$1"
    if systemctl start $NAME; then
        rm -rf "$kept"
        return
    fi
    last_words
    systemctl stop $NAME
    switch_to "$2"
    [ "$(schema "$1")" = "$before" ] || copy_database "$1" "$kept/$NAME.db" "$STATE/$NAME.db"
    rm -rf "$kept" "$1"
    systemctl start $NAME
    fail "the new version does not start (its last words are above)" "the old one runs again"
}

last_words() { # journald may not have written them yet
    journalctl --sync 2>/dev/null || true
    journalctl --no-pager --output=cat --unit=$NAME --lines=20 >&2 || true
}

install_or_upgrade() { # python, wheelhouse
    [ ! -e $LINK ] || [ "$(readlink $LINK)" = "$OPT/current/bin/$NAME" ] ||
        fail "$LINK exists, and is not from here" "remove it first (pipx uninstall $NAME?)"
    python=$(find_python "$1")
    old=$(readlink "$OPT/current" || true)
    new=$OPT/releases/$(date -u +%Y%m%dT%H%M%SZ)-$$
    mkdir -p "$OPT/releases"
    trap 'rm -rf "$new"; rmdir --ignore-fail-on-non-empty "$OPT/releases" "$OPT"' EXIT
    trap 'exit 130' INT TERM
    say "making $new"
    make_release "$new" "$python" "$2"
    if [ -e "$ETC/config.toml" ] && ! "$new/bin/$NAME" --config "$ETC/config.toml" config check >/dev/null; then
        fail "nothing was changed: $ETC/config.toml has to be corrected first (above)"
    fi
    systemd-sysusers "$new/deploy/sysusers.conf"
    systemd-tmpfiles --create "$new/deploy/tmpfiles.conf"
    trap - EXIT INT TERM
    let_the_group_read
    if [ -n "$old" ] && running_systemd && systemctl --quiet is-active $NAME; then
        upgrade "$new" "$old"
    else
        switch_to "$new"
        write_configuration
        [ -n "$old" ] || systemctl --quiet enable $NAME
        # One that was stopped and disabled by somebody stays so.
        if running_systemd && systemctl --quiet is-enabled $NAME && ! systemctl start $NAME; then
            last_words
            fail "installed, but the service does not start (its last words are above)" "then: systemctl start $NAME"
        fi
    fi
    for release in "$OPT"/releases/*; do
        [ "$release" = "$new" ] || rm -rf "$release"
    done
    report "$old"
}

report() { # the release that was replaced, if any
    if ! running_systemd; then
        state="it starts with the machine; systemd does not run here"
    elif systemctl --quiet is-active $NAME; then
        state="it runs: systemctl status $NAME"
    else
        state="it does not run: systemctl enable --now $NAME"
    fi
    say "$([ -n "$1" ] && echo upgraded to || echo installed) $("$OPT/current/bin/$NAME" --version | sed 's/.* //'); $state"
    [ -z "$1" ] || return 0
    say "configuration: $ETC/config.toml; after a change: systemctl reload $NAME"
    say "to use the program without sudo: usermod -aG $NAME USER, and log in anew"
    say "to take it away: $OPT/current/deploy/install.sh --uninstall"
}

uninstall() { # "purge" or nothing
    systemctl --quiet disable $NAME 2>/dev/null || true
    ! running_systemd || systemctl --quiet stop $NAME 2>/dev/null || true
    parts | while read -r _ to; do rm -f "$to"; done
    [ "$(readlink $LINK || true)" != "$OPT/current/bin/$NAME" ] || rm -f $LINK
    if [ -e "$OPT/made" ]; then
        sort -r "$OPT/made" | while read -r directory; do
            rmdir --ignore-fail-on-non-empty "$directory"
        done
    fi
    rm -rf "$OPT"
    if [ "$1" = purge ]; then
        # What `systemctl edit` and `systemctl edit --full` have made of the unit goes too.
        rm -rf $STATE $ETC /etc/systemd/system/$NAME.service.d /etc/systemd/system/$NAME.service
        ! getent passwd $NAME >/dev/null || userdel $NAME
        ! getent group $NAME >/dev/null || groupdel $NAME
    fi
    if running_systemd; then
        systemctl daemon-reload
        systemctl reset-failed $NAME 2>/dev/null || true
    fi
    if [ "$1" = purge ]; then
        say "uninstalled; nothing is left"
    else
        say "uninstalled; kept: $ETC, $STATE, the user $NAME (--uninstall --purge deletes them)"
    fi
}

main() {
    wheelhouse='' python='' action=install purge=''
    while [ $# -gt 0 ]; do
        case $1 in
        --wheelhouse | --python)
            [ $# -ge 2 ] || fail "$1 needs a value" "see --help"
            [ "$1" = --python ] && python=$2 || wheelhouse=$2
            shift
            ;;
        --uninstall) action=uninstall ;;
        --purge) purge=purge ;;
        --help | -h)
            usage
            exit
            ;;
        *) fail "unknown option: $1" "see --help" ;;
        esac
        shift
    done
    [ -z "$purge" ] || [ $action = uninstall ] || fail "--purge goes with --uninstall only"
    [ "$(id -u)" = 0 ] || fail "only root can do this" "run it with sudo"
    command -v systemctl >/dev/null || fail "there is no systemd on this machine" "bedrock-watch run works without"
    umask 022
    if [ $action = uninstall ]; then
        uninstall "$purge"
        exit
    fi
    [ "$(systemd_version)" -ge 252 ] || fail "systemd $(systemd_version) is too old: 252 or later is needed"
    if [ -n "$wheelhouse" ]; then
        [ -d "$wheelhouse" ] || fail "no such directory: $wheelhouse" "make one: make wheelhouse"
    elif [ ! -e "$HERE/../../pyproject.toml" ]; then
        fail "there is no checkout around this script" "name the wheels: --wheelhouse DIR"
    fi
    install_or_upgrade "$python" "$wheelhouse"
    exit
}

main "$@"
