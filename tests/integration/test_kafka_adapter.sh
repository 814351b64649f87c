#!/usr/bin/env bash
# The Kafka adapters against a real broker ($KAFKA_BOOTSTRAP, as integration/servers prints it).
#
# The cases are C (tests/integration/kafka_adapter), built with everything else; here they are found
# and run. $KAFKA_ADAPTER names another build's program, e.g. one with a sanitizer.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FRAUDD:+$(dirname "$FRAUDD")}
program=${KAFKA_ADAPTER:-${build:-$root/build/release}/tests/unit/kafka/kafka_adapter}

if [[ ! -x $program ]]; then
  echo "$program is not built: cmake --build --preset release" >&2
  echo '0 passed, 1 failed'
  exit 1
fi
exec "$program" "$@"
