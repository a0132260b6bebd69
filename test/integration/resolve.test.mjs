// The exits for people, over HTTP and on the command line: a stranger's transaction on a nonce of ours,
// and two people who say what it did.
//
// usage: SLUICE=path/to/sluice node --test resolve.test.mjs
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, Stack, request } from '../tools/src/stack.mjs';

const untilMs = 40_000;
const amount = '0.005';
const units = 5_000_000_000_000_000n;
let dir;
let stack;
const people = {};

before(async () => {
	assert.ok(process.env.SLUICE, 'SLUICE is to be the path of the program');
	dir = mkdtempSync(join(tmpdir(), 'sluice-resolve-'));
	stack = await Stack.open({
		program: process.env.SLUICE,
		dir: join(dir, 'stack'),
		wallets: 1,
		scryptN: 1024,
		anvil: { blockTime: 0 },
	});
	for (const name of ['ann', 'ben']) {
		const { stdout } = await stack.run(['api-key', 'create', '--json', '--name', name, '--resolve',
			'--account', 'operators', '--config', stack.configFile]);
		const made = JSON.parse(stdout);
		assert.ok(made.scopes.includes('withdrawals:resolve'));
		people[name] = { key: made.key, file: join(dir, `${name}.key`) };
		writeFileSync(people[name].file, `${made.key}\n`, { mode: 0o600 });
	}
	await stack.chain.setAutomine(false);
});

after(async () => {
	await stack?.close();
	rmSync(dir, { recursive: true, force: true });
});

async function ask(method, path, { key = stack.apiKey, body, headers = {} } = {}) {
	const all = { Authorization: `Bearer ${key}`, ...headers };
	if (body) all['Content-Type'] = 'application/json';
	const answer = await request(`${stack.url}/v1${path}`,
		{ method, headers: all, body: body && JSON.stringify(body) });
	return { status: answer.status, json: JSON.parse(answer.body) };
}

async function until(what, id, condition, step = async () => {}) {
	const deadline = Date.now() + untilMs;
	for (;;) {
		const { json } = await ask('GET', `/withdrawals/${id}`);
		if (condition(json)) return json;
		assert.ok(Date.now() < deadline, `in vain: ${what}: ${JSON.stringify(json)}`);
		await step();
		await sleep(50);
	}
}

const mine = () => stack.chain.mine(4);

// Held, since a stranger's transaction of `value` to `to` has the nonce, and that is final.
async function foreign(to, paysTo, value) {
	const { status, json } = await ask('POST', '/withdrawals', {
		body: { chain: 'anvil', asset: 'ETH', to, amount },
		headers: { 'Idempotency-Key': randomBytes(8).toString('hex') },
	});
	assert.equal(status, 202, JSON.stringify(json));
	const sent = await until('sent', json.id, now => now.transfer?.stage === 'broadcast');
	await stack.chain.drop(sent.transfer.tx_hash);
	await stack.chain.call('anvil_impersonateAccount', sent.transfer.wallet);
	await stack.chain.call('eth_sendTransaction', { from: sent.transfer.wallet, to: paysTo,
		value: `0x${value.toString(16)}`, nonce: `0x${sent.transfer.nonce.toString(16)}`,
		gas: '0x5208', gasPrice: '0x12a05f200' });
	return await until('foreign', json.id,
		now => now.held && now.transfer.stage === 'final', mine);
}

async function sluice(person, ...args) {
	const list = [...args, '--config', stack.configFile];
	if (person) list.push('--api-key-file', people[person].file);
	try {
		return { status: 0, ...(await stack.run(list)) };
	} catch (error) {
		if (!(error instanceof CommandError)) throw error;
		return { status: error.status, stderr: error.message };
	}
}

const decide = (id, name, body) => ask('POST', `/withdrawals/${id}/resolve`, { key: people[name].key, body });

async function start(wallet) {
	const started = await sluice(null, 'wallet', 'start', wallet, '--chain', 'anvil', '--reason', 'seen');
	assert.equal(started.status, 0, started.stderr);
}

test('a payment to somebody else: two people say so, and it is paid once', async () => {
	const to = `0x${randomBytes(20).toString('hex')}`;
	const held = await foreign(to, `0x${randomBytes(20).toString('hex')}`, 7n);
	assert.equal(held.held, 'nonce_consumed_elsewhere');
	assert.equal(held.transfer.outcome, 'foreign');

	const plain = await ask('POST', `/withdrawals/${held.id}/resolve`, { body: { verdict: 'not_paid' } });
	assert.equal(plain.status, 403);
	assert.equal(plain.json.code, 'permission_missing');
	assert.equal(plain.json.permission, 'withdrawals:resolve');
	for (const body of [{ verdict: 'paid_by' }, { verdict: 'not_paid', tx_hash: '0x1' },
		{ verdict: 'maybe' }, { verdict: 'paid_by', tx_hash: '0x1' }, {}, { verdict: 'not_paid', more: '1' }])
		assert.equal((await decide(held.id, 'ann', body)).status, 422, JSON.stringify(body));
	assert.equal((await decide('01902d5e-7c2f-7000-8000-000000000000', 'ann', { verdict: 'not_paid' })).status, 404);

	const refused = await sluice(null, 'wallet', 'start', held.transfer.wallet, '--chain', 'anvil', '--reason', 'x');
	assert.match(refused.stderr, /waits for people/);

	const another = await sluice('ann', 'resolve', held.id, '--paid-another', held.transfer.tx_hash);
	assert.equal(another.status, 0, another.stderr);
	assert.ok(another.stdout.includes(`ann: not_paid ${held.transfer.tx_hash}`), another.stdout);
	const both = await sluice('ann', 'resolve', held.id, '--not-paid', '--paid-another', held.transfer.tx_hash);
	assert.match(both.stderr, /one of --paid-by/);

	// One's own decision may be replaced.
	const first = await sluice('ann', 'resolve', held.id, '--not-paid');
	assert.equal(first.status, 0, first.stderr);
	assert.match(first.stdout, /waits for a second person/);
	const differs = await decide(held.id, 'ben', { verdict: 'paid_by', tx_hash: held.transfer.tx_hash });
	assert.equal(differs.status, 409);
	assert.equal(differs.json.code, 'decision_differs');
	assert.equal(differs.json.decisions[0].person, 'ann');
	const second = await decide(held.id, 'ben', { verdict: 'not_paid' });
	assert.equal(second.status, 202, JSON.stringify(second.json));
	assert.equal(second.json.decided, true);

	await until('requeued', held.id, now => !now.held);
	await start(held.transfer.wallet);
	const paid = await until('paid', held.id, now => now.status === 'COMPLETED', mine);
	assert.notEqual(paid.transfer.nonce, held.transfer.nonce);
	assert.equal(await stack.chain.balance(to), units);
	const { json } = await ask('GET', `/withdrawals/${held.id}/events`, { key: people.ann.key });
	const requeued = json.items.find(event => event.type === 'requeued');
	assert.equal(requeued.actor, 'person');
	assert.deepEqual(requeued.detail.people, ['ann', 'ben']);
	assert.equal((await decide(held.id, 'ann', { verdict: 'not_paid' })).json.code, 'nothing_to_resolve');
});

test('a payment of the very same: never again, and completed by its hash', async () => {
	const to = `0x${randomBytes(20).toString('hex')}`;
	const held = await foreign(to, to, units);
	for (const name of ['ann', 'ben'])
		assert.equal((await decide(held.id, name, { verdict: 'not_paid' })).status, 202);
	const refused = await until('refused', held.id, now => now.wait_reason !== undefined);
	assert.equal(refused.wait_reason, 'resolve_was_paid');
	assert.ok(refused.held);
	for (const name of ['ann', 'ben']) {
		const done = await sluice(name, 'resolve', held.id, '--paid-by', refused.transfer.tx_hash);
		assert.equal(done.status, 0, done.stderr);
	}
	await until('completed', held.id, now => now.status === 'COMPLETED');
	await start(held.transfer.wallet);
	assert.equal(await stack.chain.balance(to), units);
});
