#!/usr/bin/env bash
# pygithub.sh FOLDER
# Makes a Python environment in FOLDER with PyGithub, pinned: somebody else's client of GitHub's API,
# which tests hold the fake GitHub to. On failure the last line on standard error says why.
set -euo pipefail
folder=$1
version=2.8.1
[ -x "$folder/bin/python" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && exit 0
command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 1; }
rm -rf "$folder"
python3 -m venv "$folder" >&2 || { echo "python3 cannot make an environment (python3-venv?)" >&2; exit 1; }
"$folder/bin/pip" install --quiet --disable-pip-version-check "PyGithub==$version" >&2 ||
    { echo "the package index does not answer with PyGithub" >&2; exit 1; }
echo "$version" >"$folder/version"
