#!/usr/bin/env bash
# Builds everything and runs every test; the last line is "N passed, N failed" (", N skipped" when there are any).
#
# Why it exists: one entry for developers and CI. It installs what is missing, runs CTest in each build,
# starts the development servers once for the integration tests, and leaves nothing running. Counted are
# CTest entries and what each integration program reports; a build that fails, a program that ends badly
# or leaves processes behind counts as one failure each. It measures nothing (tests/bench does).
set -uo pipefail

readonly EXIT_FAILED=1 EXIT_USAGE=2
readonly RECORD=docs/last-full-run.txt

usage() {
  cat <<'TEXT'
Usage: tests/run.sh [--quick | --full] [--keep] [--only PATTERN]

  --quick         release build only, small integration tests
  (default)       release, asan, tsan and clang builds, small integration tests, short fuzzing, the image
  --full          the same with longer fuzzing, full-size integration tests and both images; output goes to docs/last-full-run.txt too
  --keep          leave the servers and the logs of this run for a look
  --only PATTERN  only integration programs whose path matches this shell pattern, e.g. '*kafka*'
TEXT
}

mode=default keep=0 only='*' recording=${FRAUDD_RUN_RECORDING:-0}
arguments=("$@")
while (($#)); do
  case $1 in
    --quick | --full) mode=${1#--} ;;
    --keep) keep=1 ;;
    --only)
      (($# >= 2)) || { usage >&2; exit "$EXIT_USAGE"; }
      only=$2
      shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "run.sh: unknown option $1" >&2; usage >&2; exit "$EXIT_USAGE" ;;
  esac
  shift
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit "$EXIT_FAILED"

# A full run is recorded; paths of this machine are taken out so that records can be compared.
if [[ $mode == full && $recording == 0 ]]; then
  FRAUDD_RUN_RECORDING=1 tests/run.sh "${arguments[@]}" 2>&1 |
    sed -u -e "s#$root#.#g" -e "s#${HOME:-/root}#~#g" | tee "$RECORD"
  exit "${PIPESTATUS[0]}"
fi

export LC_ALL=C.UTF-8 CTEST_OUTPUT_ON_FAILURE=1
FRAUDD_SIZE=$([[ $mode == full ]] && echo full || echo ci)
export FRAUDD_SIZE
jobs=${FRAUDD_JOBS:-$(nproc)}
program_limit_s=${FRAUDD_TEST_LIMIT_S:-$([[ $mode == full ]] && echo 7200 || echo 1200)}
readonly CTEST_LIMIT_S=600
passed=0 failed=0 skipped=0 failures=()
running_group='' servers_dir=''
mkdir -p build
logs=$(mktemp -d build/test-logs.XXXXXX)

say() { printf '== %s\n' "$*"; }

fail() {                                               # WHAT
  failed=$((failed + 1))
  failures+=("$1")
  printf 'FAILED %s\n' "$1"
}

clean_up() {
  trap - EXIT INT TERM
  [[ -z $running_group ]] || kill -s KILL -- "-$running_group" 2>/dev/null
  if [[ -n $servers_dir ]]; then
    if ((keep)); then
      say "servers left running: integration/servers stop --dir $servers_dir"
    else
      integration/servers stop --dir "$servers_dir"
      rm -rf "$servers_dir"
    fi
  fi
  if ((keep || failed)); then say "logs: $logs"; else rm -rf "$logs"; fi
}

finish() {
  clean_up
  local what
  for what in ${failures[@]+"${failures[@]}"}; do printf 'failed: %s\n' "$what"; done
  if ((passed + failed == 0)); then
    failed=1
    echo 'failed: no test ran'
  fi
  if ((skipped)); then
    echo "$passed passed, $failed failed, $skipped skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  exit $((failed ? EXIT_FAILED : 0))
}

# Runs a command in a process group of its own with a time limit; its output goes to a log.
# Returns its exit code (124 after the limit, 125 when it left processes behind).
run_limited() {                                        # LIMIT_S LOG COMMAND...
  local limit_s=$1 log=$2 code
  shift 2
  set -m
  timeout --kill-after=10 "$limit_s" "$@" >"$log" 2>&1 </dev/null &
  running_group=$!
  set +m
  wait "$running_group"
  code=$?
  # The group's id is the pid of timeout, which has ended: whoever is still in it was left behind. Helpers of
  # a program that ended (a sanitizer's symbolizer) need a moment to notice.
  local tries
  for ((tries = 0; tries < 20; tries++)); do
    kill -s 0 -- "-$running_group" 2>/dev/null || break
    sleep 0.1
  done
  if kill -s KILL -- "-$running_group" 2>/dev/null && ((code == 0)); then
    printf '\nrun.sh: processes were left running and have been killed\n' >>"$log"
    code=125
  fi
  running_group=''
  return "$code"
}

show_end() {                                           # LOG
  tail -n "${2:-40}" "$1" | cut -c1-400
}

# ---- builds and CTest ----

build_preset() {                                       # PRESET
  local log=$logs/build-$1.log
  say "build $1"
  if ! cmake --preset "$1" >"$log" 2>&1 </dev/null || ! cmake --build --preset "$1" -j "$jobs" >>"$log" 2>&1 </dev/null; then
    grep -nE 'error:|Error|FAILED' "$log" | head -n 20 | cut -c1-300
    show_end "$log" 15
    fail "build $1"
    return 1
  fi
}

# Prints "passed failed skipped" and one line per bad test. CTest says "notrun" both for a test that
# skips itself and for one whose program is missing; only the former counts as skipped.
count_junit() {
  python3 - "$1" <<'PY'
import sys
import xml.etree.ElementTree as xml

counts = {"passed": 0, "failed": 0, "skipped": 0}
bad = []
for case in xml.parse(sys.argv[1]).getroot().iter("testcase"):
    message = "".join(node.get("message", "") for node in case.iter("skipped"))
    if case.get("status") == "run":
        kind = "passed"
    elif case.get("status") == "disabled" or message.startswith("SKIP_"):
        kind = "skipped"
    else:
        kind = "failed"
        bad.append(case.get("name") + (f" ({message})" if message else ""))
    counts[kind] += 1
print(*counts.values())
print("\n".join(bad))
PY
}

test_preset() {                                        # PRESET
  local log=$logs/ctest-$1.log junit=$root/$logs/ctest-$1.xml code good bad skip name
  say "ctest $1"
  run_limited $((CTEST_LIMIT_S * 4)) "$log" ctest --test-dir "build/$1" -j "$jobs" --timeout "$CTEST_LIMIT_S" \
    --no-tests=error --output-junit "$junit"
  code=$?
  if ! count_junit "$junit" >"$logs/counts" 2>/dev/null; then
    show_end "$log"
    fail "ctest $1 (exit code $code)"
    return
  fi
  { read -r good bad skip; mapfile -t names; } <"$logs/counts"
  passed=$((passed + good)) skipped=$((skipped + skip))
  for name in ${names[@]+"${names[@]}"}; do
    [[ -z $name ]] || fail "$1: $name"
  done
  if ((code && !bad)); then fail "ctest $1 (exit code $code)"; fi
  if ((code)); then show_end "$log" 120; fi
  say "ctest $1: $good passed, $bad failed, $skip skipped"
}

# ---- integration programs: their last line is "N passed, N failed[, N skipped]" ----

run_program() {                                        # PATH [VENV]
  local path=$1 log code last began=$SECONDS command=("$1")
  log=$logs/$(basename "$path").log
  [[ $path != *.py ]] || command=("${2:-build/venv}/bin/python" "$path")
  run_limited "$program_limit_s" "$log" "${command[@]}"
  code=$?
  last=$(grep -v '^[[:space:]]*$' "$log" | tail -n 1)
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    local bad=${BASH_REMATCH[2]}
    if ((bad)); then
      failed=$((failed + bad))
      failures+=("$path: $bad")
    elif ((code)); then
      fail "$path (exit code $code)"
    fi
    say "$path: $last ($((SECONDS - began)) s)"
    grep -E '^SKIP' "$log"
  else
    bad=1
    fail "$path (exit code $code, no result line$( ((code == 124)) && echo ", stopped after $program_limit_s s"))"
  fi
  if ((code || bad)); then show_end "$log" 60; fi
}

start_servers() {
  servers_dir=$(mktemp -d "$root/build/test-servers.XXXXXX")
  local log=$logs/servers.log
  say "starting Kafka and Redis"
  if ! integration/servers start --dir "$servers_dir" >"$log" 2>&1 </dev/null; then
    show_end "$log"
    fail "starting the servers"
    return 1
  fi
  eval "$(integration/servers env --dir "$servers_dir")"
  export KAFKA_BOOTSTRAP REDIS_URL
  export FRAUDD=$root/build/release/fraudd FRAUDD_SERVERS_DIR=$servers_dir
}

run_integration() {
  local path programs=()
  for path in tests/integration/test_*.sh tests/integration/test_*.py; do
    # shellcheck disable=SC2053
    [[ -e $path && $path == $only ]] && programs+=("$path")
  done
  ((${#programs[@]})) || return 0
  if ! integration/python-env.sh >"$logs/python-env.log" 2>&1; then
    show_end "$logs/python-env.log"
    fail "python environment"
    return
  fi
  start_servers || return
  for path in "${programs[@]}"; do run_program "$path"; done
}

# Golden tests of models: no servers, but the libraries that make models.
run_models() {
  local path programs=() which
  for path in tests/models/test_*.py; do
    # shellcheck disable=SC2053
    [[ -e $path && $path == $only ]] && programs+=("$path")
  done
  ((${#programs[@]})) || return 0
  for which in --models --models-new; do
    if ! integration/python-env.sh "$which" >"$logs/python-env.log" 2>&1; then
      show_end "$logs/python-env.log"
      fail "python environment $which"
      return
    fi
  done
  for path in "${programs[@]}"; do run_program "$path" build/venv-models; done
}

# The simulator: no servers, but the programs of the release build.
run_simulator() {
  local path=tests/sim/test_sim.sh
  # shellcheck disable=SC2053
  [[ $path == $only ]] && FRAUDD=$root/build/release/fraudd run_program "$path"
}

run_container() {
  local path
  for path in tests/container/test_*.sh tests/container/test_*.py; do
    # shellcheck disable=SC2053
    [[ -e $path && $path == $only ]] && run_program "$path"
  done
}

trap 'failures+=(interrupted); failed=$((failed + 1)); finish' INT TERM
trap clean_up EXIT

say "mode $mode, $(date -u +%Y-%m-%dT%H:%M:%SZ), commit $(git rev-parse --short HEAD 2>/dev/null || echo none), $(nproc) cores"
dependencies=(--build --servers --test)
[[ $mode == quick ]] || dependencies+=(--container)
if ! integration/install-deps.sh "${dependencies[@]}" >"$logs/deps.log" 2>&1; then
  show_end "$logs/deps.log"
  fail "installing dependencies"
  finish
fi

build_preset release || finish
test_preset release
run_simulator
run_models
run_integration
if [[ $mode != quick ]]; then
  for preset in asan tsan release-clang; do
    if build_preset "$preset"; then test_preset "$preset"; fi
  done
  # shellcheck disable=SC2053
  [[ tests/fuzz.sh != $only ]] || run_program tests/fuzz.sh
  run_container
fi
finish
