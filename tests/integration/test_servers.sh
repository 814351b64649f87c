#!/usr/bin/env bash
# integration/servers with the real Kafka and Redis: start, restart, topics, failure paths, nothing left over.
#
# It starts servers of its own (never those of the test run) and needs no fraudd binary.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
servers=$root/integration/servers
work=$(mktemp -d /tmp/fraudd-servers-test.XXXXXX)
bystander=''
passed=0 failed=0

clean_up() {
  local left
  for left in "$work"/*/settings; do
    [[ ! -e $left ]] || "$servers" stop --dir "$(dirname "$left")" --kill
  done
  [[ -z $bystander ]] || kill "$bystander" 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT

check() {                                              # WHAT COMMAND...: the command must succeed
  local what=$1
  shift
  if "$@" >"$work/check.out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n' "$what"
    sed 's/^/    /' "$work/check.out" | tail -n 12
  fi
}

# refuses CODE TEXT COMMAND...: ends with that code and says that text on stderr.
refuses() {
  local want=$1 text=$2 code
  shift 2
  "$@" >"$work/refuses.out" 2>"$work/refuses.err"
  code=$?
  cat "$work/refuses.err"
  ((code == want)) || { echo "exit code $code instead of $want"; return 1; }
  grep -qF -- "$text" "$work/refuses.err" || { echo "does not say '$text'"; return 1; }
}

processes_of() { pgrep -f -- "$1/(kafka|redis)/" || true; }
nothing_runs_in() { [[ -z $(processes_of "$1") ]]; }
same() { [[ $1 == "$2" ]] || { echo "'$1' is not '$2'"; return 1; }; }
differs() { [[ $1 != "$2" ]]; }
listens() { "$root/integration/kafka_admin.py" ready "$1" --timeout 5; }
pings() { "$root/integration/kafka_admin.py" ping-redis "$1" --timeout 5; }

a=$work/a b=$work/b

# Two sets at the same time, each on ports of its own.
"$servers" start --dir "$a" --broker-prop log.retention.hours=5 >"$work/a.env" 2>"$work/a.err" &
first=$!
check 'a second set starts beside the first' "$servers" start --dir "$b" --no-redis
wait "$first"
check 'the first set starts' same "$?" 0
eval "$("$servers" env --dir "$a")"
check 'env prints what start printed' same "$(cat "$work/a.env")" "$("$servers" env --dir "$a")"
check 'Kafka answers' listens "$KAFKA_BOOTSTRAP"
check 'Redis answers' pings "$REDIS_URL"
check 'status is 0 while all run' "$servers" status --dir "$a"
check 'a broker property arrives' grep -qx log.retention.hours=5 "$a/kafka/server-1.properties"
kafka_pid=$("$servers" pid --dir "$a" --only kafka)
check 'a second start changes nothing' "$servers" start --dir "$a"
check 'a second start keeps the process' same "$kafka_pid" "$("$servers" pid --dir "$a" --only kafka)"

check 'several topics in one call' "$servers" topic create --dir "$a" t1:6 t2:1 --config retention.ms=60000
check 'topics are listed' same "$("$servers" topic list --dir "$a")" $'t1\t6\nt2\t1'
check 'an existing topic is refused' refuses 1 "t1" "$servers" topic create --dir "$a" t1:6
check 'a bad topic setting is refused' refuses 1 'no.such' "$servers" topic create --dir "$a" t3:1 --config no.such=1
check 'a bad topic word is a usage error' refuses 2 'NAME:PARTITIONS' "$servers" topic create --dir "$a" t3
check 'topics are deleted' "$servers" topic delete --dir "$a" t2
check 'only t1 is left' same "$("$servers" topic list --dir "$a")" $'t1\t6'
check 'an unknown topic is refused' refuses 1 'unknown topic' "$servers" topic delete --dir "$a" t2
check 'topics by bootstrap address' "$servers" topic create --bootstrap "$KAFKA_BOOTSTRAP" t4:2

check 'Kafka restarts' "$servers" restart-kafka --dir "$a"
check 'on the same port' listens "$KAFKA_BOOTSTRAP"
check 'as a new process' differs "$kafka_pid" "$("$servers" pid --dir "$a" --only kafka)"
check 'with its data' same "$("$servers" topic list --dir "$a")" $'t1\t6\nt4\t2'
check 'Kafka restarts after SIGKILL' "$servers" restart-kafka --dir "$a" --kill
check 'with its data again' same "$("$servers" topic list --dir "$a")" $'t1\t6\nt4\t2'
check 'the property is kept' grep -qx log.retention.hours=5 "$a/kafka/server-1.properties"
check 'Redis restarts' "$servers" restart-redis --dir "$a"
check 'Redis answers on the same port' pings "$REDIS_URL"
check 'restart-redis without Redis is refused' refuses 1 'not started by this script' "$servers" restart-redis --dir "$b"

# A killed JVM runs on for the moment that its threads take to end, and `pid` says so as long.
kill -s KILL "$("$servers" pid --dir "$a" --only kafka)"
for ((i = 0; i < 200; i++)); do
  "$servers" pid --dir "$a" --only kafka >/dev/null 2>&1 || break
  sleep 0.05
done
status=$("$servers" status --dir "$a")
check 'status is 1 after a crash' same "$?" 1
check 'status names what is stopped' same "${status%%,*}" 'kafka stopped'
check 'start brings a crashed Kafka back' "$servers" start --dir "$a"
check 'on its old port' listens "$KAFKA_BOOTSTRAP"

# Servers of somebody else are used but never stopped.
given=$work/given
check 'a given Kafka and Redis' "$servers" start --dir "$given" --bootstrap "$KAFKA_BOOTSTRAP" --redis "$REDIS_URL"
check 'env names them' same "$("$servers" env --dir "$given")" "$("$servers" env --dir "$a")"
check 'stop beside a given Kafka' "$servers" stop --dir "$given"
check 'the given Kafka still runs' listens "$KAFKA_BOOTSTRAP"
check 'a given Kafka that is not there' refuses 69 'does not answer' "$servers" start --dir "$work/absent" --bootstrap 127.0.0.1:1
check 'a given Redis that is Kafka' refuses 69 'Redis does not answer' \
  "$servers" start --dir "$work/absent2" --bootstrap "$KAFKA_BOOTSTRAP" --redis "redis://$KAFKA_BOOTSTRAP"

# Two brokers, each with everything: one may die while the other leads.
two=$work/two
check 'two brokers start' "$servers" start --dir "$two" --no-redis --brokers 2
eval "$("$servers" env --dir "$two")"
check 'the first answers' listens "${KAFKA_BOOTSTRAP%,*}"
check 'the second answers' listens "${KAFKA_BOOTSTRAP#*,}"
check 'a topic on both' "$servers" topic create --dir "$two" t1:3
second_pid=$("$servers" pid --dir "$two" --only kafka --broker 2)
check 'the second restarts after SIGKILL' "$servers" restart-kafka --dir "$two" --broker 2 --kill
check 'as a new process, it too' differs "$second_pid" "$("$servers" pid --dir "$two" --only kafka --broker 2)"
check 'both run' same "$("$servers" status --dir "$two" | grep -c '^kafka.* running')" 2
check 'with the topic' same "$("$servers" topic list --bootstrap "${KAFKA_BOOTSTRAP#*,}")" $'t1\t3'
check 'there is no third' refuses 2 'there are 2 brokers' "$servers" restart-kafka --dir "$two" --broker 3
check 'their number is settled' refuses 2 'number of brokers' "$servers" start --dir "$two" --brokers 3
check 'both stop' "$servers" stop --dir "$two"
check 'nothing is left of the two' nothing_runs_in "$two"
eval "$("$servers" env --dir "$a")"

# Failure paths: one clear message each, nothing left running.
check 'a taken Kafka port' refuses 69 'taken by another program' \
  "$servers" start --dir "$work/taken" --kafka-port "${KAFKA_BOOTSTRAP##*:}"
redis_port=${REDIS_URL##*:}
check 'a taken Redis port' refuses 69 'taken by another program' \
  "$servers" start --dir "$work/taken2" --redis-port "${redis_port%/*}"
check 'the Kafka of that attempt is gone' nothing_runs_in "$work/taken2"
check 'a bad broker property' refuses 1 'Kafka refused its settings' \
  "$servers" start --dir "$work/bad" --broker-prop log.retention.hours=soon
check 'nothing is left of it' nothing_runs_in "$work/bad"
check 'a bad Redis setting' refuses 69 'redis did not start' \
  "$servers" start --dir "$work/bad2" --bootstrap "$KAFKA_BOOTSTRAP" --redis-conf 'no-such-setting 1'
check 'a directory without servers' refuses 1 'no servers were started' "$servers" env --dir "$work/none"
check 'no directory' refuses 2 'needs --dir' "$servers" start
check 'an unknown command' refuses 2 'unknown command' "$servers" begin --dir "$a"
check 'an unknown option' refuses 2 'unknown option' "$servers" start --dir "$a" --fast

tools=$work/tools
mkdir "$tools"
for tool in bash cat cut date dirname flock grep head java mkdir mv realpath rm sed setsid sleep tail; do
  ln -s "$(command -v "$tool")" "$tools/$tool"
done
ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$tools/python3"
check 'no Maven and no cache' refuses 69 'Maven is missing' \
  env PATH="$tools" XDG_CACHE_HOME="$work/empty" "$servers" start --dir "$work/nomaven"
rm "$tools/java"
check 'no Java' refuses 69 'java is missing' env -u JAVA_HOME PATH="$tools" "$servers" start --dir "$work/nojava"
check 'no redis-server' refuses 69 'redis-server is missing' \
  env PATH="$tools" "$servers" start --dir "$work/noredis" --bootstrap "$KAFKA_BOOTSTRAP"

mkdir -p "$work/home/.m2" "$work/cache/fraudd/kafka-9.partial/lib"
cat >"$work/home/.m2/settings.xml" <<'XML'
<settings><mirrors><mirror><id>closed</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:1/</url></mirror></mirrors></settings>
XML
check 'no network' refuses 69 'cannot download Kafka' \
  env MAVEN_OPTS="-Duser.home=$work/home" XDG_CACHE_HOME="$work/cache" "$servers" start --dir "$work/nonet"
check 'nothing half downloaded stays' same "$(find "$work/cache/fraudd" -name 'kafka-[0-9]*' | wc -l)" 0

# A pid file of a dead server whose pid belongs to somebody else now.
sleep 600 &
bystander=$!
mkdir -p "$work/reused"
cp "$b/settings" "$work/reused/settings"
printf '%s 12345\n' "$bystander" >"$work/reused/kafka.pid"
check 'stop with a reused pid' "$servers" stop --dir "$work/reused"
check 'the other process lives' kill -0 "$bystander"

check 'stop' "$servers" stop --dir "$a"
check 'nothing runs after stop' nothing_runs_in "$a"
check 'no pid file stays' same "$(find "$a" -name '*.pid')" ''
check 'a second stop is fine' "$servers" stop --dir "$a"
check 'start with the old data' "$servers" start --dir "$a"
check 'the old topics are there' same "$("$servers" topic list --dir "$a")" $'t1\t6\nt4\t2'
check 'stop one server only' "$servers" stop --dir "$a" --only redis
check 'Kafka runs on' listens "$KAFKA_BOOTSTRAP"
check 'stop with SIGKILL' "$servers" stop --dir "$a" --kill
check 'nothing runs after that' nothing_runs_in "$a"
check 'stop the second set' "$servers" stop --dir "$b"
check 'nothing runs there' nothing_runs_in "$b"

echo "$passed passed, $failed failed"
((failed == 0))
