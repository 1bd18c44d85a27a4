#!/usr/bin/env python3
"""Builds the hub in a second checkout, and fails unless ccache has 95 % of what it compiles.

Whoever clones the project beside another copy should not wait for the compiler: nothing that is
compiled may name where its checkout lies. The copy is what git would take into a commit now. When
the cache was cold, the first copy warms it and a second is measured.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HITS_MIN = 0.95
HITS = {"direct_cache_hit", "preprocessed_cache_hit"}


def sources():
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy_sources(checkout):
    for name in sources():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, checkout / name)


def hits_and_calls(log):
    """From ccache's log of statistics: a line `# source` for each call, then its outcomes."""
    calls = [set(call.split("\n")[1:]) for call in ("\n" + log).split("\n# ")[1:]]
    return sum(1 for outcomes in calls if outcomes & HITS), len(calls)


def build_copy():
    """(hits, calls) of a build in a fresh copy, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="carillon-checkout-") as folder:
        checkout, log = Path(folder, "carillon"), Path(folder, "statistics")
        copy_sources(checkout)
        configure = ["cmake", "--preset", "release", "-DCARILLON_TESTS=OFF"]
        subprocess.run(configure, cwd=checkout, check=True, stdout=subprocess.DEVNULL)
        env = {**os.environ, "CCACHE_STATSLOG": str(log)}
        subprocess.run(["ninja", "-C", "build/release", "carillon"], cwd=checkout, env=env, check=True)
        return hits_and_calls(log.read_text())


def main():
    for attempt in ("first", "second"):
        hits, calls = build_copy()
        print(f"ccache: {hits} of {calls} compilations of the {attempt} copy were hits", flush=True)
        if calls and hits >= HITS_MIN * calls:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
