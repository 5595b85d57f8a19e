#!/usr/bin/env bash
# arize-clients.sh FOLDER
# Installs the pinned versions of the vendor's own clients of Arize AX (its Python SDK and its command
# line) below FOLDER and prints where. Where they cannot be had, it prints the reason as one line and
# fails.
set -euo pipefail
rig=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: arize-clients.sh FOLDER}

sdk=8.61.0
command_line=0.39.0

place=$folder/arize-clients-$sdk-$command_line
mkdir -p "$folder"
exec 9>"$folder/.arize-clients.lock"
flock -w 300 9 || {
    echo "another run holds $folder/.arize-clients.lock"
    exit 1
}

install() {
    command -v python3 >/dev/null || {
        echo "there is no python3"
        return 1
    }
    local stage=$folder/.arize-uv
    rm -rf "$stage" "$place"
    if ! python3 -m venv "$stage" >/dev/null 2>&1; then
        "$rig/install.sh" ensurepip-of-python3=python3-venv
        rm -rf "$stage"
        python3 -m venv "$stage" >/dev/null 2>&1 || {
            echo "python3 makes no virtual environment (package python3-venv)"
            return 1
        }
    fi
    # Plain pip takes several times as long for the same.
    "$stage/bin/pip" install -q uv >&2 && "$stage/bin/uv" venv -q --python "$stage/bin/python" "$place" >&2 &&
        "$stage/bin/uv" pip install -q --python "$place/bin/python" "arize==$sdk" "arize-ax-cli==$command_line" >&2 || {
        rm -rf "$place"
        echo "arize $sdk and arize-ax-cli $command_line cannot be installed from the package registry"
        return 1
    }
    rm -rf "$stage"
}

[ -x "$place/bin/ax" ] || install || exit 1
echo "$place"
