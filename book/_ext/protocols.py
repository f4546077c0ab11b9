# SPDX-License-Identifier: MIT
"""A directive for the book's appendix: what each protocol's messages are, from abi/protocols.

    ```{protocols} abi/protocols
    ```

The texts are read by the generator of the C headers (tools/idl), so the book says what the code does.
"""
import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "idl"))

from generate import Protocol  # noqa: E402  (needs the path above)


def paragraphs(lines):
    """Comment lines as paragraphs; empty ones separate, `x` is code."""
    out = []
    for text in re.split(r"\n\s*\n", "\n".join(lines).strip()):
        if not text:
            continue
        paragraph = nodes.paragraph()
        for i, piece in enumerate(re.split(r"`([^`]*)`", " ".join(text.split()))):
            paragraph += nodes.literal(piece, piece) if i % 2 else nodes.Text(piece)
        out.append(paragraph)
    return out


def parameters(fields):
    return ", ".join(" ".join(["optional"] * f.optional + ["copy"] * f.copy + [f.type, f.name])
                     for f in fields if not f.implied)


def signature(message):
    if message.answer is None:
        return f"send {message.name} ({parameters(message.fields)})"
    return f"{message.name} ({parameters(message.fields)}) -> ({parameters(message.answer)})"


def section(protocol):
    part = nodes.section(ids=[f"protocol-{protocol.name}"])
    part += nodes.title(text=f"{protocol.name} ({protocol.number})")
    part.extend(paragraphs(protocol.head))
    messages = nodes.definition_list()
    for message in protocol.messages:
        term = nodes.term()
        term += nodes.literal(text=signature(message))
        messages += nodes.definition_list_item(
            "", term, nodes.definition("", *(paragraphs(message.doc) or [nodes.paragraph()])))
    part += messages
    if protocol.notes:
        part += nodes.paragraph(text="Notifications: " + ", ".join(
            f"{name.lower()} (bit {bit})" for name, bit, _doc in protocol.notes) + ".")
    return part


class Protocols(SphinxDirective):
    required_arguments = 1

    def run(self):
        files = sorted((ROOT / self.arguments[0]).glob("*.idl"))
        if not files:
            raise ExtensionError(f"{self.env.docname}: no protocols in {self.arguments[0]}")
        for file in files:
            self.env.note_dependency(str(file))
        return [section(p) for p in sorted(map(Protocol, files), key=lambda p: p.number)]


def setup(app):
    app.add_directive("protocols", Protocols)
    return {"parallel_read_safe": True}
