// `sluice api` over TLS, seen by programs that others have written: openssl, curl and Node.js. Old
// protocols, wrong certificates, certificates that are exchanged under load, clients that stop in the
// middle of their handshake.
//
// usage: SLUICE=path/to/sluice node --test tls.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { Authority } from '../tools/src/certificates.mjs';
import { apiConfiguration, json, newPlace, sluice, succeed, until } from './deployment.mjs';
import { Process } from './process.mjs';

const dir = newPlace('tls');
const certDir = join(dir, 'certificates');
mkdirSync(certDir);
const authority = new Authority(dir, 'authority');
const stranger = new Authority(dir, 'stranger');
const first = authority.issue('first');
const second = authority.issue('second');
const place = {
	dir, config: join(dir, 'sluice.yaml'), cert: join(certDir, 'api.pem'), key: join(certDir, 'api.key'),
};
const ca = readFileSync(authority.file);
let api;

// As an authority's client puts them there: each at once, one after the other.
function put({ cert, key }) {
	for (const [from, to] of [[cert, place.cert], [key, place.key]]) {
		copyFileSync(from, `${to}.next`);
		chmodSync(`${to}.next`, 0o600);
		renameSync(`${to}.next`, to);
	}
}

function configuration(more = '', api = '') {
	return apiConfiguration(dir, `api:
  listen: "127.0.0.1:0"
  ops_listen: "127.0.0.1:0"
  tls: { certificate_file: ${place.cert}, key_file: ${place.key}${more} }
${api}`);
}

function openssl(...args) {
	const { status, stdout, stderr } = spawnSync('openssl',
		['s_client', '-connect', `127.0.0.1:${api.port}`, '-CAfile', authority.file, ...args],
		{ input: '', encoding: 'utf8', timeout: 20_000 });
	return { status, text: stdout + stderr };
}

function get(path, options = {}) {
	return new Promise((resolve, reject) => {
		const request = https.request({ host: '127.0.0.1', port: api.port, path, ca, agent: false, ...options,
			headers: { authorization: `Bearer ${place.apiKey}`, ...options.headers } }, async response => {
			const peer = response.socket.getPeerCertificate().subject.CN;
			let text = '';
			for await (const part of response) text += part;
			resolve({ status: response.statusCode, text, peer });
		});
		request.on('error', reject);
		request.end(options.body);
	});
}

// A socket that has sent what it was given, and when the server ended it.
async function lasted(bytes) {
	const started = Date.now();
	await new Promise(resolve => {
		const socket = net.connect(api.port, '127.0.0.1', () => socket.write(bytes));
		socket.on('error', () => {}).on('close', resolve).resume();
	});
	return Date.now() - started;
}

const events = action => api.lines().filter(line => line['event.action'] === action);

async function start() {
	api = await new Process(place, `api-${Date.now()}`).ready();
	return api;
}

before(async () => {
	put(first);
	writeFileSync(place.config, configuration());
	succeed(['keys', 'init', '--config', place.config]);
	succeed(['migrate', '--config', place.config]);
	place.apiKey = json(['api-key', 'create', '--config', place.config, '--name', 'test', '--scope', 'admin']).key;
	assert.ok(place.apiKey);
	await start();
});
after(async () => { await api.stop(); });

describe('the wire', () => {
	test('openssl: 1.2 and 1.3 with forward secret ciphers, and nothing older', () => {
		for (const version of ['-tls1_2', '-tls1_3']) {
			const { status, text } = openssl(version, '-verify_return_error', '-verify_ip', '127.0.0.1');
			assert.equal(status, 0, text);
			assert.match(text, /Verify return code: 0 \(ok\)/);
		}
		for (const version of ['-tls1', '-tls1_1'])
			assert.notEqual(openssl(version, '-cipher', 'ALL:@SECLEVEL=0').status, 0, version);
		for (const cipher of ['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-ECDSA-AES128-SHA', 'NULL-SHA256'])
			assert.notEqual(openssl('-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`).status, 0, cipher);
		assert.match(openssl('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256').text, /Cipher is ECDHE/);
	});

	test('openssl: no renegotiation, no compression, no session to resume; http/1.1 by ALPN', () => {
		const { text } = openssl('-tls1_2', '-alpn', 'h2,http/1.1');
		assert.match(text, /Compression: NONE/);
		assert.match(text, /ALPN protocol: http\/1\.1/);
		assert.doesNotMatch(text, /TLS session ticket:/);
	});

	test('curl verifies authority and name', () => {
		const curl = (...args) => spawnSync('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}',
			'-H', `Authorization: Bearer ${place.apiKey}`, ...args], { encoding: 'utf8' });
		const url = `https://localhost:${api.port}/v1/assets`;
		assert.equal(curl('--cacert', authority.file, url).stdout, '200');
		assert.equal(curl('--cacert', stranger.file, url).status, 60);
		assert.equal(curl('--cacert', authority.file, '--resolve', `elsewhere.test:${api.port}:127.0.0.1`,
			url.replace('localhost', 'elsewhere.test')).status, 60);
	});

	test('Node.js: many requests of one connection, bodies of many records, pipelining', async () => {
		const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
		for (let i = 0; i < 50; i++) assert.equal((await get('/v1/assets', { agent })).status, 200);
		agent.destroy();
		// A body above what is taken is answered, not cut off.
		const large = await get('/v1/withdrawals', { method: 'POST', body: 'x'.repeat(15_000),
			headers: { 'content-type': 'application/json', 'idempotency-key': 'large' } });
		assert.equal(large.status, 413, large.text);
		const document = await get('/openapi.json');
		assert.equal(document.status, 200);
		assert.ok(document.text.length > 20_000, 'more than one record');
		JSON.parse(document.text);
		const line = `GET /v1/assets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${place.apiKey}\r\n`;
		const end = 'Connection: close\r\n\r\n';
		const answers = async (write) => {
			const socket = tls.connect({ port: api.port, host: '127.0.0.1', ca, timeout: 20_000 });
			socket.on('timeout', () => socket.destroy(new Error('the answers end')));
			await once(socket, 'secureConnect');
			await write(socket);
			let text = '';
			for await (const part of socket) text += part;
			return text.split('HTTP/1.1 200').length - 1;
		};
		// More requests than the server has room for; the end of their last record waits in OpenSSL.
		assert.equal(await answers(socket => socket.write(`${`${line}\r\n`.repeat(300)}${line}${end}`)), 301);
		assert.equal(await answers(async socket => {
			for (const one of line + end) { socket.write(one); await sleep(1); }
		}), 1);
	});

	test('plain HTTP gets no answer, and its key is taken nowhere', async () => {
		assert.ok(await lasted(Buffer.from(`GET /v1/assets HTTP/1.1\r\nHost: a\r\n\r\n`)) < 4000);
	});

	test('hostile: half handshakes end within their time, and hold nobody up', async () => {
		// The beginning of a ClientHello as it is, cut at many places.
		const hello = await new Promise(resolve => {
			const server = net.createServer(socket => socket.once('data', data => {
				socket.destroy();
				server.close();
				resolve(data);
			}).on('error', () => {})).listen(0, '127.0.0.1', () =>
				tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {}));
		});
		const cuts = [0, 1, 4, 5, 6, 9, 40, hello.length >> 1, hello.length - 1, hello.length];
		const ends = cuts.map(cut => lasted(hello.subarray(0, cut)));
		// Nonsense is ended at once: noise, a record of a wrong kind, a length without end.
		for (const bytes of [Buffer.alloc(4096, 7), Buffer.from('1703030020' + '00'.repeat(32), 'hex'),
			Buffer.from('160301' + 'ff'.repeat(20), 'hex')])
			assert.ok(await lasted(bytes) < 4000);
		for (let i = 0; i < 20; i++) assert.equal((await get('/v1/assets')).status, 200);
		for (const [i, end] of (await Promise.all(ends)).entries())
			assert.ok(end > 3000 && end < 20_000, `${cuts[i]} bytes: ended after ${end} ms`);
	});

	test('hostile: every byte of a handshake changed in turn gives no connection and no crash', async () => {
		const reached = [];
		for (let at = 0; at < 160; at += 3) {
			const socket = net.connect(api.port, '127.0.0.1');
			await once(socket, 'connect');
			const proxy = net.createServer(client => {
				let seen = 0;
				client.on('data', data => {
					const copy = Buffer.from(data);
					if (at >= seen && at < seen + copy.length) copy[at - seen] ^= 0x41;
					seen += copy.length;
					socket.write(copy);
				}).on('error', () => {}).on('close', () => socket.destroy());
				socket.on('data', data => client.write(data)).on('close', () => client.destroy()).on('error', () => {});
			});
			await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve));
			const client = tls.connect({ port: proxy.address().port, host: '127.0.0.1', ca, timeout: 500 });
			const end = await Promise.race([
				once(client, 'secureConnect').then(() => 'connected', () => 'refused'), sleep(700, 'stuck')]);
			if (end === 'connected') reached.push(at);
			client.on('error', () => {}).destroy();
			socket.destroy();
			proxy.close();
		}
		assert.deepEqual(reached, []);
		assert.equal((await get('/v1/assets')).status, 200);
	});
});

describe('an exchange of the certificate', () => {
	// Clients without rest, each with a connection of its own for each request, or a kept one.
	async function load(run) {
		let running = true, done = 0;
		const peers = new Set(), kept = new https.Agent({ keepAlive: true, maxSockets: 2 });
		const clients = [false, kept, false, kept].map(async agent => {
			while (running) {
				const { status, peer } = await get('/v1/assets', { agent });
				assert.equal(status, 200);
				if (peer) peers.add(peer);
				done++;
			}
		});
		await run(peers);
		running = false;
		await Promise.all(clients);
		kept.destroy();
		return done;
	}

	test('is taken under load without a failed request', async () => {
		const done = await load(async peers => {
			await until('requests by the first', () => peers.has('first'));
			put(second);
			await until('the second', () => peers.has('second'));
		});
		assert.ok(done > 20, `${done} requests`);
		assert.equal(events('tls_exchanged').length, 1);
	});

	test('for a broken pair leaves the old one, with an alarm', async () => {
		const broken = [
			['a key of another one', () => put({ cert: first.cert, key: second.key })],
			['no certificate', () => { writeFileSync(place.cert, 'nothing\n'); }],
			['a key that everybody may read', () => { put(first); chmodSync(place.key, 0o644);
				copyFileSync(first.cert, place.cert); }],
		];
		for (const [what, change] of broken) {
			const before = events('tls_exchange_failed').length;
			change();
			await until(`an alarm for ${what}`, () => events('tls_exchange_failed').length > before);
			assert.equal(events('tls_exchange_failed').at(-1)['labels.alarm'], true);
			assert.equal((await get('/v1/assets')).peer, 'second', what);
		}
		put(first);
		await until('the cure', async () => (await get('/v1/assets')).peer === 'first');
	});

	test('comes at once with SIGHUP', async () => {
		const before = events('tls_exchanged').length;
		api.child.kill('SIGHUP');
		await until('the exchange', () => events('tls_exchanged').length > before, 5000);
		assert.equal((await get('/v1/assets')).status, 200);
	});
});

describe('the command line', () => {
	test('speaks https, and verifies', () => {
		const env = { SLUICE_API_KEY: place.apiKey, SLUICE_URL: `https://127.0.0.1:${api.port}` };
		assert.notEqual(sluice(['status'], { env }).status, 0);
		succeed(['status', '--ca-file', authority.file], { env });
		succeed(['status'], { env: { ...env, SLUICE_CA_FILE: authority.file } });
		assert.notEqual(sluice(['status', '--ca-file', stranger.file], { env }).status, 0);
	});
});

describe('mutual TLS', () => {
	before(async () => {
		await api.stop();
		writeFileSync(place.config, configuration(`, client_ca_file: ${authority.file}`));
		await start();
	});

	test('a client shows a certificate of the authority, or gets nothing', async () => {
		const read = ({ cert, key }) => ({ cert: readFileSync(cert), key: readFileSync(key) });
		assert.equal((await get('/v1/assets', read(authority.issue('client')))).status, 200);
		await assert.rejects(get('/v1/assets'));
		await assert.rejects(get('/v1/assets', read(stranger.issue('forged'))));
		const { cert, key } = authority.issue('cli');
		const env = { SLUICE_API_KEY: place.apiKey, SLUICE_URL: `https://127.0.0.1:${api.port}` };
		succeed(['status', '--ca-file', authority.file, '--cert-file', cert, '--key-file', key], { env });
		assert.notEqual(sluice(['status', '--ca-file', authority.file], { env }).status, 0);
	});
});

describe('handshakes', () => {
	before(async () => {
		await api.stop();
		writeFileSync(place.config, configuration('', '  address_rate_limit: 1\n  address_rate_burst: 8\n'));
		await start();
	});

	// They cost more than most requests, and come before there is one.
	test('count as requests of their address', async () => {
		const shake = localAddress => new Promise(resolve => {
			const socket = tls.connect({ port: api.port, host: '127.0.0.1', ca, localAddress }, () => { socket.destroy(); resolve(1); });
			socket.on('error', () => resolve(0)).on('close', () => resolve(0));
		});
		const started = Date.now();
		let done = 0;
		for (let i = 0; i < 40; i++) done += await shake('127.0.0.50');
		const seconds = (Date.now() - started) / 1000;
		assert.ok(done >= 8 && done <= 8 + seconds + 1, `${done} in ${seconds} s`);
		assert.equal(await shake('127.0.0.51'), 1);
	});
});

describe('the configuration', () => {
	const check = settings => {
		const file = join(newPlace('wire'), 'sluice.yaml');
		writeFileSync(file, apiConfiguration(dir, settings));
		return sluice(['api-key', 'list', '--config', file]);
	};

	test('refuses to send keys in the open beyond this machine', () => {
		for (const listen of ['0.0.0.0:0', '[::]:0', '192.0.2.1:3000']) {
			const { status, text } = check(`api: { listen: "${listen}" }`);
			assert.notEqual(status, 0);
			assert.match(text, /api\.listen: .* is reached from other machines.*api\.behind_proxy: true/);
			const open = check(`api: { listen: "${listen}", behind_proxy: true }`);
			assert.notEqual(open.status, 0);
			assert.match(open.text, /without api\.trusted_proxies every client has the proxy's address/);
			assert.equal(check(`api: { listen: "${listen}", behind_proxy: true, trusted_proxies: [10.0.0.0/8] }`).status, 0);
		}
		for (const listen of ['127.0.0.1:0', '127.3.2.1:0', '[::1]:0'])
			assert.equal(check(`api: { listen: "${listen}" }`).status, 0);
	});

	test('wants a certificate with its key', () => {
		assert.match(check('api: { tls: { key_file: a } }').text, /go together/);
		assert.match(check('api: { tls: { certificate_file: a } }').text, /go together/);
		assert.match(check('api: { tls: { client_ca_file: a } }').text, /there is no TLS/);
	});
});
