"""/v1/topics, /v1/connections, /v1/stats, /v1/snapshot, health and readiness."""

import json

import pytest

from clients import SseClient
from hub import Hub, assert_problem, epoch_of, position_of, run_carillon, wait_until

# --- topics --------------------------------------------------------------------------------------


def test_a_topic_is_described_by_its_bounds(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])

    described = hub.topic(topic)

    assert set(described) >= {"topic", "oldest", "newest", "events", "bytes", "durability"}
    assert (described["topic"], described["events"], described["durability"]) == (topic, 3, "disk")
    assert (described["oldest"], described["newest"]) == (cursors[0], cursors[2])
    assert described["bytes"] >= 3


def test_a_topic_that_nobody_published_to_is_404(hub, topic):
    assert_problem(hub.get(f"/v1/topics/{topic}"), 404)


def test_the_list_of_topics_holds_every_topic_once_over_its_pages(hub, topic):
    names = {f"{topic}.{number}" for number in range(25)}
    for name in names:
        hub.publish(name, "x")

    seen, page = [], None
    for _ in range(1000):
        answer = hub.get("/v1/topics?limit=7" + (f"&page={page}" if page else ""))
        assert answer.status == 200, answer
        listed = answer.json()
        assert len(listed["items"]) <= 7
        seen += [item["topic"] for item in listed["items"]]
        page = listed.get("next")
        if not page:
            break

    assert len(seen) == len(set(seen))
    assert names <= set(seen)


def test_each_item_of_the_list_says_what_the_topic_says_itself(hub, topic):
    hub.publish_all(topic, ["a", "b"])
    items = {item["topic"]: item for item in hub.get("/v1/topics?limit=1000").json()["items"]}

    assert items[topic] == hub.topic(topic)


@pytest.mark.parametrize("name", ["a..b", "a%20b", "*", "a.**"])
def test_a_malformed_topic_name_is_refused(hub, name):
    assert_problem(hub.get(f"/v1/topics/{name}"), 400)
    assert_problem(hub.delete(f"/v1/topics/{name}"), 400)


def test_a_method_that_topics_do_not_know_is_405(hub, topic):
    assert_problem(hub.http("PUT", f"/v1/topics/{topic}", b"{}"), 405)


def test_what_is_the_hubs_own_cannot_be_deleted(hub):
    answer = hub.delete("/v1/topics/$sys.health")

    assert answer.status in (403, 404), answer
    assert_problem(answer, answer.status)


# --- connections and stats -----------------------------------------------------------------------


def test_connections_come_in_pages(hub, topic):
    with SseClient(hub, f"/t/{topic}").started(), SseClient(hub, f"/t/{topic}").started():
        seen, page = [], "0"
        while page is not None:
            answer = hub.get(f"/v1/connections?limit=1&page={page}").json()
            assert len(answer["items"]) <= 1
            seen += answer["items"]
            page = answer["next"]

    assert len([one for one in seen if topic in one.get("topics", [])]) == 2
    ids = [one["id"] for one in seen]
    assert ids == sorted(set(ids), key=int)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "page=x"])
def test_a_page_of_connections_that_makes_no_sense_is_refused(hub, query):
    assert_problem(hub.get(f"/v1/connections?{query}"), 400)


def test_a_stream_that_ended_is_shown_with_what_it_was_and_why(hub, topic):
    with SseClient(hub, f"/t/{topic}").started():
        pass

    def ended():
        return [one for one in hub.get("/v1/connections").json()["ended"] if topic in str(one)]

    (one,) = wait_until(ended)
    assert one["topics"] == [topic]
    assert one["protocol"] == "sse"
    assert one["reason"]


def test_connections_lists_streams_while_they_are_open(hub, topic):
    def listed():
        answer = hub.get("/v1/connections")
        assert answer.status == 200, answer
        return sum(topic in json.dumps(item) for item in answer.json()["items"])

    with SseClient(hub, f"/t/{topic}").started(), SseClient(hub, f"/t/{topic}").started():
        wait_until(lambda: listed() == 2, "both streams are listed")
    wait_until(lambda: listed() == 0, "both streams are gone")


def test_stats_are_a_json_object(hub):
    answer = hub.get("/v1/stats")

    assert answer.status == 200, answer
    assert answer.content_type() == "application/json"
    assert isinstance(answer.json(), dict) and answer.json()


# --- health --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_hub_that_works_is_healthy_and_ready(hub, path):
    wait_until(lambda: hub.get(path).status == 200, f"{path} is 200")


def test_health_needs_no_token_and_asks_for_no_host(start_hub):
    fresh = start_hub(command="serve")

    for path in ("/healthz", "/readyz"):
        wait_until(lambda: fresh.get(path).status == 200, path)
        assert fresh.get(path, {"Host": "10.1.2.3:8080"}).status == 200


def test_no_secret_shows_in_metrics_stats_config_or_stderr(start_hub):
    canary = "CANARY-0123456789abcdef0123456789"
    fresh = start_hub(
        command="serve",
        config=f"""
hosts = ["127.0.0.1"]
[[tokens]]
token = "{canary}"
publish = ["**"]
subscribe = ["**"]
manage = true
""",
    )
    fresh.token = canary
    fresh.publish("a", "x")
    fresh.get("/t/a", {"Authorization": f"Bearer {canary}x"})

    for path in ("/metrics", "/v1/stats", "/v1/connections", "/v1/topics", "/v1/config"):
        assert canary not in fresh.get(path).body.decode("utf-8", "replace"), path
    assert canary not in fresh.stderr()
    assert all(
        canary.encode() not in file.read_bytes() for file in fresh.data.rglob("*") if file.is_file()
    )


# --- snapshot ------------------------------------------------------------------------------------


def test_a_snapshot_can_be_restored_into_a_hub_with_the_same_events_and_a_new_epoch(
    start_hub, prepare_hub
):
    fresh = start_hub()
    cursors = fresh.publish_all("kept", ["a", "b"])
    to = fresh.directory / "snapshot"
    answer = fresh.post_json("/v1/snapshot", {"to": str(to)})
    assert answer.status in (200, 201), answer
    fresh.publish("kept", "after the snapshot")

    restored = prepare_hub()
    done = run_carillon("log", "restore", to, "--data", restored.data)
    assert done.returncode == 0, done
    restored.start()

    assert restored.payloads("kept") == ["a", "b"]
    gap = assert_problem(restored.get(f"/t/kept?after={cursors[0]}"), 410, "cursor-expired")
    assert gap["reason"] == "epoch"
    assert epoch_of(restored.publish("kept", "new")["cursor"]) != epoch_of(cursors[0])


def test_a_snapshot_is_taken_while_publishes_go_on(start_hub, prepare_hub):
    fresh = start_hub()
    batch = "".join(f"{number}\n" for number in range(5000))
    fresh.post("/t/busy", batch, "application/x-ndjson")
    to = fresh.directory / "snapshot"

    assert fresh.post_json("/v1/snapshot", {"to": str(to)}).status in (200, 201)
    fresh.post("/t/busy", batch, "application/x-ndjson")
    fresh.kill()

    restored = prepare_hub()
    assert run_carillon("log", "restore", to, "--data", restored.data).returncode == 0
    assert restored.start().payloads("busy") == list(range(5000))


@pytest.mark.parametrize("body", ["", "{}", '{"to":7}', "{"])
def test_a_malformed_snapshot_request_is_refused(hub, body):
    assert_problem(hub.post("/v1/snapshot", body, "application/json"), 400)


@pytest.mark.parametrize("name", ["file", "directory/file"])
def test_a_snapshot_never_goes_into_a_directory_that_is_not_empty(start_hub, name):
    fresh = start_hub()
    to = fresh.directory / "precious"
    (to / name).parent.mkdir(parents=True)
    (to / name).write_text("precious")

    answer = fresh.post_json("/v1/snapshot", {"to": str(to)})

    assert_problem(answer, 409)
    assert [path for path in to.rglob("*") if path.is_file()] == [to / name]
    assert (to / name).read_text() == "precious"


def test_a_snapshot_never_goes_into_the_log_itself(start_hub):
    fresh = start_hub()
    fresh.publish("kept", "a")

    for to in (fresh.data, fresh.data / "log"):
        answer = fresh.post_json("/v1/snapshot", {"to": str(to)})
        assert_problem(answer, answer.status)


# --- damage --------------------------------------------------------------------------------------


def flip_a_byte_of(directory, needle):
    """Damages the stored bytes of one payload wherever they lie."""
    found = 0
    for path in directory.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        at = data.find(needle)
        while at >= 0:
            with path.open("r+b") as file:
                file.seek(at + len(needle) // 2)
                file.write(bytes([data[at + len(needle) // 2] ^ 0x40]))
            found += 1
            at = data.find(needle, at + 1)
    return found


def test_a_damaged_record_is_never_served_altered_and_never_skipped_in_silence():
    with Hub() as fresh:
        start = fresh.publish("start", "x")["cursor"]
        fresh.publish_all("kept", ["before-" * 50, "damaged-record-" * 50, "behind-" * 50])
        fresh.stop()
        if not flip_a_byte_of(fresh.data, b"damaged-record-" * 50):
            pytest.skip("this log does not store payloads as they are")
        verified = run_carillon("log", "verify", "--data", fresh.data)
        assert verified.returncode != 0, verified

        fresh.start()
        with SseClient(fresh, "/t/kept", last_event_id=start) as stream:
            kinds = {}
            for _ in range(3):
                event = stream.next()
                kinds.setdefault(event.type, []).append(event)

    assert [event.data for event in kinds["message"]] == ["before-" * 50, "behind-" * 50]
    assert [event.json()["reason"] for event in kinds["carillon.gap"]] == ["damaged"]


def test_a_trim_before_a_place_that_is_not_there_yet_removes_nothing(hub, topic):
    cursor = hub.publish(topic, "a")["cursor"]
    beyond = f"{epoch_of(cursor)}-{position_of(cursor) + 1_000_000_000}"

    assert_problem(hub.post_json(f"/v1/topics/{topic}/trim", {"before": beyond}), 400, "bad-cursor")
    assert hub.payloads(topic) == ["a"]


@pytest.mark.parametrize("to", ["relative", "/tmp/\0x", "", "/proc/nowhere", "/dev/null/x"])
def test_a_snapshot_to_no_usable_place_is_the_callers_mistake(hub, to):
    assert_problem(hub.post_json("/v1/snapshot", {"to": to}), 400)
