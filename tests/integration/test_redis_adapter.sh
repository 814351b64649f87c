#!/usr/bin/env bash
# The Redis adapter against redis-server processes that its test starts, kills and pauses by itself.
#
# The cases are C (tests/integration/redis_adapter), built with everything else; here they are found
# and run. $REDIS_ADAPTER names another build's program, e.g. one with a sanitizer. Arguments pick cases.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FRAUDD:+$(dirname "$FRAUDD")}
program=${REDIS_ADAPTER:-${build:-$root/build/release}/tests/unit/redis/redis_adapter}

for needed in "$program" redis-server openssl; do
  if ! command -v "$needed" >/dev/null; then
    echo "$needed is missing: cmake --build --preset release; integration/install-deps.sh --servers" >&2
    echo '0 passed, 1 failed'
    exit 1
  fi
done
exec "$program" "$@"
