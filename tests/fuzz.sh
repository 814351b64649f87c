#!/usr/bin/env bash
# Fuzzes every target for a while; the last line is "N passed, N failed": one per target.
#
# Why it exists: the corpora alone only say that old findings stay fixed. Targets are found, not listed:
# every fuzz_* that the preset "fuzz" builds, with the corpus of its name. New inputs go to a scratch
# folder; an input that does harm is kept under build/fuzz-findings and belongs into the corpus once
# it is fixed.
set -uo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/fuzz.sh [SECONDS] [PATTERN]

  SECONDS  for each target (30; 300 when FRAUDD_SIZE is "full")
  PATTERN  only targets whose name matches this shell pattern, e.g. 'avro_*'
TEXT
}

seconds=${1:-$([[ ${FRAUDD_SIZE:-} == full ]] && echo 300 || echo 30)} pattern=${2:-*}
if [[ $seconds == -h || $seconds == --help || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  usage
  [[ $seconds == -h || $seconds == --help ]] && exit 0
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
readonly INPUT_LIMIT_S=10 RSS_LIMIT_MB=2560
jobs=${FRAUDD_JOBS:-$(nproc)}
findings=build/fuzz-findings
mkdir -p "$findings"
scratch=$(mktemp -d build/fuzz-run.XXXXXX)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

log=$scratch/build.log
if ! { cmake --preset fuzz && cmake --build build/fuzz -j "$jobs" --target fuzzers; } >"$log" 2>&1; then
  grep -nE 'error:|FAILED' "$log" | head -n 20 | cut -c1-300
  echo '0 passed, 1 failed'
  exit 1
fi

fuzz() {                                               # NAME
  mkdir -p "$scratch/$1"
  local corpus=()
  [[ ! -d tests/fuzz/corpus/$1 ]] || corpus=("tests/fuzz/corpus/$1")
  exec "build/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout="$INPUT_LIMIT_S" \
    -rss_limit_mb="$RSS_LIMIT_MB" -print_final_stats=1 -print_funcs=0 -artifact_prefix="$findings/$1-" \
    "$scratch/$1" "${corpus[@]}" >"$scratch/$1.log" 2>&1
}

names=()
for path in build/fuzz/tests/fuzz/fuzz_*; do
  name=${path##*/fuzz_}
  # shellcheck disable=SC2053
  [[ -f $path && -x $path && $name == $pattern ]] && names+=("$name")
done

passed=0 failed=0
finish() {                                             # NAME PID
  if wait "$2"; then
    passed=$((passed + 1))
    printf '%s: %s inputs\n' "$1" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$1.log")"
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n' "$1"
    grep -nE 'ERROR|SUMMARY|runtime error|artifact|Assert' "$scratch/$1.log" | head -n 12 | cut -c1-300
  fi
}

# As many at a time as there are cores.
running=()
for name in ${names[@]+"${names[@]}"}; do
  fuzz "$name" &
  pids+=($!)
  running+=("$name")
  if ((${#running[@]} == jobs)); then
    for i in "${!running[@]}"; do finish "${running[i]}" "${pids[i]}"; done
    running=() pids=()
  fi
done
for i in "${!running[@]}"; do finish "${running[i]}" "${pids[i]}"; done

((passed + failed)) || { echo 'no targets'; failed=1; }
echo "$passed passed, $failed failed"
exit $((failed ? 1 : 0))
