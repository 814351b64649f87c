#!/usr/bin/env bash
# The simulator's model of Kafka against a real broker ($KAFKA_BOOTSTRAP): the same histories must come
# to the same end in both (commit visibility, fencing, stable offsets, timeouts, requests that are late).
#
# The histories are text (tests/sim/agree/histories); each half is a program of the release build.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FRAUDD:+$(dirname "$FRAUDD")}
programs=${build:-$root/build/release}/tests/sim

if [[ ! -x $programs/agree-kafka ]]; then
  echo "$programs/agree-kafka is not built: cmake --build --preset release" >&2
  echo '0 passed, 1 failed'
  exit 1
fi
if ! "$programs/agree-model" "$root"/tests/sim/agree/histories/*.txt; then
  echo '0 passed, 1 failed'
  exit 1
fi
exec "$programs/agree-kafka" "$root"/tests/sim/agree/histories/*.txt
