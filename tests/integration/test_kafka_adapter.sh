#!/usr/bin/env bash
# The Kafka adapters against a real broker ($KAFKA_BOOTSTRAP, as integration/servers prints it).
#
# The cases are C (tests/integration/kafka_adapter), built with everything else; here they are found
# and run. $KAFKA_ADAPTER names another build's program, e.g. one with a sanitizer. The case that kills
# a broker gets two brokers of its own. Arguments pick cases, of the shared broker only.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FRAUDD:+$(dirname "$FRAUDD")}
program=${KAFKA_ADAPTER:-${build:-$root/build/release}/tests/unit/kafka/kafka_adapter}

if [[ ! -x $program ]]; then
  echo "$program is not built: cmake --build --preset release" >&2
  echo '0 passed, 1 failed'
  exit 1
fi
cd "$root" || exit 1
if (($#)); then exec "$program" "$@"; fi

own=$(mktemp -d "$root/build/kafka-adapter.XXXXXX")
trap 'integration/servers stop --dir "$own" --kill; rm -rf "$own"' EXIT
passed=0 failed=0

count() {                                              # COMMAND...: adds its last line "N passed, N failed"
  local last
  "$@" | tee "$own/out"
  last=$(tail -n 1 "$own/out")
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
  else
    echo "FAILED $* ended without a result"
    failed=$((failed + 1))
  fi
}

count "$program"
if integration/servers start --dir "$own" --no-redis --brokers 2 >"$own/env"; then
  export FRAUDD_SERVERS_DIR=$own
  eval "$(cat "$own/env")"
  export KAFKA_BOOTSTRAP
  count "$program" 'the broker is killed'
else
  echo 'FAILED starting two brokers'
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
((failed == 0))
