-- The load on POST /v1/withdrawals of clients who ask so many times a second, whether they are
-- served or not; as accept.lua, and `accepted` and `refused` beside its figures.
--
-- usage: wrk … -s offer.lua URL -- API-KEY SEED CONNECTIONS PER-SECOND
--
-- PER-SECOND 0: without a pause.

dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "accept.lua")

local start, finish = init, done
local threads_seen = {}
local note = setup

function setup(thread)
	note(thread)
	threads_seen[#threads_seen + 1] = thread
end

function init(args)
	start({ args[1], args[2] })
	local rate = tonumber(args[4])
	pause_ms = rate > 0 and math.floor(tonumber(args[3]) / rate * 1000 + 0.5) or 0
	accepted, refused, others = 0, 0, 0
end

function delay()
	return pause_ms
end

function response(status)
	if status == 202 then
		accepted = accepted + 1
	elseif status == 503 then
		refused = refused + 1
	else
		others = others + 1
	end
end

function done(summary, latency, requests)
	local sums = { accepted = 0, refused = 0, others = 0 }
	for _, thread in ipairs(threads_seen) do
		for name in pairs(sums) do
			sums[name] = sums[name] + thread:get(name)
		end
	end
	summary.errors.status = sums.others
	local seconds = summary.duration / 1e6
	print(
		string.format(
			'{"requests":%d,"seconds":%.6f,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f,"accepted":%.3f,"refused":%.3f}',
			summary.requests,
			seconds,
			summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + sums.others,
			latency:percentile(50) / 1e3,
			latency:percentile(99) / 1e3,
			sums.accepted / seconds,
			sums.refused / seconds
		)
	)
end
