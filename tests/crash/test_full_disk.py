"""A disk that is really full: publishes are refused, everything else goes on, space heals it.

RELIABILITY P4. On a tmpfs of 64 MiB, which takes root; CARILLON_LEVEL=long holds longer and repeats.
"""

import os
import random
import subprocess
import time
from contextlib import contextmanager

import pytest

from clients import SseClient
from hub import Hub, assert_problem, wait_until
from load import Load

DISK = "64m"
BALLAST_BYTES = 24 << 20  # so that the disk is full before the log reaches its share of it
FILL_BYTES = 200_000
LONG = os.environ.get("CARILLON_LEVEL") == "long"
CYCLES = 10 if LONG else 2
HOLD_SECONDS = 60.0 if LONG else 2.0
HEAL_SECONDS = 30.0
SEED = int(os.environ.get("CARILLON_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
SERVICE = ["--journal-bytes", "1MiB", "--heartbeat", "1s"]


@pytest.fixture
def disk(tmp_path):
    """A directory on a small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted for this test, which takes root")
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"mounting a tmpfs is not permitted here: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


class Ballast:
    """A file that takes space away from the hub, and gives it back."""

    def __init__(self, disk):
        self.path = disk / "ballast"

    def take(self, count=1 << 40):
        """Up to that many bytes, or all that is free."""
        with open(self.path, "ab", buffering=0) as file:
            try:
                for _ in range(count >> 16):
                    file.write(bytes(1 << 16))
            except OSError:
                pass  # full

    def give_back(self):
        self.path.unlink()


class Filler:
    """Publishes large events until no event fits, however small."""

    def __init__(self, hub):
        self.hub = hub
        self.kept = []  # cursors

    def publish(self, size=FILL_BYTES):
        """The answer: 201 or 507; a spare file that is being filled is waited for."""
        while True:
            answer = self.hub.post("/t/fill", os.urandom(size), "application/octet-stream")
            if answer.status == 201:
                self.kept.append(answer.json()["cursor"])
            if answer.status != 503:
                return answer
            assert_retry_after(answer)
            time.sleep(0.02)

    def until_full(self):
        """The refusal of the smallest event, twice in a row."""
        refusals = 0
        while refusals < 2:
            answer = self.publish()
            if answer.status == 507:
                answer = self.publish(1)
            refusals = refusals + 1 if answer.status == 507 else 0
        return answer


def assert_retry_after(answer):
    assert int(answer.header("retry-after")) >= 1, answer


def stored_cursors(hub, topic):
    return [event["cursor"] for event in hub.events(topic)]


def assert_nothing_half_stored(hub, filler):
    """A refused publish, single or batch, leaves nothing behind."""
    batch = [{"specversion": "1.0", "id": f"refused-{n}", "source": "/s", "type": "t", "data": "x"}
             for n in range(20)]

    answer = hub.post_json("/t/refused", batch, "application/cloudevents-batch+json")

    assert_problem(answer, 507)
    assert hub.events("refused") == []
    assert stored_cursors(hub, "fill") == filler.kept


def assert_reads_go_on(hub, filler):
    newest = filler.kept[-1]
    assert hub.get(f"/t/fill/events/{newest}").status == 200
    with SseClient(hub, f"/t/fill?after={filler.kept[-4]}") as stream:
        assert [event.id for event in stream.take(3)] == filler.kept[-3:]


def assert_health_tells(hub):
    def refused():
        answer = hub.get("/healthz")
        return answer.status == 200 and answer.json()["publish"] == "refused"

    wait_until(refused, "/healthz is 200 and says that publishing is refused")
    assert hub.get("/readyz").status == 503


def assert_heals(hub, filler):
    def accepted():
        return filler.publish(10).status == 201

    def ready():
        return hub.get("/readyz").status == 200 and hub.get("/healthz").json()["publish"] == "ok"

    wait_until(accepted, "publishing goes on by itself", HEAL_SECONDS)
    wait_until(ready, "/readyz and /healthz are well again", HEAL_SECONDS)


@contextmanager
def loaded_hub(disk):
    """A hub on the small disk under a small load, and the verdict at its end."""
    hub = Hub(data=disk / "data", args=SERVICE)
    try:
        hub.start()
        print(f"CARILLON_SEED={SEED}")
        with Load(hub, SEED, publishers=12) as load:
            yield load
            verdict = load.judge()
            print(verdict)
            assert not verdict.findings, f"CARILLON_SEED={SEED}, histories in {load.run}\n{verdict}"
    finally:
        hub.discard()


def test_a_full_disk_refuses_publishes_and_heals_and_loses_nothing(disk):
    ballast = Ballast(disk)
    ballast.take(BALLAST_BYTES)
    with loaded_hub(disk) as load:
        hub, filler = load.hub, Filler(load.hub)
        hub.publish_all("doomed", ["x" * 1000] * 50)
        for cycle in range(CYCLES):
            refusal = filler.until_full()
            assert_problem(refusal, 507)
            assert_retry_after(refusal)
            assert_health_tells(hub)
            assert_nothing_half_stored(hub, filler)
            assert_reads_go_on(hub, filler)
            time.sleep(HOLD_SECONDS)
            assert hub.alive()
            if cycle == 0:
                assert hub.delete("/v1/topics/doomed").status in (200, 204)
                assert hub.events("doomed") == []
            ballast.give_back()
            assert_heals(hub, filler)
            assert stored_cursors(hub, "fill") == filler.kept
            ballast.take(BALLAST_BYTES)


def test_a_hub_killed_on_a_full_disk_starts_on_it_and_loses_nothing(disk):
    ballast = Ballast(disk)
    ballast.take(BALLAST_BYTES)
    with loaded_hub(disk) as load:
        hub, filler = load.hub, Filler(load.hub)
        for _ in range(CYCLES):
            filler.until_full()
            ballast.take()
            hub.kill()
            load.restart_hub()
            assert stored_cursors(hub, "fill") == filler.kept
            assert_reads_go_on(hub, filler)
            ballast.give_back()
            assert_heals(hub, filler)
            ballast.take(BALLAST_BYTES)
        ballast.give_back()
        assert_heals(hub, filler)


def test_a_disk_that_the_log_alone_has_filled_heals_by_a_trim(disk):
    """Nobody gives space from outside: what was trimmed must become room again."""
    with Hub(data=disk / "data", args=["--log-bytes", "1TB"]) as hub:
        filler = Filler(hub)
        filler.until_full()
        newest = filler.kept[-1]

        assert hub.post_json("/v1/topics/fill/trim", {"before": newest}).status == 200
        wait_until(
            lambda: hub.post("/t/fill", b"again").status == 201, "a trim heals", HEAL_SECONDS
        )

        assert stored_cursors(hub, "fill")[0] == newest
