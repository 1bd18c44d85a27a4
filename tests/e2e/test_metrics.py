"""/metrics as Prometheus reads it: its own checker, its conventions, the counts themselves."""

import re
import shutil
import subprocess

import pytest

from clients import NdjsonClient, SseClient
from hub import Hub, assert_problem, wait_until

SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? '
    r"(NaN|[+-]?Inf|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)( -?[0-9]+)?"
)
# What Prometheus itself asks for when it scrapes.
SCRAPE = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.8,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}
# https://prometheus.io/docs/practices/naming: base units, whole words, and none of these.
UNITS_NOT_BASE = re.compile(
    r"_(ns|us|ms|s|nanoseconds|microseconds|milliseconds|minutes|hours|days|kb|mb|gb|kib|mib|gib|"
    r"kilobytes|megabytes|gigabytes|bits|percent)(_|$)"
)
CONFIG = """
hosts = ["127.0.0.1"]
[public]
subscribe = ["**"]
[[tokens]]
token = "all-but-manage-0123456789"
publish = ["**"]
subscribe = ["**"]
[[tokens]]
token = "manage-alone-0123456789"
manage = true
"""


@pytest.fixture(scope="module")
def guarded():
    with Hub(command="serve", config=CONFIG) as shared:
        yield shared
        assert shared.alive()


@pytest.fixture
def busy(start_hub):
    """A hub with every kind of thing to count: levels, repeats, readers, ended connections."""
    fresh = start_hub(config='[[topics]]\npattern = "ticks.*"\ndurability = "memory"\n')
    fresh.publish_all("news", ["a", "b"])
    fresh.publish("ticks.a", "x")
    for _ in range(2):
        fresh.post("/t/news", "once", headers={"Idempotency-Key": "k"})
    fresh.get("/t/news", {"Accept": "image/png"})
    with SseClient(fresh, "/t/news?after=first") as ended:
        ended.take(3)
    with SseClient(fresh, "/stream?topic=**").started():
        with NdjsonClient(fresh, "/t/news/tail?after=first").opened() as tail:
            tail.take(3)
            yield fresh


def scrape(hub):
    answer = hub.get("/metrics", SCRAPE)
    assert answer.status == 200, answer
    return answer.text()


def samples(text):
    """{name and labels: value}."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def count(hub, name, label=None):
    """The sum over the series of one name, or of those of them with that label."""
    found = {key: value for key, value in samples(scrape(hub)).items() if key.split("{")[0] == name}
    assert found or label, f"there is no {name}"
    return sum(value for key, value in found.items() if label is None or label in key)


def types(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


# --- form ----------------------------------------------------------------------------------------


def test_promtool_has_nothing_to_say_about_the_metrics(busy):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: tools/install test"

    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=scrape(busy),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_scrape_by_prometheus_gets_the_text_format_and_says_so(busy):
    answer = busy.get("/metrics", SCRAPE)

    assert answer.status == 200, answer
    assert answer.content_type() == "text/plain"
    assert "version=0.0.4" in answer.header("content-type")
    assert answer.header("cache-control") == "no-store"


def test_every_line_is_a_sample_or_the_help_and_type_of_the_samples_behind_it(busy):
    text = scrape(busy)
    assert text.endswith("\n")
    families, series, family = set(), set(), None
    lines = iter(text.splitlines())

    for line in lines:
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert re.search(r" [A-Z0-9].*\.$", line), f"help is a sentence: {line!r}"
            assert next(lines).startswith(f"# TYPE {family} "), f"help, then type: {line!r}"
            assert family not in families, f"{family} comes in two pieces"
            families.add(family)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a sample: {line!r}"
        assert sample.group(1) == family, f"{line!r} stands under {family}"
        assert line.rpartition(" ")[0] not in series, f"given twice: {line!r}"
        series.add(line.rpartition(" ")[0])


def test_names_types_and_units_are_those_that_prometheus_asks_for(busy):
    kinds = types(scrape(busy))

    assert len(kinds) >= 10
    for name, kind in kinds.items():
        assert re.fullmatch(r"carillon_[a-z]+(_[a-z]+)*", name), name
        assert kind in ("counter", "gauge", "histogram"), (name, kind)
        assert name.endswith("_total") == (kind == "counter"), (name, kind)
        assert not name.endswith(("_count", "_sum", "_bucket")) or kind == "histogram", name
        assert not UNITS_NOT_BASE.search(name), f"{name} is not in a base unit"
        assert not name.endswith(f"_{kind}"), f"{name} has its type in its name"


def test_names_of_labels_are_words_and_their_values_few(busy):
    for key in samples(scrape(busy)):
        for label, _ in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', key):
            assert label in ("loop", "reason"), f"{key}: topics and cursors are no labels"


# --- counts --------------------------------------------------------------------------------------


def test_a_published_event_moves_the_counters_of_the_log(hub, topic):
    names = ("carillon_log_events_total", "carillon_log_bytes_total", "carillon_log_commits_total")
    before = [count(hub, name) for name in names]
    hub.publish_all(topic, ["a" * 1000, "b" * 1000, "c" * 1000])
    events, size, commits = [count(hub, name) - was for name, was in zip(names, before)]

    # The hub's own health events are counted too.
    assert events >= 3 and commits >= 1
    assert size >= 3000


def test_a_repeat_is_counted_as_one_and_not_as_an_event(hub, topic):
    before = count(hub, "carillon_log_repeats_total")

    for _ in range(3):
        hub.post(f"/t/{topic}", "once", headers={"Idempotency-Key": "k"})

    assert count(hub, "carillon_log_repeats_total") == before + 2
    assert hub.topic(topic)["events"] == 1


def test_streams_are_counted_while_they_are_open(hub, topic):
    before = count(hub, "carillon_readers")

    with SseClient(hub, f"/t/{topic}").started(), SseClient(hub, f"/t/{topic}").started():
        wait_until(lambda: count(hub, "carillon_readers") == before + 2, "both are counted")
    wait_until(lambda: count(hub, "carillon_readers") == before, "both are gone")


def test_a_connection_that_ended_is_counted_under_its_reason(hub, topic):
    def closed():
        return count(hub, "carillon_connections_ended_total", 'reason="client closed"')

    before = closed()
    with SseClient(hub, f"/t/{topic}").started():
        pass

    wait_until(lambda: closed() > before, "its end is counted")


def test_counters_never_fall_and_a_restart_begins_them_again(start_hub):
    fresh = start_hub()
    fresh.publish_all("news", ["x"] * 30)

    def counters():
        text = scrape(fresh)
        return {
            key: value
            for key, value in samples(text).items()
            if types(text)[key.split("{")[0]] == "counter"
        }

    before = counters()
    fresh.publish("news", "y")
    after = counters()
    assert all(after[key] >= value for key, value in before.items())

    fresh.restart()
    assert count(fresh, "carillon_log_events_total") < 30


# --- rights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_metrics_of_a_serving_hub_need_the_right_to_manage(guarded, method):
    def status(token):
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        return guarded.http(method, "/metrics", headers=fields).status

    assert status(None) == 401
    assert status("no-token-of-this-hub-0123") == 401
    assert status("all-but-manage-0123456789") == 403
    assert status("manage-alone-0123456789") == 200


def test_a_refused_scrape_shows_no_number(guarded):
    answer = guarded.get("/metrics", SCRAPE)

    assert_problem(answer, 401, "unauthorized")
    assert answer.header("www-authenticate").startswith("Bearer")
    assert "carillon_" not in answer.text()
