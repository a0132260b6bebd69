// Changing one's mind about a payment that is sent, over HTTP and on the command line, with all roles
// and a node whose blocks come when the test makes them.
//
// usage: SLUICE=path/to/sluice node --test change.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, Stack, request } from '../tools/src/stack.mjs';

const untilMs = 30_000;
const amount = '0.005';
const units = 5_000_000_000_000_000n;
const nobody = '01902d5e-7c2f-7000-8000-000000000000';
let dir;
let stack;
let otherKey;
let made = 0;

before(async () => {
	assert.ok(process.env.SLUICE, 'SLUICE is to be the path of the program');
	dir = mkdtempSync(join(tmpdir(), 'sluice-change-'));
	stack = await Stack.open({
		program: process.env.SLUICE,
		dir: join(dir, 'stack'),
		wallets: 1,
		scryptN: 1024,
		anvil: { blockTime: 0 },
	});
	const { stdout } = await stack.run(
		['api-key', 'create', '--json', '--name', 'other', '--account', 'other', '--config', stack.configFile]);
	otherKey = JSON.parse(stdout).key;
	await stack.chain.setAutomine(false);
});

after(async () => {
	await stack?.close();
	rmSync(dir, { recursive: true, force: true });
});

async function ask(method, path, { key = stack.apiKey, body } = {}) {
	const headers = { Authorization: `Bearer ${key}` };
	if (body) {
		headers['Content-Type'] = 'application/json';
		headers['Idempotency-Key'] = `change-${++made}`;
	}
	const answer = await request(`${stack.url}/v1/withdrawals${path}`, { method, headers, body });
	return { status: answer.status, json: JSON.parse(answer.body) };
}

// A withdrawal to a receiver that has nothing yet.
async function accepted() {
	const to = `0x${randomBytes(20).toString('hex')}`;
	const body = JSON.stringify({ chain: 'anvil', asset: 'ETH', to, amount });
	const { status, json } = await ask('POST', '', { body });
	assert.equal(status, 202, JSON.stringify(json));
	return { id: json.id, to };
}

async function until(what, id, condition, step = async () => {}) {
	const deadline = Date.now() + untilMs;
	for (;;) {
		const { json } = await ask('GET', `/${id}`);
		if (condition(json)) return json;
		assert.ok(Date.now() < deadline, `in vain: ${what}: ${JSON.stringify(json)}`);
		await step();
		await sleep(50);
	}
}

async function sent() {
	const order = await accepted();
	await until('sent', order.id, json => json.transfer?.stage === 'broadcast');
	return order;
}

const attempts = n => json => json.transfer.attempts === n;

// Blocks come until the withdrawal has ended; it has to end so.
async function ended(id, status) {
	const ends = ['COMPLETED', 'FAILED', 'REJECTED', 'CANCELED'];
	const json = await until(status, id, now => ends.includes(now.status), () => stack.chain.mine(4));
	assert.equal(json.status, status, JSON.stringify(json));
	return json;
}

// Every change is one event (protocol.md, section "The store").
async function eventsOf(id) {
	const { json } = await ask('GET', `/${id}/events`);
	const now = (await ask('GET', `/${id}`)).json;
	assert.deepEqual(json.items.map(event => event.sequence),
		Array.from({ length: now.version }, (_, index) => index + 1));
	return json.items;
}

const typesOf = events => events.map(event => event.type);

function assertRefused(answer, status, code) {
	assert.equal(answer.status, status, JSON.stringify(answer.json));
	assert.equal(answer.json.code, code);
}

// The command with the stack's configuration and key; { status, stdout, stderr }.
async function sluice(...args) {
	const list = [...args, '--config', stack.configFile, '--api-key-file', stack.apiKeyFile];
	try {
		return { status: 0, ...(await stack.run(list)) };
	} catch (error) {
		if (!(error instanceof CommandError)) throw error;
		return { status: error.status, stderr: error.message };
	}
}

// The stored bytes of an attempt.
function rawOf(id, number) {
	const { status, stdout, stderr } = spawnSync('sqlite3', [join(stack.dir, 'data', 'sluice.db'),
		`SELECT hex(a.raw) FROM attempts a JOIN withdrawals w ON w.transfer_id = a.transfer_id
		 WHERE w.id = x'${id.replaceAll('-', '')}' AND a.number = ${number}`], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return `0x${stdout.trim().toLowerCase()}`;
}

test('a payment that no block takes is sped up, and paid once', async () => {
	const { id, to } = await sent();
	const before = (await ask('GET', `/${id}`)).json;
	for (let i = 0; i < 2; i++) { // twice in a row is one wish
		const answer = await ask('POST', `/${id}/speed-up`);
		assert.equal(answer.status, 202, JSON.stringify(answer.json));
		assert.equal(answer.json.version, before.version + 1);
		assert.equal(answer.json.transfer.bump_requested, 'speed_up');
	}
	const bumped = await until('bumped', id, json => attempts(2)(json) && json.version === before.version + 2);
	assert.notEqual(bumped.transfer.tx_hash, before.transfer.tx_hash);
	assert.equal(bumped.transfer.nonce, before.transfer.nonce);
	assert.equal(bumped.transfer.bump_requested, undefined);
	const pooled = await stack.chain.call('eth_getTransactionByHash', bumped.transfer.tx_hash);
	assert.equal(pooled.to, to);
	assert.equal(pooled.blockHash, null);
	const done = await ended(id, 'COMPLETED');
	assert.equal(done.transfer.tx_hash, bumped.transfer.tx_hash);
	assert.equal(done.transfer.attempts, 2);
	assert.equal(await stack.chain.balance(to), units);
	const events = await eventsOf(id);
	assert.deepEqual(typesOf(events),
		['accepted', 'queued', 'assigned', 'broadcast', 'speed_up_requested', 'bumped', 'completed']);
	assert.deepEqual([events[4].actor, events[5].actor], ['api', 'signer']);
	assert.deepEqual(events[5].detail,
		{ tx_hash: bumped.transfer.tx_hash, attempt: 2, reason: 'speed_up' });
	assertRefused(await ask('POST', `/${id}/speed-up`), 409, 'already_final');
	assertRefused(await ask('POST', `/${id}/cancel`), 409, 'already_final');
});

test('the command speeds up; what has nothing to speed up says so', async () => {
	stack.freeze('signer');
	const { id, to } = await accepted();
	await until('queued', id, json => json.stage === 'queued');
	let result = await sluice('speed-up', id);
	assert.equal(result.status, 1);
	assert.match(result.stderr, /not_sent_yet/);
	stack.thaw('signer');
	await until('sent', id, json => json.transfer?.stage === 'broadcast');
	result = await sluice('speed-up', id);
	assert.equal(result.status, 0, result.stderr);
	assert.match(result.stdout, new RegExp(`^${id}  PROCESSING  a higher fee is asked for`));
	result = await sluice('speed-up', id, '--json');
	assert.equal(result.status, 0, result.stderr);
	assert.equal(JSON.parse(result.stdout).id, id);
	await until('bumped', id, attempts(2));
	await stack.chain.mine(1);
	await until('mined', id, json => json.transfer.stage === 'mined');
	result = await sluice('speed-up', id);
	assert.equal(result.status, 1);
	assert.match(result.stderr, /too_late_to_speed_up/);
	await ended(id, 'COMPLETED');
	assert.equal(await stack.chain.balance(to), units);
});

test('a payment that is sent is canceled: its cancellation is mined', async () => {
	const { id, to } = await sent();
	let result = await sluice('cancel', id);
	assert.equal(result.status, 0, result.stderr);
	assert.match(result.stdout, new RegExp(`^${id}  PROCESSING  asked for; it ends as CANCELED, or`));
	await until('replaced', id, attempts(2));
	// A speed-up now is one of the cancellation.
	assert.equal((await ask('POST', `/${id}/speed-up`)).status, 202);
	await until('replaced again', id, attempts(3));
	await ended(id, 'CANCELED');
	assert.equal(await stack.chain.balance(to), 0n);
	const events = await eventsOf(id);
	assert.deepEqual(typesOf(events).slice(4),
		['cancel_requested', 'cancellation_sent', 'speed_up_requested', 'cancellation_sent', 'canceled']);
	assert.deepEqual([events[5], events[7]].map(event => event.detail.reason), ['cancel', 'speed_up']);
	result = await sluice('cancel', id); // it is
	assert.equal(result.status, 0, result.stderr);
	assert.match(result.stdout, /CANCELED  canceled/);
	result = await sluice('speed-up', id);
	assert.equal(result.status, 1);
	assert.match(result.stderr, /already_final/);
});

test('a payment that is sent is not canceled: it is mined first', async () => {
	const { id, to } = await sent();
	const answer = await ask('POST', `/${id}/cancel`);
	assert.equal(answer.status, 202);
	assert.equal(answer.json.cancel_requested, true);
	await until('replaced', id, json => attempts(2)(json) && json.version === answer.json.version + 1);
	// A block of somebody who has the payment's bytes and not the cancellation's.
	stack.freeze('signer');
	await stack.chain.dropPool();
	await stack.chain.call('eth_sendRawTransaction', rawOf(id, 1));
	await stack.chain.mine(1);
	stack.thaw('signer');
	await ended(id, 'COMPLETED');
	assert.equal(await stack.chain.balance(to), units);
	const events = await eventsOf(id);
	assert.equal(events.at(-1).detail.cancel, 'too_late');
});

test('idor: neither for another account, nor for nobody', async () => {
	const { id, to } = await sent();
	const before = (await ask('GET', `/${id}`)).json;
	for (const change of ['cancel', 'speed-up']) {
		assertRefused(await ask('POST', `/${id}/${change}`, { key: otherKey }), 404, 'withdrawal_unknown');
		assertRefused(await ask('POST', `/${nobody}/${change}`), 404, 'withdrawal_unknown');
	}
	assert.deepEqual((await ask('GET', `/${id}`)).json, before);
	await ended(id, 'COMPLETED');
	assert.equal(await stack.chain.balance(to), units);
});

test('the commands say how they are used', async () => {
	for (const change of ['cancel', 'speed-up']) {
		for (const args of [[], ['not-an-id'], [nobody, nobody], [nobody, '--wait']]) {
			const result = await sluice(change, ...args);
			assert.equal(result.status, 2, `${change} ${args}: ${result.stderr}`);
		}
		const { stdout } = await stack.run([change, '--help']);
		assert.match(stdout, new RegExp(`usage: sluice ${change} .*ID`, 'i'));
		const unknown = await sluice(change, nobody, '--json');
		assert.equal(unknown.status, 1);
		assert.match(unknown.stderr, /withdrawal_unknown/);
	}
});

test('nobody was called', () => {
	const lines = readFileSync(stack.logFile, 'utf8').split('\n');
	assert.deepEqual(lines.filter(line => line.includes('"labels.alarm":true')), []);
});
