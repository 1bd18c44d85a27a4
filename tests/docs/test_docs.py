"""The pages are held to the program: their commands run, their tables, links and numbers hold."""

import json
import re
import shutil
import subprocess
import threading
import tomllib
import urllib.parse

import pytest

from hub import DEADLINE, Hub, binary, clean_environment, run_carillon, wait_until
from pages import BLOCK, PAGES, REFERENCE, ROOT, blocks, is_marked, name_of, source

# The words by which a line is a command, wherever it stands; not in a picture.
COMMAND = re.compile(
    r"^(?!.*[│─])[ \t]*(\$ )?([A-Z_]+=\S+ )*(sudo )?"
    r"(curl|carillon|build/\S+|\./run|\./test|tools/\S+|bench/\S+\.py|node|npm|npx|python3|cmake|"
    r"ninja|ctest|apt-get|git|openssl|clang-\w+-19)( |$)",
    re.M,
)
# What a page shows is run with these in place of curl and carillon. `-N` is cut when the hub has
# said what there is to say; `want=409 curl …` is a line that ends in `# 409`. Without `want` any
# error status fails.
PRELUDE = r"""
set -euo pipefail
curl() {
  local argument status=0
  if [ -n "${want:-}" ]; then
    command curl -sS -o body -w '%{http_code}' "$@" >code || status=$?
    cat body 2>/dev/null || true
    [ "$(cat code)" = "$want" ] || { echo "status $(cat code), not $want: $*" >&2; return 1; }
    return $status
  fi
  for argument in "$@"; do
    if [ "$argument" = "-N" ]; then follow "$@"; return; fi
  done
  command curl -sS --fail-with-body "$@"
}
# An endless answer, until it has said something and then nothing for a fifth of a second.
follow() {
  local said seen=0 quiet=0 reader
  said=$(mktemp -p .)
  command curl -sS --fail-with-body "$@" >"$said" &
  reader=$!
  for _ in $(seq 200); do
    sleep 0.05
    kill -0 $reader 2>/dev/null || break
    if [ "$(stat -c %s "$said")" -gt "$seen" ]; then quiet=0; else quiet=$((quiet + 1)); fi
    seen=$(stat -c %s "$said")
    [ "$seen" -gt 0 ] && [ $quiet -ge 4 ] && break
  done
  cat "$said"
  if kill $reader 2>/dev/null; then
    wait $reader || true
    [ "$seen" -gt 0 ] || { echo "nothing came: $*" >&2; return 1; }
    return 0
  fi
  wait $reader
}
carillon() {
  case "$1" in
    dev | serve | demo) "$RUN_AND_STOP" "$@" ;;
    *) timeout 30 "$CARILLON" "$@" ;;
  esac
}
build/release/carillon() { carillon "$@"; }
for builder in cmake ninja ctest npm apt-get sudo git; do
  eval "$builder() { echo 'no test builds or installs: mark the block' >&2; return 1; }"
done
"""
# A hub that a page starts: on a free port, in a directory of its own, until it listens.
RUN_AND_STOP = r"""#!/usr/bin/env bash
set -euo pipefail
data=$(mktemp -d) && trap 'rm -rf "$data"' EXIT
words=()
while [ $# -gt 0 ]; do
  case "$1" in
    --listen | --data) shift 2 ;;
    *) words+=("$1"); shift ;;
  esac
done
"$CARILLON" "${words[@]}" --listen 127.0.0.1:0 --data "$data/data" 2>"$data/stderr" &
for _ in $(seq 200); do grep -q 'listening on' "$data/stderr" && break; sleep 0.05; done
grep 'listening on' "$data/stderr" || { cat "$data/stderr" >&2; exit 1; }
kill $! && wait $!
"""
# What a page's scripts find in their page.
SCRIPT_PRELUDE = """
import { EventSource } from 'eventsource';
globalThis.EventSource = EventSource;
import { WebSocket } from 'undici';
globalThis.WebSocket ??= WebSocket;
globalThis.show = globalThis.reload = console.log;
"""


def with_port(text, port):
    return re.sub(r"(localhost|127\.0\.0\.1):8080", f"127.0.0.1:{port}", text)


def shell_of(text, port):
    text = re.sub(r"\\\n\s*", "", text)
    lines = [
        re.sub(r"^(\s*)(curl .*?)\s+# (\d{3})( .*)?$", r"\1want=\3 \2", line)
        for line in text.splitlines()
    ]
    return with_port("\n".join(lines), port)


def pages_with(*languages):
    return [page for page in PAGES if any(blocks(page, *languages))]


def hub_for(page):
    """A hub as the page has it running: the demo's page wants the demo, played at once."""
    if (ROOT / "web/demo" / page.parent.name).is_dir():
        return Hub(command="demo", args=[page.parent.name, "--speed", "1000000"])
    return Hub()


@pytest.fixture
def checkout(tmp_path):
    """What commands of a page find where they are run: nothing that can be built."""
    shutil.copy(ROOT / "carillon.toml", tmp_path)
    for name in ("examples", "web", "node_modules"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


# --- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_a_page_is_run_by_a_test_or_marked_with_the_reason_why_not(page):
    text = page.read_text()
    rest = text
    for found in BLOCK.finditer("\n" + text):
        rest = rest.replace(found["text"], "")
        if found["language"] in ("sh", "console"):
            assert "not run" not in found["before"] or is_marked(found), found["before"]
        else:
            assert not COMMAND.search(found["text"]), f"not `sh`, so not run:\n{found['text']}"
    indented = "\n".join(line for line in rest.splitlines() if line.startswith("    "))
    assert not COMMAND.search(indented), f"indented, so not run:\n{indented}"


@pytest.mark.parametrize("page", pages_with("sh", "console"), ids=name_of)
def test_every_command_of_a_page_does_what_it_says(page, checkout, npm_packages):
    runner = checkout / "run_and_stop"
    runner.write_text(RUN_AND_STOP)
    runner.chmod(0o755)
    with hub_for(page) as hub:
        # Pages that only explain commands read what their guides publish.
        for topic in ("news", "orders.new"):
            hub.publish(topic, "a first event")
        env = clean_environment(
            {"CARILLON": binary(), "CARILLON_SERVER": hub.url, "RUN_AND_STOP": str(runner)}
        )
        for text in blocks(page, "sh", "console"):
            done = subprocess.run(
                ["bash", "-c", PRELUDE + shell_of(text, hub.port)],
                cwd=checkout,
                env=env,
                text=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n---\n{done.stdout}{done.stderr}"
            assert hub.alive(), f"{text}\n---\nkilled the hub:\n{hub.stderr()}"


@pytest.mark.parametrize("page", pages_with("js"), ids=name_of)
def test_every_script_of_a_page_is_given_what_is_published(page, npm_packages):
    with Hub() as hub:
        for text in blocks(page, "js"):
            topic = re.search(r"localhost:8080/t/([\w.]+)|topics: \['([\w.*]+)'", text)
            topic = (topic[1] or topic[2]).replace("*", "shown")
            script = subprocess.Popen(
                ["node", "--input-type=module"],
                cwd=ROOT,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            give_up = threading.Timer(DEADLINE, script.kill)
            give_up.start()
            try:
                script.stdin.write(SCRIPT_PRELUDE + with_port(text, hub.port))
                script.stdin.close()
                wait_until(lambda: hub.get("/v1/stats").json()["readers"] > 0, "it reads")
                hub.publish(topic, '{"shown":"by the page"}', "application/json")
                assert any("by the page" in line for line in script.stdout), text
            finally:
                give_up.cancel()
                script.kill()
                script.wait()
                script.stdout.close()


def test_the_readme_shows_statuses_that_the_program_gives():
    assert (
        sum(text.count("# 409") + text.count("# 201") for text in blocks(ROOT / "README.md", "sh"))
        >= 2
    )

@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_of_a_page_is_json_and_toml_is_a_configuration(page, tmp_path):
    for text in blocks(page, "json"):
        if "…" not in text:
            json.loads(text)
    for text in blocks(page, "toml"):
        tomllib.loads(text)
        (tmp_path / "sample.toml").write_text(text)
        done = run_carillon("config", "check", "--config", tmp_path / "sample.toml")
        assert done.returncode == 0, done

# --- configuration and commands ------------------------------------------------------------------

def flatten(value, prefix=""):
    for key, inner in value.items():
        name = prefix + key
        if key == "retention":
            yield from (f"{name}.{part}" for part in inner)
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield from flatten(inner[0])
        elif isinstance(inner, dict):
            yield from flatten(inner)
        else:
            yield name

def shown_keys(tmp_path):
    """Every key of `config show` of a configuration that uses all of them."""
    everything = """
[public]
subscribe = ["a"]
[[tokens]]
token = "0123456789abcdef"
publish = ["a"]
subscribe = ["a"]
manage = true
[[topics]]
pattern = "a"
retention = { age = "1d", count = 1, bytes = 1 }
"""
    (tmp_path / "all.toml").write_text(everything)
    done = run_carillon("config", "show", "--config", tmp_path / "all.toml")
    assert done.returncode == 0, done
    return set(flatten(tomllib.loads(done.stdout)))

def test_every_key_is_in_the_reference_and_in_the_annotated_file(tmp_path):
    page = (REFERENCE / "config.md").read_text()
    annotated = (ROOT / "carillon.toml").read_text()

    for key in shown_keys(tmp_path):
        assert f"| `{key}` |" in page, key
        assert re.search(rf"\b{key.split('.')[-1]} =", annotated), key


def test_the_annotated_file_is_sound_and_says_the_defaults():
    default = run_carillon("config", "show")
    annotated = run_carillon("config", "show", "--config", ROOT / "carillon.toml")

    assert run_carillon("config", "check", "--config", ROOT / "carillon.toml").returncode == 0
    assert annotated.stdout == default.stdout


def test_the_annotated_file_is_sound_with_every_key_in_it(tmp_path):
    text = re.sub(r"^#(?=\w+ = |\[\[)", "", (ROOT / "carillon.toml").read_text(), flags=re.M)
    assert "[[tokens]]\n" in text and "\npublic_url" in text
    # A key behind a table would land in it: those that are commented out stand before the first.
    (tmp_path / "all.toml").write_text(text.replace('"…"', '"0123456789abcdef"'))

    done = run_carillon("config", "check", "--config", tmp_path / "all.toml")

    assert done.returncode == 0, done


def test_every_flag_and_variable_of_the_hub_is_in_the_reference():
    page = (REFERENCE / "config.md").read_text() + (REFERENCE / "cli.md").read_text()
    keys = re.findall(r'^    \{"([a-z_.]+)", "', source("hub/config.cc"), re.M)
    assert len(keys) >= 12

    for key in keys:
        assert f"`--{re.sub('[_.]', '-', key)}`" in page, key
        assert f"`CARILLON_{key.upper().replace('.', '_')}`" in page, key


def test_every_command_and_flag_is_on_the_page_of_the_command_line():
    page = (REFERENCE / "cli.md").read_text()
    commands = [
        [],
        ["dev"],
        ["serve"],
        ["demo"],
        ["config"],
        ["config", "check"],
        ["config", "show"],
        ["publish"],
        ["tail"],
        ["topics"],
        ["log"],
        ["log", "dump"],
        ["log", "verify"],
        ["log", "stat"],
        ["log", "restore"],
    ]

    for command in commands:
        text = run_carillon(*command, "--help").stdout
        for flag in re.findall(r"(--[a-z-]+)", text):
            assert flag in page, (command, flag)
        for name in re.findall(r"^  ([a-z]+) {2,}", text.partition("Subcommands:")[2], re.M):
            assert f"carillon {' '.join([*command, name])}" in page, (command, name)


def test_limits_of_the_page_are_those_of_the_sources():
    page = (REFERENCE / "config.md").read_text()
    limits = source("base/limits.h")

    def value(name):
        text = re.search(rf"\b{name}\b\s*(?:=|\{{)\s*([^;}}]*)", limits).group(1)
        text = text.replace("'", "").replace("kKiB", "1024").replace("kMiB", "(1024 * 1024)")
        return eval(re.sub(r"ULL\b", "", text))  # arithmetic of our own header

    assert "topic name | 200 bytes" in page and value("kTopicBytesMax") == 200
    for row, name, shown in [
        ("topics", "kTopicsMax", "100,000"),
        ("topics and patterns in one request", "kPatternsMax", None),
        ("event: data", "kEventBytesMax", "1 MiB"),
        ("attribute", "kAttributeBytesMax", "4 KiB"),
        ("JSON depth", "kJsonDepthMax", None),
        ("`Idempotency-Key`", "kIdempotencyKeyBytesMax", None),
        ("topics named in a gap", "kGapTopicsMax", None),
        ("request target", "kTargetBytesMax", "8 KiB"),
        ("chunk extension", "kChunkExtensionBytesMax", None),
        ("positions reserved ahead", "kPositionsReserved", None),
        ("requests ahead of their answers on one connection", "kPipelinedMax", None),
        ("read of old events", "kReadBytesMax", "256 KiB"),
        ("head time-out", "kHeadTimeout", "10 s"),
        ("idle connection", "kIdleTimeout", "75 s"),
        ("`wait`", "kLongPollMax", "60 s"),
    ]:
        cell = re.search(rf"^\| {re.escape(row)} \| ([^|]*) \|", page, re.M)
        assert cell, row
        number = float(re.search(r"[\d,]+", cell.group(1)).group().replace(",", ""))
        unit = {"KiB": 1024, "MiB": 1024 * 1024}.get(
            (re.findall("KiB|MiB", cell.group(1)) or [""])[0], 1
        )
        assert number * unit == value(name), (row, cell.group(1), value(name))
        assert shown is None or shown in cell.group(1), row


# --- routes and problems -------------------------------------------------------------------------


def routes():
    """(method, path) of every route in the sources, the embedded pages left out."""
    found = set()
    for file in sorted((ROOT / "src").rglob("*.cc")):
        if file.stem.endswith(("_test", "_fuzz")):
            continue
        text = file.read_text()
        found.update(re.findall(r'\{"([A-Z]+)",\s*"(/[^"]*)",\s*RouteRight::', text))
        if "router.add" in text:
            found.update(re.findall(r'\badd\("([A-Z]+)", "(/[^"]*)"', text))
            found.update(("GET", path) for path in re.findall(r'\bget\("(/[^"]*)"', text))
    return found


def test_every_route_is_in_the_reference_and_no_other():
    page = (REFERENCE / "http.md").read_text()
    table = set(re.findall(r"^\| \[`([A-Z]+) (/[^`]*)`\]", page, re.M))

    assert len(routes()) >= 18
    assert table == routes()


def test_every_metric_is_in_the_reference_and_pages_name_no_other():
    with Hub() as hub:
        kinds = re.findall(r"^# TYPE (\S+) (\S+)$", hub.get("/metrics").text(), re.M)
    page = (REFERENCE / "http.md").read_text()

    assert set(re.findall(r"^\| `(carillon_\w+)` \| (\w+) \|", page, re.M)) == set(kinds)
    for page in PAGES:
        named = set(re.findall(r"\bcarillon_\w+(?=[`{])", page.read_text()))
        assert named <= {name for name, _ in kinds}, page.name


def test_pages_name_no_url_that_does_not_exist():
    known = {re.sub(r"\{[^}]*\}", "x", path).split("/")[1] for _, path in routes()} | {
        "demo",
        "problems",
    }

    for page in PAGES:
        for text in blocks(page, "sh", "console", "js", "json"):
            for path in re.findall(r"localhost:8080(/[\w.$-]*)", text):
                assert path.split("/")[1] in known, (page.name, path)


def test_every_problem_has_its_entry_and_each_entry_its_problem():
    kinds = re.findall(r'ProblemKind k\w+\{\s*(\d+),\s*"([a-z-]+)"', source("wire/problem.h"))
    page = (REFERENCE / "problems.md").read_text()

    assert len(kinds) > 20
    assert set(re.findall(r"^\| \[`([a-z-]+)`\]\(#[a-z-]+\) \| \d+ \|", page, re.M)) == {
        slug for _, slug in kinds
    }
    for status, slug in kinds:
        assert f"| [`{slug}`](#{slug}) | {status} |" in page, slug
        assert re.search(rf"^## {slug}$", page, re.M), slug


# --- links ---------------------------------------------------------------------------------------


def anchors(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = urllib.parse.unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), (page.name, target)
        assert ROOT in file.parents, (page.name, target)
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), (page.name, target)


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)\s#:]+\.md)(?:#[^)]*)?\)", page.read_text()):
            waiting.append((page.parent / target).resolve())

    assert set(PAGES) <= reached, set(PAGES) - reached
