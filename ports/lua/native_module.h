/* SPDX-License-Identifier: MIT */
/*
 * The Lua module "euralios": the native side of the system for scripts. README.md tells what is in
 * it.
 *
 *   native_module.c  gates, the namespace, services
 *   native_call.c    messages
 *
 * Nothing that a script passes may crash the interpreter: a wrong argument is a Lua error; what the
 * system refuses is nil, a text and the name of the status. Invariant: every handle is in a gate
 * (userdata) from the moment it is ours, so that no Lua error loses one.
 */
#pragma once

#include <lauxlib.h>
#include <lua.h>

#include "abi/types.h"

int luaopen_euralios(lua_State *L);

/* Pushes a new gate without a handle; the caller puts one in, which is the gate's from then on. */
handle_t *gate_push(lua_State *L);

/* The handle of the gate at `index`, which is still its; a Lua error if it is no gate or closed. */
handle_t gate_check(lua_State *L, int index);

/* Pushes nil, the text and the name of the status, and returns 3. */
int push_failure(lua_State *L, status_t status);

/* gate:call(message, request) and label(name), of native_call.c. */
int gate_call(lua_State *L);
int label_of_name(lua_State *L);
