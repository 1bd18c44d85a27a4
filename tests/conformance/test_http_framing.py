"""HTTP/1.1 framing (C:F1) and limits (C:F2) against raw bytes, whole and in the smallest pieces."""

import re
import time
from email.utils import parsedate_to_datetime

import pytest

from clients import Cut, RawSocket
from framing_rows import CLOSES, FRAMING, GOES_ON, request
from hub import assert_problem, wait_until

SECOND = request(b"POST /t/TOPIC.second HTTP/1.1", body=b"again")
HEAD = "HTTP/1.1\r\nHost: localhost\r\n"
STORED = {  # where it is not "hello"
    "a size in either case": "hellohello",
    "many chunks": "h" * 40,
    "neither length nor coding": "",
}


def pieces_of(raw, way):
    if way == "whole":
        return [raw]
    size = 1 if len(raw) <= 2000 else 97 if len(raw) <= 100_000 else 8191
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def answers(raw, row):
    """Every whole answer until the hub closes or both requests are answered."""
    found = [raw.final_response(row.method)]
    announced = "close" in (found[0].header("connection") or "").lower()
    if row.then == CLOSES or announced:
        assert raw.at_end(), f"bytes behind the last answer: {raw.buffer!r}"
        assert announced or row.status < 400, "the end of the connection is not announced"
        return found
    return found + [raw.final_response("POST")]


@pytest.mark.parametrize("way", ["whole", "pieces"])
@pytest.mark.parametrize("row", FRAMING, ids=lambda row: row.id)
def test_C_F1_each_request_has_its_one_outcome_however_it_is_cut(hub, topic, row, way):
    both = (row.raw + SECOND).replace(b"TOPIC", topic.encode())

    with RawSocket(hub) as raw:
        raw.send_in_pieces(pieces_of(both, way))
        found = answers(raw, row)

    assert found[0].status == row.status, found[0]
    if row.status >= 400 and row.method != "HEAD":
        assert_problem(found[0], row.status)
    assert row.status != 405 or found[0].header("allow")
    assert row.then != GOES_ON or len(found) == 2, "the connection must go on"
    assert all(answer.status == 201 for answer in found[1:]), found
    assert len(hub.events(topic)) == (1 if row.status == 201 else 0)
    assert hub.payloads(f"{topic}.second") == ["again"] * (len(found) - 1)
    assert hub.events("smuggled") == []


@pytest.mark.parametrize(
    "row", [row for row in FRAMING if row.status == 201], ids=lambda row: row.id
)
def test_C_F1_an_accepted_request_stores_exactly_its_body(hub, topic, row):
    with RawSocket(hub) as raw:
        raw.send(row.raw.replace(b"TOPIC", topic.encode()))
        assert raw.final_response("POST").status == 201

    assert hub.payloads(topic) == [STORED.get(row.name, "hello")]
    assert hub.events(topic)[0]["type"] == "carillon.event"


def test_C_F1_the_table_is_as_large_as_was_promised():
    assert len(FRAMING) >= 80
    assert len({row.id for row in FRAMING}) == len(FRAMING)


# --- F1.12 trailers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        "ce-type: evil",
        "Content-Type: application/json",
        "Idempotency-Key: k",
        "Content-Length: 3",
        "Host: evil.example",
        "Transfer-Encoding: gzip",
    ],
)
def test_C_F1_12_a_field_in_a_trailer_is_never_merged(hub, topic, field):
    raw_request = (
        f"POST /t/{topic} {HEAD}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"5\r\nhello\r\n0\r\n{field}\r\n\r\n"
    ).encode()
    for _ in range(2):
        with RawSocket(hub) as raw:
            raw.send(raw_request)
            answer = raw.final_response("POST")
        assert answer.status in (201, 400), answer

    events = hub.events(topic)
    assert len(events) == (2 if answer.status == 201 else 0), "a key in a trailer is no key"
    for event in events:
        assert (event["type"], event["datacontenttype"], event["data"]) == (
            "carillon.event",
            "text/plain",
            "hello",
        )


def test_C_F1_12_authorization_in_a_trailer_gives_no_right(start_hub):
    token = "token-0123456789abcdef0123456789"
    fresh = start_hub(command="serve", config=f'[[tokens]]\ntoken = "{token}"\npublish = ["**"]\n')
    with RawSocket(fresh) as raw:
        raw.send(
            f"POST /t/a {HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        assert raw.final_response("POST").status in (400, 401)


# --- F1.15 incomplete messages -------------------------------------------------------------------


@pytest.mark.parametrize(
    "head, body",
    [
        ("Content-Length: 10\r\n", b""),
        ("Content-Length: 10\r\n", b"half"),
        ("Content-Length: 10\r\n", b"nine byte"),
        ("Transfer-Encoding: chunked\r\n", b""),
        ("Transfer-Encoding: chunked\r\n", b"5\r\nhel"),
        ("Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n"),
    ],
)
@pytest.mark.parametrize("end", ["half-closed", "closed", "reset"])
def test_C_F1_15_a_request_whose_body_is_cut_off_stores_nothing(hub, topic, head, body, end):
    raw = RawSocket(hub)
    raw.send(f"POST /t/{topic} {HEAD}{head}\r\n".encode() + body)
    if end == "half-closed":
        raw.finish_writing()
        raw.at_end()
        assert not raw.buffer.startswith(b"HTTP/1.1 2"), raw.buffer
    raw.reset() if end == "reset" else raw.close()

    hub.publish(topic, "behind it")
    assert hub.payloads(topic) == ["behind it"]


def test_C_F1_15_a_half_closed_client_still_gets_its_answer(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(f"POST /t/{topic} {HEAD}Content-Length: 5\r\n\r\nhello".encode())
        raw.finish_writing()
        assert raw.final_response("POST").status == 201


# --- F1.16 pipelining ----------------------------------------------------------------------------


def test_C_F1_16_pipelined_requests_are_answered_in_order(hub, topic):
    raw_requests = b"".join(
        f"POST /t/{topic} {HEAD}Content-Length: {len(str(n))}\r\n\r\n{n}".encode()
        for n in range(200)
    )

    with RawSocket(hub) as raw:
        raw.send(raw_requests)
        cursors = [raw.final_response("POST").json()["cursor"] for _ in range(200)]

    events = hub.events(topic)
    assert [event["data"] for event in events] == [str(number) for number in range(200)]
    assert [event["cursor"] for event in events] == cursors


def test_C_F1_16_kinds_of_requests_may_be_mixed_in_one_pipeline(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(
            (
                f"POST /t/{topic} {HEAD}Content-Length: 1\r\n\r\na"
                f"GET /t/{topic}?after=first {HEAD}\r\n"
                f"HEAD /t/{topic} {HEAD}\r\n"
                f"PUT /t/{topic} {HEAD}Content-Length: 0\r\n\r\n"
                f"GET /nothing {HEAD}\r\n"
                f"POST /t/{topic} {HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"
                f"GET /t/{topic}/latest {HEAD}\r\n"
            ).encode()
        )
        statuses = [
            raw.final_response(method).status
            for method in ("POST", "GET", "HEAD", "PUT", "GET", "POST", "GET")
        ]

    assert statuses[:6] == [201, 200, 200, 405, 404, 201]
    assert statuses[6] == 200
    assert hub.payloads(topic) == ["a", "b"]


def test_C_F1_16_a_pipeline_cut_anywhere_is_the_same_pipeline(hub, topic):
    raw_requests = b"".join(
        f"POST /t/{topic} {HEAD}Content-Length: 2\r\n\r\n{n:02}".encode() for n in range(5)
    )

    with RawSocket(hub) as raw:
        raw.send_in_pieces(pieces_of(raw_requests, "pieces"))
        assert [raw.final_response("POST").status for _ in range(5)] == [201] * 5
    assert hub.payloads(topic) == [f"{number:02}" for number in range(5)]


def test_C_F1_14_what_stands_behind_an_error_of_framing_is_never_looked_at(hub, topic):
    good = f"POST /t/{topic} {HEAD}Content-Length: 1\r\n\r\n".encode()
    with RawSocket(hub) as raw:
        raw.send(good + b"a" + b"POST /t/x HTTP/1.1\r\nHost: a b\r\n\r\n" + good + b"b")
        assert raw.final_response("POST").status == 201
        assert raw.final_response("POST").status == 400
        assert raw.at_end()

    assert hub.payloads(topic) == ["a"]


# --- F1.17 expectations --------------------------------------------------------------------------


def test_C_F1_17_100_continue_is_answered_before_the_body(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(
            f"POST /t/{topic} {HEAD}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert raw.response("POST").status == 100
        raw.send(b"hello")
        assert raw.response("POST").status == 201

    assert hub.payloads(topic) == ["hello"]


def test_C_F1_17_the_expectation_has_no_case(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(
            f"POST /t/{topic} {HEAD}Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n".encode()
        )
        assert raw.response("POST").status == 100
        raw.send(b"hello")
        assert raw.response("POST").status == 201


def test_C_F1_17_size_is_judged_before_100(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(
            f"POST /t/{topic} {HEAD}Content-Length: 1048577\r\n".encode()
            + b"Expect: 100-continue\r\n\r\n"
        )
        assert_problem(raw.response("POST"), 413)


@pytest.mark.parametrize(
    "target, status", [("/t/a..b", 400), ("/nothing", 404), ("/t/$sys.health", 403)]
)
def test_C_F1_17_what_the_head_decides_is_answered_without_100(hub, target, status):
    with RawSocket(hub) as raw:
        raw.send(f"POST {target} {HEAD}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
        assert_problem(raw.response("POST"), status)


def test_C_F1_17_rights_are_judged_before_100(start_hub):
    fresh = start_hub(command="serve")
    with RawSocket(fresh) as raw:
        raw.send(f"POST /t/a {HEAD}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
        assert_problem(raw.response("POST"), 401)


def test_C_F1_17_an_expectation_in_http_1_0_is_ignored(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(
            f"POST /t/{topic} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 5\r\n".encode()
            + b"Expect: 100-continue\r\n\r\nhello"
        )
        assert raw.response("POST").status == 201


# --- F1.18, RFC 9110 on answers ------------------------------------------------------------------


def test_C_F1_18_head_204_and_304_carry_no_body(hub, topic):
    hub.publish(topic, "x")
    etag = hub.get(f"/t/{topic}").header("etag")
    with RawSocket(hub) as raw:
        raw.send(
            (
                f"HEAD /t/{topic} {HEAD}\r\n"
                f"GET /t/{topic}.none/latest {HEAD}\r\n"
                f"GET /t/{topic} {HEAD}If-None-Match: {etag}\r\n\r\n"
                f"GET /healthz {HEAD}\r\n"
            ).encode()
        )
        assert raw.response("HEAD").status == 200
        assert raw.response("GET").status == 204
        assert raw.response("GET").status == 304
        assert raw.response("GET").status in (200, 503)


def test_C_F1_18_head_announces_the_length_that_get_has(hub, topic):
    hub.publish(topic, "12345")
    head, full = hub.http("HEAD", f"/t/{topic}/latest"), hub.get(f"/t/{topic}/latest")

    assert head.header("content-length") in (None, full.header("content-length"))


@pytest.mark.parametrize(
    "path", ["/t/a", "/t/a/latest", "/nothing", "/healthz", "/v1/topics", "/t/a..b"]
)
def test_C_F1_every_answer_has_a_date(hub, path):
    date = hub.get(path).header("date")

    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date), date
    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 3600


def test_C_F1_19_what_a_publisher_gave_cannot_break_out_of_a_header(hub, topic):
    hub.publish(topic, "x", subject="%C3%BC%22%5C%20%25", type="a:b;c=d,e")

    with RawSocket(hub) as raw:  # whose parser refuses control characters
        raw.send(f"GET /t/{topic}/latest {HEAD}\r\n".encode())
        answer = raw.response("GET")
    assert answer.status == 200
    assert answer.header("ce-type") == "a:b;c=d,e"
    assert answer.header("ce-subject").isascii()


@pytest.mark.parametrize("content_type", ["text/plain\x01", "text/plain\r", "a\x00b"])
def test_C_F1_19_a_content_type_with_control_characters_is_refused(hub, topic, content_type):
    with RawSocket(hub) as raw:
        raw.send(
            f"POST /t/{topic} {HEAD}Content-Type: {content_type}\r\n".encode()
            + b"Content-Length: 1\r\n\r\nx"
        )
        assert_problem(raw.final_response("POST"), 400)


# --- F1.9 the authority --------------------------------------------------------------------------


def test_C_F1_9_absolute_form_overrides_host(hub):
    with RawSocket(hub) as raw:
        raw.send(b"GET http://localhost:1/v1/topics HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert raw.final_response().status == 200
    with RawSocket(hub) as raw:
        raw.send(b"GET http://evil.example/v1/topics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.final_response().status == 403


# --- persistence and F2.2 timers -----------------------------------------------------------------


def test_C_F1_14_one_connection_serves_many_requests(hub, topic):
    with RawSocket(hub) as raw:
        for number in range(100):
            raw.send(f"POST /t/{topic} {HEAD}Content-Length: 2\r\n\r\n{number:02}".encode())
            assert raw.final_response("POST").status == 201
            raw.send(f"GET /t/{topic}/latest {HEAD}\r\n".encode())
            assert raw.final_response().body == f"{number:02}".encode()


def test_C_F2_2_a_head_that_never_ends_is_ended_by_the_hub(hub):
    """The time counts for the whole head: a byte now and then does not prolong it."""
    with RawSocket(hub) as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        def ended():
            alive = raw.send(b"a")
            try:
                return not raw.fill(time.monotonic() + 0.2) or not alive
            except AssertionError:
                return not alive

        wait_until(ended, "the hub ends the connection", deadline=60)
    assert hub.alive()


def test_C_F2_3_many_idle_connections_keep_nobody_out(hub, topic):
    idle = [RawSocket(hub) for _ in range(300)]

    hub.publish(topic, "x")

    for raw in idle:
        raw.close()
    assert hub.payloads(topic) == ["x"]


def test_C_F2_7_json_is_bounded_and_the_hub_lives(hub, topic):
    deep = '{"a":' * 50_000 + "1" + "}" * 50_000
    for body in (deep, "[" * 500_000, '"' + "\\" * 500_001):
        assert_problem(hub.post(f"/t/{topic}", body, "application/json"), 400)

    hub.publish(topic, "x")
    assert hub.payloads(topic) == ["x"]


def test_C_F1_noise_is_no_request_and_kills_nothing(hub):
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"\0" * 4096,
        b"\xff" * 4096,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\r\n" * 4096,
        b"GET\r\n\r\n",
        b"{}\r\n\r\n",
    ):
        with RawSocket(hub) as raw:
            raw.send(noise)
            raw.finish_writing()
            try:
                assert raw.final_response().status in (400, 414, 431, 501, 505)
            except Cut:
                pass  # closing without a word is right too: this was no HTTP
    assert hub.get("/healthz").status in (200, 503)
    assert hub.alive()
