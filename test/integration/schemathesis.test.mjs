// Every route of the OpenAPI document, as a program of others understands it: Schemathesis makes
// requests that the document allows and such as it does not, and wants answers that stand in it, and no
// 5xx. With a key of all scopes, and as people with a second factor: those who manage, and those who
// approve. Routes that are added later are tried without a word here.
//
// usage: SLUICE=path/to/sluice node --test schemathesis.test.mjs
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startApi } from './api_process.mjs';
import { codeOf, stepNow } from './second_factor.mjs';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const password = 'correct horse battery';
const seconds = 25; // of each pass
const peers = { admin: 6, approver: 4 }; // some of the routes end sessions
const order = { chain: 'polygon', asset: 'POL', to: '0x52908400098527886E0F7030069857D2E4169EE7', amount: '1' };
// What a schema cannot say is refused by rule: an amount of 0.00, an address that nobody can be paid at.
const notChecked = 'positive_data_acceptance';

const openapi = JSON.parse(readFileSync(here('../../doc/openapi.json'), 'utf8'));
const scopes = [...new Set(Object.values(openapi.paths).flatMap(operations => Object.values(operations))
	.flatMap(operation => operation.security ?? []).flatMap(each => Object.values(each).flat()))];
const reached = new Set(); // operations that were not refused for who asked

const people = { admin: [], approver: [] };
let api;
before(async () => {
	api = await startApi();
	writeFileSync(join(api.dir, 'password'), password, { mode: 0o600 });
	await post('/v1/withdrawals', order, api.key, { 'idempotency-key': 'first' });
	for (const [role, count] of Object.entries(peers)) // before anybody tries so often that logging in has to wait
		for (let i = 0; i < count; i++)
			people[role].push(await person(`${role}-${i}`, role));
});
after(() => api?.end());

async function post(path, body, token, headers = {}) {
	const answer = await api.request('POST', path, {
		headers: { authorization: token ? `Bearer ${token}` : null, 'content-type': 'application/json', ...headers },
		body: JSON.stringify(body),
	});
	assert.ok(answer.status < 300, answer.text);
	return answer.json;
}

// A key can be given some scopes only: those of people are tried by people.
function key() {
	const made = scopes.filter(scope => {
		const { status } = api.attempt('api-key', 'create', '--name', 'probe', '--scope', scope);
		return status === 0;
	});
	return api.sluice('api-key', 'create', '--name', 'all', ...made.flatMap(scope => ['--scope', scope])).key;
}

async function person(name, role) {
	api.sluice('user', 'create', name, '--role', role, '--password-file', join(api.dir, 'password'));
	const { access_token: first } = await post('/v1/auth/login', { name, password });
	const { secret } = await post('/v1/auth/totp', { password }, first);
	await post('/v1/auth/totp/confirm', { code: codeOf(secret, stepNow() - 1) }, first);
	return (await post('/v1/auth/login', { name, password, code: codeOf(secret) })).access_token;
}

function note(tally) {
	const lines = readFileSync(tally, 'utf8').trim().split('\n');
	for (const line of lines) {
		const [method, path, status] = line.split(' ');
		if (!['401', '403', '405'].includes(status))
			reached.add(`${method} ${path}`);
	}
	return lines.length;
}

async function pass(name, tokens) {
	const [tokenFile, tally] = ['tokens', 'tally'].map(kind => join(api.dir, `${name}.${kind}`));
	writeFileSync(tokenFile, tokens.join('\n'), { mode: 0o600 });
	const child = spawn(here('../tools/.venv/bin/schemathesis'), [
		'--config-file', here('../tools/src/schemathesis.toml'), 'run', here('../../doc/openapi.json'), '--url', `http://127.0.0.1:${api.port}`,
		'--phases', 'examples,coverage,fuzzing', '--max-time', String(seconds), '--seed', '1',
		'--checks', 'all', '--exclude-checks', notChecked, '--no-color', '--warnings', 'off',
	], {
		cwd: api.dir, stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, SCHEMATHESIS_HOOKS: 'schemathesis_hooks', PYTHONPATH: here('../tools/src'),
			PYTHONDONTWRITEBYTECODE: '1', TOKENS: tokenFile, TALLY: tally },
	});
	let text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', chunk => { text += chunk; });
	const [status] = await once(child, 'close');
	const answers = note(tally);
	assert.equal(status, 0, text);
	assert.ok(answers > 300, text);
	assert.equal(api.child.exitCode, null, 'sluice api has ended');
}

// Before anybody looks at what is asked; so that a route which is added says so too.
test('what every request can be refused with is documented at every route', () => {
	for (const [path, operations] of Object.entries(openapi.paths))
		for (const [method, { responses, requestBody, security }] of Object.entries(operations)) {
			if (method === 'parameters') continue;
			const wanted = ['400', '413', '414', '429', '431', '503', ...(requestBody ? ['415'] : []),
				...(security?.length ? ['401', '403'] : [])];
			assert.deepEqual(wanted.filter(status => !(status in responses)), [], `${method} ${path}`);
		}
});

test('a key of all scopes gets answers that are documented', () => pass('key', [key()]));

test('and so does who manages, with a second factor', () => pass('admins', people.admin));

test('and who approves', () => pass('approvers', people.approver));

test('no route was left out', () => {
	const all = Object.entries(openapi.paths).flatMap(([path, operations]) =>
		Object.keys(operations).filter(method => method !== 'parameters').map(method => `${method.toUpperCase()} ${path}`));
	assert.deepEqual(all.filter(operation => !reached.has(operation)), []);
});
