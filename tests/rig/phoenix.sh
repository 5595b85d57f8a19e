#!/usr/bin/env bash
# phoenix.sh FOLDER
# Makes sure that two Phoenix servers of the pinned version answer on loopback, one that asks for no key
# and one that does, and prints what tests have to know of them as lines of NAME=VALUE. The program is
# kept below FOLDER. Servers that it had to start go on after it, so that the next run has them at once,
# but not longer than half a day; what they hold is gone then. Where none can be had, it prints the
# reason as one line and fails.
set -euo pipefail
rig=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: phoenix.sh FOLDER}

version=20.26.1
open=16006
auth=16007
# For servers that only this machine reaches and that hold nothing but what tests put there.
export PHOENIX_SECRET=0-signs-the-tokens-of-a-server-for-tests
export PHOENIX_ADMIN_SECRET=1-administers-a-server-for-tests-only

place=$folder/phoenix-$version
# One for all checkouts of a person, as the ports are.
run=${TMPDIR:-/tmp}/loop-test-phoenix-$(id -u)
mkdir -p "$folder" "$run"
exec 9>"$run/lock"
flock -w 300 9 || {
    echo "another run holds $run/lock"
    exit 1
}

quiet() { curl -sS --noproxy '*' --max-time 20 "$@" 2>/dev/null; }

answers() { quiet -f "http://127.0.0.1:$1/readyz" >/dev/null; }

# Whether it is the pinned version, and ours.
is_ours() {
    [ "$(quiet "http://127.0.0.1:$1/arize_phoenix_version")" = "$version" ] &&
        quiet -f -H "authorization: Bearer $PHOENIX_ADMIN_SECRET" "http://127.0.0.1:$1/v1/projects" >/dev/null
}

install() {
    [ ! -x "$place/bin/phoenix" ] || return 0
    command -v python3 >/dev/null || {
        echo "there is no python3"
        return 1
    }
    local stage=$folder/.phoenix-uv
    rm -rf "$stage" "$place"
    if ! python3 -m venv "$stage" >/dev/null 2>&1; then
        "$rig/install.sh" ensurepip-of-python3=python3-venv
        rm -rf "$stage"
        python3 -m venv "$stage" >/dev/null 2>&1 || {
            echo "python3 makes no virtual environment (package python3-venv)"
            return 1
        }
    fi
    # Plain pip takes ten times as long for the same.
    "$stage/bin/pip" install -q uv >&2 && "$stage/bin/uv" venv -q --python "$stage/bin/python" "$place" >&2 &&
        "$stage/bin/uv" pip install -q --python "$place/bin/python" "arize-phoenix==$version" >&2 || {
        rm -rf "$place"
        echo "arize-phoenix $version cannot be installed from the package registry"
        return 1
    }
    rm -rf "$stage"
}

# start PORT NAME [SETTING=VALUE...]
start() {
    local port=$1 name=$2
    shift 2
    rm -rf "${run:?}/$name"
    mkdir -p "$run/$name"
    # A session of its own, that holds no descriptor of this script: nobody waits for its end.
    env "$@" PHOENIX_HOST=127.0.0.1 PHOENIX_PORT="$port" PHOENIX_GRPC_PORT=$((port + 100)) \
        PHOENIX_WORKING_DIR="$run/$name" PHOENIX_TELEMETRY_ENABLED=false \
        setsid timeout 12h "$place/bin/phoenix" serve >"$run/$name.log" 2>&1 </dev/null 9>&- &
}

wait_for() {
    for _ in $(seq 600); do
        if answers "$1"; then
            is_ours "$1" && return 0
            echo "another server listens at port $1"
            return 1
        fi
        sleep .2
    done
    echo "Phoenix does not start at port $1: $(tail -1 "$run/$2.log")"
    return 1
}

if ! answers $open || ! answers $auth; then
    install || exit 1
    answers $open || start $open open PHOENIX_ENABLE_AUTH=false
    answers $auth || start $auth auth PHOENIX_ENABLE_AUTH=true
fi
wait_for $open open || exit 1
wait_for $auth auth || exit 1
echo "LOOP_TEST_PHOENIX=http://127.0.0.1:$open"
echo "LOOP_TEST_PHOENIX_AUTH=http://127.0.0.1:$auth"
echo "LOOP_TEST_PHOENIX_ADMIN=$PHOENIX_ADMIN_SECRET"
