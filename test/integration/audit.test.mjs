// The feed of a real deployment: all that happens gets its position and its seal; what is edited
// behind Sluice's back is found by `sluice audit verify`, and nothing else is.
//
// usage: SLUICE=path/to/sluice node --test audit.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stack, request } from '../tools/src/stack.mjs';

const untilMs = 60_000;
const payouts = 6;
let dir;
let stack;
let database;

before(async () => {
	assert.ok(process.env.SLUICE, 'SLUICE is to be the path of the program');
	dir = mkdtempSync(join(tmpdir(), 'sluice-audit-'));
	stack = await Stack.open({ program: process.env.SLUICE, dir: join(dir, 'stack'), wallets: 1,
		scryptN: 1024, anvil: { blockTime: 1 } });
	const { stdout } = await stack.run(['check-config', '--json', '--config', stack.configFile]);
	database = /"([^"]*\.db)"/.exec(stdout)[1];
});

after(async () => {
	await stack?.close();
	rmSync(dir, { recursive: true, force: true });
});

function verify(...args) {
	const { status, stdout, stderr } = spawnSync(process.env.SLUICE,
		['audit', 'verify', '--json', ...args, '--config', stack.configFile],
		{ env: stack.environment, encoding: 'utf8', maxBuffer: 1 << 26 });
	return { status, ...(status === 2 ? {} : JSON.parse(stdout)), message: stderr };
}

async function until(what, look) {
	const deadline = Date.now() + untilMs;
	for (;;) {
		const found = await look();
		if (found) return found;
		assert.ok(Date.now() < deadline, `in vain: ${what}`);
		await sleep(200);
	}
}

function sql(text) {
	const { status, stdout, stderr } = spawnSync('sqlite3', [database, '.timeout 10000', text], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return stdout.trim();
}

const heads = () => [...readFileSync(stack.logFile, 'utf8').matchAll(/feed_head (\d+\.\d+\.[0-9a-f]{64})/g)]
	.map(([, head]) => head);

async function pay() {
	const answer = await request(`${stack.url}/v1/withdrawals`, {
		method: 'POST',
		headers: { Authorization: `Bearer ${stack.apiKey}`, 'Content-Type': 'application/json',
			'Idempotency-Key': randomBytes(8).toString('hex') },
		body: JSON.stringify({ chain: 'anvil', asset: 'ETH', amount: '0.001',
			to: `0x${randomBytes(20).toString('hex')}` }),
	});
	assert.equal(answer.status, 202, answer.body);
	return JSON.parse(answer.body).id;
}

async function paid(id) {
	await until(`${id} is paid`, async () =>
		(await stack.get(`/v1/withdrawals/${id}`)).status === 'COMPLETED');
}

test('all that happens is sealed within seconds', async () => {
	const ids = [];
	for (let i = 0; i < payouts; i++) ids.push(await pay());
	for (const id of ids) await paid(id);
	const report = await until('all is sealed', async () => {
		const now = verify();
		return now.waiting === 0 && now;
	});
	assert.equal(report.status, 0);
	assert.equal(report.intact, true);
	assert.deepEqual(report.findings, []);
	assert.ok(report.events >= payouts * 4, JSON.stringify(report));
	assert.equal(String(report.events), sql('SELECT COUNT(*) FROM events'));
	assert.equal(String(report.audit_records), sql('SELECT COUNT(*) FROM audit'));
});

test('the monitor tells of it', async () => {
	let metrics;
	const value = (name) => [...metrics].find(([key]) => key.startsWith(name))?.[1];
	await until('nothing waits', async () => {
		metrics = await stack.metrics('monitor');
		return value('sluice_feed_waiting_rows') === 0;
	});
	assert.equal(value('sluice_sequencer_owner'), 1);
	assert.equal(value('sluice_feed_lag_seconds'), 0);
	assert.ok(value('sluice_feed_position{feed="audit"') > 0);
	assert.ok(value('sluice_feed_sealed_total') > 0);
});

test('a head in the log is in the store', async () => {
	const head = await until('a head', () => heads().at(-1));
	const report = verify('--head', head);
	assert.equal(report.status, 0, report.message);
	assert.equal(report.heads_found, 1);
});

test('the monitor dies, and goes on where it was', async () => {
	const before = stack.kill('monitor');
	await stack.waitForRole('monitor', { before });
	await paid(await pay());
	const report = await until('all is sealed', async () => {
		const now = verify();
		return now.waiting === 0 && now;
	});
	assert.equal(report.intact, true, JSON.stringify(report.findings));
});

// A signer that starts copies the newest head into its journal.
test('the signer knows the end, too', async () => {
	const known = verify('--journal').heads_found;
	const before = stack.kill('signer');
	await stack.waitForRole('signer', { before });
	const report = await until('a head in the journal', async () => {
		const now = verify('--journal');
		return now.heads_found > known && now;
	});
	assert.equal(report.status, 0, report.message);
	assert.equal(verify().heads_found, 0);
});

test('wrong use is 2', async () => {
	for (const head of ['x', '1.0', '0.0.00', `1.0.${'0'.repeat(63)}`])
		assert.equal(verify('--head', head).status, 2, head);
});

test('what is edited is named', async () => {
	const id = sql("SELECT id FROM audit WHERE action = 'completed' LIMIT 1");
	sql(`UPDATE audit SET detail = '{}' WHERE id = ${id}`);
	const report = verify();
	assert.equal(report.status, 1);
	assert.equal(report.findings_count, 1);
	assert.equal(report.findings[0].kind, 'row_changed');
	assert.match(report.findings[0].text, new RegExp(`^audit record ${id} at position \\d+ was changed`));
});

test('an end that is cut off shows against a head of the log', async () => {
	const head = await until('a head of now', async () => {
		const { head: now } = verify();
		return heads().includes(now) && now;
	});
	await stack.stop();
	sql('DELETE FROM audit WHERE feed > (SELECT MAX(audit_to - audit_rows) FROM feed_seals)');
	sql('DELETE FROM events WHERE feed > (SELECT MAX(events_to - events_rows) FROM feed_seals)');
	sql('DELETE FROM feed_seals WHERE number = (SELECT MAX(number) FROM feed_seals)');
	const report = verify('--head', head);
	assert.equal(report.status, 1);
	assert.ok(report.findings.some(({ kind }) => kind === 'cut'), JSON.stringify(report.findings));
	sql('DELETE FROM feed_seals');
	sql('UPDATE audit SET feed = NULL');
	sql('UPDATE events SET feed = NULL');
	assert.equal(verify().findings_count, 0);
	assert.equal(verify('--journal').status, 1);
});
