"""Two loops under everything at once, in a hub built with ThreadSanitizer: no race, no loss.

64 publishers, a keeper that trims and deletes, 24 readers of every form, and an operator who asks
for everything there is to ask, over CARILLON_STRESS_SECONDS (60). A race ends the hub at once
(TSAN_OPTIONS=halt_on_error=1). CARILLON_BIN is build/tsan/carillon in `./test`.
"""

import os
import random
import threading

from load import Load

SECONDS = float(os.environ.get("CARILLON_STRESS_SECONDS", "60"))
SEED = int(os.environ.get("CARILLON_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
# What an operator's tools ask again and again; each answer crosses all loops or the log.
ASKED = ["/metrics", "/v1/connections?limit=10", "/v1/stats", "/v1/topics", "/healthz", "/readyz"]


class Operator(threading.Thread):
    """Asks until it is told to stop, and takes a snapshot now and then."""

    def __init__(self, hub):
        super().__init__(daemon=True)
        self.hub, self.over = hub, threading.Event()
        self.answers, self.broken = 0, []

    def run(self):
        while not self.over.is_set():
            for path in ASKED:
                self.look_at(path, self.hub.get(path).status)
            to = str(self.hub.directory / f"snapshot-{self.answers}")
            self.look_at("/v1/snapshot", self.hub.post_json("/v1/snapshot", {"to": to}).status)
            self.over.wait(1.0)

    def look_at(self, path, status):
        self.answers += 1
        if status not in (200, 201):
            self.broken.append((path, status))


def test_two_loops_under_everything_at_once_race_nowhere_and_lose_nothing(start_hub):
    hub = start_hub(args=["--loops", "2", "--journal-bytes", "1MiB", "--heartbeat", "1s"])
    print(f"CARILLON_SEED={SEED}")
    operator = Operator(hub)

    with Load(hub, SEED, ending_seconds=120.0) as load:
        operator.start()
        operator.over.wait(SECONDS)
        assert hub.alive(), f"the hub died:\n{hub.stderr()}"
        operator.over.set()
        operator.join()
        load.stop_publishing()
        load.stop_reading()
        hub.stop()
        verdict = load.judge_stopped()
        print(f"{verdict}; {operator.answers} answers to the operator")

        assert not verdict.findings, f"CARILLON_SEED={SEED}, histories in {load.run}\n{verdict}"
    assert "ThreadSanitizer" not in hub.stderr(), hub.stderr()
    assert not operator.broken
    assert operator.answers > len(ASKED)
    assert verdict.acknowledged > 1_000, "the load was too small to mean anything"
