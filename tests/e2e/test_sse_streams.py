"""GET /t/{topic} as text/event-stream: replay, live, resume, what is text and what is not."""

import base64
import json
import random
import threading

import pytest

from clients import SseClient
from hub import epoch_of, position_of, wait_until


def test_a_stream_starts_at_now_and_delivers_what_comes(hub, topic):
    hub.publish(topic, "old")

    with SseClient(hub, f"/t/{topic}").started() as stream:
        cursors = hub.publish_all(topic, ["one", "two"])
        events = stream.take(2)

    assert [event.data for event in events] == ["one", "two"]
    assert [event.id for event in events] == cursors
    assert [event.type for event in events] == ["message", "message"]


def test_a_stream_from_first_replays_and_goes_on_live(hub, topic):
    hub.publish_all(topic, ["a", "b"])

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        assert stream.take_data(2) == ["a", "b"]
        hub.publish(topic, "c")
        assert stream.take_data(1) == ["c"]


@pytest.mark.parametrize(
    "after, expected", [("-2", ["b", "c"]), ("2001-01-01T00:00:00Z", ["a", "b", "c"])]
)
def test_a_stream_takes_the_same_after_as_a_page(hub, topic, after, expected):
    hub.publish_all(topic, ["a", "b", "c"])

    with SseClient(hub, f"/t/{topic}?after={after}") as stream:
        assert stream.take_data(len(expected)) == expected


def test_a_stream_on_a_topic_that_does_not_exist_waits_for_its_first_event(hub, topic):
    with SseClient(hub, f"/t/{topic}").started() as stream:
        hub.publish(topic, "first of all")
        assert stream.take_data(1) == ["first of all"]


def test_the_cursor_of_a_page_a_publish_and_an_sse_id_are_the_same_token(hub, topic):
    published = hub.publish(topic, "a")["cursor"]

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        streamed = stream.take(1)[0].id

    assert published == streamed == hub.page(topic)["events"][0]["cursor"]


def test_last_event_id_resumes_strictly_behind_it(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])

    with SseClient(hub, f"/t/{topic}", last_event_id=cursors[0]) as stream:
        assert stream.take_data(2) == ["b", "c"]


def test_last_event_id_wins_over_after(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])

    with SseClient(hub, f"/t/{topic}?after=first", last_event_id=cursors[1]) as stream:
        assert stream.take_data(1) == ["c"]


def test_the_id_of_the_start_block_is_enough_to_resume(hub, topic):
    hub.publish(topic, "old")
    with SseClient(hub, f"/t/{topic}").started() as stream:
        start = stream.last_event_id
    hub.publish(topic, "missed")

    with SseClient(hub, f"/t/{topic}", last_event_id=start) as stream:
        assert stream.take_data(1) == ["missed"]


def test_a_reader_that_reconnects_again_and_again_under_load_misses_nothing_and_sees_nothing_twice(
    hub, topic
):
    count = 400
    publisher = threading.Thread(
        target=hub.publish_all, args=(topic, [str(n) for n in range(count)])
    )
    chance = random.Random(7)
    seen, last = [], f"{epoch_of(hub.page(topic)['cursor'])}-0"
    publisher.start()

    while len(seen) < count:
        wanted = min(chance.randint(1, 25), count - len(seen))
        with SseClient(hub, f"/t/{topic}", last_event_id=last) as stream:
            seen += stream.take_data(wanted)
            last = stream.last_event_id
    publisher.join()

    assert seen == [str(number) for number in range(count)]


def test_all_readers_of_a_topic_see_the_same_events_in_the_same_order(hub, topic):
    writers, each = 4, 50
    streams = [SseClient(hub, f"/t/{topic}").started() for _ in range(5)]
    threads = [
        threading.Thread(target=hub.publish_all, args=(topic, [f"{w}-{n}" for n in range(each)]))
        for w in range(writers)
    ]
    for thread in threads:
        thread.start()

    orders = [
        [(event.id, event.data) for event in stream.take(writers * each)] for stream in streams
    ]
    for thread in threads:
        thread.join()
    for stream in streams:
        stream.close()

    assert all(order == orders[0] for order in orders)
    positions = [position_of(cursor) for cursor, _ in orders[0]]
    assert positions == sorted(set(positions))
    for writer in range(writers):
        mine = [data for _, data in orders[0] if data.startswith(f"{writer}-")]
        assert mine == [f"{writer}-{number}" for number in range(each)]


def test_a_reader_that_stops_reading_for_a_while_holds_up_nobody_and_still_gets_everything(
    hub, topic
):
    slow = SseClient(hub, f"/t/{topic}").started()
    fast = SseClient(hub, f"/t/{topic}").started()
    payloads = [f"{number:04}" + "x" * 60_000 for number in range(300)]

    for payload in payloads:
        hub.publish(topic, payload)
    quick = fast.take_data(len(payloads))
    late = slow.take_data(len(payloads))
    fast.close()
    slow.close()

    assert [data[:4] for data in quick] == [data[:4] for data in payloads]
    assert late == payloads


def test_a_client_that_vanishes_costs_the_others_nothing(hub, topic):
    with SseClient(hub, f"/t/{topic}").started() as stays:
        for _ in range(10):
            goes = SseClient(hub, f"/t/{topic}").started()
            goes.raw.reset()
            hub.publish(topic, "x")
        assert stays.take_data(10) == ["x"] * 10


# --- payloads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, received",
    [
        ("plain", "plain"),
        (" leading space", " leading space"),
        ("", ""),
        ("a\nb", "a\nb"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("a\r\rb", "a\n\nb"),
        ("\n", "\n"),
        ("a\n", "a\n"),
        ("data: x\n\nid: 7-7\nevent: forged", "data: x\n\nid: 7-7\nevent: forged"),
        (": comment", ": comment"),
        ("\ufeffbom", "\ufeffbom"),
        ("nul \0 inside", "nul \0 inside"),
        ("größe \U0001f600 \u2028 \u0085 \x0b \x0c", "größe \U0001f600 \u2028 \u0085 \x0b \x0c"),
    ],
)
def test_text_arrives_with_its_line_ends_as_line_breaks(hub, topic, text, received):
    cursor = hub.publish(topic, text)["cursor"]

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        event = stream.take(1)[0]

    assert event.data == received
    assert (event.type, event.id) == ("message", cursor)


def test_json_arrives_equal_as_a_value_whatever_its_line_ends(hub, topic):
    body = '{\r\n "a": 1.10,\n "b": [true, "line\\nline"]\r}'
    hub.publish(topic, body, "application/json")

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        event = stream.take(1)[0]

    assert json.loads(event.data) == json.loads(body)
    assert event.type == "message"


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("application/octet-stream", b"ascii though"),
        ("image/png", b"\x89PNG\r\n"),
        ("text/plain", b"\xff\xfe"),
    ],
)
def test_a_binary_payload_is_its_json_event_under_a_name_of_its_own(hub, topic, content_type, body):
    cursor = hub.publish(topic, body, content_type)["cursor"]

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        event = stream.take(1)[0]

    assert (event.type, event.id) == ("carillon.event", cursor)
    inner = event.json()
    assert base64.b64decode(inner["data_base64"]) == body
    assert (inner["topic"], inner["cursor"], inner["datacontenttype"]) == (
        topic,
        cursor,
        content_type,
    )


def test_as_cloudevents_gives_the_envelope(hub, topic):
    cursor = hub.publish(topic, '{"a":\n1}', "application/json", type="t", key="k")["cursor"]

    with SseClient(hub, f"/t/{topic}?after=first&as=cloudevents") as stream:
        event = stream.take(1)[0]

    inner = event.json()
    assert event.id == inner["cursor"] == cursor
    assert (inner["specversion"], inner["type"], inner["key"], inner["topic"]) == (
        "1.0",
        "t",
        "k",
        topic,
    )
    assert inner["data"] == {"a": 1}


def test_an_event_of_one_mebibyte_of_line_ends_arrives_whole(hub, topic):
    text = "\n" * (1024 * 1024)
    hub.publish(topic, text)

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        assert stream.take(1)[0].data == text


def test_streams_and_their_ends_leave_no_connection_behind(hub, topic):
    def watching():
        return hub.get("/v1/connections").text().count(topic)

    with SseClient(hub, f"/t/{topic}").started():
        wait_until(lambda: watching() > 0, "the stream is listed")
    wait_until(lambda: watching() == 0, "the stream is gone from the list")


# --- heartbeats ----------------------------------------------------------------------------------


def test_the_cursor_of_a_quiet_filtered_reader_moves_with_heartbeats(start_hub, topic):
    fresh = start_hub(config='heartbeat = "1s"\n')
    with SseClient(fresh, f"/t/{topic}?type=wanted").started() as stream:
        start = stream.last_event_id
        left_out = fresh.publish(topic, "x", type="unwanted")["cursor"]

        def moved():
            event = stream.next_of_type("carillon.cursor")
            assert event.data == ""
            return position_of(event.id) >= position_of(left_out)

        wait_until(moved, "a heartbeat with a cursor at or behind the event left out")
        assert epoch_of(stream.last_event_id) == epoch_of(start)


def test_resuming_from_a_heartbeat_misses_nothing(start_hub, topic):
    fresh = start_hub(config='heartbeat = "1s"\n')
    with SseClient(fresh, f"/t/{topic}").started() as stream:
        stream.next_of_type("carillon.cursor")
        stream.next_of_type("carillon.cursor")
        last = stream.last_event_id
    fresh.publish(topic, "missed")

    with SseClient(fresh, f"/t/{topic}", last_event_id=last) as stream:
        assert stream.take_data(1) == ["missed"]


def test_data_base64_gives_the_exact_bytes_of_text_too(hub, topic):
    data = b"two\r\nlines"
    hub.publish(topic, data)

    with SseClient(hub, f"/t/{topic}?after=first&data=base64") as stream:
        event = json.loads(stream.take(1)[0].data)

    assert base64.b64decode(event["data_base64"]) == data
    assert "data" not in event
