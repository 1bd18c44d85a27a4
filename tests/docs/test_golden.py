"""Logs of each format, kept as a release wrote them (tests/golden), mean today what they meant then."""

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
def hub(data):
    hub = Hub(data=data)
    try:
        yield hub.start()
    finally:
        hub.discard()


def content(data):
    return {path.name: path.read_bytes() for path in data.glob("log/*") if path.name != "LOCK"}


def publish_until_sealed(hub):
    seals = len(list(hub.data.glob("log/segment-*")))
    for number in range(6):
        hub.publish("new", f"{number} " + "n" * BIG)
    wait_until(lambda: len(list(hub.data.glob("log/segment-*"))) > seals, "a seal")


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


def test_a_hub_serves_a_kept_log_and_knows_its_topics_and_repeats(hub, expected):
    lines = [json.loads(line) for line in expected.split("\n") if line]

    topics = {one["topic"]: one for one in hub.get("/v1/topics").json()["items"]}
    served = [event for topic in topics for event in hub.events(topic)]

    by_cursor = {event["cursor"]: event for event in served if event["topic"] in topics}
    for line in lines:
        event = by_cursor[line["cursor"]]
        assert [event[name] for name in ("topic", "id", "type")] == [
            line[name] for name in ("topic", "id", "type")
        ]
        path = f"/t/{line['topic']}/events/{line['cursor']}"
        body = hub.get(path).body
        assert body == data_of(line), line
    kept = {line["topic"] for line in lines}
    assert {name for name in topics if topics[name]["durability"] == "disk"} == kept
    for topic in kept:
        oldest = min(position_of(line["cursor"]) for line in lines if line["topic"] == topic)
        assert position_of(topics[topic]["oldest"]) == oldest
    first = next(line for line in lines if line["topic"] == "orders.us")
    again = hub.post(
        "/t/orders.us", '{"order": 1}', "application/json", {"Idempotency-Key": "sealed"}
    )
    assert (again.status, again.json()["cursor"]) == (200, first["cursor"])
