// What somebody tries who has read the OWASP API Security Top Ten (2023): a list of attempts against a
// stack that runs, by the numbers of that list. Each gives what was answered, and whether it came to
// nothing; an attempt that comes to something is a hole.
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeKey, sign } from '../tools/src/identity_provider.mjs';

const receiver = () => `0x${randomUUID().replaceAll('-', '')}00000000`;
const order = (more = {}) => ({ chain: 'anvil', asset: 'TUSD', to: receiver(), amount: '2', ...more });
const b64 = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);
const password = 'correct horse battery';

// One request on a connection of its own: { status, code, headers, text, json }.
function ask(world, method, path, { token, body, headers = {}, timeoutMs = 10_000 } = {}) {
	const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
	return new Promise((done, fail) => {
		const request = http.request(world.stack.url + path, { method, agent: false, timeout: timeoutMs,
			headers: { ...(token && { authorization: `Bearer ${token}` }),
				...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }), ...headers } });
		request.on('timeout', () => request.destroy(new Error('no answer')));
		request.on('error', fail);
		request.on('response', response => {
			let answer = '';
			response.on('data', chunk => { answer += chunk; });
			response.on('end', () => {
				let json;
				try { json = JSON.parse(answer); } catch { json = undefined; }
				done({ status: response.statusCode, code: json?.code, headers: response.headers, text: answer, json });
			});
		});
		request.end(text);
	});
}

// Bytes as they are; what comes back until the connection is closed, or for a second.
function raw(world, bytes) {
	return new Promise(done => {
		const socket = net.connect(Number(new URL(world.stack.url).port), '127.0.0.1', () => socket.write(bytes));
		let answer = '';
		socket.on('data', chunk => { answer += chunk; });
		socket.on('error', () => {});
		socket.on('close', () => done(answer));
		setTimeout(() => socket.destroy(), 1500);
	});
}

const create = (world, body, { token = world.key, key = randomUUID(), headers = {} } = {}) =>
	ask(world, 'POST', '/v1/withdrawals', { token, body, headers: { 'idempotency-key': key, ...headers } });
const seen = ({ status, code }) => `${status}${code ? ` ${code}` : ''}`;
// Refused, by one of these statuses.
const refused = (answer, ...statuses) => ({ answer: seen(answer), foiled: statuses.includes(answer.status) });
const all = results => ({ answer: [...new Set(results.map(({ answer }) => answer))].join('; '),
	foiled: results.length > 0 && results.every(({ foiled }) => foiled) });
async function each(values, attempt) {
	const results = [];
	for (const value of values) results.push(await attempt(value));
	return all(results);
}

const objects = [
	['read a withdrawal of another account', async world => refused(await ask(world, 'GET', `/v1/withdrawals/${world.id}`, { token: world.thief }), 404)],
	['read its events', async world => refused(await ask(world, 'GET', `/v1/withdrawals/${world.id}/events`, { token: world.thief }), 404)],
	['cancel it, speed it up', world => each(['cancel', 'speed-up'], async act =>
		refused(await ask(world, 'POST', `/v1/withdrawals/${world.id}/${act}`, { token: world.thief }), 404))],
	['tell it from one that does not exist', async world => {
		const [own, none] = await Promise.all([world.id, randomUUID()].map(id => ask(world, 'GET', `/v1/withdrawals/${id}`, { token: world.thief })));
		return { answer: seen(own), foiled: own.status === none.status && own.json.detail === none.json.detail };
	}],
	['list another account', async world => refused(await ask(world, 'GET', '/v1/withdrawals?account=default', { token: world.thief }), 403)],
	['find it by its external id', async world => {
		const answer = await ask(world, 'GET', '/v1/withdrawals?external_id=order-1', { token: world.thief });
		return { answer: `${seen(answer)}, ${answer.json.items?.length} found`, foiled: answer.json.items?.length === 0 };
	}],
	['replay its idempotency key', async world => {
		const answer = await create(world, world.order, { token: world.thief, key: 'first' });
		return { answer: `${seen(answer)}, another id`, foiled: answer.status === 202 && answer.json.id !== world.id };
	}],
];

const forged = (header, claims, key = 'x') => {
	const text = `${b64(header)}.${b64(claims)}`;
	return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
};
const people = ['/v1/auth/sessions', '/v1/withdrawals'];
const refusedAsNobody = (world, token) =>
	each(people, async path => refused(await ask(world, 'GET', path, { token }), 401));

const authentication = [
	['no credentials, on every route of the document', async world => {
		const { json } = await ask(world, 'GET', '/openapi.json');
		const routes = Object.entries(json.paths).flatMap(([path, operations]) => Object.entries(operations)
			.filter(([, operation]) => operation.security?.length).map(([method]) => [method.toUpperCase(), path]));
		return each(routes, async ([method, path]) =>
			refused(await ask(world, method, path.replaceAll(/\{\w+\}/g, world.id), { body: method === 'GET' ? undefined : {} }), 401));
	}],
	['a token that says "alg": "none"', world => refusedAsNobody(world, `${b64({ alg: 'none', typ: 'JWT' })}.${b64(world.claims)}.`)],
	['a token signed with the word "secret"', world => refusedAsNobody(world, forged({ alg: 'HS256', typ: 'JWT' }, world.claims, 'secret'))],
	['HS256 with the provider\'s public key as the secret', world =>
		refusedAsNobody(world, forged({ alg: 'HS256', typ: 'JWT', kid: world.provider.kid }, world.claims, JSON.stringify(world.provider.jwk)))],
	['a good token with another role in it', async world => {
		const [header, payload, signature] = world.viewer.split('.');
		const claims = JSON.parse(Buffer.from(payload, 'base64url'));
		return refusedAsNobody(world, `${header}.${b64({ ...claims, role: 'admin', sluice_role: 'admin' })}.${signature}`);
	}],
	['a token that is over', async world => refusedAsNobody(world, await sign(world.provider, { ...world.claims, iat: seconds() - 900, exp: seconds() - 600 }))],
	['an API key with one letter changed', world => refusedAsNobody(world, world.key.slice(0, -1) + (world.key.endsWith('A') ? 'B' : 'A'))],
	['a key that was revoked', async world => {
		const { id, key } = await world.make('api-key', 'create', '--name', 'gone');
		await world.make('api-key', 'revoke', id);
		return refusedAsNobody(world, key);
	}],
	['guess a password', async world => {
		const tries = [];
		for (let i = 0; i < 6; i++)
			tries.push(await ask(world, 'POST', '/v1/auth/login', { body: { name: 'victor', password: `guess number ${i}` } }));
		return { answer: tries.map(seen).at(-1), foiled: tries.every(({ status }) => status !== 200) && tries.at(-1).status === 429 };
	}],
	['use a refresh token twice', async world => {
		const body = { refresh_token: world.refresh };
		const [, second] = [await ask(world, 'POST', '/v1/auth/refresh', { body }), await ask(world, 'POST', '/v1/auth/refresh', { body })];
		return refused(second, 401);
	}],
];

const secretNames = /mac|secret_hash|password|totp_seed|key_hash|argon2|refresh_hash/i;
const properties = [
	['set what is not a client\'s to set', world => each(
		['id', 'status', 'stage', 'account', 'round', 'approved_at', 'created_by', 'policy_version', 'held_reason', '__proto__'],
		async name => refused(await create(world, JSON.stringify(order()).replace(/}$/, `,"${name}":"COMPLETED"}`)), 400, 422))],
	['set a field twice', async world => refused(await create(world, JSON.stringify(order()).replace('{', '{"amount":"1000",')), 400)],
	['read what an object holds besides', async world => {
		const answers = await Promise.all(['/v1/withdrawals', '/v1/assets', '/v1/wallets', `/v1/withdrawals/${world.id}/events`]
			.map(path => ask(world, 'GET', path, { token: world.key })));
		const names = answers.flatMap(({ text }) => [...text.matchAll(/"(\w+)":/g)].map(([, name]) => name)).filter(name => secretNames.test(name));
		return { answer: names.length ? names.join() : 'no such member', foiled: names.length === 0 && answers.every(({ status }) => status === 200) };
	}],
];

const resources = [
	['a body of 5 MB', world => ask(world, 'POST', '/v1/withdrawals', { token: world.key, body: `"${'x'.repeat(5_000_000)}"`, headers: { 'idempotency-key': 'big' } })
		.then(answer => refused(answer, 413), error => ({ answer: error.code, foiled: ['EPIPE', 'ECONNRESET'].includes(error.code) }))],
	['JSON that is 10,000 deep', async world => refused(await create(world, '['.repeat(10_000)), 400, 413)],
	['a page of a million, a wait of a year', world => each(['/v1/withdrawals?limit=1000000', '/v1/withdrawals?limit=-1', `/v1/withdrawals/${world.id}?wait_ms=31536000000`],
		async path => refused(await ask(world, 'GET', path, { token: world.key }), 400))],
	['a header of 100 kB', async world => {
		const answer = await raw(world, `GET /v1/assets HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
		return { answer: answer.slice(9, 12) || 'closed', foiled: !answer.includes(' 200 ') };
	}],
	['200 requests that never end, beside another client', async world => {
		const sockets = Array.from({ length: 200 }, () => {
			const socket = net.connect(Number(new URL(world.stack.url).port), '127.0.0.1', () => socket.write('GET /v1/assets HTTP/1.1\r\nHost: '));
			socket.on('error', () => {});
			return socket;
		});
		await sleep(300);
		const begun = performance.now();
		const answer = await ask(world, 'GET', '/v1/assets', { token: world.key });
		for (const socket of sockets) socket.destroy();
		return { answer: `${seen(answer)}, within ${performance.now() - begun < 3000 ? '3 s' : 'much more'}`,
			foiled: answer.status === 200 && performance.now() - begun < 3000 };
	}],
];

const functions = [
	['what operators do, with a client\'s key', world => each([['POST', '/v1/queues/request/redrive'], ['GET', '/v1/queues'],
		['POST', `/v1/withdrawals/${world.id}/resolve`], ['POST', `/v1/transfers/${world.id}/resolve`]],
	async ([method, path]) => refused(await ask(world, method, path, { token: world.thief, body: method === 'POST' && path.endsWith('resolve') ? { verdict: 'not_paid' } : undefined }), 403))],
	['any route of a role above the own one, as a viewer', async world => {
		const { json } = await ask(world, 'GET', '/openapi.json');
		const routes = Object.entries(json.paths).flatMap(([path, operations]) => Object.entries(operations)
			.filter(([method, { security }]) => method !== 'get' && security?.length && !/^sessions:own$|:read$/.test(security[0].apiKey[0]))
			.map(([method]) => [method.toUpperCase(), path]));
		return each(routes, async ([method, path]) =>
			refused(await ask(world, method, path.replaceAll(/\{\w+\}/g, world.id), { token: world.viewer, body: {}, headers: { 'idempotency-key': randomUUID() } }), 403));
	}],
	['another method by a header', world => each(['X-HTTP-Method-Override', 'X-Method-Override'], async name =>
		refused(await ask(world, 'GET', '/v1/auth/logout', { token: world.viewer, headers: { [name]: 'POST' } }), 405))],
	['another account by a header', async world => refused(
		await ask(world, 'GET', `/v1/withdrawals/${world.id}`, { token: world.thief, headers: { 'X-Account': 'default', 'X-User': 'root', 'X-Original-URL': '/v1/assets' } }), 404)],
];

const flows = [
	['one order, fifty times at once', async world => {
		const body = order();
		const answers = await Promise.all(Array.from({ length: 50 }, () => create(world, body, { key: 'fifty' })));
		const ids = new Set(answers.filter(({ status }) => status === 202).map(({ json }) => json.id));
		return { answer: `${ids.size} withdrawal`, foiled: ids.size === 1 };
	}],
	['the same key for another receiver', async world => refused(await create(world, order(), { key: 'fifty' }), 422)],
	['the same order under another key', async world => refused(await create(world, { ...order(), external_id: 'order-1' }), 409)],
	['have a wallet, the token or nobody paid', world => each([...world.stack.wallets, world.stack.token.address, `0x${'0'.repeat(40)}`],
		async to => refused(await create(world, order({ to })), 422))],
	['amounts that are none', world => each(['-1', '0', '1e6', '0x10', '١', '1.0000001', ' 1', '1 ', '9'.repeat(80), 'NaN', 1, null, ['1']],
		async amount => refused(await create(world, order({ amount })), 400, 422))],
	['another chain, another asset', world => each([{ chain: 'mainnet' }, { asset: 'tusd' }, { asset: 'TUSD\0' }, { chain: 31337 }],
		async more => refused(await create(world, order(more)), 400, 422))],
];

const places = world => [world.canary.url, 'http://169.254.169.254/latest/meta-data/', 'file:///etc/passwd', 'gopher://127.0.0.1:6379/_FLUSHALL'];
const forgery = [
	['URLs in every text field', async world => {
		for (const url of places(world)) {
			await create(world, order({ external_id: url.slice(0, 100), metadata: { callback_url: url, webhook: url } }));
			await create(world, order({ to: url }));
		}
		return { answer: `${world.canary.hits} fetched`, foiled: world.canary.hits === 0 };
	}],
	['URLs in headers', async world => {
		const url = world.canary.url;
		await ask(world, 'GET', '/v1/assets', { token: world.key, headers: { referer: url, 'x-forwarded-host': url, origin: url, forwarded: `host=${url}`, 'x-callback': url } });
		await raw(world, `GET ${url}/x HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`);
		await raw(world, `CONNECT ${new URL(url).host} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`);
		return { answer: `${world.canary.hits} fetched`, foiled: world.canary.hits === 0 };
	}],
	['keys of a token from its own jku, x5u, jwk', async world => {
		const own = await makeKey('ES256');
		const header = { jku: `${world.canary.url}/jwks`, x5u: `${world.canary.url}/x5u`, jwk: own.jwk, kid: own.kid };
		const result = await refusedAsNobody(world, await sign(own, world.claims, header));
		return { ...result, foiled: result.foiled && world.canary.hits === 0 };
	}],
];

// Of clients, people and roles.
function secretsOf(world) {
	const files = ['api', 'processor', 'signer', 'monitor', 'admin'].map(role => join(world.stack.dir, 'data/trust', `${role}.keys`));
	const keys = files.flatMap(file => [...readFileSync(file, 'utf8').matchAll(/[0-9a-f]{64}/g)].map(([hex]) => hex));
	return [world.key, world.thief, world.viewer, world.refresh, password, 'guess number',
		readFileSync(join(world.stack.dir, 'hot.password'), 'utf8').trim(), ...keys];
}

const configuration = [
	['methods that nobody needs', world => each(['TRACE', 'PUT', 'DELETE', 'PATCH'], async method =>
		refused(await ask(world, method, '/v1/assets', { token: world.key }), 405))],
	['a page of another origin', async world => {
		const answer = await ask(world, 'OPTIONS', '/v1/withdrawals', { headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } });
		return { answer: `${seen(answer)}, allows ${answer.headers['access-control-allow-origin'] ?? 'none'}`, foiled: answer.headers['access-control-allow-origin'] === undefined };
	}],
	['what the program is, by its answers', async world => {
		const answers = await Promise.all(['/v1/assets', '/nothing', '/v1/withdrawals/%00', '/v1/withdrawals?limit=%27%20OR%201=1'].map(path => ask(world, 'GET', path, { token: world.key })));
		const told = answers.some(({ headers, text }) => headers.server !== undefined || headers['x-powered-by'] !== undefined || /sqlite|mysql|\.c:\d|\/tmp\/|stack/i.test(text));
		return { answer: told ? 'told' : 'nothing told', foiled: !told && answers.every(({ status }) => status < 500) };
	}],
	['secret-in-log: find one in the log, or in what roles were started with', async world => {
		const log = readFileSync(world.stack.logFile, 'utf8');
		const started = ['api', 'processor', 'signer', 'monitor'].flatMap(role =>
			['cmdline', 'environ'].map(name => readFileSync(`/proc/${world.stack.pid(role)}/${name}`, 'latin1')));
		const found = secretsOf(world).filter(secret => [log, ...started].some(text => text.includes(secret)));
		return { answer: `${found.length} of ${secretsOf(world).length} in ${log.split('\n').length > 20 ? 'the log' : 'an empty log'}`,
			foiled: found.length === 0 && log.split('\n').length > 20 };
	}],
	['two requests in one, by lengths that differ', async world => {
		const smuggled = 'GET /v1/withdrawals HTTP/1.1\r\nHost: x\r\n\r\n';
		const answers = await Promise.all([
			`POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
			`POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n${smuggled}`,
			`POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
		].map(bytes => raw(world, bytes)));
		const counts = answers.map(answer => answer.split('HTTP/1.1 ').length - 1);
		return { answer: `${answers[0].slice(9, 12)}, ${Math.max(...counts)} answer`, foiled: counts.every(count => count === 1) && answers.every(answer => answer.includes(' 400 ')) };
	}],
];

const inventory = [
	['routes that are in no document', world => each(['/v0/withdrawals', '/v2/withdrawals', '/admin', '/debug', '/debug/pprof', '/metrics', '/livez', '/.git/config', '/.env',
		'/v1/internal', '/swagger.json', '/actuator', '/v1/../admin', '/v1/%2e%2e/metrics', '//v1/withdrawals', '/v1/withdrawals/', '/V1/withdrawals'],
	async path => refused(await ask(world, 'GET', path, { token: world.key }), 404, 400))],
];

const consumption = [
	['a provider\'s token under a key that is not in its set', async world =>
		refusedAsNobody(world, await sign({ ...await makeKey('ES256'), kid: world.provider.kid }, world.claims))],
	['a provider\'s token for another audience, or of another issuer', world => each([{ aud: 'bank' }, { iss: 'https://evil.example' }],
		async more => refusedAsNobody(world, await sign(world.provider, { ...world.claims, ...more })))],
	['a node that says of each payment that it went elsewhere', async world => {
		world.node.lies = true;
		const { json: { id } } = await create(world, order());
		let answer;
		for (let i = 0; i < 40; i++) {
			await sleep(250);
			answer = (await ask(world, 'GET', `/v1/withdrawals/${id}`, { token: world.key })).json;
			if (answer.status === 'COMPLETED' || answer.status === 'FAILED') break;
		}
		world.node.lies = false;
		return { answer: `still ${answer.status}`, foiled: answer.status === 'PROCESSING' };
	}],
];

export const chapters = [
	['API1 object level authorization', objects],
	['API2 authentication', authentication],
	['API3 object property level authorization', properties],
	['API4 resource consumption', resources],
	['API5 function level authorization', functions],
	['API6 sensitive business flows', flows],
	['API7 server side request forgery', forgery],
	['API8 security misconfiguration', configuration],
	['API9 inventory', inventory],
	['API10 unsafe consumption of APIs', consumption],
];

// What the attempts know of the stack: a victim's withdrawal, credentials of a thief, of a viewer.
export async function prepare(world) {
	world.key = world.stack.apiKey;
	world.order = order({ external_id: 'order-1' });
	world.id = (await create(world, world.order, { key: 'first' })).json.id;
	world.thief = (await world.make('api-key', 'create', '--name', 'thief', '--account', 'thief')).key;
	const file = join(world.stack.dir, 'password');
	writeFileSync(file, password, { mode: 0o600 });
	for (const name of ['vera', 'victor'])
		await world.make('user', 'create', name, '--role', 'viewer', '--account', 'default', '--password-file', file);
	const { json } = await ask(world, 'POST', '/v1/auth/login', { body: { name: 'vera', password } });
	world.viewer = json.access_token;
	world.refresh = (await ask(world, 'POST', '/v1/auth/login', { body: { name: 'vera', password } })).json.refresh_token;
	world.claims = { iss: world.issuer, aud: 'sluice', sub: 'mallory', iat: seconds(), exp: seconds() + 600,
		sluice_role: 'admin', sluice_account: '*' };
	await controls(world);
}

// What is allowed works: else everything would be foiled by a stack that answers nobody.
async function controls(world) {
	const good = await sign(world.provider, world.claims);
	for (const [token, path] of [[world.viewer, '/v1/withdrawals'], [good, '/v1/withdrawals?account=default'], [world.thief, '/v1/assets']]) {
		const { status, text } = await ask(world, 'GET', path, { token });
		if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
	}
	for (let i = 0; ; i++) {
		const { json } = await ask(world, 'GET', `/v1/withdrawals/${world.id}`, { token: world.key });
		if (json.status === 'COMPLETED') return;
		if (i === 120) throw new Error(`the first withdrawal is ${json.status}`);
		await sleep(250);
	}
}
