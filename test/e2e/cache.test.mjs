// The whole of it with a Redis: whoever changes a withdrawal drops its copy, so that clients who poll
// see each status when it is there; and Redis, flushed, frozen and killed under load, changes nothing
// of what is paid.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { toJson } from '../tools/src/judge.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { startRedis } from '../tools/src/redis.mjs';
import { Stack, demoAssets, roles } from '../tools/src/stack.mjs';

const copyMs = 10_000;
const soonMs = 2000; // much less than a copy lives
const waitMs = 40_000;
const order = ['PENDING', 'PROCESSING', 'COMPLETED'];

let dir, stack, redis, journal;

before(async () => {
	dir = mkdtempSync(join(tmpdir(), 'sluice-cache-'));
	journal = join(dir, 'intents.jsonl');
	redis = await startRedis(dir);
	stack = await Stack.open({
		program: process.env.SLUICE, dir: join(dir, 'stack'), scryptN: 1024, anvil: { blockTime: 3 },
		settings: {
			'cache.redis': `127.0.0.1:${redis.port}`,
			'cache.password_file': redis.passwordFile,
			'api.status_copy_ms': copyMs,
		},
	});
});

after(async () => {
	await stack?.close();
	await redis?.stop();
	rmSync(dir, { recursive: true, force: true });
});

const load = (seed, count, options) => startLoad({
	url: stack.url, apiKey: stack.apiKey, journalPath: journal, count, assets: demoAssets, seed,
	concurrency: 8, deadlineMs: 120_000, ...options,
});

// Polls until it is completed; how long after the event that was seen.
async function follow(id) {
	let status = 'PENDING';
	const deadline = Date.now() + waitMs;
	while (status !== 'COMPLETED') {
		const { status: seen } = await stack.get(`/v1/withdrawals/${id}`);
		assert.ok(order.indexOf(seen) >= order.indexOf(status), `${seen} after ${status}`);
		assert.ok(Date.now() < deadline, `${id} stays ${status}`);
		status = seen;
		await sleep(10);
	}
	const seenAt = Date.now();
	const { items } = await stack.get(`/v1/withdrawals/${id}/events`);
	return seenAt - Date.parse(items.at(-1).at);
}

async function copies(result) {
	return (await stack.metrics('api')).get(`sluice_api_copies_total{result="${result}"}`);
}

test('who polls sees a status when it is there, and not when its copy expires', async () => {
	const followed = [];
	const done = load('followed', 20, { onAccepted: ({ id }) => followed.push(follow(id)) });
	await done.finished;
	const late = Math.max(...(await Promise.all(followed)));
	assert.equal(followed.length, 20);
	assert.ok(late < soonMs, `${late} ms`);
	const [hits, misses] = await Promise.all([copies('hit'), copies('miss')]);
	assert.ok(hits > misses, `${hits} answers were copies, ${misses} were not`);
});

test('Redis is flushed, frozen, killed and started again: each is paid once', async () => {
	const faults = [
		() => redis.call('FLUSHALL'), () => redis.freeze(), () => redis.thaw(), () => redis.kill(),
		() => redis.start(),
	];
	const done = load('faults', 110, { rate: 60 });
	for (const fault of faults) {
		const from = done.counts.accepted;
		while (done.counts.accepted < from + 20) await sleep(20);
		await fault();
	}
	await done.finished;
	assert.equal(done.counts.accepted, 110);
	const deadline = Date.now() + waitMs;
	const open = async () => {
		let count = 0;
		for await (const one of stack.withdrawals()) count += one.status !== 'COMPLETED';
		return count;
	};
	while ((await open()) > 0) {
		assert.ok(Date.now() < deadline, `${await open()} do not end`);
		await sleep(200);
	}
	for (const role of roles)
		assert.ok((await stack.metrics(role)).has('sluice_breaker_state{neighbour="redis"}'), role);
	assert.ok(await stack.stop());
	const report = await stack.judge([journal]);
	assert.ok(report.ok, toJson(report));
	assert.equal(report.accepted.paid, 130);
});
