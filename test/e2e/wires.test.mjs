// Two hosts around one of each server, each server behind a proxy. Under load the wire to one server after
// the other hangs, is slower than its deadline, is cut and refused, or answers with errors. The judge
// reads the chain: nothing is lost, nothing is paid twice; while only SQS, Redis or KMS is away,
// withdrawals are accepted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../tools/src/cluster.mjs';
import { toJson } from '../tools/src/judge.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { demoAssets } from '../tools/src/stack.mjs';

const waitMs = 120_000;
const databaseWaitMs = 1000; // the deadline of a statement
const perSecond = 10;
const loadEnd = new AbortController();
let dir, cluster, load, journal;

before(async () => {
	dir = mkdtempSync(join(tmpdir(), 'sluice-wires-'));
	journal = join(dir, 'intents.jsonl');
	cluster = await Cluster.open({
		program: process.env.SLUICE,
		dir,
		whole: true,
		wires: true,
		wallets: 2, // and two of the KMS
		scryptN: 1024,
		anvil: { slots: 1, gasLimit: 300_000_000, blockTime: 0.25 },
		settings: {
			'processor.visibility_ms': 2000,
			'signer.visibility_ms': 2000,
			'store.wait_ms': databaseWaitMs,
			'journal.wait_ms': databaseWaitMs,
		},
	});
	load = startLoad({
		url: cluster.url, apiKey: cluster.apiKey, journalPath: journal, count: 100_000, assets: demoAssets,
		seed: 'wires', concurrency: 8, timeoutMs: 5000, deadlineMs: 600_000, rate: perSecond, signal: loadEnd.signal,
	});
	load.finished.catch(() => {});
});

after(async () => {
	loadEnd.abort();
	for (const wire of Object.values(cluster?.wires ?? {})) wire.pass();
	await cluster?.close();
	rmSync(dir, { recursive: true, force: true });
});

async function count(condition) {
	const [[found]] = await cluster.mariadb.query(`SELECT COUNT(*) FROM withdrawals WHERE ${condition}`, 'sluice');
	return Number(found);
}

const ended = () => count('due_at IS NULL');

const accepted = () => load.counts.accepted;

// What is open, and what was said last.
async function story() {
	const sql = `SELECT stage, wait_reason, held_reason, COUNT(*), MIN(due_at), MAX(due_at) FROM withdrawals
		WHERE due_at IS NOT NULL GROUP BY 1, 2, 3`;
	const rows = await cluster.mariadb.query(sql, 'sluice');
	const said = cluster.hosts.flatMap((host) => host.logLines({ level: 'error', count: 5 }));
	return [...rows.map((row) => row.join(' ')), ...said].join('\n');
}

async function until(what, condition) {
	const deadline = Date.now() + waitMs;
	while (!(await condition())) {
		if (Date.now() > deadline) assert.fail(`in vain: ${what}\n${await story()}`);
		await sleep(50);
	}
}

async function moreAre(what, measure, more) {
	const from = await measure();
	await until(`more are ${what}`, async () => (await measure()) >= from + more);
}

const hangs = { hangs: (wire) => wire.freeze() };
const slow = { 'is slower than its deadline': (wire) => wire.delay(4000) };
const cut = { 'is cut, and refuses': (wire) => wire.reset() };
const errors = {
	'answers 503': (wire) => wire.answer(503),
	'answers 500': (wire) => wire.answer(500),
	'answers 400': (wire) => wire.answer(400),
};
const away = {
	sqs: { ...hangs, ...slow, ...cut, ...errors },
	kms: { ...hangs, ...slow, ...cut, ...errors },
	redis: { ...hangs, ...slow, ...cut },
};

for (const [name, faults] of Object.entries(away)) {
	for (const [what, fault] of Object.entries(faults)) {
		test(`the wire to ${name} ${what}: withdrawals are accepted, and end later`, async () => {
			fault(cluster.wires[name]);
			await moreAre('accepted', accepted, 2 * perSecond);
			cluster.wires[name].pass();
			await moreAre('ended', ended, 10);
		});
	}
}

test('the wire to the database is slow, and all goes on', async () => {
	cluster.wires.mariadb.delay(20);
	await moreAre('accepted', accepted, 2);
	cluster.wires.mariadb.pass();
	await moreAre('ended', ended, 10);
});

for (const [what, fault] of Object.entries({ ...hangs, ...slow, ...cut })) {
	test(`the wire to the database ${what}: all goes on behind it`, async () => {
		fault(cluster.wires.mariadb);
		await sleep(2 * databaseWaitMs); // every statement that is on its way is too late
		cluster.wires.mariadb.pass();
		await moreAre('accepted', accepted, perSecond);
		await moreAre('ended', ended, 10);
	});
}

// In the middle of whatever was on its way, many times: commits whose answer is lost among them.
test('connections to the database are cut again and again', async () => {
	const before = accepted();
	for (let cuts = 0; cuts < 40; cuts++) {
		await sleep(30 + 7 * cuts);
		cluster.wires.mariadb.cut();
	}
	await until('more are accepted', () => accepted() > before);
	await moreAre('ended', ended, 10);
});

test('each is paid once', async () => {
	loadEnd.abort();
	await load.finished;
	const total = accepted();
	assert.equal(load.counts.unanswered + load.counts.refused, 0);
	await until('all end', async () => (await count('due_at IS NOT NULL')) === 0);
	const [[stopped]] = await cluster.mariadb.query("SELECT COUNT(*) FROM wallets WHERE stop_reason <> ''", 'sluice');
	assert.equal(stopped, '0');
	const report = await cluster.judge([journal]);
	assert.ok(report.ok, toJson(report));
	assert.equal(report.accepted.total, total);
	assert.equal(report.accepted.paid, total);
});
