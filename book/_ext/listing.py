# SPDX-License-Identifier: MIT
"""What the book takes from the repository instead of copying it.

    ```{listing} kernel/frame.c frame-take      the lines between /* [book:frame-take] */ and /* [/book] */
    ```
    ```{output} messages                        tests/expect/messages.expect, which a test compares with
    ```                                         what the system prints
    ```{definitions} abi/errors.def             the table of an X-macro file
    ```
    ```{reading-order}                          book/reading-order.txt as a list
    ```
    ```{lines} kernel/frame.c kernel/frame.h    a table: lines of code, blanks and comments not counted
    ```

Anchors stand in comments of C, assembly (/* */) or scripts (#); they may be nested, and are not shown.
A missing file, a missing, repeated or unclosed anchor ends the build.
"""

import re
import textwrap
from pathlib import Path

from docutils import nodes
from sphinx.directives.code import container_wrapper
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]

BEGIN = re.compile(r"^\s*(?:/\*|#|//)\s*\[book:([a-z0-9-]+)\]\s*(?:\*/)?\s*$")
END = re.compile(r"^\s*(?:/\*|#|//)\s*\[/book\]\s*(?:\*/)?\s*$")
LANGUAGES = {".c": "c", ".h": "c", ".def": "c", ".S": "none", ".py": "python", ".mk": "make", ".ld": "none",
             ".pml": "c", ".idl": "none", ".sh": "bash"}


def anchors(text, name):
    """{anchor: (line number of its first line, its lines)} of a file."""
    found, open_anchors = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        begin = BEGIN.match(line)
        if begin:
            if begin[1] in found:
                raise ExtensionError(f"{name}:{number}: anchor {begin[1]} is there twice")
            found[begin[1]] = (number + 1, [])
            open_anchors.append(begin[1])
        elif END.match(line):
            if not open_anchors:
                raise ExtensionError(f"{name}:{number}: [/book] without an anchor")
            open_anchors.pop()
        else:
            for anchor in open_anchors:
                found[anchor][1].append(line)
    if open_anchors:
        raise ExtensionError(f"{name}: anchor {open_anchors[-1]} is not closed")
    return found


def count_code(text):
    """Lines that are neither blank nor only comment, as tools/check counts them."""
    text = re.sub(r"/\*.*?\*/", lambda c: "\n" * c[0].count("\n"), text, flags=re.S)
    return sum(1 for line in text.splitlines() if line.strip())


def table_of(rows, widths):
    table = nodes.table()
    group = nodes.tgroup(cols=len(widths))
    body = nodes.tbody()
    table += group
    group.extend(nodes.colspec(colwidth=width) for width in widths)
    group += body
    for row in rows:
        body += nodes.row("", *[nodes.entry("", nodes.paragraph(text=cell)) for cell in row])
    return table


class FromRepository(SphinxDirective):
    """What the directives share: reading a file that the page then depends on."""

    def read(self, name):
        path = ROOT / name
        if not path.is_file():
            raise ExtensionError(f"{self.env.docname}: there is no file {name}")
        self.env.note_dependency(str(path))
        return path.read_text(encoding="utf-8")

    def block(self, text, caption, language):
        literal = nodes.literal_block(text, text, language=language)
        self.set_source_info(literal)
        return [container_wrapper(self, literal, caption)]


class Listing(FromRepository):
    required_arguments = 2

    def run(self):
        name, anchor = self.arguments
        found = anchors(self.read(name), name)
        if anchor not in found:
            raise ExtensionError(f"{self.env.docname}: {name} has no anchor {anchor}")
        first, lines = found[anchor]
        text = textwrap.dedent("\n".join(lines)).strip("\n")
        if not text:
            raise ExtensionError(f"{name}: anchor {anchor} is empty")
        return self.block(text, f"{name}, from line {first}", LANGUAGES.get(Path(name).suffix, "none"))


class Output(FromRepository):
    required_arguments = 1

    def run(self):
        text = self.read(f"tests/expect/{self.arguments[0]}.expect")
        shown = re.sub(r"^# \d+ seconds\n", "", text)
        return self.block(shown.strip("\n"), "what it prints (a test compares it)", "none")


class Definitions(FromRepository):
    required_arguments = 1

    def run(self):
        rows = re.findall(r'^[A-Z_]+\((\d+), (\w+), "([^"]*)"\)', self.read(self.arguments[0]), re.M)
        if not rows:
            raise ExtensionError(f"{self.arguments[0]}: no definitions")
        return [table_of(rows, (8, 32, 60))]


class Lines(FromRepository):
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        rows = [(name, count_code(self.read(name))) for name in self.arguments[0].split()]
        rows.append(("together", sum(n for _name, n in rows)))
        return [table_of([(name, str(n)) for name, n in rows], (80, 20))]


class ReadingOrder(FromRepository):
    def run(self):
        result, items = [], None
        for line in self.read("book/reading-order.txt").splitlines():
            if line.startswith("# "):
                continue
            if line and not line.startswith(" "):
                items = nodes.bullet_list()
                result += [nodes.paragraph("", "", nodes.strong(text=line)), items]
            elif line.strip():
                items += nodes.list_item("", nodes.paragraph("", "", nodes.literal(text=line.strip())))
        return result


def setup(app):
    app.add_directive("listing", Listing)
    app.add_directive("output", Output)
    app.add_directive("definitions", Definitions)
    app.add_directive("lines", Lines)
    app.add_directive("reading-order", ReadingOrder)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
