"""Topics of durability `memory`: cheap, visible in order, gone at a restart, and never silently."""

import json

import pytest

from clients import SseClient
from hub import Hub, assert_problem, epoch_of, position_of, wait_until

CONFIG = """
[[topics]]
pattern = "ticks.**"
durability = "memory"
"""


@pytest.fixture(scope="module")
def memory_hub():
    with Hub(config=CONFIG) as shared:
        yield shared
        assert shared.alive()


def ndjson(start, count, key):
    return "".join(
        json.dumps(
            {
                "specversion": "1.0",
                "id": f"{key}-{n}",
                "source": "/s",
                "type": "t",
                "key": key,
                "data": n,
            }
        )
        + "\n"
        for n in range(start, start + count)
    )


def test_a_publish_to_a_memory_topic_says_so_and_is_readable_at_once(memory_hub):
    answer = memory_hub.publish("ticks.a", "1")

    assert answer["durability"] == "memory"
    assert memory_hub.payloads("ticks.a") == ["1"]
    assert memory_hub.topic("ticks.a")["durability"] == "memory"
    assert memory_hub.get(f"/t/ticks.a/events/{answer['cursor']}").body == b"1"


def test_topics_outside_the_pattern_stay_on_disk(memory_hub):
    assert memory_hub.publish("ticks", "1")["durability"] == "disk"
    assert memory_hub.topic("ticks")["durability"] == "disk"


def test_memory_and_disk_events_stand_in_one_order(memory_hub):
    names = ["ticks.mixed" if number % 2 else "disk.mixed" for number in range(30)]
    with SseClient(memory_hub, "/stream?topic=ticks.mixed&topic=disk.mixed").started() as stream:
        cursors = [
            memory_hub.publish(name, str(number))["cursor"] for number, name in enumerate(names)
        ]
        events = stream.take(30)

    assert [event.id for event in events] == cursors
    positions = [position_of(cursor) for cursor in cursors]
    assert positions == sorted(set(positions))
    page = memory_hub.get("/stream?topic=ticks.mixed&topic=disk.mixed&after=first").json()
    assert [event["topic"] for event in page["events"]] == names


def test_a_memory_topic_keeps_at_most_ten_thousand_events_the_oldest_go_first(memory_hub):
    for at in range(0, 11_000, 1000):
        body = "".join(f"{number}\n" for number in range(at, at + 1000))
        assert memory_hub.post("/t/ticks.many", body, "application/x-ndjson").status == 201

    wait_until(
        lambda: memory_hub.topic("ticks.many")["events"] <= 10_000, "the bound of events holds"
    )
    kept = memory_hub.payloads("ticks.many")
    assert kept == list(range(11_000 - len(kept), 11_000))
    assert len(kept) > 5_000


def test_a_memory_topic_keeps_at_most_four_mebibytes(memory_hub):
    for number in range(6):
        memory_hub.publish("ticks.large", f"{number}" + "x" * 1_000_000)

    wait_until(
        lambda: memory_hub.topic("ticks.large")["bytes"] <= 4 * 1024 * 1024,
        "the bound of bytes holds",
    )
    kept = [data[0] for data in memory_hub.payloads("ticks.large")]
    assert kept and kept == ["2", "3", "4", "5"][-len(kept) :]


def test_the_last_event_of_each_key_goes_last(memory_hub):
    path = "/t/ticks.keyed?as=cloudevents"
    assert memory_hub.post(path, ndjson(0, 1, "rare"), "application/x-ndjson").status == 201
    assert memory_hub.post(path, ndjson(0, 11_000, "busy"), "application/x-ndjson").status == 201

    wait_until(
        lambda: memory_hub.topic("ticks.keyed")["events"] <= 10_000, "the bound of events holds"
    )
    events = memory_hub.events("ticks.keyed")
    assert [event["data"] for event in events if event["key"] == "rare"] == [0]
    assert events[-1]["data"] == 10_999


def test_eviction_is_said_as_a_gap_expired(memory_hub):
    start = memory_hub.publish("ticks.evicted", "start")["cursor"]
    body = "".join(f"{number}\n" for number in range(11_000))
    assert memory_hub.post("/t/ticks.evicted", body, "application/x-ndjson").status == 201
    wait_until(
        lambda: memory_hub.topic("ticks.evicted")["events"] <= 10_000, "the bound of events holds"
    )

    gap = assert_problem(memory_hub.get(f"/t/ticks.evicted?after={start}"), 410, "cursor-expired")

    assert gap["reason"] == "expired"
    assert gap["topics"][0]["topic"] == "ticks.evicted"


# --- a restart -----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_reader_of_a_memory_topic_is_told_of_the_restart(start_hub, end):
    fresh = start_hub(config=CONFIG)
    cursor = fresh.publish_all("ticks.a", ["lost", "lost too"])[0]
    getattr(fresh, end)()
    fresh.start()
    fresh.publish("ticks.a", "new")

    with SseClient(fresh, "/t/ticks.a", last_event_id=cursor) as stream:
        gap = stream.next()
        assert gap.type == "carillon.gap"
        assert (gap.json()["reason"], gap.json()["resumed"]) == ("restart", cursor)
        assert [each["topic"] for each in gap.json()["topics"]] == ["ticks.**"]
        assert stream.take_data(1) == ["new"]
    assert fresh.payloads("ticks.a") == ["new"]


def test_a_page_with_a_cursor_from_before_the_restart_is_410_and_goes_on_with_gap_ok(start_hub):
    fresh = start_hub(config=CONFIG)
    cursor = fresh.publish("ticks.a", "lost")["cursor"]
    fresh.restart()
    fresh.publish("ticks.a", "new")

    problem = assert_problem(fresh.get(f"/t/ticks.a?after={cursor}"), 410, "cursor-expired")
    assert problem["reason"] == "restart"
    page = fresh.page("ticks.a", after=cursor, gap="ok")
    assert [event["data"] for event in page["events"]] == ["new"]


def test_a_pattern_that_can_match_a_memory_topic_is_told_once_and_loses_no_disk_event(start_hub):
    fresh = start_hub(config=CONFIG)
    cursors = fresh.publish_all("disk.a", ["a", "b"])
    fresh.publish("ticks.a", "lost")
    fresh.restart()
    fresh.publish("disk.a", "c")

    with SseClient(fresh, "/stream?topic=**", last_event_id=cursors[0]) as stream:
        assert stream.next().json()["reason"] == "restart"
        assert stream.take_data(2) == ["b", "c"]


def test_a_reader_of_disk_topics_only_hears_nothing_of_the_restart(start_hub):
    fresh = start_hub(config=CONFIG)
    cursors = fresh.publish_all("disk.a", ["a", "b"])
    fresh.publish("ticks.a", "lost")
    fresh.restart()

    with SseClient(fresh, "/stream?topic=disk.*", last_event_id=cursors[0]) as stream:
        assert stream.take_data(1) == ["b"]


def test_a_position_given_to_a_memory_event_is_never_used_again(start_hub):
    fresh = start_hub(config=CONFIG)
    used = set()
    for number in range(4):
        for name in ("ticks.a", "disk.a", "ticks.b"):
            cursor = fresh.publish(name, str(number))["cursor"]
            assert cursor not in used
            used.add(cursor)
        fresh.restart()

    assert len({epoch_of(cursor) for cursor in used}) == 1


def test_a_cursor_of_after_the_restart_has_no_gap(start_hub):
    fresh = start_hub(config=CONFIG)
    fresh.publish("ticks.a", "lost")
    fresh.restart()
    cursor = fresh.publish("ticks.a", "new")["cursor"]

    page = fresh.page("ticks.a", after=cursor)
    assert page["events"] == [] and "gap" not in page


def test_the_first_topic_pattern_that_matches_decides(start_hub):
    fresh = start_hub(config="""
[[topics]]
pattern = "a.kept"
durability = "disk"
[[topics]]
pattern = "a.*"
durability = "memory"
""")

    assert fresh.publish("a.kept", "x")["durability"] == "disk"
    assert fresh.publish("a.other", "x")["durability"] == "memory"
