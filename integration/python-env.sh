#!/usr/bin/env bash
# Makes the Python environments that the tests run with, and prints the interpreter's path.
#
# Why it exists: the tests use the reference clients and libraries of Python as a second opinion on what
# fraudd writes and computes; versions are pinned here. It does nothing when the environment is already right.
set -euo pipefail

readonly EXIT_USAGE=64 EXIT_UNAVAILABLE=69

usage() {
  cat <<'TEXT'
Usage: integration/python-env.sh [--models | --models-new | --onnxruntime]

  (none)        build/venv: Kafka and Avro clients, for the integration tests
  --models      build/venv-models: the libraries whose models fraudd reads, at the versions of the published tables
  --models-new  build/venv-models-new: a new XGBoost, for its newer file formats
  --onnxruntime build/venv-onnxruntime: ONNX Runtime as Debian 13 has it, for builds with FD_ONNXRUNTIME
TEXT
}

case ${1-} in
  '')
    name=venv
    packages=("confluent-kafka[avro,schemaregistry]==2.16.1" fastavro==1.13.1 google-re2==1.1.20251105
      kubernetes-validate==1.37.0) ;;
  --models)
    name=venv-models
    packages=(numpy==1.24.4 scipy==1.10.1 scikit-learn==1.2.1 pandas==2.0.3 xgboost==1.7.4 lightgbm==4.6.0
      onnx==1.16.2 onnxruntime==1.18.1 skl2onnx==1.17.0 onnxmltools==1.12.0 protobuf==4.25.8) ;;
  --models-new)
    name=venv-models-new
    packages=(numpy==1.26.4 scipy==1.14.1 xgboost-cpu==3.2.0) ;;
  --onnxruntime)
    name=venv-onnxruntime
    packages=(numpy==1.26.4 scipy==1.14.1 scikit-learn==1.5.2 onnx==1.17.0 onnxruntime==1.21.1 skl2onnx==1.18.0
      protobuf==5.29.5) ;;
  *)
    usage >&2
    exit "$EXIT_USAGE" ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/build/$name
mark=$venv/installed

say() { printf 'python-env: %s\n' "$*" >&2; }

mkdir -p "$root/build"
exec 9>"$root/build/.$name.lock"
flock 9
if [[ ! -x $venv/bin/python || "$(cat "$mark" 2>/dev/null)" != "${packages[*]}" ]]; then
  log=$root/build/python-env-$name.log
  rm -rf "$venv"
  if ! python3 -m venv "$venv" >"$log" 2>&1 </dev/null; then
    say "python3 cannot make a virtual environment: run integration/install-deps.sh --test ($(tail -n 1 "$log"))"
    exit "$EXIT_UNAVAILABLE"
  fi
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check -q "${packages[@]}" >"$log" 2>&1 </dev/null; then
    say "pip cannot install ${packages[*]}: $(grep -m 1 -i error "$log" | cut -c1-200); full log: $log"
    exit "$EXIT_UNAVAILABLE"
  fi
  printf '%s' "${packages[*]}" >"$mark"
fi
printf '%s\n' "$venv/bin/python"
