-- SPDX-License-Identifier: MIT
-- The module "euralios": what it gives, and that nothing passed to it ends the interpreter.
local native = require "euralios"
local passed, failed = 0, 0

local function check(what, ok, ...)
    if ok then
        passed = passed + 1
        print("ok " .. what)
    else
        failed = failed + 1
        print("not ok " .. what .. ": " .. table.concat({ tostring(ok), ... }, ", "))
    end
    return ok
end

local function check_failure(what, name, result, text, found)
    check(what, result == nil and type(text) == "string" and found == name, tostring(result), tostring(text), tostring(found))
end

local function contains(list, wanted)
    for _, value in ipairs(list) do
        if value == wanted then
            return true
        end
    end
    return false
end

local function write_file(path, text)
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
end

local function read_file(path)
    local file <close> = io.open(path)
    return file and file:read("a")
end

-- Gates and messages.
write_file("/tmp/native.txt", "Once on a time")
local gate, kind = native.open("/tmp/native.txt")
check("open", gate and kind == "regular", kind)
check("a gate as text", tostring(gate):match("^gate %(%d+%)$"))
local answer = gate:call("file.read", { -1, room = 4 })
check("read", answer[1] == 4 and answer.data == "Once", answer[1], answer.data)
answer = gate:call(native.label("file.read"), { 8, room = 100 })
check("by number", answer[1] == 6 and answer.data:sub(1, 6) == "a time" and #answer.data == 100, answer[1])
check_failure("not opened for writing", "BAD_HANDLE", gate:call("file.write", { 0, send = "x" }))
check_failure("no message of this server", "BAD_MESSAGE", gate:call("nic.attach", {}))
check_failure("no label", "BAD_MESSAGE", gate:call(0xffffffff))
gate:close()
gate:close()
check("closed", tostring(gate) == "gate (closed)" and not pcall(gate.call, gate, "file.read"))

do
    local file <close> = assert(native.open("native.made", "rwc"))
    check("write", file:call("file.write", { 0, send = ("x"):rep(70000) })[1] == 65536)
end
check("relative to the working directory", #(read_file("native.made") or "") == 65536)
os.remove("native.made")
check_failure("exclusive", "EXISTS", native.open("/tmp/native.txt", "rwcx"))
check_failure("a folder wanted", "NOT_DIRECTORY", native.open("/tmp/native.txt", "rd"))
check_failure("no such file", "NOT_FOUND", native.open("/tmp/nothing"))

-- An answer with gates: open by hand.
local folder = assert(native.root("/tmp"))
answer = folder:call("file.open", { 1 | 0 << 32, send = "native.txt", room = 10 })
check("an answer's gate", answer and answer.gates and answer.gates[1]:call("file.seek", { 0, 2 })[1] == 14)
answer = nil
check_failure("an answer that is an error", "NOT_FOUND", folder:call("file.open", { 1, send = "nothing" }))
check_failure("a path that no server takes", "BAD_ARGUMENT", folder:call("file.open", { 1, send = "../etc" }))

-- Who does not answer in time.
local pipes = assert(assert(native.root("/dev/pipe")):call("pipe.create", {})).gates
check("two ends", #pipes == 2)
check_failure("a time-out", "TIMEOUT", pipes[1]:call("file.read", { -1, room = 10, timeout = 0.05 }))
check("through a pipe", pipes[2]:call("file.write", { -1, send = "hello" })[1] == 5
    and pipes[1]:call("file.read", { -1, room = 10, timeout = 20 }).data:sub(1, 5) == "hello")
pipes = nil

-- The namespace.
local names = native.namespace()
check("namespace", contains(names, "/") and contains(names, "/tmp") and not contains(names, "/mine"), table.concat(names, " "))
check("bind", native.bind("/mine", folder))
check("bound", contains(native.namespace(), "/mine") and read_file("/mine/native.txt") == "Once on a time")
check("inherited", io.popen("cat /mine/native.txt"):read("a") == "Once on a time")
check("unbind", native.unbind("/mine") and not read_file("/mine/native.txt"))
check_failure("unbound", "NOT_FOUND", native.unbind("/mine"))
check("mount", native.mount("/shared/by/lua", folder))
check("mounted", read_file("/shared/by/lua/native.txt") == "Once on a time")
check("for everyone", io.popen("ls /shared/by"):read("a") == "lua\n")
check_failure("mounted already", "EXISTS", native.mount("/shared/by/lua", folder))
check("unmount", native.unmount("/shared/by/lua") and not read_file("/shared/by/lua/native.txt"))
check_failure("not mounted", "NOT_FOUND", native.unmount("/shared/by/lua"))
check_failure("another's mount", "DENIED", native.unmount("/tmp"))

-- Services.
local function service(name)
    for _, s in ipairs(assert(native.services())) do
        if s.name == name then
            return s
        end
    end
end
local log = service("log")
check("services", log and log.state == "up" and log.used > 0 and log.used <= log.budget and log.since >= 0)
check("restart", native.service("restart", "log"))
local limit = os.time() + 60
while service("log").state ~= "up" and os.time() < limit do
    os.execute("sleep 0.05")
end
check("another process", service("log").state == "up" and service("log").process ~= log.process)
check_failure("no service", "NOT_FOUND", native.service("stop", "nobody"))

-- Whatever is passed: a Lua error or a failure, and no crash. `stop` would not be refused for a name.
local odd = { nil, false, true, 0, -1, 1 << 63, 2 ^ 53, 0 / 0, "", "\0", "/\0", "x", ("/x"):rep(5000), {}, print, io.stdout,
    coroutine.create(print), folder, gate, setmetatable({}, { __index = error, __len = error }), n = 20 }
local calls = 0
local function try(call, ...)
    calls = calls + 1
    pcall(call, ...)
end
for _, name in ipairs { "open", "root", "bind", "unbind", "mount", "unmount", "label", "service", "services", "namespace" } do
    for i = 1, odd.n do
        -- "" and "x" are paths like others here: what is bound is taken away again below.
        for j = 1, odd.n do
            try(native[name], odd[i], odd[j])
        end
    end
end
for _, path in ipairs { "", "x", "\0" } do
    pcall(native.unbind, path)
    pcall(native.unmount, path)
end
for i = 1, odd.n do
    try(gate.call, odd[i], odd[i], odd[i])
    try(folder.call, folder, odd[i])
    try(gate.close, odd[i])
    for _, member in ipairs { 1, 4, 5, "send", "room", "gates", "timeout" } do
        try(folder.call, folder, "file.sync", { [member] = odd[i] })
        try(folder.call, folder, "file.sync", { gates = { odd[i], odd[i], odd[i], odd[i] }, [member] = odd[i] })
    end
end
folder:close()
check("odd arguments", calls > 4000)
check("the type is hidden", getmetatable(native.open("/tmp")) == "gate")

-- Gates that nobody closes are the collector's.
for _ = 1, 2000 do
    assert(native.open("/tmp/native.txt"))
end
collectgarbage()
check("collected", native.open("/tmp/native.txt"))
os.remove("/tmp/native.txt")

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0, true)
