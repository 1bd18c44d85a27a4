"""What tools/tidy reads: the files of a tree, and views of each for rules to look at.

C++ is read by one regular expression that knows comments and literals, and by counting braces. (Not
by clang: a look at 500 files must take a second, and work on a tree that does not compile.)
"""

import io
import os
import re
import tokenize
from functools import cached_property
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".cache", "__pycache__", "build", "carillon-data", "node_modules"}
# Other people's bytes, or bytes that are odd on purpose.
# bench, crash and simulation are begun: each leaves this list with its lane.
FOREIGN_FOLDERS = {"bench", "crash", "simulation", "corpus", "testdata", "third_party", "vendor"}

KINDS = {
    ".h": "cpp",
    ".cc": "cpp",
    ".py": "python",
    ".js": "script",
    ".mjs": "script",
    ".sh": "shell",
    ".cmake": "cmake",
    ".md": "page",
    ".html": "page",
    ".css": "style",
    ".toml": "config",
    ".yml": "config",
    ".yaml": "config",
    ".json": "json",
    ".lock": "lock",
}
COMMENT_STARTS = {
    "script": r"//|/\*|^[ \t]*\*",
    "page": r"<!--",
    "style": r"/\*",
    "shell": r"#",
    "cmake": r"#",
    "config": r"#",
}

# lastgroup of a match is one of these four: `mark` lies inside `raw`, which closes last.
CPP_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>(?<!\w)(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<literal>"(?:\\.|[^"\\\n])*"|(?<!\w)(?:u8|[uUL])?'(?:\\.|[^'\\\n])*')
      | (?P<number>(?<!\w)\d(?:[\w.]|'\w)*)""",
    re.VERBOSE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
BRANCH = re.compile(r"^[ \t]*#[ \t]*(if|el|endif)")


def blank(text):
    """`text` as spaces, its lines kept, so that places stay what they are."""
    return re.sub(r"[^\n]", " ", text)


def blank_literal(text):
    return '"' + blank(text[1:-1]) + '"'


def blank_second_branches(code):
    """Without what follows #else and #elif: the braces of both branches together need not match."""
    depth, hidden_at, lines = 0, None, []
    for line in code.split("\n"):
        found = BRANCH.match(line)
        word = found[1] if found else ""
        if word == "if":
            depth += 1
        elif word == "el" and hidden_at is None:
            hidden_at = depth
        elif word == "endif":
            hidden_at = None if hidden_at == depth else hidden_at
            depth -= 1
        lines.append(line if hidden_at is None else blank(line))
    return "\n".join(lines)


def python_comments(text):
    """(start, end) of each comment; none when the file does not parse."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                start = starts[token.start[0] - 1] + token.start[1]
                yield start, start + len(token.string)
    except (tokenize.TokenError, SyntaxError):
        return


class Source:
    """One text file, and the views of it that rules look at. All views have the same places."""

    def __init__(self, path, data, kind):
        self.path, self.kind = path, kind
        self.parts = path.split("/")
        self.name = self.parts[-1]
        self.stem = self.name.rsplit(".", 1)[0]
        self.top = self.parts[0]
        # `log` for src/log/x.cc, nothing for src/carillon.cc.
        self.folder = self.parts[1] if self.top == "src" and len(self.parts) > 2 else ""
        self.text = data.decode("utf-8", "replace")
        self.decodes = "\ufffd" not in self.text or "\ufffd".encode() in data
        self.lines = self.text.split("\n")

    @property
    def is_cpp(self):
        return self.kind == "cpp"

    @property
    def is_test(self):
        return self.stem.endswith(("_test", "_fuzz", "_bench")) or self.top == "tests"

    @property
    def is_pinned(self):
        """A list of exact versions, written by a package manager."""
        locks = ("-lock.json", "shrinkwrap.json", "lock.yaml")
        return self.kind == "lock" or self.name.endswith(locks)

    @property
    def is_ours(self):
        """Written by people, and by us."""
        return not self.is_pinned and FOREIGN_FOLDERS.isdisjoint(self.parts)

    def line_of(self, at):
        return self.text.count("\n", 0, at) + 1

    def replaced(self, shapes):
        return CPP_TOKEN.sub(lambda token: shapes.get(token.lastgroup, str)(token[0]), self.text)

    def tokens(self, group):
        found = CPP_TOKEN.finditer(self.text) if self.is_cpp else ()
        return [token.span() for token in found if token.lastgroup == group]

    @cached_property
    def uncommented(self):
        """C++ without its comments."""
        return self.replaced({"comment": blank})

    @cached_property
    def code(self):
        """C++ without comments, and with nothing between quotes."""
        shapes = {"comment": blank, "raw": blank_literal, "literal": blank_literal}
        return self.replaced(shapes)

    @cached_property
    def statements(self):
        """`code` without the preprocessor: braces match."""
        code = blank_second_branches(self.code)
        return DIRECTIVE.sub(lambda directive: blank(directive[0]), code)

    @cached_property
    def comments(self):
        """Only the comments, in any language."""
        view, end = [], 0
        for first, last in self.comment_spans():
            view += [blank(self.text[end:first]), self.text[first:last]]
            end = last
        return "".join(view) + blank(self.text[end:])

    def comment_spans(self):
        if self.is_cpp:
            return self.tokens("comment")
        if self.kind == "python":
            return python_comments(self.text)
        start = COMMENT_STARTS.get(self.kind, r"(?!)")
        return (found.span() for found in re.finditer(f"(?m:{start}).*", self.text))

    @cached_property
    def raw_string_lines(self):
        """Lines that end inside a raw string: their white space and width are content."""
        spans = ((self.line_of(first), self.line_of(last)) for first, last in self.tokens("raw"))
        return {line for first, last in spans for line in range(first, last)}

    @cached_property
    def brace_ends(self):
        """Where each brace of `statements` is closed."""
        ends, open_braces = {}, []
        for brace in re.finditer(r"[{}]", self.statements):
            if brace[0] == "{":
                open_braces.append(brace.start())
            elif open_braces:
                ends[open_braces.pop()] = brace.start()
        return ends

    def block_end(self, brace):
        return self.brace_ends.get(brace, len(self.statements))


# ---- Functions

CONTAINER = re.compile(
    r"(?:requires\b.*?\s)?(?:(?:inline|static|const|constexpr|typedef)\s+)*"
    r'(?:namespace|class|struct|union|enum)\b|extern\s*"\s*"\s*$',
    re.DOTALL,
)
# A macro that stands alone before it has no semicolon to end it.
NAMESPACE = re.compile(r"\bnamespace(?:\s+[\w:]+)?\s*$")
ACCESS_LABEL = re.compile(r"\s*(?:public|private|protected)\s*:(?!:)")
# What may stand between a parameter list and its body.
BEFORE_BODY = re.compile(r"\s*(?:(?:const|noexcept|override|final|mutable|try|&&?)\s*)*$")
TRAILING_CLAUSE = re.compile(r"->|\)[\s\w]*\brequires\b")


def without_template(header):
    """`header` behind its template<...> and attributes: a `class` in there is no container."""
    header = header.strip()
    while start := re.match(r"template\s*<|\[\[", header):
        depth, at = 1, start.end()
        while at < len(header) and depth:
            depth += {"<": 1, "[": 1, ">": -1, "]": -1}.get(header[at], 0)
            at += 1
        header = header[at:].lstrip("]").strip()
    return header


def opens_container(header):
    own = without_template(ACCESS_LABEL.sub("", header))
    return bool(CONTAINER.match(own) or NAMESPACE.search(own))


def opens_body(header):
    """Whether a brace behind `header` begins a function. (Else a value: `int a[] = {`, `: a_{`.)"""
    _, parenthesis, rest = header.rpartition(")")
    if not parenthesis or header.rstrip().endswith("="):
        return False
    if BEFORE_BODY.match(rest) or TRAILING_CLAUSE.search(header):
        return True
    # Behind a constructor's list whose last member is set by braces: `: a_(1), b_{2} {`.
    return rest.rstrip().endswith("}") and rest.lstrip().startswith((":", ","))


def functions(file):
    """(first line, last line) of each function that is no lambda, from its signature on."""
    code, start, at, depth = file.statements, 0, 0, 0
    while found := re.compile(r"[{};()]").search(code, at):
        at = found.end()
        if found[0] in "()":
            depth += 1 if found[0] == "(" else -1
        elif found[0] in ";}":
            start, depth = at, 0
        elif depth > 0:  # a lambda or a value among arguments
            at = file.block_end(found.start()) + 1
        elif opens_container(code[start : found.start()]):
            start = at
        else:
            at = file.block_end(found.start()) + 1
            if opens_body(code[start : found.start()]):
                yield first_line(file, start), file.line_of(at - 1)
                start = at


def first_line(file, start):
    label = ACCESS_LABEL.match(file.statements, start)
    start = label.end() if label else start
    return file.line_of(re.compile(r"\s*").match(file.statements, start).end())


# ---- The tree


def kind_of(path):
    if path.name == "CMakeLists.txt":
        return "cmake"
    if not path.suffix and path.parent.name == "tools":
        return "python"  # programs without a suffix
    return KINDS.get(path.suffix)


def read_tree(root):
    """All text files of a tree, by their path in it."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        for path in (Path(folder, name) for name in sorted(names)):
            if (kind := kind_of(path)) and path.is_file():
                name = path.relative_to(root).as_posix()
                files[name] = Source(name, path.read_bytes(), kind)
    return files
