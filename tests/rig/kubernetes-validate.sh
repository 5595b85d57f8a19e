#!/usr/bin/env bash
# kubernetes-validate.sh FOLDER
# Makes a Python environment in FOLDER with kubernetes-validate, pinned: it holds the schemas that
# Kubernetes publishes, version by version, which tests hold our manifests to. On failure the last
# line on standard error says why.
set -euo pipefail
folder=$1
version=1.37.0
[ -x "$folder/bin/python" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] && exit 0
command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 1; }
rm -rf "$folder"
python3 -m venv "$folder" >&2 || { echo "python3 cannot make an environment (python3-venv?)" >&2; exit 1; }
"$folder/bin/pip" install --quiet --disable-pip-version-check "kubernetes-validate==$version" >&2 ||
    { echo "the package index does not answer with kubernetes-validate" >&2; exit 1; }
echo "$version" >"$folder/version"
