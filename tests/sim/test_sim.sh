#!/usr/bin/env bash
# The simulator at its full size: many seeds, the named ones, and every planted mistake.
#
# Needs no broker. FRAUDD_SIZE=full runs $SIM_SECONDS (an hour) from a seed of today and the mistakes in 10,000
# seeds each, else 20,000 fixed seeds (at most five minutes; CTest has the mistakes); the last line is "N passed, N failed". A failing seed is printed with the
# command that repeats its history.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FRAUDD:+$(dirname "$FRAUDD")}
programs=${build:-$root/build/release}/tests/sim
jobs=${FRAUDD_JOBS:-$(nproc)}
passed=0 failed=0

check() {                                              # WHAT COMMAND...
  local what=$1
  shift
  echo "== $what"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED $what"; fi
}

if [[ ! -x $programs/fraudd-sim ]]; then
  echo "$programs/fraudd-sim is not built: cmake --build --preset release" >&2
  echo '0 passed, 1 failed'
  exit 1
fi

if [[ ${FRAUDD_SIZE:-ci} == full ]]; then
  from=$(($(date +%s) * 1000))
  seconds=${SIM_SECONDS:-3600}
  check "$seconds s of seeds from $from on" \
    "$programs/fraudd-sim" --seeds "$from..$((from + 100000000))" --time "$seconds" --jobs "$jobs" --no-progress
else
  check '20,000 seeds' "$programs/fraudd-sim" --seeds 1..20000 --time 300 --jobs "$jobs" --no-progress
fi
check 'the same history twice' "$programs/fraudd-sim" --seeds 1..500 --repeat --jobs "$jobs" --no-progress
check 'named seeds' "$programs/fraudd-sim-mutants" --regressions
if [[ ${FRAUDD_SIZE:-ci} == full ]]; then
  check 'every planted mistake is found' "$programs/fraudd-sim-mutants" --mutations 10000 --jobs "$jobs"
fi

echo "$passed passed, $failed failed"
exit $((failed ? 1 : 0))
