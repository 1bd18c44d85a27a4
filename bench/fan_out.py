"""The benches of many readers: what a delivery costs, and what an idle reader does."""

import itertools

from report import READERS
from servers import CoalescingFloor, DiskHub, Floor, Hub, Nchan
from steps import Step, start_seconds, where

IDLE_SECONDS = 32  # two heartbeats are in them
# Longer than any run: pings to 10,000 WebSockets in the middle of one would be noise.
LONG_HEARTBEAT = "10m"
# (readers, bytes of an event, events at a time)
EVERY_SHAPE = list(itertools.product((1000, 10000), (128, 1024), (1, 64)))
FULL = {
    "sse": EVERY_SHAPE,
    "websocket": EVERY_SHAPE,
    "deflate": [(10000, 128, 1), (10000, 1024, 1), (1000, 128, 64), (1000, 1024, 64)],
    "session": [(10000, 128, 1), (1000, 128, 1), (1000, 128, 64)],
}
BRIEF = {
    "sse": [(10000, 128, 1), (1000, 128, 1), (1000, 128, 64)],
    "websocket": [(10000, 128, 1), (1000, 128, 64)],
    "deflate": [(10000, 128, 1), (1000, 128, 64)],
    "session": [(1000, 128, 1)],
}


def connect_seconds(form, readers):
    return readers * (1e-3 if form == "session" else 4e-4)


# --- fan-out -------------------------------------------------------------------------------------


def fan_out_case(form, readers, size, window):
    return f"{readers} {READERS[form]}, {size} B, {'one' if window == 1 else window} at a time"


def fan_out_cases(bench):
    """(form, readers, size, window)"""
    for form in bench.forms:
        small = sorted({(1000, size, window) for _, size, window in FULL[form]})
        cases = bench.choose(FULL[form], BRIEF[form], small)
        if bench.readers_asked:
            cases = [(bench.readers_asked, size, window) for _, size, window in small]
        yield from ((form, *case) for case in cases)


def fan_out_kinds(bench, form, window):
    if bench.extent == "brief" and form in ("sse", "websocket"):
        return [CoalescingFloor if window > 1 else Floor, Hub, Nchan]
    if bench.extent == "brief":
        return [CoalescingFloor if window > 1 else Floor, Hub]
    beside = {"sse": [DiskHub, Nchan], "session": []}.get(form, [Nchan])
    return [Floor, *([CoalescingFloor] if window > 1 else []), Hub, *beside]


def fan_out_seconds(bench):
    return bench.choose(full=3, brief=2, quick=1)


def fan_out(bench):
    for turn in range(bench.rounds(5)):
        for form, readers, size, window in fan_out_cases(bench):
            if turn >= 3 and readers > 1000 and not bench.rounds_asked:
                continue  # 10,000 readers scatter by 3 %, 1,000 by 15 %
            for kind in fan_out_kinds(bench, form, window):
                seconds = 2 * (start_seconds(kind) + fan_out_seconds(bench) + 0.8)
                seconds += connect_seconds(form, readers)
                case = fan_out_case(form, readers, size, window)
                arguments = (turn, kind, form, readers, size, window)
                yield Step(seconds, where("fanout", turn, case, kind.name), one_fan_out, arguments)


def one_fan_out(bench, turn, kind, form, readers, size, window):
    """Deliveries cost what N readers cost more than one; the rest is the publish's."""
    warm = 10 if readers <= 1000 and window == 1 else 3
    heartbeat = "" if form == "sse" else LONG_HEARTBEAT
    used, foreign = [], []
    for count in (readers, 1):
        with kind(bench.cores, bench.folder, form=form, heartbeat=heartbeat) as server:
            out = server.load(
                "fanout",
                **server.reading(),
                readers=count,
                bytes=size,
                window=window,
                warm=warm,
                seconds=fan_out_seconds(bench),
            )
        used.append(out["cpu_us_per_event"])
        foreign.append(out["foreign_cores"])
    bench.report.add(
        "fanout",
        fan_out_case(form, readers, size, window),
        kind.name,
        turn,
        **{
            "cpu us/delivery": (used[0] - used[1]) / (readers - 1),
            "cpu us/publish": used[1],
            "foreign cores": max(foreign),
        },
    )


# --- idle ----------------------------------------------------------------------------------------


def idle(bench):
    readers = bench.readers_asked or bench.choose(10000, 10000, 1000)
    seconds = bench.choose(full=IDLE_SECONDS, brief=3, quick=3)
    for turn in range(bench.rounds(3)):
        for form in ("sse", "websocket"):
            if form not in bench.forms:
                continue
            case = f"{readers} {READERS[form]}"
            for kind in bench.choose((Floor, Hub, Nchan), (Hub, Nchan), (Floor, Hub, Nchan)):
                guess = start_seconds(kind) + seconds + 2 + connect_seconds(form, readers)
                place = where("idle", turn, case, kind.name)
                yield Step(guess, place, one_idle, (turn, kind, form, case, readers, seconds))


def one_idle(bench, turn, kind, form, case, readers, seconds):
    with kind(bench.cores, bench.folder, form=form) as server:
        out = server.load("idle", **server.reading(), readers=readers, seconds=seconds)
    figures = {
        "private dirty KiB/reader": out["private_dirty_kib"],
        "resident KiB/reader": out["resident_kib"],
        "private dirty KiB/reader after an event": out["private_dirty_kib_delivered"],
        "cpu us/connect": out["connect_cpu_us"],
        "foreign cores": out["foreign_cores"],
    }
    if seconds >= IDLE_SECONDS:
        figures["idle cpu ms/s"] = out["idle_cpu_ms"] / out["idle_seconds"]
    bench.report.add("idle", case, kind.name, turn, **figures)
