# SPDX-License-Identifier: MIT
"""A strict little terminal: shows what a full-screen program draws, and refuses what it must not send.

Every control character and every sequence outside the short list below raises Unexpected, so a test that uses
it also proves that nothing of a hostile server reached the terminal.
"""

import re
import unicodedata

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Unexpected(Exception):
    """The program sent something that it has no business to send."""


class Terminal:
    """A screen of rows and columns; text lines without trailing blanks are in `lines()`."""

    def __init__(self, rows, columns):
        self.pending = ""
        self.modes = set()
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.reverse = [[False] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.is_reverse = False

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def selected(self):
        """The text in reverse video, but for the status line."""
        for row in range(self.rows - 2):
            if any(self.reverse[row]):
                return "".join(self.cells[row]).strip()
        return None

    def feed(self, text):
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                if match is None:
                    if re.fullmatch(r"\x1b(\[\??[0-9;]*)?", text[at:]):
                        self.pending = text[at:]
                        return
                    raise Unexpected(f"sequence {text[at:at + 12]!r}")
                self.control(*match.groups())
                at = match.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row = min(self.row + 1, self.rows - 1)
        elif ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or unicodedata.category(char) in ("Cf", "Co", "Cs"):
            raise Unexpected(f"control character {char!r}")
        elif unicodedata.combining(char):
            pass
        else:
            width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
            if self.column + width > self.columns:
                raise Unexpected(f"row {self.row} is written beyond its end")
            self.cells[self.row][self.column] = char
            for i in range(self.column, self.column + width):
                self.reverse[self.row][i] = self.is_reverse
            if width == 2:
                self.cells[self.row][self.column + 1] = ""
            self.column += width

    def control(self, private, parameters, final):
        if private:
            if (parameters, final) not in {(p, f) for p in ("25", "1049") for f in "hl"}:
                raise Unexpected(f"private mode {parameters}{final}")
            (self.modes.add if final == "h" else self.modes.discard)(parameters)
        elif final == "m" and parameters in ("", "1", "7"):
            self.is_reverse = parameters == "7"
        elif final == "H":
            row, _, column = parameters.partition(";")
            self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            if self.row >= self.rows or self.column >= self.columns:
                raise Unexpected(f"cursor to {parameters}")
        elif final == "K" and parameters == "":
            for i in range(self.column, self.columns):
                self.cells[self.row][i] = " "
                self.reverse[self.row][i] = False
        elif final == "J" and parameters == "2":
            for row in range(self.rows):
                self.cells[row] = [" "] * self.columns
                self.reverse[row] = [False] * self.columns
        else:
            raise Unexpected(f"sequence {parameters}{final}")
