"""Rules with windows for the payments of events.py. The topic is keyed by card: LOCAL features are
of keys that stay in one partition, CROSSING ones are exact only where one process owns them all."""

LOCAL = """
features:
  - {name: card_n_5s, key: card_id, op: count, window: 5s}
  - {name: card_sum_1m, key: card_id, op: sum, value: event.amount_minor, window: 1m}
  - {name: card_avg_10s, key: card_id, op: avg, value: event.amount_minor, window: 10s}
  - {name: card_declines, key: card_id, op: count, window: 30s, where: event.status == "declined"}
  - {name: card_declined_share, key: card_id, op: ratio, of: event.status == "declined", window: 1m}
  - {name: card_merchants, key: card_id, op: distinct, value: event.merchant_id, window: 1m}
  - {name: card_last_merchant, key: card_id, op: last, value: event.merchant_id, window: 1m}
  - {name: card_since_last, key: card_id, op: time_since_last, window: 1m}
  - {name: card_max_before, key: card_id, op: max, value: event.amount_minor, window: 20s, delay: 10s}
  - {name: pair_new, key: card_id, op: is_new, value: event.device_id, window: 1m}
  - {name: pair_n, key: [card_id, merchant_id], op: count, window: 2m}
rules:
  - {id: busy, condition: features.card_n_5s > 2, action: review, score: 10, reason: BUSY}
  - id: above-average
    condition: 'has(features.card_avg_10s) && double(event.amount_minor) > 3.0 * features.card_avg_10s'
    action: challenge
    reason: ABOVE_AVERAGE
    explain: '"sum " + string(features.card_sum_1m)'
  - {id: many-merchants, condition: features.card_merchants >= 4 && features.pair_n == 1, score: 25}
"""

CROSSING = """
features:
  - {name: merchant_n_2s, key: merchant_id, op: count, window: 2s}
  - {name: merchant_sum_10s, key: merchant_id, op: sum, value: event.amount_minor, window: 10s}
  - {name: merchant_cards, key: merchant_id, op: distinct, value: event.card_id, window: 5s}
  - {name: ip_n, key: ip, op: count, window: 1m}
rules:
  - {id: merchant-burst, condition: features.merchant_n_2s > 30, score: 15, reason: MERCHANT_BURST}
  - {id: merchant-spread, condition: features.merchant_cards > 40, action: review}
"""


def install(pipe, *texts):
    """Rule files with these windows beside those that the pipe has."""
    for number, text in enumerate(texts):
        (pipe.rules / f"windows-{number}.yaml").write_text("version: 1\n" + text)


SETTINGS = {"output": {"evidence": "all"}, "state": {"lateness": "1500ms", "memory": "64MiB"}}


def settings(pipe, **more):
    """Changes for pipe.config(): evidence of all features, a lateness that some events miss."""
    found = {"output": {"topic": pipe.output, **SETTINGS["output"]}, "state": dict(SETTINGS["state"])}
    for section, value in more.items():
        found[section] = {**found.get(section, {}), **value}
    return found
