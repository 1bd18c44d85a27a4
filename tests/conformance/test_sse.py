"""Server-Sent Events by WHATWG HTML 9.2 and the checklist (C:B1 to C:B3)."""

import re
import time

import pytest

from clients import HttpStream, RawSocket, SseClient
from hub import assert_problem, epoch_of, other_epoch

SSE = {"Accept": "text/event-stream"}


def raw_stream(hub, path, until, headers=None):
    """The bytes of a stream up to and with the block in which `until` stands."""
    with HttpStream(hub, path, {**SSE, **(headers or {})}) as stream:
        assert stream.status == 200
        end = time.monotonic() + 20
        data = b""
        while until not in data or not data.endswith(b"\n\n"):
            data += stream.body.read_some(end)
    return data


def blocks_of(data):
    """The lines of each block. The hub's own line end is LF."""
    assert data.endswith(b"\n\n"), data[-100:]
    return [block.split(b"\n") for block in re.split(rb"\n\n+", data) if block]


def block_with(data, line):
    return next(block for block in blocks_of(data) if line in block)


# --- B1 what the hub emits -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept",
    [
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream;q=0.9",
        "application/json;q=0.1, text/event-stream",
        "text/html;q=0.2,text/event-stream;q=0.8",
    ],
)
def test_C_B1_1_a_stream_is_200_with_the_type_of_event_streams(hub, topic, accept):
    with HttpStream(hub, f"/t/{topic}", {"Accept": accept}) as stream:
        assert stream.status == 200
        content_type = stream.headers["content-type"].lower()

    assert re.fullmatch(r"text/event-stream( *; *charset=\"?utf-8\"?)?", content_type), content_type


def test_C_B1_2_the_body_is_utf8_whatever_was_published(hub, topic):
    for body, kind in (
        (b"\xff\xfe", "text/plain"),
        ("é".encode("latin-1"), "text/plain; charset=iso-8859-1"),
        (b"\xed\xa0\x80", "text/html"),
        ("ü".encode(), "text/plain"),
        (bytes(range(256)), "a/b"),
    ):
        hub.publish(topic, body, kind)

    raw_stream(hub, f"/t/{topic}?after=first", "ü".encode()).decode("utf-8", "strict")
    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        assert len(stream.take(5)) == 5


def test_C_B1_3_a_stream_is_not_stored_buffered_or_encoded(hub, topic):
    with HttpStream(hub, f"/t/{topic}", {**SSE, "Accept-Encoding": "gzip, br, zstd"}) as stream:
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["content-encoding"] is None
        assert stream.headers["content-length"] is None


def test_C_B1_4_every_block_ends_with_a_blank_line_at_every_moment_of_rest(hub, topic):
    with SseClient(hub, f"/t/{topic}").started() as stream:
        for number in range(50):
            hub.publish(topic, "line\nline\r" * (number % 4))
            stream.take(1)
            assert not stream.parser.unfinished()


@pytest.mark.parametrize(
    "payload, lines",
    [
        ("a\nb", [b"data: a", b"data: b"]),
        ("a\r\nb", [b"data: a", b"data: b"]),
        ("a\rb", [b"data: a", b"data: b"]),
        ("a\n\rb", [b"data: a", b"data:", b"data: b"]),
        ("a\r\n\r\nb", [b"data: a", b"data:", b"data: b"]),
    ],
)
def test_C_B1_5_every_kind_of_line_end_becomes_a_data_line(hub, topic, payload, lines):
    hub.publish(topic, payload)

    block = block_with(raw_stream(hub, f"/t/{topic}?after=first", b"data: b"), b"data: b")

    found = [
        b"data:" if line.rstrip() == b"data:" else line
        for line in block
        if line.startswith(b"data")
    ]
    assert found == lines
    assert b"\r" not in b"\n".join(block)


@pytest.mark.parametrize(
    "payload", ["plain", " one space", "  two spaces", "\ttab", ":colon", "data: x"]
)
def test_C_B1_6_one_space_behind_the_colon_keeps_leading_spaces_of_the_payload(hub, topic, payload):
    hub.publish(topic, payload)

    line = b"data: " + payload.encode()
    assert line in block_with(raw_stream(hub, f"/t/{topic}?after=first", line), line)
    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        assert stream.take_data(1) == [payload]


def test_C_B1_7_an_empty_payload_is_an_event(hub, topic):
    cursor = hub.publish(topic, "")["cursor"]

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        event = stream.take(1)[0]
    assert (event.type, event.data, event.id) == ("message", "", cursor)


@pytest.mark.parametrize("name", ["ce-type", "ce-subject", "ce-key", "ce-id", "ce-source"])
@pytest.mark.parametrize("poison", ["a%0Aid: 9-9", "a%0D%0A%0D%0Adata: forged", "a%00"])
def test_C_B1_8_no_attribute_can_carry_a_line_end_or_nul_into_a_stream(hub, topic, name, poison):
    assert_problem(hub.post(f"/t/{topic}", "x", "text/plain", {name: poison}), 400)

    assert hub.events(topic) == []


def test_C_B1_8_a_payload_cannot_forge_a_field_or_an_event(hub, topic):
    forged = "x\n\nid: 9-9\nevent: carillon.bye\nretry: 1\ndata: forged\n\n"
    cursor = hub.publish(topic, forged)["cursor"]
    hub.publish(topic, "next")

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        first, second = stream.take(2)
    assert (first.data, first.id, first.type) == (forged, cursor, "message")
    assert second.data == "next"
    assert stream.parser.retry != 1


def test_C_B1_9_no_id_is_empty(hub, topic):
    hub.publish_all(topic, ["a", "b", "last"])

    data = raw_stream(hub, f"/t/{topic}?after=first", b"data: last")
    ids = [line for block in blocks_of(data) for line in block if line.startswith(b"id")]
    assert len(ids) >= 4
    assert all(re.fullmatch(rb"id: [0-9A-Za-z]+-[0-9]+", line) for line in ids), ids


def test_C_B1_10_a_stream_starts_with_a_retry_of_digits(hub, topic):
    hub.publish(topic, "x")

    first = blocks_of(raw_stream(hub, f"/t/{topic}?after=first", b"data: x"))[0][0]

    assert re.fullmatch(rb"retry: ?[0-9]+", first), first


def test_C_B1_11_a_stream_does_not_start_with_a_byte_order_mark(hub, topic):
    hub.publish(topic, "\ufeffx")

    assert not raw_stream(hub, f"/t/{topic}?after=first", b"x\n").startswith(b"\xef\xbb\xbf")


def test_C_B1_12_a_quiet_stream_is_kept_alive_with_something_that_is_no_message(start_hub):
    fresh = start_hub(config='heartbeat = "1s"\n')
    with SseClient(fresh, "/t/quiet").started() as stream:
        stream.next_of_any_type()
        for _ in range(2):
            assert stream.next_of_any_type().type != "message"


def test_C_B1_13_something_comes_right_after_the_head(hub, topic):
    with SseClient(hub, f"/t/{topic}").started() as stream:
        start = stream.next_of_any_type()

    assert start.fields[-3:] == [
        ("event", "carillon.cursor"),
        ("id", start.id),
        ("data", ""),
    ] or sorted(start.fields) == sorted(
        [("event", "carillon.cursor"), ("id", start.id), ("data", "")]
        + [field for field in start.fields if field[0] == "retry"]
    )
    assert epoch_of(start.id)


def test_C_B1_14_each_event_is_flushed_without_waiting_for_the_next(hub, topic):
    with SseClient(hub, f"/t/{topic}").started() as stream:
        for number in range(30):
            hub.publish(topic, str(number))
            assert stream.take_data(1) == [str(number)]


def test_C_B1_an_event_has_an_id_and_data_and_no_name(hub, topic):
    cursor = hub.publish(topic, "x")["cursor"]

    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        event = stream.take(1)[0]
    assert sorted(event.fields) == [("data", "x"), ("id", cursor)]


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_C_B1_a_stream_is_the_same_in_whatever_pieces_it_is_read(hub, topic, step):
    payloads = ["a\r\nb", "ü\U0001f600", "", " x", "\n\n"]
    hub.publish_all(topic, payloads)

    with SseClient(hub, f"/t/{topic}?after=first", step=step) as stream:
        assert stream.take_data(5) == [payload.replace("\r\n", "\n") for payload in payloads]


# --- B2 reconnect and replay ---------------------------------------------------------------------


def test_C_B2_1_an_empty_last_event_id_is_none(hub, topic):
    hub.publish(topic, "old")

    with SseClient(hub, f"/t/{topic}?after=first", headers={"Last-Event-ID": ""}) as stream:
        assert stream.take_data(1) == ["old"]


def test_C_B2_2_replay_is_strictly_behind_the_id_and_goes_over_into_live_without_a_seam(hub, topic):
    cursors = hub.publish_all(topic, [str(number) for number in range(200)])

    with SseClient(hub, f"/t/{topic}", last_event_id=cursors[99]) as stream:
        later = hub.publish_all(topic, [str(number) for number in range(200, 300)])
        events = stream.take(200)

    assert [event.data for event in events] == [str(number) for number in range(100, 300)]
    assert [event.id for event in events] == cursors[100:] + later


@pytest.mark.parametrize("last", ["garbage", "x" * 2000, "%zz", "\u00fc", "1"])
def test_C_B2_3_an_unknown_id_is_answered_by_a_gap_and_never_by_silence(hub, topic, last):
    hub.publish(topic, "x")

    with SseClient(hub, f"/t/{topic}", last_event_id=last) as stream:
        gap = stream.next()
        assert (gap.type, gap.json()["reason"]) == ("carillon.gap", "unknown")
        assert stream.take_data(1) == ["x"]


def test_C_B2_3_an_id_of_another_log_is_answered_by_a_gap(hub, topic):
    cursor = hub.publish(topic, "x")["cursor"]

    with SseClient(hub, f"/t/{topic}", last_event_id=other_epoch(cursor)) as stream:
        assert stream.next().json()["reason"] == "epoch"


def test_C_B2_4_the_query_serves_a_first_connect_and_the_header_wins(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])

    with SseClient(hub, f"/t/{topic}?after={cursors[0]}") as stream:
        assert stream.take_data(2) == ["b", "c"]
    with SseClient(hub, f"/t/{topic}?after={cursors[0]}", last_event_id=cursors[1]) as stream:
        assert stream.take_data(1) == ["c"]


def test_C_B2_6_B2_7_shutting_down_ends_the_body_behind_a_whole_block_that_carries_a_retry(
    start_hub,
):
    fresh = start_hub()
    with SseClient(fresh, "/t/a").started() as stream:
        fresh.process.terminate()
        last = stream.read_to_end(40)[-1]

    assert not stream.parser.unfinished()
    assert last.type == "carillon.bye"
    assert stream.parser.retry == last.json()["retry_ms"]
    assert fresh.wait(40) == 0


@pytest.mark.parametrize("last", [b"\xff\xfe", b"\xc3(", b"a" * 8000])
def test_C_B2_10_an_id_that_is_no_text_or_too_long_is_an_unknown_id(hub, topic, last):
    with RawSocket(hub) as raw:
        raw.send(
            f"GET /t/{topic} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n".encode()
            + b"Last-Event-ID: "
            + last
            + b"\r\n\r\n"
        )
        status, _ = raw.read_head()
        assert status == 200
        raw.read_until(b"event: carillon.gap", time.monotonic() + 20)


def test_C_B2_10_an_id_gives_no_right(start_hub):
    token = "token-0123456789abcdef0123456789"
    fresh = start_hub(
        command="serve",
        config=f"""
hosts = ["127.0.0.1"]
[[tokens]]
token = "{token}"
publish = ["**"]
""",
    )
    fresh.token = token
    cursor = fresh.publish("a", "x")["cursor"]
    fresh.token = None

    assert_problem(fresh.get("/t/a", {**SSE, "Last-Event-ID": cursor}), 401)


# --- B3 origins, connections ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed():
    from hub import Hub

    with Hub(config='origins = ["https://app.example"]\n') as shared:
        yield shared


def test_C_B3_1_a_listed_origin_is_echoed_with_vary(listed):
    with HttpStream(listed, "/t/a", {**SSE, "Origin": "https://app.example"}) as stream:
        assert stream.headers["access-control-allow-origin"] == "https://app.example"
        assert "origin" in ", ".join(stream.headers.get_all("vary")).lower()


def test_C_B3_1_another_origin_gets_no_permission(listed):
    with HttpStream(listed, "/t/a", {**SSE, "Origin": "https://evil.example"}) as stream:
        assert stream.headers["access-control-allow-origin"] is None


def test_C_B3_2_credentials_are_allowed_to_a_listed_origin_and_never_with_a_star(listed):
    with HttpStream(listed, "/t/a", {**SSE, "Origin": "https://app.example"}) as stream:
        assert stream.headers["access-control-allow-origin"] != "*"
        assert stream.headers["access-control-allow-credentials"] == "true"


def test_C_B3_3_the_preflight_of_a_reconnect_allows_last_event_id(listed):
    answer = listed.http(
        "OPTIONS",
        "/t/a",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "last-event-id",
        },
    )

    assert 200 <= answer.status < 300, answer
    allowed = [
        name.strip().lower() for name in answer.header("access-control-allow-headers").split(",")
    ]
    assert "last-event-id" in allowed


def test_C_B3_7_a_stream_over_http_1_1_is_chunked(hub, topic):
    with HttpStream(hub, f"/t/{topic}", SSE) as stream:
        assert stream.headers["transfer-encoding"].lower() == "chunked"


def test_C_B3_7_a_stream_over_http_1_0_is_not_chunked_and_ends_with_the_connection(hub, topic):
    hub.publish(topic, "x")
    with RawSocket(hub) as raw:
        raw.send(
            f"GET /t/{topic}?after=first HTTP/1.0\r\n".encode()
            + b"Accept: text/event-stream\r\nHost: localhost\r\n\r\n"
        )
        status, headers = raw.read_head()
        assert status == 200
        assert headers["transfer-encoding"] is None
        raw.read_until(b"data: x\n", time.monotonic() + 20)


def test_C_B3_8_head_answers_the_headers_of_the_stream_and_ends(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(
            f"HEAD /t/{topic} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        head = raw.response("HEAD")
        assert head.content_type() == "text/event-stream"
        assert raw.response("GET").status in (200, 503)


@pytest.mark.parametrize(
    "accept", ["image/png", "text/event-stream;q=0", "application/json;q=0, text/x-none"]
)
def test_C_B3_8_an_accept_that_excludes_everything_is_406(hub, topic, accept):
    assert_problem(hub.get(f"/t/{topic}", {"Accept": accept}), 406)
