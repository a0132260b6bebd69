// Three ways to one chain, each through a proxy of its own, and a WebSocket for its heads; under load
// one after the other is frozen, slow, cut, or answers with errors, then all of them, then the node
// itself hangs, dies and starts again without its pool. The judge reads the chain: nothing is lost,
// nothing is paid twice; while two of three answer withdrawals end, and whatever is away, they are
// accepted.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startAnvil } from '../tools/src/anvil.mjs';
import { toJson } from '../tools/src/judge.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { startProxy } from '../tools/src/proxy.mjs';
import { Stack, demoAssets } from '../tools/src/stack.mjs';

const timeoutMs = 500; // of a node
const waitMs = 40_000;
const perSecond = 25;
const settings = {
	'chains.0.rpc_timeout_ms': timeoutMs,
	'chains.0.rebroadcast_after_s': 1,
	'processor.sweep_interval_ms': 300,
	'signer.visibility_ms': 2000,
};

const execute = promisify(execFile);
const loadEnd = new AbortController();
let dir, stack, load, journal, nodes, heads, anvilPort;

async function until(what, condition, ms = waitMs) {
	const deadline = Date.now() + ms;
	for (;;) {
		const value = await condition();
		if (value) return value;
		assert.ok(Date.now() < deadline, `in vain: ${what}\n${stack.logLines({ count: 30 }).join('\n')}`);
		await sleep(50);
	}
}

// Withdrawals of a stage or a later one.
async function count(stage) {
	const file = join(stack.dir, 'data', 'sluice.db');
	const { stdout } = await execute('sqlite3', ['-readonly', '-cmd', '.timeout 5000', file,
		`SELECT count(*) FROM withdrawals WHERE stage >= ${stage}`]);
	return Number(stdout);
}

const ended = () => count(5);

const accepted = () => load.counts.accepted;

async function moreAre(what, measure, more) {
	const from = await measure();
	await until(`more are ${what}`, async () => (await measure()) >= from + more);
}

const breaker = (metrics, name, index) => metrics.get(`sluice_breaker_${name}{neighbour="rpc_anvil_${index + 1}"}`);

// Of signer and monitor together.
async function trips(index) {
	const all = await Promise.all(['signer', 'monitor'].map(role => stack.metrics(role)));
	return all.reduce((sum, metrics) => sum + breaker(metrics, 'trips_total', index), 0);
}

before(async () => {
	dir = mkdtempSync(join(tmpdir(), 'sluice-nodes-'));
	journal = join(dir, 'intents.jsonl');
	stack = new Stack({
		program: process.env.SLUICE, dir: join(dir, 'stack'), scryptN: 1024, settings,
		anvil: { blockTime: 0.25, slots: 2, state: join(dir, 'chain.json') },
	});
	await stack.startChain();
	anvilPort = Number(new URL(stack.anvil.url).port);
	nodes = await Promise.all([1, 2, 3].map(() => startProxy(anvilPort)));
	heads = await startProxy(anvilPort);
	await stack.makeWallets();
	await stack.fundWallets();
	await stack.writeConfiguration();
	const urls = nodes.map(node => `"http://127.0.0.1:${node.port}"`).join(', ');
	const text = readFileSync(stack.configFile, 'utf8').replace(/^( *)rpc: .*$/m,
		`$1rpc: [${urls}]\n$1ws: "ws://127.0.0.1:${heads.port}"`);
	assert.ok(text.includes('ws: '));
	writeFileSync(stack.configFile, text);
	await stack.makeStore();
	await stack.start();
	load = startLoad({
		url: stack.url, apiKey: stack.apiKey, journalPath: journal, count: 100_000, assets: demoAssets,
		seed: 'nodes', concurrency: 8, deadlineMs: 600_000, rate: perSecond, signal: loadEnd.signal,
	});
	load.finished.catch(() => {});
});

after(async () => {
	loadEnd.abort();
	await Promise.all([...(nodes ?? []), heads].filter(Boolean).map(proxy => proxy.stop()));
	await stack?.close();
	rmSync(dir, { recursive: true, force: true });
});

test('new heads are pushed', async () => {
	await until('heads come', async () => (await stack.metrics('monitor')).get('sluice_heads_total{chain="anvil"}') > 2);
});

const faults = {
	frozen: node => node.freeze(),
	'slower than its deadline': node => node.delay(3 * timeoutMs),
	'cut, and refused': node => node.reset(),
	'answering 503': node => node.answer(503),
	'answering 429': node => node.answer(429),
};

Object.entries(faults).forEach(([name, fault], at) => {
	test(`one node of three is ${name}: withdrawals end`, async () => {
		const index = at % nodes.length;
		const before = await trips(index);
		fault(nodes[index]);
		await moreAre('accepted', accepted, 10);
		await moreAre('ended', ended, 10);
		await until('its breaker opens', async () => (await trips(index)) > before);
		nodes[index].pass();
		await until('its breaker closes', async () => {
			const all = await Promise.all(['signer', 'monitor'].map(role => stack.metrics(role)));
			return all.every(metrics => breaker(metrics, 'state', index) === 0);
		});
	});
});

for (const [name, fault] of Object.entries(faults)) {
	test(`all nodes are ${name}: withdrawals are accepted, and end later`, async () => {
		const all = [...nodes, heads];
		for (const node of all) fault(node);
		await moreAre('accepted', accepted, perSecond);
		for (const node of all) node.pass();
		await moreAre('ended', ended, 10);
	});
}

test('the node hangs, and dies, and starts again without its pool', async () => {
	stack.anvil.freeze();
	await moreAre('accepted', accepted, perSecond);
	stack.anvil.thaw();
	await moreAre('ended', ended, 10);
	await stack.anvil.stop();
	await moreAre('accepted', accepted, perSecond);
	stack.anvil = await startAnvil(join(stack.dir, 'anvil'), { port: anvilPort, ...stack.anvilOptions });
	await moreAre('ended', ended, 10);
});

test('each is paid once', async () => {
	loadEnd.abort();
	await load.finished;
	const total = accepted();
	assert.equal(load.counts.unanswered + load.counts.refused, 0);
	await until('all end', async () => (await ended()) === total);
	await until('heads are pushed again', async () =>
		(await stack.metrics('monitor')).get('sluice_heads_connected{chain="anvil"}') === 1);
	assert.equal((await stack.work()).stopped.length, 0);
	assert.ok(await stack.stop());
	const report = await stack.judge([journal]);
	assert.ok(report.ok, toJson(report));
	assert.equal(report.accepted.total, total);
	assert.equal(report.accepted.paid, total);
});
