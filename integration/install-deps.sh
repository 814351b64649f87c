#!/usr/bin/env bash
# Installs what Debian 12 and 13 offer for building fraudd, for the development servers and for the tests.
#
# Why it exists: one list of packages for the quickstart, the tests and CI. It calls apt-get only when
# something is missing, never removes anything, and leaves no service running or enabled that was not
# there before. Other distributions: it prints the list and stops.
set -euo pipefail

readonly EXIT_USAGE=2 EXIT_UNAVAILABLE=69
readonly policy=/usr/sbin/policy-rc.d

build_packages=(gcc libc6-dev cmake ninja-build pkg-config git ca-certificates
  librdkafka-dev libavro-dev libhiredis-dev libjansson-dev libyaml-dev libmicrohttpd-dev
  libcurl4-openssl-dev libxxhash-dev libssl-dev zlib1g-dev libcmocka-dev)
server_packages=(python3 redis-server procps curl)
test_packages=(python3-venv clang clang-format valgrind)
container_packages=(buildah debootstrap)

usage() {
  cat <<'TEXT'
Usage: integration/install-deps.sh [--build] [--servers] [--test] [--container] [--dry-run]

  --build      compiler, cmake and the libraries
  --servers    Java and Maven (for Kafka), redis-server, python3
  --test       clang, sanitizers, valgrind, python3-venv
  --container  buildah and debootstrap, for the image test
  --dry-run    print what is missing, install nothing; exit 1 when something is
Without a choice: --build --servers --test.
TEXT
}

say() { printf 'install-deps: %s\n' "$*" >&2; }

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

has_java() {
  local version
  version=$({ "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 || true; } | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  ((${version:-0} >= 17))
}

add_missing() {
  local package
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
}

# Debian 12 has Java 17 and Debian 13 has Java 21 behind the same name.
add_missing_servers() {
  command -v redis-server >/dev/null && server_packages=("${server_packages[@]/redis-server/}")
  command -v python3 >/dev/null && server_packages=("${server_packages[@]/python3/}")
  local package
  for package in "${server_packages[@]}"; do
    [[ -z $package ]] || add_missing "$package"
  done
  has_java || add_missing default-jre-headless
  command -v mvn >/dev/null || add_missing maven
}

# The sanitizer runtime of clang is a package of its own, named after clang's version.
add_missing_clang_runtime() {
  local major
  major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
  [[ -z $major ]] || add_missing "libclang-rt-$major-dev"
}

collect() {
  missing=()
  if ((build)); then add_missing "${build_packages[@]}"; fi
  if ((servers)); then add_missing_servers; fi
  if ((tests)); then
    add_missing "${test_packages[@]}"
    add_missing_clang_runtime
  fi
  if ((container)); then add_missing "${container_packages[@]}"; fi
}

# While this file stands, packages may not start their services (exit code 101 = not allowed).
forbid_service_start() {
  [[ ! -e $policy ]] || return 0
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
}

install_missing() {
  say "installing ${missing[*]}"
  forbid_service_start
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
  if ! "${apt[@]}" update </dev/null >"$log" 2>&1 ||
    ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    say "apt-get failed (above); full log: $log"
    exit "$EXIT_UNAVAILABLE"
  fi
  rm -f "$log"
  # A system Redis that we brought must not come up at the next boot: our servers are started by integration/servers.
  if [[ " ${missing[*]} " == *" redis-server "* && -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl disable --now redis-server >/dev/null 2>&1 || true
  fi
}

build=0 servers=0 tests=0 container=0 dry_run=0
while (($#)); do
  case $1 in
    --build) build=1 ;;
    --servers) servers=1 ;;
    --test) tests=1 ;;
    --container) container=1 ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage; exit 0 ;;
    *) say "unknown option $1"; usage >&2; exit "$EXIT_USAGE" ;;
  esac
  shift
done
if ((!build && !servers && !tests && !container)); then build=1 servers=1 tests=1; fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say "this is not Debian: install the equivalents of ${build_packages[*]} ${server_packages[*]} ${test_packages[*]}, Java 17 or newer and Maven yourself"
  exit "$EXIT_UNAVAILABLE"
fi

collect
if ((${#missing[@]} == 0)); then
  say "all needed packages are installed"
  exit 0
fi
if ((dry_run)); then
  say "missing: ${missing[*]}"
  exit 1
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; }; then
    say "not root, and sudo cannot be used; as root run: apt-get install ${missing[*]}"
    exit "$EXIT_UNAVAILABLE"
  fi
  as_root=(sudo)
fi
log=$(mktemp /tmp/fraudd-apt.XXXXXX)
install_missing
collect                                                # clang's version is known only now on a fresh machine
if ((${#missing[@]})); then install_missing; fi
