/* SPDX-License-Identifier: MIT */
/*
 * Gates, the namespace and the services for scripts.
 */
#include "ports/lua/native_module.h"

#include <stdlib.h>
#include <string.h>

#include "lib/posix/call.h"

#include "abi/generated/file.h"
#include "abi/generated/names.h"
#include "abi/generated/service.h"
#include "lib/native/error.h"
#include "lib/native/namespace.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/errno.h"
#include "lib/posix/path.h"

static const char gate_type[] = "euralios.gate";
static const char control_path[] = "/dev/services";

int push_failure(lua_State *L, status_t status) {
    lua_pushnil(L);
    lua_pushstring(L, status_text(status));
    lua_pushstring(L, status_name(status));
    return 3;
}

static int push_outcome(lua_State *L, status_t status) {
    if (status != OK) {
        return push_failure(L, status);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* --- gates -------------------------------------------------------------------------------------
 */

handle_t *gate_push(lua_State *L) {
    handle_t *gate = lua_newuserdatauv(L, sizeof *gate, 0);

    *gate = HANDLE_NONE;
    luaL_setmetatable(L, gate_type);
    return gate;
}

handle_t gate_check(lua_State *L, int index) {
    const handle_t *gate = luaL_checkudata(L, index, gate_type);

    if (*gate == HANDLE_NONE) {
        luaL_error(L, "the gate is closed");
    }
    return *gate;
}

/* close, __close and __gc: the second time it does nothing. */
static int gate_close(lua_State *L) {
    handle_t *gate = luaL_checkudata(L, 1, gate_type);

    if (*gate != HANDLE_NONE) {
        handle_drop(*gate);
        *gate = HANDLE_NONE;
    }
    return 0;
}

static int gate_text(lua_State *L) {
    const handle_t *gate = luaL_checkudata(L, 1, gate_type);

    if (*gate == HANDLE_NONE) {
        lua_pushliteral(L, "gate (closed)");
    } else {
        lua_pushfstring(L, "gate (%d)", (int)*gate);
    }
    return 1;
}

/* --- the namespace -----------------------------------------------------------------------------
 */

/* The path at `index`, made absolute and normal; a Lua error if it cannot be. */
static void check_path(lua_State *L, int index, struct posix_path *path) {
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);

    luaL_argcheck(L, strlen(text) == length, index, "a path has no NUL in it");
    int error = path_from_user(path, LINUX_AT_FDCWD, text);

    luaL_argcheck(L, error == 0, index, strerror(-error));
}

static const struct {
    char letter;
    uint32_t flag;
} open_flags[] = {
    {'r', FILE_OPEN_READ},      {'w', FILE_OPEN_WRITE},    {'c', FILE_OPEN_CREATE},
    {'x', FILE_OPEN_EXCLUSIVE}, {'t', FILE_OPEN_TRUNCATE}, {'d', FILE_OPEN_DIRECTORY},
    {'l', FILE_OPEN_NO_FOLLOW}, {'a', FILE_OPEN_APPEND},   {'n', FILE_OPEN_NONBLOCK},
};

static uint32_t check_flags(lua_State *L, int index) {
    uint32_t flags = 0;

    for (const char *how = luaL_optstring(L, index, "r"); *how != '\0'; how++) {
        uint32_t flag = 0;

        for (size_t i = 0; i < ARRAY_SIZE(open_flags); i++) {
            flag |= open_flags[i].letter == *how ? open_flags[i].flag : 0;
        }
        luaL_argcheck(L, flag != 0, index, "letters of rwcxtdlan");
        flags |= flag;
    }
    return flags;
}

static const char *kind_name(uint32_t kind) {
    switch (kind) {
    case FILE_MODE_PIPE:
        return "pipe";
    case FILE_MODE_CHARACTER:
        return "character";
    case FILE_MODE_DIRECTORY:
        return "directory";
    case FILE_MODE_BLOCK:
        return "block";
    case FILE_MODE_REGULAR:
        return "regular";
    case FILE_MODE_SOCKET:
        return "socket";
    default:
        return "other";
    }
}

/* open(path [, how]): a gate and what kind of file it is. */
static int open_path(lua_State *L) {
    struct posix_path path;
    uint32_t flags = check_flags(L, 2), kind;

    check_path(L, 1, &path);
    handle_t *gate = gate_push(L);
    status_t status = namespace_open(path.at.text, flags, 0666, gate, &kind);

    if (status != OK) {
        *gate = HANDLE_NONE;
        return push_failure(L, status);
    }
    lua_pushstring(L, kind_name(kind));
    return 2;
}

/* root(path): the gate that is mounted there. */
static int root_of_path(lua_State *L) {
    struct posix_path path;

    check_path(L, 1, &path);
    handle_t *gate = gate_push(L);
    status_t status = namespace_root(path.at.text, gate);

    if (status != OK) {
        *gate = HANDLE_NONE;
        return push_failure(L, status);
    }
    return 1;
}

static int compare_prefixes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* namespace(): the prefixes that this process was given or has bound, sorted. */
static int list_namespace(lua_State *L) {
    enum { PREFIXES_MAX = 256 };
    const char *prefixes[PREFIXES_MAX];
    handle_t gate;
    size_t n = 0;

    while (n < PREFIXES_MAX && namespace_entry(n, &prefixes[n], &gate)) {
        n++;
    }
    qsort(prefixes, n, sizeof prefixes[0], compare_prefixes);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushstring(L, prefixes[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* bind(prefix, gate): for this process and those that it starts. The script keeps its gate. */
static int bind_prefix(lua_State *L) {
    struct posix_path path;
    handle_t copy;

    check_path(L, 1, &path);
    status_t status = sys_handle_copy(gate_check(L, 2), RIGHTS_ALL, 0, &copy);

    return push_outcome(L, status != OK ? status : namespace_bind(path.at.text, copy));
}

static int unbind_prefix(lua_State *L) {
    struct posix_path path;

    check_path(L, 1, &path);
    return push_outcome(L, namespace_unbind(path.at.text));
}

/* The names server: what the root of the namespace is bound to, if it is shared at all. */
static status_t names_gate(handle_t *gate) {
    const char *rest;

    return namespace_resolve("/", gate, &rest);
}

/* mount(path, gate): in the shared namespace, for everyone. */
static int mount_path(lua_State *L) {
    struct posix_path path;
    handle_t names;

    check_path(L, 1, &path);
    handle_t root = gate_check(L, 2);
    status_t status = names_gate(&names);

    if (status == OK) {
        status = names_mount(names, path.at.text + 1, (uint32_t)strlen(path.at.text + 1), root,
                             DEADLINE_NEVER);
    }
    return push_outcome(L, status);
}

static int unmount_path(lua_State *L) {
    struct posix_path path;
    handle_t names;

    check_path(L, 1, &path);
    status_t status = names_gate(&names);

    if (status == OK) {
        status = names_unmount(names, path.at.text + 1, (uint32_t)strlen(path.at.text + 1),
                               DEADLINE_NEVER);
    }
    return push_outcome(L, status);
}

/* --- services ----------------------------------------------------------------------------------
 */

static void set_integer(lua_State *L, const char *name, uint64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void push_service(lua_State *L, const struct service_state *state) {
    static const char *const names[] = {
        [SERVICE_WAITS] = "waits",     [SERVICE_STARTING] = "starting",
        [SERVICE_UP] = "up",           [SERVICE_STOPPED] = "stopped",
        [SERVICE_ENDED] = "ended",     [SERVICE_BACK_OFF] = "back-off",
        [SERVICE_REFUSED] = "refused",
    };

    lua_createtable(L, 0, 9);
    lua_pushlstring(L, state->name, strnlen(state->name, sizeof state->name));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, state->state < ARRAY_SIZE(names) ? names[state->state] : "?");
    lua_setfield(L, -2, "state");
    set_integer(L, "level", state->level);
    set_integer(L, "priority", state->priority);
    set_integer(L, "process", state->process);
    set_integer(L, "restarts", state->restarts);
    set_integer(L, "used", state->used_pages * PAGE_SIZE);
    set_integer(L, "budget", state->budget_pages * PAGE_SIZE);
    lua_pushnumber(L, (double)(time_now_ns() - state->since_ns) / 1e9);
    lua_setfield(L, -2, "since");
}

/* services(): a table of what init runs, in the order of starting. */
static int list_services(lua_State *L) {
    enum { AT_ONCE = 16 };
    struct service_state states[AT_ONCE];
    handle_t *control = gate_push(L);
    uint32_t first = 0, n;
    status_t status = namespace_open(control_path, FILE_OPEN_READ, 0, control, NULL);

    if (status != OK) {
        *control = HANDLE_NONE;
        return push_failure(L, status);
    }
    lua_newtable(L);
    do {
        n = 0;
        status = service_list(*control, first, states, sizeof states, &n, DEADLINE_NEVER);
        if (status != OK || n > AT_ONCE) {
            return push_failure(L, status != OK ? status : ERROR_BAD_MESSAGE);
        }
        for (uint32_t i = 0; i < n; i++) {
            push_service(L, &states[i]);
            lua_rawseti(L, -2, (lua_Integer)first + i + 1);
        }
        first += n;
    } while (n > 0);
    return 1;
}

/* service(verb, name): start, stop, restart, kill. */
static int change_service(lua_State *L) {
    static const char *const verbs[] = {"start", "stop", "restart", "kill", NULL};
    static status_t (*const calls[])(handle_t, const void *, uint32_t, uint64_t) = {
        service_start, service_stop, service_restart, service_kill};
    int verb = luaL_checkoption(L, 1, NULL, verbs);
    size_t length;
    const char *name = luaL_checklstring(L, 2, &length);

    luaL_argcheck(L, length < SERVICE_NAME_BYTES, 2, "no service has so long a name");
    handle_t *control = gate_push(L);
    status_t status = namespace_open(control_path, FILE_OPEN_READ, 0, control, NULL);

    if (status != OK) {
        *control = HANDLE_NONE;
        return push_failure(L, status);
    }
    return push_outcome(L, calls[verb](*control, name, (uint32_t)length, DEADLINE_NEVER));
}

int luaopen_euralios(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"open", open_path},
        {"root", root_of_path},
        {"namespace", list_namespace},
        {"bind", bind_prefix},
        {"unbind", unbind_prefix},
        {"mount", mount_path},
        {"unmount", unmount_path},
        {"label", label_of_name},
        {"services", list_services},
        {"service", change_service},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {{"call", gate_call}, {"close", gate_close}, {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__gc", gate_close}, {"__close", gate_close}, {"__tostring", gate_text}, {NULL, NULL}};

    luaL_newmetatable(L, gate_type);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "gate");
    lua_setfield(L, -2, "__metatable"); /* not for scripts: methods rely on it */
    luaL_newlib(L, functions);
    return 1;
}
