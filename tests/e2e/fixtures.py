"""Fixtures and hooks that the end-to-end and the conformance tests share."""

import itertools
import json
import shutil
import subprocess
import uuid

import pytest

from hub import LIVING, ROOT, Hub

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_hub():
    """A hub in dev mode without configuration for all tests of a file."""
    with Hub() as shared:
        yield shared
        if shared.alive():
            shared.stop()


@pytest.fixture
def hub(shared_hub):
    """The shared hub: use topics of your own. A test that kills it fails, and spoils no other."""
    if not shared_hub.alive():
        shared_hub.restart()
    yield shared_hub
    assert shared_hub.alive(), f"this test killed the hub:\n{shared_hub.stderr()}"


@pytest.fixture
def start_hub():
    """Starts hubs that belong to one test: start_hub(config=..., command=...)."""
    started = []

    def start(**options):
        fresh = Hub(**options)
        started.append(fresh)
        return fresh.start()

    yield start
    for each in started:
        each.discard()


@pytest.fixture
def prepare_hub():
    """Like start_hub, but leaves the starting to the test."""
    prepared = []

    def prepare(**options):
        prepared.append(Hub(**options))
        return prepared[-1]

    yield prepare
    for each in prepared:
        each.discard()


@pytest.fixture
def topic():
    """A topic that nobody else uses."""
    return unique_topic()


def unique_topic(prefix="t"):
    return f"{prefix}.n{next(_numbers)}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def npm_packages():
    """The npm packages that package-lock.json names, in node_modules."""
    for program in ("node", "npm"):
        assert shutil.which(program), f"{program} is missing: tools/install browser"
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    if not all((ROOT / "node_modules" / name).exists() for name in wanted):
        words = ["npm", "ci", "--no-audit", "--no-fund"]
        subprocess.run(words, cwd=ROOT, check=True, timeout=300)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the hubs said goes with the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for each in list(LIVING):
            report.sections.append((f"stderr of the hub on {each.url}", each.stderr()[-8000:]))
