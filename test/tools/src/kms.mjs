// A KMS of others (moto) with keys whose addresses are known, which survive its death; and a proxy
// before it that judges signatures and goes wrong where it is told to.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { join } from 'node:path';
import { addressOf, makeEcKey, pemOf } from './ec_key.mjs';
import { credentials, startMoto } from './emulators.mjs';
import { startJudge } from './sigv4.mjs';

export const region = 'eu-central-1';
const account = '123456789012';

// keys: [{ privateKey, curve }]. Returns { url, keys: [{ id, arn, address }], call, restart, … of
// startMoto }.
export async function startKms(dir, keys) {
	const keysDir = join(dir, 'kms-keys');
	mkdirSync(keysDir, { recursive: true });
	const made = keys.map((options) => {
		const key = makeEcKey(options);
		const id = randomUUID();
		writeFileSync(join(keysDir, `${id}.pem`), pemOf(key), { mode: 0o600 });
		return { id, arn: `arn:aws:kms:${region}:${account}:key/${id}`, address: addressOf(key) };
	});
	const env = { MOTO_KMS_KEYS: keysDir, MOTO_KMS_REGION: region };
	const kms = { keys: made, server: await startMoto(dir, { env }) };
	const { port, clockPort } = kms.server;
	kms.url = kms.server.url;
	kms.call = (action, body) => call(kms.url, action, body);
	kms.freeze = () => kms.server.freeze();
	kms.thaw = () => kms.server.thaw();
	kms.stop = () => kms.server.stop();
	kms.start = async () => { kms.server = await startMoto(dir, { env, port, clockPort }); };
	return kms;
}

// For what is not Sluice's to do: aliases, disabling. moto checks no signature.
const call = (url, action, body) => callMoto(url, 'kms', `TrentService.${action}`, body);

// value: { SecretString } or { SecretBinary }.
export const createSecret = (url, name, value) =>
	callMoto(url, 'secretsmanager', 'secretsmanager.CreateSecret', { Name: name, ...value });

async function callMoto(url, service, target, body) {
	const answer = await fetch(url, {
		method: 'POST',
		headers: {
			'content-type': 'application/x-amz-json-1.1',
			'x-amz-target': target,
			authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
		},
		body: JSON.stringify(body),
	});
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${target}: ${answer.status} ${text}`);
	return text === '' ? {} : JSON.parse(text);
}

const faults = {
	throttle: [400, { __type: 'ThrottlingException', message: 'Rate exceeded' }],
	denied: [400, { __type: 'AccessDeniedException', message: 'not authorized' }],
	unavailable: [503, { __type: 'KMSInternalException' }],
	internal: [500, 'oops'],
	garbage: [200, 'no json'],
	empty: [200, {}],
	unsigned: [200, { Signature: 'AAAA' }],
};

// Hands requests on to `target`, apart from those that go wrong. What goes wrong is said by
// fault(kind, count), or by GET /fault?kind=…&count=N: a name above, `hang` or `reset`. GET /most tells
// how many requests were there at once, at most. GET /call?action=…&body=… has target called.
export async function startKmsFaults(target) {
	const state = { kind: '', count: 0, now: 0, most: 0, gather: 0 };
	const held = [];
	const control = async (url, reply) => {
		const query = url.searchParams;
		if (url.pathname === '/fault') Object.assign(state, { kind: query.get('kind'), count: Number(query.get('count')) });
		if (url.pathname === '/gather') Object.assign(state, { gather: Number(query.get('count')), most: 0 });
		if (url.pathname === '/call') await call(target, query.get('action'), JSON.parse(query.get('body')));
		reply.end(String(state.most));
	};
	const release = () => { while (held.length > 0) held.pop()(); };
	// Each waits for the others: were they sent one by one, none would be answered.
	const gather = () => new Promise((go) => {
		if (state.gather === 0) { go(); return; }
		held.push(go);
		if (state.now >= state.gather) { state.gather = 0; release(); }
	});
	const server = createServer(async (incoming, reply) => {
		const chunks = [];
		for await (const chunk of incoming) chunks.push(chunk);
		if (incoming.method === 'GET') { await control(new URL(incoming.url, 'http://x'), reply); return; }
		state.most = Math.max(state.most, ++state.now);
		await gather();
		state.now--;
		if (state.count > 0) {
			state.count--;
			if (state.kind === 'hang') return;
			if (state.kind === 'reset') { incoming.socket.resetAndDestroy?.() ?? incoming.socket.destroy(); return; }
			const [status, body] = faults[state.kind];
			reply.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
			reply.end(typeof body === 'string' ? body : JSON.stringify(body));
			return;
		}
		const { hostname, port } = new URL(target);
		const onward = ask({ hostname, port, method: 'POST', path: incoming.url, headers: incoming.headers }, (answer) => {
			reply.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] });
			answer.pipe(reply);
		});
		onward.on('error', () => reply.destroy());
		onward.end(Buffer.concat(chunks));
	});
	await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		fault: (kind, count) => Object.assign(state, { kind, count }),
		stop: () => { server.closeAllConnections?.(); server.close(); },
	};
}

// What only lets through what is signed rightly.
export function startKmsJudge(target, service = 'kms') {
	const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secretAccessKey } = credentials;
	return startJudge({ target, keys: { [id]: { secretAccessKey } }, region, service });
}
