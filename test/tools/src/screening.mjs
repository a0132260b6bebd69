// A screening service, as its operator would write it from doc/policy.md alone: it verifies what it is asked, and signs
// what it answers. What it decides is the test's: `decide(question, request)` returns the members of an answer, or does
// something else with the response itself and returns undefined.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

const CLOCK_APART_MS = 300_000;

const hmac = (secret, text) => 'v1=' + createHmac('sha256', secret).update(text).digest('hex');

export function signAnswer(secret, body) {
	return hmac(secret, `sluice-screening-answer-1\n${body}`);
}

function signedRequest(secret, request, body) {
	const digest = createHash('sha256').update(body).digest('hex');
	const lines = ['sluice-screening-request-1', request.method, request.url, request.headers['sluice-timestamp'],
		request.headers['sluice-request'], digest];
	return hmac(secret, lines.join('\n'));
}

function isGood(secret, request, body, apartMs) {
	const want = Buffer.from(signedRequest(secret, request, body));
	const got = Buffer.from(request.headers['sluice-signature'] ?? '');
	const apart = Math.abs(Date.now() - Date.parse(request.headers['sluice-timestamp']));
	return want.length === got.length && timingSafeEqual(want, got) && apart < apartMs;
}

export function answer(response, secret, members) {
	const body = JSON.stringify(members);
	response.writeHead(200, { 'content-type': 'application/json', 'sluice-signature': signAnswer(secret, body) });
	response.end(body);
}

// tls: { cert, key }, their texts; without it http. apartMs: between the processor's clock and ours.
export async function startScreening(secret, decide, { port = 0, tls, apartMs = CLOCK_APART_MS } = {}) {
	const service = { questions: [], refused: 0, sockets: new Set() };
	const serve = async (request, response) => {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const body = Buffer.concat(chunks);
		if (request.method !== 'POST' || !isGood(secret, request, body, apartMs)) {
			service.refused++;
			return response.writeHead(401).end();
		}
		const question = JSON.parse(body);
		service.questions.push({ question, id: request.headers['sluice-request'], body: body.toString(), url: request.url });
		const members = await decide(question, { request, response });
		if (members === undefined) return;
		answer(response, secret, {
			request: request.headers['sluice-request'], withdrawal: question.withdrawal, ...members,
		});
	};
	const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
	server.on('connection', (socket) => {
		service.sockets.add(socket);
		socket.on('close', () => service.sockets.delete(socket));
	});
	server.listen(port, '127.0.0.1');
	await once(server, 'listening');
	service.port = server.address().port;
	service.url = `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${service.port}/screen?v=1`;
	service.of = (withdrawal) => service.questions.filter((asked) => asked.question.withdrawal === withdrawal);
	service.stop = async () => {
		const closed = once(server, 'close');
		server.close();
		for (const socket of service.sockets) socket.destroy();
		await closed;
	};
	return service;
}
