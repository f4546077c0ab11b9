#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The message language: abi/protocols/NAME.idl -> abi/generated/NAME.h.

usage: generate.py [--check] FILE.idl ... (headers go to abi/generated beside the files' folder)
--check writes nothing and fails if a header is not what its file gives. The language: abi/protocols/README.md.
"""
import re
import sys
from pathlib import Path

MAX = 4  # words, handles and segments of one message (abi/message.h)
NUMBER_END = 1 << 10  # labels' numbers: the bits above are those of MESSAGE_BRIEF (lib/native/message.h)
SCALARS = {"u64": "uint64_t", "i64": "int64_t", "u32": "uint32_t", "i32": "int32_t"}
OBJECTS = {"handle": "OBJECT_NONE"} | {
    name: "OBJECT_" + name.upper()
    for name in "process thread endpoint gate memory irq ioports budget system identity".split()}
RESERVED = ("server", "deadline", "request", "context", "message_", "status_", "outcome", "saved", "handlers")
LENDS = ("lend_read", "lend_write")


class Mistake(Exception):
    """A fault in the text: where, what, and how to mend it."""


class Field:
    """One parameter: kind is word, handle, own, lend_read or lend_write."""

    def __init__(self, words):
        self.copy = self.optional = self.implied = self.brief = self.late = False
        if words[1:2] in (["lend_read"], ["lend_write"]):
            self.brief, self.late = words[0] == "brief", words[0] == "late"
            words = words[1:] if self.brief or self.late else words
        if words[:1] == ["optional"]:
            self.optional, words = True, words[1:]
        if words[:1] in (["copy"], ["move"]):
            self.copy, words = words[0] == "copy", words[1:]
        if len(words) != 2 or not re.fullmatch(r"[a-z][a-z0-9_]*", words[1]):
            raise Mistake("not a parameter", "write TYPE NAME, such as `u32 flags` or `copy gate file`")
        self.type, self.name = words
        self.word, self.shift = 0, None
        if self.type in SCALARS:
            self.kind, self.ctype = "word", SCALARS[self.type]
        elif self.type in OBJECTS or self.type == "own":
            self.kind, self.ctype = ("own" if self.type == "own" else "handle"), "handle_t"
        elif self.type in LENDS:
            self.kind, self.ctype = self.type, None
        else:
            raise Mistake(f"unknown type `{self.type}`",
                          f"known are {', '.join([*SCALARS, *LENDS, 'own', *OBJECTS])}")

    def narrow(self):
        return self.type in ("u32", "i32")


def pack(fields):
    """Gives each scalar its word; two 32-bit ones in a row share one, the first in the low half."""
    used, half_free = 0, False
    for field in fields:
        if field.kind != "word":
            continue
        if field.narrow() and half_free:
            field.word, field.shift, half_free = used - 1, 32, False
        else:
            field.word, field.shift, half_free = used, 0, field.narrow()
            used += 1
    return used


class Message:
    """A request: its fields, the answer's fields (None: sent, not called), label number, documentation."""

    def __init__(self, name, number, fields, answer, doc):
        self.name, self.number, self.fields, self.answer, self.doc = name, number, fields, answer, doc
        lent = [f for f in fields if f.kind == "lend_read"]
        for field in lent[:-1]:  # the kernel tells the sum only: all lengths but the last travel in words
            length = Field(["u32", field.name + "_length"])
            length.implied = True
            fields.insert(fields.index(field) + 1, length)
        for name in (f.name for f in fields + (answer or [])):
            if name in RESERVED:
                raise Mistake(f"`{name}` is a name of the generated code", "take another for the parameter")
        names = [f.name for f in fields] + [f.name for f in answer or []]
        if len(set(names)) != len(names):
            raise Mistake(f"{name}: a name stands twice", "request and answer share one list of C parameters")
        for part, what in ((fields, "request"), (answer or [], "answer")):
            count = {"words": pack(part), "handles": sum(f.kind in ("handle", "own") for f in part),
                     "segments": sum(f.kind in LENDS for f in part)}
            for noun, n in count.items():
                if n > MAX:
                    raise Mistake(f"{name}: {n} {noun} in the {what}", f"at most {MAX} fit; lend a structure instead")
            if sum(f.kind == "own" for f in part) > 1:
                raise Mistake(f"{name}: two `own` gates", "a message carries one badge")
        if sum(f.kind == "lend_write" for f in fields) > 1:
            raise Mistake(f"{name}: two lend_write", "one writable range per request")
        self.check_brief()
        if answer is not None and any(f.kind in LENDS + ("own",) for f in answer):
            raise Mistake(f"{name}: the answer lends or names an own gate", "only requests can")
        if answer is None and any(f.kind in LENDS for f in fields):
            raise Mistake(f"{name}: a sent message lends memory", "only a call can: leave out `send`")
        for part in (fields, answer or []):
            seen = False
            for field in (f for f in part if f.kind == "handle"):
                if seen and not field.optional:
                    raise Mistake(f"{name}: `{field.name}` follows an optional handle", "optional ones come last")
                seen = field.optional

    def brief(self):
        return next((f for f in self.fields if f.brief), None)

    def late(self):
        return next((f for f in self.fields if f.late), None)

    def check_brief(self):
        """Brief bytes are in words 1 to 3, and nothing else is there or lent to be read."""
        brief, late = self.brief(), self.late()
        if brief and (brief.kind != "lend_read" or pack(self.fields) > 1 or
                      sum(f.kind == "lend_read" for f in self.fields) > 1):
            raise Mistake(f"{self.name}: `{brief.name}` cannot be brief",
                          "it must be the only lend_read, beside at most one word")
        if late and (late.kind != "lend_write" or not brief or
                     not any(f.kind == "handle" for f in self.answer or [])):
            raise Mistake(f"{self.name}: `{late.name}` cannot be late",
                          "it must be a lend_write beside a brief one, in a call that may answer a gate")

    def handles(self, part="fields"):
        return [f for f in getattr(self, part) or [] if f.kind == "handle"]


class Protocol:
    def __init__(self, path):
        self.path, self.name, self.number = path, path.stem, None
        self.messages, self.notes, self.constants, self.structs = [], [], [], []
        self.head, doc, next_number = [], [], 1
        text = path.read_text().splitlines()
        line = 0
        while line < len(text):
            start, statement = line + 1, text[line].strip()
            line += 1
            if statement.startswith("##"):
                doc.append(statement[2:].strip())
                continue
            if not statement or statement.startswith("#"):
                if not statement and doc and self.number is None:
                    self.head, doc = doc, []
                continue
            members = []
            if statement.startswith("struct") and statement.endswith("{"):
                while line < len(text) and text[line].strip() != "}":
                    members.append(text[line].partition("##"))
                    line += 1
                line += 1
            while line < len(text) and (statement.count("(") > statement.count(")") or statement.endswith("->")):
                statement += " " + text[line].split("#")[0].strip()
                line += 1
            try:
                next_number = self.statement(statement, doc, next_number, members)
            except Mistake as mistake:
                raise SystemExit(f"{path}:{start}: {mistake.args[0]}\n    hint: {mistake.args[1]}")
            doc = []
        if self.number is None:
            raise SystemExit(f"{path}:1: no protocol number\n    hint: begin with `protocol {self.name} NUMBER`")

    def statement(self, text, doc, next_number, members):
        if match := re.fullmatch(r"protocol (\w+) (\d+)", text):
            if match[1] != self.name or not 0 < int(match[2]) < 0x8000:
                raise Mistake("bad protocol line", "the name is the file's, the number 1 to 32767")
            self.number, self.head = int(match[2]), self.head + doc
        elif self.number is None:
            raise Mistake("something stands before the protocol line", f"write `protocol {self.name} NUMBER` first")
        elif match := re.fullmatch(r"const (\w+) (0x[0-9a-fA-F]+|\d+)", text):
            self.constants.append((match[1].upper(), match[2], doc))
        elif match := re.fullmatch(r"notify (\w+) (\d+)", text):
            if int(match[2]) > 62:
                raise Mistake("no such notification bit", "0 to 62; 63 is CLOSED")
            self.notes.append((match[1].upper(), int(match[2]), doc))
        elif match := re.fullmatch(r"struct (\w+) \{", text):
            members = [(code.strip(), note.strip()) for code, _, note in members if code.strip() or note]
            for code, _ in members:
                if code and not re.fullmatch(r"([ui](8|16|32|64)|char) \w+(\[\w+\])?;", code):
                    raise Mistake(f"bad member `{code}`", "write `u32 name;` or `char name[32];`, each on its line")
            self.structs.append((match[1], members, doc))
        elif match := re.fullmatch(r"(send )?(\w+)\s*\((.*?)\)\s*(?:->\s*\((.*)\))?(?:\s*= (\d+))?", text):
            number = int(match[5]) if match[5] else next_number
            if any(m.number == number for m in self.messages) or not 0 < number < NUMBER_END:
                raise Mistake(f"label number {number} is taken or out of range", f"1 to {NUMBER_END - 1}, each once")
            if any(m.name == match[2] for m in self.messages):
                raise Mistake(f"`{match[2]}` is defined twice", "give each message its own name")
            parts = [[Field(p.split()) for p in (part or "").split(",") if p.strip()]
                     for part in (match[3], match[4])]
            if match[1] and match[4] is not None:
                raise Mistake("a sent message has no answer", "leave out `send` or the arrow")
            self.messages.append(Message(match[2], number, parts[0], None if match[1] else parts[1], doc))
            return number + 1
        else:
            raise Mistake("not a statement", "protocol, const, struct NAME {, notify, [send] NAME(...) [-> (...)]")
        return next_number


def emit(protocol):
    from emit import header  # beside this file: the C that is written
    return header(protocol)


def main(arguments):
    check = "--check" in arguments
    numbers, stale = {}, []
    for path in sorted(Path(a) for a in arguments if a != "--check"):
        protocol = Protocol(path)
        if protocol.number in numbers:
            raise SystemExit(f"{path}:1: protocol number {protocol.number} is {numbers[protocol.number]}'s\n"
                             "    hint: take a free one from abi/protocols/README.md")
        numbers[protocol.number] = path
        target = path.parent.parent / "generated" / (path.stem + ".h")
        text = emit(protocol)
        if not target.exists() or target.read_text() != text:
            stale.append(str(target))
            if not check:
                target.write_text(text)
    if check and stale:
        raise SystemExit("not up to date (make generate): " + ", ".join(stale))


if __name__ == "__main__":
    main(sys.argv[1:])
