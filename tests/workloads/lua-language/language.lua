-- SPDX-License-Identifier: MIT
-- The language and the libraries that need no system: strings, tables, coroutines, closures, errors,
-- the collector, numbers, packing, UTF-8, dates.
local function show(what, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do
        parts[i] = tostring(parts[i])
    end
    print(what, table.concat(parts, " | "))
end

-- Strings.
show("format", ("%5d|%-5s|%05.1f|%x|%q|%a|%g|%i"):format(42, "ab", 3.14159, 255, "a\n\0\"", 1.0, 1e100, -3))
show("gsub", ("hello world"):gsub("(%w+) (%w+)", "%2 %1"), ("abc"):gsub("", "-"), ("x = 1"):gsub("%w", { x = "y" }))
show("match", ("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("[[nested]]"):match("%b[]"), ("THE (quick) fox"):find("%((%a+)%)"))
show("frontier", ("THE (quick) fox"):gsub("%f[%a]%a+", string.lower))
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do
    show("gmatch", k, v)
end
show("rep", ("ab"):rep(3, ","), ("x"):byte(), ("abc"):reverse(), #("é"), ("%s"):format(nil))
show("pack", string.pack("<i4z", 7, "hi"):byte(1, -1), string.unpack("<d", string.pack("<d", math.pi)))
show("utf8", utf8.char(228, 8364, 128512), utf8.len("äöü€"), utf8.len("\xff"), utf8.codepoint("€", 1))
show("dump", #string.dump(function() return 1 end) > 0, load(string.dump(function(x) return x * 2 end))(21))

-- Tables.
local t = {}
for i = 1, 1000 do
    t[i] = (i * 7919) % 1009
end
table.sort(t)
show("sort", t[1], t[500], t[1000])
table.sort(t, function(a, b) return a > b end)
show("sorted down", t[1], t[1000], table.unpack(t, 1, 4))
show("bad order", pcall(table.sort, { 3, 1, 2, 5, 4, 9, 8, 7, 6, 0, 1, 2, 3 }, function() return true end))
show("move", table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), " "), table.remove({ 1, 2 }), #table.pack(nil, nil))

-- Coroutines.
local function numbers(n)
    return coroutine.wrap(function()
        for i = 2, n do
            coroutine.yield(i)
        end
    end)
end
local function filter(p, source)
    return coroutine.wrap(function()
        for n in source do
            if n % p ~= 0 then
                coroutine.yield(n)
            end
        end
    end)
end
local primes, source = {}, numbers(300)
for _ = 1, 50 do
    local p = source()
    primes[#primes + 1] = p
    source = filter(p, source)
end
show("sieve", table.concat(primes, " "))
local co = coroutine.create(function(...)
    local got = coroutine.yield(select("#", ...))
    error({ code = got })
end)
show("resume", coroutine.resume(co, 1, nil, 3))
local ok, e = coroutine.resume(co, 42)
show("error", ok, e.code, coroutine.status(co), coroutine.resume(co))
show("close", coroutine.close(coroutine.create(print)), coroutine.isyieldable(), select(2, coroutine.running()))
show("yield across pcall", coroutine.wrap(function() return pcall(function() return coroutine.yield(1) end) end)())

-- Errors, closing, metatables.
show("error", pcall(error, "text", 0), pcall(error), select("#", pcall(error, nil)))
show("runtime", pcall(function() local x; return x.y end))
show("traceback", (xpcall(function() error("deep") end, function(m) return m:gsub("^.*:", "") end)))
show("overflow", select(2, pcall(function() local function f(s) return (s:gsub(".", f)) end return f("x") end)):match("C stack overflow"))
show("syntax", load("x = = 1"))
do
    local guard <close> = setmetatable({}, { __close = function(_, reason) show("closed", reason) end })
    local fixed <const> = 5
    show("inside", fixed)
end
show("closed in error", pcall(function()
    local guard <close> = setmetatable({}, { __close = function(_, reason) show("closing", reason) end })
    error("planned", 0)
end))
local vector = setmetatable({ 1, 2 }, { __add = function(a, b) return a[1] + b end, __index = function(_, k) return k .. "?" end,
    __call = function(_, x) return "called " .. x end, __len = function() return 99 end, __tostring = function() return "<v>" end,
    __eq = function() return true end, __lt = function() return true end, __concat = function() return "joined" end })
show("meta", vector + 5, vector.name, vector(1), #vector, vector, vector < 1, vector .. "x")

-- The collector.
local weak, finalized = setmetatable({}, { __mode = "v" }), 0
for i = 1, 1000 do
    weak[i] = setmetatable({}, { __gc = function() finalized = finalized + 1 end })
end
collectgarbage()
collectgarbage()
show("collected", finalized, next(weak))
for mode in pairs { generational = 1 } do
    collectgarbage(mode)
    local keep = {}
    for i = 1, 100000 do
        keep[i % 100] = { tostring(i), i }
    end
    show(mode, keep[5][1], collectgarbage("count") < 100000)
end

-- Numbers.
show("integers", 7 // 2, -7 // 2, 7 % -3, 1 << 62, math.maxinteger + 1 == math.mininteger, 5 // 0.0, -5 % math.huge, 3 | 4.0)
show("floats", 1 / 3, 0.1 + 0.2, 2 ^ 53, 1e15, 1e16, -0.0, 0 / 0 ~= 0 / 0, math.tointeger(3.0), 10 // 0.3)
show("divide", pcall(function() return 1 // 0 end))
show("math", math.sin(1), math.exp(1), math.log(8, 2), math.sqrt(2), math.fmod(-5, 3), math.floor(-1.5), math.ult(1, -1), math.pi)
show("convert", tonumber("0x10"), tonumber("z", 36), tonumber("1e1"), tonumber(""), "10" + 5, 10 .. 20, tostring(1e100), math.type(1), math.type(1.0))
show("compare", 1 == 1.0, math.maxinteger + 0.0 == math.maxinteger, "a" < "b", pcall(function() return 1 < "2" end))

-- Dates, in universal time.
show("date", os.date("!%Y-%m-%d %H:%M:%S %j %A %B %p", 1000000000), os.date("!%c", 0), os.time { year = 2024, month = 2, day = 30, hour = 12 } - os.time { year = 2024, month = 3, day = 1, hour = 12 })
show("table", os.date("!*t", 86400 * 365).yday, os.date("!*t", 0).isdst, pcall(os.date, "%Ez", 0))
show("clock", os.clock() >= 0, os.time() > 1600000000, os.difftime(5, 3), os.setlocale(), os.setlocale("xx"))
show("require", package.config:sub(1, 1), pcall(require, "no.such"))
