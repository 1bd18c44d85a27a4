"""Logs of each format, kept as a release wrote them (tests/golden), mean what they meant then."""

import base64
import json
import subprocess
import sys

import pytest

from hub import Hub, position_of, run_carillon, wait_until
from pages import ROOT

sys.path.insert(0, str(ROOT / "tests" / "golden"))

from golden import GOLDEN, unpack  # noqa: E402

FORMATS = sorted(GOLDEN.glob("format-*"))
READER = ROOT / "tools" / "read_log.py"
BIG = 200_000  # of data: five fill a journal of 1 MiB
# What both of the events that have all attributes say of themselves (tests/golden/make_golden.py).
EVERY_ATTRIBUTE = {
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


@pytest.fixture(params=FORMATS, ids=lambda folder: folder.name)
def golden(request):
    return request.param


@pytest.fixture
def data(golden, tmp_path):
    """A copy of the data directory, for one test."""
    return unpack(golden / "log", tmp_path / "data")


@pytest.fixture
def expected(golden):
    """What `carillon log dump` must print."""
    return (golden / "expected.jsonl").read_text()


@pytest.fixture
def lines(expected):
    return [json.loads(line) for line in expected.split("\n") if line]


@pytest.fixture
def hub(data):
    hub = Hub(data=data)
    try:
        yield hub.start()
    finally:
        hub.discard()


def content(data):
    return {path.name: path.read_bytes() for path in data.glob("log/*") if path.name != "LOCK"}


def segments(data):
    return {path.name for path in data.glob("log/segment-*")}


def data_of(line):
    return base64.b64decode(line["data_base64"]) if "data_base64" in line else line["data"].encode()


def test_there_is_a_log_of_this_format():
    assert "format-1" in [folder.name for folder in FORMATS]


def test_a_kept_log_dumps_as_the_same_lines_and_is_left_as_it_is(data, expected):
    before = content(data)

    dump = run_carillon("log", "dump", "--data", data)

    assert dump.returncode == 0, dump
    assert dump.stdout == expected
    assert content(data) == before


def test_a_kept_log_is_found_sound(data, expected):
    count = expected.count("\n")

    verify = run_carillon("log", "verify", "--data", data)

    assert verify.returncode == 0, verify
    assert f"{count} events read, 0 damaged places" in verify.stdout


def test_the_reader_that_was_written_from_the_page_prints_the_same_lines(data, expected):
    read = subprocess.run(
        [sys.executable, "-B", READER, data], capture_output=True, text=True, check=False
    )

    assert (read.returncode, read.stderr) == (0, "")
    assert read.stdout == expected


def test_that_reader_has_at_most_a_hundred_lines():
    assert len(READER.read_text().splitlines()) <= 100


def test_a_hub_serves_every_event_of_a_kept_log_byte_for_byte(hub, lines):
    for line in lines:
        event = hub.get(f"/t/{line['topic']}/events/{line['cursor']}")
        assert event.status == 200, (line, event)
        assert event.body == data_of(line), line
        assert (event.header("ce-id"), event.header("ce-type")) == (line["id"], line["type"])


def test_a_hub_serves_nothing_else_of_a_kept_log(hub, lines):
    kept = {}
    for line in lines:
        kept.setdefault(line["topic"], []).append(line["cursor"])

    topics = hub.get("/v1/topics").json()["items"]

    assert {one["topic"] for one in topics if one["durability"] == "disk"} == kept.keys()
    for topic, cursors in kept.items():
        assert [event["cursor"] for event in hub.events(topic)] == cursors


@pytest.mark.parametrize("identity", ["order-sealed", "order-young"])
def test_a_hub_gives_all_attributes_of_an_event_of_a_kept_log(hub, identity):
    event = next(event for event in hub.events("orders.eu") if event["id"] == identity)

    assert {name: event[name] for name in EVERY_ATTRIBUTE} == EVERY_ATTRIBUTE


def test_a_hub_knows_a_repeat_of_a_publish_that_a_kept_log_remembers(hub, lines):
    # A start so long after the last event doubts the clock, and forgets nothing for an hour.
    for label in ("sealed", "young"):
        key = {"Idempotency-Key": label}
        again = hub.post("/t/orders.us", '{"order": 1}', "application/json", key)
        assert again.status == 200, again
        assert again.json()["cursor"] in [line["cursor"] for line in lines]


def test_a_hub_goes_on_in_a_kept_log_and_seals_it(hub, expected):
    before = segments(hub.data)
    cursor = hub.publish("new", "goes on")["cursor"]
    for number in range(6):
        hub.publish("new", f"{number} " + "n" * BIG)
    wait_until(lambda: segments(hub.data) > before, "a seal")
    hub.restart()
    served = hub.payloads("new")
    hub.stop()

    dump = run_carillon("log", "dump", "--data", hub.data)
    assert dump.returncode == 0, dump
    assert dump.stdout.startswith(expected)
    assert served[0] == "goes on" and len(served) == 7
    assert json.loads(dump.stdout[len(expected) :].split("\n")[0])["cursor"] == cursor
    assert position_of(cursor) > position_of(json.loads(expected.split("\n")[-2])["cursor"])
