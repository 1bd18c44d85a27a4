"""What the lanes of the tests do. Each takes its turn and returns (passed, failed).

A program that is missing, a test that is skipped without leave, and a report that cannot be read
count as failures: silence is never a pass.
"""

import json
import os
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from turn import EVERYTHING, ROOT

PYTHON = "/usr/bin/python3"
CARILLON = {"CARILLON_BIN": str(ROOT / "build/release/carillon")}
SANITIZERS = {
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
    "PATH": f"{os.environ.get('PATH', '')}:/usr/lib/llvm-19/bin",  # llvm-symbolizer
}
# Of each property, where it is not 100: under TSan a case takes ten times as long.
PROPERTY_CASES = {"tsan": 15}
SEEDS_AT_ONCE = 10_000  # so that many of them show how far they are
PROGRAMS_AT_ONCE = 2
PYTESTS_AT_ONCE = 3  # they wait more than they work

# Tests (a part of their name) that need not run here, with the reason. Empty for root.
MAY_BE_SKIPPED = {} if os.geteuid() == 0 else {"tests.crash.test_full_disk": "mounting takes root"}


def together(counts):
    counts = list(counts)
    return sum(passed for passed, _ in counts), sum(failed for _, failed in counts)


def side_by_side(work, items):
    """What `work` returns for each item, as many at once as keep the machine busy."""
    with ThreadPoolExecutor(PROGRAMS_AT_ONCE) as pool:
        return list(pool.map(work, items))


def one(turn, words, **options):
    """A lane that is one check."""
    code, _ = turn.run(words, **options)
    return (1, 0) if code == 0 else (0, 1)


def skips_that_fail(turn, skipped):
    """How many of these tests, (name, reason), count as failures; says which."""
    allowed = 0
    for name, reason in skipped:
        leave = next((why for part, why in MAY_BE_SKIPPED.items() if part in name), "")
        allowed += 1 if leave else 0
        print(f"  skipped: {name}: {leave or reason}", flush=True)
    return 0 if turn.level == "quick" else len(skipped) - allowed


# --- programs ------------------------------------------------------------------------------------


def build(turn, preset, targets=()):
    folder = ROOT / "build" / preset
    configured = (folder / "build.ninja").exists()
    # ./run leaves a folder that is configured without tests.
    if not configured or "CARILLON_TESTS:BOOL=OFF" in (folder / "CMakeCache.txt").read_text():
        code, _ = turn.run(["cmake", "--preset", preset, "-DCARILLON_TESTS=ON"])
        if code != 0:
            return 0, 1
    return one(turn, ["ninja", "-C", folder, *targets])


def build_fuzzers(turn):
    return build(turn, "fuzz", fuzzers())


def fuzzers():
    return sorted(path.stem for path in (ROOT / "src").glob("*/*_fuzz.cc"))


def unit_test_programs():
    return sorted({f"{path.parent.name}_test" for path in (ROOT / "src").glob("*/*_test.cc")})


# --- unit tests ----------------------------------------------------------------------------------


def unit_tests(turn, preset, images, flips, programs=None):
    """The unit tests of a preset, with so many power-loss images and flipped bits."""
    env = {**SANITIZERS, "CARILLON_POWER_IMAGES": str(images), "CARILLON_BIT_FLIPS": str(flips)}
    if preset in PROPERTY_CASES:
        env["RC_PARAMS"] = f"max_success={PROPERTY_CASES[preset]}"
    names = programs or unit_test_programs()
    return together(unit_test(turn, ROOT / "build" / preset / "tests" / name, env) for name in names)


def unit_test(turn, program, env):
    """One program, each part of its tests in a process of its own."""
    if not program.exists():
        print(f"  missing: {program.relative_to(ROOT)}, though its folder has tests", flush=True)
        return 0, 1
    parts = range(PROGRAMS_AT_ONCE)
    good, bad = together(side_by_side(lambda part: shard(turn, program, part, env), parts))
    return good, bad or int(good == 0)


def shard(turn, program, part, env):
    env = {**env, "GTEST_TOTAL_SHARDS": str(PROGRAMS_AT_ONCE), "GTEST_SHARD_INDEX": str(part)}
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        words = [program, f"--gtest_output=json:{report.name}", "--gtest_brief=1"]
        # The closing line, and the counts that some tests print.
        code, _ = turn.run(words, env, show=r"^\[====|^[a-z][a-z -]*: \d", label=program.name)
        try:
            suites = json.loads(Path(report.name).read_text())["testsuites"]
        except ValueError:
            return 0, 1  # it died before its report
    tests = [test for suite in suites for test in suite["testsuite"]]
    skipped = [
        (f"{test['classname']}.{test['name']}", test["result"].lower())
        for test in tests
        if test["result"] != "COMPLETED"
    ]
    bad = sum(1 for test in tests if test.get("failures"))
    good = len(tests) - len(skipped) - bad
    if bad == 0 and code != 0:
        bad = 1
    return good, bad + skips_that_fail(turn, skipped)


def unittest(turn, script):
    code, output = turn.run([PYTHON, "-B", script])
    ran = re.search(r"^Ran (\d+) tests?", output, re.M)
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors|skipped)=(\d+)", output))
    if ran is None or ran.group(1) == "0" or (code != 0 and bad == 0):
        return 0, 1
    return int(ran.group(1)) - bad, bad


# --- tests of the whole program ------------------------------------------------------------------


def pytest(turn, *paths, options=("-q",), env=CARILLON, at_once=PYTESTS_AT_ONCE):
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        words = [PYTHON, "-B", "-m", "pytest", *options, "-p", "no:cacheprovider"]
        words += ["-n", at_once] if at_once > 1 else []
        words += [f"--rootdir={ROOT}", f"--junit-xml={report.name}", *paths]
        code, _ = turn.run(words, {**env, "CARILLON_LEVEL": turn.level}, show=EVERYTHING)
        try:
            cases = list(ElementTree.parse(report.name).getroot().iter("testcase"))
        except ElementTree.ParseError:
            return 0, 1
    outcomes = [{child.tag: child.get("message") for child in case} for case in cases]
    bad = sum(1 for outcome in outcomes if outcome.keys() & {"failure", "error"})
    skipped = [
        (f"{case.get('classname')}.{case.get('name')}", outcome["skipped"])
        for case, outcome in zip(cases, outcomes)
        if "skipped" in outcome
    ]
    good = len(cases) - bad - len(skipped)
    if bad == 0 and (code != 0 or good == 0):
        bad = 1
    return good, bad + skips_that_fail(turn, skipped)


def node_tests(turn, script):
    """`npm run` of node's own test runner: its closing lines are read."""
    code, _ = turn.run([ROOT / "tools/npm_packages"])
    if code != 0:
        return 0, 1
    code, output = turn.run(["npm", "run", script], CARILLON, show=r"^\s*(ok|not ok|✔|✖|﹣)\s")
    counts = dict(re.findall(r"^[#ℹ] (pass|fail|cancelled|skipped) (\d+)", output, re.M))
    good, bad = int(counts.get("pass", 0)), int(counts.get("fail", 0))
    bad += int(counts.get("cancelled", 0))
    if bad == 0 and (code != 0 or good == 0):
        bad = 1
    skipped = [(f"npm run {script}", "a line above says which")] * int(counts.get("skipped", 0))
    return good, bad + skips_that_fail(turn, skipped)


# --- style ---------------------------------------------------------------------------------------


def tests_of_the_tools(turn):
    return together(unittest(turn, script) for script in sorted((ROOT / "tools").glob("*_test.py")))


def formatted(turn):
    files = [
        path
        for folder in ("src", "tests", "bench")
        for ending in ("*.cc", "*.h")
        for path in sorted((ROOT / folder).rglob(ending))
    ]
    return one(turn, ["clang-format-19", "--dry-run", "--Werror", *files])


# --- chance and load -----------------------------------------------------------------------------


def simulation(turn, seeds):
    """The seeded lives of a log; prints how often each step and fault was taken in all of them."""
    taken = Counter()
    program = ROOT / "build/release/tests/log_simulation"
    for first in range(1, seeds + 1, SEEDS_AT_ONCE):
        count = min(SEEDS_AT_ONCE, seeds - first + 1)
        words = [program, "--seeds", count, "--first-seed", first]
        code, output = turn.run(words, show=r"seeds of \d+ steps", label=f"from seed {first}")
        if code != 0:
            return 0, 1
        for times, name in re.findall(r"^ *(\d+) ((?!seeds of ).+)$", output, re.M):
            taken[name] += int(times)
    for name, times in taken.items():
        print(f"  {times:>12,} {name}")
    return (1, 0) if taken else (0, 1)


def fuzz(turn, seconds):
    return together(side_by_side(lambda name: fuzz_one(turn, name, seconds), fuzzers()))


def fuzz_one(turn, name, seconds):
    """One target, from the inputs that it found before and those in tests/corpus/<target>."""
    found = ROOT / "build/fuzz/corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    given = ROOT / "tests/corpus" / name
    limits = [f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-timeout=5"]
    words = [ROOT / "build/fuzz/fuzz" / name, *limits, f"-artifact_prefix={found.parent}/{name}-"]
    words += [found, *([given] if given.exists() else [])]
    code, output = turn.run(words, SANITIZERS, show=r"^Done \d+ runs", label=name)
    return (1, 0) if code == 0 and re.search(r"^Done [1-9]\d* runs", output, re.M) else (0, 1)


def stress(turn, seconds):
    """The load of tests/crash without kills, on a hub that ends at its first data race."""
    env = {
        **SANITIZERS,
        "CARILLON_BIN": str(ROOT / "build/tsan/carillon"),
        "CARILLON_STRESS_SECONDS": str(seconds),
    }
    return pytest(turn, "tests/stress", options=("-q", "-s"), env=env, at_once=1)
