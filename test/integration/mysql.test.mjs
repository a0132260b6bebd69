// Two hosts around a server of MySQL 8: its TLS and its passwords, and what they accept is paid once, also
// when the server dies meanwhile.
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

const settleMs = 120_000;
let cluster, dir;

before(async () => {
	dir = mkdtempSync(join(tmpdir(), 'sluice-mysql8-'));
	cluster = await Cluster.open({
		program: process.env.SLUICE, dir, isMysql: true, wallets: 2, scryptN: 1024,
		anvil: { slots: 1, gasLimit: 300_000_000, blockTime: 0.25 },
	});
});

after(async () => {
	await cluster?.close();
	rmSync(dir, { recursive: true, force: true });
});

const rows = (sql, database = 'sluice') => cluster.mariadb.query(sql, database);

test('it is MySQL, it speaks TLS, and passwords are those of caching_sha2_password', async () => {
	const [[version]] = await rows('SELECT VERSION()');
	assert.match(version, /^8\./);
	const plugins = await rows("SELECT DISTINCT plugin, ssl_type FROM mysql.user WHERE user LIKE 'sluice%'");
	assert.deepEqual(plugins, [['caching_sha2_password', 'ANY']]);
});

test('what is accepted is paid once, also when the server dies', async () => {
	const journal = join(dir, 'intents.jsonl');
	const running = startLoad({
		url: cluster.url, apiKey: cluster.apiKey, journalPath: journal, count: 60, rate: 20, assets: demoAssets,
		timeoutMs: 5000, deadlineMs: 60_000,
	});
	await sleep(1000);
	await cluster.mariadb.kill();
	await cluster.mariadb.start();
	assert.equal((await running.finished).accepted, 60);
	for (const deadline = Date.now() + settleMs; ;) {
		const [[open]] = await rows('SELECT COUNT(*) FROM withdrawals WHERE due_at IS NOT NULL');
		if (open === '0') break;
		assert.ok(Date.now() < deadline, `${open} are open`);
		await sleep(100);
	}
	const report = await cluster.judge([journal]);
	assert.ok(report.ok, toJson(report));
	assert.equal(report.accepted.paid, 60);
});
