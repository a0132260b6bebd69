// API keys, users and the audit over HTTP: what an admin can do, and what nobody can do by it.
//
// usage: SLUICE=path/to/sluice node --test admins.test.mjs
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApi } from './api_process.mjs';
import { ask, assertProblem, logIn, logInFully, makeUser, password } from './people.mjs';

const patienceMs = 20_000;
const nobody = '0190f0f0-0000-7000-8000-000000000000';
let api, ann, tess;
let serial = 0;
const get = (token, path) => ask(api, 'GET', path, { token });
const post = (token, path, body) => ask(api, 'POST', path, { token, body });
const makeKey = (token, body = {}) => post(token, '/v1/api-keys', { name: `key-${++serial}`, account: 'default', ...body });
const makePerson = (token, body = {}) => post(token, '/v1/users', { name: `user-${++serial}`, role: 'viewer', password, ...body });

before(async () => {
	api = await startApi();
	makeUser(api, 'ann', 'admin');
	makeUser(api, 'tess', 'admin', '--account', 'acme');
	[ann, tess] = await Promise.all(['ann', 'tess'].map(name => logInFully(api, name)));
});
after(() => api?.end());

async function until(condition) {
	const deadline = Date.now() + patienceMs;
	while (!await condition()) {
		assert.ok(Date.now() < deadline, 'it did not come to pass');
		await sleep(50);
	}
}

// The newest record of an action, with its detail read.
function recordOf(action) {
	const [who, request, detail] = api.sql(
		`SELECT who, request_id, detail FROM audit WHERE action = '${action}' ORDER BY id DESC LIMIT 1`).split('|');
	return { who, request, ...JSON.parse(detail) };
}

describe('API keys', () => {
	test('are made, shown once, rotated and revoked, and the audit says by whom and from where', async () => {
		const made = await makeKey(ann, { scopes: ['assets:read', 'wallets:read'], ranges: ['127.0.0.0/8', '::1'] });
		assert.equal(made.status, 201, JSON.stringify(made.body));
		const { key, id, account, scopes, ranges } = made.body;
		assert.deepEqual([account, scopes, ranges], ['default', ['assets:read', 'wallets:read'], ['127.0.0.0/8', '::1/128']]);
		assert.equal((await get(key, '/v1/assets')).status, 200);
		assertProblem(await get(key, '/v1/queues'), 403, 'permission_missing');
		const record = recordOf('api_key_created');
		assert.deepEqual([record.key, record.request, record.address], [id, made.headers['request-id'], '127.0.0.1']);
		const next = await post(ann, `/v1/api-keys/${id}/rotate`, { overlap_s: '0' });
		assert.equal(next.status, 201, JSON.stringify(next.body));
		await until(async () => (await get(key, '/v1/assets')).status === 401);
		assert.equal((await get(next.body.key, '/v1/assets')).status, 200);
		assertProblem(await post(ann, `/v1/api-keys/${id}/rotate`, {}), 409, 'api_key_ended');
		const revoked = await post(ann, `/v1/api-keys/${next.body.id}/revoke`);
		assert.equal(revoked.status, 200);
		assert.ok(Date.parse(revoked.body.revoked_at) > 0 && revoked.body.key === undefined);
		await until(async () => (await get(next.body.key, '/v1/assets')).status === 401);
		const listed = await get(ann, '/v1/api-keys');
		assert.ok(listed.body.items.some(item => item.id === id && item.sealed));
		for (const secret of [key, next.body.key].map(text => text.split('_')[2])) {
			assert.ok(!JSON.stringify(listed.body).includes(secret));
			assert.ok(!JSON.stringify(api.log()).includes(secret), 'secret-in-log');
			assert.equal(api.sql(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%${secret}%'`), '0');
		}
	});

	test('what cannot be is refused, and makes nothing', async () => {
		const before = api.count('api_keys');
		for (const [body, status, code] of [
			[{ scopes: ['api_keys:write'] }, 422, 'request_refused'], [{ scopes: ['controls:unpause'] }, 422, 'request_refused'],
			[{ scopes: ['withdrawals:approve'] }, 422, 'request_refused'], [{ scopes: ['nothing'] }, 422, 'request_refused'],
			[{ scopes: ['assets:read wallets:read'] }, 422, 'field_length'], [{ scopes: [] }, 422, 'field_length'], [{ ranges: [] }, 422, 'field_length'], [{ scopes: 'assets:read' }, 422, 'field_type'],
			[{ ranges: ['300.0.0.1'] }, 422, 'request_refused'], [{ expires_at: 'soon' }, 422, 'request_refused'],
			[{ expires_at: '2001-01-01T00:00:00Z' }, 422, 'request_refused'], [{ account: 'a b' }, 422, 'request_refused'],
			[{ name: 'x\ny' }, 422, 'request_refused'], [{ id: 'mine' }, 422, 'field_unknown'],
			[{ secret_hash: '00' }, 422, 'field_unknown'], [{ created_at: '1' }, 422, 'field_unknown'],
		])
			assertProblem(await makeKey(ann, body), status, code);
		assert.equal(api.count('api_keys'), before);
		for (const path of ['rotate', 'revoke'])
			assertProblem(await post(ann, `/v1/api-keys/${'0'.repeat(32)}/${path}`, path === 'rotate' ? {} : undefined), 404, 'api_key_unknown');
	});

	test('idor: a tenant reaches its own, and gives no scope that reaches further', async () => {
		assertProblem(await makeKey(tess), 403, 'account_forbidden');
		const mine = await makeKey(tess, { account: undefined });
		assert.deepEqual([mine.status, mine.body.account], [201, 'acme']);
		for (const scope of ['withdrawals:resolve', 'queues:redrive', 'wallets:read', 'audit:read', 'policies:read', 'controls:pause'])
			assertProblem(await makeKey(tess, { account: 'acme', scopes: [scope] }), 403, 'account_forbidden');
		const other = await makeKey(ann);
		const wide = await makeKey(ann, { account: 'acme', scopes: ['withdrawals:resolve'] });
		for (const path of ['rotate', 'revoke'])
			assertProblem(await post(tess, `/v1/api-keys/${other.body.id}/${path}`, path === 'rotate' ? {} : undefined), 404, 'api_key_unknown');
		// To rotate it would show a secret of what it may do.
		assertProblem(await post(tess, `/v1/api-keys/${wide.body.id}/rotate`, {}), 403, 'account_forbidden');
		assert.ok((await get(tess, '/v1/api-keys')).body.items.every(({ account }) => account === 'acme'));
		assert.ok((await get(tess, '/v1/users')).body.items.every(({ account }) => account === 'acme'));
		assert.equal((await post(tess, `/v1/api-keys/${wide.body.id}/revoke`)).status, 200);
	});

	test('a list has pages, so that nobody is hidden behind many', async () => {
		for (const [path, name] of [['/v1/api-keys', 'id'], ['/v1/users', 'name']]) {
			const all = (await get(ann, path)).body, seen = [];
			assert.equal(all.next_after, null);
			for (let after = ''; after !== null;) {
				const page = (await get(ann, `${path}?limit=1${after && `&after=${after}`}`)).body;
				assert.ok(Array.isArray(page.items), JSON.stringify(page));
				seen.push(...page.items);
				assert.ok(page.items.length <= 1);
				after = page.next_after;
			}
			assert.ok(all.items.length > 1);
			assert.deepEqual(seen.map(item => item[name]), all.items.map(item => item[name]));
			assertProblem(await get(ann, `${path}?limit=0`), 400, 'query_malformed');
			assertProblem(await get(ann, `${path}?page=2`), 400, 'query_unknown');
		}
	});
});

describe('users', () => {
	test('are made by people with a second factor, and log in', async () => {
		const made = await makePerson(ann, { name: 'vic', role: 'operator' });
		assert.deepEqual([made.status, made.body.role, made.body.account], [201, 'operator', null]);
		const token = await logIn(api, 'vic');
		assert.equal((await get(token, '/v1/queues')).status, 200);
		assertProblem(await makePerson(ann, { name: 'vic' }), 409, 'user_name_taken');
		assertProblem(await makePerson(await logIn(api, 'ann')), 403, 'second_factor_required');
		const { name, role, address, request } = recordOf('user_created');
		assert.deepEqual([name, role, address, request], ['vic', 'operator', '127.0.0.1', made.headers['request-id']]);
		assert.ok(!JSON.stringify(api.log()).includes(password), 'secret-in-log');
	});

	test('what cannot be is refused, and makes nobody', async () => {
		const before = api.count('users');
		for (const [body, status, code] of [
			[{ role: 'root' }, 422, 'request_refused'], [{ password: 'short' }, 422, 'request_refused'], [{ name: 'idp:ann' }, 422, 'request_refused'],
			[{ name: 'a b' }, 422, 'request_refused'], [{ account: '../x' }, 422, 'request_refused'], [{ version: '7' }, 422, 'field_unknown'],
			[{ totp: 'x' }, 422, 'field_unknown'], [{ password: undefined }, 422, 'field_missing'], [{ role: 4 }, 422, 'field_type'],
		])
			assertProblem(await makePerson(ann, body), status, code);
		assert.equal(api.count('users'), before);
	});

	test('a changed role, a new password, a lost second factor and an end are felt by who is logged in', async () => {
		const { body: { id } } = await makePerson(ann, { name: 'wim', role: 'operator' });
		let token = await logInFully(api, 'wim');
		const ends = async () => {
			await until(async () => (await get(token, '/v1/auth/sessions')).status === 401);
		};
		assert.equal((await post(ann, `/v1/users/${id}/sessions/revoke`)).status, 200);
		await ends();
		token = await logIn(api, 'wim');
		const changed = await post(ann, `/v1/users/${id}/role`, { role: 'viewer' });
		assert.equal(changed.body.role, 'viewer');
		const { role, role_before: roleBefore } = recordOf('user_role_changed');
		assert.deepEqual([role, roleBefore], ['viewer', 'operator']);
		await ends();
		assert.equal((await post(ann, `/v1/users/${id}/totp/reset`)).body.second_factor_enrolled, false);
		const other = 'another battery staple';
		assert.equal((await post(ann, `/v1/users/${id}/password`, { password: other })).status, 200);
		assertProblem(await ask(api, 'POST', '/v1/auth/login', { body: { name: 'wim', password }, from: '127.0.0.9' }), 401, 'login_failed');
		token = (await ask(api, 'POST', '/v1/auth/login', { body: { name: 'wim', password: other } })).body.access_token;
		assert.equal((await get(token, '/v1/assets')).status, 200);
		assert.equal((await post(ann, `/v1/users/${id}/disable`)).status, 200);
		await ends();
		assert.ok(!JSON.stringify(api.log()).includes(other), 'secret-in-log');
	});

	test('overload-drowns: new passwords that one admin sets keep nobody from logging in', async () => {
		const made = Array.from({ length: 16 }, () => makePerson(tess));
		assertProblem(await Promise.race(made), 503, 'overloaded'); // its places are taken, and it has half of them
		assert.equal((await ask(api, 'POST', '/v1/auth/login', { body: { name: 'ann', password }, from: '127.0.0.7' })).status, 200);
		const answers = await Promise.all(made);
		for (const answer of answers.filter(({ status }) => status !== 201)) assertProblem(answer, 503, 'overloaded');
		assert.ok(answers.some(({ status }) => status === 201));
	});

	test('idor: a tenant reaches its own users, and makes none who reach further', async () => {
		const { body: { id } } = await makePerson(ann, { name: 'xia' });
		for (const account of ['default', 'acme2', '*'])
			assert.ok([403, 422].includes((await makePerson(tess, { account, role: 'admin' })).status));
		const mine = await makePerson(tess, { role: 'admin' });
		assert.deepEqual([mine.status, mine.body.account], [201, 'acme']);
		for (const [path, body] of [['disable'], ['role', { role: 'admin' }], ['password', { password }], ['totp/reset'], ['sessions/revoke']]) {
			assertProblem(await post(tess, `/v1/users/${id}/${path}`, body), 404, 'user_unknown');
			assertProblem(await post(ann, `/v1/users/${nobody}/${path}`, body), 404, 'user_unknown');
			assertProblem(await post(ann, `/v1/users/xia/${path}`, body), 404, 'user_unknown');
		}
		assert.ok((await get(tess, '/v1/users')).body.items.every(({ account }) => account === 'acme'));
		assert.equal(api.sql("SELECT disabled_at, role, version FROM users WHERE name = 'xia'"), '0|1|1');
	});

	test('sessions of others are listed, and ended one by one, by who reaches their user', async () => {
		const { body: { id } } = await makePerson(tess, { name: 'yan', role: 'viewer' });
		const here = await logIn(api, 'yan');
		const there = (await ask(api, 'POST', '/v1/auth/login', { body: { name: 'yan', password }, from: '127.0.0.8' })).body.access_token;
		const list = async token => get(token, `/v1/users/${id}/sessions`);
		const { status, body: { items } } = await list(tess);
		assert.deepEqual([status, items.map(({ address }) => address)], [200, ['127.0.0.8', '127.0.0.1']]);
		assert.deepEqual((await list(ann)).body.items, items);
		assert.deepEqual((await get(here, '/v1/auth/sessions')).body.items, items, 'as the person sees them');
		assert.ok(!JSON.stringify(items).includes('hash'));
		assert.deepEqual(api.sluice('user', 'sessions', 'yan').items, items);
		// Of the person alone: another account's people find neither the user nor the session.
		makeUser(api, 'zed', 'admin', '--account', 'zeta');
		const zed = await logInFully(api, 'zed');
		assertProblem(await list(zed), 404, 'user_unknown');
		assertProblem(await post(zed, `/v1/users/sessions/${items[0].id}/revoke`), 404, 'session_unknown');
		assertProblem(await list(here), 403, 'permission_missing');
		assertProblem(await post(await logIn(api, 'tess'), `/v1/users/sessions/${items[0].id}/revoke`), 403, 'second_factor_required');
		const ended = await post(tess, `/v1/users/sessions/${items[0].id}/revoke`);
		assert.deepEqual([ended.status, ended.body.id], [200, items[0].id]);
		const { session, user, request } = recordOf('session_revoked');
		assert.deepEqual([session, user, request], [items[0].id, id, ended.headers['request-id']]);
		await until(async () => (await get(there, '/v1/auth/sessions')).status === 401);
		assert.equal((await get(here, '/v1/auth/sessions')).status, 200);
		assert.deepEqual((await list(tess)).body.items.map(item => item.id), [items[1].id]);
		for (const none of [items[0].id, nobody, 'x'])
			assertProblem(await post(tess, `/v1/users/sessions/${none}/revoke`), 404, 'session_unknown');
		// What somebody edited is not there, and an alarm.
		api.sql(`UPDATE sessions SET peer = '127.0.0.7' WHERE id = x'${items[1].id.replaceAll('-', '')}'`);
		assert.deepEqual((await list(tess)).body.items, []);
		assertProblem(await post(tess, `/v1/users/sessions/${items[1].id}/revoke`), 404, 'session_unknown');
		assert.ok(api.log().some(line => line['event.action'] === 'session_seal_broken' && line['labels.alarm'] === true));
		const last = await logIn(api, 'yan');
		const [{ id: open }] = (await list(tess)).body.items;
		assert.notEqual(api.attempt('user', 'end-sessions', 'ann', open).status, 0, 'it is another one\'s');
		assert.equal(api.sluice('user', 'end-sessions', 'yan', open).name, 'yan');
		await until(async () => (await get(last, '/v1/auth/sessions')).status === 401);
		api.sluice('user', 'end-sessions', 'yan');
		assert.equal(recordOf('user_sessions_revoked').user, id);
	});

	test('nobody does it to himself, and two admins do not shut each other out', async () => {
		const id = name => (api.sluice('user', 'list').items.find(user => user.name === name)).id;
		for (const [path, body] of [['disable'], ['role', { role: 'viewer' }], ['password', { password }], ['totp/reset']])
			assertProblem(await post(ann, `/v1/users/${id('ann')}/${path}`, body), 409, 'own_user');
		makeUser(api, 'zoe', 'admin');
		const zoe = await logInFully(api, 'zoe');
		const answers = await Promise.all([post(ann, `/v1/users/${id('zoe')}/disable`), post(zoe, `/v1/users/${id('ann')}/disable`)]);
		const codes = answers.map(({ body }) => body.code ?? 'done');
		assert.equal(codes.filter(code => code === 'done').length, 1, codes.join());
		assert.equal(api.sql("SELECT COUNT(*) FROM users WHERE role = 4 AND account = '' AND disabled_at = 0"), '1');
		if (answers[1].status === 200) ann = zoe;
	});

	test('row-edited: who was given a role in the database is nobody, and is shown so', async () => {
		await makePerson(ann, { name: 'yan' });
		api.sql("UPDATE users SET role = 4 WHERE name = 'yan'");
		assert.equal((await get(ann, '/v1/users')).body.items.find(({ name }) => name === 'yan').sealed, false);
		const { id } = (await get(ann, '/v1/users')).body.items.find(({ name }) => name === 'yan');
		assert.equal((await post(ann, `/v1/users/${id}/role`, { role: 'viewer' })).status, 422);
	});
});

describe('one\'s own password', () => {
	const other = 'another battery staple';
	const change = (token, more = {}, from) => ask(api, 'POST', '/v1/auth/password',
		{ token, body: { password, new_password: other, ...more }, from });
	const logInWith = (name, word, from = '127.0.0.8') => ask(api, 'POST', '/v1/auth/login', { body: { name, password: word }, from });

	test('is changed by who knows the old one, and ends every other session', async () => {
		makeUser(api, 'abe', 'viewer');
		const [here, there] = [await logIn(api, 'abe'), await logIn(api, 'abe')];
		for (const token of [here, there]) assert.equal((await get(token, '/v1/auth/sessions')).status, 200);
		assertProblem(await change(here, { password: 'not the old one' }, '127.0.0.7'), 401, 'login_failed');
		assertProblem(await change(here, { new_password: 'short' }), 422, 'request_refused');
		assertProblem(await change(here, { name: 'ann' }), 422, 'field_unknown');
		assertProblem(await change(null), 401, 'authorization_missing');
		const changed = await change(here);
		assert.equal(changed.status, 200, JSON.stringify(changed.body));
		await until(async () => (await get(there, '/v1/auth/sessions')).status === 401);
		await until(async () => (await get(here, '/v1/auth/sessions')).status === 200);
		await sleep(2 * api.keyCacheMs);
		assert.equal((await get(here, '/v1/auth/sessions')).body.items.length, 1);
		assertProblem(await logInWith('abe', password), 401, 'login_failed');
		assert.equal((await logInWith('abe', other)).status, 200);
		const { request, address, name } = recordOf('user_password_changed');
		assert.deepEqual([request, address, name], [changed.headers['request-id'], '127.0.0.1', 'abe']);
		for (const secret of [password, other]) assert.ok(!JSON.stringify(api.log()).includes(secret), 'secret-in-log');
	});

	test('takes the second factor of who has one, and is guessed no faster than a log-in', async () => {
		makeUser(api, 'cas', 'viewer');
		const full = await logInFully(api, 'cas');
		const plain = await logIn(api, 'cas');
		assertProblem(await change(plain), 403, 'second_factor_required');
		assert.equal((await change(full)).status, 200);
		makeUser(api, 'dan', 'viewer');
		const token = await logIn(api, 'dan');
		const codes = [];
		for (let i = 0; i < 5; i++) codes.push((await change(token, { password: `wrong password ${i}` }, '127.0.0.6')).body.code);
		assert.ok(codes.includes('login_backoff'), codes.join());
	});
});

describe('same-key-twice: a request with a key', () => {
	const keyed = (token, path, body, key) => ask(api, 'POST', path, { token, body, headers: { 'idempotency-key': key } });

	test('is carried out once, and a repeat is answered without the secret', async () => {
		const before = api.count('api_keys');
		const body = { name: 'once', account: 'default', scopes: ['assets:read'] };
		const first = await keyed(ann, '/v1/api-keys', body, 'k-1');
		assert.equal(first.status, 201, JSON.stringify(first.body));
		const again = await keyed(ann, '/v1/api-keys', body, 'k-1');
		assert.deepEqual([again.status, again.headers['idempotent-replayed'], first.headers['idempotent-replayed']], [201, 'true', undefined]);
		const { key, ...rest } = first.body;
		assert.ok(key);
		assert.deepEqual(again.body, rest);
		assert.equal(api.count('api_keys'), before + 1);
		assertProblem(await keyed(ann, '/v1/api-keys', { ...body, scopes: ['queues:read'] }, 'k-1'), 422, 'idempotency_key_reused');
		assertProblem(await keyed(ann, `/v1/api-keys/${first.body.id}/revoke`, undefined, 'k-1'), 422, 'idempotency_key_reused');
		assert.equal(api.sql(`SELECT COUNT(*) FROM idempotency WHERE CAST(answer AS TEXT) LIKE '%${key.split('_')[2]}%'`), '0');
		const other = await keyed(tess, '/v1/api-keys', { ...body, account: 'acme' }, 'k-1'); // each has keys of his own
		assert.notEqual(other.body.code, 'idempotency_key_reused');
		assert.equal(api.count('api_keys'), before + 1 + (other.status === 201 ? 1 : 0));
	});

	test('many at once are carried out once', async () => {
		const before = api.count('users');
		const body = { name: 'once-only', role: 'viewer', password };
		const answers = await Promise.all(Array.from({ length: 6 }, () => keyed(ann, '/v1/users', body, 'k-2')));
		assert.equal(api.count('users'), before + 1);
		for (const { status, body: { name, code } } of answers)
			assert.ok(status === 201 && name === 'once-only' || ['answer_lost', 'overloaded', 'user_name_taken'].includes(code), `${status} ${code}`);
		const pairs = await Promise.all(Array.from({ length: 20 }, () =>
			keyed(ann, '/v1/api-keys', { name: 'many', account: 'default' }, 'k-3')));
		assert.equal(api.sql("SELECT COUNT(*) FROM api_keys WHERE name = 'many'"), '1');
		assert.equal(pairs.filter(answer => answer.body.key !== undefined).length, 1);
	});

	test('a refusal binds no key, an empty key is none, and old ones are forgotten', async () => {
		assertProblem(await keyed(ann, '/v1/api-keys', { name: 'later', account: 'a b' }, 'k-4'), 422, 'request_refused');
		assert.equal((await keyed(ann, '/v1/api-keys', { name: 'later', account: 'default' }, 'k-4')).status, 201);
		assertProblem(await keyed(ann, '/v1/api-keys', { name: 'x', account: 'default' }, 'k 5'), 400, 'idempotency_key_malformed');
		api.sql(`UPDATE idempotency SET at = at - ${31 * 86_400_000}`);
		assert.equal((await keyed(ann, '/v1/api-keys', { name: 'new', account: 'default' }, 'k-6')).status, 201);
		assert.equal(api.count('idempotency'), 1);
	});

	test('one whose answer did not get there says that it was done', async () => {
		const body = { name: 'lost', account: 'default' };
		assert.equal((await keyed(ann, '/v1/api-keys', body, 'k-7')).status, 201);
		api.sql("UPDATE idempotency SET status = 0, answer = x''");
		assertProblem(await keyed(ann, '/v1/api-keys', body, 'k-7'), 409, 'answer_lost');
		for (const edited of ["status = 7, answer = x'7b7d'", "status = 204, answer = x'7b7d'", 'status = 201, answer = zeroblob(2000000)']) {
			api.sql(`UPDATE idempotency SET ${edited}`); // nobody of us wrote that, and it ends nothing
			assertProblem(await keyed(ann, '/v1/api-keys', body, 'k-7'), 409, 'answer_lost');
		}
		assert.equal(api.sql("SELECT COUNT(*) FROM api_keys WHERE name = 'lost'"), '1');
	});
});

describe('the audit', () => {
	test('is read in the order of the feed, by who reaches every account', async () => {
		api.sql('UPDATE audit SET feed = id');
		const all = Number(api.sql('SELECT MAX(id) FROM audit'));
		const seen = [];
		for (let after = 0; after !== null;) {
			const page = await get(ann, `/v1/audit?after=${after}&limit=7`);
			assert.equal(page.status, 200, JSON.stringify(page.body));
			seen.push(...page.body.items);
			after = page.body.next_after;
		}
		assert.deepEqual(seen.map(({ position }) => position), Array.from({ length: all }, (_, at) => at + 1));
		const made = seen.find(({ action }) => action === 'user_created');
		assert.equal(made.actor, 'person');
		assert.equal(made.detail.name, 'ann');
		assertProblem(await get(tess, '/v1/audit'), 403, 'account_forbidden');
		makeUser(api, 'quin', 'viewer');
		assertProblem(await get(await logIn(api, 'quin'), '/v1/audit'), 403, 'permission_missing');
		for (const [query, code] of [['limit=0', 'query_malformed'], ['after=-1', 'query_malformed'], ['who=ann', 'query_unknown']])
			assertProblem(await get(ann, `/v1/audit?${query}`), 400, code);
	});
});
