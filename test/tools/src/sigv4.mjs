// Judges AWS signatures (version 4) as AWS does, which no emulator does, by the library of others; and
// stands as a proxy before an emulator, so that only what is signed rightly reaches it.
import { createServer, request as ask } from 'node:http';

import aws4 from 'aws4';

const CLOCK_MINUTES = 15;

function parts(authorization) {
	const found = /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
		.exec(authorization ?? '');
	if (!found)
		return null;
	const [, keyId, day, region, service, signed] = found;
	return { keyId, day, region, service, signed: signed.split(';') };
}

function age(stamp) {
	const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp ?? '');
	if (!found)
		return Infinity;
	const [, year, month, day, hour, minute, second] = found.map(Number);
	return Math.abs(Date.now() - Date.UTC(year, month - 1, day, hour, minute, second));
}

// What AWS would say of a request: null when it is signed rightly, or the fault and why.
// keys: access key id → { secretAccessKey, sessionToken? }.
export function judge({ method, url, headers, body }, { keys, region, service }) {
	const refuse = (fault, message) => ({ fault, message });
	const said = parts(headers.authorization);
	if (!said)
		return refuse('MissingAuthenticationTokenException', 'no Authorization that can be read');
	const stamp = headers['x-amz-date'];
	if (said.region !== region || said.service !== service || said.day !== stamp?.slice(0, 8))
		return refuse('InvalidSignatureException', 'another scope');
	if (age(stamp) > CLOCK_MINUTES * 60_000)
		return refuse('InvalidSignatureException', 'signed at another time');
	const key = keys[said.keyId];
	if (!key)
		return refuse('UnrecognizedClientException', 'no such key');
	if (key.expired)
		return refuse('ExpiredTokenException', 'the token has expired');
	if ((headers['x-amz-security-token'] ?? '') !== (key.sessionToken ?? ''))
		return refuse('UnrecognizedClientException', 'not the token of this key');
	const wanted = ['content-type', 'host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
	const unsigned = wanted.find((name) => !said.signed.includes(name));
	if (unsigned)
		return refuse('InvalidSignatureException', `${unsigned} is not signed`);
	const again = aws4.sign({
		method, path: url, body, region, service,
		headers: Object.fromEntries(said.signed.map((name) => [name, headers[name] ?? ''])),
		extraHeadersToIgnore: { 'content-length': true },
	}, { accessKeyId: said.keyId, secretAccessKey: key.secretAccessKey, sessionToken: key.sessionToken });
	const signature = /Signature=([0-9a-f]{64})$/;
	if (signature.exec(again.headers.Authorization)[1] !== signature.exec(headers.authorization)[1])
		return refuse('InvalidSignatureException', 'the signature does not match');
	return null;
}

function whole(stream) {
	return new Promise((resolve, reject) => {
		const chunks = [];
		stream.on('data', (chunk) => chunks.push(chunk));
		stream.on('end', () => resolve(Buffer.concat(chunks)));
		stream.on('error', reject);
	});
}

// What a bad way does to a request: 'broken' is an answer of somebody in between and 'cut' none at all,
// before the request got through; 'lost' is one whose answer gets lost, 'late' comes a second late.
const lateMs = 1000;

function pass(target, { method, url, headers, body }, reply, trouble) {
	if (trouble === 'broken') {
		reply.writeHead(502, { 'content-type': 'text/html' });
		reply.end('<html>bad gateway</html>');
		return;
	}
	if (trouble === 'cut') {
		reply.destroy();
		return;
	}
	const { hostname, port } = new URL(target);
	const onward = ask({ hostname, port, method, path: url, headers }, async (answer) => {
		if (trouble === 'lost') {
			answer.resume();
			reply.destroy();
			return;
		}
		if (trouble === 'late') await new Promise((done) => setTimeout(done, lateMs));
		reply.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
		reply.end(await whole(answer));
	});
	onward.on('error', () => reply.destroy());
	onward.end(body);
}

// A server on 127.0.0.1 that answers what is signed wrongly as AWS does, and hands on the rest to
// `target` (a URL; retarget changes it), or to answer(request) => { status, body }.
export async function startJudge({ target, answer, keys, region, service, port = 0 }) {
	const seen = { taken: 0, refused: [], troubled: 0 };
	let troubles = [];
	let behind = target;
	const server = createServer(async (incoming, reply) => {
		const { method, url, headers } = incoming;
		const request = { method, url, headers, body: await whole(incoming) };
		const verdict = judge(request, { keys, region, service });
		if (verdict) {
			seen.refused.push(verdict);
			reply.writeHead(400, { 'content-type': headers['content-type'] ?? 'text/plain' });
			reply.end(JSON.stringify({ __type: `com.amazon.coral.service#${verdict.fault}`, message: verdict.message }));
			return;
		}
		seen.taken++;
		if (behind) {
			const trouble = troubles[seen.taken % troubles.length];
			if (trouble) seen.troubled++;
			pass(behind, request, reply, trouble);
			return;
		}
		const { status = 200, body } = answer(request);
		reply.writeHead(status, { 'content-type': headers['content-type'] });
		reply.end(body);
	});
	await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		seen,
		retarget: (other) => behind = other,
		// Every third request has one of these, in turn; none of an empty list.
		trouble: (...list) => troubles = list.flatMap((one) => [one, undefined, undefined]),
		stop: () => new Promise((resolve) => {
			server.closeAllConnections?.();
			server.close(resolve);
		}),
	};
}
