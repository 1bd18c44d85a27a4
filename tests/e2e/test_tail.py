"""GET /t/{topic}/tail: endless lines, as NDJSON or as raw data."""

import base64
import json

import pytest

from clients import LineClient, NdjsonClient
from hub import assert_problem, other_epoch, position_of, wait_until

TEXT = {"Accept": "text/plain"}


def test_tail_gives_each_event_as_one_line_of_json(hub, topic):
    with NdjsonClient(hub, f"/t/{topic}/tail").opened() as tail:
        cursor = hub.publish(topic, '{"a":\n1}', "application/json", type="t", key="k")["cursor"]
        event = tail.take(1)[0]

    assert (event["specversion"], event["type"], event["key"]) == ("1.0", "t", "k")
    assert (event["topic"], event["cursor"]) == (topic, cursor)
    assert event["data"] == {"a": 1}


def test_tail_starts_at_now(hub, topic):
    hub.publish(topic, "old")

    with NdjsonClient(hub, f"/t/{topic}/tail").opened() as tail:
        hub.publish(topic, "new")
        assert tail.take(1)[0]["data"] == "new"


def test_no_reader_that_starts_at_now_gets_what_was_acknowledged_before_it_came(start_hub):
    """Whichever loop of the hub takes its connection, and however young the hub is."""
    for _ in range(5):
        fresh = start_hub()
        for number in range(5):
            fresh.publish("a", f"old-{number}")
            tails = [NdjsonClient(fresh, "/t/a/tail").opened() for _ in range(4)]
            fresh.publish("a", f"new-{number}")
            assert [tail.take(1)[0]["data"] for tail in tails] == [f"new-{number}"] * 4
            for tail in tails:
                tail.close()
        fresh.kill()


def test_tail_replays_after_a_cursor_and_goes_on_live(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])

    with NdjsonClient(hub, f"/t/{topic}/tail?after={cursors[0]}").opened() as tail:
        assert tail.take(1)[0]["data"] == "b"
        hub.publish(topic, "c")
        assert tail.take(1)[0]["data"] == "c"


def test_text_binary_and_json_look_in_a_line_as_they_do_in_a_page(hub, topic):
    hub.publish(topic, "two\nlines", "text/plain")
    hub.publish(topic, b"\xff\0", "image/png")
    hub.publish(topic, "[1.10]", "application/json")

    with NdjsonClient(hub, f"/t/{topic}/tail?after=first").opened() as tail:
        lines = tail.take(3)

    assert lines == hub.page(topic)["events"]
    assert base64.b64decode(lines[1]["data_base64"]) == b"\xff\0"


def test_data_base64_holds_for_tail(hub, topic):
    hub.publish(topic, "text")

    with NdjsonClient(hub, f"/t/{topic}/tail?after=first&data=base64").opened() as tail:
        assert base64.b64decode(tail.take(1)[0]["data_base64"]) == b"text"


def test_tail_as_text_gives_payloads_and_newlines_only(hub, topic):
    with LineClient(hub, f"/t/{topic}/tail?after=first", TEXT).opened() as tail:
        assert tail.headers["content-type"].startswith("text/plain")
        for payload in ("one", "", '{"json": true}', "größe"):
            hub.publish(topic, payload)
            assert tail.line() == payload.encode()


def test_tail_on_a_topic_that_does_not_exist_waits(hub, topic):
    with NdjsonClient(hub, f"/t/{topic}/tail").opened() as tail:
        hub.publish(topic, "first")
        assert tail.take(1)[0]["data"] == "first"


def test_heartbeats_in_ndjson_are_events_that_carry_a_cursor(start_hub):
    fresh = start_hub(config='heartbeat = "1s"\n')
    with NdjsonClient(fresh, "/t/quiet/tail?type=wanted").opened() as tail:
        left_out = position_of(fresh.publish("quiet", "x", type="unwanted")["cursor"])

        def moved():
            beat = tail.next_of_any_type()
            assert beat["type"] == "carillon.cursor", beat
            return position_of(beat["cursor"]) >= left_out

        wait_until(moved, "a heartbeat at or behind the event left out")


def test_no_heartbeat_shows_in_text(start_hub):
    fresh = start_hub(config='heartbeat = "1s"\n')
    with LineClient(fresh, "/t/quiet/tail", TEXT).opened() as text, NdjsonClient(
        fresh, "/t/quiet/tail"
    ).opened() as clock:
        for _ in range(2):
            assert clock.next_of_any_type()["type"] == "carillon.cursor"
        fresh.publish("quiet", "only this")
        assert text.line() == b"only this"


def test_a_gap_in_ndjson_is_an_event_and_the_rest_follows(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])
    hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[2]})

    with NdjsonClient(hub, f"/t/{topic}/tail?after={cursors[0]}").opened() as tail:
        gap = tail.next()
        assert gap["type"] == "carillon.gap"
        assert (gap["data"]["reason"], gap["data"]["requested"]) == ("expired", cursors[0])
        assert tail.take(1)[0]["data"] == "c"


def test_a_gap_at_the_start_of_text_is_410(hub, topic):
    cursor = hub.publish(topic, "a")["cursor"]

    answer = hub.get(f"/t/{topic}/tail?after={other_epoch(cursor)}", TEXT)

    gap = assert_problem(answer, 410, "cursor-expired")
    assert gap["reason"] == "epoch"


@pytest.mark.parametrize("after", ["nonsense", "x-y"])
def test_a_malformed_cursor_is_refused_by_tail(hub, topic, after):
    assert_problem(hub.get(f"/t/{topic}/tail?after={after}"), 400, "bad-cursor")


def test_tail_filters(hub, topic):
    for number in range(6):
        hub.publish(topic, str(number), type="even" if number % 2 == 0 else "odd")

    with NdjsonClient(hub, f"/t/{topic}/tail?after=first&type=odd").opened() as tail:
        assert [event["data"] for event in tail.take(3)] == ["1", "3", "5"]


def test_a_thousand_events_come_through_tail_in_order(hub, topic):
    body = "".join(f"{number}\n" for number in range(1000))
    with NdjsonClient(hub, f"/t/{topic}/tail").opened() as tail:
        assert hub.post(f"/t/{topic}", body, "application/x-ndjson").status == 201
        assert [event["data"] for event in tail.take(1000)] == list(range(1000))


def test_lines_of_tail_can_be_published_again(hub, topic):
    hub.publish(topic, '{"n":1}', "application/json", type="t")
    with NdjsonClient(hub, f"/t/{topic}/tail?after=first").opened() as tail:
        line = tail.take(1)[0]
    copy = {**line, "topic": f"{topic}.copy"}

    answer = hub.post(
        f"/t/{topic}.copy?as=cloudevents", json.dumps(copy) + "\n", "application/x-ndjson"
    )

    assert answer.status == 201, answer
    stored = hub.events(f"{topic}.copy")[0]
    assert (stored["id"], stored["type"], stored["data"]) == (line["id"], "t", {"n": 1})


def test_text_goes_on_behind_a_gap_when_the_reader_does_not_mind(hub, topic):
    cursor = hub.publish(topic, "a")["cursor"]

    path = f"/t/{topic}/tail?after={other_epoch(cursor)}&gap=ok"
    with LineClient(hub, path, headers=TEXT).opened() as tail:
        assert tail.line() == b"a"
