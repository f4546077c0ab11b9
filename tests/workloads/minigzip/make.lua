-- SPDX-License-Identifier: MIT
-- Makes the files that are packed: none, one byte, all alike, text, what cannot be packed, and more than
-- zlib's window.
local function write(name, text)
    assert(assert(io.open(name, "wb")):write(text)):close()
end

local seed = 1
local function random(n)
    seed = seed * 6364136223846793005 + 1442695040888963407
    return (seed >> 33) % n
end

local bytes, words = {}, {}
for i = 1, 100000 do
    bytes[i] = string.char(random(256))
end
for i = 1, 40000 do
    words[i] = ("euralia merriwig hyacinth udo coronel belvane araby"):match("%a+", 1 + random(45)) .. (i % 12 == 0 and "\n" or " ")
end
write("empty", "")
write("one", "x")
write("alike", ("\0"):rep(300000))
write("text", table.concat(words))
write("random", table.concat(bytes))
