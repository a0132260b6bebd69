#!/usr/bin/env node
// Runs a program beside a screening service on loopback, and ends the service with it. What the service does follows
// from the account that it is asked about.
//
// usage: run_with_screening.mjs PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   SLUICE_TEST_SCREENING_URL           of the service
//   SLUICE_TEST_SCREENING_NOBODY        an URL at which nobody listens
//   SLUICE_TEST_SCREENING_SECRET_FILE   what both sides know, in a file of mode 0600
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answer, signAnswer, startScreening } from '../tools/src/screening.mjs';

const SECRET = 'a secret of both sides, and long enough';
const dir = mkdtempSync(join(tmpdir(), 'sluice-screening-'));
const secretFile = join(dir, 'secret');
writeFileSync(secretFile, SECRET, { mode: 0o600 });

let kept; // an answer to somebody else's question, or to an earlier one
const own = (question, request) => ({
	request: request.headers['sluice-request'], withdrawal: question.withdrawal, decision: 'allow',
});
function raw(response, body, headers = {}) {
	response.writeHead(200, { 'sluice-signature': signAnswer(SECRET, body), ...headers });
	response.end(body);
}

const acts = {
	allow: () => ({ decision: 'allow', reference: 'ref-1', reason: 'known for years' }),
	deny: () => ({ decision: 'deny', reference: 'case/17' }),
	review: () => ({ decision: 'review', reason: 'größer als sonst' }),
	keep: (question, { request }) => {
		kept = own(question, request);
		return { decision: 'allow' };
	},
	replay: (question, { response }) => void answer(response, SECRET, kept),
	replay_request: (question, { request, response }) =>
		void answer(response, SECRET, { ...own(question, request), request: kept.request }),
	replay_withdrawal: (question, { request, response }) =>
		void answer(response, SECRET, { ...own(question, request), withdrawal: kept.withdrawal }),
	unsigned: (question, { request, response }) => {
		response.writeHead(200);
		response.end(JSON.stringify(own(question, request)));
	},
	stranger: (question, { request, response }) => void answer(response, 'the secret of somebody else, as long', own(question, request)),
	changed: (question, { request, response }) => {
		const members = { ...own(question, request), decision: 'deny' };
		response.writeHead(200, { 'sluice-signature': signAnswer(SECRET, JSON.stringify(members)) });
		response.end(JSON.stringify({ ...members, decision: 'allow' }));
	},
	reflected: (question, { request, response }) => {
		response.writeHead(200, { 'sluice-signature': request.headers['sluice-signature'] });
		response.end(JSON.stringify(own(question, request)));
	},
	twice_signed: (question, { request, response }) => {
		const body = JSON.stringify(own(question, request));
		response.writeHead(200, { 'sluice-signature': [signAnswer(SECRET, body), 'v1=00'] });
		response.end(body);
	},
	redirect: (question, { response }) => void response.writeHead(307, { location: '/elsewhere' }).end(),
	redirect_signed: (question, { request, response }) => {
		const body = JSON.stringify(own(question, request));
		response.writeHead(302, { location: '/elsewhere', 'sluice-signature': signAnswer(SECRET, body) });
		response.end(body);
	},
	broken: (question, { response }) => void response.writeHead(503).end(),
	busy: (question, { response }) => void response.writeHead(429).end(),
	unknown: (question, { response }) => void response.writeHead(404).end(),
	created: (question, { request, response }) => {
		const body = JSON.stringify(own(question, request));
		response.writeHead(201, { 'sluice-signature': signAnswer(SECRET, body) });
		response.end(body);
	},
	silent: () => undefined,
	slow: async () => {
		await new Promise((resolve) => setTimeout(resolve, 300));
		return { decision: 'allow' };
	},
	oversize: (question, { request, response }) =>
		raw(response, JSON.stringify({ ...own(question, request), reason: 'x'.repeat(8192) })),
	cut: (question, { request, response }) => {
		const body = JSON.stringify(own(question, request));
		response.writeHead(200, { 'sluice-signature': signAnswer(SECRET, body), 'content-length': body.length + 1 });
		response.write(body, () => response.socket.destroy());
	},
	reset: (question, { response }) => void response.socket.resetAndDestroy(),
	no_json: (question, { response }) => raw(response, 'allow'),
	a_list: (question, { request, response }) => raw(response, JSON.stringify([own(question, request)])),
	no_decision: (question, { request, response }) => {
		const { decision, ...rest } = own(question, request);
		raw(response, JSON.stringify(rest));
	},
	other_decision: (question, { request, response }) => raw(response, JSON.stringify({ ...own(question, request), decision: 'ALLOW' })),
	more_members: (question, { request, response }) => raw(response, JSON.stringify({ ...own(question, request), score: '1' })),
	twice_decided: (question, { request, response }) =>
		raw(response, JSON.stringify(own(question, request)).replace('}', ',"decision":"deny"}')),
	null_reason: (question, { request, response }) => raw(response, JSON.stringify({ ...own(question, request), reason: null })),
	quoted_reference: (question, { request, response }) => raw(response, JSON.stringify({ ...own(question, request), reference: 'a"b' })),
	long_reference: (question, { request, response }) => raw(response, JSON.stringify({ ...own(question, request), reference: 'r'.repeat(65) })),
	control_reason: (question, { request, response }) => raw(response, JSON.stringify({ ...own(question, request), reason: 'a\nb' })),
};

const service = await startScreening(SECRET, (question, exchange) => acts[question.account](question, exchange));
const nobody = await startScreening(SECRET, () => undefined);
await nobody.stop();
try {
	const env = {
		...process.env,
		SLUICE_TEST_SCREENING_URL: service.url,
		SLUICE_TEST_SCREENING_NOBODY: nobody.url,
		SLUICE_TEST_SCREENING_SECRET_FILE: secretFile,
	};
	const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
	// The program's own test sees answers; that its questions are right, only who verifies them.
	if (service.refused > 0) throw new Error(`${service.refused} questions were not signed rightly`);
	for (const { question, url, id } of service.questions) {
		if (url !== '/screen?v=1' || !/^[0-9a-f]{32}$/.test(id) || question.amount !== '12.5' || question.amount_base !== '12500000')
			throw new Error(`a question is not as the document says: ${JSON.stringify(question)}`);
	}
} finally {
	await service.stop();
	rmSync(dir, { recursive: true, force: true });
}
