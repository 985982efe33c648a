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
usage: install.sh [--wheelhouse DIR] [--python PYTHON] [--move-credentials]
       install.sh --uninstall [--purge]

Installs bedrock-watch and its systemd service, or upgrades what is installed.  Needs root, systemd 252 or later, and
Python 3.11 or later with its venv module.  Doing it again does no harm.

  --wheelhouse DIR   install from the wheels in DIR, made by \`make wheelhouse\`, without a network;
                     by default from the checkout around this script, and what it needs from the package index
  --python PYTHON    the interpreter to install with; by default python3, or the newest python3.N that will do
  --move-credentials move the files that systemd reads (LoadCredential, EnvironmentFile) from $ETC/secrets,
                     where older versions let the service write, to $ETC/credentials; on a terminal, it asks
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

# Run a command as the service's user only. Members of the service's group can write the state directory, so root
# opens nothing in it.
as_service() {
    setpriv --reuid=$NAME --regid=$NAME --init-groups --no-new-privs \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# Run a command as a user who owns nothing, to test whether everybody can run it. It goes through env, because
# setpriv still has root's privileges when it searches for the program.
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups env "$@"; }

find_python() { # prints the interpreter to use
    for candidate in ${1:-python3 python3.15 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            path=$(command -v "$candidate")
            if ! as_nobody "$path" -I -c 'import sqlite3, ssl' 2>/dev/null; then
                [ -z "$1" ] || fail "the service's user cannot run $path" "use one that everybody can run"
                continue
            fi
            "$path" -I -c 'import ensurepip, venv' 2>/dev/null ||
                fail "$path has no venv module" "on Debian and Ubuntu: apt-get install python3-venv"
            "$path" -I -c 'import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 37))' ||
                fail "$path has an SQLite older than 3.37" "choose another interpreter: --python PYTHON"
            printf '%s\n' "$path"
            return
        fi
    done
    fail "no Python 3.11 or later${1:+ at $1}" "install one that everybody can run, or pass its path: --python /usr/bin/python3.12"
}

# Make directory $1, and remember which of its parents were not there: --uninstall takes these away again.
make_directory() {
    [ ! -d "$1" ] || return 0
    make_directory "$(dirname "$1")"
    mkdir -m 755 "$1"
    printf '%s\n' "$1" >>"$OPT/made"
}

# Make the release in directory $1 with the interpreter $2, from wheelhouse $3 or, when that is empty, the checkout.
# Every Python is isolated (-I) and starts in /, so it imports no file from root's current directory.
make_release() {
    release=$1 wheelhouse=$3
    "$2" -I -m venv "$release"
    # The hashes in the lock files ensure that we install what was tested.
    if [ -n "$wheelhouse" ]; then
        pip "$release" install --no-deps --no-index --find-links "$wheelhouse" \
            --require-hashes --requirement "$HERE/requirements.lock"
        pip "$release" install --no-deps --no-index --find-links "$wheelhouse" $NAME
    else
        pip "$release" install --no-deps --require-hashes --requirement "$HERE/requirements.lock"
        "$2" -I -m venv "$release.build"
        pip "$release.build" install --no-deps --require-hashes --requirement "$HERE/build.lock"
        pip "$release.build" wheel --no-deps --no-build-isolation --wheel-dir "$release.build/wheels" "$HERE/../.."
        pip "$release" install --no-deps --no-index "$release.build"/wheels/*.whl
        rm -rf "$release.build"
    fi
    mkdir "$release/deploy" "$release/share"
    cp -R "$HERE/." "$release/deploy/"
    "$release/bin/python" -I -m watcher man >"$release/share/$NAME.1"
    for shell in bash zsh fish; do
        "$release/bin/python" -I -m watcher completion "$shell" >"$release/share/$NAME.$shell"
    done
    # A delay that grows is new in systemd 254; older ones would complain about it at each start.
    [ "$(systemd_version)" -ge 254 ] || rm -r "$release/deploy/$NAME.service.d"
    chmod -R u=rwX,go=rX "$release"
}

pip() { # environment, command and its options
    environment=$1
    shift
    "$environment/bin/python" -I -m pip --quiet --disable-pip-version-check --no-cache-dir "$@"
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

schema() { # release; prints the database's schema version, or nothing if there is no database
    as_service "$1/bin/python" -I -c '
import sqlite3, sys
from pathlib import Path
from watcher.store import guard

path = Path(sys.argv[1])
guard.check(path, owner=True)
if path.exists():
    print(sqlite3.connect(path).execute("PRAGMA user_version").fetchone()[0])' "$STATE/$NAME.db"
}

keep_database() { # release, root-owned file to copy it to
    as_service "$1/bin/python" -I -c '
import shutil, sys, tempfile
from pathlib import Path
from watcher.store import upkeep

with tempfile.TemporaryDirectory() as directory:
    upkeep.copy(Path(sys.argv[1]), Path(directory, "copy"), lambda done, total: None)
    with Path(directory, "copy").open("rb") as copy:
        shutil.copyfileobj(copy, sys.stdout.buffer)' "$STATE/$NAME.db" >"$2"
}

restore_database() { # release, root-owned file to restore it from
    as_service "$1/bin/python" -I -c '
import os, shutil, sys
from pathlib import Path

path = Path(sys.argv[1])
fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
os.umask(0o007)
descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o660)
with os.fdopen(descriptor, "wb") as stream:
    shutil.copyfileobj(sys.stdin.buffer, stream)
    stream.flush()
    os.fsync(descriptor)
for end in ("-wal", "-shm", "-journal"):
    path.with_name(path.name + end).unlink(missing_ok=True)
fresh.replace(path)  # a link in its place is replaced, not followed' "$STATE/$NAME.db" <"$2"
}

# Start the release $1 in place of $2; when it does not start, point back to $2, with the database that $2 can read.
upgrade() {
    say "stopping the service for the upgrade"
    systemctl stop $NAME
    kept=$OPT/before-upgrade
    rm -rf "$kept"
    install -d -m 700 "$kept"
    before=$(schema "$1")
    [ -z "$before" ] || keep_database "$1" "$kept/$NAME.db"
    switch_to "$1"
    if systemctl start $NAME; then
        rm -rf "$kept"
        return
    fi
    last_words
    systemctl stop $NAME
    switch_to "$2"
    [ -z "$before" ] || [ "$(schema "$1")" = "$before" ] || restore_database "$1" "$kept/$NAME.db"
    rm -rf "$kept" "$1"
    systemctl start $NAME
    fail "the new version does not start (its last words are above)" "the old one runs again"
}

# Print the files in $ETC/secrets that systemd reads: an older service could have replaced them with links.
read_by_systemd() { # systemctl show does not print credentials
    systemctl cat $NAME 2>/dev/null |
        sed -n "s#^\(LoadCredential\|LoadCredentialEncrypted\|EnvironmentFile\)=[^/]*\($ETC/secrets/.*\)#\2#p" | sort -u
}

# Move these files to a directory that only root can write, if the administrator agrees ($1: yes, from the command line).
move_credentials() {
    files=$(read_by_systemd)
    [ -n "$files" ] || return 0
    if [ -z "$1" ] && [ -t 0 ]; then
        printf '%s\n' "systemd reads these files from a directory that older versions of the service can write:" "$files"
        printf '%s' "Move them to $ETC/credentials, and update the unit's drop-ins? [y/N] "
        read -r answer
        case $answer in [yY]*) set -- yes ;; esac
    fi
    [ -n "$1" ] || fail "systemd reads files from $ETC/secrets, which older versions of the service can write: $(echo "$files" | tr '\n' ' ')" \
        "to move them to $ETC/credentials and update the drop-ins, run install.sh with --move-credentials"
    install -d -m 700 -o root -g root "$ETC/credentials"
    for file in $files; do
        moved=$ETC/credentials/$(basename "$file")
        [ ! -e "$moved" ] || fail "$moved already exists" "remove it, or remove $file"
        # Move it out of the service's reach first, then check it.
        mv -nT "$file" "$moved"
        if [ -L "$moved" ] || [ ! -f "$moved" ]; then
            rm -f "$moved"
            fail "$file was not a regular file: somebody may have compromised the service" "create the secret again"
        fi
        chown root:root "$moved"
        chmod 600 "$moved"
        sed -i "s|$file|$moved|g" /etc/systemd/system/$NAME.service.d/*.conf
        say "moved $file to $moved"
    done
    systemctl daemon-reload
}

last_words() { # journald may not have written them yet
    journalctl --sync 2>/dev/null || true
    journalctl --no-pager --output=cat --unit=$NAME --lines=20 >&2 || true
}

install_or_upgrade() { # python, wheelhouse, whether credentials may be moved
    [ ! -e $LINK ] || [ "$(readlink $LINK)" = "$OPT/current/bin/$NAME" ] ||
        fail "$LINK exists, and is not from here" "remove it first (pipx uninstall $NAME?)"
    python=$(find_python "$1")
    old=$(readlink "$OPT/current" || true)
    new=$OPT/releases/$(date -u +%Y%m%dT%H%M%SZ)-$$
    mkdir -p "$OPT/releases"
    trap 'rm -rf "$new" "$new.build"; rmdir --ignore-fail-on-non-empty "$OPT/releases" "$OPT"' EXIT
    trap 'exit 130' INT TERM
    say "making $new"
    make_release "$new" "$python" "$2"
    if [ -e "$ETC/config.toml" ] &&
        ! "$new/bin/python" -I -m watcher --config "$ETC/config.toml" config check >/dev/null; then
        fail "nothing was changed: $ETC/config.toml has to be corrected first (above)"
    fi
    ! running_systemd || move_credentials "$3"
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
    wheelhouse='' python='' action=install purge='' move=''
    while [ $# -gt 0 ]; do
        case $1 in
        --wheelhouse | --python)
            [ $# -ge 2 ] || fail "$1 needs a value" "see --help"
            [ "$1" = --python ] && python=$2 || wheelhouse=$2
            shift
            ;;
        --move-credentials) move=yes ;;
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
        wheelhouse=$(cd "$wheelhouse" && pwd)
    elif [ ! -e "$HERE/../../pyproject.toml" ]; then
        fail "there is no checkout around this script" "name the wheels: --wheelhouse DIR"
    fi
    case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python") ;; esac
    cd /
    install_or_upgrade "$python" "$wheelhouse" "$move"
    exit
}

main "$@"
