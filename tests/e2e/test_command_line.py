"""The commands of the binary, their exit codes and their words of help."""

import json
import os
import select
import subprocess
import time

import pytest

from hub import (
    DEADLINE,
    LISTENING,
    Hub,
    binary,
    clean_environment,
    epoch_of,
    run_carillon,
    wait_until,
)


def assert_helpful(done, *words):
    """A refusal: non-zero, on stderr, naming what was wrong, and no stack of anything."""
    assert done.returncode not in (0, None) and done.returncode > 0, done
    text = done.stderr.lower()
    assert text.strip(), done
    for word in words:
        assert word.lower() in text, (word, done.stderr)
    for noise in ("terminate called", "what():", "segmentation", "assertion", "addresssanitizer"):
        assert noise not in text, done.stderr


# --- publish -------------------------------------------------------------------------------------


def test_publish_takes_data_from_the_command_line(hub, topic):
    done = run_carillon("publish", topic, "hello", "--server", hub.url)

    assert done.returncode == 0, done
    assert hub.payloads(topic) == ["hello"]
    assert hub.events(topic)[0]["cursor"] in done.stdout


def test_publish_takes_data_from_stdin(hub, topic):
    done = run_carillon("publish", topic, "-", "--server", hub.url, input="from\nstdin")

    assert done.returncode == 0, done
    assert hub.payloads(topic) == ["from\nstdin"]


def test_server_and_token_come_from_the_environment_too(start_hub):
    token = "token-0123456789abcdef0123456789"
    fresh = start_hub(
        command="serve",
        config=f"""
hosts = ["127.0.0.1"]
[[tokens]]
token = "{token}"
publish = ["**"]
subscribe = ["**"]
""",
    )
    env = {"CARILLON_SERVER": fresh.url, "CARILLON_TOKEN": token}

    assert run_carillon("publish", "a", "x", env=env).returncode == 0
    assert (
        run_carillon("publish", "a", "y", "--server", fresh.url, "--token", token).returncode == 0
    )
    fresh.token = token
    assert fresh.payloads("a") == ["x", "y"]
    assert_helpful(run_carillon("publish", "a", "z", env={"CARILLON_SERVER": fresh.url}), "token")


@pytest.mark.parametrize("command", [["publish", "a", "x"], ["tail", "a"], ["topics"]])
def test_a_flag_wins_over_the_variable(hub, command):
    env = {"CARILLON_SERVER": hub.url, "CARILLON_TOKEN": "of-the-variable-01234"}

    elsewhere = run_carillon(*command, "--server", "http://127.0.0.1:1", env=env)
    assert elsewhere.returncode == 1 and "127.0.0.1:1" in elsewhere.stderr, elsewhere


def test_publish_says_what_the_hub_said(hub):
    assert_helpful(run_carillon("publish", "not a topic", "x", "--server", hub.url), "topic")


def test_publish_without_a_hub_says_where_it_looked(topic):
    with Hub() as gone:
        port = gone.port
    done = run_carillon("publish", topic, "x", "--server", f"http://127.0.0.1:{port}")

    assert_helpful(done, str(port))


def test_publish_of_bytes_keeps_them(hub, topic):
    data = bytes(range(256))
    done = subprocess.run(
        [binary(), "publish", topic, "-", "--server", hub.url],
        input=data,
        timeout=60,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done
    assert hub.get(f"/t/{topic}/latest").body == data


# --- tail ----------------------------------------------------------------------------------------


class Tail:
    """A running `carillon tail`; its lines as they come."""

    def __init__(self, hub, *args):
        self.process = subprocess.Popen(
            [binary(), "tail", *args, "--server", hub.url],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        self._bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        """The next line, within the deadline."""
        end = time.monotonic() + DEADLINE
        out = self.process.stdout.fileno()
        while b"\n" not in self._bytes:
            ready = select.select([out], [], [], max(0, end - time.monotonic()))[0]
            data = os.read(out, 65536) if ready else b""
            assert data, f"no more from tail; it said {self._bytes!r}"
            self._bytes += data
        line, _, self._bytes = self._bytes.partition(b"\n")
        return line.decode()

    def wait_for_lines(self, *words):
        """Reads until each word has been in a line, in this order."""
        for word in words:
            while word not in self.line():
                pass


def test_tail_prints_what_was_and_what_comes(hub, topic):
    hub.publish_all(topic, ["old-one", "old-two"])

    with Tail(hub, topic, "--after", "first") as tail:
        tail.wait_for_lines("old-one", "old-two")
        hub.publish(topic, "new-one")
        tail.wait_for_lines("new-one")


def test_tail_takes_a_pattern_and_a_cursor(hub, topic):
    cursor = hub.publish(f"{topic}.a", "skipped")["cursor"]
    hub.publish(f"{topic}.b", "wanted-b")

    with Tail(hub, f"{topic}.*", "--after", cursor) as tail:
        line = tail.line()
    assert "wanted-b" in line and "skipped" not in line


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_tail_of_a_count_that_is_none_is_refused(hub, topic, count):
    assert_helpful(run_carillon("tail", topic, "--count", count, "--server", hub.url))


def test_tail_of_a_malformed_pattern_is_refused(hub):
    assert_helpful(run_carillon("tail", "a..b", "--server", hub.url))


def test_tail_with_a_malformed_cursor_is_refused(hub, topic):
    assert_helpful(
        run_carillon("tail", topic, "--after", "nonsense", "--server", hub.url), "cursor"
    )


# --- topics --------------------------------------------------------------------------------------


def test_topics_lists_the_topics(hub, topic):
    for name in ("a", "b"):
        hub.publish(f"{topic}.{name}", "x")

    done = run_carillon("topics", "--server", hub.url)

    assert done.returncode == 0, done
    for name in ("a", "b"):
        assert f"{topic}.{name}" in done.stdout


# --- version, help, wrong words ------------------------------------------------------------------


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version_is_told(word):
    done = run_carillon(word)

    assert done.returncode == 0, done
    assert any(character.isdigit() for character in done.stdout), done


def test_help_names_the_commands():
    done = run_carillon("--help")

    assert done.returncode == 0, done
    for command in ("serve", "dev", "publish", "tail", "topics", "config", "log"):
        assert command in done.stdout, command


@pytest.mark.parametrize("command", ["serve", "dev", "publish", "tail", "topics", "config", "log"])
def test_each_command_has_help(command):
    done = run_carillon(command, "--help")

    assert done.returncode == 0 and done.stdout.strip(), done


@pytest.mark.parametrize(
    "args",
    [
        ["frobnicate"],
        ["dev", "--frobnicate"],
        ["publish"],
        ["tail"],
        ["serve", "--listen"],
        ["config", "frobnicate"],
        ["log", "frobnicate"],
    ],
)
def test_wrong_words_are_refused_with_a_hint(args, tmp_path):
    assert_helpful(run_carillon(*args, cwd=tmp_path))


# --- serving -------------------------------------------------------------------------------------


def test_the_real_port_is_printed_on_stderr(start_hub):
    fresh = start_hub()

    found = LISTENING.search(fresh.stderr())
    assert found.group(1).startswith("http://127.0.0.1:")
    assert fresh.port != 0
    assert fresh.get("/healthz").status in (200, 503)


@pytest.mark.parametrize(
    "listen", ["127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "nowhere.invalid:0", ""]
)
def test_a_malformed_listen_address_is_refused(tmp_path, listen):
    assert_helpful(run_carillon("serve", "--listen", listen, "--data", tmp_path / "d"))


def test_dev_on_another_address_than_loopback_is_refused(tmp_path):
    for address in ("0.0.0.0:0", "[::]:0"):
        assert_helpful(
            run_carillon("dev", "--listen", address, "--data", tmp_path / "d"), "loopback"
        )


def test_data_that_cannot_be_a_directory_is_refused_by_name(tmp_path):
    place = tmp_path / "file"
    place.write_text("x")

    assert_helpful(run_carillon("serve", "--listen", "127.0.0.1:0", "--data", place), str(place))


# --- config --------------------------------------------------------------------------------------

GOOD = """
heartbeat = "7s"
[[topics]]
pattern = "ticks.**"
durability = "memory"
retention = { age = "7d", count = 1000000, bytes = "10GB" }
"""
BAD = [
    ('colour = "red"\n', "colour"),
    ('[[topics]]\npattern = "a.**.b"\n', "pattern"),
    ('[[topics]]\npattern = "a"\ndurability = "tape"\n', "tape"),
    ('[[topics]]\ndurability = "disk"\n', "pattern"),
    ('[[topics]]\npattern = "a"\nretention = { agee = "1d" }\n', "agee"),
    ('[[topics]]\npattern = "a"\nretention = { age = "soon" }\n', "age"),
    ('[[topics]]\npattern = "a"\nretention = { bytes = "10XB" }\n', "bytes"),
    ('[[topics]]\npattern = "a"\nretention = { count = -1 }\n', "count"),
    ('[[tokens]]\ntoken = ""\nsubscribe = ["**"]\n', "token"),
    ('[[tokens]]\nsubscribe = ["**"]\n', "token"),
    ('[[tokens]]\ntoken = "token-0123456789abcdef0123456789"\nsubscribe = ["a..b"]\n', "line 3"),
    ('[[tokens]]\ntoken = "token-0123456789abcdef0123456789"\nmanage = "yes"\n', "manage"),
    ('heartbeat = "-1s"\n', "heartbeat"),
    ("heartbeat = 15\nheartbeat = 16\n", ""),
    ("this is not toml\n", ""),
    ('public_url = "not a url"\n', "public_url"),
]


@pytest.mark.parametrize("text, word", BAD)
def test_a_wrong_configuration_refuses_to_start_and_fails_the_check_by_name(tmp_path, text, word):
    file = tmp_path / "carillon.toml"
    file.write_text(text)

    assert_helpful(
        run_carillon(
            "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "d", "--config", file
        ),
        word,
    )
    assert_helpful(run_carillon("config", "check", "--config", file), word)


def test_a_token_is_not_repeated_by_a_refusal(tmp_path):
    file = tmp_path / "carillon.toml"
    file.write_text(
        '[[tokens]]\ntoken = "CANARY-0123456789abcdef0123456789"\nsubscribe = ["a..b"]\n'
    )

    done = run_carillon("config", "check", "--config", file)
    assert "CANARY" not in done.stderr + done.stdout


def test_a_right_configuration_passes_the_check(tmp_path):
    file = tmp_path / "carillon.toml"
    file.write_text(GOOD)

    assert run_carillon("config", "check", "--config", file).returncode == 0


def test_config_show_prints_what_holds_without_secrets(tmp_path):
    file = tmp_path / "carillon.toml"
    file.write_text(
        GOOD + '[[tokens]]\ntoken = "CANARY-0123456789abcdef0123456789"\nsubscribe = ["**"]\n'
    )

    done = run_carillon("config", "show", "--config", file)

    assert done.returncode == 0, done
    assert "heartbeat" in done.stdout and "ticks.**" in done.stdout
    assert "CANARY" not in done.stdout + done.stderr


def test_a_configuration_file_that_is_not_there_is_named(tmp_path):
    missing = tmp_path / "missing.toml"

    assert_helpful(
        run_carillon(
            "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "d", "--config", missing
        ),
        "missing.toml",
    )


def test_a_key_can_come_by_environment_and_by_flag():
    shown = run_carillon("config", "show", env={"CARILLON_HEARTBEAT": "7s"})
    assert shown.returncode == 0, shown
    line = next(line for line in shown.stdout.splitlines() if "heartbeat" in line)
    assert "7" in line, line
    nested = run_carillon("config", "show", env={"CARILLON_RETENTION_HOLD_AGE": "3d"})
    assert nested.returncode == 0, nested


def test_a_wrong_value_in_the_environment_refuses_to_start(tmp_path):
    done = run_carillon(
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        tmp_path / "d",
        env={"CARILLON_HEARTBEAT": "often"},
    )

    assert_helpful(done, "heartbeat")


def test_an_unknown_variable_only_warns(start_hub):
    fresh = start_hub(env={"CARILLON_COLOUR": "red"})

    wait_until(lambda: "CARILLON_COLOUR" in fresh.stderr(), "the warning names the variable")
    fresh.publish("a", "x")


# --- log -----------------------------------------------------------------------------------------


@pytest.fixture
def stopped(start_hub):
    """The data of a hub that has stopped, with ten events in two topics."""
    fresh = start_hub()
    fresh.cursors = [
        fresh.publish(f"logged.{number % 2}", f"payload-{number}")["cursor"] for number in range(10)
    ]
    fresh.stop()
    return fresh


def test_log_verify_of_whole_data_succeeds(stopped):
    done = run_carillon("log", "verify", "--data", stopped.data)

    assert done.returncode == 0, done


def test_log_verify_of_data_after_kill_9_succeeds(start_hub):
    fresh = start_hub()
    fresh.publish_all("a", ["x"] * 20)
    fresh.kill()

    assert run_carillon("log", "verify", "--data", fresh.data).returncode == 0


def test_log_dump_prints_every_event(stopped):
    done = run_carillon("log", "dump", "--data", stopped.data)

    assert done.returncode == 0, done
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    events = [line for line in lines if str(line.get("topic", "")).startswith("logged.")]
    assert [event["data"] for event in events] == [f"payload-{number}" for number in range(10)]
    assert [event["cursor"] for event in events] == stopped.cursors


def test_log_stat_says_something_of_the_log(stopped):
    done = run_carillon("log", "stat", "--data", stopped.data)

    assert done.returncode == 0, done
    assert epoch_of(stopped.cursors[0]) in done.stdout


@pytest.mark.parametrize("command", ["verify", "dump", "stat"])
def test_reading_a_log_changes_nothing(stopped, command):
    run_carillon("log", command, "--data", stopped.data)
    stopped.start()

    assert [
        event["cursor"] for event in stopped.all_pages("/stream", {"topic": "logged.*"})
    ] == stopped.cursors


@pytest.mark.parametrize("command", ["verify", "dump", "stat"])
def test_a_log_that_a_hub_is_using_is_refused_as_in_use(start_hub, command):
    fresh = start_hub()
    fresh.publish("a", "x")

    assert_helpful(run_carillon("log", command, "--data", fresh.data), "in use")
    assert fresh.payloads("a") == ["x"]


@pytest.mark.parametrize("command", ["verify", "dump", "stat"])
def test_a_directory_without_a_log_is_refused_by_name_and_left_empty(tmp_path, command):
    empty = tmp_path / "empty"
    empty.mkdir()

    assert_helpful(run_carillon("log", command, "--data", empty), str(empty))
    assert list(empty.iterdir()) == []


# --- what must not be taken for sound ------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, word",
    [
        (["--data", ""], "data"),
        (["--retention-age", "0s"], "retention.age"),
        (["--public-url", "https://a.example/path"], "public_url"),
        (["--public-url", "https://user:word@a.example"], "public_url"),
        (["--public-url", "http://a.example:99999"], "public_url"),
        (["--origins", "https://app.example/"], "origins"),
        (["--hosts", "two words"], "hosts"),
        (["--config", "."], "--config"),
        (["--config", "no-such.toml"], "--config"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(flags, word):
    done = run_carillon("config", "check", *flags)

    assert done.returncode == 2, done
    assert word in done.stderr


def test_a_token_may_stand_there_only_once(tmp_path):
    config = tmp_path / "carillon.toml"
    config.write_text('[[tokens]]\ntoken = "0123456789abcdef"\n' * 2)

    done = run_carillon("config", "check", "--config", config)

    assert done.returncode == 2, done
    assert "token" in done.stderr


def test_output_that_cannot_be_written_is_a_failure(hub, topic):
    hub.publish(topic, "a")
    for words in (["topics", "--server", hub.url], ["config", "show"], ["version"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(
                [binary(), *words],
                stdout=full,
                stderr=subprocess.PIPE,
                env=clean_environment(),
                check=False,
            )
        assert done.returncode == 1, words
        assert b"output" in done.stderr


def test_a_command_that_there_is_none_of_is_named():
    done = run_carillon("srve")

    assert done.returncode == 2
    assert "'srve'" in done.stderr


def test_a_snapshot_of_a_live_hub_s_own_directory_cannot_be_restored(hub, topic, tmp_path):
    hub.publish(topic, "a")

    done = run_carillon("log", "restore", "--data", tmp_path / "into", hub.data / "log")

    assert done.returncode == 1, done
    assert "in use" in done.stderr
    assert not any(path.is_file() for path in (tmp_path / "into").rglob("*"))
