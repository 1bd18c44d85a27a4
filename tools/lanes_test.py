"""Tests of the lanes: what did not run, or not to its end, is never counted as passed."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import lanes
import second_checkout
from turn import ROOT, Turn

GOOD = {"classname": "A", "name": "Good", "result": "COMPLETED"}
BAD = {"classname": "A", "name": "Bad", "result": "COMPLETED", "failures": [{}]}
SKIPPED = {"classname": "A", "name": "Left", "result": "SKIPPED"}
# Passes on its reports as gtest does: `--gtest_output=json:PATH` is its first argument. All its
# tests are in the first of its parts.
PROGRAM = """#!/bin/sh
if [ "$GTEST_SHARD_INDEX" != 0 ]; then
  echo '{"testsuites": []}' >"${1#--gtest_output=json:}"
  exit 0
fi
cat >"${1#--gtest_output=json:}" <<'REPORT'
%s
REPORT
exit %d
"""


class LanesTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.seen = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def unit_test(self, tests, code=0, level="full", report=None):
        """The count of a unit test program with this report."""
        program = self.folder / "some_test"
        whole = json.dumps({"testsuites": [{"testsuite": tests}]})
        program.write_text(PROGRAM % (whole if report is None else report, code))
        program.chmod(0o755)
        return lanes.unit_test(Turn(level, 60), program, {})

    def test_unit_tests_are_counted_from_the_programs_own_report(self):
        self.assertEqual((2, 0), self.unit_test([GOOD, GOOD]))
        self.assertEqual((1, 1), self.unit_test([GOOD, BAD], code=1))

    def test_a_unit_test_program_that_dies_or_runs_nothing_has_failed(self):
        self.assertEqual((1, 1), self.unit_test([GOOD], code=1))
        self.assertEqual((0, 1), self.unit_test([GOOD], code=134, report=""))
        self.assertEqual((0, 1), self.unit_test([]))

    def test_a_unit_test_program_that_is_missing_has_failed(self):
        count = lanes.unit_test(Turn("full", 60), ROOT / "build/none_test", {})

        self.assertEqual((0, 1), count)
        self.assertIn("missing: build/none_test", self.seen.getvalue())

    def test_a_skipped_test_is_named_and_fails_outside_quick(self):
        self.assertEqual((1, 1), self.unit_test([GOOD, SKIPPED]))
        self.assertIn("skipped: A.Left", self.seen.getvalue())
        self.assertEqual((1, 0), self.unit_test([GOOD, SKIPPED], level="quick"))

    def pytest(self, text, level="full"):
        (self.folder / "test_it.py").write_text(text)
        return lanes.pytest(Turn(level, 60), str(self.folder / "test_it.py"))

    def test_tests_in_python_are_counted_from_their_report(self):
        text = "import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('no')\n"

        self.assertEqual((1, 1), self.pytest(text))
        self.assertEqual((1, 0), self.pytest(text, level="quick"))
        self.assertEqual((0, 1), self.pytest("def test_a(): assert False\n"))

    def test_a_file_of_tests_that_cannot_be_read_or_holds_none_has_failed(self):
        self.assertEqual((0, 1), self.pytest("import nothing_of_this_name\n"))
        self.assertEqual((0, 1), self.pytest("pass\n"))

    def test_each_folder_with_unit_tests_has_its_program(self):
        self.assertIn("log_test", lanes.unit_test_programs())
        self.assertNotIn("cmake_test", lanes.unit_test_programs())
        self.assertIn("topic_fuzz", lanes.fuzzers())

    def test_hits_are_counted_from_the_statistics_of_ccache(self):
        log = "# a.cc\ncache_miss\nlocal_storage_write\n# b c.cc\ndirect_cache_hit\n# d.cc\npreprocessed_cache_hit\n"

        self.assertEqual((2, 3), second_checkout.hits_and_calls(log))
        self.assertEqual((0, 0), second_checkout.hits_and_calls(""))


if __name__ == "__main__":
    unittest.main()
