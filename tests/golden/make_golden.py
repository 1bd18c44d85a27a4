#!/usr/bin/env python3
"""Makes tests/golden/format-N anew: a log as this release writes it, and what it must be read as.

    tests/golden/make_golden.py [N]

It takes $CARILLON_BIN, or build/release/carillon, and a good minute: the hub's own probe stores a
checkpoint only every 30 s. Never of a format that a release has written: the bytes are kept so that
later releases meet what this one wrote.
"""

import json
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from golden import GOLDEN, PAGE, pack, unpack  # noqa: E402
from hub import Hub, run_carillon, wait_until  # noqa: E402

CONFIG = """
[[topics]]
pattern = "presence.**"
durability = "memory"
"""
CHECKPOINT_AFTER = 31.0  # seconds: the probe's
BIG = 200_000  # of data: three leave a quarter of a journal of 1 MiB
KINDS = {1, 2, 3, 4, 5, 6, 7}  # of records
EVERY_ATTRIBUTE = {
    "specversion": "1.0",
    "id": "order-17",
    "source": "https://shop.example/eu",
    "type": "order.placed",
    "subject": "orders/17",
    "time": "2026-01-31T10:30:00.5+01:00",
    "dataschema": "https://shop.example/order.json",
    "datacontenttype": "application/json",
    "key": "17",
    "region": "Köln",
    "attempt": 3,
    "test": True,
    "data": {"order": 17, "total": "19.90", "note": 'ä "quoted" \\ line\nbreak'},
}


def publish_of_every_form(hub, label):
    """Events with all that a record may hold. Their topics are made when they are not there."""
    hub.publish("news", f"plain text, {label}")
    hub.publish("news", f"two\nlines and \t☃ \u2028, {label}", type="news.long", subject="s p")
    hub.publish("news", "", type="news.empty")
    hub.publish("images.small", bytes(range(256)), "image/png", key="all-bytes")
    hub.publish("images.small", b"", "application/octet-stream")
    event = {**EVERY_ATTRIBUTE, "id": f"order-{label}"}
    assert hub.post_json("/t/orders.eu", event, "application/cloudevents+json").status == 201
    batch = [{**EVERY_ATTRIBUTE, "id": f"{label}-{n}", "data": n} for n in range(3)]
    kind = "application/cloudevents-batch+json"
    assert hub.post_json("/t/orders.eu", batch, kind).status == 201
    hub.publish("orders.us", '{"order": 1}', "application/json", {"Idempotency-Key": label})
    for number in range(3):
        hub.publish("presence.room", f"{number} are here", key=f"user-{number}")


def publish_lines(hub, topic, count):
    lines = "".join(f"{number}\n" for number in range(count))
    assert hub.post(f"/t/{topic}", lines, "application/x-ndjson").status == 201


def fill_and_seal(hub, number, topic):
    """Fills the journal that is written, with events that do not stay, until it is sealed."""
    for _ in range(3):
        hub.publish("filler", "f" * BIG)
    assert hub.delete("/v1/topics/filler").status == 204
    state = hub.data / "log" / f"state-{number:010}"
    count = 0
    while not state.exists():
        count += 1
        assert count < 200, f"{state.name} does not come"
        hub.publish(topic, f"one page of a journal each, {count}")
        time.sleep(0.05)  # sealing begins when the next journal is written


def segment(hub, number):
    return hub.data / "log" / f"segment-{number:010}"


def live(hub):
    """What happens to the log. Leaves the hub stopped; returns what it served before, by cursor."""
    time.sleep(CHECKPOINT_AFTER)
    publish_of_every_form(hub, "sealed")
    publish_lines(hub, "lines.gone", 2_100)  # two blocks of a segment's order
    publish_lines(hub, "lines.trimmed", 200)
    fill_and_seal(hub, 1, "brief")
    # A segment all of whose events go, and it with them.
    fill_and_seal(hub, 2, "brief")
    assert segment(hub, 2).exists()
    assert hub.delete("/v1/topics/brief").status == 204
    wait_until(lambda: not segment(hub, 2).exists(), "the segment to be removed")
    # A topic that goes from a segment, and one that is trimmed in it.
    assert hub.delete("/v1/topics/lines.gone").status == 204
    before = hub.events("lines.trimmed")[150]["cursor"]
    assert hub.post_json("/v1/topics/lines.trimmed/trim", {"before": before}).status == 200
    fill_and_seal(hub, 3, "orders.us")
    # The journal that is not sealed: every kind of record, two restarts, one behind a kill.
    hub.publish("lines.gone", "made again")
    publish_of_every_form(hub, "young")
    hub.publish("young.gone", "deleted before it was sealed")
    assert hub.delete("/v1/topics/young.gone").status == 204
    before = hub.publish_all("young.trimmed", ["gone", "kept"])[-1]
    assert hub.post_json("/v1/topics/young.trimmed/trim", {"before": before}).status == 200
    hub.kill()
    hub.start()
    publish_of_every_form(hub, "killed")
    time.sleep(CHECKPOINT_AFTER)
    hub.stop()
    hub.start()
    hub.publish("news", "the last one", type="news.last")
    topics = [one["topic"] for one in hub.get("/v1/topics").json()["items"]]
    served = [event for topic in topics for event in hub.events(topic)]
    disk = [event for event in served if not event["topic"].startswith(("presence.", "$sys."))]
    hub.stop()
    return {event["cursor"]: event for event in disk}


def kinds_in(journal):
    """The kinds of the records of a journal."""
    data, kinds, at = journal.read_bytes(), set(), PAGE
    while data[at : at + 4] == b"CARF":
        size = struct.unpack_from("<I", data, at + 8)[0]
        record = at + 64
        while record < at + size:
            kinds.add(data[record + 36])
            record += (struct.unpack_from("<I", data, record + 4)[0] + 7) // 8 * 8
        at += (size + PAGE - 1) // PAGE * PAGE
    return kinds


def check(golden, lines, served):
    """What makes the directory worth keeping, and that `lines` are what the hub served."""
    names = {path.name for path in golden.iterdir()}
    assert {name for name in names if name.startswith("segment-")} == {
        "segment-0000000001",
        "segment-0000000003",
    }
    assert {"identity", "state-0000000003", "repeats-0000000001"} <= names, names
    assert any(kinds_in(path) == KINDS for path in golden.glob("journal-*")), "kinds of records"
    dumped = {line["cursor"]: line for line in map(json.loads, lines)}
    assert dumped.keys() == served.keys(), dumped.keys() ^ served.keys()
    for cursor, event in served.items():
        line = dumped[cursor]
        assert (line["topic"], line["id"]) == (event["topic"], event["id"]), (line, event)
        if event.get("datacontenttype", "") == "text/plain":
            assert line["data"] == event["data"], (line, event)
    assert sum(path.stat().st_size for path in golden.iterdir()) < 600_000


def main():
    folder = GOLDEN / f"format-{sys.argv[1] if len(sys.argv) > 1 else 1}"
    shutil.rmtree(folder, ignore_errors=True)
    hub = Hub(config=CONFIG, args=["--journal-bytes", "1MiB"])
    try:
        hub.start()
        served = live(hub)
        pack(hub.data / "log", folder / "log")
        data = unpack(folder / "log", hub.directory / "unpacked")
        done = run_carillon("log", "dump", "--data", data)
        assert done.returncode == 0, done
        (folder / "expected.jsonl").write_text(done.stdout)
        check(folder / "log", done.stdout.split("\n")[:-1], served)
        reader = ROOT / "tools" / "read_log.py"
        read = subprocess.run([sys.executable, reader, data], capture_output=True, text=True)
        assert (read.returncode, read.stdout) == (0, done.stdout), read.stderr
        print(f"{len(served)} events in {folder}: {sorted(p.name for p in folder.rglob('*'))}")
    finally:
        hub.discard()


if __name__ == "__main__":
    main()
