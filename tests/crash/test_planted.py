"""A hub with a fault planted in it: the checker must find each, under the load that finds none else.

build/planted/carillon is built with -DCARILLON_PLANTED_FAULTS=ON and takes CARILLON_FAULT.
"""

import os
import random
import subprocess
import time

import pytest

from hub import ROOT, Hub
from load import Load

PLANTED = ROOT / "build" / "planted" / "carillon"
ROUNDS = 3
PUBLISHERS = 32
FAULTS = {  # what it does, and the kinds of which the checker must find at least one
    "early-ack": {"lost", "unstable"},
    "drop-event": {"silent gap", "lost"},
    "swap-events": {"reordered", "regressed"},
    "flip-byte": {"altered"},
    "double-delivery": {"duplicate"},
    "cursor-regress": {"regressed", "reordered", "duplicate"},
    "skip-gap": {"silent gap"},
}


@pytest.fixture
def planted_binary(monkeypatch):
    if not PLANTED.exists():
        reason = "build/planted/carillon is missing: cmake --preset planted && ninja -C build/planted"
        if os.environ.get("CARILLON_LEVEL") == "long":
            pytest.fail(reason)
        pytest.skip(reason)
    monkeypatch.setenv("CARILLON_BIN", str(PLANTED))


def short_rounds(fault):
    """The verdict on a load over a few kills of a hub with this fault, or with none."""
    seed = random.SystemRandom().randrange(1 << 32)
    env = {"CARILLON_FAULT": fault} if fault else None
    print(f"CARILLON_SEED={seed}")
    with Hub(args=["--journal-bytes", "1MiB", "--heartbeat", "1s"], env=env) as hub:
        with Load(hub, seed, PUBLISHERS, ending_seconds=15.0 if fault else 45.0) as load:
            for _ in range(ROUNDS):
                time.sleep(1.0)
                load.restart_hub()
            try:
                return load.judge()
            except (AssertionError, subprocess.TimeoutExpired):
                if fault is None:
                    raise
            # A hub with a fault may keep its clients from ending, too.
            for process in load.processes.values():
                process.terminate()
                process.wait()
            hub.kill()
            return load.judge_stopped()


def test_the_binary_for_faults_is_sound_without_one(planted_binary):
    verdict = short_rounds(None)
    print(verdict)

    assert not verdict.findings, verdict
    assert verdict.acknowledged > 300


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_hub_is_found(planted_binary, fault):
    verdict = short_rounds(fault)
    print(verdict)

    assert verdict.kinds() & FAULTS[fault], verdict
