#!/usr/bin/env bash
# Builds the Dockerfile for real, without a container engine, and runs what is in it as its user.
#
# The Debian base comes from debootstrap (kept in the cache directory), the build runs in a chroot through
# buildah. Debian 12, and Debian 13 too when FRAUDD_SIZE=full. Skips where root, buildah or debootstrap is
# missing. Service behaviour is not tested here, only that the image is complete, small and unprivileged.
set -uo pipefail

readonly EXTRA_LIMIT_MIB=60                            # what the image may add to its base
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fraudd
passed=0 failed=0
work=''

finish() {
  if [[ -n $work ]]; then
    ((${#mounted[@]} == 0)) || "${buildah[@]}" umount "${mounted[@]}" >/dev/null 2>&1
    rm -rf "$work"
  fi
}
mounted=()
trap finish EXIT

skip() {
  echo "SKIP container image: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

((EUID == 0)) || skip "needs root for chroot builds"
for tool in buildah debootstrap; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || skip "$tool is missing (integration/install-deps.sh --container)"
done
PATH=$PATH:/usr/sbin
mkdir -p "$root/build" "$cache"
work=$(mktemp -d "$root/build/container.XXXXXX")
buildah=(buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs)

check() {                                              # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/check.out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $what"
    tail -n 25 "$work/check.out" | cut -c1-300 | sed 's/^/    /'
  fi
}

# The mirror that this machine already uses; debootstrap knows one by itself otherwise.
mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1
}

base_tar() {                                           # SUITE: makes the cached file, by one rename
  local suite=$1 file=$cache/base-$1.tar
  [[ -s $file ]] && return
  echo "making a minimal Debian $suite with debootstrap (once)"
  # shellcheck disable=SC2046
  debootstrap --variant=minbase "$suite" "$work/root-$suite" $(mirror) &&
    rm -rf "$work/root-$suite"/var/cache/apt/*.bin "$work/root-$suite"/var/cache/apt/archives/*.deb \
      "$work/root-$suite"/var/lib/apt/lists/* &&
    tar -C "$work/root-$suite" -cf "$work/base.tar" . && rm -rf "${work:?}/root-$suite" &&
    mv "$work/base.tar" "$file"
}

import_base() {                                        # SUITE RELEASE
  base_tar "$1" || return 1
  mkdir -p "$work/base" && ln -f "$cache/base-$1.tar" "$work/base/base.tar" 2>/dev/null ||
    cp "$cache/base-$1.tar" "$work/base/base.tar" || return 1
  printf 'FROM scratch\nADD base.tar /\n' >"$work/base/Containerfile"
  "${buildah[@]}" bud --isolation chroot -q -t "localhost/debian:$2-slim" "$work/base"
}

build_image() {                                        # RELEASE
  "${buildah[@]}" bud --isolation chroot --build-arg "BASE=localhost/debian:$1-slim" \
    --build-arg VERSION=test -t "localhost/fraudd:$1" "$root"
}

mib_of() { du -sm --one-file-system "$1" | cut -f1; }

in_image() { "${buildah[@]}" run --isolation chroot --user 10001:10001 "$container" -- "$@"; }
says() {                                               # PATTERN COMMAND...
  local pattern=$1
  shift
  "$@" >"$work/says.out" 2>&1 || { cat "$work/says.out"; return 1; }
  grep -qE "$pattern" "$work/says.out" || { cat "$work/says.out"; return 1; }
}
refuses_to_write() { ! in_image sh -c "touch $1/written" 2>/dev/null; }
lacks() { ! in_image sh -c "command -v $1"; }
adds_at_most() {                                       # BASE_MIB IMAGE_MIB
  echo "the base has $1 MiB, the image $2 MiB"
  (($2 - $1 <= EXTRA_LIMIT_MIB))
}

test_release() {                                       # SUITE RELEASE
  local base_mib image_mib began=$SECONDS before=$failed base
  check "base of Debian $2" import_base "$1" "$2"
  ((failed == before)) || return
  check "the Dockerfile builds on Debian $2" build_image "$2"
  ((failed == before)) || return
  base=$("${buildah[@]}" from "localhost/debian:$2-slim")
  container=$("${buildah[@]}" from "localhost/fraudd:$2")
  mounted+=("$base" "$container")
  base_mib=$(mib_of "$("${buildah[@]}" mount "$base")")
  image_mib=$(mib_of "$("${buildah[@]}" mount "$container")")
  check "it adds at most $EXTRA_LIMIT_MIB MiB" adds_at_most "$base_mib" "$image_mib"
  check 'its user is 10001' says '"User": "10001:10001"' "${buildah[@]}" inspect --type image "localhost/fraudd:$2"
  check 'its version label' says '"org.opencontainers.image.version": "test"' "${buildah[@]}" inspect --type image "localhost/fraudd:$2"
  check 'it runs as that user' says '^10001$' in_image id -u
  check 'fraudd --version' says '^fraudd [0-9]+\.[0-9]+' in_image fraudd --version
  check 'fraudd config --reference' says '^kafka:' in_image fraudd config --reference
  check 'no library is missing' in_image sh -c '! ldd /usr/bin/fraudd | grep "not found"'
  check 'the rule packs are readable' in_image sh -c 'cat /usr/share/fraudd/rules/starter/*.yaml >/dev/null'
  check 'the schemas are readable' says 'Decision' in_image cat /usr/share/fraudd/schemas/decision.avsc
  check 'the archive directory is writable' in_image touch /var/lib/fraudd/written
  check 'nothing else is' refuses_to_write /etc/fraudd
  check 'certificates are there' in_image test -s /etc/ssl/certs/ca-certificates.crt
  check 'no compiler is left' lacks gcc
  echo "Debian $2: $((image_mib - base_mib)) MiB added to the base, $((SECONDS - began)) s"
  "${buildah[@]}" rm -a >/dev/null 2>&1
  mounted=()
}

test_release bookworm 12
if [[ ${FRAUDD_SIZE:-ci} == full ]]; then test_release trixie 13; fi
echo "$passed passed, $failed failed"
((failed == 0))
