// Who is never paid: a list that others exchange while all roles run, each in its sandbox.
//
// usage: SLUICE=path/to/sluice node --test lists.test.mjs
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stack, request } from '../tools/src/stack.mjs';

const untilMs = 30_000;
let dir;
let list;
let stack;
let made = 0;

const fresh = () => `0x${randomBytes(20).toString('hex')}`;

// As who knows how: beside it, and then in its place.
function putList(...addresses) {
	writeFileSync(`${list}.next`, `# sanctions\n${addresses.map(address => `${address}\n`).join('')}`);
	renameSync(`${list}.next`, list);
}

before(async () => {
	assert.ok(process.env.SLUICE, 'SLUICE is to be the path of the program');
	dir = mkdtempSync(join(tmpdir(), 'sluice-lists-'));
	mkdirSync(join(dir, 'lists'));
	list = join(dir, 'lists', 'deny');
	putList(fresh());
	stack = await Stack.open({
		program: process.env.SLUICE,
		dir: join(dir, 'stack'),
		wallets: 1,
		scryptN: 1024,
		settings: { 'policy.deny_list': list },
	});
});

after(async () => {
	await stack?.close();
	rmSync(dir, { recursive: true, force: true });
});

async function ask(method, path, body) {
	const headers = { Authorization: `Bearer ${stack.apiKey}` };
	if (body) Object.assign(headers, { 'Content-Type': 'application/json', 'Idempotency-Key': `lists-${++made}` });
	const answer = await request(`${stack.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
	return { status: answer.status, json: JSON.parse(answer.body) };
}

async function order(to) {
	const { status, json } = await ask('POST', '/v1/withdrawals', { chain: 'anvil', asset: 'ETH', to, amount: '0.001' });
	assert.equal(status, 202, JSON.stringify(json));
	return json.id;
}

async function until(id, condition) {
	const deadline = Date.now() + untilMs;
	for (;;) {
		const { json } = await ask('GET', `/v1/withdrawals/${id}`);
		if (condition(json)) return json;
		assert.ok(Date.now() < deadline, `in vain: ${JSON.stringify(json)}`);
		await sleep(50);
	}
}

const entries = async () => (await stack.metrics('processor')).get('sluice_deny_list_entries');

async function untilEntries(count) {
	const deadline = Date.now() + untilMs;
	while ((await entries()) !== count) {
		assert.ok(Date.now() < deadline, `in vain: ${count} entries`);
		await sleep(100);
	}
}

test('a list that is exchanged is felt without a restart, and one that is gone stops all', async () => {
	const receiver = fresh();
	await untilEntries(1);
	const first = await until(await order(receiver), json => ['COMPLETED', 'REJECTED'].includes(json.status));
	assert.equal(first.status, 'COMPLETED', JSON.stringify(first));
	putList(fresh(), fresh(), receiver);
	await untilEntries(3);
	const second = await until(await order(receiver), json => json.status === 'REJECTED');
	assert.equal(second.failure?.code, 'receiver_denied', JSON.stringify(second));
	unlinkSync(list);
	await untilEntries(0);
	const third = await order(fresh());
	await until(third, json => json.wait_reason === 'deny_list_unavailable');
	putList(receiver);
	await until(third, json => json.status === 'COMPLETED');
});

const sluice = (...args) => stack.run([...args, '--config', stack.configFile]);
const listed = async () => (await sluice('allow-list', 'list', '--json')).stdout.trim().split('\n').filter(Boolean).map(line => JSON.parse(line));

test('a receiver is put on the allow-list, waits for a day, and is taken off at once', async () => {
	const receiver = fresh();
	const policy = join(dir, 'policy.json');
	writeFileSync(policy, JSON.stringify({ rules: [{ name: 'listed', effect: 'allow', allow_listed: true }] }));
	await sluice('policy', 'set', policy);
	const { stdout } = await sluice('allow-list', 'add', 'default', 'anvil', receiver, '--label', 'their vault', '--json');
	const entry = JSON.parse(stdout);
	assert.equal(Date.parse(entry.active_at) - Date.parse(entry.added_at), 24 * 60 * 60 * 1000);
	assert.deepEqual(await listed(), [entry]);
	assert.deepEqual({ ...entry, receiver: entry.receiver.toLowerCase() }, {
		...entry, account: 'default', chain: 'anvil', receiver, label: 'their vault', sealed: true,
	});
	assert.match((await sluice('allow-list', 'list')).stdout, /their vault/);
	const early = await until(await order(receiver), json => json.status === 'REJECTED');
	assert.equal(early.failure?.code, 'policy_no_rule');
	for (const args of [
		['add', 'default', 'anvil', receiver], ['remove', 'other', 'anvil', receiver], ['add', 'default', 'nowhere', receiver],
		['add', 'default', 'anvil', '0x01'], ['add', '', 'anvil', receiver], ['add', 'default', 'anvil', fresh(), '--label', 'x'.repeat(65)],
		['add', 'default', 'anvil', '0x8617E340B3D01FA5F11F306F4090FD50E238070d'],
	]) await assert.rejects(sluice('allow-list', ...args), args.join(' '));
	await sluice('allow-list', 'remove', 'default', 'anvil', receiver);
	assert.deepEqual(await listed(), []);
	await sluice('audit', 'verify');
});

// --- trying the policy out

const key = async (...args) => JSON.parse((await sluice('api-key', 'create', '--json', '--name', `k${++made}`, ...args)).stdout).key;

async function simulate(body, apiKey) {
	const answer = await request(`${stack.url}/v1/policies/simulate`, {
		method: 'POST', body: JSON.stringify(body),
		headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
	});
	return { status: answer.status, json: JSON.parse(answer.body) };
}

test('the policy is tried out, and says what it then does', async () => {
	const apiKey = await key('--scope', 'policies:read');
	const policy = join(dir, 'policy.json');
	const denied = fresh();
	putList(denied);
	writeFileSync(policy, JSON.stringify({
		rules: [
			{ name: 'never', effect: 'deny', keys: ['mallory'] },
			{ name: 'all', effect: 'allow' },
		],
		limits: [{ name: 'once', count: 1, window: '1h', per: ['receiver'] }],
	}));
	await sluice('policy', 'set', policy);
	await untilEntries(1);
	const to = fresh();
	const wish = { chain: 'anvil', asset: 'ETH', to, amount: '0.001' };
	const first = await simulate(wish, apiKey);
	assert.equal(first.status, 200, JSON.stringify(first.json));
	assert.deepEqual(first.json, {
		answer: 'allow', code: null, policy_version: first.json.policy_version, rule: 'all', approvals: 0, signature: false, screening: false,
		receiver: { deny_listed: false, allow_listed: false, assumes_no_contract: false, looks_like: null },
		limits: [{ name: 'once', has_room: true }],
	});
	assert.deepEqual((await simulate(wish, apiKey)).json, first.json, 'it takes no room');

	assert.equal((await until(await order(to), json => json.status === 'COMPLETED')).status, 'COMPLETED');
	const second = (await simulate(wish, apiKey)).json;
	assert.equal(second.code, 'limit_exceeded');
	assert.deepEqual(second.limits, [{ name: 'once', has_room: false }]);
	assert.equal((await until(await order(to), json => json.status === 'REJECTED')).failure.code, 'limit_exceeded');

	const third = (await simulate({ ...wish, key: 'mallory' }, apiKey)).json;
	assert.deepEqual([third.answer, third.code, third.rule, third.limits], ['deny', 'policy_denied', 'never', []]);
	const alike = `${to.slice(0, 6)}${fresh().slice(6, 38)}${to.slice(38)}`;
	const fourth = (await simulate({ ...wish, to: alike }, apiKey)).json;
	assert.equal(fourth.answer, 'allow');
	assert.equal(fourth.receiver.looks_like?.toLowerCase(), to);
	const deadline = Date.now() + untilMs;
	let fifth;
	do fifth = (await simulate({ ...wish, to: denied }, apiKey)).json;
	while (!fifth.receiver.deny_listed && Date.now() < deadline);
	assert.deepEqual([fifth.answer, fifth.code, fifth.rule], ['deny', 'receiver_denied', null]);

	const { stdout } = await sluice('policy', 'simulate', 'default', 'anvil', 'ETH', to, '0.001', '--json');
	assert.deepEqual(JSON.parse(stdout), second);
	assert.match((await sluice('policy', 'simulate', 'default', 'anvil', 'ETH', alike, '0.001')).stdout, /^allow\nrule +all, [^]*begins and ends as/);
});

test('a receiver that is a contract is refused where the policy says so', async () => {
	const apiKey = await key('--scope', 'policies:read');
	const policy = join(dir, 'policy.json');
	writeFileSync(policy, JSON.stringify({ contract_receivers: 'deny', rules: [{ name: 'all', effect: 'allow' }] }));
	await sluice('policy', 'set', policy);
	const contract = fresh();
	await stack.chain.call('anvil_setCode', contract, '0x600160005500');
	const refused = await until(await order(contract), json => ['COMPLETED', 'REJECTED'].includes(json.status));
	assert.equal(refused.failure?.code, 'receiver_is_contract', JSON.stringify(refused));
	const person = fresh();
	await stack.chain.call('anvil_setCode', person, `0xef0100${'11'.repeat(20)}`); // delegated, by its key
	for (const to of [fresh(), person])
		assert.equal((await until(await order(to), json => ['COMPLETED', 'REJECTED'].includes(json.status))).status, 'COMPLETED');
	const { json } = await simulate({ chain: 'anvil', asset: 'ETH', to: contract, amount: '0.001' }, apiKey);
	assert.deepEqual([json.answer, json.receiver.assumes_no_contract], ['allow', true]);
});

test('who tries the policy out says what could be asked for, of an own account', async () => {
	const apiKey = await key('--scope', 'policies:read', '--account', 'tenant');
	const wish = { chain: 'anvil', asset: 'ETH', to: fresh(), amount: '0.001' };
	assert.equal((await simulate(wish, apiKey)).status, 200);
	assert.equal((await simulate({ ...wish, account: 'tenant' }, apiKey)).status, 200);
	for (const [change, code] of [
		[{ account: 'default' }, 'account_forbidden'], [{ chain: 'nowhere' }, 'chain_unknown'],
		[{ asset: 'XYZ' }, 'asset_unknown'], [{ to: '0x01' }, 'address_malformed'],
		[{ to: '0x8617E340B3D01FA5F11F306F4090FD50E238070d' }, 'address_checksum'],
		[{ to: `0x${'0'.repeat(40)}` }, 'address_zero'], [{ to: stack.wallets[0] }, 'address_is_ours'],
		[{ to: stack.token.address }, 'address_is_token'],
		[{ amount: '1e3' }, 'amount_malformed'], [{ amount: '0' }, 'amount_not_positive'],
		[{ amount: '9'.repeat(90) }, 'amount_too_large'], [{ amount: `0.${'0'.repeat(20)}1` }, 'amount_decimals'],
	]) {
		const { status, json } = await simulate({ ...wish, ...change }, apiKey);
		assert.ok(status >= 400 && status < 500, JSON.stringify(json));
		assert.equal(json.code, code, JSON.stringify(json));
	}
	const other = await key('--scope', 'withdrawals:create');
	assert.equal((await simulate(wish, other)).status, 403);
});
