/* SPDX-License-Identifier: MIT */
/*
 * Messages for scripts: any call of any protocol, by the names in abi/protocols or by number.
 */
#include "ports/lua/native_module.h"

#include <stdio.h>
#include <string.h>

#include "lib/posix/call.h"

#include "abi/generated/block.h"
#include "abi/generated/device.h"
#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "abi/generated/log.h"
#include "abi/generated/names.h"
#include "abi/generated/network.h"
#include "abi/generated/nic.h"
#include "abi/generated/pci.h"
#include "abi/generated/pipe.h"
#include "abi/generated/proc.h"
#include "abi/generated/service.h"
#include "abi/generated/socket.h"
#include "abi/generated/terminal.h"
#include "lib/native/time.h"

enum { LABELS_OF_PROTOCOL = 256 };

/* A timeout of more seconds than this is none. */
static const double seconds_max = 1e9;

static status_t find_label(const char *name, uint32_t *label) {
    static const struct {
        uint32_t protocol;
        const char *(*label_name)(uint32_t label);
    } protocols[] = {
        {BLOCK_PROTOCOL, block_label_name},
        {DEVICE_PROTOCOL, device_label_name},
        {DIRECTORY_PROTOCOL, directory_label_name},
        {FILE_PROTOCOL, file_label_name},
        {LOG_PROTOCOL, log_label_name},
        {NAMES_PROTOCOL, names_label_name},
        {NETWORK_PROTOCOL, network_label_name},
        {NIC_PROTOCOL, nic_label_name},
        {PCI_PROTOCOL, pci_label_name},
        {PIPE_PROTOCOL, pipe_label_name},
        {PROC_PROTOCOL, proc_label_name},
        {SERVICE_PROTOCOL, service_label_name},
        {SOCKET_PROTOCOL, socket_label_name},
        {TERMINAL_PROTOCOL, terminal_label_name},
    };

    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        for (uint32_t n = 0; n < LABELS_OF_PROTOCOL; n++) {
            const char *found = protocols[i].label_name(protocols[i].protocol << 16 | n);

            if (found != NULL && strcmp(found, name) == 0) {
                *label = protocols[i].protocol << 16 | n;
                return OK;
            }
        }
    }
    return ERROR_NOT_FOUND;
}

static uint32_t check_label(lua_State *L, int index) {
    uint32_t label = 0;

    if (lua_isinteger(L, index)) {
        lua_Integer number = lua_tointeger(L, index);

        luaL_argcheck(L, number >= 0 && number <= UINT32_MAX, index, "a label has 32 bits");
        return (uint32_t)number;
    }
    if (find_label(luaL_checkstring(L, index), &label) != OK) {
        luaL_argerror(L, index, "no such message");
    }
    return label;
}

int label_of_name(lua_State *L) {
    lua_pushinteger(L, check_label(L, 1));
    return 1;
}

/* --- the request's table -----------------------------------------------------------------------
 */

/* A member of the table; the raw one, because a metamethod could do anything in between. */
static int push_member(lua_State *L, const char *name) {
    lua_pushstring(L, name);
    return lua_rawget(L, 2);
}

static void take_words(lua_State *L, struct message *m) {
    for (int i = 0; i < MESSAGE_WORDS; i++) {
        int is_integer = 1;

        if (lua_rawgeti(L, 2, i + 1) != LUA_TNIL) {
            m->words[i] = (uint64_t)lua_tointegerx(L, -1, &is_integer);
        }
        luaL_argcheck(L, is_integer, 2, "words are integers");
        lua_pop(L, 1);
    }
    luaL_argcheck(L, lua_rawlen(L, 2) <= MESSAGE_WORDS, 2, "a message has four words");
}

/* The gates are copied: the script keeps its own. */
static void take_gates(lua_State *L, struct message *m) {
    if (push_member(L, "gates") == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    luaL_argcheck(L, lua_istable(L, -1), 2, "gates are in a table");
    lua_Unsigned n = lua_rawlen(L, -1);

    luaL_argcheck(L, n <= MESSAGE_HANDLES_MAX, 2, "a message has four gates at most");
    for (unsigned i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        m->handles[i] = gate_check(L, -1);
        m->control |= MESSAGE_COPY(i, RIGHTS_ALL);
        lua_pop(L, 1);
    }
    m->control |= MESSAGE_SEND_HANDLES(n);
    lua_pop(L, 1);
}

static void take_deadline(lua_State *L, struct message *m) {
    int is_number = 1;
    double seconds = seconds_max;

    if (push_member(L, "timeout") != LUA_TNIL) {
        seconds = lua_tonumberx(L, -1, &is_number);
    }
    luaL_argcheck(L, is_number && seconds >= 0, 2, "the timeout is a number of seconds");
    m->deadline =
        seconds >= seconds_max ? DEADLINE_NEVER : time_now_ns() + (uint64_t)(seconds * 1e9);
    lua_pop(L, 1);
}

/* What is lent: `send`, which stays on the stack, and `room` bytes, in a buffer pushed after it. */
static char *take_segments(lua_State *L, struct message *m, size_t *room) {
    size_t length = 0;
    unsigned n = 0;
    int is_integer = 1;

    push_member(L, "send");
    luaL_argcheck(L, lua_isnil(L, -1) || lua_type(L, -1) == LUA_TSTRING, 2, "send is a string");
    const char *send = lua_tolstring(L, -1, &length);

    luaL_argcheck(L, length <= LENT_BYTES_MAX, 2, "more is sent than can be lent");
    if (send != NULL) {
        m->segments[n++] = MESSAGE_LEND(send, (uint32_t)length, LENT_READABLE);
    }
    lua_Integer wanted =
        push_member(L, "room") == LUA_TNIL ? 0 : lua_tointegerx(L, -1, &is_integer);

    luaL_argcheck(L, is_integer && wanted >= 0 && wanted <= LENT_BYTES_MAX, 2,
                  "room is a number of bytes that can be lent");
    lua_pop(L, 1);
    *room = (size_t)wanted;
    char *buffer = lua_newuserdatauv(L, *room + 1, 0);

    memset(buffer, 0, *room + 1);
    if (wanted > 0) {
        m->segments[n++] = MESSAGE_LEND(buffer, (uint32_t)wanted, LENT_WRITABLE);
    }
    m->control |= MESSAGE_SEGMENTS(n);
    return buffer;
}

/* --- the call ----------------------------------------------------------------------------------
 */

/* Fills the table at the top. The gates stand right below it. */
static void fill_answer(lua_State *L, const struct message *m, const char *buffer, size_t room) {
    unsigned n = MESSAGE_RESULT_HANDLES(m->control);
    int table = lua_gettop(L), first = table - MESSAGE_HANDLES_MAX;

    for (int i = 0; i < MESSAGE_WORDS; i++) {
        lua_pushinteger(L, (lua_Integer)m->words[i]);
        lua_rawseti(L, table, i + 1);
    }
    if (room > 0) {
        lua_pushlstring(L, buffer, room);
        lua_setfield(L, table, "data");
    }
    if (n > 0) {
        lua_createtable(L, (int)n, 0);
        for (unsigned i = 0; i < n; i++) {
            lua_pushvalue(L, first + (int)i);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, table, "gates");
    }
}

int gate_call(lua_State *L) {
    struct message m = {.gate = gate_check(L, 1), .label = check_label(L, 2)};
    handle_t *gates[MESSAGE_HANDLES_MAX];
    size_t room;

    /* From here on the request is argument 2. */
    lua_remove(L, 2);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    take_words(L, &m);
    take_gates(L, &m);
    take_deadline(L, &m);
    char *buffer = take_segments(L, &m, &room);

    /* All that can fail for want of memory comes before the call: what it brings is ours at once.
     */
    luaL_checkstack(L, MESSAGE_HANDLES_MAX + 4, "too deep");
    for (unsigned i = 0; i < MESSAGE_HANDLES_MAX; i++) {
        gates[i] = gate_push(L);
    }
    lua_createtable(L, MESSAGE_WORDS, 2);
    m.control |= MESSAGE_ACCEPT(MESSAGE_HANDLES_MAX);
    status_t status = MESSAGE_CALL(&m);

    if (status != OK) {
        return push_failure(L, status);
    }
    for (unsigned i = 0; i < MESSAGE_RESULT_HANDLES(m.control); i++) {
        *gates[i] = m.handles[i];
    }
    fill_answer(L, &m, buffer, room);
    if ((status_t)m.label == OK) {
        return 1;
    }
    int answer = lua_gettop(L);

    push_failure(L, (status_t)m.label);
    lua_pushvalue(L, answer);
    return 4;
}
