-- The load on GET /v1/withdrawals/{id} for wrk, over the ids of a file.
--
-- usage: wrk … -s read.lua URL -- API-KEY FILE
--
-- FILE: a line per id, 32 hexadecimal digits. Ends with the line of accept.lua.

dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "accept.lua")

function init(args)
	requests = {}
	for line in io.lines(args[2]) do
		local id = line:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$", "%1-%2-%3-%4-%5")
		requests[#requests + 1] = "GET /v1/withdrawals/"
			.. id
			.. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
			.. args[1]
			.. "\r\n\r\n"
	end
	made = number * 7919
end

function request()
	made = made + 1
	return requests[made % #requests + 1]
end
