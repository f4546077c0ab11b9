-- SPDX-License-Identifier: MIT
-- Lua's io.popen and os.execute: pipes both ways, statuses, signals, many at a time.
local function show(what, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do
        parts[i] = tostring(parts[i])
    end
    print(what, table.concat(parts, " | "))
end
io.stdout:setvbuf("no")

show("shell", os.execute())
show("true", os.execute("true"))
show("false", os.execute("false"))
show("exit 7", os.execute("exit 7"))
show("signal", os.execute("kill -9 $$"))
show("none", os.execute("no-such-program 2>/dev/null"))
show("output", os.execute("echo to our output; echo and to errors >&2"))

local p = assert(io.popen("echo one; echo two; exit 3"))
show("kind", io.type(p))
show("read", p:read("l", "a"))
show("close", p:close())
show("killed", io.popen("kill -15 $$"):close())
for line in io.popen("echo a; echo b; echo c"):lines() do
    show("line", line)
end

p = assert(io.popen("cat; echo that is all", "w"))
for i = 1, 3 do
    p:write("written ", i, "\n")
end
show("close", p:close())
show("bad mode", pcall(io.popen, "true", "rw"))

-- More than a pipe holds, each way.
p = assert(io.popen("awk 'BEGIN { for (i = 0; i < 20000; i++) print i }'"))
local n, sum = 0, 0
for line in p:lines() do
    n, sum = n + 1, sum + tonumber(line)
end
show("much", n, sum, p:close())
p = assert(io.popen("awk '{ s += $1 } END { print s }'", "w"))
for i = 1, 20000 do
    p:write(i, "\n")
end
show("closed", p:close())

-- Nobody reads: the writer is ended by SIGPIPE, and its shell says so.
p = assert(io.popen("awk 'BEGIN { while (1) print \"x\" }' 2>/dev/null"))
show("some", p:read(4))
show("no reader", p:close())

-- Several at a time, a pipeline of Lua programs, and what is inherited.
local many = {}
for i = 1, 8 do
    many[i] = io.popen(("sleep 0.0%d; echo process %d"):format(9 - i, i))
end
for _, process in ipairs(many) do
    show("many", process:read("a"), process:close())
end
local lua = arg[-1]
p = io.popen(("%s -e 'for i = 1, 9 do print(i * i) end' | %s -e 'for n in io.lines() do io.write(n + 1, \" \") end'"):format(lua, lua))
show("pipeline", p:read("a"), p:close())
show("environment", os.getenv("TERM"), os.getenv("NOTHING"), io.popen("X=5; export X; " .. lua .. " -e 'print(os.getenv(\"X\"))'"):read("a"))
show("exit", os.execute(lua .. " -e 'os.exit(9)'"))
show("exit", os.execute(lua .. " -e 'os.exit(true, true)'"))
show("error", os.execute(lua .. " -e 'error(\"planned\")' 2>/dev/null"))
show("deep", io.popen("dash -c 'dash -c \"dash -c \\\"echo deep; exit 4\\\"\"'"):read("a"))
