-- The load on POST /v1/withdrawals for wrk: each request has a key and a receiver of its own.
--
-- usage: wrk … -s accept.lua URL -- API-KEY SEED
--
-- Ends with one line of JSON: requests, seconds, errors, p50_ms, p99_ms, max_ms.

local threads = 0

function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

function init(args)
	local seed = tonumber(args[2])
	math.randomseed(seed * 64 + number)
	key_prefix = string.format("bench-%d-%d-", seed, number)
	count = 0
	local body = '{"chain":"anvil","asset":"ETH","to":"0x%s","amount":"0.001"}'
	local length = #string.format(body, string.rep("0", 40))
	template = "POST /v1/withdrawals HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
		.. args[1]
		.. "\r\nContent-Type: application/json\r\nContent-Length: "
		.. length
		.. "\r\nIdempotency-Key: %s%d\r\n\r\n"
		.. body
end

function request()
	count = count + 1
	local random = math.random
	local to = string.format(
		"%08x%08x%08x%08x%08x",
		random(0, 4294967295),
		random(0, 4294967295),
		random(0, 4294967295),
		random(0, 4294967295),
		count
	)
	return string.format(template, key_prefix, count, to)
end

function done(summary, latency, requests)
	local errors = summary.errors
	print(
		string.format(
			'{"requests":%d,"seconds":%.6f,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}',
			summary.requests,
			summary.duration / 1e6,
			errors.connect + errors.read + errors.write + errors.status + errors.timeout,
			latency:percentile(50) / 1e3,
			latency:percentile(99) / 1e3,
			latency.max / 1e3
		)
	)
end
