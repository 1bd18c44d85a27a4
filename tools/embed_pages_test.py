"""Tests of tools/embed_pages.py: the binary's pages are the bytes of the files, wherever they lie."""

import ast
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

from embed_pages import literal, source_of


def value_of(text):
    """The bytes of adjacent literals: Python reads the escapes that are used as C++ does."""
    return b"".join(ast.literal_eval("b" + each) for each in re.findall(r'"(?:\\.|[^"\\])*"', text))


class EmbedPagesTest(unittest.TestCase):
    def test_any_bytes_come_back(self):
        for data in (b"", b"\n", b"a\nb", b'"\\?" \t\r\n\0001', bytes(range(256)) * 3, b"x" * 1000):
            self.assertEqual(data, value_of(literal(data)))

    def test_no_trigraph_is_written(self):
        self.assertNotIn("?", literal(b"a ??= b ??/"))

    def test_no_line_is_endless(self):
        self.assertLess(max(map(len, literal(b"\xff" * 100_000).split("\n"))), 300)

    def test_a_file_is_named_by_its_place_and_the_source_is_the_same_in_each_checkout(self):
        sources = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as root:
                page = Path(root, "demo", "index.html")
                page.parent.mkdir()
                page.write_text("<p>§</p>\n")
                sources.append(source_of([Path(root)], [page]))

        self.assertEqual(sources[0], sources[1])
        self.assertIn('{"/demo/index.html", view(kFile0)}', sources[0])
        self.assertIn(r'"<p>\302\247</p>\n"', sources[0])

    def test_files_of_several_roots_are_named_by_their_place_in_their_own(self):
        with tempfile.TemporaryDirectory() as root:
            page, made = Path(root, "web", "index.html"), Path(root, "build", "demo", "yjs.js")
            for file in (page, made):
                file.parent.mkdir(parents=True)
                file.write_text("x")

            source = source_of([page.parent, Path(root, "build")], [page, made])

        self.assertIn('{"/index.html", view(kFile0)}', source)
        self.assertIn('{"/demo/yjs.js", view(kFile1)}', source)

    def test_no_pages_are_an_empty_list(self):
        self.assertIn("kPages = {\n  };", source_of([Path("/")], []))


if __name__ == "__main__":
    unittest.main()
