#!/bin/sh
# Builds and installs `loop` from this folder. See `./install.sh --help`.
set -eu
cd "$(dirname "$0")"

usage() {
    cat <<'END'
usage: ./install.sh [--demo] [--prefix DIR] [--profile NAME]

Builds loop, one static program, and installs it with its shell completions.

  --prefix DIR   install below DIR: DIR/bin and DIR/share
                 (default: /usr/local as root, else ~/.local)
  --profile NAME cargo's profile to build with (default: release; dev builds faster)
  --demo         then run the main job once: a worker looks through the bundled traces in a
                 sandbox and leaves an investigation. It needs no account and no key; it needs
                 Docker or bubblewrap, and installs bubblewrap where it may.
  --help         show this

Where there is no Rust it is installed for you with rustup. It may be run again at any time. It is written for Debian and Ubuntu; elsewhere install a C compiler
with its static C library first.
END
}

step() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint in "$@"; do
        printf 'hint: %s\n' "$hint" >&2
    done
    exit 1
}

demo=
prefix=
profile=release
while [ $# -gt 0 ]; do
    case $1 in
    --demo) demo=1 ;;
    --prefix)
        [ $# -gt 1 ] || fail "--prefix needs a folder" "./install.sh --help"
        prefix=$2
        shift
        ;;
    --prefix=*) prefix=${1#--prefix=} ;;
    --profile)
        [ $# -gt 1 ] || fail "--profile needs a name" "./install.sh --help"
        profile=$2
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) fail "unknown argument \`$1\`" "./install.sh --help" ;;
    esac
    shift
done

if [ -z "$prefix" ]; then
    if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
fi
case $prefix in
/*) ;;
*) prefix=$PWD/$prefix ;;
esac

# Runs a command as root, or fails where that may not be.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# Installs packages of the distribution, or fails where that may not be.
packages() {
    command -v apt-get >/dev/null || return 1
    as_root true || return 1
    step "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@" >/dev/null
}

wanted_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# With rustup, as a package of the distribution or from its makers, for this user only.
install_rust() {
    step "installing Rust $wanted_rust or newer with rustup"
    if command -v rustup >/dev/null || packages rustup; then
        rustup -q default stable
    else
        command -v curl >/dev/null || packages curl ca-certificates || return 1
        curl -fsS --proto '=https' --tlsv1.2 https://sh.rustup.rs |
            sh -s -- -y -q --profile minimal --no-modify-path
    fi
}

find_cargo() {
    if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    fi
    command -v cargo >/dev/null
}

need_cargo() {
    find_cargo || install_rust || true
    find_cargo || true
    command -v cargo >/dev/null || fail "there is no cargo, which builds loop" \
        "install Rust $wanted_rust or newer with rustup: https://rustup.rs"
    have=$(rustc --version | sed 's/^rustc \([0-9.]*\).*/\1/')
    oldest=$(printf '%s\n%s\n' "$wanted_rust" "$have" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)
    [ "$oldest" = "$wanted_rust" ] || fail "Rust $have is too old; loop needs $wanted_rust or newer" \
        "rustup update stable"
}

# A C compiler, for the parts in C, and the C library as an archive, since the program is static.
has_cc() {
    command -v cc >/dev/null || return 1
    case $(uname -s) in
    Linux) case $(cc -print-file-name=libc.a) in */*) ;; *) return 1 ;; esac ;;
    esac
}

need_cc() {
    has_cc || packages gcc libc6-dev || true
    has_cc || fail "there is no C compiler with a static C library" \
        "apt-get install gcc libc6-dev"
}

build() {
    step "building loop (a first build takes some minutes)"
    cargo build --profile "$profile" --locked --bin loop
    case $profile in dev | test) folder=debug ;; *) folder=$profile ;; esac
    target=$(cargo metadata --no-deps --format-version 1 --locked |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    host=$(rustc -vV | sed -n 's/^host: //p')
    built=$target/$host/$folder/loop
    [ -x "$built" ] || built=$target/$folder/loop
    [ -x "$built" ] || fail "the build left no program in $target" "unset CARGO_BUILD_TARGET"
}

# By a rename, so that a program that is running is left alone.
put() {
    mkdir -p "$(dirname "$2")" 2>/dev/null || fail "cannot make the folder $(dirname "$2")" \
        "./install.sh --prefix DIR, with a folder that you may write to"
    cp "$1" "$2.new" 2>/dev/null || fail "cannot write to $(dirname "$2")" \
        "./install.sh --prefix DIR, with a folder that you may write to"
    chmod "$3" "$2.new"
    mv -f "$2.new" "$2"
}

install_all() {
    step "installing to $prefix"
    put "$built" "$prefix/bin/loop" 755
    note "$prefix/bin/loop"
    scratch=$(mktemp)
    trap 'rm -f "$scratch"' EXIT
    for pair in bash:bash-completion/completions/loop zsh:zsh/site-functions/_loop \
        fish:fish/vendor_completions.d/loop.fish; do
        "$prefix/bin/loop" completions "${pair%%:*}" >"$scratch"
        put "$scratch" "$prefix/share/${pair#*:}" 644
        note "$prefix/share/${pair#*:}"
    done
    case :$PATH: in
    *:"$prefix/bin":*) ;;
    *)
        note "$prefix/bin is not on your PATH; add it:"
        note "export PATH=\"$prefix/bin:\$PATH\""
        ;;
    esac
}

docker_answers() {
    if command -v docker >/dev/null; then
        docker info >/dev/null 2>&1
    elif command -v curl >/dev/null && [ -S /var/run/docker.sock ]; then
        curl -fs -m 10 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null
    else
        return 1
    fi
}

bubblewrap_works() {
    command -v bwrap >/dev/null && bwrap --unshare-all --ro-bind / / true 2>/dev/null
}

choose_sandbox() {
    if docker_answers; then
        sandbox=docker
        return
    fi
    sandbox=local
    command -v bwrap >/dev/null || packages bubblewrap || true
    bubblewrap_works && return
    if command -v bwrap >/dev/null; then
        fail "no Docker engine answers, and bubblewrap may not make a sandbox here" \
            "start Docker, or allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1" \
            "on Ubuntu 24.04 and newer: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    fi
    fail "no Docker engine answers, and there is no bubblewrap" \
        "apt-get install bubblewrap, or start Docker; then ./install.sh --demo"
}

need_cargo
need_cc
build
install_all
if [ -z "$demo" ]; then
    step "done; try: loop session start --preset triage --project demo"
    exit 0
fi
choose_sandbox
step "loop session start --preset triage --project demo --sandbox $sandbox"
"$prefix/bin/loop" session start --preset triage --project demo --sandbox "$sandbox" </dev/null
