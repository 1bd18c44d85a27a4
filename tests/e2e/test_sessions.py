"""Sessions on /ws, subprotocol carillon.v1.json: every op, every limit, every mistake."""

import asyncio
import json
import signal

import pytest
import websockets

from hub import check_problem
from socket_client import SESSION, Session, closed_with, connect, in_time

TOKEN = "session-token-0123456789"
CONFIG = f"""
[[tokens]]
token = "{TOKEN}"
publish = ["own.**"]
subscribe = ["own.**", "$sys.presence.own.**"]

[[tokens]]
token = "lesser-token-0123456789"
subscribe = ["own.a"]
"""


def position_of(cursor):
    return int(cursor.rpartition("-")[2])


@in_time
async def test_hello_names_the_limits(hub):
    async with Session(hub) as session:
        assert session.socket.subprotocol == SESSION
        hello = session.hello
    assert hello["op"] == "hello" and hello["version"] == 1 and hello["session"]
    assert hello["message_bytes_max"] > 1024 * 1024
    assert hello["subscriptions_max"] == 100
    assert hello["publish_credit"] == 256
    assert hello["heartbeat_ms"] == 15000


@in_time
async def test_a_subscription_has_its_start_before_its_first_event(hub):
    first = hub.publish("session.start", "one")["cursor"]
    async with Session(hub) as session:
        ok = await session.ok("subscribe", id="s1", topics=["session.*"], after="first")
        (event,) = await session.events(1)
        assert event["data"] == "one" and event["cursor"] == first
        assert event["topic"] == "session.start"
        hub.publish("session.start", "two")
        following = await session.next("event")
    assert following["sub"] == ok["sub"] and following["event"]["data"] == "two"
    assert ok["cursor"].endswith("-0") or ok["cursor"]


@in_time
async def test_publishes_are_answered_with_their_cursor(hub):
    async with Session(hub) as session:
        text = await session.ok(
            "publish", id="p1", topic="session.pub", data="t", datacontenttype="text/plain"
        )
        await session.ok(
            "publish", id="p2", topic="session.pub", data={"n": [1]}, type="t", subject="s", key="k"
        )
        whole = {"specversion": "1.0", "id": "e", "source": "/s", "type": "x", "data": 1}
        first = await session.ok("publish", id="p3", topic="session.pub", event=whole)
        again = await session.ok("publish", id="p4", topic="session.pub", event=whole)
    stored = hub.get("/t/session.pub").json()["events"]
    assert [event["cursor"] for event in stored][0] == text["cursor"]
    assert [event.get("data") for event in stored] == ["t", {"n": [1]}, 1]
    assert (stored[1]["type"], stored[1]["subject"], stored[1]["key"]) == ("t", "s", "k")
    assert again["cursor"] == first["cursor"] and again["repeat"] is True


@in_time
async def test_two_sessions_of_a_class_are_sent_the_same_bytes(start_hub):
    fresh = start_hub(args=["--loops", "1"])
    async with Session(fresh) as one, Session(fresh) as two:
        subs = [await each.ok("subscribe", id="s", topics=["a"]) for each in (one, two)]
        assert subs[0]["sub"] == subs[1]["sub"]
        fresh.publish("a", "x")
        assert await one.socket.recv() == await two.socket.recv()


@in_time
async def test_filters_conflation_and_rate_hold_in_a_session(hub):
    for number in range(20):
        hub.publish("session.con", str(number), key="k", type="wanted")
        hub.publish("session.con", "no", key="k", type="other")
    async with Session(hub) as session:
        await session.ok(
            "subscribe",
            id="s",
            topics=["session.con"],
            after="first",
            type="wan*",
            conflate="key",
            rate=5,
        )
        (event,) = await session.events(1)
    assert event["data"] == "19"


@in_time
async def test_a_slow_rate_does_not_hold_up_a_fast_one(start_hub):
    fresh = start_hub(args=["--loops", "1"])
    async with Session(fresh) as session:
        await session.ok("subscribe", id="slow", topics=["slow"], rate=0.01)
        await session.ok("subscribe", id="fast", topics=["fast"], rate=10)
        for topic in ("slow", "fast"):
            fresh.publish(topic, "1")
        assert {event["topic"] for event in await session.events(2)} == {"slow", "fast"}
        fresh.publish("slow", "2")  # due in 100 s
        for number in ("2", "3"):
            fresh.publish("fast", number)
            assert [event["data"] for event in await session.events(1)] == [number]


@in_time
async def test_credit_is_never_exceeded_and_acks_return_it(hub):
    async with Session(hub) as session:
        await session.ok("subscribe", id="s", topics=["session.credit"], after="now", credit=3)
        for number in range(10):
            hub.publish("session.credit", str(number))
        got = await session.events(3)
        await session.ok("ping", id="p")
        assert [op["op"] for op in session.waiting] == []
        await session.say("ack", id="s", cursor=got[1]["cursor"])
        got += await session.events(2)
        await session.ok("ping", id="q")
        assert session.waiting == []
        await session.say("ack", id="s", cursor=got[-1]["cursor"])
        got += await session.events(3)
        await session.say("ack", id="s", cursor=got[-1]["cursor"])
        got += await session.events(2)
    assert [event["data"] for event in got] == [str(number) for number in range(10)]


@in_time
async def test_credit_and_conflation_together_lose_no_last_event_of_a_key(hub):
    for number in range(50):
        hub.publish("session.cc", f"{number}", key=f"k{number % 10}")
    seen = {}
    async with Session(hub) as session:
        await session.ok(
            "subscribe", id="s", topics=["session.cc"], after="first", credit=3, conflate="key"
        )
        while len(seen) < 10 or min(int(data) for data in seen.values()) < 40:
            (event,) = await session.events(1)
            seen[event["key"]] = event["data"]
            await session.say("ack", id="s", cursor=event["cursor"])
    assert sorted(seen.values()) == [str(number) for number in range(40, 50)]


@in_time
async def test_an_unsubscribed_session_hears_no_more(hub):
    async with Session(hub) as session:
        await session.ok("subscribe", id="s", topics=["session.un"])
        hub.publish("session.un", "1")
        await session.events(1)
        await session.ok("unsubscribe", id="s")
        hub.publish("session.un", "2")
        await session.ok("ping", id="p")
        assert session.waiting == []
        assert (await session.refused("unsubscribe", id="s"))["status"] == 404


@in_time
async def test_a_gap_is_told_before_the_events_behind_it(start_hub):
    fresh = start_hub()
    first = fresh.publish("a", "1")["cursor"]
    fresh.publish("a", "2")
    last = fresh.publish("a", "3")["cursor"]
    assert fresh.post("/v1/topics/a/trim", json.dumps({"before": last})).status == 200
    async with Session(fresh) as session:
        ok = await session.ok("subscribe", id="s", topics=["a"], after=first)
        gap = await session.next("gap")
        (event,) = await session.events(1)
    assert gap["sub"] == ok["sub"] and gap["reason"] == "expired" and gap["resumed"] == first
    assert gap["topics"] == [{"topic": "a", "oldest": last}]
    assert event["data"] == "3"


@in_time
async def test_a_quiet_subscription_is_told_how_far_the_hub_has_looked(start_hub):
    fresh = start_hub(args=["--heartbeat", "1s"])
    async with Session(fresh) as session:
        await session.ok("subscribe", id="s", topics=["a"])
        other = position_of(fresh.publish("b", "x")["cursor"])
        while position_of((await session.next("cursor"))["cursor"]) < other:
            continue


MISTAKES = [
    ("not json", None, 400),
    ("[]", None, 400),
    ('{"op":"ping"}', None, 400),
    ('{"op":"ping","id":7}', None, 400),
    ('{"op":"dance","id":"x"}', "x", 400),
    ('{"id":"x"}', "x", 400),
    ('{"op":"subscribe","id":"x"}', "x", 400),
    ('{"op":"subscribe","id":"x","topics":[]}', "x", 400),
    ('{"op":"subscribe","id":"x","topics":["a..b"]}', "x", 400),
    ('{"op":"subscribe","id":"x","topics":["a"],"after":"nonsense"}', "x", 400),
    ('{"op":"subscribe","id":"x","topics":["a"],"credit":0}', "x", 400),
    ('{"op":"subscribe","id":"x","topics":["a"],"credit":1025}', "x", 400),
    ('{"op":"subscribe","id":"x","topics":["a"],"rate":-1}', "x", 400),
    ('{"op":"publish","id":"x","data":1}', "x", 400),
    ('{"op":"publish","id":"x","topic":"a b","data":1}', "x", 400),
    ('{"op":"publish","id":"x","topic":"$sys.a","data":1}', "x", 403),
    ('{"op":"publish","id":"x","topic":"a","event":{"id":"1"}}', "x", 400),
    ('{"op":"publish","id":"x","topic":"a","data":1,"data_base64":"AA=="}', "x", 400),
    ('{"op":"ack","id":"x","cursor":"a-1"}', "x", 404),
    ('{"op":"auth","id":"x","token":"wrong"}', "x", 401),
    ('{"op":"presence","id":"x","topic":"a.*","state":{}}', "x", 400),
    ('{"op":"presence","id":"x","topic":"a","state":"' + "s" * 5000 + '"}', "x", 413),
]


@in_time
async def test_a_mistake_is_answered_with_a_problem_and_the_session_goes_on(hub):
    async with Session(hub) as session:
        for text, ident, status in MISTAKES:
            await session.socket.send(text)
            error = await session.next("error")
            assert error["id"] == ident, (text, error)
            check_problem(error["problem"], status)
        await session.socket.send(b"binary")
        assert (await session.next("error"))["problem"]["status"] == 400
        await session.ok("ping", id="still here")


@in_time
async def test_limits_are_named(hub):
    async with Session(hub) as session:
        await session.ok("subscribe", id="one", topics=["limits.a", "limits.b"])
        twice = await session.refused("subscribe", id="two", topics=["limits.b", "limits.a"])
        assert twice["type"] == "/problems/already-subscribed"
        same = await session.refused("subscribe", id="one", topics=["limits.c"])
        assert same["status"] == 409
        for number in range(99):
            await session.ok("subscribe", id=f"n{number}", topics=[f"limits.n{number}"])
        many = await session.refused("subscribe", id="more", topics=["limits.more"])
        assert many["status"] == 429 and "100" in many["detail"]
        await session.socket.send("x" * (session.hello["message_bytes_max"] + 1))
        assert (await closed_with(session.socket))[0] == 1009


@in_time
async def test_publishes_beyond_the_credit_are_all_answered_in_order(hub):
    async with Session(hub) as session:
        for number in range(2000):
            await session.say("publish", id=str(number), topic="session.flood", data=number)
        answers = [await session.next("ok", "error") for _ in range(2000)]
    assert [answer["id"] for answer in answers] == [str(number) for number in range(2000)]
    assert all(answer["op"] == "ok" for answer in answers)


# --- rights --------------------------------------------------------------------------------------


@in_time
async def test_a_session_presents_its_token_in_place(start_hub):
    fresh = start_hub(command="serve", config=CONFIG)
    async with Session(fresh) as session:
        assert (await session.refused("subscribe", id="s", topics=["own.a"]))["status"] == 401
        assert (await session.refused("publish", id="p", topic="own.a", data=1))["status"] == 401
        await session.ok("auth", id="a", token=TOKEN)
        await session.ok("subscribe", id="s", topics=["own.**"])
        assert (await session.refused("subscribe", id="t", topics=["**"]))["status"] == 403
        await session.ok("publish", id="p", topic="own.a", data=1)
        assert (await session.events(1))[0]["data"] == 1
        await session.ok("auth", id="b", token="lesser-token-0123456789")
        ended = await session.next("error")
        assert ended["id"] == "s" and ended["problem"]["status"] == 403
        assert (await session.refused("publish", id="q", topic="own.a", data=1))["status"] == 403


@in_time
async def test_a_session_that_never_says_who_it_is_is_ended(start_hub):
    fresh = start_hub(command="serve", config=CONFIG)
    async with Session(fresh) as session:
        code, _ = await closed_with(session.socket)
    assert code == 4401


@in_time
async def test_a_wrong_token_and_a_plain_get_are_refused_before_the_upgrade(start_hub):
    fresh = start_hub(command="serve", config=CONFIG)
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await connect(fresh, "/ws", [SESSION], token="wrong")
    assert refused.value.status_code == 401
    plain = fresh.get("/ws")
    assert plain.status == 426 and plain.headers["sec-websocket-version"] == "13"
    check_problem(plain.json(), 426, "upgrade-required")


# --- presence ------------------------------------------------------------------------------------


async def presence_events(session, count):
    return [(event["type"], event["data"]) for event in await session.events(count)]


@in_time
async def test_who_is_there_joins_changes_and_leaves(hub):
    async with Session(hub) as watcher:
        await watcher.ok("subscribe", id="w", topics=["$sys.presence.session.room"])
        async with Session(hub) as ada:
            name = ada.hello["session"]
            await ada.ok("presence", id="1", topic="session.room", state={"name": "Ada"})
            await ada.ok("presence", id="2", topic="session.room", state={"name": "Ada", "at": 3})
            joined, changed = await presence_events(watcher, 2)
            assert joined == ("carillon.presence.join", {"member": name, "state": {"name": "Ada"}})
            assert changed[0] == "carillon.presence.change" and changed[1]["state"]["at"] == 3
        ((left, data),) = await presence_events(watcher, 1)
        assert left == "carillon.presence.leave" and data["member"] == name


@in_time
async def test_a_late_comer_and_any_protocol_read_the_list(hub):
    async with Session(hub) as ada, Session(hub) as bob:
        await ada.ok("presence", id="1", topic="session.list", state="first")
        await ada.ok("presence", id="2", topic="session.list", state="ada")
        await bob.ok("presence", id="1", topic="session.list", state="bob")
        async with Session(hub) as late:
            await late.ok(
                "subscribe",
                id="l",
                topics=["$sys.presence.session.list"],
                after="first",
                conflate="key",
            )
            there = {data["state"] for _, data in await presence_events(late, 2)}
        assert there == {"ada", "bob"}
        page = hub.get("/t/$sys.presence.session.list").json()["events"]
        assert page[-1]["key"] == bob.hello["session"]


@in_time
async def test_one_whose_network_is_gone_is_removed(start_hub):
    fresh = start_hub(args=["--heartbeat", "1s", "--stall", "1s"])
    async with Session(fresh) as watcher:
        await watcher.ok("subscribe", id="w", topics=["$sys.presence.room"])
        gone = Session(fresh, ping_interval=None)
        await gone.__aenter__()
        await gone.ok("presence", id="1", topic="room", state=1)
        gone.socket.transport.pause_reading()  # it answers no ping any more
        events = await presence_events(watcher, 2)
        assert [kind for kind, _ in events] == ["carillon.presence.join", "carillon.presence.leave"]
        gone.socket.transport.abort()


# --- the end -------------------------------------------------------------------------------------


def test_a_drain_says_bye_once_and_the_hub_exits_0(start_hub):
    fresh = start_hub()

    @in_time
    async def watch():
        async with Session(fresh) as session, Session(fresh) as idle:
            await session.ok("subscribe", id="1", topics=["a"])
            await session.ok("subscribe", id="2", topics=["b"])
            fresh.process.send_signal(signal.SIGTERM)
            for each in (session, idle):
                assert (await each.next("bye"))["retry_ms"] > 0
                assert (await closed_with(each.socket))[0] == 1001
                assert each.waiting == []

    watch()
    assert fresh.wait(40) == 0


@in_time
async def test_a_session_shows_its_subscriptions_to_operators(hub):
    async with Session(hub) as session:
        await session.ok("subscribe", id="shown", topics=["session.shown"])
        listed = hub.get("/v1/connections?limit=1000").json()["items"]
        mine = [each for each in listed if each.get("session") == session.hello["session"]]
    assert mine[0]["protocol"] == "websocket-session"
    assert mine[0]["subscriptions"][0]["id"] == "shown"
    assert mine[0]["subscriptions"][0]["topics"] == ["session.shown"]


@in_time
async def test_a_session_goes_on_from_its_cursor_over_kill_9(start_hub):
    fresh = start_hub()
    async with Session(fresh) as session:
        await session.ok("subscribe", id="s", topics=["**"])
        await session.ok("publish", id="p", topic="a", data=1)
        (event,) = await session.events(1)
    fresh.publish("b", "2")
    fresh.restart()
    async with Session(fresh) as session:
        await session.ok("subscribe", id="s", topics=["**"], after=event["cursor"])
        assert [each["data"] for each in await session.events(1)] == ["2"]


@in_time
async def test_many_sessions_are_each_given_everything_in_order(hub):
    async def read(number):
        async with Session(hub) as session:
            await session.ok("subscribe", id="s", topics=["session.all.*"], after="now")
            ready.release()
            return [event["data"] for event in await session.events(200)]

    ready = asyncio.Semaphore(0)
    readers = [asyncio.create_task(read(number)) for number in range(20)]
    for _ in readers:
        await ready.acquire()
    async with Session(hub) as writer:
        for number in range(200):
            await writer.say("publish", id=str(number), topic=f"session.all.{number % 3}", data=number)
        for _ in range(200):
            await writer.next("ok")
    for reader in readers:
        assert await reader == list(range(200))
