#!/usr/bin/env bash
# kubernetes-client.sh FOLDER
# Installs the pinned version of Kubernetes' own client for Python below FOLDER and prints where. Where it
# cannot be had, it prints the reason as one line and fails.
set -euo pipefail
rig=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: kubernetes-client.sh FOLDER}
version=37.0.2

place=$folder/kubernetes-client-$version
mkdir -p "$folder"
exec 9>"$folder/.kubernetes-client.lock"
flock -w 300 9 || {
    echo "another run holds $folder/.kubernetes-client.lock"
    exit 1
}
[ -x "$place/bin/python" ] || "$rig/python.sh" "$place" "kubernetes==$version" || exit 1
echo "$place"
