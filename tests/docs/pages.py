"""The pages of the documentation, and their code blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
# Folders that hold no pages of ours, by whatever made them.
NO_PAGES = {"build", "node_modules", "carillon-data"}


def all_pages():
    for page in sorted(ROOT.rglob("*.md")):
        parts = page.relative_to(ROOT).parts
        if not any(part in NO_PAGES or part.startswith(".") for part in parts):
            yield page


PAGES = list(all_pages())
BLOCK = re.compile(
    r"(?P<before>[^\n]*)\n(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)\n *```", re.S
)


def blocks(page, *languages):
    """The code blocks of a page, without those that are marked `<!-- not run: why -->`."""
    for found in BLOCK.finditer("\n" + page.read_text()):
        if found["language"] in languages and not is_marked(found):
            yield found["text"]


def is_marked(block):
    return re.match(r" *<!-- not run: \w.* -->$", block["before"]) is not None


def name_of(page):
    return str(page.relative_to(ROOT))


def source(name):
    return (ROOT / "src" / name).read_text()
