#!/usr/bin/env bash
# Measures fraudd against a real broker and Redis on this machine; prints a table and writes build/bench.json.
#
# Why it exists: one command repeats every number about latency and throughput. It is not part of
# tests/run.sh: wall time on a shared machine proves nothing by itself. Latency is what a
# read_committed consumer sees (tests/bench/e2e.c says how it is taken).
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/bench.sh [--seconds N] [--warmup N] [--rates A,B] [--backlog N] [--rules DIR] [--no-state] [--set KEY=VALUE]...

  --seconds N   measured seconds for each rate, after the warm-up (30)
  --warmup N    seconds before that are not measured (5)
  --rates A,B   events per second (1000,5000)
  --backlog N   events to catch up with (500000)
  --rules DIR   rule set (rules/packs/starter)
  --no-state    not what windows cost: catching up with and without them, redoing, writing to Redis
  --set K=V     a setting of the service other than its default, e.g. batch.max_in_flight=1
Environment: FRAUDD = the program to measure (build/release/fraudd, built when missing).
             BENCH_KEYS = numbers of keys in the windows (10000,1000000; 8000000 takes 2.4 GB).
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build/bench
case ${1:-} in -h | --help) usage; exit 0 ;; esac

if [[ -z ${FRAUDD:-} ]]; then
  cmake --preset release >build/bench-build.log 2>&1 && cmake --build --preset release >>build/bench-build.log 2>&1 ||
    { tail -n 15 build/bench-build.log >&2; exit 1; }
fi
read -r -a libraries <<<"$(pkg-config --cflags --libs rdkafka)"
cc -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror tests/bench/e2e.c -o build/bench/e2e "${libraries[@]}" -lpthread
python=$(integration/python-env.sh)
"$python" tests/bench/e2e.py "$@"
kernels=$(dirname "${FRAUDD:-build/release/fraudd}")/tests/bench
if [[ -x $kernels/bench_windows ]]; then
  echo
  echo 'windows: 16 features over 8 windows, ns per event and key'
  "$kernels/bench_windows" --keys "${BENCH_KEYS:-10000,1000000}"
  echo
  echo 'rules: ns per event'
  "$kernels/bench_plan"
  echo
  echo 'models: forests'
  "$kernels/bench_models"
  echo
  "$(integration/python-env.sh --models)" tests/bench/models.py "$kernels/bench_models"
fi
"$python" tests/bench/handbook.py "${FRAUDD:-build/release/fraudd}"
