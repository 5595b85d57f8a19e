#!/usr/bin/env bash
# sshd.sh start DIR PORT [LINE...]     sshd.sh stop DIR
# A server of OpenSSH for tests, on 127.0.0.1 alone and with a key alone. All it needs is made below DIR:
#   config        what a client is told: the host `far`, its key, the known hosts
#   home          the home of whoever logs in, with nothing in it
# Each LINE goes into the server's own configuration. Where there is no server, it prints the reason as
# one line and fails.
set -euo pipefail
dir=$2
sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || {
    echo "there is no OpenSSH server"
    exit 1
}
if [ "$1" = stop ]; then
    kill "$(cat "$dir/pid")" 2>/dev/null || true
    exit 0
fi
port=$3
shift 3
mkdir -p "$dir/home" && chmod 700 "$dir"
for key in host user; do
    [ -f "$dir/$key" ] || ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/$key"
done
cp "$dir/user.pub" "$dir/authorized"
# The server wants a folder of root's to go into before anybody is known.
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
{
    printf '%s\n' "$@"
    cat <<CONFIG
ListenAddress 127.0.0.1
Port $port
HostKey $dir/host
PidFile $dir/pid
AuthorizedKeysFile $dir/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
MaxStartups 100
CONFIG
    # Only the first line of a setting counts, and what is set there comes before what the log-in brings.
    printf '%s\n' "$@" | grep -q '^SetEnv' || echo "SetEnv HOME=$dir/home"
} >"$dir/sshd_config"
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$dir/host.pub")" >"$dir/known_hosts"
cat >"$dir/config" <<CONFIG
Host far
    HostName 127.0.0.1
    Port $port
    User $(id -un)
    IdentityFile $dir/user
    IdentitiesOnly yes
    UserKnownHostsFile $dir/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
CONFIG
"$sshd" -t -f "$dir/sshd_config"
"$sshd" -f "$dir/sshd_config" -E "$dir/log"
for _ in $(seq 200); do
    if [ -s "$dir/pid" ] && ssh-keyscan -p "$port" 127.0.0.1 >/dev/null 2>&1; then
        exit 0
    fi
    sleep .05
done
echo "the OpenSSH server does not start: $(tail -1 "$dir/log")"
exit 1
