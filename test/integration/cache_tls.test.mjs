// Redis over TLS: what is copied there arrives, and a server that cannot show that it is the right one
// gets nothing.
//
// usage: SLUICE=path/to/sluice node --test cache_tls.test.mjs
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Authority } from '../tools/src/certificates.mjs';
import { startRedis } from '../tools/src/redis.mjs';
import { findFreePorts } from '../tools/src/stack.mjs';
import { apiConfiguration, json, newPlace, sluice, until } from './deployment.mjs';
import { Process } from './process.mjs';

const dir = newPlace('cache-tls');
const authority = new Authority(dir, 'authority');
const stranger = new Authority(dir, 'stranger');
let redis, tlsPort, key, serial = 0;

function configuration(ends, host = '127.0.0.1') {
	const config = join(dir, `sluice-${++serial}.yaml`);
	writeFileSync(config, apiConfiguration(dir, `
cache: { redis: "${host}:${tlsPort}", password_file: ${redis.passwordFile}, timeout_ms: 1000${
	Object.entries(ends).map(([name, file]) => `, ${name}: ${file}`).join('')} }
api: { listen: "127.0.0.1:0", ops_listen: "127.0.0.1:0" }`));
	return config;
}

async function serve(name, more = {}) {
	const names = name === 'server' ? undefined : { names: ['DNS:elsewhere.test'] };
	const { cert, key: file } = authority.issue(name, names);
	const settings = { 'tls-cert-file': cert, 'tls-key-file': file, 'tls-ca-cert-file': authority.file,
		'tls-auth-clients': 'no', 'tls-port': tlsPort, ...more };
	assert.match(await redis.call(`CONFIG SET ${Object.entries(settings).flat().join(' ')}`), /^\+OK/);
	await redis.call('FLUSHALL');
}

// What an API over `config` leaves in Redis, and what it says of it.
async function copies(config, expected) {
	const api = await new Process({ dir, config, key }, `api-${serial}`).ready();
	try {
		const { json: made } = await api.post(`key-${serial}-${Date.now()}`);
		return await until(`it is there: ${expected}`, async () => {
			assert.equal((await api.get(`/v1/withdrawals/${made.id}`)).status, 200);
			const keys = await redis.call('KEYS *');
			const away = api.lines().find(line => line['event.action'] === 'cache_away');
			if (expected) return keys.includes(`:w:${made.id}`) && (await redis.call('PUBSUB CHANNELS')).includes('sluice:');
			return away !== undefined && !keys.includes(':w:') && away.message;
		});
	} finally {
		await api.stop();
	}
}

before(async () => {
	redis = await startRedis(dir);
	[tlsPort] = await findFreePorts(1);
	const config = configuration({});
	for (const command of [['keys', 'init'], ['migrate']]) json([...command, '--config', config]);
	key = json(['api-key', 'create', '--name', 'test', '--config', config]).key;
	await serve('server');
});
after(async () => { await redis?.stop(); });

test('copies and changes go through TLS', async () => {
	assert.ok(await copies(configuration({ tls_ca: authority.file }), true));
});

test('a server of another authority, or of another name, gets nothing', async () => {
	assert.match(await copies(configuration({ tls_ca: stranger.file }), false), /certificate/);
	await serve('elsewhere');
	assert.match(await copies(configuration({ tls_ca: authority.file }), false), /IP address mismatch/);
	await serve('server');
});

test('a server that speaks no TLS gets nothing, no password either', async () => {
	const port = tlsPort;
	tlsPort = redis.port;
	const config = configuration({ tls_ca: authority.file });
	tlsPort = port;
	assert.ok(await copies(config, false));
});

test('a server that asks for a certificate gets one', async () => {
	await serve('server', { 'tls-auth-clients': 'yes' });
	const { cert, key: file } = authority.issue('client');
	assert.ok(await copies(configuration({ tls_ca: authority.file }), false));
	assert.ok(await copies(configuration({ tls_ca: authority.file, tls_cert: cert, tls_key: file }), true));
});

test('half of a pair is refused', () => {
	const check = ends => sluice(['check-config', '--config', configuration(ends)]).text;
	assert.match(check({ tls_ca: authority.file, tls_cert: authority.file }), /go together/);
	assert.match(check({ tls_cert: authority.file, tls_key: authority.key }), /there is no TLS/);
});
