# SPDX-License-Identifier: MIT
"""The C that generate.py writes for one protocol: labels, client stubs, server dispatch, names for traces."""
from generate import LENDS, MAX, pack

WIDTH = 100
C_MEMBER = {"u": "uint", "i": "int"}


def comment(lines, indent=""):
    """A block comment of the text, or nothing."""
    if not lines:
        return []
    if len(lines) == 1 and len(indent) + len(lines[0]) + 6 <= WIDTH:
        return [f"{indent}/* {lines[0]} */"]
    return [f"{indent}/*"] + [f"{indent} * {line}".rstrip() for line in lines] + [f"{indent} */"]


def wrapped(head, parameters, tail, pad):
    """`head(parameters)tail`, broken under the bracket as clang-format does."""
    lines, current = [], head
    for i, parameter in enumerate(parameters):
        piece = parameter + ("," if i + 1 < len(parameters) else tail)
        joined = current + (" " if current.endswith(",") else "") + piece
        if len(joined) > WIDTH and current != head:
            lines.append(current)
            current = pad + piece
        else:
            current = joined
    return lines + [current]


def call_parameters(fields):
    """What the caller writes for the request."""
    out = []
    for f in fields:
        if f.kind in LENDS:
            const = "const " if f.kind == "lend_read" else ""
            out += [f"{const}void *{f.name}", f"uint32_t {f.name}_length"]
        elif not f.implied:
            out.append(f"{f.ctype} {f.name}")
    return out


def handler_parameters(message):
    """What the server's handler gets for the request."""
    out = []
    for f in message.fields:
        if f.kind in LENDS:
            out += [] if any(g.implied and g.name == f.name + "_length" for g in message.fields) \
                else [f"uint32_t {f.name}_length"]
        elif f.kind == "own":
            out.append(f"uint64_t {f.name}_badge")
        else:
            out.append(f"{f.ctype} {f.name}")
    return out


def answer_parameters(message):
    return [f"{f.ctype} *{f.name}" for f in message.answer or []]


def load(fields, target, pointer=False):
    """Statements that put the scalars into words."""
    words = {}
    for f in (f for f in fields if f.kind == "word"):
        value = ("*" if pointer else "") + f.name
        if f.narrow():
            value = f"(uint64_t)(uint32_t){value}" + (" << 32" if f.shift else "")
        elif f.type == "i64":
            value = f"(uint64_t){value}"
        words.setdefault(f.word, []).append(value)
    return [f"    {target}[{i}] = {' | '.join(parts)};" for i, parts in sorted(words.items())]


def fetch(field, source):
    """Expression that takes a scalar out of its word."""
    shift = " >> 32" if field.shift else ""
    inner = f"({source}[{field.word}]{shift})" if shift else f"{source}[{field.word}]"
    return f"({field.ctype}){inner}" if field.type != "u64" else inner


def handles_out(fields, target, control):
    """Statements that put handles into a message; optional ones are left out when HANDLE_NONE."""
    out = []
    sent = [f for f in fields if f.kind in ("handle", "own")]
    for i, f in enumerate(sent):
        copy = f" | MESSAGE_COPY({i}, RIGHTS_ALL)" if f.copy or f.kind == "own" else ""
        out.append(f"    {target}[{i}] = {f.name};")
        plus = f"{control} += MESSAGE_SEND_HANDLES(1){copy};"
        out += [f"    if ({f.name} != HANDLE_NONE) {{", f"        {plus}", "    }"] if f.optional \
            else [f"    {plus}"]
    return out


def layout(message):
    """The words of the request and the answer, as a comment line each."""
    lines = []
    for part, what in ((message.fields, "request"), (message.answer, "answer")):
        items = []
        for f in part or []:
            where = {"word": f"w{f.word}" + (".low" if f.narrow() and not f.shift else ".high" if f.shift else ""),
                     "handle": "handle", "own": "own gate"}.get(f.kind, f.kind)
            items.append(f"{where} {f.name}")
        if items:
            lines += wrapped(f"{what}: ", items, "", "    ")
    return lines


def client(p, m):
    upper = f"{p.name}_{m.name}".upper()
    short = not any(f.kind != "word" for f in m.fields + (m.answer or []))
    parameters = ["handle_t server"] + call_parameters(m.fields) + answer_parameters(m) + ["uint64_t deadline"]
    out = comment(m.doc + layout(m))
    head = f"WARN_UNUSED static inline status_t {p.name}_{m.name}("
    out += wrapped(head, parameters, ") {", " " * (head.index("(") + 1))
    if m.brief():
        return out + brief_body(m, upper)
    out += ["    struct message message_;", ""] + request_head(m, upper)
    n_words = pack(m.fields)  # no word is left as it lay on the stack: the server sees them all
    out += [f"    message_.words[{i}] = 0;" for i in range(n_words, MAX)]
    out += segments(m, [f for f in m.fields if f.kind in LENDS])
    if m.answer is None:
        return out + ["    return MESSAGE_SEND(&message_);", "}", ""]
    call = "MESSAGE_CALL_SHORT" if short else "MESSAGE_CALL"
    return out + [f"    status_t status_ = {call}(&message_);"] + answer_out(m) + stub_end()


def request_head(m, upper):
    """Statements for all of a request but what is lent, and words that no scalar needs."""
    accept = len(m.handles("answer"))
    return ["    message_.gate = server;", f"    message_.label = {upper};", "    message_.deadline = deadline;",
            f"    message_.control = {f'MESSAGE_ACCEPT({accept})' if accept else 0};"] + \
        load(m.fields, "message_.words") + handles_out(m.fields, "message_.handles", "message_.control")


def segments(m, lends):
    """Statements that lend. One segment goes where handles would be, if none are sent: that is quicker."""
    alone = len(lends) == 1 and not any(f.kind in ("handle", "own") for f in m.fields)
    out = []
    for i, f in enumerate(lends):
        access = "LENT_READABLE" if f.kind == "lend_read" else "LENT_WRITABLE"
        place = "lent" if alone else f"segments[{i}]"
        out.append(f"    message_.{place} = MESSAGE_LEND({f.name}, {f.name}_length, {access});")
    control = "MESSAGE_LENDS" if alone else f"MESSAGE_SEGMENTS({len(lends)})"
    return out + ([f"    message_.control |= {control};"] if lends else [])


def answer_out(m):
    """Statements that take the answer apart."""
    out = [f"    *{f.name} = {fetch(f, 'message_.words')};" for f in m.answer if f.kind == "word"]
    handles = enumerate(m.handles("answer"))
    return out + [f"    *{f.name} = message_handle(&message_, status_, {i});" for i, f in handles]


def stub_end():
    return ["    return status_ != OK ? status_ : (status_t)message_.label;", "}", ""]


def brief_body(m, upper):
    """A stub's body where few bytes to be read travel in the words; with a late range it may ask twice."""
    brief, late = m.brief(), m.late()
    lends = [f for f in m.fields if f.kind in LENDS]
    out = ["    struct message message_;", "    status_t status_;",
           f"    bool is_brief_ = {brief.name}_length <= MESSAGE_BRIEF_BYTES;", ""]
    body = request_head(m, upper)
    if pack(m.fields) == 0:
        body.append("    message_.words[0] = 0;")
    body += ["    if (is_brief_) {", f"        message_set_brief(&message_, {brief.name}, {brief.name}_length);"]
    body += ["    " + line for line in segments(m, [f for f in lends if not f.brief and not f.late])]
    body += ["    } else {"] + [f"        message_.words[{i}] = 0;" for i in range(1, MAX)]
    body += ["    " + line for line in segments(m, lends)] + ["    }"]
    body += ["    status_ = MESSAGE_CALL(&message_);"] + answer_out(m)
    if not late:
        return out + body + stub_end()
    gate = m.handles("answer")[0].name
    body += [f"    if (!is_brief_ || !message_asks_again(&message_, status_, *{gate})) {{",
             "        return status_ != OK ? status_ : (status_t)message_.label;", "    }",
             "    is_brief_ = false;"]
    return out + ["    for (;;) {"] + ["    " + line for line in body] + ["    }", "}", ""]


def handlers(p):
    out = ["/*", " * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.",
           " * Handles of a request are closed when the handler returns, unless it takes them with request_keep.",
           " * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.", " */",
           f"struct {p.name}_handlers {{"]
    for m in p.messages:
        head = f"    status_t (*{m.name})("
        parameters = ["void *context", "struct request *request"] + handler_parameters(m) + answer_parameters(m)
        out += wrapped(head, parameters, ");", " " * len(head))
    return out + ["};", ""]


def dispatch_one(p, m):
    """The function that unpacks one request, calls its handler and packs the answer."""
    head = f"static inline status_t {p.name}_dispatch_{m.name}("
    out = wrapped(head, [f"const struct {p.name}_handlers *handlers", "void *context",
                         "struct request *request"], ") {", " " * len(head))
    values, checks, own = ["context", "request"], [f"handlers->{m.name} == NULL"], None
    for i, f in enumerate(m.handles()):
        kind = "request_handle_is" + ("_or_none" if f.optional else "")
        checks.append(f"!{kind}(request, {i}, {f_object(f)})")
    handle_index = 0
    for f in m.fields:
        if f.kind in LENDS:
            if any(g.implied and g.name == f.name + "_length" for g in m.fields):
                continue
            before = [g for g in m.fields if g.implied] if f.kind == "lend_read" else []
            total = "request->readable" if f.kind == "lend_read" else "request->writable"
            for g in before:
                total += f" - {fetch(g, 'request->words')}"
            values.append(total)
        elif f.kind == "word":
            values.append(fetch(f, "request->words"))
        elif f.kind == "own":
            values.append("request->own_badge")
            foreign = f"request->n_handles > {len(m.handles())}"
            own = f"!request->has_own_badge && {foreign}" if f.optional else "!request->has_own_badge"
        else:
            values.append(f"request->handles[{handle_index}]")
            handle_index += 1
    implied = [fetch(g, "request->words") for g in m.fields if g.implied]
    if implied:
        total = " + ".join(f"(uint64_t){value}" for value in implied)
        checks.append(f"{total} > request->readable")
    for f in m.answer or []:
        out.append(f"    {f.ctype} {f.name} = {'HANDLE_NONE' if f.kind == 'handle' else '0'};")
    out += [""] if m.answer else []
    out += ["    if (" + checks[0] + ") {", "        return ERROR_NOT_SUPPORTED;", "    }"]
    if checks[1:]:
        out += wrapped("    if (", [" || ".join(checks[1:])], ") {", "        ") + \
            ["        return ERROR_BAD_ARGUMENT;", "    }"]
    if own:
        out += [f"    if ({own}) {{", "        return ERROR_CROSS_DEVICE;", "    }"]
    values += ["&" + f.name for f in m.answer or []]
    call = f"    status_t status_ = handlers->{m.name}("
    out += wrapped(call, values, ");", " " * len(call))
    if m.answer:
        out.append("    if (status_ == REQUEST_DEFERRED) {")
        out += ["        return status_;", "    }"]
    out += load(m.answer or [], "request->answer.words")
    out += handles_answer(m.answer or [], "request->answer", "request->answer_flag")
    return out + ["    return status_;", "}", ""]


def f_object(f):
    from generate import OBJECTS
    return OBJECTS[f.type]


def handles_answer(fields, target, moves="ANSWER_MOVE"):
    out = []
    for f in (f for f in fields if f.kind == "handle"):
        flag = "ANSWER_COPY" if f.copy else moves
        out.append(f"    answer_add_handle(&{target}, {f.name}, {flag});")
    return out


def reply_later(p, m):
    """Answers a request whose reply was saved."""
    head = f"static inline status_t {p.name}_answer_{m.name}("
    parameters = ["handle_t saved", "status_t outcome"] + [f"{f.ctype} {f.name}" for f in m.answer]
    out = ["/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */"]
    out += wrapped(head, parameters, ") {", " " * len(head))
    out += ["    struct answer answer_ = {.control = 0};", ""]
    out += load(m.answer, "answer_.words") + handles_answer(m.answer, "answer_")
    return out + ["    return answer_send(saved, outcome, &answer_);", "}", ""]


def dispatch(p):
    head = f"static inline status_t {p.name}_dispatch("
    out = ["/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */"]
    out += wrapped(head, ["const void *handlers", "void *context", "struct request *request"], ") {",
                   " " * len(head))
    out += ["    switch (request->label) {"]
    for m in p.messages:
        out += [f"    case {p.name.upper()}_{m.name.upper()}:"]
        out += wrapped(f"        return {p.name}_dispatch_{m.name}(", ["handlers", "context", "request"], ");", "            ")
    return out + ["    default:", "        return ERROR_BAD_MESSAGE;", "    }", "}", ""]


def c_member(member):
    code, note = member
    out = []
    if code:
        kind, name = code.split(" ", 1)
        out.append(f"{kind if kind == 'char' else C_MEMBER[kind[0]] + kind[1:] + '_t'} {name}")
    return "    " + " ".join(out + ([f"/* {note} */"] if note else []))


def constant(value):
    return value if int(value, 0) < 1 << 31 else value + "ull" if int(value, 0) >= 1 << 32 else value + "u"


def header(p):
    upper = p.name.upper()
    out = ["/* SPDX-License-Identifier: MIT */", "/*",
           f" * Made by tools/idl/generate.py from abi/protocols/{p.name}.idl: change that, not this."]
    out += [" *"] + [f" * {line}".rstrip() for line in p.head] if p.head else []
    out += [" */", "/* clang-format off */", "#pragma once", "",
            "#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */", "",
            '#include "lib/native/message.h"', '#include "lib/native/request.h"', "",
            f"enum {{ {upper}_PROTOCOL = {p.number} }};", "", f"enum {p.name}_label {{"]
    out += [f"    {upper}_{m.name.upper()} = {upper}_PROTOCOL << 16 | {m.number}," for m in p.messages] + ["};", ""]
    for name, value, doc in p.constants:
        out += comment(doc) + [f"#define {upper}_{name} {constant(value)}"]
    for name, bit, doc in p.notes:
        out += comment(doc) + [f"#define {upper}_NOTIFY_{name} (1ull << {bit})"]
    out += [""] if p.constants or p.notes else []
    for name, members, doc in p.structs:
        out += comment(doc) + [f"struct {p.name}_{name} {{"] + [c_member(m) for m in members] + ["};", ""]
    for m in p.messages:
        out += client(p, m)
    out += handlers(p)
    for m in p.messages:
        out += dispatch_one(p, m)
        out += reply_later(p, m) if m.answer is not None else []
    out += dispatch(p)
    out += [f"/* A row of a server's protocol table. */",
            f"#define {upper}_SERVE(handlers) {{{upper}_PROTOCOL, {p.name}_dispatch, &(handlers)}}", "",
            "/* The message's name, for traces; NULL if the label is none of this protocol. */",
            f"static inline const char *{p.name}_label_name(uint32_t label) {{", "    switch (label) {"]
    for m in p.messages:
        out += [f"    case {upper}_{m.name.upper()}:", f'        return "{p.name}.{m.name}";']
    return "\n".join(out + ["    default:", "        return NULL;", "    }", "}"]) + "\n"

