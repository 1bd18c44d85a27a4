#!/usr/bin/env python3
"""Writes a source that defines embedded_pages(): the bytes of pages as string literals.

embed_pages.py OUTPUT ROOT[:ROOT…] [FILE…]: a file's path in the URL is its path below its ROOT. Nothing
in the output says where a ROOT lies, so that ccache knows it again in another checkout. (Not #embed: ccache 4.7
does not look into what it names, and gives back the object with the old page.)
"""

import sys
from pathlib import Path

LINE_BYTES_MAX = 64  # four characters each at most
# A question mark in octal: two of them could begin a trigraph, of which clang warns.
NAMED = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x3F: "\\077"}

FRAME = """\
// Written by tools/embed_pages.py.
#include "admin/pages.h"

namespace carillon {{
namespace {{

template <size_t N>
std::string_view view(const char (&literal)[N]) {{
  return {{literal, N - 1}};
}}

{arrays}
}}  // namespace

const std::vector<PageFile>& embedded_pages() {{
  static const std::vector<PageFile> kPages = {{
{entries}  }};
  return kPages;
}}

}}  // namespace carillon
"""


def characters(data):
    # Octal, since it ends after three digits: a hexadecimal escape swallows what follows it.
    return "".join(
        NAMED.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in data
    )


def literal(data):
    """Bytes as adjacent string literals, a line each where the text has lines."""
    lines = []
    for line in data.splitlines(keepends=True) or [b""]:
        pieces = range(0, len(line) or 1, LINE_BYTES_MAX)
        lines += [f'    "{characters(line[at : at + LINE_BYTES_MAX])}"' for at in pieces]
    return "\n".join(lines)


def path_in_url(roots, file):
    return next(file.relative_to(root) for root in roots if file.is_relative_to(root)).as_posix()


def source_of(roots, files):
    arrays, entries = "", ""
    for number, file in enumerate(files):
        path = path_in_url(roots, file)
        arrays += f"const char kFile{number}[] =\n{literal(file.read_bytes())};\n"
        entries += f'      {{"/{characters(path.encode())}", view(kFile{number})}},\n'
    return FRAME.format(arrays=arrays, entries=entries)


def main():
    output, roots, *files = sys.argv[1:]
    roots = [Path(root) for root in roots.split(":")]
    Path(output).write_text(source_of(roots, [Path(file) for file in files]))


if __name__ == "__main__":
    main()
