// Somebody whom an outside identity provider vouches for. The provider is npm's jose, an
// implementation that is not ours; and so is whoever forges.
//
// usage: SLUICE=path/to/sluice node --test outside.test.mjs
import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeKey, setOf, sign as signAny, signText } from '../tools/src/identity_provider.mjs';
import { startApi } from './api_process.mjs';

const issuer = 'https://idp.example/tenant';
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const keys = {};
const untilMs = 20_000;
let api;
let fetched = 0; // of the URL

const seconds = () => Math.floor(Date.now() / 1000);
const claims = (more = {}) => ({ iss: issuer, aud: 'sluice', sub: 'ann@example', iat: seconds(), exp: seconds() + 600,
	sluice_role: 'viewer', sluice_account: 'default', ...more });
const sign = (key, payload = claims(), header = {}) => signAny(key, payload, header);

const ask = (token, method = 'GET', path = '/v1/withdrawals', target = api) =>
	target.request(method, path, { headers: { authorization: `Bearer ${token}` } });

async function refused(token, code = 'access_token_invalid') {
	const answer = await ask(token);
	assert.equal(answer.status, 401);
	assert.equal(answer.json.code, code);
}
async function granted(token) {
	const answer = await ask(token);
	assert.equal(answer.status, 200, answer.text);
}

async function until(what, condition) {
	const deadline = Date.now() + untilMs;
	while (!await condition()) {
		assert.ok(Date.now() < deadline, `in vain: ${what}`);
		await sleep(100);
	}
}

// In a directory of its own: beside secrets of other roles the new file is shut for the API.
function publish(dir, text) {
	mkdirSync(join(dir, 'idp'), { recursive: true });
	writeFileSync(join(dir, 'idp', 'jwks.new'), text);
	renameSync(join(dir, 'idp', 'jwks.new'), join(dir, 'idp', 'jwks.json'));
}

before(async () => {
	for (const alg of algorithms) keys[alg] = await makeKey(alg);
	keys.stranger = await makeKey('ES256');
	api = await startApi({
		extra: dir => `identity: { issuer: "${issuer}", jwks_file: "${dir}/idp/jwks.json" }`,
		prepare: dir => publish(dir, setOf(...algorithms.map(alg => keys[alg]))),
	});
});
after(() => api?.end());

describe('a token of the provider', () => {
	for (const alg of algorithms)
		test(`is good under ${alg}, and only as it is`, async () => {
			const token = await sign(keys[alg]);
			await granted(token);
			await granted(token); // out of memory, this time
			const [header, payload, signature] = token.split('.');
			const other = Buffer.from(JSON.stringify(claims({ sluice_role: 'admin' }))).toString('base64url');
			await refused(`${header}.${other}.${signature}`);
			for (const at of [0, 20, signature.length - 2]) {
				const changed = signature.slice(0, at) + (signature[at] === 'A' ? 'B' : 'A') + signature.slice(at + 1);
				await refused(`${header}.${payload}.${changed}`);
			}
			await refused(`${header}.${payload}.${signature.slice(0, -4)}`);
			await refused(`${header}.${payload}.${signature}AAAA`);
		});

	test('has the role and the account that it names', async () => {
		const viewer = await sign(keys.ES256);
		const denied = await ask(viewer, 'POST', '/v1/queues/request/redrive');
		assert.equal(denied.status, 403);
		const admin = await sign(keys.ES256, claims({ sluice_role: ['users', 'admin'], sluice_account: '*' }));
		assert.equal((await ask(admin, 'GET', '/v1/withdrawals')).status, 400); // which account?
		assert.equal((await ask(admin, 'GET', '/v1/withdrawals?account=default')).status, 200);
		await refused(await sign(keys.ES256, claims({ sluice_role: ['viewer', 'admin'] })));
		for (const name of ['sluice_role', 'sluice_account'])
			for (const value of [undefined, '', 'root', 7, null, {}])
				if (name === 'sluice_role' || value !== 'root')
					await refused(await sign(keys.ES256, claims({ [name]: value })));
	});

	test('idor: of one account reaches neither wallets nor queues', async () => {
		for (const [account, status] of [['default', 403], ['*', 200]]) {
			const token = await sign(keys.ES256, claims({ sluice_role: 'operator', sluice_account: account }));
			for (const [method, path] of [['GET', '/v1/wallets'], ['GET', '/v1/queues'], ['POST', '/v1/queues/request/redrive'], ['GET', '/v1/audit']]) {
				const answer = await ask(token, method, path);
				assert.equal(answer.status, status, `${path}: ${answer.text}`);
				if (status === 403) assert.equal(answer.json.code, 'account_forbidden');
			}
		}
	});

	test('names issuer, audience and subject', async () => {
		await granted(await sign(keys.ES256, claims({ aud: ['other', 'sluice'] })));
		for (const more of [{ iss: undefined }, { iss: `${issuer}/` }, { aud: undefined }, { aud: 'other' }, { aud: [] }, { aud: 'Sluice' },
			{ sub: undefined }, { sub: '' }, { sub: 'a b' }, { sub: 'x'.repeat(61) }, { sub: 7 }])
			await refused(await sign(keys.ES256, claims(more)));
	});

	test('expired-token', async () => {
		const now = seconds();
		await refused(await sign(keys.ES256, claims({ iat: now - 600, exp: now })), 'access_token_expired');
		for (const more of [{ exp: undefined }, { iat: undefined }, { exp: now + 3700 }, { iat: now + 120, exp: now + 600 },
			{ nbf: now + 120 }, { nbf: 'soon' }, { exp: `${now + 600}` }, { exp: now + 600.5 }, { iat: -1 }])
			await refused(await sign(keys.ES256, claims(more)));
		const short = await sign(keys.ES256, claims({ exp: seconds() + 2 }));
		await granted(short);
		await sleep(2500);
		await refused(short, 'access_token_expired');
	});
});

describe('a token of somebody else', () => {
	const b64 = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

	test('alg-none', async () => {
		for (const alg of ['none', 'None', 'nOnE', ''])
			for (const kid of ['RS256', 'ES256', undefined]) {
				const text = `${b64({ alg, kid, typ: 'JWT' })}.${b64(claims())}`;
				await refused(`${text}.AA`);
				assert.equal((await ask(`${text}.`)).status, 401);
			}
	});

	test('alg-confusion', async () => {
		// The public key as the secret of an HMAC, in each of its forms.
		const { publicKey, jwk } = keys.RS256;
		const pem = createPublicKey({ key: jwk, format: 'jwk' });
		const forms = [pem.export({ type: 'spki', format: 'pem' }), pem.export({ type: 'spki', format: 'der' }),
			pem.export({ type: 'pkcs1', format: 'pem' }), JSON.stringify(jwk), jwk.n];
		assert.ok(publicKey);
		for (const secret of forms)
			for (const alg of ['HS256', 'RS256']) {
				const text = `${b64({ alg, kid: 'RS256', typ: 'JWT' })}.${b64(claims())}`;
				await refused(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`);
			}
		// A key is for one algorithm, also where its kind could do another.
		for (const [alg, kid] of [['PS256', 'RS256'], ['RS256', 'PS256'], ['ES256', 'EdDSA'], ['EdDSA', 'ES256']])
			await refused(await sign(keys[alg], claims(), { kid }));
	});

	test('brings its own key, or wants to be understood', async () => {
		const { stranger } = keys;
		await refused(await sign(stranger));
		await refused(await sign(stranger, claims(), { kid: 'nobody' }));
		await refused(await sign(stranger, claims(), { jwk: stranger.jwk }));
		for (const header of [{ jku: 'http://127.0.0.1:1/' }, { jwk: stranger.jwk }, { x5c: ['AA'] }, { x5u: 'http://127.0.0.1:1/' }, { x5t: 'AA' },
			{ typ: 'JOSE' }, { kid: undefined }, { kid: '' }])
			await refused(await sign(keys.ES256, claims(), header));
		await refused(await signText(keys.ES256, JSON.stringify(claims()), { b64: true, crit: ['b64'] }));
		await granted(await sign(keys.ES256, claims(), { typ: 'at+jwt' }));
	});

	test('says one thing twice', async () => {
		const payload = JSON.stringify(claims()).replace('{', '{"sluice_role":"admin",');
		await refused(await signText(keys.ES256, payload));
		await granted(await signText(keys.ES256, JSON.stringify(claims())));
	});
});

test('a second factor that the provider vouches for is one', async () => {
	const token = await sign(keys.ES256, claims({ amr: ['pwd', 'mfa'] }));
	await granted(token);
});

test('revoked-key', async () => {
	const next = await makeKey('ES256', 'next');
	const old = await sign(keys.ES256);
	await granted(old);
	await refused(await sign(next));
	publish(api.dir, setOf(keys.RS256, next));
	await until('the new key is taken', async () => (await ask(await sign(next))).status === 200);
	await refused(old);
	await refused(await sign(keys.ES256));
	await granted(await sign(keys.RS256));
	// A set that cannot be read, or holds what it should not, changes nothing.
	const failures = () => api.log().filter(line => line['event.action'] === 'token_keys_failed').length;
	for (const text of ['{', '{"keys":[]}', JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'x' }] }),
		JSON.stringify({ keys: [next.jwk, next.jwk] })]) {
		const before = failures();
		publish(api.dir, text);
		await until(`${text.slice(0, 20)} is told`, () => failures() > before);
		await granted(await sign(next));
	}
	publish(api.dir, setOf(...algorithms.map(alg => keys[alg])));
	await until('the first set is back', async () => (await ask(await sign(keys.EdDSA))).status === 200);
});

test('keys by URL: fetched at the start, and of a server that fails nothing is believed', async () => {
	let answer = { status: 500, text: '' };
	const server = http.createServer((request, response) => {
		fetched++;
		response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const url = `http://127.0.0.1:${server.address().port}/jwks`;
	const start = () => startApi({ extra: () => `identity: { issuer: "${issuer}", jwks_url: "${url}" }` });
	const token = await sign(keys.ES256);
	const empty = await start();
	try {
		await until('it has asked', () => fetched > 0);
		assert.equal((await ask(token, 'GET', '/v1/withdrawals', empty)).status, 401);
		assert.equal((await empty.get('/v1/withdrawals')).status, 200);
		assert.equal(fetched, 1); // an unknown key is asked for once a minute
	} finally {
		await empty.end();
	}
	answer = { status: 200, text: setOf(keys.ES256) };
	const full = await start();
	try {
		await until('the keys are there', async () => (await ask(token, 'GET', '/v1/withdrawals', full)).status === 200);
	} finally {
		await full.end();
		server.close();
	}
});
