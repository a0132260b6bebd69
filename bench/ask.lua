-- The load on GET /v1/assets for wrk, by whoever is named in the lines of a file, in turns.
--
-- usage: wrk … -s ask.lua URL -- FILE
--
-- Ends with the line of accept.lua.

dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "accept.lua")

function init(args)
	asked = {}
	for line in io.lines(args[1]) do
		asked[#asked + 1] = "GET /v1/assets HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. line .. "\r\n\r\n"
	end
	made = 0
end

function request()
	made = made + 1
	return asked[made % #asked + 1]
end
