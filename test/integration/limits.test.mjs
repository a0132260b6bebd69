// How much one client may ask of the API: requests of an address before anybody is asked who they are,
// connections of an address, and requests that come too slowly.
//
// usage: SLUICE=path/to/sluice node --test limits.test.mjs
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApi } from './api_process.mjs';

const burst = 20;
const connections = 4;
const patienceMs = 30_000;
let api;

before(async () => {
	api = await startApi({ env: {
		SLUICE_API_ADDRESS_RATE_LIMIT: '1', SLUICE_API_ADDRESS_RATE_BURST: String(burst),
		SLUICE_API_ADDRESS_CONNECTIONS_MAX: String(connections), SLUICE_API_READ_TIMEOUT_MS: '500',
	} });
});

after(() => api?.end());

const guess = n => `slk_${n.toString(16).padStart(16, '0')}_${'0'.repeat(64)}`;

// One request on a connection of its own, from an address of 127.0.0.0/8.
function ask(from, key = api.key, headers = {}) {
	return api.request('GET', '/v1/assets', { from, headers: { authorization: `Bearer ${key}`, ...headers } });
}

async function asked(count, request) {
	const started = Date.now();
	const answers = [];
	for (let i = 0; i < count; i++) answers.push(await request(i));
	return {
		answers, refused: answers.filter(answer => answer.status === 429),
		seconds: (Date.now() - started) / 1000,
	};
}

test('guessing is slow, and other addresses go on', async () => {
	const { answers, refused, seconds } = await asked(3 * burst, i => ask('127.0.0.10', guess(i)));
	const tried = answers.filter(answer => answer.status === 401).length;
	assert.ok(tried >= burst && tried <= burst + seconds + 1, `${tried} guesses in ${seconds} s`);
	assert.equal(tried + refused.length, 3 * burst);
	for (const { headers, json } of refused) {
		assert.equal(json.code, 'rate_limited');
		assert.ok(Number(headers['retry-after']) >= 1);
		assert.equal(headers['ratelimit-policy'], `"address";q=${burst};w=${burst}`);
		assert.match(headers.ratelimit, /^"address";r=0;t=\d+$/);
	}
	assert.equal((await ask('127.0.0.11')).status, 200);
	// What needs no key is no way round it.
	const open = () => api.request('GET', '/openapi.json', { from: '127.0.0.12', headers: { authorization: null } });
	assert.ok((await asked(2 * burst, open)).refused.length > 0);
});

test('behind a trusted proxy it is the client that is limited', async () => {
	const from = '127.0.0.2';
	const client = address => () => ask(from, api.key, { 'x-forwarded-for': address });
	assert.ok((await asked(2 * burst, client('198.51.100.1'))).refused.length > 0);
	assert.equal((await client('198.51.100.2')()).status, 200);
	// Who is no proxy stays who he is, whatever he says.
	const { refused } = await asked(2 * burst, i => ask('127.0.0.13', api.key, { 'x-forwarded-for': `203.0.113.${i}` }));
	assert.ok(refused.length > 0);
});

function connect(from) {
	const socket = net.connect({ port: api.port, host: '127.0.0.1', localAddress: from });
	socket.on('error', () => {});
	return socket;
}

const closed = socket => (socket.destroyed ? undefined : once(socket, 'close'));

test('an address has so many connections, and other addresses go on', async () => {
	const from = '127.0.0.20';
	const held = Array.from({ length: connections }, () => connect(from));
	await Promise.all(held.map(socket => once(socket, 'connect')));
	await closed(connect(from)); // one too many
	assert.equal((await ask('127.0.0.21')).status, 200);
	assert.ok(held.every(socket => !socket.destroyed));
	held.pop().destroy();
	const deadline = Date.now() + patienceMs;
	while (!(await ask(from).then(answer => answer.status === 200, () => false))) {
		assert.ok(Date.now() < deadline, 'the place stays taken');
		await sleep(50);
	}
	for (const socket of held) socket.destroy();
});

test('a trusted proxy has as many as it needs', async () => {
	const sockets = Array.from({ length: 3 * connections }, () => connect('127.0.0.2'));
	await Promise.all(sockets.map(socket => once(socket, 'connect')));
	const answer = await ask('127.0.0.2', api.key, { 'x-forwarded-for': '198.51.100.9' });
	assert.equal(answer.status, 200);
	assert.ok(sockets.every(socket => !socket.destroyed));
	for (const socket of sockets) socket.destroy();
});

test('a request that comes too slowly is given up', async () => {
	const socket = connect('127.0.0.30');
	await once(socket, 'connect');
	socket.write('GET /v1/assets HTTP/1.1\r\nHost: x\r\nX-Slow: ');
	const drip = setInterval(() => socket.write('x'), 100);
	const chunks = [];
	socket.on('data', chunk => chunks.push(chunk));
	await closed(socket);
	clearInterval(drip);
	assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
});

test('who does not get on makes room for who does', async () => {
	const most = 16;
	const small = await startApi({ env: { SLUICE_API_CONNECTIONS_MAX: String(most) } });
	try {
		// Patience with a request is 10 s; a second is enough when somebody else is at the door.
		const stuck = Array.from({ length: most }, (_, i) => {
			const socket = net.connect({ port: small.port, host: '127.0.0.1', localAddress: `127.0.0.${40 + i}` });
			socket.on('error', () => {}).on('connect', () => socket.write('GET /v1/assets HTTP/1.1\r\nHost: x\r\nX-Slow: '));
			return socket;
		});
		await Promise.all(stuck.map(socket => once(socket, 'connect')));
		const started = Date.now();
		assert.equal((await small.request('GET', '/v1/assets')).status, 200);
		assert.ok(Date.now() - started < 8000, `it took ${Date.now() - started} ms`);
		for (const socket of stuck) socket.destroy();
	} finally {
		await small.end();
	}
});
