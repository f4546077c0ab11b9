/* SPDX-License-Identifier: MIT */
/*
 * Which libraries Lua's interpreter begins with: this file stands in for upstream's linit.c, which
 * says to copy it for that. All of Lua's own as usual, and the module "euralios" for those who
 * require it.
 */
#include "ports/lua/native_module.h"

#include <lualib.h>
#include <stddef.h>

LUALIB_API void luaL_openlibs(lua_State *L) {
    static const luaL_Reg opened[] = {
        {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
        {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
        {LUA_IOLIBNAME, luaopen_io},        {LUA_OSLIBNAME, luaopen_os},
        {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},    {LUA_DBLIBNAME, luaopen_debug},
    };

    for (size_t i = 0; i < sizeof opened / sizeof opened[0]; i++) {
        luaL_requiref(L, opened[i].name, opened[i].func, 1);
        lua_pop(L, 1);
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_euralios);
    lua_setfield(L, -2, "euralios");
    lua_pop(L, 1);
}
