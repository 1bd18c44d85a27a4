"""The rows of a run, the ratios that stand on them, and what became of each goal."""

import json
import os
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from servers import (
    SUBSCRIPTIONS,
    CatchUpFloor,
    CoalescingFloor,
    DiskHub,
    Echo,
    Floor,
    Hub,
    Nchan,
    PublishFloor,
)

# How readers read, and what a case calls them. (Plain `readers` are those of SSE.)
READERS = {
    "sse": "readers",
    "websocket": "WebSocket readers",
    "deflate": "WebSocket readers, deflated",
    "session": f"sessions of {SUBSCRIPTIONS} subscriptions",
}
EMBEDDED_LOG = "embedded log"
SSE = "SSE"
BESIDE = " beside "  # in the case of `slow` with readers that stopped reading
SLOW_FIGURES = ("cpu us/healthy delivery", "late us p50", "late us p99")

# Above so many cores used by others, what depends on waking up in time says nothing.
FOREIGN_CORES_MAX = 0.15
WALL_FIGURES = ("publishes/s", "seconds", "late", "events/s")
ROUNDS_MIN = 3
# Nothing beats a floor: a ratio beyond this shows a wrong measurement, not a fast hub.
FLOOR_BEATEN = 0.9


@dataclass(frozen=True)
class Goal:
    """What the README may claim when it holds. A `bound` that is a text names a figure."""

    bench: str
    case: str  # a regular expression that is found in it
    server: str
    figure: str
    sign: str
    bound: float | str


GOALS = [
    Goal("fanout", "^10000 .*readers, .* one at", Hub.name, "x cpu us/delivery", "<=", 1.10),
    Goal("fanout", "readers, .* 64 at a time", Hub.name, "x cpu us/delivery", "<=", 1.6),
    Goal("fanout", "", Hub.name, "x of nchan", "<", 1.0),
    Goal("roundtrip", "", Hub.name, "x cpu us/round trip", "<=", 1.5),
    Goal("idle", "^10000 .*readers", Hub.name, "private dirty KiB/reader", "<=", 2.0),
    Goal("publish", "^64 publishers", DiskHub.name, "x publishes/s", ">=", 0.5),
    Goal("catchup", "", DiskHub.name, "cpu us/event", "<=", 1.0),
    *(
        Goal("slow", BESIDE, Hub.name, f"change of {figure}", "within", f"scatter of {figure}")
        for figure in SLOW_FIGURES[:2]
    ),
    Goal("log", "", EMBEDDED_LOG, "append cpu us/event", "<=", 2.0),
    Goal("reopen", "^5000000 events", DiskHub.name, "seconds", "<=", 1.0),
]


def fan_out_floor(case):
    return (Floor if "one at" in case else CoalescingFloor).name


# (bench, figure, the server that is 1 in a case, what the ratio is called)
RATIOS = [
    ("fanout", "cpu us/delivery", fan_out_floor, "x cpu us/delivery"),
    ("fanout", "cpu us/publish", fan_out_floor, "x cpu us/publish"),
    ("fanout", "cpu us/delivery", lambda _: Nchan.name, "x of nchan"),
    ("roundtrip", "cpu us/round trip", lambda _: Echo.name, "x cpu us/round trip"),
    ("idle", "private dirty KiB/reader", lambda _: Nchan.name, "x of nchan"),
    ("publish", "publishes/s", lambda _: PublishFloor.name, "x publishes/s"),
    ("publish", "cpu us/publish", lambda _: PublishFloor.name, "x cpu us/publish"),
    ("catchup", "cpu us/event", lambda _: CatchUpFloor.name, "x cpu us/event"),
    *(
        ("polling", name, lambda _: SSE, f"x {name}")
        for name in ("requests", "bytes", "server cpu ms", "late ms p50", "late ms p99")
    ),
]


class Verdict(NamedTuple):
    goal: Goal
    case: str
    median: float
    bound: float
    samples: dict  # the whole row
    word: str  # met, MISSED, NO VERDICT (why not); and what must be said beside it

    def text(self):
        goal = self.goal
        return (
            f"goal {self.word}: {goal.bench}, {self.case}, {goal.server}: "
            f"{goal.figure} {self.median:.3g} {goal.sign} {self.bound:.3g}"
        )


def median(rounds):
    return statistics.median(rounds.values())


class Report:
    """Rows as they come, in the order of their first round.

    A row is (bench, case, server); it has figures, and each figure a value for each round.
    """

    def __init__(self, extent="full", realtime=False):
        self.rows = {}
        self.wrong = []
        self.skipped = []
        self.extent = extent
        self.realtime = realtime
        self.when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.machine = {"cores": os.cpu_count(), "kernel": os.uname().release}

    def add(self, bench, case, server, turn, **values):
        samples = self.rows.setdefault((bench, case, server), {})
        for name, value in values.items():
            samples.setdefault(name, {})[turn] = value

    def fail(self, where, reason):
        self.wrong.append(f"{where}: {reason}")

    # --- what stands on the rows -----------------------------------------------------------------

    def conclude(self):
        """Ratios and comparisons, of what is there by now."""
        for bench, name, base_of, called in RATIOS:
            for (row_bench, case, server), samples in self.rows.items():
                if row_bench != bench or name not in samples or server == base_of(case):
                    continue
                base = self.rows.get((bench, case, base_of(case)), {}).get(name, {})
                samples[called] = {
                    turn: value / base[turn]
                    for turn, value in samples[name].items()
                    if base.get(turn, 0) > 0
                }
        self.compare_slow()

    def compare_slow(self):
        """What slow readers change of the median without them, and how that scatters."""
        for (bench, case, server), samples in self.rows.items():
            if bench != "slow" or BESIDE not in case:
                continue
            alone = self.rows.get((bench, case.partition(BESIDE)[0], server), {})
            for name in SLOW_FIGURES:
                beside, base = samples.get(name, {}), alone.get(name, {})
                turns = sorted(beside.keys() & base.keys())
                middle = statistics.median(base[turn] for turn in turns) if turns else 0
                if middle <= 0:
                    continue
                spread = max(base[turn] for turn in turns) - min(base[turn] for turn in turns)
                samples[f"change of {name}"] = {turn: beside[turn] / middle - 1 for turn in turns}
                samples[f"scatter of {name}"] = {0: spread / middle}

    def verdicts(self):
        """What became of each goal that something was measured for."""
        for goal in GOALS:
            for (bench, case, server), samples in self.rows.items():
                if (bench, server) == (goal.bench, goal.server) and re.search(goal.case, case):
                    if samples.get(goal.figure):
                        yield self.verdict(goal, case, samples)

    def verdict(self, goal, case, samples):
        values = list(samples[goal.figure].values())
        middle = statistics.median(values)
        bound = median(samples[goal.bound]) if isinstance(goal.bound, str) else goal.bound
        met = {
            "<": middle < bound,
            "<=": middle <= bound,
            ">=": middle >= bound,
            "within": abs(middle) <= bound,
        }[goal.sign]
        doubt = self.doubt(goal, case, samples)
        word = f"NO VERDICT ({doubt})" if doubt else "met" if met else "MISSED"
        if not doubt and goal.sign != "within" and min(values) <= bound <= max(values):
            word += " within the scatter"
        if self.realtime:
            word += " (realtime)"
        return Verdict(goal, case, middle, bound, samples, word)

    def doubt(self, goal, case, samples):
        """Why a figure may not be used; empty when it may."""
        if self.extent == "quick":
            return "a quick run"
        if any(f": {case}: {goal.server}: " in wrong for wrong in self.wrong_of(goal.bench)):
            return "a run went wrong"
        ratio = goal.figure if goal.figure.startswith("x ") else f"x {goal.figure}"
        if samples.get(ratio):
            beaten = median(samples[ratio])
            if ratio.startswith("x cpu") and beaten < FLOOR_BEATEN:
                return "the floor is beaten"
            if ratio == "x publishes/s" and beaten > 1 / FLOOR_BEATEN:
                return "the floor is beaten"
        # Of every server of the case: a floor that was disturbed spoils the ratio as well.
        foreign = [
            cores
            for (bench, row_case, _), row in self.rows.items()
            if bench == goal.bench and (bench == "slow" or row_case == case)
            for cores in row.get("foreign cores", {}).values()
        ]
        sensitive = goal.bench == "publish" or any(word in goal.figure for word in WALL_FIGURES)
        if sensitive and not self.realtime and foreign and max(foreign) > FOREIGN_CORES_MAX:
            return f"others used up to {max(foreign):.2f} cores"
        if len(samples[goal.figure]) < ROUNDS_MIN:
            return f"{len(samples[goal.figure])} of at least {ROUNDS_MIN} rounds"
        return ""

    def wrong_of(self, bench):
        return [wrong for wrong in self.wrong if re.match(rf"{bench}\b", wrong)]

    # --- shown and kept --------------------------------------------------------------------------

    def print_table(self):
        header = ("bench", "case", "server", "figure", "median", "least", "most", "runs")
        lines = [header]
        for (bench, case, server), samples in self.rows.items():
            for name, rounds in samples.items():
                values = list(rounds.values())
                if values:
                    figures = (statistics.median(values), min(values), max(values))
                    texts = (f"{figure:.4g}" for figure in figures)
                    lines.append((bench, case, server, name, *texts, str(len(values))))
        widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
        for i, line in enumerate(lines):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
            if i == 0:
                print("  ".join("-" * width for width in widths))
        for verdict in self.verdicts():
            print(verdict.text())
        for where in self.skipped:
            print(f"SKIPPED, the time was over: {where}")
        for reason in self.wrong:
            print(f"WRONG: {reason}")

    def write(self, path):
        rows = [
            {
                "bench": bench,
                "case": case,
                "server": server,
                "medians": {n: median(rounds) for n, rounds in samples.items() if rounds},
                "runs": {n: list(rounds.values()) for n, rounds in samples.items()},
            }
            for (bench, case, server), samples in self.rows.items()
        ]
        whole = {
            "when": self.when,
            "machine": self.machine,
            "load_average": os.getloadavg(),
            "extent": self.extent,
            "realtime": self.realtime,
            "wrong": self.wrong,
            "skipped": self.skipped,
            "goals": [verdict.text() for verdict in self.verdicts()],
            "rows": rows,
        }
        Path(path).write_text(json.dumps(whole, indent=1) + "\n")

    @classmethod
    def read(cls, path):
        """What write() wrote. Which round a value is of is lost: ratios are those of then."""
        whole = json.loads(Path(path).read_text())
        report = cls(whole.get("extent", "full"), whole["realtime"])
        report.when, report.machine = whole["when"], whole["machine"]
        report.wrong, report.skipped = whole["wrong"], whole.get("skipped", [])
        for row in whole["rows"]:
            figures = {name: dict(enumerate(values)) for name, values in row["runs"].items()}
            report.rows[row["bench"], row["case"], row["server"]] = figures
        return report
