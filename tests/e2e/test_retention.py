"""What goes: by count, bytes and age, by trimming, by deleting a topic."""

import pytest

from clients import SseClient
from hub import Hub, assert_problem, epoch_of, wait_until

CONFIG = """
[[topics]]
pattern = "few.*"
retention = { count = 5 }
[[topics]]
pattern = "small.*"
retention = { bytes = "100KB" }
[[topics]]
pattern = "short.*"
retention = { age = "1s" }
"""


@pytest.fixture(scope="module")
def limited():
    with Hub(config=CONFIG) as shared:
        yield shared
        assert shared.alive()


# --- retention -----------------------------------------------------------------------------------


def test_a_count_is_kept_per_topic_and_the_oldest_go(limited):
    for name in ("few.a", "few.b"):
        limited.publish_all(name, [str(number) for number in range(12)])

    for name in ("few.a", "few.b"):
        wait_until(lambda: limited.topic(name)["events"] <= 5, "the count holds")
        assert limited.payloads(name) == ["7", "8", "9", "10", "11"]


def test_a_topic_within_its_count_loses_nothing_beside_one_that_does_not(limited):
    limited.publish_all("few.calm", ["a", "b"])
    limited.publish_all("few.wild", [str(number) for number in range(20)])

    wait_until(lambda: limited.topic("few.wild")["events"] <= 5, "the count holds")
    assert limited.payloads("few.calm") == ["a", "b"]


def test_an_old_cursor_of_a_topic_that_was_cut_by_count_gets_a_gap_and_the_rest(limited):
    cursors = limited.publish_all("few.gap", [str(number) for number in range(12)])
    wait_until(lambda: limited.topic("few.gap")["events"] <= 5, "the count holds")

    gap = assert_problem(limited.get(f"/t/few.gap?after={cursors[0]}"), 410, "cursor-expired")
    assert gap["reason"] == "expired"
    assert gap["topics"] == [{"topic": "few.gap", "oldest": cursors[7]}]
    with SseClient(limited, "/t/few.gap", last_event_id=cursors[0]) as stream:
        assert stream.next().type == "carillon.gap"
        assert stream.take_data(5) == ["7", "8", "9", "10", "11"]


def test_bytes_are_kept_per_topic(limited):
    limited.publish_all("small.a", [f"{number:02}" + "x" * 20_000 for number in range(12)])

    wait_until(lambda: limited.topic("small.a")["bytes"] <= 100_000 * 1.03, "the bytes hold")
    kept = [data[:2] for data in limited.payloads("small.a")]
    assert kept and kept == [f"{number:02}" for number in range(12 - len(kept), 12)]


def test_events_older_than_the_age_go_and_a_cursor_before_them_gets_a_gap(limited):
    cursors = limited.publish_all("short.a", ["a", "b"])

    wait_until(lambda: limited.payloads("short.a") == [], "the events are too old")

    gap = assert_problem(limited.get(f"/t/short.a?after={cursors[0]}"), 410, "cursor-expired")
    assert gap["reason"] == "expired"


def test_age_goes_by_the_time_of_storing_not_by_the_time_attribute(limited):
    limited.publish("plain", "old by its own word", time="2001-01-01T00:00:00Z")
    limited.publish("short.future", "x", time="2999-01-01T00:00:00Z")

    wait_until(lambda: limited.payloads("short.future") == [], "the event is too old")
    assert limited.payloads("plain") == ["old by its own word"]


def test_what_retention_took_stays_away_over_a_restart(start_hub):
    fresh = start_hub(config=CONFIG)
    cursors = fresh.publish_all("few.a", [str(number) for number in range(12)])
    wait_until(lambda: fresh.topic("few.a")["events"] <= 5, "the count holds")

    fresh.restart()

    assert fresh.payloads("few.a") == ["7", "8", "9", "10", "11"]
    assert_problem(fresh.get(f"/t/few.a?after={cursors[0]}"), 410, "cursor-expired")


# --- trim ----------------------------------------------------------------------------------------


def test_trim_removes_what_lies_before_and_keeps_the_event_of_the_cursor_itself(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c", "d"])

    answer = hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[2]})

    assert answer.status == 200, answer
    described = answer.json()
    assert set(described) >= {"topic", "oldest", "newest", "events", "bytes", "durability"}
    assert (described["topic"], described["events"]) == (topic, 2)
    assert (described["oldest"], described["newest"]) == (cursors[2], cursors[3])
    assert hub.payloads(topic) == ["c", "d"]


def test_a_trimmed_event_is_gone_from_its_url(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[1]})

    assert_problem(hub.get(f"/t/{topic}/events/{cursors[0]}"), 410, "event-removed")
    assert hub.get(f"/t/{topic}/events/{cursors[1]}").body == b"b"


def test_trimming_twice_or_further_back_changes_nothing(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])
    for before in (cursors[1], cursors[1], cursors[0], f"{epoch_of(cursors[0])}-0"):
        assert hub.post_json(f"/v1/topics/{topic}/trim", {"before": before}).status == 200

    assert hub.payloads(topic) == ["b", "c"]


def test_trim_of_one_topic_leaves_the_others(hub, topic):
    hub.publish(f"{topic}.other", "x")
    last = hub.publish_all(f"{topic}.cut", ["a", "b"])[1]
    hub.post_json(f"/v1/topics/{topic}.cut/trim", {"before": last})

    assert hub.payloads(f"{topic}.other") == ["x"]


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"before":1}', '{"before":"nonsense"}', "{", '{"before":null}']
)
def test_a_malformed_trim_is_refused_and_removes_nothing(hub, topic, body):
    hub.publish(topic, "kept")

    assert_problem(hub.post(f"/v1/topics/{topic}/trim", body, "application/json"), 400)
    assert hub.payloads(topic) == ["kept"]


def test_unknown_members_of_a_trim_are_ignored(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])

    answer = hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[1], "colour": "red"})

    assert answer.status == 200, answer


def test_trim_of_a_topic_that_is_not_there_is_404(hub, topic):
    cursor = hub.publish(f"{topic}.there", "x")["cursor"]

    assert_problem(hub.post_json(f"/v1/topics/{topic}.missing/trim", {"before": cursor}), 404)


# --- delete --------------------------------------------------------------------------------------


def test_a_deleted_topic_is_gone_from_every_list_and_reads_as_empty(hub, topic):
    cursor = hub.publish(topic, "x")["cursor"]

    assert hub.delete(f"/v1/topics/{topic}").status in (200, 204)

    assert_problem(hub.get(f"/v1/topics/{topic}"), 404)
    assert topic not in [item["topic"] for item in hub.get("/v1/topics?limit=1000").json()["items"]]
    assert hub.events(topic) == []
    assert hub.get(f"/t/{topic}/latest").status == 204
    assert_problem(hub.get(f"/t/{topic}/events/{cursor}"), 410, "event-removed")


def test_a_deleted_topic_takes_no_part_in_a_pattern(hub, topic):
    hub.publish(f"{topic}.a", "a")
    hub.publish(f"{topic}.b", "b")
    hub.delete(f"/v1/topics/{topic}.a")

    page = hub.get(f"/stream?topic={topic}.*&after=first").json()
    assert [event["data"] for event in page["events"]] == ["b"]


def test_a_topic_made_again_holds_only_what_came_since(hub, topic):
    hub.publish_all(topic, ["a", "b"])
    hub.delete(f"/v1/topics/{topic}")
    hub.publish(topic, "c")

    assert hub.payloads(topic) == ["c"]
    assert hub.topic(topic)["events"] == 1


def test_deleting_a_topic_that_is_not_there_is_404(hub, topic):
    assert_problem(hub.delete(f"/v1/topics/{topic}"), 404)


def test_a_stream_on_a_topic_that_is_deleted_goes_on_with_what_comes_next(hub, topic):
    hub.publish(topic, "a")
    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        assert stream.take_data(1) == ["a"]
        hub.delete(f"/v1/topics/{topic}")
        hub.publish(topic, "b")
        assert stream.take_data(1) == ["b"]
