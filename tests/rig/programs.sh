#!/usr/bin/env bash
# programs.sh FOLDER
# Fetches the harness programs that are pinned in `src/harness` for this machine, checks them against
# their pinned hashes, and lays them out as the product's own cache does. Where one cannot be had it
# prints one line, `NAME: REASON`, and goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:?usage: programs.sh FOLDER}
mkdir -p "$folder"
arch=$(uname -m)

# name version arch libc package package_version integrity path[,path...]
pins() {
    awk -v arch="$arch" '
        function text(line) { sub(/^[^"]*"/, "", line); sub(/".*/, "", line); return line }
        function list(line, all) {
            all = ""
            while (match(line, /"[^"]*"/)) {
                all = all "," substr(line, RSTART + 1, RLENGTH - 2)
                line = substr(line, RSTART + RLENGTH)
            }
            return all
        }
        function value(line) { return line ~ /VERSION/ ? version : text(line) }
        FNR == 1 { version = ""; count = 0; beside = "" }
        /^const VERSION:/ { version = text($0) }
        /^ *Build \{/ { building = 1; count++; beside = ""; open = 0 }
        building && /^ *arch:/ { a[count] = text($0) }
        building && /^ *libc:/ { l[count] = text($0) }
        building && /^ *package:/ { p[count] = text($0) }
        building && /^ *package_version:/ { v[count] = value($0) }
        building && /^ *path:/ { path[count] = text($0) }
        building && /^ *beside:/ { open = 1 }
        building && open { beside = beside list($0); if (/\]/) open = 0 }
        building && /^ *integrity:/ { hash[count] = ""; hashing = 1 }
        building && hashing && /"/ { hash[count] = text($0); hashing = 0 }
        building && /^ *\},?$/ { path[count] = path[count] beside; building = 0 }
        /Native \{ name:/ {
            line = $0; sub(/.*name:/, "", line); name = text(line)
            line = $0; sub(/.*[ ,]version:/, "", line); sub(/, *builds.*/, "", line); release = value(line)
            for (i = 1; i <= count; i++)
                if (a[i] == arch && l[i] != "musl")
                    print name, release, a[i], l[i], p[i], v[i], hash[i], path[i]
        }' src/harness/*.rs
}

registry=${LOOP_TEST_REGISTRY:-${npm_config_registry:-${NPM_CONFIG_REGISTRY:-}}}
if [ -z "$registry" ] && command -v npm >/dev/null; then
    registry=$(npm config get registry 2>/dev/null || true)
fi

fetch() {
    local package=$1 package_version=$2 integrity=$3 archive=$4
    [ -n "$registry" ] || { echo "no package registry is known (set LOOP_TEST_REGISTRY)"; return 1; }
    curl -fsSL --retry 3 --max-time 600 -o "$archive" \
        "${registry%/}/$package/-/${package##*/}-$package_version.tgz" ||
        { echo "the package registry does not answer with it"; return 1; }
    local pinned
    pinned=$(base64 -d <<<"${integrity#sha512-}" | od -An -v -tx1 | tr -d ' \n')
    [ "$(sha512sum "$archive" | cut -d' ' -f1)" = "$pinned" ] || { echo "the archive is not the one that is pinned"; return 1; }
}

found=0
while read -r name version arch libc package package_version integrity paths; do
    found=1
    place="$folder/$name-$version-$arch-$libc"
    main=${paths%%,*}
    IFS=, read -ra files <<<"$paths"
    whole=1
    for file in "${files[@]}"; do
        [ "$file" = "$main" ] && target=$name || target=${file##*/}
        [ -x "$place/$target" ] || whole=
    done
    [ -z "$whole" ] || continue
    stage=$(mktemp -d -p "$folder" .fetch.XXXXXX)
    if ! reason=$(fetch "$package" "$package_version" "$integrity" "$stage/archive.tgz"); then
        echo "$name: $reason"
        rm -rf "$stage"
        continue
    fi
    mkdir "$stage/program"
    tar -xz --no-same-owner -f "$stage/archive.tgz" -C "$stage" "${files[@]}"
    for file in "${files[@]}"; do
        [ "$file" = "$main" ] && target=$name || target=${file##*/}
        mv "$stage/$file" "$stage/program/$target"
        chmod 755 "$stage/program/$target"
    done
    rm -rf "$place"
    mv "$stage/program" "$place"
    rm -rf "$stage"
done < <(pins)
[ "$found" = 1 ] || echo "harness programs: nothing is pinned for $arch in src/harness"
