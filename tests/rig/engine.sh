#!/usr/bin/env bash
# engine.sh
# Makes sure that a Docker engine answers. One that it had to start goes on after it. Where none can
# be had, it prints the reason as one line and fails.
set -euo pipefail
cd "$(dirname "$0")"
. ./as-root.sh

# A client that waits for ever for a broken engine must not hold up everything.
answers() { timeout 20 docker info >/dev/null 2>&1; }

if answers; then
    exit 0
fi
if [ -n "${DOCKER_HOST:-}" ]; then
    echo "no engine answers at DOCKER_HOST"
    exit 1
fi
./install.sh docker=docker.io dockerd=docker.io
dockerd=$(PATH=$PATH:/usr/sbin:/sbin command -v dockerd) || {
    echo "there is no Docker, and it cannot be installed"
    exit 1
}
as_root true || {
    echo "no Docker engine answers, and only root may start one"
    exit 1
}
# An engine that was killed leaves notes of its processes behind. Where nobody takes in the dead, their
# numbers still exist, and a new engine would wait for them for ever.
lives() { ps -o stat= -C "$1" 2>/dev/null | grep -qv '^Z'; }
if ! lives dockerd && ! lives containerd; then
    as_root rm -rf /var/run/docker.pid /var/run/docker/containerd
fi
log=$(mktemp)
# A session of its own: it must live on after this script, whatever happens to its terminal.
as_root setsid "$dockerd" >"$log" 2>&1 </dev/null &
for _ in $(seq 300); do
    if answers; then
        exit 0
    fi
    sleep .1
done
echo "the Docker engine does not start: $(grep -v level=info "$log" | tail -1)"
exit 1
