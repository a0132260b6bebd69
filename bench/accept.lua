-- The load on POST /v1/withdrawals for wrk: each request has a key and a receiver of its own.
--
-- usage: wrk … -s accept.lua URL -- API-KEY SEED [COUNT [PORTS]]
--
-- With a COUNT above 0 each thread makes so many POSTs and no more, every other one for the token
-- TUSD; wrk itself still waits until its time is over. With PORTS (1,2,…) each thread has a server of
-- its own, in the place of the URL's. Ends with one line of JSON: requests, seconds, errors, p50_ms,
-- p99_ms, max_ms, and cpu_s, seconds of CPU of wrk itself.

local threads = 0

function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

local function template_of(key, asset, amount)
	local body = string.format(
		'{"chain":"anvil","asset":"%s","to":"0x%%s","amount":"%s"}',
		asset,
		amount
	)
	return "POST /v1/withdrawals HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
		.. key
		.. "\r\nContent-Type: application/json\r\nContent-Length: "
		.. #string.format(body, string.rep("0", 40))
		.. "\r\nIdempotency-Key: %s%d\r\n\r\n"
		.. body
end

-- While the last answers are under way, connections that are done ask for something cheap.
local function stop_after(count)
	local accepted = 0
	response = function(status)
		accepted = accepted + (status == 202 and 1 or 0)
		if accepted == count then
			wrk.thread:stop()
		end
	end
end

-- The thread's own server: the one of its number.
local function choose_server(ports)
	local at = 0
	for port in string.gmatch(ports, "%d+") do
		at = at + 1
		if at == number then
			wrk.thread.addr = wrk.lookup("127.0.0.1", port)[1]
		end
	end
end

function init(args)
	local count = tonumber(args[3]) or 0
	if args[4] then
		choose_server(args[4])
	end
	local seed = tonumber(args[2])
	math.randomseed(seed * 64 + number)
	key_prefix = string.format("bench-%d-%d-", seed, number)
	made = 0
	local coin, token = template_of(args[1], "ETH", "0.001"), template_of(args[1], "TUSD", "1")
	templates = { [0] = coin, count > 0 and token or coin }
	if count > 0 then
		most = count + 1 -- wrk looks at a first one, which it does not send
		rest = "GET /v1/assets HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
			.. args[1]
			.. "\r\n\r\n"
		stop_after(most - 1)
	end
end

function request()
	if made == most then
		return rest
	end
	made = made + 1
	local random = math.random
	local to = string.format(
		"%08x%08x%08x%08x%08x",
		random(0, 4294967295),
		random(0, 4294967295),
		random(0, 4294967295),
		random(0, 4294967295),
		made
	)
	return string.format(templates[made % 2], key_prefix, made, to)
end

function done(summary, latency, requests)
	local errors = summary.errors
	print(
		string.format(
			'{"requests":%d,"seconds":%.6f,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"cpu_s":%.3f}',
			summary.requests,
			summary.duration / 1e6,
			errors.connect + errors.read + errors.write + errors.status + errors.timeout,
			latency:percentile(50) / 1e3,
			latency:percentile(99) / 1e3,
			latency.max / 1e3,
			os.clock()
		)
	)
end
