#!/usr/bin/env python3
"""Takes the figures of the README, as ratios of one interleaved run.

run.py BENCH … [--brief | --quick] [--json FILE]: runs benches; `all` is every one of them.
run.py readme --json FILE …: writes what these files say into the README.

bench/README.md says what each row means.
"""

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import readme
import servers
from fan_out import fan_out, idle
from report import BESIDE, EMBEDDED_LOG, READERS, SSE
from servers import CatchUpFloor, DiskHub, Echo, Floor, Hub, PublishFloor, Wrong
from steps import BRIEF_MINUTES, Bench, Step, start_seconds, where

# --- publish -------------------------------------------------------------------------------------


def publish(bench):
    cases = {"64 publishers": (64, 1), "1 publisher": (1, 1), "1 publisher, 64 pipelined": (1, 64)}
    if bench.extent == "brief":
        cases = {"64 publishers": (64, 1)}
    for turn in range(bench.rounds(5)):
        for name, (publishers, window) in cases.items():
            for kind in (PublishFloor, DiskHub):
                case = name + ", 300 B, synced"
                place = where("publish", turn, case, kind.name)
                guess = start_seconds(kind) + bench.choose(5, 5, 2.5)
                yield Step(guess, place, one_publish, (turn, kind, case, publishers, window))


def one_publish(bench, turn, kind, case, publishers, window):
    with kind(bench.cores, bench.folder) as server:
        check = {"check": server.get + "?after=first"} if isinstance(server, Hub) else {}
        out = server.load(
            "publish",
            post=server.post,
            publishers=publishers,
            window=window,
            bytes=300,
            seconds=bench.choose(3, 3, 1),
            **check,
        )
    bench.report.add(
        "publish",
        case,
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


# --- round trips ---------------------------------------------------------------------------------


TRIPS_A_SECOND = 5000


def round_trip(bench):
    """A session that reads its own publishes back, and an echo that is sent the same frames."""
    seconds = bench.choose(full=3, brief=2, quick=1)
    for turn in range(bench.rounds(5)):
        for size in bench.choose((128, 1024), (128,), (128,)):
            case = f"one session, {size} B, {TRIPS_A_SECOND}/s"
            # Now the one first, now the other: which of them a drifting machine meets is even.
            for kind in (Echo, Hub) if turn % 2 == 0 else (Hub, Echo):
                place = where("roundtrip", turn, case, kind.name)
                arguments = (turn, kind, case, size, seconds)
                yield Step(start_seconds(kind) + seconds + 1.5, place, one_round_trip, arguments)


def one_round_trip(bench, turn, kind, case, size, seconds):
    form = "session" if kind is Hub else "websocket"
    with kind(bench.cores, bench.folder, form=form) as server:
        out = server.load(
            "roundtrip",
            get=server.get,
            form=form,
            topic=server.topic,
            bytes=size,
            rate=TRIPS_A_SECOND,
            count=TRIPS_A_SECOND * seconds,
        )
    bench.report.add(
        "roundtrip",
        case,
        kind.name,
        turn,
        **{
            "cpu us/round trip": out["cpu_us_per_round_trip"],
            "round trips/s": out["per_s"],
            "p50 us": out["p50_us"],
            "p99 us": out["p99_us"],
            "foreign cores": out["foreign_cores"],
        },
    )


# --- catch-up ------------------------------------------------------------------------------------


FORMS = {"sse": SSE, "lines": "NDJSON"}


def catch_up_case(events, topics, form):
    return f"{events} events, {topics} topic{'s' if topics > 1 else ''}, {FORMS[form]}"


def catch_up(bench):
    events = bench.choose(1_000_000, 1_000_000, 100_000)
    sets = [
        (1, 1000, {"sse": "/t/catchup.0?after=first", "lines": "/t/catchup.0/tail?after=first"}),
        (100, 20, {"sse": "/stream?topic=catchup.*&after=first"}),
        (5000, 4, {"sse": "/stream?topic=**&after=first"}),
    ]
    rounds = bench.rounds(5)
    for topics, batch, reads in sets:
        millions = events / 1e6
        filling = 5 + millions * (10 if topics < 5000 else 45)
        readings = millions * len(reads) * (7 + 4 * rounds)
        place = f"catchup: {events} events, {topics} topics"
        arguments = (rounds, events, topics, batch, reads)
        yield Step(filling + readings, place, catch_up_of_topics, arguments)


def catch_up_of_topics(bench, rounds, events, topics, batch, reads):
    """The hub and a floor for each form lie filled beside each other, and are read in turn."""
    with contextlib.ExitStack() as running:
        hub = running.enter_context(DiskHub(bench.cores, bench.folder))
        hub.load("prepare", events=events, topics=topics, batch=batch)
        hub.wait_until_quiet()
        floors = {}
        for form, path in reads.items():
            # A first reading warms the cache; it also says how long the hub's frames are.
            out = hub.load("catchup", events=events, topics=topics, get=path, form=form)
            floor = CatchUpFloor(
                bench.cores,
                bench.folder,
                events=events,
                topics=topics,
                batch=batch,
                form=form,
                frame_bytes=round(out["bytes_per_event"]),
            )
            floors[form] = running.enter_context(floor)
        for turn in range(rounds):
            for form, path in reads.items():
                for server, get in ((floors[form], floors[form].get), (hub, path)):
                    place = where("catchup", turn, catch_up_case(events, topics, form), server.name)
                    bench.say(place)
                    bench.attempt(place, one_catch_up, turn, server, get, events, topics, form)


def one_catch_up(bench, turn, server, get, events, topics, form):
    out = server.load("catchup", events=events, topics=topics, get=get, form=form)
    bench.report.add(
        "catchup",
        catch_up_case(events, topics, form),
        server.name,
        turn,
        **{
            "cpu us/event": out["cpu_us_per_event"],
            "events/s": out["events_per_s"],
            "bytes/event": out["bytes_per_event"],
            "foreign cores": out["foreign_cores"],
        },
    )


# --- slow readers --------------------------------------------------------------------------------


def slow(bench):
    readers = bench.readers_asked or bench.choose(500, 500, 100)
    # Scatter wants rounds more than it wants seconds.
    seconds = bench.choose(full=8, brief=5, quick=3)
    for turn in range(bench.rounds(7, brief=5, quick=2)):
        # Now the one first, now the other: a machine that drifts is not the slow readers' doing.
        for stalled in (0, readers) if turn % 2 == 0 else (readers, 0):
            place = where("slow", turn, slow_case(readers, stalled), Hub.name)
            guess = start_seconds(Hub) + 3 + readers / 125 + seconds
            yield Step(guess, place, one_slow, (turn, readers, stalled, seconds))


def slow_case(readers, stalled):
    return f"{readers} readers" + (f"{BESIDE}{stalled} that stopped reading" if stalled else "")


def one_slow(bench, turn, readers, stalled, seconds):
    with Hub(bench.cores, bench.folder) as hub:
        # 5 MiB each before measuring: more than both socket buffers of a stalled reader hold.
        out = hub.load(
            "fanout",
            get=hub.get,
            post=hub.post,
            readers=readers,
            stalled=stalled,
            bytes=1024,
            fill=160,
            rate=100,
            seconds=seconds,
        )
        ended = hub.stalled_and_ended()
    if out["stalled_bytes_more"] != 0:
        raise Wrong("the slow readers were not blocked while measuring")
    if ended != 0:
        raise Wrong(f"the hub ended {ended:.0f} slow readers before the measurement was over")
    grown = out["private_dirty_kib_after"] - out["private_dirty_kib_connected"]
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
            "private dirty KiB grown": grown,
            "foreign cores": out["foreign_cores"],
        },
    )


# --- polling -------------------------------------------------------------------------------------


CHANGES_A_SECOND = 2


def polling(bench):
    clients = bench.readers_asked or bench.choose(200, 200, 50)
    seconds = bench.choose(20, 20, 5)
    case = f"{clients} clients, {CHANGES_A_SECOND} changes/s, {seconds} s"
    for turn in range(bench.rounds(3)):
        for way in (SSE, "polling every second"):
            place = where("polling", turn, case, way)
            arguments = (turn, case, way, clients, seconds)
            yield Step(start_seconds(DiskHub) + 1.5 + seconds, place, one_polling, arguments)


def one_polling(bench, turn, case, way, clients, seconds):
    common = {"seconds": seconds, "rate": CHANGES_A_SECOND, "bytes": 300}
    with DiskHub(bench.cores, bench.folder) as hub:
        common |= {"get": hub.get, "post": hub.post}
        if way == SSE:
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
        **{
            "requests": requests,
            "bytes": transferred,
            "late ms p50": out["late_us_p50"] / 1e3,
            "late ms p99": out["late_us_p99"] / 1e3,
            "server cpu ms": out["cpu_us"] / 1e3,
            "foreign cores": out["foreign_cores"],
        },
    )


# --- reopen --------------------------------------------------------------------------------------


def reopen(bench):
    events = bench.choose(5_000_000, 5_000_000, 200_000)
    rounds = bench.rounds(3)
    place = f"reopen: {events} events: {DiskHub.name}"
    yield Step(10 + events / 5e4 + 3 * rounds, place, one_reopen, (events, rounds))


def one_reopen(bench, events, rounds):
    topics, more = 100, 20_000
    with DiskHub(bench.cores, bench.folder) as hub:
        hub.load("prepare", events=events, topics=topics, batch=100)
        stored = events
        for turn in range(rounds):
            bench.say(f"reopen round {turn + 1}: kill -9 at {stored} events, start")
            seconds, foreign = hub.restart_after_kill()
            figures = {"seconds": seconds, "foreign cores": foreign}
            bench.report.add("reopen", f"{events} events", DiskHub.name, turn, **figures)
            # Something new that is in a journal only: the next start has something to replay.
            hub.load("prepare", events=more, topics=topics, batch=100, first=stored // topics)
            stored += more
        hub.restart_after_kill()
        bench.say("reopen: reading everything back")
        path = "/stream?topic=catchup.*&after=first"
        hub.load("catchup", events=stored, topics=topics, get=path)


# --- the log itself, and the checker -------------------------------------------------------------


def log(bench):
    events = bench.choose(1_000_000, 500_000, 200_000)
    for turn in range(bench.rounds(3)):
        for topics in (100, 5000):
            case = f"{events} events, 300 B, {topics} topics"
            place = where("log", turn, case, EMBEDDED_LOG)
            yield Step(4 + events / 3e4, place, one_log, (turn, case, events, topics))


def one_log(bench, turn, case, events, topics):
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
        case,
        EMBEDDED_LOG,
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


FAULTS = {
    "none": None,
    "split": None,
    "drop": "missing",
    "double": "doubled",
    "swap": "reordered",
    "damage": "damaged",
    "close": "closed",
}


def check(_):
    """The load tool must find each fault of a wrong server, and none in a right one."""
    for form in READERS:
        for fault, member in FAULTS.items():
            if (form, fault) == ("session", "swap"):
                continue  # two that follow each other are of two topics: these have no order
            yield Step(1, f"check: {form}, {fault}", one_check, (form, fault, member))


def one_check(bench, form, fault, member):
    kind = type("FaultyFloor", (Floor,), {"fault": fault})
    with kind(bench.cores, bench.folder, form=form) as server:
        try:
            server.load(
                "fanout",
                **server.reading(),
                readers=50,
                warm=0,
                window=8,
                count=10,
                timeout=2,
            )
            found = None
        except Wrong as reason:
            found = str(reason)
    outcome = re.search(r"\{.*?\}", found or "")
    said = json.loads(outcome[0]) if outcome else {}
    right = found is None if member is None else said.get(member, 0) > 0
    bench.report.add("check", f"{form}, {fault}", "faulty floor", 0, found=int(right))
    if not right:
        raise Wrong(found or "not found")


# In the order in which `all` takes them: last what is still worth something when time runs out.
BENCHES = {
    "check": check,
    "publish": publish,
    "fanout": fan_out,
    "roundtrip": round_trip,
    "catchup": catch_up,
    "log": log,
    "idle": idle,
    "reopen": reopen,
    "polling": polling,
    "slow": slow,
}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bench", nargs="+", choices=[*BENCHES, "all", "readme"])
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--brief",
        action="store_true",
        help=f"three rounds of what the goals are judged by, in {BRIEF_MINUTES} minutes at most",
    )
    extent.add_argument(
        "--quick", action="store_true", help="one short round: whether it works, never a figure"
    )
    parser.add_argument("--json", metavar="FILE", nargs="+", help="medians and every run")
    parser.add_argument("--minutes", type=float, default=0, help="leave out what takes longer")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--readers", type=int, default=0, help="another number than the goals'")
    parser.add_argument(
        "--forms",
        default=",".join(READERS),
        help="how the readers of fanout and idle read: some of %(default)s",
    )
    parser.add_argument(
        "--realtime", action="store_true", help="server and load tool before all others (as root)"
    )
    parser.add_argument("--cores", default="0,1", help="the server's and the load tool's")
    parser.add_argument(
        "--folder", default=str(servers.BUILD / "bench"), help="on the disk to measure"
    )
    parser.add_argument(
        "--readme", metavar="FILE", default=str(servers.ROOT / "README.md"), help="another page"
    )
    options = parser.parse_args()
    if "readme" in options.bench:
        if options.bench != ["readme"] or not options.json:
            parser.error("readme stands alone, with --json FILE …")
    elif options.json and len(options.json) > 1:
        parser.error("a run writes one --json FILE")
    if not set(options.forms.split(",")) <= set(READERS):
        parser.error(f"--forms knows {', '.join(READERS)}")
    return options


def main():
    options = parse_arguments()
    if options.bench == ["readme"]:
        return readme.write(options.json, options.readme)
    chosen = [name for name in BENCHES if name in options.bench or "all" in options.bench]
    servers.raise_open_files()
    if {"fanout", "idle"} & set(chosen):
        servers.install_nginx()
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    if options.realtime:
        servers.Server.priority = ("chrt", "-f", "1")
    try:
        bench.run([step for name in chosen for step in BENCHES[name](bench)])
    finally:
        subprocess.run(["rm", "-rf", str(bench.folder)], check=False)
        bench.keep()
        bench.report.print_table()
    return 1 if bench.report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
