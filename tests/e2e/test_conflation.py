"""conflate=key: at each tick the last event of each key; rate= alone only batches."""

import pytest

from clients import SseClient
from hub import assert_problem, position_of


def publish_keyed(hub, topic, pairs):
    """pairs: (key or None, data). The cursors."""
    return [
        hub.publish(topic, data, **({} if key is None else {"key": key}))["cursor"]
        for key, data in pairs
    ]


PAIRS = [
    ("a", "a1"),
    ("b", "b1"),
    (None, "n1"),
    ("a", "a2"),
    ("c", "c1"),
    (None, "n2"),
    ("a", "a3"),
    ("b", "b2"),
]
REDUCED = ["n1", "c1", "n2", "a3", "b2"]


def test_a_window_is_reduced_to_the_last_event_of_each_key_in_the_order_of_positions(hub, topic):
    cursors = dict(zip([data for _, data in PAIRS], publish_keyed(hub, topic, PAIRS)))

    with SseClient(hub, f"/t/{topic}?after=first&conflate=key&rate=20") as stream:
        events = stream.take(len(REDUCED))

    assert [event.data for event in events] == REDUCED
    assert [event.id for event in events] == [cursors[data] for data in REDUCED]


def test_an_event_without_key_is_never_left_out(hub, topic):
    publish_keyed(hub, topic, [(None, str(number)) for number in range(50)])

    with SseClient(hub, f"/t/{topic}?after=first&conflate=key&rate=20") as stream:
        assert stream.take_data(50) == [str(number) for number in range(50)]


def test_a_conflated_page_is_reduced_too(hub, topic):
    publish_keyed(hub, topic, PAIRS)

    page = hub.page(topic, after="first", conflate="key")

    assert [event["data"] for event in page["events"]] == REDUCED


def test_a_conflated_stream_resumes_behind_the_last_event_that_it_sent(hub, topic):
    publish_keyed(hub, topic, PAIRS)
    with SseClient(hub, f"/t/{topic}?after=first&conflate=key&rate=20") as stream:
        assert stream.take_data(2) == REDUCED[:2]
        last = stream.last_event_id

    with SseClient(hub, f"/t/{topic}?conflate=key&rate=20", last_event_id=last) as stream:
        assert stream.take_data(3) == REDUCED[2:]


def test_the_key_is_that_of_topic_and_key_together(hub, topic):
    for name in ("x", "y"):
        publish_keyed(hub, f"{topic}.{name}", [("same", f"{name}1"), ("same", f"{name}2")])

    with SseClient(hub, f"/stream?topic={topic}.*&after=first&conflate=key&rate=20") as stream:
        assert stream.take_data(2) == ["x2", "y2"]


def test_topic_and_key_are_never_run_together(hub, topic):
    publish_keyed(hub, f"{topic}.a", [("b.c", "one")])
    publish_keyed(hub, f"{topic}.a.b", [("c", "two")])

    with SseClient(hub, f"/stream?topic={topic}.**&after=first&conflate=key&rate=20") as stream:
        assert stream.take_data(2) == ["one", "two"]


def test_the_filter_comes_before_the_reduction(hub, topic):
    hub.publish(topic, "wanted", key="k", type="yes")
    hub.publish(topic, "newer", key="k", type="no")

    with SseClient(hub, f"/t/{topic}?after=first&conflate=key&rate=20&type=yes") as stream:
        assert stream.take_data(1) == ["wanted"]


def test_the_last_state_of_every_key_always_arrives_live(hub, topic):
    updates, keys = 300, 5
    with SseClient(hub, f"/t/{topic}?conflate=key&rate=10").started() as stream:
        for number in range(updates):
            hub.publish(topic, str(number), key=f"k{number % keys}")
        seen = []
        while not seen or seen[-1].data != str(updates - 1):
            seen += stream.take(1)

    positions = [position_of(event.id) for event in seen]
    assert positions == sorted(set(positions)), "a conflated stream goes forward only"
    assert len(seen) <= updates
    state = {int(event.data) % keys: int(event.data) for event in seen}
    assert state == {(updates - keys + n) % keys: updates - keys + n for n in range(keys)}


def test_rate_alone_only_batches(hub, topic):
    with SseClient(hub, f"/t/{topic}?rate=5").started() as stream:
        hub.publish_all(topic, [str(number) for number in range(40)], key="same")
        assert stream.take_data(40) == [str(number) for number in range(40)]


def test_a_backlog_of_many_windows_arrives_complete_in_its_states(hub, topic):
    body = "".join(
        f'{{"specversion":"1.0","id":"{topic}-{n}","source":"/s","type":"t","key":"k{n % 7}",'
        f'"data":{n}}}\n'
        for n in range(20_000)
    )
    answer = hub.post(f"/t/{topic}?as=cloudevents", body, "application/x-ndjson")
    assert answer.status == 201, answer

    with SseClient(hub, f"/t/{topic}?after=first&conflate=key&rate=50") as stream:
        state = {}
        while sum(1 for value in state.values() if value >= 19_993) < 7:
            event = stream.take(1)[0]
            state[int(event.data) % 7] = int(event.data)

    assert sorted(state.values()) == list(range(19_993, 20_000))


@pytest.mark.parametrize(
    "options", ["conflate=subject", "conflate=", "rate=", "rate=abc", "rate=-1"]
)
def test_malformed_options_are_refused(hub, topic, options):
    assert_problem(hub.get(f"/t/{topic}?{options}", {"Accept": "text/event-stream"}), 400)
