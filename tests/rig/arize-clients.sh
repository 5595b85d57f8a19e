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

[ -x "$place/bin/ax" ] ||
    "$rig/python.sh" "$place" "arize==$sdk" "arize-ax-cli==$command_line" || exit 1
echo "$place"
