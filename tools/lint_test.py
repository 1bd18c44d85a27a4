"""Tests of tools/lint: a finding fails, and a file is looked at again only when something changed."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LINT = Path(__file__).with_name("lint")
# Finds what is called bad. Its last argument is the source.
TOOL = """#!/bin/sh
for source; do :; done
if grep -n bad "$source"; then echo '2 warnings generated.' >&2; exit 1; fi
"""


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.write("tool", TOOL)
        (self.root / "tool").chmod(0o755)
        self.write(".clang-tidy", "Checks: '*'")
        self.write("src/a/x.h", "int x();\n")
        self.write("src/a/x.cc", "int x() { return 1; }\n")
        self.write("src/a/x_test.cc", "bad, but a test\n")
        self.write("bench/y.cc", "int y;\n")
        self.compile("src/a/x.cc", "bench/y.cc")

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def compile(self, *names, command="clang++ -c"):
        entries = [
            {"directory": str(self.root), "file": str(self.root / name), "command": command}
            for name in names
        ]
        self.write("build/release/compile_commands.json", json.dumps(entries))

    def lint(self):
        """(exit code, lines) of a run."""
        words = [sys.executable, "-B", LINT, "--root", self.root, "--tool", self.root / "tool"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        self.assertEqual("", done.stderr)
        return done.returncode, done.stdout.splitlines()

    def looked_at(self):
        return {line.split()[1] for line in self.lint()[1][:-1]}

    def test_a_clean_tree_is_looked_at_once(self):
        self.assertEqual({"src/a/x.cc", "bench/y.cc"}, self.looked_at())
        self.assertEqual((0, ["lint: 0 of 2 files have findings; 2 were clean before"]), self.lint())

    def test_a_finding_fails_each_time_until_it_is_mended(self):
        self.write("src/a/x.cc", "bad\n")

        for _ in range(2):
            code, lines = self.lint()
            self.assertEqual(1, code)
            self.assertIn("1:bad", lines)
            self.assertNotIn("2 warnings generated.", lines)
        self.write("src/a/x.cc", "good\n")
        self.assertEqual(0, self.lint()[0])

    def test_a_change_of_a_file_is_looked_at_and_a_change_of_headers_or_checks_is_for_all(self):
        self.lint()

        self.write("bench/y.cc", "int z;\n")
        self.assertEqual({"bench/y.cc"}, self.looked_at())
        self.write("src/a/x.h", "long x();\n")
        self.assertEqual({"src/a/x.cc", "bench/y.cc"}, self.looked_at())
        self.write(".clang-tidy", "Checks: 'a'")
        self.assertEqual({"src/a/x.cc", "bench/y.cc"}, self.looked_at())
        self.compile("src/a/x.cc", "bench/y.cc", command="clang++ -O2 -c")
        self.assertEqual({"src/a/x.cc", "bench/y.cc"}, self.looked_at())

    def test_a_file_that_no_target_compiles_is_a_finding(self):
        self.write("src/a/lost.cc", "int lost;\n")

        code, lines = self.lint()

        self.assertEqual(1, code)
        self.assertIn("src/a/lost.cc: no target compiles it", lines)


if __name__ == "__main__":
    unittest.main()
