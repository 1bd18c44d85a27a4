"""Tests of tools/turn.py: what a lane's programs say is seen, and what hangs is ended."""

import contextlib
import io
import os
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

from turn import EVERYTHING, TookTooLong, Turn


def run(script, seconds=60, silence_seconds=20, **options):
    """(exit code, output, what was seen of it) of a shell script."""
    seen = io.StringIO()
    with contextlib.redirect_stdout(seen):
        turn = Turn("full", seconds, silence_seconds)
        code, output = turn.run(["sh", "-c", script], **options)
    return code, output, seen.getvalue()


class TurnTest(unittest.TestCase):
    def test_a_program_that_succeeds_says_nothing_unasked(self):
        self.assertEqual((0, "a\nb\n", ""), run("echo a; echo b >&2"))

    def test_lines_that_are_asked_for_are_seen_with_their_label(self):
        self.assertEqual("  x: b1\n", run("echo a; echo b1", show=r"^b\d", label="x")[2])
        self.assertEqual("  a\n  b\n", run("echo a; echo b", show=EVERYTHING)[2])

    def test_a_program_that_fails_is_seen_whole_and_once(self):
        self.assertEqual((3, "a\nb\n", "a\nb\n"), run("echo a; echo b; exit 3"))
        self.assertEqual("  a\n  b\n", run("echo a; echo b; exit 3", show=EVERYTHING)[2])

    def test_a_silent_program_shows_where_it_is(self):
        seen = run("echo begun; printf 'half a line'; sleep 0.5", silence_seconds=0.1)[2]

        self.assertRegex(seen, r"^  … 0 s half a line\n")

    def test_a_program_that_hangs_is_ended_with_its_children_and_its_output_seen(self):
        seen = io.StringIO()
        began = time.monotonic()

        with contextlib.redirect_stdout(seen), self.assertRaisesRegex(TookTooLong, "sh: not done"):
            Turn("full", seconds=0.3, silence_seconds=0.1).run(["sh", "-c", "sleep 50 & echo $!; wait"])

        self.assertLess(time.monotonic() - began, 10)
        child = int(seen.getvalue().split()[-1])
        self.assertFalse(alive(child))

    def test_a_program_that_leaves_a_child_behind_is_not_waited_for(self):
        began = time.monotonic()

        code, output, _ = run("sleep 5 & echo done", silence_seconds=0.1)

        self.assertEqual((0, "done\n"), (code, output))
        self.assertLess(time.monotonic() - began, 4)

    def test_a_level_chooses_its_parameter(self):
        self.assertEqual([1, 2, 3], [Turn(level, 1).choose(1, 2, 3) for level in ("quick", "full", "long")])


def alive(child):
    """Whether a process still runs. (One that was killed may wait for its parent to look.)"""
    try:
        os.kill(child, 0)
        return ") Z " not in Path(f"/proc/{child}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


if __name__ == "__main__":
    unittest.main()
