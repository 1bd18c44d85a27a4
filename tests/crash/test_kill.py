"""kill -9 again and again under load, on the same data: nothing is lost, nothing else appears.

RELIABILITY P1, G1, G2, G4. CARILLON_LEVEL=long kills 200 times, otherwise 30; CARILLON_SEED repeats
a run's choices.
"""

import os
import random
import time

from load import Load

ROUNDS = {"long": 200}
ROUNDS_FULL = 30
READY_SECONDS_MAX = 2.0
SEED = int(os.environ.get("CARILLON_SEED", "0")) or random.SystemRandom().randrange(1 << 32)


def test_nothing_is_lost_altered_reordered_or_skipped_over_kills_under_load(start_hub):
    rounds = ROUNDS.get(os.environ.get("CARILLON_LEVEL", ""), ROUNDS_FULL)
    hub = start_hub(args=["--journal-bytes", "1MiB", "--heartbeat", "1s"])
    dice = random.Random(SEED)
    slowest = 0.0
    print(f"CARILLON_SEED={SEED}")

    with Load(hub, SEED) as load:
        for _ in range(rounds):
            time.sleep(dice.uniform(0, 1.5))
            assert hub.alive(), "the hub died by itself"
            hub.kill()
            began = time.monotonic()
            load.restart_hub()
            slowest = max(slowest, time.monotonic() - began)
        verdict = load.judge()
        print(f"{verdict}; slowest start {slowest:.2f} s")

        assert not verdict.findings, f"CARILLON_SEED={SEED}, histories in {load.run}\n{verdict}"
    assert verdict.acknowledged > 100 * rounds, "the load was too small to mean anything"
    assert verdict.gaps > 0, "no reader was ever behind a trim: the load did not reach that"
    assert slowest <= READY_SECONDS_MAX, f"a start took {slowest:.2f} s"
