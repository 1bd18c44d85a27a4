"""SIGTERM: stop accepting, finish what is in flight, say goodbye to streams, exit 0."""

import signal
import socket
import threading

import pytest

from clients import LineClient, NdjsonClient, RawSocket, SseClient
from hub import DEADLINE, epoch_of, wait_until


def terminate(hub):
    hub.process.send_signal(signal.SIGTERM)


def exit_code(hub):
    return hub.wait(40)


def refuses(hub):
    try:
        socket.create_connection(("127.0.0.1", hub.port), timeout=1).close()
        return False
    except OSError:
        return True


def test_an_idle_hub_exits_0(start_hub):
    fresh = start_hub()
    terminate(fresh)

    assert exit_code(fresh) == 0


def test_a_hub_exits_0_however_soon_behind_its_first_word_the_signal_comes(start_hub):
    fresh = start_hub()
    for _ in range(10):
        terminate(fresh)
        assert exit_code(fresh) == 0
        fresh.start()


def test_a_hub_exits_0_on_sigint_too(start_hub):
    fresh = start_hub()
    fresh.process.send_signal(signal.SIGINT)

    assert exit_code(fresh) == 0


def test_a_stream_is_told_goodbye_with_a_time_to_come_back_and_ends_cleanly(start_hub):
    fresh = start_hub()
    with SseClient(fresh, "/t/a").started() as stream:
        fresh.publish("a", "x")
        assert stream.take_data(1) == ["x"]
        terminate(fresh)
        events = stream.read_to_end(40)

    assert [event.type for event in events if event.type != "carillon.cursor"] == ["carillon.bye"]
    bye = events[-1]
    assert isinstance(bye.json()["retry_ms"], int) and 0 < bye.json()["retry_ms"] <= 30_000
    assert stream.parser.retry == bye.json()["retry_ms"]
    assert not stream.parser.unfinished()
    assert exit_code(fresh) == 0


def test_the_herd_is_spread(start_hub):
    fresh = start_hub()
    streams = [SseClient(fresh, "/t/a").started() for _ in range(30)]
    terminate(fresh)

    delays = {stream.read_to_end(40)[-1].json()["retry_ms"] for stream in streams}
    for stream in streams:
        stream.close()
    assert len(delays) > 5, delays
    assert exit_code(fresh) == 0


def test_tail_ends_with_a_bye_line(start_hub):
    fresh = start_hub()
    with NdjsonClient(fresh, "/t/a/tail").opened() as tail:
        terminate(fresh)
        bye = tail.next(40)
        assert bye["type"] == "carillon.bye"
        assert bye["data"]["retry_ms"] > 0
        assert tail.next() is None

    assert exit_code(fresh) == 0


def test_tail_as_text_ends_cleanly_without_a_word(start_hub):
    fresh = start_hub()
    with LineClient(fresh, "/t/a/tail", {"Accept": "text/plain"}).opened() as tail:
        fresh.publish("a", "x")
        assert tail.line() == b"x"
        terminate(fresh)
        assert tail.line(40) is None

    assert exit_code(fresh) == 0


def test_a_long_poll_is_answered(start_hub):
    fresh = start_hub()
    cursor = fresh.publish("polled-topic", "x")["cursor"]
    with RawSocket(fresh) as raw:
        raw.send(
            (
                f"GET /t/polled-topic HTTP/1.1\r\nHost: localhost\r\n\r\n"
                f"GET /t/polled-topic?wait=25&after={cursor} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            ).encode()
        )
        assert raw.final_response().status == 200  # so both requests have been read
        terminate(fresh)
        answer = raw.final_response(deadline=40)

    assert answer.status in (204, 503), answer
    if answer.status == 204:
        assert epoch_of(answer.header("carillon-cursor")) == epoch_of(cursor)
    assert exit_code(fresh) == 0


def test_a_publish_in_flight_is_finished_and_kept(start_hub):
    fresh = start_hub()
    with RawSocket(fresh) as raw:
        raw.send(
            b"POST /t/a HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"
        )
        assert raw.response("POST").status == 100
        raw.send(b"first")
        terminate(fresh)
        wait_until(lambda: refuses(fresh), "the hub stops accepting")
        raw.send(b"-half")
        answer = raw.final_response("POST")

    assert answer.status == 201, answer
    assert answer.header("connection").lower() == "close"
    assert exit_code(fresh) == 0
    fresh.start()
    assert fresh.payloads("a") == ["first-half"]


def test_everything_acknowledged_during_a_drain_is_kept(start_hub):
    fresh = start_hub()
    acknowledged = []

    def publish():
        try:
            for number in range(100_000):
                answer = fresh.post("/t/a", f"n{number}", "text/plain")
                if answer.status != 201:
                    return
                acknowledged.append(answer.json()["cursor"])
        except (OSError, EOFError, ValueError):
            pass
        except Exception as error:  # http.client's own words for a connection that ended
            if not type(error).__module__.startswith("http"):
                raise

    threads = [threading.Thread(target=publish, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) > 50, "publishes are answered")
    terminate(fresh)
    assert exit_code(fresh) == 0
    for thread in threads:
        thread.join(DEADLINE)
    fresh.start()

    kept = {event["cursor"] for event in fresh.events("a")}
    assert set(acknowledged) <= kept


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /t/a HTT",
        b"POST /t/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf",
        b"POST /t/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    ],
)
def test_a_client_that_never_finishes_does_not_hold_up_the_exit(start_hub, sent):
    fresh = start_hub()
    with RawSocket(fresh) as raw:
        raw.send(sent)
        fresh.publish("b", "x")
        terminate(fresh)
        assert exit_code(fresh) == 0

    fresh.start()
    assert fresh.payloads("a") == []


def test_a_stream_that_does_not_read_does_not_hold_up_the_exit(start_hub):
    fresh = start_hub()
    with SseClient(fresh, "/t/a").started():
        for _ in range(30):
            fresh.publish("a", b"x" * 1_000_000)
        terminate(fresh)
        assert exit_code(fresh) == 0

    fresh.start()
    assert len(fresh.events("a")) == 30


def test_a_kill_in_the_middle_of_a_drain_loses_nothing(start_hub):
    fresh = start_hub()
    streams = [SseClient(fresh, "/t/a").started() for _ in range(5)]
    fresh.publish_all("a", ["x", "y"])
    terminate(fresh)
    fresh.kill()
    for stream in streams:
        stream.close()

    fresh.start()
    assert fresh.payloads("a") == ["x", "y"]


def test_a_reader_that_comes_back_after_the_drain_misses_nothing(start_hub):
    fresh = start_hub()
    with SseClient(fresh, "/t/a").started() as stream:
        fresh.publish("a", "before")
        assert stream.take_data(1) == ["before"]
        terminate(fresh)
        stream.read_to_end(40)
        last = stream.last_event_id
    assert exit_code(fresh) == 0
    fresh.start()
    fresh.publish("a", "after")

    with SseClient(fresh, "/t/a", last_event_id=last) as stream:
        assert stream.take_data(1) == ["after"]
