-- SPDX-License-Identifier: MIT
-- show.lua FILE: prints it with all bytes but plain text as \xx, so that it survives a serial line.
local file = assert(io.open(arg[1], "rb"))
local text = file:read("a"):gsub("\\", "\\5c")
io.write((text:gsub("[^\n -~]", function(c) return ("\\%02x"):format(c:byte()) end)), "\n")
