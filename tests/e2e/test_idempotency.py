"""A repeat is stored once: by Idempotency-Key, or by source and id, within one topic."""

import threading

import pytest

from hub import assert_problem

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def named(number, data="x", source="/s"):
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": source,
        "type": "t",
        "datacontenttype": "text/plain",
        "data": data,
    }


def keyed(hub, topic, key, data="x", content_type="text/plain"):
    return hub.post(f"/t/{topic}", data, content_type, {"Idempotency-Key": key})


# --- Idempotency-Key -----------------------------------------------------------------------------


def test_a_repeated_key_is_answered_200_with_the_first_answer_and_stored_once(hub, topic):
    first = keyed(hub, topic, "k")
    again = keyed(hub, topic, "k")

    assert (first.status, again.status) == (201, 200)
    assert again.json() == first.json()
    assert again.header("carillon-cursor") == first.header("carillon-cursor")
    assert len(hub.events(topic)) == 1


def test_the_same_key_with_other_data_is_a_conflict(hub, topic):
    keyed(hub, topic, "k", "one")

    assert_problem(keyed(hub, topic, "k", "two"), 409, "idempotency-conflict")
    assert hub.payloads(topic) == ["one"]


def test_the_same_key_with_another_content_type_is_a_conflict(hub, topic):
    keyed(hub, topic, "k", "1", "text/plain")

    assert_problem(keyed(hub, topic, "k", "1", "application/json"), 409, "idempotency-conflict")


def test_a_key_counts_within_its_topic_only(hub, topic):
    assert keyed(hub, f"{topic}.a", "k").status == 201
    assert keyed(hub, f"{topic}.b", "k", "other").status == 201


def test_different_keys_with_equal_data_are_different_events(hub, topic):
    assert keyed(hub, topic, "k1").status == 201
    assert keyed(hub, topic, "k2").status == 201

    assert len(hub.events(topic)) == 2


def test_without_key_or_id_equal_publishes_are_different_events(hub, topic):
    hub.publish(topic, "same")
    hub.publish(topic, "same")

    assert hub.payloads(topic) == ["same", "same"]


def test_a_key_is_remembered_beyond_the_life_of_its_event(hub, topic):
    first = keyed(hub, topic, "k").json()
    last = hub.publish(topic, "later")["cursor"]
    assert hub.post_json(f"/v1/topics/{topic}/trim", {"before": last}).status == 200

    again = keyed(hub, topic, "k")

    assert (again.status, again.json()["cursor"]) == (200, first["cursor"])
    assert hub.payloads(topic) == ["later"]


def test_many_clients_that_publish_the_same_key_at_once_store_one_event(hub, topic):
    answers = []
    barrier = threading.Barrier(16)

    def publish():
        barrier.wait()
        answers.append(keyed(hub, topic, "race"))

    threads = [threading.Thread(target=publish) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["cursor"] for answer in answers}) == 1
    assert len(hub.events(topic)) == 1


@pytest.mark.parametrize("key", ["a", "k" * 200, "8e03978e-40d5-43dd-bc93-6894a57f9324", "a b:c/~"])
def test_keys_of_all_shapes_work(hub, topic, key):
    assert keyed(hub, topic, key).status == 201
    assert keyed(hub, topic, key).status == 200


def test_a_refused_publish_does_not_use_up_its_key(hub, topic):
    refused = keyed(hub, topic, "k", "{broken", "application/json")
    assert_problem(refused, 400)

    assert keyed(hub, topic, "k", "{}", "application/json").status == 201


# --- source and id -------------------------------------------------------------------------------


def test_a_repeated_source_and_id_is_answered_200_with_the_first_answer(hub, topic):
    first = hub.post_json(f"/t/{topic}", named(1), STRUCTURED)
    again = hub.post_json(f"/t/{topic}", named(1), STRUCTURED)

    assert (first.status, again.status) == (201, 200)
    assert again.json() == first.json()
    assert len(hub.events(topic)) == 1


def test_a_repeat_may_come_in_another_form(hub, topic):
    first = hub.post_json(f"/t/{topic}", named(1), STRUCTURED).json()
    headers = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/s", "ce-type": "t"}

    again = hub.post(f"/t/{topic}", "x", "text/plain", headers)

    assert (again.status, again.json()["cursor"]) == (200, first["cursor"])


def test_a_raw_publish_with_an_id_of_its_own_is_remembered(hub, topic):
    first = hub.post(f"/t/{topic}", "x", "text/plain", {"ce-id": "mine"})
    again = hub.post(f"/t/{topic}", "x", "text/plain", {"ce-id": "mine"})

    assert (first.status, again.status) == (201, 200)
    assert again.json() == first.json()


def test_the_same_source_and_id_with_other_data_is_a_conflict(hub, topic):
    hub.post_json(f"/t/{topic}", named(1, "one"), STRUCTURED)

    assert_problem(
        hub.post_json(f"/t/{topic}", named(1, "two"), STRUCTURED), 409, "idempotency-conflict"
    )
    assert hub.payloads(topic) == ["one"]


def test_the_same_id_of_another_source_or_topic_is_another_event(hub, topic):
    assert hub.post_json(f"/t/{topic}", named(1, source="/a"), STRUCTURED).status == 201
    assert hub.post_json(f"/t/{topic}", named(1, source="/b"), STRUCTURED).status == 201
    assert hub.post_json(f"/t/{topic}.x", named(1, source="/a"), STRUCTURED).status == 201


def test_source_and_id_are_never_run_together(hub, topic):
    pairs = [
        ("a", "b:c"),
        ("a:b", "c"),
        ("a/b", "c"),
        ("a", "/bc"),
        ("a/", "bc"),
        ("a", "b"),
        ("ab", "b"),
    ]
    for source, name in pairs:
        event = {**named(1, source=source), "id": name}
        assert hub.post_json(f"/t/{topic}", event, STRUCTURED).status == 201, (source, name)


def test_a_key_and_an_id_of_the_same_text_are_not_confused(hub, topic):
    assert keyed(hub, topic, "e1").status == 201
    assert hub.post_json(f"/t/{topic}", named(1, "other"), STRUCTURED).status == 201


# --- batches -------------------------------------------------------------------------------------


def test_a_key_on_a_batch_covers_the_whole(hub, topic):
    batch = [named(1), named(2)]
    first = hub.post_json(f"/t/{topic}", batch, BATCH, {"Idempotency-Key": "k"})
    again = hub.post_json(f"/t/{topic}", batch, BATCH, {"Idempotency-Key": "k"})

    assert (first.status, again.status) == (201, 200)
    assert again.json() == first.json()
    assert len(hub.events(topic)) == 2
    other = hub.post_json(f"/t/{topic}", [named(3)], BATCH, {"Idempotency-Key": "k"})
    assert_problem(other, 409, "idempotency-conflict")


def test_repeated_items_of_a_batch_are_left_out_and_counted(hub, topic):
    hub.post_json(f"/t/{topic}", [named(1), named(2)], BATCH)

    answer = hub.post_json(f"/t/{topic}", [named(2), named(3)], BATCH)

    assert answer.status == 201, answer
    assert (answer.json()["count"], answer.json()["repeated"]) == (1, 1)
    assert [event["id"] for event in hub.events(topic)] == ["e1", "e2", "e3"]


def test_an_item_that_stands_twice_in_one_batch_is_stored_once(hub, topic):
    answer = hub.post_json(f"/t/{topic}", [named(1), named(2), named(1)], BATCH)

    assert answer.status == 201, answer
    assert (answer.json()["count"], answer.json()["repeated"]) == (2, 1)
    assert [event["id"] for event in hub.events(topic)] == ["e1", "e2"]


def test_a_batch_with_an_item_that_conflicts_stores_nothing(hub, topic):
    hub.post_json(f"/t/{topic}", named(1, "one"), STRUCTURED)

    answer = hub.post_json(f"/t/{topic}", [named(2), named(1, "two")], BATCH)

    assert_problem(answer, 409, "idempotency-conflict")
    assert [event["id"] for event in hub.events(topic)] == ["e1"]


def test_a_key_on_ndjson_is_refused_and_nothing_stored(hub, topic):
    answer = hub.post(f"/t/{topic}", "1\n2\n", "application/x-ndjson", {"Idempotency-Key": "k"})

    assert_problem(answer, 400)
    assert hub.events(topic) == []
