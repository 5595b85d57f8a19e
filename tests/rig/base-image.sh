#!/usr/bin/env bash
# base-image.sh TAG
# Makes the image that tests run workers in, out of the distribution's packages and without any image
# registry: a minimal system with bash, git, curl, jq, python3 and the machine's own certificates.
# Where no mirror can be reached it is made of this machine's own programs. The image is labelled
# with the hash of what it is made from, so a second run has nothing to do.
set -euo pipefail
cd "$(dirname "$0")"
tag=${1:?usage: base-image.sh TAG}
packages=(bash ca-certificates curl git jq procps python3)
bundle=/etc/ssl/certs/ca-certificates.crt

. /etc/os-release
recipe=$(cat base-image.sh /etc/os-release "$bundle" 2>/dev/null | sha256sum | cut -c1-32)
made=$(docker image inspect -f '{{index .Config.Labels "loop.test.recipe"}}' "$tag" 2>/dev/null || true)
if [ "$made" = "$recipe" ]; then
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

from_mirror() {
    ./install.sh mmdebstrap=mmdebstrap
    local mirror
    # From apt itself: what stands in a sources file may be a comment, or overruled.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk '$2 !~ /security|updates|backports/ {print $1; exit}')
    [ -n "$mirror" ] && [ -n "${VERSION_CODENAME:-}" ] || return 1
    local components=main
    [ "$ID" = ubuntu ] && components=main,universe
    local leave_out=()
    for folder in doc man locale info; do
        leave_out+=("--dpkgopt=path-exclude=/usr/share/$folder/*")
    done
    # This machine may trust an authority that the distribution does not know.
    local trust=()
    [ ! -f "$bundle" ] || trust=(--customize-hook="upload $bundle $bundle")
    mmdebstrap --quiet --variant=minbase --components="$components" "${trust[@]}" \
        --include="$(IFS=,; echo "${packages[*]}")" "${leave_out[@]}" \
        "$VERSION_CODENAME" "$work/base.tar" "$mirror"
}

# The files of this machine's packages, and the libraries they are linked with.
from_host() {
    local root=$work/root wanted=() package
    for package in "${packages[@]}" base-files base-passwd coreutils dash diffutils findutils grep \
        gzip hostname libc-bin mawk perl-base sed tar util-linux \
        python3-minimal python3.{9..14}-minimal libpython3.{9..14}-{minimal,stdlib}; do
        dpkg-query -L "$package" >/dev/null 2>&1 && wanted+=("$package")
    done
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{tmp,proc,dev,sys,root,etc,var/tmp}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
    dpkg-query -L "${wanted[@]}" | grep -Ev '^/usr/share/(doc|man|locale|info)/' |
        while read -r path; do
            if [ -f "$path" ] || [ -L "$path" ]; then echo "$path"; fi
        done | sort -u >"$work/files"
    # `ldd` fails for what is no program.
    { xargs -a "$work/files" ldd 2>/dev/null || true; } |
        grep -Eo '/[^ ]*\.so[^ ]*' | sort -u >"$work/libraries"
    # Which of several an alternative means is not part of any package.
    printf '%s\n' /usr/bin/awk /usr/bin/sh >>"$work/libraries"
    tar -c -C / --dereference --no-recursion --ignore-failed-read --files-from "$work/libraries" \
        --transform 's#^/*\(lib\|lib64\)/#usr/\1/#' 2>/dev/null | tar -x -C "$root"
    tar -c -C / --no-recursion --ignore-failed-read --files-from "$work/files" \
        --transform 's#^/*\(bin\|sbin\|lib\|lib64\)/#usr/\1/#' 2>/dev/null | tar -x -C "$root"
    cp /etc/nsswitch.conf "$root/etc/"
    mkdir -p "$root${bundle%/*}"
    cp "$bundle" "$root$bundle"
    printf 'root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    tar -c -C "$root" . >"$work/base.tar"
}

if [ "${LOOP_TEST_BASE:-mirror}" = host ] || ! from_mirror; then
    echo "making the test image of this machine's own programs" >&2
    from_host
fi
docker import -c 'CMD ["bash"]' -c "LABEL loop.test.recipe=$recipe" "$work/base.tar" "$tag" >/dev/null
