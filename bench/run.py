#!/usr/bin/env python3
"""The figures of the README, as ratios of one interleaved run. bench/README.md says what each row means."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import servers
from servers import CoalescingFloor, DiskHub, Floor, Hub, Nchan, PublishFloor, Wrong

# (bench, part of the case, server, figure, sign, bound): what the README may claim when it holds.
GOALS = [
    ("fanout", "10000 readers, 128 B, one", Hub.name, "x cpu us/delivery", "<=", 1.10),
    ("fanout", "10000 readers, 1024 B, one", Hub.name, "x cpu us/delivery", "<=", 1.10),
    ("fanout", "10000 readers, 128 B, 64", Hub.name, "x cpu us/delivery", "<=", 1.6),
    ("fanout", "10000 readers, 1024 B, 64", Hub.name, "x cpu us/delivery", "<=", 1.6),
    ("fanout", "10000 readers", Hub.name, "x of nchan", "<=", 1.0),
    ("idle", "10000 readers", Hub.name, "private dirty KiB/reader", "<=", 2.0),
    ("publish", "64 publishers", DiskHub.name, "x publishes/s", ">=", 0.5),
    ("catchup", "1000000 events", DiskHub.name, "cpu us/event", "<=", 1.0),
    ("reopen", "5000000 events", DiskHub.name, "seconds", "<=", 1.0),
    ("log", "1000000 events", "embedded log", "append cpu us/event", "<=", 2.0),
]

# Above so many cores used by others, what depends on waking up in time says nothing.
FOREIGN_CORES_MAX = 0.15
WALL_FIGURES = ("publishes/s", "seconds", "late", "events/s")
ROUNDS_MIN = 3
# Nothing beats a floor: a ratio beyond this shows that the measurement is wrong, not that the hub is fast.
FLOOR_BEATEN = 0.9


class Report:
    """Rows as they come, in the order of their first round; printed as a table and written as JSON."""

    def __init__(self):
        self.rows = {}
        self.wrong = []
        self.realtime = False

    def add(self, bench, case, server, turn, **values):
        samples = self.rows.setdefault((bench, case, server), {})
        for name, value in values.items():
            samples.setdefault(name, {})[turn] = value

    def by_round(self, bench, case, server, name):
        return self.rows.get((bench, case, server), {}).get(name, {})

    def fail(self, where, reason):
        self.wrong.append(f"{where}: {reason}")
        print(f"  WRONG, no figure: {where}: {reason}", file=sys.stderr)

    def add_ratios(self, bench, name, base_of, called=""):
        """`x <name>`: the ratio to the base of the same case and round."""
        for (row_bench, case, server), samples in self.rows.items():
            if row_bench != bench or name not in samples:
                continue
            base = self.by_round(bench, case, base_of(case), name)
            samples[called or f"x {name}"] = {
                turn: value / base[turn]
                for turn, value in samples[name].items()
                if base.get(turn, 0) > 0
            }

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
            print(verdict)
        for reason in self.wrong:
            print(f"WRONG: {reason}")

    def verdicts(self):
        """What became of each goal that something was measured for."""
        for bench, case, server, name, sign, bound in GOALS:
            for (row_bench, row_case, row_server), samples in self.rows.items():
                values = list(samples.get(name, {}).values())
                if (bench, server) != (row_bench, row_server) or case not in row_case or not values:
                    continue
                middle = statistics.median(values)
                doubt = self.doubt(bench, row_case, name, middle)
                met = middle <= bound if sign == "<=" else middle >= bound
                if not doubt and len(values) < ROUNDS_MIN:
                    doubt = f"{len(values)} of at least {ROUNDS_MIN} rounds"
                word = f"NO VERDICT ({doubt})" if doubt else "met" if met else "MISSED"
                if not doubt and min(values) <= bound <= max(values):
                    word += " within the scatter"
                if self.realtime:
                    word += " (realtime)"
                yield f"goal {word}: {bench}, {row_case}, {server}: {name} {middle:.3g} {sign} {bound}"

    def doubt(self, bench, case, name, ratio):
        """Why a figure may not be used; empty when it may."""
        if name.startswith("x cpu") and ratio < FLOOR_BEATEN:
            return "the floor is beaten"
        if name == "x publishes/s" and ratio > 1 / FLOOR_BEATEN:
            return "the floor is beaten"
        # Of every server of the case: a floor that was disturbed spoils the ratio as well.
        foreign = [
            cores
            for (row_bench, row_case, _), samples in self.rows.items()
            if (row_bench, row_case) == (bench, case)
            for cores in samples.get("foreign cores", {}).values()
        ]
        sensitive = bench == "publish" or any(word in name for word in WALL_FIGURES)
        if sensitive and not self.realtime and foreign and max(foreign) > FOREIGN_CORES_MAX:
            return f"others used up to {max(foreign):.2f} cores"
        return ""

    def as_json(self):
        rows = [
            {
                "bench": bench,
                "case": case,
                "server": server,
                "medians": {n: statistics.median(v.values()) for n, v in samples.items() if v},
                "runs": {n: list(v.values()) for n, v in samples.items()},
            }
            for (bench, case, server), samples in self.rows.items()
        ]
        return {
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": {"cores": os.cpu_count(), "kernel": os.uname().release},
            "load_average": os.getloadavg(),
            "realtime": self.realtime,
            "wrong": self.wrong,
            "goals": list(self.verdicts()),
            "rows": rows,
        }


class Bench:
    """What every figure needs: cores, a folder on a real disk, and how thorough to be."""

    def __init__(self, options):
        self.quick = options.quick
        self.cores = options.cores.split(",")
        self.folder = Path(tempfile.mkdtemp(prefix="data-", dir=options.folder))
        self.report = Report()
        self.rounds_asked = options.rounds
        self.readers_asked = options.readers

    def rounds(self, full):
        return self.rounds_asked or (1 if self.quick else full)

    def say(self, text):
        print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)

    def attempt(self, where, measure, *arguments):
        """A run that goes wrong loses its place in its round, not the others'."""
        self.say(where)
        try:
            measure(self, *arguments)
        except Wrong as reason:
            self.report.fail(where, reason)


# --- fan-out ---------------------------------------------------------------------------------------------


def fan_out_case(readers, size, window):
    return f"{readers} readers, {size} B, {'one' if window == 1 else window} at a time"


def fan_out(bench):
    servers.install_nginx()
    numbers = [bench.readers_asked] if bench.readers_asked else [1000] if bench.quick else [1000, 10000]
    cases = [(n, size, window) for n in numbers for size in (128, 1024) for window in (1, 64)]
    for turn in range(bench.rounds(5)):
        for readers, size, window in cases:
            if turn >= 3 and readers > 1000 and not bench.rounds_asked:
                continue  # 10,000 readers scatter by 3 %, 1,000 by 15 %
            kinds = [Floor, *([CoalescingFloor] if window > 1 else []), Hub, DiskHub, Nchan]
            for kind in kinds:
                where = f"fanout round {turn + 1}: {fan_out_case(readers, size, window)}: {kind.name}"
                bench.attempt(where, one_fan_out, turn, kind, readers, size, window)
    for name in ("cpu us/delivery", "cpu us/publish"):
        bench.report.add_ratios(
            "fanout", name, lambda case: (Floor if "one at" in case else CoalescingFloor).name
        )
    bench.report.add_ratios("fanout", "cpu us/delivery", lambda _: Nchan.name, "x of nchan")


def one_fan_out(bench, turn, kind, readers, size, window):
    """Deliveries cost what N readers cost more than one; the rest is the publish's."""
    seconds = 1 if bench.quick else 3
    used, foreign = [], []
    for count in (readers, 1):
        with kind(bench.cores, bench.folder) as server:
            out = server.load(
                "fanout", get=server.get, post=server.post, readers=count, bytes=size,
                window=window, warm=10 if readers <= 1000 and window == 1 else 3, seconds=seconds,
            )  # fmt: skip
        used.append(out["cpu_us_per_event"])
        foreign.append(out["foreign_cores"])
    bench.report.add(
        "fanout",
        fan_out_case(readers, size, window),
        kind.name,
        turn,
        **{
            "cpu us/delivery": (used[0] - used[1]) / (readers - 1),
            "cpu us/publish": used[1],
            "foreign cores": max(foreign),
        },
    )


# --- idle ------------------------------------------------------------------------------------------------


def idle(bench):
    servers.install_nginx()
    readers = bench.readers_asked or (1000 if bench.quick else 10000)
    for turn in range(bench.rounds(3)):
        for kind in (Floor, Hub, Nchan):
            where = f"idle round {turn + 1}: {readers} readers: {kind.name}"
            bench.attempt(where, one_idle, turn, kind, readers)


def one_idle(bench, turn, kind, readers):
    with kind(bench.cores, bench.folder) as server:
        out = server.load(
            "idle", get=server.get, post=server.post, readers=readers, seconds=3 if bench.quick else 32
        )
    bench.report.add(
        "idle",
        f"{readers} readers",
        kind.name,
        turn,
        **{
            "private dirty KiB/reader": out["private_dirty_kib"],
            "resident KiB/reader": out["resident_kib"],
            "private dirty KiB/reader after an event": out["private_dirty_kib_delivered"],
            "cpu us/connect": out["connect_cpu_us"],
            "idle cpu ms/s": out["idle_cpu_ms"] / out["idle_seconds"],
            "foreign cores": out["foreign_cores"],
        },
    )


# --- publish ---------------------------------------------------------------------------------------------


def publish(bench):
    cases = {"64 publishers": (64, 1), "1 publisher": (1, 1), "1 publisher, 64 pipelined": (1, 64)}
    for turn in range(bench.rounds(5)):
        for case, (publishers, window) in cases.items():
            for kind in (PublishFloor, DiskHub):
                where = f"publish round {turn + 1}: {case}: {kind.name}"
                bench.attempt(where, one_publish, turn, kind, case, publishers, window)
    for name in ("publishes/s", "cpu us/publish"):
        bench.report.add_ratios("publish", name, lambda _: PublishFloor.name)


def one_publish(bench, turn, kind, case, publishers, window):
    with kind(bench.cores, bench.folder) as server:
        check = {"check": server.get + "?after=first"} if isinstance(server, Hub) else {}
        out = server.load(
            "publish", post=server.post, publishers=publishers, window=window, bytes=300,
            seconds=1 if bench.quick else 3, **check,
        )  # fmt: skip
    bench.report.add(
        "publish",
        case + ", 300 B, synced",
        kind.name,
        turn,
        **{
            "publishes/s": out["per_s"],
            "cpu us/publish": out["cpu_us_per_publish"],
            "p50 us": out["p50_us"],
            "p99 us": out["p99_us"],
            "foreign cores": out["foreign_cores"],
        },
    )


# --- catch-up --------------------------------------------------------------------------------------------


def catch_up(bench):
    events = 100_000 if bench.quick else 1_000_000
    stream, lines = ("sse", "SSE"), ("lines", "NDJSON")
    sets = [
        (1, 1000, [(stream, "/t/catchup.0?after=first"), (lines, "/t/catchup.0/tail?after=first")]),
        (100, 20, [(stream, "/stream?topic=catchup.*&after=first")]),
        (5000, 4, [(stream, "/stream?topic=**&after=first")]),
    ]
    for topics, batch, reads in sets:
        where = f"catchup: {events} events in {topics} topics"
        bench.attempt(where, one_catch_up, events, topics, batch, reads)


def one_catch_up(bench, events, topics, batch, reads):
    with DiskHub(bench.cores, bench.folder) as hub:
        hub.load("prepare", events=events, topics=topics, batch=batch)
        hub.wait_until_quiet()
        for turn in range(bench.rounds(5) + 1):
            for (form, form_name), path in reads:
                bench.say(f"catchup round {turn}: {topics} topics, {form_name}")
                out = hub.load("catchup", events=events, topics=topics, get=path, form=form)
                if turn == 0:
                    continue  # it warms the cache
                bench.report.add(
                    "catchup",
                    f"{events} events, {topics} topics, {form_name}",
                    DiskHub.name,
                    turn,
                    **{
                        "cpu us/event": out["cpu_us_per_event"],
                        "events/s": out["events_per_s"],
                        "foreign cores": out["foreign_cores"],
                    },
                )


# --- slow readers ----------------------------------------------------------------------------------------


def slow(bench):
    readers = bench.readers_asked or (100 if bench.quick else 500)
    for turn in range(bench.rounds(7) + bench.quick):
        for stalled in (0, readers):
            where = f"slow round {turn + 1}: {readers} healthy, {stalled} stalled"
            bench.attempt(where, one_slow, turn, readers, stalled)
    healthy, beside = (slow_case(readers, stalled) for stalled in (0, readers))
    for name in ("cpu us/healthy delivery", "late us p50", "late us p99"):
        without = list(bench.report.by_round("slow", healthy, Hub.name, name).values())
        with_slow = list(bench.report.by_round("slow", beside, Hub.name, name).values())
        if without and with_slow:
            middle = statistics.median(without)
            bench.report.add(
                "slow",
                "with / without the slow",
                Hub.name,
                0,
                **{f"x {name}": statistics.median(with_slow) / middle,
                   f"scatter without, {name}": (max(without) - min(without)) / middle},
            )  # fmt: skip


def slow_case(readers, stalled):
    return f"{readers} readers" + (f" beside {stalled} that stopped reading" if stalled else "")


def one_slow(bench, turn, readers, stalled):
    with Hub(bench.cores, bench.folder) as hub:
        # 5 MiB each before measuring: more than both socket buffers of a stalled reader hold.
        out = hub.load(
            "fanout", get=hub.get, post=hub.post, readers=readers, stalled=stalled, bytes=1024,
            fill=160, rate=100, seconds=3 if bench.quick else 8,
        )  # fmt: skip
    if out["stalled_bytes_more"] != 0:
        raise Wrong("the slow readers were not blocked while measuring")
    bench.report.add(
        "slow",
        slow_case(readers, stalled),
        Hub.name,
        turn,
        **{
            "cpu us/healthy delivery": out["cpu_us_per_event"] / readers,
            "late us p50": out["late_us_p50"],
            "late us p99": out["late_us_p99"],
            "late us max": out["late_us_max"],
            "private dirty KiB grown": out["private_dirty_kib_after"] - out["private_dirty_kib_connected"],
            "foreign cores": out["foreign_cores"],
        },
    )


# --- polling ---------------------------------------------------------------------------------------------


CHANGES_A_SECOND = 2


def polling(bench):
    clients = bench.readers_asked or (50 if bench.quick else 200)
    seconds = 5 if bench.quick else 20
    case = f"{clients} clients, {CHANGES_A_SECOND} changes/s, {seconds} s"
    for turn in range(bench.rounds(3)):
        for way in ("SSE", "polling every second"):
            where = f"polling round {turn + 1}: {case}: {way}"
            bench.attempt(where, one_polling, turn, case, way, clients, seconds)
    for name in ("bytes", "server cpu ms", "late ms p50", "late ms p99"):
        bench.report.add_ratios("polling", name, lambda _: "SSE")


def one_polling(bench, turn, case, way, clients, seconds):
    common = {"seconds": seconds, "rate": CHANGES_A_SECOND, "bytes": 300}
    with DiskHub(bench.cores, bench.folder) as hub:
        common |= {"get": hub.get, "post": hub.post}
        if way == "SSE":
            out = hub.load("fanout", readers=clients, **common)
            requests, transferred = clients, out["stream_bytes"]
        else:
            out = hub.load("polling", clients=clients, **common)
            requests, transferred = out["requests"], out["bytes"]
    bench.report.add(
        "polling",
        case,
        way,
        turn,
        requests=requests,
        bytes=transferred,
        **{
            "late ms p50": out["late_us_p50"] / 1e3,
            "late ms p99": out["late_us_p99"] / 1e3,
            "server cpu ms": out["cpu_us"] / 1e3,
            "foreign cores": out["foreign_cores"],
        },
    )


# --- reopen ----------------------------------------------------------------------------------------------


def reopen(bench):
    bench.attempt("reopen: filling", one_reopen, 200_000 if bench.quick else 5_000_000)


def one_reopen(bench, events):
    topics, more = 100, 20_000
    with DiskHub(bench.cores, bench.folder) as hub:
        hub.load("prepare", events=events, topics=topics, batch=100)
        stored = events
        for turn in range(bench.rounds(3)):
            bench.say(f"reopen round {turn + 1}: kill -9 at {stored} events, start")
            seconds, foreign = hub.restart_after_kill()
            figures = {"seconds": seconds, "foreign cores": foreign}
            bench.report.add("reopen", f"{events} events", DiskHub.name, turn, **figures)
            # Something new that is in a journal only, so that the next start has something to replay.
            hub.load("prepare", events=more, topics=topics, batch=100, first=stored // topics)
            stored += more
        hub.restart_after_kill()
        bench.say("reopen: reading everything back")
        hub.load("catchup", events=stored, topics=topics, get="/stream?topic=catchup.*&after=first")


# --- the log itself, and the checker ---------------------------------------------------------------------


def log(bench):
    events = 200_000 if bench.quick else 1_000_000
    for turn in range(bench.rounds(3)):
        for topics in (100, 5000):
            where = f"log round {turn + 1}: {events} events, {topics} topics"
            bench.attempt(where, one_log, turn, events, topics)


def one_log(bench, turn, events, topics):
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        command = [servers.program("carillon_bench_log"), "--dir", f"{folder}/log"]
        command += ["--events", str(events), "--topics", str(topics)]
        neighbours = servers.Neighbours(lambda: 0.0)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        foreign = neighbours.cores()
    if done.returncode != 0:
        raise Wrong(f"exit {done.returncode}: {done.stdout}{done.stderr}")
    out = json.loads(done.stdout) | {"foreign_cores": foreign}
    bench.report.add(
        "log",
        f"{events} events, 300 B, {topics} topics",
        "embedded log",
        turn,
        **{
            "append cpu us/event": out["append_cpu_us"],
            "append and seal cpu us/event": out["append_sealed_cpu_us"],
            "appends/s": out["append_per_s"],
            "read ** cold cpu us/event": out["read_cold_cpu_us"],
            "read ** warm cpu us/event": out["read_warm_cpu_us"],
            "foreign cores": out["foreign_cores"],
        },
    )


def check(bench):
    """The load tool must find each fault of a wrong server, and none in a right one."""
    expected = {
        "none": None, "split": None, "drop": "missing", "double": "doubled", "swap": "reordered",
        "damage": "damaged", "close": "closed",
    }  # fmt: skip
    for fault, member in expected.items():
        kind = type("FaultyFloor", (Floor,), {"fault": fault})
        with kind(bench.cores, bench.folder) as server:
            try:
                server.load("fanout", get=server.get, post=server.post, readers=50, warm=0, window=8,
                            count=10, timeout=2)  # fmt: skip
                found = None
            except Wrong as reason:
                found = str(reason)
        said = json.loads(found[found.index("{") : found.index("}") + 1]) if found else {}
        right = found is None if member is None else said.get(member, 0) > 0
        bench.report.add("check", fault, "faulty floor", 0, found=int(right))
        if not right:
            bench.report.fail(f"check: {fault}", found or "not found")


BENCHES = {
    "check": check,
    "fanout": fan_out,
    "idle": idle,
    "publish": publish,
    "catchup": catch_up,
    "slow": slow,
    "polling": polling,
    "reopen": reopen,
    "log": log,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", choices=[*BENCHES, "all"])
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works")
    parser.add_argument("--json", metavar="FILE", help="medians and every run")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--readers", type=int, default=0, help="another number than the goals'")
    parser.add_argument(
        "--realtime", action="store_true", help="server and load tool before all others (needs root)"
    )
    parser.add_argument("--cores", default="0,1", help="the server's and the load tool's")
    parser.add_argument("--folder", default=str(servers.BUILD / "bench"), help="on the disk to measure")
    options = parser.parse_args()
    servers.raise_open_files()
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    if options.realtime:
        servers.Server.priority = ("chrt", "-f", "1")
        bench.report.realtime = True
    try:
        for name, run in BENCHES.items():
            if options.bench in (name, "all"):
                run(bench)
    finally:
        subprocess.run(["rm", "-rf", str(bench.folder)], check=False)
        bench.report.print_table()
        if options.json:
            Path(options.json).write_text(json.dumps(bench.report.as_json(), indent=1) + "\n")
    return 1 if bench.report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
