# SPDX-License-Identifier: MIT
"""Ports as a person uses them: typed at, interrupted, left."""
import pytest

from machine import Machine

CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.fixture(name="machine")
def fixture_machine():
    with Machine(memory="256M", time_limit=300) as machine:
        machine.expect_prompt()
        yield machine


def test_sqlite_prompt(machine):
    """Statements over several lines, a query without end that Ctrl-C ends, a transaction that survives it."""
    machine.line("sqlite3 /tmp/notes.db")
    machine.expect("sqlite> ")
    machine.line("create table note(text,")
    machine.expect(r" +\.\.\.> ")
    machine.line("n integer);")
    machine.expect("sqlite> ")
    machine.line("begin; insert into note values('milk', 2), ('bread', 1);")
    machine.expect("sqlite> ")
    machine.line("with recursive c(x) as (select 1 union all select x + 1 from c) "
                 "select 'it be' || 'gins' union all select count(*) from c;")
    machine.expect("it begins\r\n")
    machine.send(CTRL_C)
    machine.expect("interrupted")
    machine.expect("sqlite> ")
    machine.line("commit; select text, sum(n) over (order by text) from note;")
    machine.expect("bread\\|1\r\nmilk\\|3\r\nsqlite> ")
    machine.line(".schema")
    machine.expect("CREATE TABLE note\\(text,\r\nn integer\\);")
    machine.send(CTRL_D)
    machine.expect_prompt()
    machine.line("sqlite3 /tmp/notes.db 'select count(*) from note' | cat; echo status $?")
    machine.expect("2\r\nstatus 0\r\n")


def test_lua_prompt(machine):
    """Values, an error, a loop that Ctrl-C ends, the module, the end of the input."""
    machine.line("lua")
    machine.expect("Copyright.*\r\n> ")
    machine.line("6 * 7")
    machine.expect("42\r\n> ")
    machine.line("function twice(x)")
    machine.expect(">> ")
    machine.line("return x .. x end")
    machine.expect("> ")
    machine.line("twice('ab')")
    machine.expect("abab\r\n> ")
    machine.line("nothing.there")
    machine.expect("attempt to index a nil value.*\r\n> ")
    machine.line("print('turn' .. 'ing') while true do end")
    machine.expect("turning\r\n")
    machine.send(CTRL_C)
    machine.expect("interrupted!")
    machine.expect("> ")
    machine.line("for _, s in ipairs(require 'euralios'.services()) do if s.name == 'ramfs' then print(s.name, s.state) end end")
    machine.expect("ramfs\tup\r\n> ")
    machine.send(CTRL_D)
    machine.expect_prompt()


def test_compressed_pipeline(machine):
    machine.line("cd /tmp; ls -l /bin > list; minigzip < list > list.z; minigzip -d < list.z > again; wc -c < list; wc -c < again")
    machine.expect(r"\r\n +(\d+)\r\n +(\d+)\r\n")
    sizes = machine.console.match
    assert sizes[1] == sizes[2] and int(sizes[1]) > 1000
    machine.line("minigzip list; ls list* | cat")
    machine.expect("list.gz\r\nlist.z\r\n")
    machine.line("brssl ta /share/bearssl/samples/cert-root-ec.pem 2>/dev/null | head -n 3")
    machine.expect("static const unsigned char TA0_DN")
