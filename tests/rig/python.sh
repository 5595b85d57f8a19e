#!/usr/bin/env bash
# python.sh PLACE PACKAGE==VERSION...
# Makes a virtual environment at PLACE with these packages, whole or not at all. Where that cannot be, it
# prints the reason as one line and fails.
set -euo pipefail
rig=$(cd "$(dirname "$0")" && pwd)
place=${1:?usage: python.sh PLACE PACKAGE==VERSION...}
shift

command -v python3 >/dev/null || {
    echo "there is no python3"
    exit 1
}
stage=$place.new
trap 'rm -rf "$stage"' EXIT
rm -rf "$stage" "$place"
if ! python3 -m venv "$stage" >/dev/null 2>&1; then
    "$rig/install.sh" ensurepip-of-python3=python3-venv
    rm -rf "$stage"
    python3 -m venv "$stage" >/dev/null 2>&1 || {
        echo "python3 makes no virtual environment (package python3-venv)"
        exit 1
    }
fi
# Plain pip takes several times as long for the same.
"$stage/bin/pip" install -q uv >&2 && "$stage/bin/uv" venv -q --python "$stage/bin/python" "$place" >&2 &&
    "$stage/bin/uv" pip install -q --python "$place/bin/python" "$@" >&2 || {
    rm -rf "$place"
    echo "$* cannot be installed from the package registry"
    exit 1
}
