#!/usr/bin/env bash
# From a fresh checkout to decisions on the screen: packages, build, Kafka, Redis, sample payments, fraudd.
#
# Why it exists: anybody can see the real thing in one command. All it starts runs on loopback, keeps its
# files in one temporary directory and is ended when this script ends. Not for production.
set -euo pipefail

readonly EXIT_FAILED=1 EXIT_USAGE=2
readonly READY_LIMIT_S=60 HISTORY_LIMIT_S=180 DRAIN_LIMIT_S=30 STOP_LIMIT_S=30
readonly CUSTOMERS=1500 FRAUD_PERCENT=2 EVALUATED_SINCE=2026-01-04 WARM=20000

usage() {
  cat <<'TEXT'
Usage: integration/quickstart.sh [--events N] [--rate N] [--history N] [--no-wait]

  --events N   generate N sample payments, then show the summary; default: go on until Ctrl-C
  --rate N     payments per second, default 20
  --history N  payments of the days before, decided first so that windows know the cards; default 30000 (a week)
  --no-wait    after N events end at once, rather than leaving fraudd up until Ctrl-C (needs --events)

Only the payments are made up; Kafka, Redis, the transactions and the decisions are real. The rules are
all packs of rules/packs; at the end they are compared with what the payments were.
TEXT
}

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf 'quickstart: %s\n' "$1" >&2; exit "${2:-$EXIT_FAILED}"; }
usage_error() { printf 'quickstart: %s\n' "$1" >&2; usage >&2; exit "$EXIT_USAGE"; }

events=0 rate=20 history=30000 wait_at_end=1
while (($#)); do
  case $1 in
    --events | --rate | --history)
      [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || usage_error "$1 wants a number above 0"
      case $1 in
        --events) events=$2 ;;
        --rate) rate=$2 ;;
        --history) history=$2 ;;
      esac
      shift ;;
    --no-wait) wait_at_end=0 ;;
    -h | --help) usage; exit 0 ;;
    *) usage_error "unknown option $1" ;;
  esac
  shift
done
((wait_at_end || events)) || usage_error "--no-wait needs --events"

cd "$(dirname "${BASH_SOURCE[0]}")/.."
fraudd=build/release/fraudd
service=integration/quickstart/service.py
dir='' run_pid='' generate_pid='' tap_pid='' url=''

# In a session of its own, so that Ctrl-C reaches this script only and the order of ending is ours.
launch() {                                             # LOG COMMAND...: sets launched
  local log=$1
  shift
  setsid "$@" >>"$log" 2>&1 </dev/null &
  launched=$!
}

stop_process() {                                       # PID
  [[ -n $1 ]] && kill -s TERM "$1" 2>/dev/null || return 0
  local deadline=$((SECONDS + STOP_LIMIT_S))
  while kill -0 "$1" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
  kill -s KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

clean_up() {
  trap - EXIT INT TERM
  stop_process "$generate_pid"
  stop_process "$tap_pid"
  stop_process "$run_pid"
  if [[ -n $dir ]]; then
    integration/servers stop --dir "$dir" || true
    rm -rf "$dir"
  fi
}

# Packs are combined by copying (docs/packs.md). Their tests are about each alone and stay behind.
combine_packs() {                                      # DIRECTORY
  local pack
  mkdir -p "$1/lists"
  for pack in rules/packs/*/; do
    [[ $pack != */starter/ ]] || continue
    cp "$pack"*.yaml "$1/"
    [[ ! -d ${pack}lists ]] || cp "${pack}lists/"* "$1/lists/"
  done
  cp models/sample/features/*.yaml models/sample/rules/*.yaml "$1/"   # what the sample model looks at, and is good for
  rm -f "$1/"*.test.yaml
}

generate() {                                           # LOG OPTION...: in the background; sets launched
  local log=$1
  shift
  launch "$log" "$fraudd" generate -b "$KAFKA_BOOTSTRAP" -t payments --seed 1 --customers "$CUSTOMERS" \
    --fraud "$FRAUD_PERCENT" --unreported 0 "$@"
}

evaluate() {
  local since=()
  ((history < WARM)) || since=(--since "$EVALUATED_SINCE")   # the first days only fill windows
  say "the same payments again, by fraudd replay, against what they were ${since[*]-}"
  "$fraudd" replay -q -c integration/quickstart/fraudd.yaml -t payments --memory 512MiB ${since[@]+"${since[@]}"} \
    --labels "$dir/history.avro,$dir/live.avro" >"$dir/report" || die "fraudd replay failed (above)"
  sed '/^rule /,$d' "$dir/report"
}

show_log() { [[ ! -s $1 ]] || { printf 'the end of its log:\n' >&2; tail -n 15 "$1" | cut -c1-300 >&2; }; }

interrupted=0
trap clean_up EXIT
trap 'interrupted=1' INT
trap 'exit 143' TERM

say "packages"
integration/install-deps.sh --build --servers

say "build"
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release --target fraudd; } >build/quickstart-build.log 2>&1; then
  tail -n 25 build/quickstart-build.log >&2
  die "the build failed; full log: build/quickstart-build.log"
fi

say "Kafka and Redis"
dir=$(mktemp -d "${TMPDIR:-/tmp}/fraudd-quickstart.XXXXXX")
integration/servers start --dir "$dir" >"$dir/env"
# shellcheck disable=SC1091
. "$dir/env"
export KAFKA_BOOTSTRAP REDIS_URL FRAUDD_ARCHIVE_DIR=$dir/archive FRAUDD_RULES=$dir/rules FRAUDD_MODELS=models/sample
combine_packs "$FRAUDD_RULES"
integration/servers topic create --dir "$dir" payments:4 decisions:4 fraudd-dlq:1

say "fraudd"
listen=127.0.0.1:9464
if (: </dev/tcp/127.0.0.1/9464) 2>/dev/null; then listen=127.0.0.1:$(integration/kafka_admin.py free-ports 1); fi
url=http://$listen
launch "$dir/fraudd.log" "$fraudd" run --config integration/quickstart/fraudd.yaml --set "http.listen=$listen"
run_pid=$launched
if ! "$service" ready "$url" "$run_pid" "$READY_LIMIT_S"; then
  show_log "$dir/fraudd.log"
  die "fraudd did not start"
fi

say "$history payments of the days before"
generate "$dir/generate.log" --count "$history" --labels "$dir/history.avro"
generate_pid=$launched
wait "$generate_pid" || { ((interrupted)) && exit 0; show_log "$dir/generate.log"; die "fraudd generate failed"; }
generate_pid=''
"$service" wait "$url" "$history" "$HISTORY_LIMIT_S" || { ((interrupted)) && exit 0; die "they were not decided in time"; }
"$service" mark "$url" "$dir/mark"
since=@$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)

say "$rate payments a second, one in fifty a fraud; decisions follow, Ctrl-C ends it all
   metrics: $url/metrics   log: $dir/fraudd.log   rules: $FRAUDD_RULES, copied from rules/packs"
count=()
((events == 0)) || count=(--count "$events")
generate "$dir/generate.log" --rate "$rate" --skip "$history" --labels "$dir/live.avro" ${count[@]+"${count[@]}"}
generate_pid=$launched
((events == 0)) || count=(-c "$events")
setsid "$fraudd" tap -b "$KAFKA_BOOTSTRAP" -t decisions -o "$since" --output table --columns event_id,event_time,action,score,reasons ${count[@]+"${count[@]}"} </dev/null &
tap_pid=$!

failure=''
while ((!interrupted)); do
  kill -0 "$run_pid" 2>/dev/null || { failure='fraudd ended by itself' log=$dir/fraudd.log; break; }
  if ! kill -0 "$tap_pid" 2>/dev/null; then
    wait "$tap_pid" || { failure='fraudd tap failed (above)' log=''; break; }
    tap_pid=''
    break
  fi
  if [[ -n $generate_pid ]] && ! kill -0 "$generate_pid" 2>/dev/null; then
    wait "$generate_pid" || { failure='fraudd generate failed' log=$dir/generate.log; break; }
    generate_pid=''
  fi
  sleep 0.2 || true
done
if [[ -n $failure ]]; then
  [[ -z $log ]] || show_log "$log"
  die "$failure"
fi

stop_process "$generate_pid"
generate_pid=''
if ((!interrupted && wait_at_end)); then
  say "$events payments decided; fraudd stays up at $url until Ctrl-C"
  while ((!interrupted)) && kill -0 "$run_pid" 2>/dev/null; do sleep 0.2 || true; done
fi
all=$((history + events))
((!interrupted)) || all=0                            # what was not generated is not waited for
"$service" wait "$url" "$all" "$DRAIN_LIMIT_S" || true
stop_process "$tap_pid"
tap_pid=''
evaluate
say "summary"
"$service" summary "$url" "$dir/mark"
