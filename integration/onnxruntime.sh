#!/usr/bin/env bash
# Makes build/onnxruntime-root, which a build with FD_ONNXRUNTIME takes ONNX Runtime from, and prints its path.
#
# Why it exists: Debian 12 has no package of ONNX Runtime. The library comes from the Python package that the golden
# test compares with (build/venv-onnxruntime), the header from Debian 13's libonnxruntime-dev of the same version, which
# is unpacked and not installed: apt looks for it with lists of its own, and the system's stay as they are. On Debian
# 13 none of this is needed. It does nothing when the folder is already there.
set -euo pipefail

readonly EXIT_USAGE=64 EXIT_UNAVAILABLE=69

if (($#)); then
  echo 'Usage: integration/onnxruntime.sh' >&2
  exit "$EXIT_USAGE"
fi
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$repository/build/onnxruntime-root
work=''
trap '[[ -z $work ]] || rm -rf "$work"' EXIT

die() {
  printf 'onnxruntime.sh: %s\n' "$*" >&2
  exit "$EXIT_UNAVAILABLE"
}

get_header() {                                         # FOLDER
  local mirror log=$work/apt.log
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)
  [[ -n $mirror ]] || die 'apt knows no Debian mirror: run apt-get update'
  mkdir -p "$work"/{sources,lists/partial,cache/archives/partial}
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' "$mirror" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$work/sources/trixie.sources"
  printf 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "%s";\nDir::State::lists "%s";\nDir::Cache "%s";\n' \
    "$work/sources" "$work/lists" "$work/cache" >"$work/apt.conf"
  printf 'Acquire::Languages "none";\nAcquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";\n' >>"$work/apt.conf"
  (cd "$work" && APT_CONFIG=$work/apt.conf apt-get -q update && APT_CONFIG=$work/apt.conf \
    apt-get -q download libonnxruntime-dev) >"$log" 2>&1 || die "apt cannot fetch libonnxruntime-dev: $(tail -n 1 "$log")"
  dpkg-deb -x "$work"/libonnxruntime-dev_*.deb "$work/unpacked"
  cp "$work"/unpacked/usr/include/onnxruntime/onnxruntime_*.h "$1/"
}

get_library() {                                        # FOLDER
  local python libraries
  python=$("$repository/integration/python-env.sh" --onnxruntime) || die 'there is no Python environment'
  libraries=("$(dirname "$python")"/../lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.*)
  [[ -f ${libraries[0]} ]] || die "no libonnxruntime.so in ${python%/bin/*}"
  cp "${libraries[0]}" "$1/libonnxruntime.so.1"
  ln -s libonnxruntime.so.1 "$1/libonnxruntime.so"
}

mkdir -p "$repository/build"
exec 9>"$repository/build/.onnxruntime-root.lock"
flock 9
if [[ ! -d $root ]]; then
  work=$(mktemp -d "$repository/build/onnxruntime.XXXXXX")
  mkdir -p "$work/root/include" "$work/root/lib"
  get_library "$work/root/lib"
  get_header "$work/root/include"
  mv "$work/root" "$root"
fi
printf '%s\n' "$root"
