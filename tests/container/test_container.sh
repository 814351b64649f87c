#!/usr/bin/env bash
# Builds the Dockerfile for real, without a container engine, and runs what is in it as its user.
#
# The Debian base comes from debootstrap (kept in the cache directory), the build runs in a chroot through
# buildah. Debian 12, and Debian 13 too when FRAUDD_SIZE=full. Skips where root, buildah or debootstrap is
# missing. Shown is that the image is complete, small and unprivileged, and that the service in it decides
# events of a real broker without capabilities and with a read-only root, as Kubernetes would run it.
set -uo pipefail

readonly EXTRA_LIMIT_MIB=60                            # what the image may add to its base
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fraudd
passed=0 failed=0
work='' service_pid='' own_servers=''

finish() {
  [[ -z $service_pid ]] || kill -s KILL "$service_pid" 2>/dev/null
  [[ -z $own_servers ]] || "$root/integration/servers" stop --dir "$own_servers" --kill
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

# ---- the service in the image, on real servers; a chroot shares the host's network ----

need_servers() {
  [[ -z ${KAFKA_BOOTSTRAP:-} || -z ${REDIS_URL:-} ]] || return 0
  own_servers=$work/servers
  "$root/integration/servers" start --dir "$own_servers" >"$work/servers.env" || return 1
  KAFKA_BOOTSTRAP=$(sed -n 's/^KAFKA_BOOTSTRAP=//p' "$work/servers.env")
  REDIS_URL=$(sed -n 's/^REDIS_URL=//p' "$work/servers.env")
}

# In a mount namespace of its own: the root read-only, volumes where the Dockerfile has them, the user and
# the rights that integration/kubernetes gives. Becomes the service: the pid stays.
# shellcheck disable=SC2016
readonly confined='
  mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
  mount --bind /proc "$1/proc" && mount --bind /dev "$1/dev" &&
  mount -t tmpfs -o uid=10001,gid=10001,mode=755 tmpfs "$1/var/lib/fraudd" &&
  mount --bind "$2" "$1/etc/fraudd" || exit 70
  if touch "$1/written" 2>/dev/null; then echo "the root is writable"; exit 70; fi
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" setpriv --reuid=10001 --regid=10001 --clear-groups \
    --no-new-privs --bounding-set=-all --inh-caps=-all \
    /usr/bin/fraudd run --config /etc/fraudd/fraudd.yaml'

start_service() {                                      # ROOT_OF_IMAGE
  sed -e "s/^  bootstrap.servers:.*/  bootstrap.servers: $KAFKA_BOOTSTRAP/" \
    -e "s/^group:.*/group: $stem/" -e "s/topic: payments/topic: $stem-payments/" \
    -e "s/topic: decisions/topic: $stem-decisions/" -e "s/topic: fraudd-dlq/topic: $stem-dlq/" \
    -e 's#^rules:.*#rules: /usr/share/fraudd/rules/starter#' -e "s/listen:.*/listen: 127.0.0.1:$port/" \
    -e "s#^  url:.*#  url: $REDIS_URL#" \
    "$root/integration/compose/fraudd.yaml" >"$work/etc/fraudd.yaml" &&
    echo 'instance: container-1' >>"$work/etc/fraudd.yaml" || return 1
  unshare --mount --propagation private sh -c "$confined" sh "$1" "$work/etc" >"$work/service.log" 2>&1 &
  service_pid=$!
  "$root/integration/quickstart/service.py" ready "http://127.0.0.1:$port" "$service_pid" 60 || {
    tail -n 15 "$work/service.log"
    return 1
  }
}

stop_service() {                                       # its exit code
  local code
  kill -s TERM "$service_pid" && wait "$service_pid"
  code=$?
  service_pid=''
  ((code == 0)) || tail -n 15 "$work/service.log"
  return "$code"
}

is_unprivileged() {
  cat "/proc/$service_pid/status" || return 1
  [[ $(awk '/^Uid:/ { print $2 $3 $4 }' "/proc/$service_pid/status") == 100011000110001 ]] &&
    grep -q '^CapEff:[[:space:]]*0*$' "/proc/$service_pid/status" &&
    grep -q '^CapBnd:[[:space:]]*0*$' "/proc/$service_pid/status" &&
    grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$service_pid/status"
}

decides_each_once() {                                  # EVENTS
  "$root/integration/quickstart/service.py" mark "http://127.0.0.1:$port" "$work/mark" || return 1
  in_image fraudd generate -q -b "$KAFKA_BOOTSTRAP" -t "$stem-payments" --count "$1" || return 1
  in_image timeout 60 fraudd tap -q -b "$KAFKA_BOOTSTRAP" -t "$stem-decisions" -c "$1" >"$work/decisions" || return 1
  local ids
  ids=$(grep -oE '"id": ?"[^"]+/[0-3]/[0-9]+"' "$work/decisions" | sort -u | wc -l)
  echo "$ids events decided, $(wc -l <"$work/decisions") decisions"
  ((ids == $1)) || { head -n 3 "$work/decisions"; return 1; }
  "$root/integration/quickstart/service.py" summary "http://127.0.0.1:$port" "$work/mark" >"$work/summary"
  cat "$work/summary"
  grep -qE "^decisions +$1\$" "$work/summary"
}

test_service() {                                       # RELEASE ROOT_OF_IMAGE
  local before=$failed
  stem=container-$1-$$ port=$("$root/integration/kafka_admin.py" free-ports 1)
  mkdir -p "$work/etc"
  check 'a broker and a Redis' need_servers
  check 'topics' "$root/integration/servers" topic create --bootstrap "$KAFKA_BOOTSTRAP" \
    "$stem-payments:4" "$stem-decisions:4" "$stem-dlq:1"
  check 'the service gets ready, with a read-only root' start_service "$2"
  ((failed == before)) || return
  check 'it has neither rights nor a way to them' is_unprivileged
  check 'it decides each event once' decides_each_once 2000
  echo "resident after that: $(awk '/^VmRSS:/ { print int($2 / 1024) }' "/proc/$service_pid/status") MiB"
  check 'it ends in good order' stop_service
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
  test_service "$2" "$("${buildah[@]}" mount "$container")"
  echo "Debian $2: $((image_mib - base_mib)) MiB added to the base, $((SECONDS - began)) s"
  "${buildah[@]}" rm -a >/dev/null 2>&1
  mounted=()
}

test_release bookworm 12
if [[ ${FRAUDD_SIZE:-ci} == full ]]; then test_release trixie 13; fi
echo "$passed passed, $failed failed"
((failed == 0))
