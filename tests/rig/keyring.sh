#!/usr/bin/env bash
# keyring.sh STATE COMMAND...
# Runs a command on a machine whose keyring is in a state, and leaves nothing of it behind:
#
#     unlocked   a session bus with a Secret Service of its own, open
#     locked     the same, with its password not given
#     absent     no session bus at all
#     hanging    a session bus that takes connections and never says a word
#
# With `--install` instead of a state it installs what that needs.
set -euo pipefail
cd "$(dirname "$0")"
state=${1:?usage: keyring.sh unlocked|locked|absent|hanging COMMAND...}
shift
if [ "$state" = --install ]; then
    exec ./install.sh gnome-keyring-daemon=gnome-keyring secret-tool=libsecret-tools \
        dbus-run-session=dbus
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -m 700 "$work/run" "$work/home"
export XDG_RUNTIME_DIR=$work/run
unset DBUS_SESSION_BUS_ADDRESS

# The service keeps its files below HOME; the command has a home of its own.
session() {
    env HOME="$work/home" XDG_DATA_HOME="$work/home/data" XDG_CONFIG_HOME="$work/home/config" \
        OWN_HOME="${HOME:-$work/home}" dbus-run-session -- bash -c '
        printf "%s" "$1" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
        shift
        export HOME=$OWN_HOME
        unset XDG_DATA_HOME XDG_CONFIG_HOME OWN_HOME
        "$@"' bash "$@"
}

case $state in
unlocked) session right "$@" ;;
locked)
    # The first session makes the keyring, so that the second has one to be locked out of.
    session right true
    session wrong "$@"
    ;;
absent) "$@" ;;
hanging)
    python3 - "$work/bus" <<'PY' &
import socket, sys, time
bus = socket.socket(socket.AF_UNIX)
bus.bind(sys.argv[1])
bus.listen(16)
held = []
while True:
    held.append(bus.accept())
PY
    server=$!
    trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
    until [ -S "$work/bus" ]; do sleep 0.02; done
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$work/bus
    "$@"
    ;;
*)
    echo "no such state: $state" >&2
    exit 2
    ;;
esac
