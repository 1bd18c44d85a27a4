"""GET /stream: many topics and patterns in the log's one order, as stream, page and long-poll."""

import threading

import pytest

from clients import SseClient
from hub import assert_problem, position_of


def stream_path(*patterns, **options):
    parts = [f"topic={pattern}" for pattern in patterns] + [f"{k}={v}" for k, v in options.items()]
    return "/stream?" + "&".join(parts)


def topics_of(hub, *patterns):
    """The topics of all events that these patterns give, in order."""
    pairs = [("topic", pattern) for pattern in patterns]
    return [event["topic"] for event in hub.all_pages("/stream", pairs)]


@pytest.fixture
def tree(hub, topic):
    """One event in each topic of a small tree; the prefix."""
    for tail in ("a", "b", "a.x", "a.y", "a.x.deep", "b.x"):
        hub.publish(f"{topic}.{tail}", tail)
    return topic


@pytest.mark.parametrize(
    "patterns, expected",
    [
        (["{}.a"], ["a"]),
        (["{}.a", "{}.b.x"], ["a", "b.x"]),
        (["{}.*"], ["a", "b"]),
        (["{}.*.x"], ["a.x", "b.x"]),
        (["{}.a.*"], ["a.x", "a.y"]),
        (["{}.a.**"], ["a.x", "a.y", "a.x.deep"]),
        (["{}.**"], ["a", "b", "a.x", "a.y", "a.x.deep", "b.x"]),
        (["{}.*.**"], ["a.x", "a.y", "a.x.deep", "b.x"]),
        (["{}.*", "{}.a", "{}.**"], ["a", "b", "a.x", "a.y", "a.x.deep", "b.x"]),
        (["{}.none.*"], []),
    ],
)
def test_patterns_match_by_segments_and_each_event_comes_once_in_the_order_of_the_log(
    hub, tree, patterns, expected
):
    full = [pattern.format(tree) for pattern in patterns]

    assert topics_of(hub, *full) == [f"{tree}.{tail}" for tail in expected]


def test_two_stars_match_one_or_more_segments_never_none(hub, topic):
    hub.publish(topic, "itself")

    assert topics_of(hub, f"{topic}.**") == []


def test_two_stars_alone_are_everything_but_what_is_the_hubs_own(start_hub):
    fresh = start_hub()
    fresh.publish("a", "1")
    fresh.publish("b.c.d", "2")

    assert topics_of(fresh, "**") == ["a", "b.c.d"]


def test_patterns_are_compared_with_case(hub, topic):
    hub.publish(f"{topic}.Upper", "x")

    assert topics_of(hub, f"{topic}.upper") == []


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a..b",
        "a*",
        "*a",
        "a.**.b",
        "**.a",
        "a.***",
        ".a",
        "a.",
        "a%20b",
        "x" * 201,
        "%24sys..a",
        "a,b",
    ],
)
def test_a_malformed_pattern_is_refused(hub, pattern):
    assert_problem(hub.get(f"/stream?topic={pattern}"), 400)


def test_a_stream_without_topics_is_refused(hub):
    assert_problem(hub.get("/stream"), 400)
    assert_problem(hub.get("/stream", {"Accept": "text/event-stream"}), 400)


def test_a_pattern_is_no_topic_to_read(hub, topic):
    assert_problem(hub.get(f"/t/{topic}.*"), 400)


def test_a_page_of_many_topics_is_followed_by_its_cursor(hub, topic):
    names = [f"{topic}.{number % 3}" for number in range(10)]
    cursors = [hub.publish(name, str(number))["cursor"] for number, name in enumerate(names)]

    seen, after = [], "first"
    while True:
        page = hub.get(stream_path(f"{topic}.*", after=after, limit=3)).json()
        if not page["events"]:
            break
        seen += page["events"]
        after = page["cursor"]

    assert [event["cursor"] for event in seen] == cursors
    assert [event["topic"] for event in seen] == names


def test_a_page_of_a_pattern_shows_the_newest_by_default(hub, topic):
    for number in range(7):
        hub.publish(f"{topic}.{number}", str(number))

    page = hub.get(stream_path(f"{topic}.*", limit=3)).json()

    assert [event["data"] for event in page["events"]] == ["4", "5", "6"]


def test_a_stream_of_a_pattern_takes_up_topics_that_are_made_later(hub, topic):
    with SseClient(hub, stream_path(f"{topic}.**")).started() as stream:
        for name in ("x", "y.z", "x"):
            hub.publish(f"{topic}.{name}", name)
        assert stream.take_data(3) == ["x", "y.z", "x"]


def test_a_stream_of_several_topics_resumes_with_one_token(hub, topic):
    for number in range(9):
        hub.publish(f"{topic}.{'abc'[number % 3]}", str(number))
    path = stream_path(f"{topic}.a", f"{topic}.c", after="first")
    with SseClient(hub, path) as stream:
        assert stream.take_data(3) == ["0", "2", "3"]
        last = stream.last_event_id

    with SseClient(hub, path, last_event_id=last) as stream:
        assert stream.take_data(3) == ["5", "6", "8"]


def test_a_cursor_of_one_topic_can_be_used_on_a_pattern_and_the_other_way_round(hub, topic):
    cursors = [
        hub.publish(f"{topic}.{'ab'[number % 2]}", str(number))["cursor"] for number in range(6)
    ]

    page = hub.get(stream_path(f"{topic}.*", after=cursors[2])).json()
    assert [event["data"] for event in page["events"]] == ["3", "4", "5"]
    one = hub.page(f"{topic}.b", after=cursors[2])
    assert [event["data"] for event in one["events"]] == ["3", "5"]


def test_events_of_many_concurrent_publishers_come_once_in_one_order(hub, topic):
    writers, each = 6, 40
    streams = [
        SseClient(hub, stream_path(f"{topic}.*")).started(),
        SseClient(hub, stream_path(*[f"{topic}.{writer}" for writer in range(writers)])).started(),
    ]
    threads = [
        threading.Thread(
            target=hub.publish_all,
            args=(f"{topic}.{writer}", [f"{writer}-{n}" for n in range(each)]),
        )
        for writer in range(writers)
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

    positions = [position_of(cursor) for cursor, _ in orders[0]]
    assert positions == sorted(set(positions))
    assert orders[0] == orders[1]
    assert orders[0] == [
        (event["cursor"], event["data"])
        for event in hub.all_pages("/stream", {"topic": f"{topic}.*"})
    ]


def test_the_envelope_on_a_stream_names_the_topic(hub, topic):
    hub.publish(f"{topic}.a", "x")

    with SseClient(hub, stream_path(f"{topic}.*", after="first") + "&as=cloudevents") as stream:
        assert stream.take(1)[0].json()["topic"] == f"{topic}.a"


def test_dozens_of_topics_in_one_stream(hub, topic):
    names = [f"{topic}.{number}" for number in range(50)]
    for name in names:
        hub.publish(name, name)

    assert topics_of(hub, *names) == names


def test_stream_knows_only_reading(hub, topic):
    answer = hub.post(f"/stream?topic={topic}", "x", "text/plain")

    assert_problem(answer, 405)
    assert "GET" in answer.header("allow")
