#!/usr/bin/env bash
# anthropic-sdk.sh FOLDER
# Makes a Python environment in FOLDER with the vendor's own client of its API, pinned: what the
# scripted server of managed sessions is held to. On failure the last line on standard error says why.
set -euo pipefail
folder=$1
version=2.10.0
[ -x "$folder/bin/python" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && exit 0
command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 1; }
rm -rf "$folder"
python3 -m venv "$folder" >&2 || { echo "python3 cannot make an environment (python3-venv?)" >&2; exit 1; }
"$folder/bin/pip" install --quiet --disable-pip-version-check "anthropic==$version" >&2 ||
    { echo "the package index does not answer with anthropic $version" >&2; exit 1; }
echo "$version" >"$folder/version"
