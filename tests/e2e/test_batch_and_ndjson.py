"""Many events in one request: the JSON batch, all or nothing; NDJSON, stored line by line."""

import json

import pytest

from clients import NdjsonClient, RawSocket
from hub import assert_problem, position_of, wait_until

BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"


def item(number, **changes):
    event = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/s",
        "type": "t",
        "data": {"n": number},
    }
    event.update(changes)
    return {name: value for name, value in event.items() if value is not ...}


# --- batch ---------------------------------------------------------------------------------------


def test_a_batch_is_stored_in_its_order_and_answered_with_count_first_and_cursor(hub, topic):
    answer = hub.post_json(f"/t/{topic}", [item(n) for n in range(5)], BATCH)

    assert answer.status == 201, answer
    events = hub.events(topic)
    assert [event["data"]["n"] for event in events] == [0, 1, 2, 3, 4]
    stored = answer.json()
    assert stored["count"] == 5
    assert (stored["first"], stored["cursor"]) == (events[0]["cursor"], events[-1]["cursor"])


def test_the_positions_of_a_batch_rise(hub, topic):
    hub.post_json(f"/t/{topic}", [item(n) for n in range(50)], BATCH)

    positions = [position_of(event["cursor"]) for event in hub.events(topic)]
    assert positions == sorted(set(positions)) and len(positions) == 50


@pytest.mark.parametrize(
    "bad",
    [
        item(2, id=...),
        item(2, specversion="0.1"),
        item(2, type=""),
        item(2, topic="elsewhere"),
        7,
        None,
        [],
        "x",
        item(2, time="soon"),
        item(2, source="a\nb"),
    ],
)
def test_a_batch_with_a_bad_item_stores_nothing_and_names_the_item(hub, topic, bad):
    answer = hub.post_json(f"/t/{topic}", [item(0), item(1), bad, item(3)], BATCH)

    problem = assert_problem(answer, 400)
    assert "2" in problem["detail"] or "3" in problem["detail"], problem
    assert hub.events(topic) == []


@pytest.mark.parametrize("body", ["", "{}", "null", "1", "[", '[{"specversion":"1.0"', "[,]"])
def test_what_is_no_json_array_is_no_batch(hub, topic, body):
    assert_problem(hub.post(f"/t/{topic}", body, BATCH), 400)


def test_a_batch_of_a_thousand_events_is_accepted(hub, topic):
    answer = hub.post_json(f"/t/{topic}", [item(n) for n in range(1000)], BATCH)

    assert answer.status == 201 and answer.json()["count"] == 1000
    assert len(hub.events(topic)) == 1000


def test_a_batch_of_more_than_a_thousand_events_is_refused(hub, topic):
    assert_problem(hub.post_json(f"/t/{topic}", [item(n) for n in range(1001)], BATCH), 413)

    assert hub.events(topic) == []


def test_a_batch_may_be_larger_than_one_event_up_to_eight_mebibytes(hub, topic):
    batch = [item(n, data="x" * 900_000) for n in range(8)]

    answer = hub.post_json(f"/t/{topic}", batch, BATCH)

    assert answer.status == 201, answer
    assert [len(event["data"]) for event in hub.events(topic)] == [900_000] * 8


def test_a_batch_larger_than_eight_mebibytes_is_refused(hub, topic):
    batch = [item(n, data="x" * 900_000) for n in range(10)]

    assert_problem(hub.post_json(f"/t/{topic}", batch, BATCH), 413)

    assert hub.events(topic) == []


def test_one_event_in_a_batch_may_be_no_larger_than_one_event_alone(hub, topic):
    answer = hub.post_json(f"/t/{topic}", [item(0), item(1, data="x" * (1024 * 1024 + 1))], BATCH)

    assert_problem(answer, 413)
    assert hub.events(topic) == []


# --- NDJSON --------------------------------------------------------------------------------------


def test_each_line_of_ndjson_is_the_json_data_of_one_event(hub, topic):
    lines = ['{"a":1}', "[1,2]", '"text"', "17", "null", '{ "spaced" : true }']

    answer = hub.post(f"/t/{topic}", "".join(line + "\n" for line in lines), NDJSON)

    assert answer.status == 201, answer
    events = hub.events(topic)
    assert [event["data"] for event in events] == [json.loads(line) for line in lines]
    assert {event["datacontenttype"] for event in events} == {"application/json"}
    stored = answer.json()
    assert stored["count"] == len(lines)
    assert (stored["first"], stored["cursor"]) == (events[0]["cursor"], events[-1]["cursor"])


def test_the_bytes_of_a_line_are_kept(hub, topic):
    cursor = hub.post(f"/t/{topic}", '{ "a" : 1.10 }\n', NDJSON).json()["cursor"]

    assert hub.get(f"/t/{topic}/events/{cursor}").body.strip() == b'{ "a" : 1.10 }'


def test_crlf_ends_a_line_too(hub, topic):
    assert hub.post(f"/t/{topic}", "1\r\n2\r\n", NDJSON).status == 201

    assert hub.payloads(topic) == [1, 2]


def test_an_unfinished_last_line_is_dropped(hub, topic):
    answer = hub.post(f"/t/{topic}", '1\n2\n{"cut":', NDJSON)

    assert answer.status == 201, answer
    assert answer.json()["count"] == 2
    assert hub.payloads(topic) == [1, 2]


def test_a_bad_line_ends_it_and_says_how_many_before_it_are_stored_and_their_cursor(hub, topic):
    answer = hub.post(f"/t/{topic}", "1\n2\n3\n{bad\n5\n", NDJSON)

    problem = assert_problem(answer, 400)
    events = hub.events(topic)
    assert [event["data"] for event in events] == [1, 2, 3]
    members = [
        value for name, value in problem.items() if name not in ("type", "title", "status", "fix")
    ]
    assert 3 in members or "3" in problem["detail"], problem
    assert events[-1]["cursor"] in json.dumps(problem), problem


def test_a_bad_first_line_stores_nothing(hub, topic):
    assert_problem(hub.post(f"/t/{topic}", "{bad\n2\n", NDJSON), 400)

    assert hub.events(topic) == []


def test_ndjson_as_cloudevents_takes_structured_events(hub, topic):
    body = "".join(json.dumps(item(n, subject=f"s{n}")) + "\n" for n in range(3))

    answer = hub.post(f"/t/{topic}?as=cloudevents", body, NDJSON)

    assert answer.status == 201, answer
    assert [(event["id"], event["subject"]) for event in hub.events(topic)] == [
        ("e0", "s0"),
        ("e1", "s1"),
        ("e2", "s2"),
    ]


def test_ndjson_as_cloudevents_ends_at_an_event_without_its_required_attributes(hub, topic):
    body = json.dumps(item(0)) + "\n" + json.dumps(item(1, type=...)) + "\n"

    assert_problem(hub.post(f"/t/{topic}?as=cloudevents", body, NDJSON), 400)
    assert [event["id"] for event in hub.events(topic)] == ["e0"]


def test_a_line_larger_than_one_event_ends_it(hub, topic):
    answer = hub.post(f"/t/{topic}", b"1\n" + b'"' + b"x" * (1024 * 1024 + 1) + b'"\n2\n', NDJSON)

    assert answer.status in (400, 413), answer
    assert_problem(answer, answer.status)
    assert hub.payloads(topic) == [1]


def test_ndjson_knows_no_limit_of_the_whole(hub, topic):
    filler = "x" * 1000
    count = 12_000  # 12 MB: more events and more bytes than a batch may have

    answer = hub.post(
        f"/t/{topic}", "".join(f'{{"n":{n},"f":"{filler}"}}\n' for n in range(count)), NDJSON
    )

    assert answer.status == 201, answer
    assert answer.json()["count"] == count
    assert [event["data"]["n"] for event in hub.events(topic)] == list(range(count))


def chunk(data):
    return f"{len(data):x}\r\n{data}\r\n".encode()


def streaming_publish(hub, topic):
    raw = RawSocket(hub)
    raw.send(
        f"POST /t/{topic} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NDJSON}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    )
    return raw


def test_a_line_is_there_for_readers_while_the_request_goes_on(hub, topic):
    with NdjsonClient(hub, f"/t/{topic}/tail?after=first").opened() as tail, streaming_publish(
        hub, topic
    ) as raw:
        for number in range(3):
            raw.send(chunk(f"{number}\n"))
            assert tail.take(1)[0]["data"] == number
        raw.send(b"0\r\n\r\n")
        answer = raw.final_response()

    assert answer.status == 201, answer
    assert answer.json()["count"] == 3


def test_lines_may_be_cut_anywhere_by_chunks(hub, topic):
    with streaming_publish(hub, topic) as raw:
        for piece in ('{"a"', ":1}", "\n", '{"a":2}\n{"a"', ":", "3}\n4"):
            raw.send(chunk(piece))
        raw.send(b"0\r\n\r\n")
        answer = raw.final_response()

    assert answer.status == 201, answer
    assert hub.payloads(topic) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_what_was_synced_before_a_stream_of_lines_is_cut_off_stays(hub, topic):
    with streaming_publish(hub, topic) as raw:
        raw.send(chunk("1\n2\n"))
        wait_until(lambda: hub.payloads(topic) == [1, 2], "both lines are stored")
        raw.send(b"5\r\n3")
    hub.publish(topic, "later")

    assert hub.payloads(topic) == [1, 2, "later"]
