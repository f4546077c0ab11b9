-- SPDX-License-Identifier: MIT
-- Lua's io and os libraries on files: modes, positions, buffers, lines, errors, names.
local function show(what, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do
        parts[i] = tostring(parts[i])
    end
    print(what, table.concat(parts, " | "))
end

local f = assert(io.open("a.txt", "w"))
show("kind", io.type(f), io.type(io.stdout), io.type(42))
show("write", f:write("first\n", 2, "\n", 3.5, "\nlast without an end") == f)
show("seek", f:seek("cur"), f:seek("set", 2), f:seek("end"))
f:close()
show("closed", io.type(f), pcall(f.write, f, "x"))

for line in io.lines("a.txt") do
    show("line", line)
end
for two, letters in io.lines("a.txt", 2, 3) do
    show("blocks", two, letters)
end
f = assert(io.open("a.txt"))
show("read", f:read("l", "n", "n", "L", "l", "l"))
show("again", f:seek("set"), f:read("a"), f:read("a"), f:read("l"), f:read(0))
show("not for writing", f:write("x"))
f:close()

f = assert(io.open("a.txt", "a"))
f:seek("set")
f:write("\nappended")
f:close()
f = assert(io.open("a.txt", "r+"))
f:write("FIRST")
show("updated", f:seek("cur"), f:read("a"))
f:close()
show("whole", assert(io.open("a.txt")):read("a"))

-- A hole, and numbers as they stand in text.
f = assert(io.open("hole", "w+b"))
f:seek("set", 100000)
f:write("end")
f:seek("set", 0)
local hole = f:read("a")
show("hole", #hole, hole:find("[^\0]"))
f:seek("set", 0)
f:write("  0x1p4 -12 1e2 .5 nan 99999999999999999999\n")
f:seek("set", 0)
show("numbers", f:read("n", "n", "n", "n", "n"))
f:close()

-- Buffers of each kind: another descriptor sees what has been flushed.
for _, mode in ipairs { "no", "line", "full" } do
    local out, seen = assert(io.open("b", "w")), assert(io.open("b"))
    out:setvbuf(mode, 1024)
    out:write("one\ntwo")
    local first = seen:read("a")
    out:flush()
    show(mode, (first:gsub("\n", "/")), (seen:read("a"):gsub("\n", "/")))
    out:close()
    seen:close()
end

-- Many, and large.
local files = {}
for i = 1, 100 do
    files[i] = assert(io.open("many" .. i, "w+"))
    files[i]:write(("%d "):rep(i, i))
end
local sum = 0
for i, file in ipairs(files) do
    file:seek("set")
    for n in function() return file:read("n") end do
        sum = sum + n
    end
    file:close()
    assert(os.remove("many" .. i))
end
show("many", sum)
f = assert(io.open("large", "w+b"))
local block = ("0123456789abcdef"):rep(4096)
for i = 1, 64 do
    f:write(block)
end
show("large", f:seek("end"))
f:seek("set", 1 << 20)
show("inside", f:read(20))
f:close()

show("no file", io.open("nothing/here"))
show("a folder", io.open(".", "w"))
show("bad mode", pcall(io.open, "a.txt", "rw"))
show("rename", os.rename("a.txt", "c.txt"), os.rename("a.txt", "d.txt"))
show("remove", os.remove("c.txt"), os.remove("c.txt"))
show("read a folder", pcall(function() return io.open("."):read("a") end))

local name = os.tmpname()
f = assert(io.open(name, "w"))
f:write("x")
f:close()
show("temporary", name:match("^/tmp/lua_") ~= nil, os.remove(name))
f = assert(io.tmpfile())
f:write("hello")
f:seek("set")
show("nameless", f:read("a"))
f:close()

io.output("d.txt")
io.write("through io.output")
io.close()
io.output(io.stdout)
io.input("d.txt")
show("io.input", io.read("a"))
io.close(io.input())
show("dofile", pcall(dofile, "d.txt"))
show("full", select(2, io.open("/dev/full", "w"):write(("x"):rep(100000))))
show("null", io.open("/dev/null"):read("a"), io.open("/dev/null", "w"):write("x") ~= nil)
show("zero", (io.open("/dev/zero", "rb"):read(5):gsub("\0", "0")))
show("random", #io.open("/dev/urandom", "rb"):read(1000))
