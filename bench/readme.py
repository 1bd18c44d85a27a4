"""The figures of the README, made from what runs wrote by --json: same files, same tables."""

import re
from pathlib import Path
from typing import NamedTuple

from report import GOALS, SSE, Report, median

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


class Shape(NamedTuple):
    """How a goal's figure is shown: `what` has {case}, and a format for each number."""

    what: str
    ratio: tuple = ()  # its figure and format
    absolute: tuple = ()
    goal: str = ""


SLOW_GOAL = "± {:.1%}, the scatter of the run"
SHAPES = {
    ("fanout", "x cpu us/delivery"): Shape(
        "deliver to {case}",
        ("x cpu us/delivery", "{:.2f} x the floor"),
        ("cpu us/delivery", "{:.3g} µs CPU"),
        "≤ {:.2f} x",
    ),
    ("fanout", "x of nchan"): Shape(
        "deliver to {case}",
        ("x of nchan", "{:.2g} x nginx + nchan"),
        ("cpu us/delivery", "{:.3g} µs CPU"),
        "< {:.0f} x",
    ),
    ("roundtrip", "x cpu us/round trip"): Shape(
        "publish and read back, {case}",
        ("x cpu us/round trip", "{:.2f} x a bare echo"),
        ("cpu us/round trip", "{:.3g} µs CPU"),
        "≤ {:.1f} x",
    ),
    ("idle", "private dirty KiB/reader"): Shape(
        "memory of an idle reader, {case}",
        ("x of nchan", "{:.2g} x nginx + nchan"),
        ("private dirty KiB/reader", "{:.2f} KiB"),
        "≤ {:.0f} KiB",
    ),
    ("publish", "x publishes/s"): Shape(
        "publish, {case}",
        ("x publishes/s", "{:.2f} x the floor's rate"),
        ("publishes/s", "{:,.0f}/s"),
        "≥ {:.1f} x",
    ),
    ("catchup", "cpu us/event"): Shape(
        "catch up, {case}",
        ("x cpu us/event", "{:.2f} x the floor"),
        ("cpu us/event", "{:.2f} µs CPU an event"),
        "≤ {:.0f} µs",
    ),
    ("slow", "change of cpu us/healthy delivery"): Shape(
        "{case}: CPU a delivery",
        ("change of cpu us/healthy delivery", "{:+.1%}"),
        ("cpu us/healthy delivery", "{:.3g} µs"),
        SLOW_GOAL,
    ),
    ("slow", "change of late us p50"): Shape(
        "{case}: lateness, median",
        ("change of late us p50", "{:+.1%}"),
        ("late us p50", "{:,.0f} µs"),
        SLOW_GOAL,
    ),
    ("log", "append cpu us/event"): Shape(
        "append to the log at 100 a commit, {case}",
        (),
        ("append cpu us/event", "{:.2f} µs CPU an event"),
        "≤ {:.0f} µs",
    ),
    ("reopen", "seconds"): Shape(
        "reopen after kill -9, {case}", (), ("seconds", "{:.2f} s"), "≤ {:.0f} s"
    ),
}
POLLING_COLUMNS = {
    "requests": ("requests", lambda value: f"{value:,.0f}"),
    "bytes": ("bytes", lambda value: f"{value / 1e6:.2f} MB"),
    "staleness, median": ("late ms p50", lambda value: f"{value:.3g} ms"),
    "staleness, p99": ("late ms p99", lambda value: f"{value:.3g} ms"),
    "server CPU": ("server cpu ms", lambda value: f"{value:,.0f} ms"),
}


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def people_read(case):
    """Thousands with commas, and readers of which kind."""
    case = re.sub(r"\d{4,}", lambda number: f"{int(number[0]):,}", case)
    return re.sub(r"^([\d,]+) readers", r"\1 SSE readers", case)


def shown(samples, name_and_form):
    if not name_and_form or not samples.get(name_and_form[0]):
        return ""
    name, form = name_and_form
    return form.format(median(samples[name]))


def figure_row(verdict):
    shape = SHAPES[verdict.goal.bench, verdict.goal.figure]
    ratio = shown(verdict.samples, shape.ratio)
    absolute = shown(verdict.samples, shape.absolute)
    word = verdict.word
    if word.startswith("NO VERDICT"):
        word = word.replace("NO VERDICT (", "no verdict: ", 1).replace(")", "", 1)
    elif word.startswith("MISSED"):
        word = word.replace("MISSED", "**missed**", 1)
    return row(
        shape.what.format(case=people_read(verdict.case)),
        f"{ratio} ({absolute})" if ratio else absolute,
        shape.goal.format(verdict.bound),
        word.replace(" within", ", within"),
    )


def latest(reports, rows_of):
    """What `rows_of` yields of each report, (key, value); of one key the youngest."""
    found = {}
    for report in sorted(reports, key=lambda one: one.when):
        for key, value in rows_of(report):
            found[key] = value
    return found


def verdicts_by_place(report):
    cases = list(report.rows)
    for verdict in report.verdicts():
        goal = verdict.goal
        place = cases.index((goal.bench, verdict.case, goal.server))
        yield (goal.bench, verdict.case, goal.figure), (place, verdict)


def figures_table(reports):
    """A row a figure: in the order of the goals' benches, and in a bench by case."""
    benches = list(dict.fromkeys(goal.bench for goal in GOALS))
    found = latest(reports, verdicts_by_place)
    order = sorted(found.items(), key=lambda item: (benches.index(item[0][0]), item[1][0]))
    lines = [row("what", "figure", "goal", "verdict"), row("---", "---", "---", "---")]
    lines += [figure_row(verdict) for _, (_, verdict) in order]
    missing = [bench for bench in benches if bench not in {key[0] for key in found}]
    return lines, [verdict for _, (_, verdict) in order], missing


def polling_rows(report):
    for (bench, case, way), samples in report.rows.items():
        if bench == "polling":
            yield (case, way), samples


def polling_table(reports):
    lines = []
    found = latest(reports, polling_rows)
    for case in dict.fromkeys(case for case, _ in found):
        lines += ["", row(case, *POLLING_COLUMNS), row(*["---"] * (1 + len(POLLING_COLUMNS)))]
        # SSE first: it is what the others are compared with.
        ways = sorted((way for of, way in found if of == case), key=lambda way: way != SSE)
        for way in ways:
            samples = found[case, way]
            cells = []
            for name, form in POLLING_COLUMNS.values():
                value = form(median(samples[name])) if samples.get(name) else "–"
                ratio = samples.get(f"x {name}")
                if way != SSE and ratio:
                    value = f"{median(ratio):.3g} x ({value})"
                cells.append(value)
            lines.append(row(way, *cells))
    return lines


def rounds_text(verdicts):
    counts = [len(verdict.samples[verdict.goal.figure]) for verdict in verdicts]
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least} to {most}"


def conditions(reports, verdicts):
    """When, and on what class of machine; no names of hosts."""
    dates = sorted({report.when[:10] for report in reports})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    cores = reports[0].machine["cores"]
    kernel = re.match(r"[\d.]*\d", reports[0].machine["kernel"])[0]
    rounds = f" of {rounds_text(verdicts)} interleaved rounds" if verdicts else ""
    return (
        f"{when}, {cores} cores, Linux {kernel}: medians{rounds}, server and load tool on a core "
        "each. In brackets: absolute figures, which are this machine's."
    )


def tables(reports):
    lines, verdicts, missing = figures_table(reports)
    lines += polling_table(reports)
    lines += ["", conditions(reports, verdicts)]
    # Where, not why: that is for whoever runs it.
    wrong = [": ".join(text.split(": ")[:3]) for report in reports for text in report.wrong]
    if wrong:
        lines += ["", f"Runs that went wrong, so without a figure: {'; '.join(wrong)}."]
    if missing:
        lines += ["", f"Goals that were not measured: {', '.join(missing)}."]
    return "\n".join(lines)


def check_sources(paths, reports):
    if len({str(report.machine) for report in reports}) > 1:
        raise SystemExit("figures of different machines do not stand in one table")
    for path, report in zip(paths, reports, strict=True):
        if report.extent == "quick":
            raise SystemExit(f"{path} is of --quick, which is never a figure")


def write(paths, page):
    """Puts the tables between the marks of `page`; says whether anything changed."""
    reports = [Report.read(path) for path in paths]
    check_sources(paths, reports)
    page = Path(page)
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{page} has no {BEGIN} … {END}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = f"{before}{BEGIN}\n{tables(reports)}\n{END}{after}"
    if made != text:
        page.write_text(made)
    print(f"{page}: {'written' if made != text else 'as it was'}")
    return 0
