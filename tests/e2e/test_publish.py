"""POST /t/{topic}: raw, CloudEvents binary and structured; what is stored and what is answered."""

import base64
import json
import urllib.parse
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from hub import assert_problem, position_of

CLOUDEVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop/7", "type": "order.placed"}


def structured(hub, topic, event, content_type="application/cloudevents+json"):
    return hub.post_json(f"/t/{topic}", event, content_type)


def only_event(hub, topic):
    events = hub.events(topic)
    assert len(events) == 1, events
    return events[0]


# --- the answer ----------------------------------------------------------------------------------


def test_a_publish_is_answered_201_with_the_cursor_in_the_body_in_a_header_and_in_the_location(
    hub, topic
):
    answer = hub.post(f"/t/{topic}", "hello")

    assert answer.status == 201, answer
    assert answer.content_type() == "application/json"
    stored = answer.json()
    assert set(stored) >= {"id", "topic", "cursor", "time", "durability"}
    assert stored["topic"] == topic
    assert stored["durability"] == "disk"
    assert answer.header("carillon-cursor") == stored["cursor"]
    location = urllib.parse.urlsplit(answer.header("location")).path
    assert location == f"/t/{topic}/events/{stored['cursor']}"


def test_the_location_of_a_publish_leads_to_the_event(hub, topic):
    answer = hub.post(f"/t/{topic}", b"\x00\xff bytes", "application/octet-stream")

    found = hub.get(urllib.parse.urlsplit(answer.header("location")).path)

    assert found.status == 200, found
    assert found.body == b"\x00\xff bytes"


def test_an_event_can_be_read_as_soon_as_its_publish_is_answered(hub, topic):
    for number in range(20):
        hub.publish(topic, f"n{number}")
        assert hub.page(topic)["events"][-1]["data"] == f"n{number}"


def test_positions_rise_from_publish_to_publish_over_all_topics(hub, topic):
    cursors = [hub.publish(f"{topic}.{number % 3}")["cursor"] for number in range(9)]

    positions = [position_of(cursor) for cursor in cursors]
    assert positions == sorted(set(positions))


# --- raw -----------------------------------------------------------------------------------------


def test_a_raw_publish_gets_the_documented_defaults(hub, topic):
    before = datetime.now(timezone.utc)
    answer = hub.publish(topic, "hello")

    event = only_event(hub, topic)
    assert event["specversion"] == "1.0"
    assert event["id"] == answer["id"]
    assert uuid.UUID(event["id"]).version == 7
    assert event["source"] == f"/t/{topic}"
    assert event["type"] == "carillon.event"
    assert event["topic"] == topic
    assert event["cursor"] == answer["cursor"]
    assert event["time"] == answer["time"]
    when = datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    assert (
        before - timedelta(seconds=2) <= when <= datetime.now(timezone.utc) + timedelta(seconds=2)
    )


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("application/octet-stream", bytes(range(256))),
        ("text/plain", b" leading and trailing \r\n"),
        ("text/plain; charset=utf-8", "größe €\n".encode()),
        ("application/json", b'{ "a" : 1.10,\n "b": [1e2, 12345678901234567890123] }'),
        ("image/png", b"\x89PNG\r\n\x1a\n\0"),
        ("application/xml", b"<a>\n<b/></a>"),
        ("text/plain", b""),
    ],
)
def test_a_raw_body_is_kept_byte_for_byte_with_its_content_type(hub, topic, content_type, body):
    answer = hub.publish(topic, body, content_type)

    found = hub.get(f"/t/{topic}/events/{answer['cursor']}")
    assert found.status == 200
    assert found.body == body
    assert found.header("content-type") == content_type


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded"])
def test_text_without_a_content_type_or_with_that_of_curl_counts_as_text_plain(
    hub, topic, content_type
):
    hub.publish(topic, "grüße", content_type)

    event = only_event(hub, topic)
    assert event["datacontenttype"].split(";")[0] == "text/plain"
    assert event["data"] == "grüße"


def test_bytes_without_a_content_type_that_are_not_text_come_back_as_base64(hub, topic):
    hub.publish(topic, b"\xff\xfe\x00", None)

    event = only_event(hub, topic)
    assert base64.b64decode(event["data_base64"]) == b"\xff\xfe\x00"
    assert "data" not in event


def test_attributes_given_as_headers_are_taken_and_the_rest_defaulted(hub, topic):
    hub.publish(topic, "x", type="order.placed", subject="42", key="customer-7", colour="red")

    event = only_event(hub, topic)
    assert event["type"] == "order.placed"
    assert event["subject"] == "42"
    assert event["key"] == "customer-7"
    assert event["colour"] == "red"
    assert event["source"] == f"/t/{topic}"


def test_percent_encoded_attribute_headers_are_decoded_as_the_http_binding_says(hub, topic):
    answer = hub.publish(topic, "x", subject="Euro%20%E2%82%AC%20%F0%9F%98%80")

    assert only_event(hub, topic)["subject"] == "Euro € 😀"
    header = hub.get(f"/t/{topic}/events/{answer['cursor']}").header("ce-subject")
    assert urllib.parse.unquote(header) == "Euro € 😀"
    assert header.isascii()


@pytest.mark.parametrize(
    "body", ['{"a":', '{"a":1}}', "", "nul", '{"a":01}', "{'a':1}", '["\\ud83"]']
)
def test_broken_json_is_refused_with_the_place(hub, topic, body):
    answer = hub.post(f"/t/{topic}", body, "application/json")

    problem = assert_problem(answer, 400)
    assert any(character.isdigit() for character in problem["detail"]), problem
    assert hub.events(topic) == []


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.shop+json"])
def test_json_that_is_not_utf8_is_refused(hub, topic, content_type):
    assert_problem(hub.post(f"/t/{topic}", b'{"a":"\xff"}', content_type), 400)

    assert hub.events(topic) == []


def test_json_nested_a_hundred_thousand_deep_is_refused_and_the_hub_lives(hub, topic):
    body = "[" * 100_000 + "]" * 100_000

    assert_problem(hub.post(f"/t/{topic}", body, "application/json"), 400)

    hub.publish(topic, "after")
    assert hub.payloads(topic) == ["after"]


# --- CloudEvents binary --------------------------------------------------------------------------


def test_binary_mode_takes_attributes_from_headers_and_data_from_the_body(hub, topic):
    headers = {f"ce-{name}": value for name, value in CLOUDEVENT.items()}
    answer = hub.post(
        f"/t/{topic}",
        '{"total":3}',
        "application/json",
        {**headers, "ce-time": "2024-05-06T07:08:09Z", "ce-shop": "berlin"},
    )

    assert answer.status == 201, answer
    event = only_event(hub, topic)
    assert {name: event[name] for name in CLOUDEVENT} == CLOUDEVENT
    assert answer.json()["id"] == "e-1"
    assert event["shop"] == "berlin"
    when = datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    assert when == datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    assert event["data"] == {"total": 3}


@pytest.mark.parametrize("missing", ["id", "source", "type"])
def test_binary_mode_refuses_an_event_without_a_required_attribute_and_names_it(
    hub, topic, missing
):
    headers = {f"ce-{name}": value for name, value in CLOUDEVENT.items() if name != missing}

    problem = assert_problem(hub.post(f"/t/{topic}", "x", "text/plain", headers), 400)

    assert missing in problem["detail"]
    assert hub.events(topic) == []


@pytest.mark.parametrize(
    "name, value",
    [
        ("specversion", "0.3"),
        ("id", ""),
        ("type", ""),
        ("source", ""),
        ("time", "yesterday"),
        ("time", "2024-13-01T00:00:00Z"),
    ],
)
def test_binary_mode_refuses_a_malformed_attribute(hub, topic, name, value):
    headers = {f"ce-{each}": given for each, given in {**CLOUDEVENT, name: value}.items()}

    assert_problem(hub.post(f"/t/{topic}", "x", "text/plain", headers), 400)

    assert hub.events(topic) == []


# --- CloudEvents structured ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
        "Application/CloudEvents+JSON",
    ],
)
def test_a_structured_event_is_stored_with_all_its_attributes(hub, topic, content_type):
    event = {
        **CLOUDEVENT,
        "subject": "s",
        "count": 42,
        "urgent": True,
        "data": {"x": [1, None, "é"]},
    }

    answer = structured(hub, topic, event, content_type)

    assert answer.status == 201, answer
    stored = only_event(hub, topic)
    assert {name: stored[name] for name in event} == event
    assert stored["topic"] == topic
    assert stored["cursor"] == answer.json()["cursor"]


def test_structured_data_of_a_text_type_is_a_string_and_its_bytes_are_the_text(hub, topic):
    event = {**CLOUDEVENT, "datacontenttype": "text/plain", "data": "line\nline é"}
    cursor = structured(hub, topic, event).json()["cursor"]

    found = hub.get(f"/t/{topic}/events/{cursor}")

    assert found.body == "line\nline é".encode()
    assert found.content_type() == "text/plain"
    assert only_event(hub, topic)["data"] == "line\nline é"


def test_structured_data_in_base64_gives_the_exact_bytes(hub, topic):
    data = bytes(range(256))
    event = {
        **CLOUDEVENT,
        "datacontenttype": "image/png",
        "data_base64": base64.b64encode(data).decode(),
    }
    cursor = structured(hub, topic, event).json()["cursor"]

    found = hub.get(f"/t/{topic}/events/{cursor}")

    assert found.body == data
    assert found.content_type() == "image/png"


def test_a_structured_event_without_data_is_stored(hub, topic):
    answer = structured(hub, topic, CLOUDEVENT)

    assert answer.status == 201, answer
    assert only_event(hub, topic)["id"] == "e-1"


@pytest.mark.parametrize("missing", ["id", "source", "type", "specversion"])
def test_a_structured_event_without_a_required_attribute_is_refused_by_name(hub, topic, missing):
    event = {name: value for name, value in CLOUDEVENT.items() if name != missing}

    problem = assert_problem(structured(hub, topic, event), 400)

    assert missing in problem["detail"]
    assert hub.events(topic) == []


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "2.0"},
        {"id": ""},
        {"id": 7},
        {"source": ""},
        {"type": None},
        {"time": "now"},
        {"data": 1, "data_base64": "AA=="},
        {"data_base64": "not base64!"},
    ],
)
def test_a_malformed_structured_event_is_refused(hub, topic, change):
    assert_problem(structured(hub, topic, {**CLOUDEVENT, **change}), 400)

    assert hub.events(topic) == []


@pytest.mark.parametrize("body", ["", "[]", "1", "null", '"x"', "{", '{"specversion":"1.0"'])
def test_what_is_no_json_object_is_no_structured_event(hub, topic, body):
    assert_problem(hub.post(f"/t/{topic}", body, "application/cloudevents+json"), 400)

    assert hub.events(topic) == []


# --- topic and cursor attributes -----------------------------------------------------------------


def test_a_topic_attribute_that_differs_from_the_url_is_refused(hub, topic):
    assert_problem(structured(hub, topic, {**CLOUDEVENT, "topic": "other"}), 400)
    assert_problem(hub.post(f"/t/{topic}", "x", "text/plain", {"ce-topic": "other"}), 400)

    assert hub.events(topic) == []


def test_a_topic_attribute_that_agrees_with_the_url_is_fine(hub, topic):
    assert structured(hub, topic, {**CLOUDEVENT, "topic": topic}).status == 201


def test_a_given_cursor_attribute_is_dropped(hub, topic):
    answer = structured(hub, topic, {**CLOUDEVENT, "cursor": "zzz-7"})

    assert answer.status == 201, answer
    assert only_event(hub, topic)["cursor"] == answer.json()["cursor"] != "zzz-7"


# --- topics --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a", "A-b_9", "news.eu.west", "x" * 200, "a." * 99 + "ab", "0", "-", "_"]
)
def test_topic_names_of_the_grammar_are_accepted(hub, name):
    hub.publish(name, "x")

    assert hub.page(name)["events"][-1]["topic"] == name


@pytest.mark.parametrize(
    "name",
    [
        ".a",
        "a.",
        "a..b",
        "a%20b",
        "%C3%A9",
        "a%2Fb",
        "x" * 201,
        "a*",
        "*",
        "a.*",
        "**",
        "a.**",
        "a:b",
        "a%00b",
        "a%0Ab",
        "~a",
        "a$b",
        "a.$sys",
    ],
)
def test_a_topic_name_outside_the_grammar_is_refused(hub, name):
    assert_problem(hub.post(f"/t/{name}", "x", "text/plain"), 400)


def test_topic_names_are_compared_byte_by_byte_and_percent_encoding_is_undone_once(hub, topic):
    hub.publish(f"{topic}.News", "upper")
    hub.publish(f"{topic}.news", "lower")

    assert hub.payloads(f"{topic}.News") == ["upper"]
    assert hub.payloads(f"{topic}.%6eews") == ["lower"]
    assert_problem(hub.post(f"/t/{topic}.%256eews", "x", "text/plain"), 400)


@pytest.mark.parametrize(
    "name", ["$sys.health", "$sys.webhooks", "$sys.own.thing", "%24sys.health"]
)
def test_only_the_hub_publishes_under_sys(hub, name):
    assert_problem(hub.post(f"/t/{name}", "x", "text/plain"), 403)


@pytest.mark.parametrize(
    "path", ["/t/../v1/topics", "/t/./a", "/t/a/../b", "/t/%2e%2e/a", "/t/..", "/t/.%2E"]
)
def test_dot_segments_in_a_path_are_refused(hub, path):
    assert_problem(hub.post(path, "x", "text/plain"), 400)


# --- sizes ---------------------------------------------------------------------------------------


def test_an_event_of_one_mebibyte_is_accepted_and_comes_back_whole(hub, topic):
    data = bytes(range(256)) * 4096

    cursor = hub.publish(topic, data, "application/octet-stream")["cursor"]

    assert hub.get(f"/t/{topic}/events/{cursor}").body == data


def test_an_event_larger_than_one_mebibyte_is_refused(hub, topic):
    assert_problem(hub.post(f"/t/{topic}", b"x" * (1024 * 1024 + 1), "text/plain"), 413)

    assert hub.events(topic) == []


def test_a_structured_event_whose_data_is_larger_than_one_mebibyte_is_refused(hub, topic):
    event = {**CLOUDEVENT, "data": "x" * (1024 * 1024 + 1)}

    assert_problem(structured(hub, topic, event), 413)

    assert hub.events(topic) == []


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "key"])
@pytest.mark.parametrize("poison", ["a\nb", "a\rb", "a\0b", "a\r\ndata: forged\r\n\r\n"])
def test_line_ends_and_nul_in_an_attribute_are_refused(hub, topic, name, poison):
    """They would forge fields in SSE and headers in binary mode; CloudEvents forbids them too."""
    assert_problem(structured(hub, topic, {**CLOUDEVENT, name: poison}), 400)

    assert hub.events(topic) == []


def test_line_ends_smuggled_by_percent_encoding_into_an_attribute_header_are_refused(hub, topic):
    for poison in ("a%0Ab", "a%0Db", "a%00b"):
        assert_problem(hub.post(f"/t/{topic}", "x", "text/plain", {"ce-subject": poison}), 400)

    assert hub.events(topic) == []


def test_methods_that_a_topic_does_not_know_are_405_with_allow(hub, topic):
    for method in ("PUT", "PATCH", "DELETE"):
        answer = hub.http(method, f"/t/{topic}", b"")
        assert_problem(answer, 405)
        allowed = {each.strip() for each in answer.header("allow").split(",")}
        assert {"GET", "POST"} <= allowed, allowed
        assert method not in allowed


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/t", "/t/", "/T/a", "/v1", "/v1/nothing", "/v2/topics"]
)
def test_publishing_to_a_url_that_is_not_there_is_refused(hub, path):
    answer = hub.post(path, json.dumps({}), "application/json")

    assert answer.status in (400, 404, 405), answer
    assert_problem(answer, answer.status)
