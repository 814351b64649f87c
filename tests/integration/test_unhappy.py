"""Wrong configurations, absent topics, unreachable brokers, impatient operators.

Why it exists: each must end with one message that says what is wrong and how to mend it, with the
exit code of its kind (2 usage, 69 unreachable, 78 configuration, 130/143 interrupted), and in time.
"""
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
from fraudd_test import Pipe, ROOT, Servers, admin_client, free_port, run_tests, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants

SOON_S = 30


def errors_of(worker):
    """Lines that an operator would read as the error: level error, or text outside of JSON."""
    plain = [line for line in worker.log().splitlines() if line and not line.startswith("{")]
    return plain + [str(line) for line in worker.log_lines() if line.get("level") == "error"]


def refused(context, what, worker, code, *texts, timeout_s=SOON_S, one=True):
    """Ends with that code, by itself, and says each text."""
    if not worker.alive():
        worker.start()
    got = worker.wait(timeout_s)
    said = errors_of(worker)
    context.results.check(got == code, f"{what}: exit code {code}", [f"got {got}", *worker.tail()])
    for text in texts:
        context.results.check(any(text in line for line in said), f"{what}: says '{text}'", said)
    if one:
        context.results.check(len(said) == 1, f"{what}: says it once", said)
    worker.destroy()


def test_bad_configuration(context):
    pipe = Pipe(context, "config", 1)
    good = pipe.config("x")

    def case(what, texts, config, *settings):
        name = what.replace(" ", "-")
        refused(context, what, context.worker(name, config, *settings), 78, *texts, one=False)

    case("an unknown key", ["max_event", "max_events"], {**good, "batch": {"max_event": 5}})
    case("an unknown section", ["bacth"], {**good, "bacth": {}})
    case("a bad duration", ["max_wait"], {**good, "batch": {"max_wait": "soon"}})
    case("out of range", ["max_events"], {**good, "batch": {"max_events": 0}})
    case("no source", ["sources"], {**good, "sources": []})
    case("an absent schema", ["nosuch.avsc"],
         {**good, "sources": [{**good["sources"][0], "schema": "nosuch.avsc"}]})
    case("an unknown id field", ["tx_idd"],
         {**good, "sources": [{**good["sources"][0], "id": "tx_idd"}]})
    case("a bad librdkafka property", ["no.such.property"],
         {**good, "kafka": {**good["kafka"], "no.such.property": "1"}})
    case("not YAML", ["not-YAML.yaml"], "kafka: [unclosed\n")
    case("a bad --set", ["max_events"], good, "batch.max_events=many")
    absent = context.worker("absent", good)
    absent.config_path.unlink()
    refused(context, "an absent file", absent, 78, "absent.yaml")
    usage = context.worker("usage", good, "nonsense")
    refused(context, "a --set without a value", usage, 2, "nonsense", one=False)


def test_bad_rules(context):
    pipe = Pipe(context, "rules", 1)
    config = pipe.config("rules")
    for what, text, says in (
            ("a bad expression", events.RULES.replace("> 450000", "> > 450000"), "test.yaml:"),
            ("an unknown field", events.RULES.replace("event.mcc", "event.mmc"), "mmc"),
            ("a type error", events.RULES.replace("> 450000", '> "much"'), "test.yaml:")):
        (pipe.rules / "test.yaml").write_text(text)
        worker = context.worker(what.replace(" ", "-"), config)
        refused(context, what, worker, 78, says, one=False)
    config["rules"] = str(pipe.dir / "nosuch")
    refused(context, "no rules directory", context.worker("no-rules", config), 78, "nosuch", one=False)


def test_absent_topics(context):
    """It ends and says which is missing; whoever started it starts it again."""
    for section in ("source", "output", "dead_letter"):
        pipe = Pipe(context, f"absent-{section.replace('_', '-')}", 1)
        name = context.fresh("nosuch")
        config = pipe.config("absent", startup={"timeout": "5s"})
        if section == "source":
            config["sources"][0]["topic"] = name
        else:
            config[section]["topic"] = name
        worker = context.worker(f"absent-{section}", config).start()
        began = time.monotonic()
        code = worker.wait(25)
        took = time.monotonic() - began
        said = errors_of(worker)
        context.results.check(code in (69, 78), f"absent {section} topic: ends with 69 or 78",
                              [f"got {code} after {took:.1f} s", *worker.tail()])
        context.results.check(any(name in line for line in said),
                              f"absent {section} topic: says which", said or worker.tail())
        worker.destroy()


def test_unreachable_broker(context):
    pipe = Pipe(context, "unreachable", 1)
    address = f"127.0.0.1:{free_port()}"
    config = pipe.config("unreachable", kafka={"bootstrap.servers": address},
                         startup={"timeout": "3s"})
    worker = context.worker("unreachable", config).start()
    began = time.monotonic()
    refused(context, "no broker", worker, 69, address, timeout_s=15)
    took = time.monotonic() - began
    context.results.check(2 < took < 8, "no broker: within startup.timeout", f"{took:.1f} s")
    with socket.socket() as silent:                     # accepts, and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        config = pipe.config("silent", kafka={"bootstrap.servers": address},
                             startup={"timeout": "3s"})
        refused(context, "a silent server", context.worker("silent", config), 69, address,
                timeout_s=15)
    worker = context.worker("interrupted", pipe.config(
        "interrupted", kafka={"bootstrap.servers": address}, startup={"timeout": "60s"})).start()
    time.sleep(1)
    code = worker.terminate(10)
    context.results.check(code in (0, 143), "SIGTERM while waiting for a broker ends it",
                          [f"got {code}", *worker.tail()])


def test_http_port_taken(context):
    pipe = Pipe(context, "port", 1)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        config = pipe.config("port", http={"listen": address})
        refused(context, "http port taken", context.worker("port", config), 69, address)


def running(context, stem, count=4000, **changes):
    """A worker in the middle of its work."""
    pipe = Pipe(context, stem, 2)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger, events.make_events(41, count, 2)).send_all()
    watch = Watch(pipe)
    worker = context.worker(stem, pipe.config(stem, batch={"max_events": 5}, **changes)).start()
    wait_until(lambda: watch.decided() > 0, SOON_S, 0.005)
    return pipe, ledger, watch, worker


def test_drain(context):
    """SIGTERM, SIGINT: what is in flight is committed, and it ends at once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        pipe, ledger, watch, worker = running(context, f"drain-{number.name.lower()}")
        began = time.monotonic()
        worker.signal(number)
        code = worker.wait(SOON_S)
        took = time.monotonic() - began
        context.results.check(code == 0, f"{number.name}: exit code 0",
                              [f"got {code}", *worker.tail()])
        context.results.check(took < 5, f"{number.name}: ends at once", f"{took:.1f} s")
        context.results.check(bool(worker.logged("drained")), f"{number.name}: says that it drained")
        context.results.check(0 < watch.decided() < ledger.count(),
                              f"{number.name}: hit it in mid-work", f"{watch.decided()}")
        worker.start()
        check_invariants(pipe, watch, ledger, 60, f"after {number.name}")
        worker.terminate()


def test_second_signal(context):
    pipe, ledger, watch, worker = running(context, "second", shutdown={"timeout": "60s"})
    worker.freeze()                                     # both signals wait when it wakes up
    worker.signal(signal.SIGTERM)
    worker.signal(signal.SIGINT)
    worker.thaw()
    code = worker.wait(SOON_S)
    context.results.check(code in (130, 143), "two signals: ends at once with 130 or 143",
                          [f"got {code}", *worker.tail()])
    worker.start()
    check_invariants(pipe, watch, ledger, 60, "after two signals")
    worker.terminate()


def test_same_instance(context):
    """Two processes with one name: the older one is fenced and says so; each event once."""
    pipe, ledger, watch, worker = running(context, "twin", count=6000)
    twin = context.worker("twin-2", pipe.config("twin", batch={"max_events": 5})).start()
    fenced = wait_until(lambda: [w for w in (worker, twin) if not w.alive()], SOON_S)
    context.results.check(fenced and len(fenced) == 1, "exactly one of two twins ends")
    if fenced:
        code, said = fenced[0].wait(1), " ".join(errors_of(fenced[0]))
        context.results.check(code not in (0, None) and code > 0, "it ends with an error code",
                              f"got {code}")
        context.results.check("instance" in said, "and says that the instance is taken", said)
    check_invariants(pipe, watch, ledger, 60, "twins")
    for left in (worker, twin):
        if left.alive():
            context.results.check(left.terminate() == 0, "the other one ends well", left.tail())


def test_broker_outage(context):
    """SIGTERM while all brokers are away ends within shutdown.timeout; nothing is lost."""
    servers = Servers(ROOT / "build" / f"servers-outage-{context.stamp}").start("--brokers", "2")
    shared, context.bootstrap = context.bootstrap, servers.bootstrap
    try:
        context.admin = admin_client(servers.bootstrap)
        pipe, ledger, watch, worker = running(context, "outage", shutdown={"timeout": "4s"})
        servers.stop_kafka(kill=True)
        time.sleep(1)
        context.results.check(worker.alive(), "brokers that are away do not end it", worker.tail())
        began = time.monotonic()
        code = worker.terminate(20)
        took = time.monotonic() - began
        context.results.check(code is not None and took < 8, "SIGTERM ends it within shutdown.timeout",
                              [f"code {code} after {took:.1f} s", *worker.tail()])
        servers.start()
        worker.start()
        check_invariants(pipe, watch, ledger, 90, "after the outage")
        context.results.check(worker.terminate() == 0, "ends well after the outage", worker.tail())
    finally:
        servers.stop()
        context.bootstrap = shared
        context.admin = admin_client(shared)


if __name__ == "__main__":
    run_tests("test_unhappy", [
        test_bad_configuration, test_bad_rules, test_absent_topics, test_unreachable_broker,
        test_http_port_taken, test_drain, test_second_signal, test_same_instance,
        test_broker_outage])
