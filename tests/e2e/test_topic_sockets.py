"""WebSockets on topic URLs and /stream: events out, and on a topic frames in."""

import json
import signal
import socket

import pytest
import websockets

from hub import DEADLINE, wait_until
from socket_client import CLOUDEVENTS, closed_with, connect, in_time, take



def events(hub, topic):
    return hub.get(f"/t/{topic}?limit=1000").json()["events"]


@in_time
async def test_payloads_come_as_text_and_binary_frames(hub):
    async with connect(hub, "/t/sockets.forms") as web:
        hub.publish("sockets.forms", "hällo")
        hub.publish("sockets.forms", b'{"n": 1.10}', content_type="application/json")
        hub.publish("sockets.forms", b"\x00\xff", content_type="application/octet-stream")

        assert await take(web, 3) == ["hällo", '{"n": 1.10}', b"\x00\xff"]
        assert web.subprotocol is None


@in_time
async def test_frames_in_are_published_and_come_back(hub):
    async with connect(hub, "/t/sockets.both") as web:
        await web.send("text")
        await web.send(b"\x01\x02")
        assert await take(web, 2) == ["text", b"\x01\x02"]

    stored = events(hub, "sockets.both")
    assert [event["datacontenttype"] for event in stored] == [
        "text/plain",
        "application/octet-stream",
    ]


@in_time
async def test_the_content_type_of_frames_can_be_named(hub):
    async with connect(hub, "/t/sockets.json?content_type=application/json") as web:
        await web.send('{"a": 1}')
        assert await take(web, 1) == ['{"a": 1}']
    assert events(hub, "sockets.json")[0]["data"] == {"a": 1}


@in_time
async def test_cloudevents_go_both_ways_as_text(hub):
    async with connect(hub, "/t/sockets.ce", ["other", CLOUDEVENTS]) as web:
        assert web.subprotocol == CLOUDEVENTS
        given = {"specversion": "1.0", "id": "1", "source": "/me", "type": "t", "data": {"x": 1}}
        await web.send(json.dumps(given))
        got = json.loads((await take(web, 1))[0])
    assert {name: got[name] for name in given} == given
    assert got["topic"] == "sockets.ce" and got["cursor"]


@in_time
async def test_a_reader_begins_where_it_says(hub):
    first = hub.publish("sockets.after", "one")["cursor"]
    hub.publish("sockets.after", "two")
    async with connect(hub, f"/t/sockets.after?after={first}") as web:
        assert await take(web, 1) == ["two"]
    async with connect(hub, "/t/sockets.after?after=-1") as web:
        assert await take(web, 1) == ["two"]
    async with connect(hub, "/t/sockets.after?after=first") as web:
        assert await take(web, 2) == ["one", "two"]


@in_time
async def test_patterns_filters_and_conflation_are_those_of_every_protocol(hub):
    options = "topic=socketstream.*&type=wanted&conflate=key&after=first"
    for number in range(5):
        hub.publish("socketstream.a", str(number), type="wanted", key="k")
        hub.publish("socketstream.b", str(number), type="other")
    async with connect(hub, f"/stream?{options}") as web:
        assert await take(web, 1) == ["4"]


@in_time
async def test_stream_takes_no_frames(hub):
    async with connect(hub, "/stream?topic=a") as web:
        await web.send("x")
        assert (await closed_with(web))[0] == 4400


@in_time
async def test_a_gap_before_the_upgrade_is_410_for_payloads_alone(start_hub):
    fresh = start_hub()
    first = fresh.publish("a", "1")["cursor"]
    fresh.publish("a", "2")
    last = fresh.publish("a", "3")["cursor"]
    assert fresh.post("/v1/topics/a/trim", json.dumps({"before": last})).status == 200

    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await connect(fresh, f"/t/a?after={first}")
    assert refused.value.status_code == 410
    async with connect(fresh, f"/t/a?after={first}&gap=ok") as web:
        assert await take(web, 1) == ["3"]
    async with connect(fresh, f"/t/a?after={first}", [CLOUDEVENTS]) as web:
        gap, event = map(json.loads, await take(web, 2))
    assert gap["type"] == "carillon.gap" and gap["data"]["reason"] == "expired"
    assert event["data"] == "3"


@in_time
async def test_what_may_not_be_published_closes_with_its_status(hub):
    async with connect(hub, "/t/sockets.bad?content_type=application/json") as web:
        await web.send("{broken")
        code, reason = await closed_with(web)
    assert code == 4400 and "broken JSON" in reason
    async with connect(hub, "/t/sockets.bad", [CLOUDEVENTS]) as web:
        await web.send(b"binary")
        assert (await closed_with(web))[0] == 1003
    async with connect(hub, "/t/sockets.bad") as web:
        await web.send(b"x" * (1024 * 1024 + 1))
        assert (await closed_with(web))[0] == 1009
    assert events(hub, "sockets.bad") == []


@in_time
async def test_rights_are_checked_before_the_upgrade_and_at_each_frame(start_hub):
    config = '[[tokens]]\ntoken = "reader-token-0123456789"\nsubscribe = ["a"]\n'
    fresh = start_hub(command="serve", config=config)
    for token, status in ((None, 401), ("wrong", 401)):
        with pytest.raises(websockets.InvalidStatusCode) as refused:
            await connect(fresh, "/t/a", token=token)
        assert refused.value.status_code == status
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await connect(fresh, "/t/b", token="reader-token-0123456789")
    assert refused.value.status_code == 403
    async with connect(fresh, "/t/a", token="reader-token-0123456789") as web:
        await web.send("x")
        assert (await closed_with(web))[0] == 4403


@in_time
async def test_a_page_of_another_origin_may_not_open_one(hub):
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await connect(hub, "/t/a", extra_headers={"Origin": "https://evil.example"})
    assert refused.value.status_code == 403
    async with connect(hub, "/t/a", extra_headers={"Origin": "http://localhost:3000"}):
        pass


@pytest.mark.parametrize("subprotocols", [None, [CLOUDEVENTS]])
def test_a_drain_says_goodbye_and_the_hub_exits_0(start_hub, subprotocols):
    fresh = start_hub()

    @in_time
    async def watch():
        async with connect(fresh, "/t/a", subprotocols) as web:
            fresh.process.send_signal(signal.SIGTERM)
            if subprotocols:
                bye = json.loads(await web.recv())
                assert bye["type"] == "carillon.bye" and bye["data"]["retry_ms"] > 0
            assert (await closed_with(web))[0] == 1001

    watch()
    assert fresh.wait(40) == 0


UPGRADE = (
    "GET /t/slow HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def stalled_socket(hub):
    """A peer that was upgraded, is sent far more than sockets hold, and takes none of it."""
    peer = socket.create_connection(("127.0.0.1", hub.port), timeout=DEADLINE)
    peer.sendall(UPGRADE.encode())
    assert b"101" in peer.recv(200)
    for _ in range(40):
        hub.publish("slow", b"x" * 500_000)
    shown = lambda: '"closing":"stalled"' in hub.get("/v1/connections").text()  # noqa: E731
    wait_until(shown, "the hub closes it")
    return peer


def test_a_peer_that_takes_nothing_is_closed_and_costs_nobody_else_anything(start_hub):
    fresh = start_hub(args=["--stall", "1s"])
    with stalled_socket(fresh):
        ended = lambda: '"reason":"stalled"' in fresh.get("/v1/connections").text()  # noqa: E731
        wait_until(ended, "the connection is cut")
    assert fresh.publish("slow", "on")["cursor"]


def test_a_peer_that_reads_again_is_told_4408_at_the_end_of_a_frame(start_hub):
    fresh = start_hub(args=["--stall", "1s"])
    with stalled_socket(fresh) as peer:
        rest = b""
        while piece := peer.recv(1 << 20):
            rest = (rest + piece)[-200:]
    assert b"x\x88" in rest and b"\x11\x38too slow" in rest  # 4408


@in_time
async def test_events_survive_kill_9_and_a_socket_resumes_by_cursor(start_hub):
    fresh = start_hub()
    async with connect(fresh, "/t/a", [CLOUDEVENTS]) as web:
        await web.send(
            json.dumps({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": 1})
        )
        cursor = json.loads(await web.recv())["cursor"]
    fresh.publish("a", "2")
    fresh.restart()
    async with connect(fresh, f"/t/a?after={cursor}", [CLOUDEVENTS]) as web:
        assert json.loads(await web.recv())["data"] == "2"


@in_time
async def test_compression_is_off_unless_configured_and_then_carries_the_same(start_hub):
    plain = start_hub()
    async with connect(plain, "/t/a", compression="deflate") as web:
        assert web.extensions == []
    packed = start_hub(args=["--websocket-deflate", "true"])
    async with (
        connect(packed, "/t/a", compression="deflate") as web,
        connect(packed, "/t/a") as other,
    ):
        assert web.extensions != []
        text = "again and again " * 1000
        await web.send(text)
        assert await take(web, 1) == await take(other, 1) == [text]
