"""A model is exchanged while it decides: no event is lost or decided twice, and every score is one of the model that
its decision names.

Why it exists: a model that is swapped under load must decide from a batch boundary on, in each partition once; a file
that is truncated, tampered with, or fails its self-test must change nothing but what is said of it. The worker, the
broker and the files are real; the models are trees whose answers are known.
"""
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
from fraudd_test import Pipe, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants

SOON_S = 60
SEED = 20260801
PARTITIONS = 2
RATE = 5000
EVENTS = 50000
SPLIT = 13000                       # minor units: about half of the payments are above

RULES = events.RULES + """\
  - id: model-high
    condition: models.card.score > 0.5
    score: 1
    reason: MODEL
"""

TREE = """\
tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=regression
feature_names=amount
feature_infos=[0:1000000]
tree_sizes=300

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=1
threshold={split}
decision_type=2
left_child=-1
right_child=-2
leaf_value={low} {high}
leaf_weight=1 1
leaf_count=5 5
internal_value=0
internal_weight=0
internal_count=10
is_linear=0
shrinkage=1


end of trees

pandas_categorical:null
"""


class Model:
    def __init__(self, name, low, high):
        self.low, self.high = low, high
        self.text = TREE.format(split=SPLIT, low=low, high=high)
        self.sha256 = hashlib.sha256(self.text.encode()).hexdigest()
        self.files = {f"{name}.txt": self.text,
                      f"{name}.csv": f"amount,expected\n{SPLIT},{low}\n{SPLIT + 1},{high}\n"}
        self.manifest = (f"id: card\nfile: {name}.txt\nsha256: {self.sha256}\nself_test: {name}.csv\n"
                         "inputs: [{name: amount, expression: event.amount_minor}]\n")

    @property
    def version(self):
        return self.sha256[:16]

    def score(self, amount):
        return self.low if amount <= SPLIT else self.high


FIRST = Model("first", 0.125, 0.75)
SECOND = Model("second", 0.25, 0.875)
BY_VERSION = {model.version: model for model in (FIRST, SECOND)}


def put(path, text):
    """Renamed over the one before it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    os.replace(new, path)


def install(directory, model, manifest=None):
    for name, text in model.files.items():
        put(directory / name, text)
    put(directory / "card.yaml", manifest or model.manifest)


def rules_of(worker):
    return json.loads(worker.get("/api/v1/rules")[1])


def reload(worker):
    status, body = worker.get("/-/reload", method="POST", timeout_s=60)
    return status, json.loads(body)


def version_of(worker):
    return [v for v in BY_VERSION if worker.metric("fraudd_model_info", model="card", version=v) == 1]


def prepare(context, stem, partitions, **changes):
    pipe = Pipe(context, stem, partitions)
    (pipe.rules / "test.yaml").write_text(RULES)
    models = pipe.dir / "models"
    models.mkdir()
    install(models, FIRST)
    worker = context.worker(pipe.group, pipe.config(stem, models=str(models), **changes)).start()
    context.results.check(worker.wait_ready(SOON_S), f"{stem}: ready", worker.tail())
    return pipe, models, worker


def wrong_scores(ledger, found):
    """What is wrong with the decisions' models; and how often each version decided."""
    wrong, counts = [], {}
    for partition, decisions in found.items():
        turns = []
        for decision in decisions:
            event = ledger.events[partition][decision.src[2]]
            record = events.decode_decision(decision.value)
            amount = event.fields["amount_minor"]
            said = record["models"]
            if len(said) != 1 or said[0]["id"] != "card" or said[0]["version"] not in BY_VERSION:
                wrong.append(f"{decision.src}: {said}")
                continue
            model = BY_VERSION[said[0]["version"]]
            hit = "model-high" in [rule["id"] for rule in record["rules"]]
            if said[0]["score"] != model.score(amount) or hit != (model.score(amount) > 0.5) or record["flags"]:
                wrong.append(f"{decision.src}: amount {amount}, {said}, rules {record['rules']}, {record['flags']}")
            counts[model.version] = counts.get(model.version, 0) + 1
            if not turns or turns[-1] != (model.version, record["models_hash"]):
                turns.append((model.version, record["models_hash"]))
        if [version for version, _ in turns] != [FIRST.version, SECOND.version, FIRST.version]:
            wrong.append(f"partition {partition}: models took turns as {turns}")
        elif turns[0] != turns[2]:
            wrong.append(f"partition {partition}: the same files have two hashes: {turns}")
    return wrong, counts


def test_swap_under_load(context):
    check = context.results.check
    pipe, models, worker = prepare(context, "swap", PARTITIONS)
    check(version_of(worker) == [FIRST.version] or wait_until(lambda: version_of(worker) == [FIRST.version], SOON_S),
          "the version in force is told", worker.tail())
    ledger = Ledger(pipe.source)
    feeder = Feeder(context.bootstrap, ledger, events.make_events(SEED, EVENTS, PARTITIONS)).start(RATE)
    watch = Watch(pipe)
    feeder.allow(EVENTS)
    for share, model in ((0.3, SECOND), (0.6, FIRST)):
        check(watch.wait_decided(int(EVENTS * share), SOON_S), "events are decided", worker.tail())
        install(models, model)
        check(wait_until(lambda: version_of(worker) == [model.version], SOON_S), f"{model.version} decides",
              [*worker.tail(), str(rules_of(worker)["last_refusal"])])
        say(f"   {model.version} decides after {watch.decided()} of {EVENTS} events")
    check(wait_until(lambda: feeder.sent >= EVENTS, SOON_S), "all events are sent", str(feeder.sent))
    feeder.flush()
    found = check_invariants(pipe, watch, ledger, SOON_S, "swap", oracle=False)
    wrong, counts = wrong_scores(ledger, found)
    context.results.none(wrong, "every score is its version's; each model decides one stretch of each partition")
    say(f"   decisions by version: {counts}")
    scored = worker.metric("fraudd_model_score_count", model="card", mode="live")
    check(0 < scored <= EVENTS, "scores are counted", str(scored))
    check(worker.terminate() == 0, "ends with 0", worker.tail())


def test_bad_files_change_nothing(context):
    check = context.results.check
    pipe, models, worker = prepare(context, "bad", 1, reload={"poll_interval": "1h", "debounce": "10s"})
    ledger = Ledger(pipe.source)
    feeder = Feeder(context.bootstrap, ledger, events.make_events(SEED + 1, 4000, 1)).start(1000)
    watch = Watch(pipe)
    good = FIRST.text
    deciding = rules_of(worker)["active"]["models_hash"]
    cases = (
        ("truncated", lambda: put(models / "first.txt", good[:len(good) // 2]), "has the sha256"),
        ("empty", lambda: put(models / "first.txt", ""), "has the sha256"),
        ("tampered", lambda: put(models / "first.txt", good.replace("0.75", "0.95")), "has the sha256"),
        ("gone", lambda: os.unlink(models / "first.txt"), "No such file"),
        ("self-test", lambda: put(models / "first.csv", "amount,expected\n1,0.5\n"), "the model says 0.125, expected 0.5"),
        ("unknown feature", lambda: put(models / "card.yaml", FIRST.manifest.replace("event.amount_minor", "features.n")),
         "there is no feature 'n'"),
        ("shadow", lambda: put(models / "card.yaml", FIRST.manifest + "mode: shadow\n"), "model 'card' is not live"),
    )
    for what, spoil, text in cases:
        spoil()
        status, answer = reload(worker)
        said = " ".join(d["text"] for d in answer.get("diagnostics", []))
        check(status == 422 and answer["result"] == "refused" and text in said, f"{what}: refused", f"{status} {answer}")
        check(rules_of(worker)["active"]["models_hash"] == deciding, f"{what}: the former decides")
        before = watch.decided()
        feeder.allow(400)
        check(watch.wait_decided(before + 400, SOON_S), f"{what}: deciding goes on", worker.tail())
        install(models, FIRST)
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "unchanged" and answer["models_hash"] == deciding, "the good one is back",
          f"{status} {answer}")
    install(models, SECOND)
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "accepted" and answer["models_hash"] != deciding
          and answer["ruleset"] == rules_of(worker)["active"]["ruleset"], "another model, the same rules",
          f"{status} {answer}")
    check(rules_of(worker)["active"]["models_hash"] == answer["models_hash"], "decides")
    feeder.stop()
    feeder.flush()
    found = check_invariants(pipe, watch, ledger, SOON_S, "bad", oracle=False)
    versions = {m["version"] for d in found[0] for m in events.decode_decision(d.value)["models"]}
    check(versions == {FIRST.version}, "no refused model has decided anything", str(versions))
    check(worker.terminate() == 0, "ends with 0", worker.tail())


def test_bad_at_the_start(context):
    pipe = Pipe(context, "start", 1)
    (pipe.rules / "test.yaml").write_text(RULES)
    models = pipe.dir / "models"
    models.mkdir()
    install(models, FIRST)
    put(models / "first.txt", FIRST.text.replace("0.75", "0.95"))
    worker = context.worker(pipe.group, pipe.config("start", models=str(models))).start()
    code = worker.wait(SOON_S)
    context.results.check(code == 78, "a tampered model: 78", [f"exit code {code}", *worker.tail()])
    context.results.check(any("has the sha256" in line for line in worker.tail(40)), "and why", worker.tail(40))


if __name__ == "__main__":
    run_tests("test_models_live", [test_swap_under_load, test_bad_files_change_nothing, test_bad_at_the_start])
