// People log in, over HTTP: tokens, sessions, the second factor, and those who try without. Codes and
// tokens are made here once more, from the standards, by a program that is not ours.
//
// usage: SLUICE=path/to/sluice node --test auth.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApi } from './api_process.mjs';
import { codeOf } from './second_factor.mjs';

const password = 'correct horse battery';
const stepMs = 30_000;
let api;
let peer = 10; // each test comes from an address of its own, so that failures of others are not its

before(async () => {
	api = await startApi();
	writeFileSync(join(api.dir, 'password'), password, { mode: 0o600 });
});
after(() => api?.end());

const create = (name, role, ...more) =>
	api.sluice('user', 'create', name, '--role', role, '--password-file', join(api.dir, 'password'), ...more);

async function call(method, path, { token, body, from = '127.0.0.1' } = {}) {
	const text = body === undefined ? undefined : JSON.stringify(body);
	const request = http.request({ host: '127.0.0.1', port: api.port, method, path, localAddress: from, agent: false,
		headers: { ...(token && { authorization: `Bearer ${token}` }),
			...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) } });
	request.end(text);
	const [response] = await once(request, 'response');
	let answer = '';
	for await (const chunk of response) answer += chunk;
	return { status: response.statusCode, headers: response.headers, body: JSON.parse(answer) };
}
const post = (path, body, more) => call('POST', path, { body, ...more });
const login = (name, more = {}, from) => post('/v1/auth/login', { name, password, ...more }, { from });
const own = token => call('GET', '/v1/auth/sessions', { token });

async function enter(name, more, from) {
	const { status, body } = await login(name, more, from);
	assert.equal(status, 200, JSON.stringify(body));
	return body;
}

async function refused(promise, status, code) {
	const answer = await promise;
	assert.deepEqual([answer.status, answer.body.code], [status, code]);
	return answer;
}

// What a revocation may take.
async function becomes(status, code, ask) {
	const deadline = Date.now() + api.keyCacheMs + 2000;
	for (;;) {
		const answer = await ask();
		if (answer.status === status) return assert.equal(answer.body.code, code);
		assert.ok(Date.now() < deadline, `still ${answer.status}`);
		await sleep(50);
	}
}

// Not at the end of a step, so that "one before, this, one after" stay what they are for a test.
async function currentStep() {
	const left = stepMs - Date.now() % stepMs;
	if (left < 8000) await sleep(left + 100);
	return Math.floor(Date.now() / stepMs);
}

const alarms = action => api.log().filter(line => line['event.action'] === action && line['labels.alarm'] === true);
const actions = user => api.sql(`SELECT group_concat(action, ' ') FROM (SELECT action FROM audit
	WHERE detail LIKE '%${user}%' ORDER BY id)`);

describe('login', () => {
	test('gives tokens that are good for what the role allows', async () => {
		const { id } = create('ann', 'viewer', '--account', 'default');
		const tokens = await enter('ann');
		assert.equal(tokens.token_type, 'Bearer');
		assert.equal(tokens.expires_in, 900);
		assert.deepEqual(tokens.user, { id, name: 'ann', role: 'viewer', account: 'default', second_factor_enrolled: false });
		const claims = JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url'));
		assert.equal(claims.sub, id);
		assert.equal(claims.exp - claims.iat, 900);
		assert.equal((await call('GET', '/v1/withdrawals', { token: tokens.access_token })).status, 200);
		const denied = await refused(post('/v1/queues/request/redrive', undefined, { token: tokens.access_token }), 403,
			'permission_missing');
		assert.equal(denied.body.permission, 'queues:redrive');
	});

	test('decides nothing of what is held, since no decision of a log-in would count', async () => {
		create('olga', 'operator', '--account', 'default');
		const { access_token: token } = await enter('olga');
		const path = '/v1/withdrawals/0190f0f0-0000-7000-8000-000000000000/resolve';
		const answer = await refused(post(path, { verdict: 'not_paid' }, { token }), 403, 'permission_missing');
		assert.match(answer.body.detail, /API key/);
	});

	test('one who has no such name gets the same answer as one with a wrong password', async () => {
		const from = `127.0.0.${peer++}`;
		const [unknown, wrong] = [await login('nobody', {}, from), await login('ann', { password: `${password}.` }, from)];
		for (const answer of [unknown, wrong]) delete answer.body.instance;
		assert.deepEqual(unknown.body, wrong.body);
		assert.equal(unknown.body.code, 'login_failed');
	});

	test('bodies that are none are refused by field, without what was in them', async () => {
		const cases = [
			[{ name: 'ann' }, '/password', 'field_missing'], [{ name: 'ann', password: 7 }, '/password', 'field_type'],
			[{ name: '', password }, '/name', 'field_length'], [{ name: 'ann', password: 'x'.repeat(1025) }, '/password', 'field_length'],
			[{ name: 'ann', password, code: '1234567' }, '/code', 'field_length'],
		];
		for (const [body, pointer, code] of cases) {
			const answer = await post('/v1/auth/login', body);
			assert.equal(answer.status, 422, JSON.stringify(body));
			assert.deepEqual(answer.body.errors.map(error => [error.pointer, error.code]), [[pointer, code]]);
		}
		const odd = await post('/v1/auth/login', { name: 'ann', password, 'correct staple': '' });
		assert.equal(odd.body.code, 'field_unknown');
		assert.ok(!JSON.stringify(odd.body).includes('staple'));
	});

	test('a name or a code with a NUL in it is nobody\'s', async () => {
		const from = `127.0.0.${peer++}`;
		await refused(login('ann\0', {}, from), 401, 'login_failed');
		await refused(login('ann', { code: '\0' }, from), 401, 'login_failed');
	});
});

describe('tries that fail', () => {
	test('wait longer and longer, by name, whether somebody has it or not', async () => {
		create('bob', 'viewer');
		for (const name of ['bob', 'no-bob']) {
			for (let i = 0; i < 3; i++)
				await refused(login(name, { password: 'wrong wrong wrong' }, `127.0.0.${peer++}`), 401, 'login_failed');
			const waits = await refused(login(name, {}, `127.0.0.${peer++}`), 429, 'login_backoff');
			assert.ok(Number(waits.headers['retry-after']) >= 1);
		}
	});

	test('do not keep out who has been here before', async () => {
		create('eve', 'viewer');
		await enter('eve', {}, '127.0.1.1');
		for (let i = 0; i < 3; i++)
			await refused(login('eve', { password: 'wrong wrong wrong' }, `127.0.0.${peer++}`), 401, 'login_failed');
		await refused(login('eve', {}, `127.0.0.${peer++}`), 429, 'login_backoff');
		await enter('eve', {}, '127.0.1.1');
	});

	test('wait by address, whatever the names', async () => {
		create('hal', 'viewer');
		const from = `127.0.0.${peer++}`;
		for (let i = 0; i < 10; i++) {
			await refused(login(`guess-${i}`, {}, from), 401, 'login_failed');
			if (i === 5) await enter('hal', {}, from); // who has a name of his own clears nothing by it
		}
		await refused(login('guess-10', {}, from), 429, 'login_backoff');
		await refused(login('ann', {}, from), 429, 'login_backoff');
		await enter('ann');
	});

	test('one client has half of the places for passwords', async () => {
		const from = `127.0.0.${peer++}`;
		const mine = Array.from({ length: 12 }, (_, i) => login(`many-${i}`, {}, from));
		const answers = await Promise.all(mine);
		const codes = answers.map(answer => answer.body.code).sort();
		assert.ok(codes.filter(code => code === 'overloaded').length >= 1, codes.join());
		assert.ok(codes.filter(code => code === 'login_failed').length >= 2, codes.join());
		assert.ok(codes.every(code => code === 'overloaded' || code === 'login_failed'), codes.join());
	});

	test('tokens that are none wait, by address', async () => {
		const from = `127.0.0.${peer++}`;
		const ask = (token, at = from) => post('/v1/auth/refresh', { refresh_token: token }, { from: at });
		create('tom', 'viewer');
		const { refresh_token: good } = await enter('tom');
		const none = `${good.slice(0, -8)}00000000`;
		for (let i = 0; i < 100; i++)
			await refused(ask(none), 401, 'refresh_token_invalid');
		const waits = await refused(ask(none), 429, 'login_backoff');
		assert.ok(Number(waits.headers['retry-after']) >= 1);
		await refused(ask(good), 429, 'login_backoff');
		assert.equal((await ask(good, `127.0.0.${peer++}`)).status, 200);
	});

	test('a flood of logins is shed, and nobody else waits for it', async () => {
		const flood = Array.from({ length: 60 }, (_, i) => login(`flood-${i}`, {}, `127.0.2.${i + 1}`));
		const started = Date.now();
		assert.equal((await api.get('/v1/withdrawals')).status, 200);
		assert.ok(Date.now() - started < 5000);
		const codes = (await Promise.all(flood)).map(({ body }) => body.code);
		assert.deepEqual([...new Set(codes)].sort(), ['login_failed', 'overloaded']);
		assert.ok(codes.filter(code => code === 'login_failed').length >= 8);
		await enter('ann');
	});
});

describe('the second factor', () => {
	let secret;
	let step;
	test('is enrolled with the password, shown once, and confirmed by a code', async () => {
		create('amy', 'approver');
		const { access_token: token } = await enter('amy');
		await refused(post('/v1/auth/totp', { password: 'wrong wrong wrong' }, { token, from: `127.0.0.${peer++}` }), 401, 'login_failed');
		const { status, body } = await post('/v1/auth/totp', { password }, { token });
		assert.equal(status, 200, JSON.stringify(body));
		({ secret } = body);
		assert.ok(body.uri.includes(`secret=${secret}&`));
		assert.ok(!api.sql('SELECT hex(totp_seed) FROM users').includes(secret));
		step = await currentStep();
		const wrong = codeOf(secret, step - 4);
		await refused(post('/v1/auth/totp/confirm', { code: wrong }, { token }), 403, 'second_factor_invalid');
		await refused(post('/v1/auth/step-up', { code: codeOf(secret, step - 1) }, { token }), 403, 'second_factor_invalid');
		const confirmed = await post('/v1/auth/totp/confirm', { code: codeOf(secret, step - 1) }, { token });
		assert.equal(confirmed.body.user?.second_factor_enrolled, true, JSON.stringify(confirmed.body));
		await refused(post('/v1/auth/totp', { password }, { token }), 409, 'second_factor_enrolled');
	});

	test('a code is good once, for a session or for a login', async () => {
		const { access_token: token, session } = await enter('amy');
		assert.equal(session.second_factor, false);
		await refused(post('/v1/auth/step-up', { code: codeOf(secret, step - 1) }, { token }), 403, 'second_factor_invalid');
		const stepped = await post('/v1/auth/step-up', { code: codeOf(secret, step) }, { token });
		assert.equal(stepped.body.session?.second_factor, true, JSON.stringify(stepped.body));
		assert.equal(stepped.body.refresh_token, undefined);
		assert.equal((await own(stepped.body.access_token)).status, 200);
		await refused(login('amy', { code: codeOf(secret, step) }, `127.0.0.${peer++}`), 401, 'login_failed');
		assert.equal((await enter('amy', { code: codeOf(secret, step + 1) })).session.second_factor, true);
		assert.match(actions(session.id), /^session_started session_stepped_up$/);
	});

	test('codes cannot be guessed at length', async () => {
		const { access_token: token } = await enter('amy');
		for (let i = 0; i < 3; i++)
			await refused(post('/v1/auth/step-up', { code: '000000' }, { token }), 403, 'second_factor_invalid');
		await refused(post('/v1/auth/step-up', { code: '000000' }, { token }), 429, 'login_backoff');
	});

	test('nor many at once, nor by a login, nor after a login without one', async () => {
		const name = 'aron';
		create(name, 'operator', '--account', 'default');
		const { access_token: token } = await enter(name);
		const { body: { secret } } = await post('/v1/auth/totp', { password }, { token });
		const step = await currentStep();
		assert.equal((await post('/v1/auth/totp/confirm', { code: codeOf(secret, step) }, { token })).status, 200);
		const { access_token: later } = await enter(name);
		const answers = await Promise.all(Array.from({ length: 40 }, () => post('/v1/auth/step-up', { code: '000000' }, { token: later })));
		const looked = answers.filter(({ status }) => status === 403).length;
		assert.ok(looked >= 1 && looked <= 3, `${looked} codes were looked at`);
		await enter(name); // a password that is right says nothing about a code
		await refused(login(name, { code: '000000' }), 429, 'login_backoff');
		await refused(post('/v1/auth/step-up', { code: '000000' }, { token: later }), 429, 'login_backoff');
	});
});

describe('sessions', () => {
	test('a refresh token is good once, and a used one ends its session', async () => {
		const first = await enter('ann');
		const second = (await post('/v1/auth/refresh', { refresh_token: first.refresh_token })).body;
		assert.notEqual(second.refresh_token, first.refresh_token);
		assert.equal(second.session.id, first.session.id);
		assert.equal((await own(second.access_token)).status, 200);
		const random = `${second.refresh_token.slice(0, -8)}00000000`;
		await refused(post('/v1/auth/refresh', { refresh_token: random }), 401, 'refresh_token_invalid');
		const third = (await post('/v1/auth/refresh', { refresh_token: second.refresh_token })).body;
		assert.ok(third.refresh_token);
		const before = alarms('refresh_token_reused').length;
		await refused(post('/v1/auth/refresh', { refresh_token: first.refresh_token }), 401, 'refresh_token_invalid');
		assert.equal(alarms('refresh_token_reused').length, before + 1);
		await refused(post('/v1/auth/refresh', { refresh_token: third.refresh_token }), 401, 'refresh_token_invalid');
		await becomes(401, 'access_token_invalid', () => own(third.access_token));
		assert.match(actions(first.session.id),
			/^session_started session_refreshed session_refreshed refresh_token_reused$/);
	});

	test('one token used by many at once has one winner at most', async () => {
		const { refresh_token: token } = await enter('ann');
		const answers = await Promise.all(Array.from({ length: 12 }, () => post('/v1/auth/refresh', { refresh_token: token })));
		assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
		const winner = answers.find(({ status }) => status === 200);
		if (winner)
			await refused(post('/v1/auth/refresh', { refresh_token: winner.body.refresh_token }), 401, 'refresh_token_invalid');
	});

	test('are listed and ended, one\'s own alone', async () => {
		const [one, two] = [await enter('ann'), await enter('ann')];
		const stranger = await enter('eve', {}, '127.0.1.1');
		const { body: { items } } = await own(one.access_token);
		assert.deepEqual(items.slice(0, 2).map(({ id }) => id), [two.session.id, one.session.id]);
		const revoke = (id, token) => post(`/v1/auth/sessions/${id}/revoke`, undefined, { token });
		await refused(revoke(one.session.id, stranger.access_token), 404, 'session_unknown');
		await refused(revoke(randomUUID(), one.access_token), 404, 'session_unknown');
		assert.equal((await revoke(two.session.id, one.access_token)).status, 200);
		await becomes(401, 'access_token_invalid', () => own(two.access_token));
		assert.equal((await post('/v1/auth/logout', undefined, { token: one.access_token })).status, 200);
		await becomes(401, 'access_token_invalid', () => own(one.access_token));
		await refused(post('/v1/auth/refresh', { refresh_token: one.refresh_token }), 401, 'refresh_token_invalid');
		assert.equal((await own(stranger.access_token)).status, 200);
	});

	test('of a disabled user, or one with a new password, are over', async () => {
		create('joe', 'operator', '--account', 'default');
		const first = await enter('joe');
		api.sluice('user', 'reset-password', 'joe', '--password-file', join(api.dir, 'password'));
		await becomes(401, 'access_token_invalid', () => own(first.access_token));
		const second = await enter('joe');
		assert.equal((await own(second.access_token)).status, 200);
		api.sluice('user', 'disable', 'joe');
		await becomes(401, 'access_token_invalid', () => own(second.access_token));
		await refused(login('joe', {}, `127.0.0.${peer++}`), 401, 'login_failed');
		await refused(post('/v1/auth/refresh', { refresh_token: second.refresh_token }), 401, 'refresh_token_invalid');
	});
});

describe('rows that somebody edited', () => {
	test('a user with another role is nobody', async () => {
		create('max', 'viewer');
		const { access_token: token } = await enter('max');
		api.sql("UPDATE users SET role = 4 WHERE name = 'max'");
		await becomes(401, 'access_token_invalid', () => own(token));
		await refused(login('max', {}, `127.0.0.${peer++}`), 401, 'login_failed');
		assert.ok(alarms('user_seal_broken').length >= 1);
	});

	test('a session that was given a second factor, or brought back, is over', async () => {
		for (const edit of ['second_factor_at = 1', 'revoked_at = 0, version = version + 1', 'expires_at = expires_at + 1']) {
			const { access_token: token, session } = await enter('ann');
			api.sql(`UPDATE sessions SET ${edit} WHERE created_at = ${Date.parse(session.created_at)}`);
			await becomes(401, 'access_token_invalid', () => own(token));
		}
		assert.ok(alarms('session_seal_broken').length >= 3);
	});
});

describe('access tokens that a login did not give', () => {
	const b64 = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
	let key;
	let good;
	const sign = (header, claims, bytes = key) => {
		const text = `${b64(header)}.${b64(claims)}`;
		return `${text}.${createHmac('sha256', bytes).update(text).digest('base64url')}`;
	};

	before(async () => {
		const [, hex] = /^access_tokens 1 ([0-9a-f]{64})$/m.exec(readFileSync(join(api.dir, 'trust', 'api.keys'), 'utf8'));
		key = Buffer.from(hex, 'hex');
		const { access_token: token } = await enter('ann');
		const [header, claims] = token.split('.').slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url')));
		good = { header, claims, token };
		assert.equal(sign(header, claims), token); // the same claims, under the same key, are a good one
	});

	const invalid = token => refused(own(token), 401, 'access_token_invalid');

	test('alg-none', async () => {
		for (const alg of ['none', 'None', 'NONE', '']) {
			const text = `${b64({ ...good.header, alg })}.${b64(good.claims)}`;
			for (const signature of ['', 'AA', good.token.split('.')[2]])
				await refused(own(`${text}.${signature}`), 401,
					signature === '' ? 'authorization_malformed' : 'access_token_invalid');
		}
	});

	test('alg-confusion', async () => {
		const { header, claims } = good;
		const headers = [{ ...header, alg: 'RS256' }, { ...header, alg: 'HS512' }, { ...header, alg: 'ES256' }, { ...header, typ: 'JWT' },
			{ ...header, kid: '2' }, { ...header, kid: 1 }, { alg: 'HS256', kid: '1' }, { ...header, jku: 'http://127.0.0.1/' },
			{ ...header, crit: ['exp'] }, { ...header, jwk: { kty: 'oct', k: b64('x'.repeat(32)) } },
			{ typ: 'at+jwt', alg: 'HS256', kid: '1' }, `${JSON.stringify(header)} `];
		for (const other of headers) await invalid(sign(other, claims));
		await invalid(sign(header, claims, Buffer.alloc(32)));
		await invalid(sign(header, claims, Buffer.from('')));
	});

	test('expired-token', async () => {
		const now = Math.floor(Date.now() / 1000);
		const { header, claims } = good;
		await refused(own(sign(header, { ...claims, iat: now - 900, nbf: now - 900, exp: now })), 401, 'access_token_expired');
		await invalid(sign(header, { ...claims, exp: claims.iat + 901 }));
		await invalid(sign(header, { ...claims, iat: now + 60, nbf: now, exp: now + 90 }));
		await invalid(sign(header, { ...claims, nbf: now + 60 }));
		for (const name of ['exp', 'iat', 'nbf', 'iss', 'aud', 'sub', 'sid', 'jti', 'amr']) {
			const { [name]: gone, ...rest } = claims;
			assert.ok(gone !== undefined);
			await invalid(sign(header, rest));
		}
		await invalid(sign(header, { ...claims, aud: 'another' }));
		await invalid(sign(header, { ...claims, iss: 'another' }));
		await invalid(sign(header, { ...claims, exp: `${claims.exp}` }));
		await invalid(sign(header, { ...claims, sid: good.claims.jti }));
		await invalid(sign(header, { ...claims, sub: good.claims.jti }));
	});

	test('one that says that a second factor was shown is believed only if the session does', async () => {
		const token = sign(good.header, { ...good.claims, amr: ['pwd', 'otp', 'mfa'] });
		assert.equal((await own(token)).status, 200); // for what needs none
	});

	test('each byte counts', async () => {
		for (let i = 0; i < good.token.length; i += 7) {
			const other = good.token[i] === 'A' ? 'B' : 'A';
			const answer = await own(good.token.slice(0, i) + other + good.token.slice(i + 1));
			assert.equal(answer.status, 401);
		}
	});
});

test('secret-in-log: no password, token, code or seed is in a log line or an argument', async () => {
	const tokens = await enter('ann');
	const { refresh_token: next } = (await post('/v1/auth/refresh', { refresh_token: tokens.refresh_token })).body;
	await login(password, {}, `127.0.0.${peer++}`); // typed into the wrong field
	const seeds = api.sql('SELECT hex(totp_seed) FROM users WHERE totp <> 0').toLowerCase();
	const text = readFileSync(join(api.dir, 'log'), 'utf8');
	assert.ok(text.includes('login_failed'));
	for (const secret of [password, tokens.access_token, tokens.refresh_token, next, next.slice(-64), seeds, '$argon2id'])
		assert.ok(!text.includes(secret));
	const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
	assert.ok(!stdout.includes(password));
	for (const secret of [password, tokens.refresh_token.slice(-64), next.slice(-64)])
		assert.ok(!api.sql('.dump').includes(secret));
});

test('a new key for secrets at rest takes over, and the old one can go', async () => {
	const file = join(api.dir, 'trust', 'api.keys');
	const seals = () => api.sql('SELECT hex(substr(totp_seed, 1, 4)) FROM users WHERE name = \'kim\'');
	create('kim', 'admin');
	const { access_token: token } = await enter('kim');
	const { body: { secret } } = await post('/v1/auth/totp', { password }, { token });
	const step = await currentStep();
	assert.equal((await post('/v1/auth/totp/confirm', { code: codeOf(secret, step - 1) }, { token })).status, 200);
	assert.equal(seals(), '00000001');
	const renewed = readFileSync(file, 'utf8')
		.replace(/^secrets_seal 1/m, `secrets_seal 2 ${randomBytes(32).toString('hex')}\n$&`);
	writeFileSync(file, renewed);
	await api.restart();
	await enter('kim', { code: codeOf(secret, step) });
	assert.equal(seals(), '00000002');
	writeFileSync(file, renewed.replace(/^secrets_seal 1.*\n/m, ''));
	await api.restart();
	await enter('kim', { code: codeOf(secret, step + 1) });
	assert.match(api.sql('SELECT group_concat(action, \' \') FROM audit'), /user_totp_resealed/);
});
