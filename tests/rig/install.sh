#!/usr/bin/env bash
# install.sh COMMAND=PACKAGE...
# Installs the distribution's packages of the commands that are missing. Where that may not be, it
# says so on standard error and goes on: what needs the command is then skipped, with its reason.
set -euo pipefail
cd "$(dirname "$0")"
. ./as-root.sh

packages=()
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
done
[ ${#packages[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "cannot install ${packages[*]}: there is no apt-get" >&2
    exit 0
fi
if ! as_root true; then
    echo "cannot install ${packages[*]}: neither root nor sudo without a password" >&2
    exit 0
fi
echo "installing ${packages[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
quiet=(-qq -o Dpkg::Use-Pty=0)
{
    as_root apt-get "${quiet[@]}" update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get "${quiet[@]}" install -y --no-install-recommends "${packages[@]}"
} >&2 || echo "cannot install ${packages[*]}: apt-get failed" >&2
