// Who may do what over HTTP: every pair of a scope and a route, keys that have ended or are used from
// elsewhere, and accounts that reach for each other's withdrawals.
//
// usage: SLUICE=path/to/sluice node --test permissions.test.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePorts } from '../tools/src/stack.mjs';
import { startApi } from './api_process.mjs';
import { logIn, logInFully, makeUser } from './people.mjs';

const patienceMs = 30_000;
const order = {
	chain: 'polygon', asset: 'USDC', to: '0x52908400098527886E0F7030069857D2E4169EE7', amount: '12.5',
};

// What each route needs, written apart from the program's own table. A route that is not here fails
// the first test: whoever adds one says here who is meant to take it.
const routes = [
	['POST', '/v1/withdrawals', 'withdrawals:create'],
	['GET', '/v1/withdrawals', 'withdrawals:read'],
	['GET', '/v1/withdrawals/{id}', 'withdrawals:read'],
	['GET', '/v1/withdrawals/{id}/events', 'events:read'],
	['POST', '/v1/withdrawals/{id}/cancel', 'withdrawals:cancel'],
	['POST', '/v1/withdrawals/{id}/speed-up', 'withdrawals:speed_up'],
	['POST', '/v1/withdrawals/{id}/approve', 'withdrawals:approve'],
	['POST', '/v1/withdrawals/{id}/reject', 'withdrawals:approve'],
	['POST', '/v1/withdrawals/{id}/resolve', 'withdrawals:resolve'],
	['POST', '/v1/transfers/{id}/resolve', 'withdrawals:resolve'],
	['GET', '/v1/assets', 'assets:read'],
	['GET', '/v1/wallets', 'wallets:read'],
	['GET', '/v1/queues', 'queues:read'],
	['POST', '/v1/queues/{name}/redrive', 'queues:redrive'],
	['GET', '/v1/controls', 'controls:read'],
	['POST', '/v1/controls', 'controls:pause'],
	['POST', '/v1/controls/unpause', 'controls:unpause'],
	['POST', '/v1/controls/unpause/{id}/confirm', 'controls:unpause'],
	['POST', '/v1/controls/unpause/{id}/reject', 'controls:unpause'],
	['GET', '/v1/policies', 'policies:read'],
	['POST', '/v1/policies', 'policies:write'],
	['GET', '/v1/policies/proposals/{id}', 'policies:read'],
	['POST', '/v1/policies/proposals/{id}/confirm', 'policies:write'],
	['POST', '/v1/policies/proposals/{id}/reject', 'policies:write'],
	['POST', '/v1/policies/simulate', 'policies:read'],
	['GET', '/v1/allow-list', 'allow_list:read'],
	['POST', '/v1/allow-list', 'allow_list:write'],
	['POST', '/v1/allow-list/{id}/remove', 'allow_list:write'],
	['POST', '/v1/allow-list/proposals/{id}/confirm', 'allow_list:write'],
	['POST', '/v1/allow-list/proposals/{id}/reject', 'allow_list:write'],
	['GET', '/v1/accounts', 'accounts:read'],
	['POST', '/v1/accounts', 'accounts:write'],
	['POST', '/v1/accounts/{name}/disable', 'accounts:write'],
	['POST', '/v1/accounts/{name}/enable', 'accounts:write'],
	['GET', '/v1/api-keys', 'api_keys:read'],
	['POST', '/v1/api-keys', 'api_keys:write'],
	['POST', '/v1/api-keys/{id}/rotate', 'api_keys:write'],
	['POST', '/v1/api-keys/{id}/revoke', 'api_keys:write'],
	['GET', '/v1/users', 'users:read'],
	['POST', '/v1/users', 'users:write'],
	['POST', '/v1/users/{id}/disable', 'users:write'],
	['POST', '/v1/users/{id}/role', 'users:write'],
	['POST', '/v1/users/{id}/password', 'users:write'],
	['POST', '/v1/users/{id}/totp/reset', 'users:write'],
	['GET', '/v1/users/{id}/sessions', 'users:read'],
	['POST', '/v1/users/{id}/sessions/revoke', 'users:write'],
	['POST', '/v1/users/sessions/{id}/revoke', 'users:write'],
	['GET', '/v1/audit', 'audit:read'],
	['POST', '/v1/auth/login', 'public'],
	['POST', '/v1/auth/refresh', 'public'],
	['POST', '/v1/auth/logout', 'sessions:own'],
	['GET', '/v1/auth/sessions', 'sessions:own'],
	['POST', '/v1/auth/sessions/{id}/revoke', 'sessions:own'],
	['POST', '/v1/auth/step-up', 'sessions:own'],
	['POST', '/v1/auth/password', 'sessions:own'],
	['POST', '/v1/auth/totp', 'sessions:own'],
	['POST', '/v1/auth/totp/confirm', 'sessions:own'],
	['GET', '/openapi.json', 'public'],
];
// What a key can be given, and nothing else.
const scopes = [
	'withdrawals:create', 'withdrawals:read', 'withdrawals:cancel', 'withdrawals:speed_up', 'withdrawals:resolve',
	'assets:read', 'wallets:read', 'queues:read', 'queues:redrive', 'controls:read', 'controls:pause',
	'policies:read', 'allow_list:read', 'audit:read', 'events:read', 'webhooks:read',
];
// What the roles have, of what a route needs; and what takes a second factor, of any role.
const reads = ['withdrawals:read', 'events:read', 'assets:read', 'wallets:read', 'queues:read', 'controls:read',
	'policies:read', 'allow_list:read', 'webhooks:read', 'sessions:own'];
const roles = {
	viewer: reads,
	operator: [...reads, 'withdrawals:create', 'withdrawals:cancel', 'withdrawals:speed_up', 'withdrawals:resolve',
		'queues:redrive', 'controls:pause', 'audit:read'],
	approver: [...reads, 'withdrawals:approve', 'controls:pause', 'controls:unpause', 'audit:read'],
	admin: [...reads, 'controls:pause', 'controls:unpause', 'policies:write', 'allow_list:write', 'api_keys:read',
		'api_keys:write', 'users:read', 'users:write', 'webhooks:write', 'audit:read', 'accounts:read', 'accounts:write'],
};
const withSecondFactor = ['withdrawals:approve', 'controls:unpause', 'policies:write', 'allow_list:write', 'api_keys:write',
	'users:write', 'webhooks:write', 'accounts:write'];
const openapi = JSON.parse(readFileSync(fileURLToPath(new URL('../../doc/openapi.json', import.meta.url)), 'utf8'));

let api;
let opsPort;
let withdrawal;
let serial = 0;

before(async () => {
	[opsPort] = await findFreePorts(1);
	api = await startApi({ env: { SLUICE_API_OPS_LISTEN: `127.0.0.1:${opsPort}` } });
	const answer = await create(api.key, 'first', { external_id: 'order-1' });
	assert.equal(answer.status, 202, answer.text);
	withdrawal = answer.json;
});

after(() => api?.end());

function newKey(...args) {
	return api.sluice('api-key', 'create', '--name', `key-${++serial}`, ...args);
}

function ask(key, method, path, { body, headers = {}, from } = {}) {
	return api.request(method, path, {
		headers: { authorization: key === null ? null : `Bearer ${key}`, ...headers }, body, from,
	});
}

function create(key, idempotencyKey, fields = {}) {
	return ask(key, 'POST', '/v1/withdrawals', {
		headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
		body: JSON.stringify({ ...order, ...fields }),
	});
}

function decide(key, path) {
	return ask(key, 'POST', path, {
		headers: { 'content-type': 'application/json' }, body: '{"verdict":"not_paid"}',
	});
}

// A request that would do something, if it was let through.
function take(key, method, pattern) {
	const path = pattern.replace('{id}', withdrawal.id).replace('{name}', 'request');
	if (method === 'POST' && pattern === '/v1/withdrawals')
		return create(key, `take-${++serial}`);
	return pattern.endsWith('/resolve') ? decide(key, path) : ask(key, method, path);
}

function assertProblem(answer, status, code) {
	assert.equal(answer.json?.code, code, `${answer.status} ${answer.text}`);
	assert.equal(answer.status, status, answer.text);
}

test('every route is expected, and documented as it is expected', () => {
	const documented = Object.entries(openapi.paths).flatMap(([path, operations]) =>
		Object.entries(operations).filter(([method]) => method !== 'parameters').map(([method, operation]) =>
			[method.toUpperCase(), path, (operation.security ?? []).map(each => each.apiKey?.[0]).join() || 'public']));
	assert.deepEqual(documented.map(row => row.join(' ')).sort(), routes.map(row => row.join(' ')).sort());
});

test('scope-missing: a key takes the routes of its scope, and no other one', async () => {
	for (const scope of scopes) {
		const { key } = newKey('--scope', scope);
		for (const [method, path, needed] of routes) {
			const before = api.count('audit');
			const answer = await take(key, method, path);
			const seen = `${scope}: ${method} ${path}: ${answer.status} ${answer.text}`;
			if (needed === 'public' || needed === scope) {
				assert.ok(answer.status !== 401 && answer.status !== 403, seen);
				continue;
			}
			assertProblem(answer, 403, 'permission_missing');
			assert.equal(answer.json.permission, needed, seen);
			assert.equal(api.count('audit'), before, seen);
		}
	}
});

// What ends a session is asked by somebody else, elsewhere.
const endsNothing = routes.filter(([, path]) => path !== '/v1/auth/logout');

for (const [role, has] of Object.entries(roles))
	test(`scope-missing: ${role} takes the routes of that role, and no other one`, async () => {
		makeUser(api, `${role}-1`, role);
		makeUser(api, `${role}-2`, role);
		const [plain, full] = [await logIn(api, `${role}-1`), await logInFully(api, `${role}-2`)];
		for (const [method, path, needed] of endsNothing) {
			const seen = `${role}: ${method} ${path}`;
			const before = api.count('audit');
			const answers = { plain: await take(plain, method, path), full: await take(full, method, path) };
			if (needed === 'public' || has.includes(needed)) {
				const { code, permission } = answers.full.json ?? {};
				assert.ok(code !== 'permission_missing' && code !== 'second_factor_required' || resolvesAlone(path), seen);
				if (withSecondFactor.includes(needed)) assertProblem(answers.plain, 403, 'second_factor_required');
				else assert.deepEqual([answers.plain.status, answers.plain.json?.permission], [answers.full.status, permission], seen);
				continue;
			}
			for (const answer of Object.values(answers)) {
				assertProblem(answer, 403, 'permission_missing');
				assert.equal(answer.json.permission, needed, seen);
			}
			assert.equal(api.count('audit'), before, seen);
		}
	});

// A decision of a person who logs in would not count, and is not taken (ADR 31).
function resolvesAlone(path) {
	return path.endsWith('/resolve');
}

test('scope-missing: nobody gets anywhere without a key', async () => {
	for (const [method, path, needed] of routes)
		if (needed !== 'public')
			assertProblem(await take(null, method, path), 401, 'authorization_missing');
});

test('scope-missing: a scope that is added in the database ends the key', async () => {
	const { id, key } = newKey('--scope', 'assets:read');
	assert.equal((await ask(key, 'GET', '/v1/assets')).status, 200);
	api.sql(`UPDATE api_keys SET scopes = -1 WHERE id = '${id}'`);
	await until(async () => (await ask(key, 'GET', '/v1/assets')).status === 401);
	assertProblem(await take(key, 'POST', '/v1/withdrawals'), 401, 'api_key_invalid');
	assert.ok(api.log().some(line => line['event.action'] === 'api_key_seal_broken'));
});

test('idor: nothing of another account is there', async () => {
	const thief = newKey('--account', 'thief').key;
	const { id } = withdrawal;
	const before = api.digest();
	for (const [method, path] of [
		['GET', ''], ['GET', '?wait_ms=10'], ['GET', '/events'], ['POST', '/cancel'], ['POST', '/speed-up'],
	]) {
		const own = await ask(thief, method, `/v1/withdrawals/${id}${path}`);
		assertProblem(own, 404, 'withdrawal_unknown');
		// Nobody can tell it from an id that does not exist.
		const none = await ask(thief, method, `/v1/withdrawals/${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}${path}`);
		assert.equal(own.json.detail, none.json.detail);
	}
	for (const query of ['', '?external_id=order-1', '?limit=200'])
		assert.deepEqual((await ask(thief, 'GET', `/v1/withdrawals${query}`)).json.items, []);
	assertProblem(await ask(thief, 'GET', '/v1/withdrawals?account=default'), 403, 'account_forbidden');
	assertProblem(await decide(thief, `/v1/withdrawals/${id}/resolve`), 403, 'permission_missing');
	assert.equal(api.digest(), before);
});

test('idor: wallets, queues and the audit are of nobody who belongs to an account', async () => {
	const shared = routes.filter(([, , needed]) => ['wallets:read', 'queues:read', 'queues:redrive', 'audit:read'].includes(needed));
	assert.equal(shared.length, 4);
	for (const role of ['operator', 'admin']) {
		makeUser(api, `${role}-of-acme`, role, '--account', 'acme');
		const token = await logIn(api, `${role}-of-acme`);
		for (const [method, path, needed] of shared)
			assertProblem(await take(token, method, path), 403, roles[role].includes(needed) ? 'account_forbidden' : 'permission_missing');
	}
	// A key has what somebody of all accounts gave it.
	const { key } = newKey('--account', 'acme', '--scope', 'wallets:read');
	assert.equal((await ask(key, 'GET', '/v1/wallets')).status, 200);
});

test('idor: an idempotency key and an external id are of an account', async () => {
	const thief = newKey('--account', 'thief').key;
	const answer = await create(thief, 'first', { external_id: 'order-1' });
	assert.equal(answer.status, 202, answer.text);
	assert.notEqual(answer.json.id, withdrawal.id);
	assert.equal(answer.headers['idempotent-replayed'], undefined);
	assert.equal((await create(api.key, 'first', { external_id: 'order-1' })).json.id, withdrawal.id);
});

test('idor: a key made to resolve sees and decides, and changes nothing else', async () => {
	const key = newKey('--account', 'operators', '--resolve').key;
	const { id } = withdrawal;
	assert.equal((await ask(key, 'GET', `/v1/withdrawals/${id}`)).json.id, id);
	assert.equal((await ask(key, 'GET', `/v1/withdrawals/${id}/events`)).status, 200);
	assertProblem(await decide(key, `/v1/withdrawals/${id}/resolve`), 409, 'nothing_to_resolve');
	assertProblem(await ask(key, 'POST', `/v1/withdrawals/${id}/cancel`), 404, 'withdrawal_unknown');
	assertProblem(await ask(key, 'POST', `/v1/withdrawals/${id}/speed-up`), 404, 'withdrawal_unknown');
	assert.deepEqual((await ask(key, 'GET', '/v1/withdrawals')).json.items, []);
});

async function until(condition) {
	const deadline = Date.now() + patienceMs;
	while (!(await condition())) {
		assert.ok(Date.now() < deadline, 'it did not come to pass');
		await sleep(50);
	}
}

test('expired-token: a key ends when it says', async () => {
	const { key, expires_at: end } = newKey('--expires', '2s');
	assert.equal((await ask(key, 'GET', '/v1/assets')).status, 200);
	await until(async () => (await ask(key, 'GET', '/v1/assets')).status === 401);
	assert.ok(Date.now() >= Date.parse(end));
	assertProblem(await ask(key, 'GET', '/v1/assets'), 401, 'api_key_invalid');
});

test('revoked-key: a key that is revoked is refused within the life of a verdict', async () => {
	const { id, key } = newKey();
	assert.equal((await ask(key, 'GET', '/v1/assets')).status, 200);
	api.sluice('api-key', 'revoke', id);
	await until(async () => (await ask(key, 'GET', '/v1/assets')).status === 401);
});

test('revoked-key: what waits with a key or a session ends with it', async () => {
	const { id, key } = newKey();
	const user = makeUser(api, 'waits', 'viewer', '--account', 'default');
	const token = await logIn(api, user.name);
	const { json: { id: payment } } = await create(api.key, 'waits');
	const never = `/v1/withdrawals/${payment}?wait_ms=30000&after=1000000`;
	const waiting = [key, token].map(each => ask(each, 'GET', never));
	const metrics = async () => (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
	await until(async () => /^sluice_api_waiters 2$/m.test(await metrics()));
	api.sluice('api-key', 'revoke', id);
	api.sluice('user', 'disable', user.name);
	const answers = await Promise.all(waiting);
	assertProblem(answers[0], 401, 'api_key_invalid');
	assertProblem(answers[1], 401, 'access_token_invalid');
});

test('a rotation leaves both for a while, and then the new one', async () => {
	const old = newKey('--scope', 'assets:read');
	const next = api.sluice('api-key', 'rotate', old.id, '--overlap', '1h');
	for (const { key } of [old, next]) {
		assert.equal((await ask(key, 'GET', '/v1/assets')).status, 200);
		assertProblem(await ask(key, 'GET', '/v1/wallets'), 403, 'permission_missing');
	}
	const last = api.sluice('api-key', 'rotate', next.id, '--overlap', '0s');
	await until(async () => (await ask(next.key, 'GET', '/v1/assets')).status === 401);
	assert.equal((await ask(last.key, 'GET', '/v1/assets')).status, 200);
});

test('a key is used from its places', async () => {
	const forwarded = address => ({ 'x-forwarded-for': address });
	const inside = newKey('--allow', '127.0.0.1', '--allow', '10.0.0.0/8').key;
	const outside = newKey('--allow', '10.0.0.0/8', '--allow', '2001:db8::/32').key;
	assert.equal((await ask(inside, 'GET', '/v1/assets')).status, 200);
	assertProblem(await ask(outside, 'GET', '/v1/assets'), 403, 'address_forbidden');
	// Only a proxy that is trusted is believed; 127.0.0.2 is one here.
	assertProblem(await ask(outside, 'GET', '/v1/assets', { headers: forwarded('10.0.0.1') }),
		403, 'address_forbidden');
	const from = '127.0.0.2';
	const through = async (key, address) => (await ask(key, 'GET', '/v1/assets',
		{ from, headers: forwarded(address) })).status;
	assert.equal(await through(outside, '10.0.0.1'), 200);
	assert.equal(await through(outside, '2001:db8::5'), 200);
	assert.equal(await through(outside, '192.0.2.1'), 403);
	assert.equal(await through(outside, '10.0.0.1, 192.0.2.1'), 403);
	assert.equal(await through(outside, '192.0.2.1, 10.0.0.1'), 200);
	assert.equal(await through(outside, 'unknown'), 403);
	assert.equal((await ask(outside, 'GET', '/v1/assets', { from })).status, 403);
});

test('when a key was last used is written down', async () => {
	const { id, key } = newKey();
	const row = () => api.sluice('api-key', 'list').items.find(item => item.id === id);
	assert.deepEqual([row().last_used_at, row().last_used_from], [null, null]);
	const before = Date.now();
	assert.equal((await ask(key, 'GET', '/v1/assets', { from: '127.0.0.3' })).status, 200);
	await until(() => row().last_used_at !== null);
	assert.ok(Date.parse(row().last_used_at) >= before - 1);
	assert.equal(row().last_used_from, '127.0.0.3');
	assert.equal(row().sealed, true);
});
