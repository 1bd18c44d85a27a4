"""Runs the lanes of the tests one after the other; the last line is `N passed, N failed`.

run_tests.py [quick|full|long] [--only WORDS] [--list]: `--only` takes the lanes whose name has these
words in it, `--list` names them and runs nothing. ./test calls this; it installs what is missing.

Lanes do not run beside each other; most keep two cores busy by themselves. What says something about style comes first: it is cheap, and most often wrong.
"""

import argparse
import resource
import sys
import time
import traceback
from collections import namedtuple

sys.dont_write_bytecode = True

import lanes
from lanes import PYTHON, build, one, pytest, unit_tests
from turn import EVERYTHING, TookTooLong, Turn

LEVELS = ("quick", "full", "long")
ALL, QUICK, THOROUGH = LEVELS, ("quick",), ("full", "long")

# What `quick` runs of the whole program: publish, read, resume, survive.
CENTRAL = [
    f"tests/e2e/test_{name}.py" for name in ("publish", "pages", "tail", "filters", "durability")
]
# Each test is named as it goes, and what passing ones print (seeds, verdicts) is shown at the end.
WITH_VERDICTS = ("-v", "-rP")

# Minutes are the most that a lane may take: in quick and full, and in long.
Lane = namedtuple("Lane", "name levels minutes run")
LANES = [
    Lane("style: tidy", ALL, (2, 2), lambda turn: one(turn, [PYTHON, "-B", "tools/tidy"])),
    Lane("style: the tools' own tests", ALL, (3, 3), lanes.tests_of_the_tools),
    Lane("style: format", ALL, (2, 2), lanes.formatted),
    Lane("build release", ALL, (60, 60), lambda turn: build(turn, "release")),
    Lane(
        "style: clang-tidy",
        THOROUGH,
        (30, 30),
        lambda turn: one(turn, [PYTHON, "-B", "tools/lint"], show=EVERYTHING),
    ),
    Lane("unit tests", QUICK, (5, 5), lambda turn: unit_tests(turn, "release", 100, 50)),
    Lane("build dev", THOROUGH, (60, 60), lambda turn: build(turn, "dev")),
    Lane(
        "unit tests, ASan and UBSan",
        THOROUGH,
        (10, 10),
        lambda turn: unit_tests(turn, "dev", 200, 100),
    ),
    Lane(
        "power loss and damage",
        THOROUGH,
        (10, 600),
        lambda turn: unit_tests(
            turn,
            "release",
            images=turn.choose(full=2_000, long=100_000),
            flips=turn.choose(full=500, long=20_000),
            programs=["log_test"],
        ),
    ),
    Lane("build tsan", THOROUGH, (60, 60), lambda turn: build(turn, "tsan")),
    Lane("unit tests, TSan", THOROUGH, (10, 10), lambda turn: unit_tests(turn, "tsan", 20, 10)),
    Lane(
        "stress, TSan",
        THOROUGH,
        (5, 20),
        lambda turn: lanes.stress(turn, turn.choose(full=60, long=600)),
    ),
    Lane(
        "simulation",
        ALL,
        (10, 600),
        lambda turn: lanes.simulation(turn, turn.choose(quick=500, full=10_000, long=1_000_000)),
    ),
    Lane("build fuzz", THOROUGH, (60, 60), lanes.build_fuzzers),
    Lane("fuzz", THOROUGH, (10, 240), lambda turn: lanes.fuzz(turn, turn.choose(full=3, long=600))),
    Lane("end to end, the central part", QUICK, (5, 5), lambda turn: pytest(turn, *CENTRAL)),
    Lane("end to end", THOROUGH, (15, 60), lambda turn: pytest(turn, "tests/e2e")),
    Lane("conformance", THOROUGH, (10, 10), lambda turn: pytest(turn, "tests/conformance")),
    Lane("documentation", THOROUGH, (10, 10), lambda turn: pytest(turn, "tests/docs")),
    Lane("build planted", THOROUGH, (60, 60), lambda turn: build(turn, "planted", ["carillon"])),
    Lane(
        "crash",
        THOROUGH,
        (15, 120),
        lambda turn: pytest(turn, "tests/crash", options=WITH_VERDICTS),
    ),
    Lane("page logic", THOROUGH, (10, 10), lambda turn: lanes.node_tests(turn, "test")),
    Lane("pages in Chromium", THOROUGH, (15, 15), lambda turn: lanes.node_tests(turn, "test:browser")),
    Lane("build bench", THOROUGH, (20, 20), lambda turn: build(turn, "release", ["bench"])),
    Lane(
        "bench finds planted faults",
        THOROUGH,
        (5, 5),
        lambda turn: one(turn, [PYTHON, "-B", "bench/run.py", "check"], show=EVERYTHING),
    ),
    Lane(
        "build in a second checkout",
        THOROUGH,
        (60, 60),
        lambda turn: one(turn, [PYTHON, "-B", "tools/second_checkout.py"], show=r"^ccache: "),
    ),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("level", nargs="?", choices=LEVELS, default="full")
    parser.add_argument("--only", metavar="WORDS", default="", help="lanes with these in their name")
    parser.add_argument("--list", action="store_true", help="names the lanes and runs nothing")
    return parser.parse_args()


def take_turn(lane, level):
    """(passed, failed) of one lane. Whatever goes wrong in it is its failure, and no other's."""
    try:
        return lane.run(Turn(level, lane.minutes[level == "long"] * 60))
    except (TookTooLong, OSError) as error:
        print(f"  {error}")
    except Exception:  # a lane with a bug, or one that met a report of a form that nobody knew
        print(traceback.format_exc())
    return 0, 1


def cpu_seconds():
    """What all programs that have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    options = arguments()
    chosen = [lane for lane in LANES if options.level in lane.levels and options.only in lane.name]
    if options.list:
        print("\n".join(lane.name for lane in chosen))
        return 0
    passed = failed = 0
    seconds = {"tests": 0.0, "builds": 0.0}
    broken = []
    for lane in chosen:
        print(f"=== {lane.name}", flush=True)
        began, worked = time.monotonic(), cpu_seconds()
        good, bad = take_turn(lane, options.level)
        took, worked = time.monotonic() - began, cpu_seconds() - worked
        seconds["builds" if lane.name.startswith("build") else "tests"] += took
        passed, failed = passed + good, failed + bad
        broken += [lane.name] if bad else []
        print(f"    {good} passed, {bad} failed in {took:.0f} s, CPU {worked:.0f} s", flush=True)
    print(f"tests took {seconds['tests']:.0f} s, builds {seconds['builds']:.0f} s")
    if broken:
        print("failed: " + ", ".join(broken))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
