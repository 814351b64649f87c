#!/usr/bin/env bash
# Makes build/venv, the Python that the integration tests run with, and prints its interpreter's path.
#
# Why it exists: the tests use the reference Kafka and Avro clients of Python as a second opinion on what
# fraudd writes; versions are pinned here. It does nothing when the environment is already right.
set -euo pipefail

readonly PACKAGES=("confluent-kafka[avro,schemaregistry]==2.16.1" fastavro==1.13.1 google-re2==1.1.20251105
  kubernetes-validate==1.37.0)
readonly EXIT_UNAVAILABLE=69

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/build/venv
mark=$venv/installed

say() { printf 'python-env: %s\n' "$*" >&2; }

mkdir -p "$root/build"
exec 9>"$root/build/.venv.lock"
flock 9
if [[ ! -x $venv/bin/python || "$(cat "$mark" 2>/dev/null)" != "${PACKAGES[*]}" ]]; then
  log=$root/build/python-env.log
  rm -rf "$venv"
  if ! python3 -m venv "$venv" >"$log" 2>&1 </dev/null; then
    say "python3 cannot make a virtual environment: run integration/install-deps.sh --test ($(tail -n 1 "$log"))"
    exit "$EXIT_UNAVAILABLE"
  fi
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check -q "${PACKAGES[@]}" >"$log" 2>&1 </dev/null; then
    say "pip cannot install ${PACKAGES[*]}: $(grep -m 1 -i error "$log" | cut -c1-200); full log: $log"
    exit "$EXIT_UNAVAILABLE"
  fi
  printf '%s' "${PACKAGES[*]}" >"$mark"
fi
printf '%s\n' "$venv/bin/python"
