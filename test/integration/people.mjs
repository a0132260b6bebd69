// People for tests of routes that want them: users who log in, with and without a second factor.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from './second_factor.mjs';

export const password = 'correct horse battery';
const stepMs = 30_000;

// Not at the end of a step, so that "one before" and "this one" stay what they are for a moment.
export async function currentStep() {
	const left = stepMs - Date.now() % stepMs;
	if (left < 8000) await sleep(left + 100);
	return Math.floor(Date.now() / stepMs);
}

// The answers have `status` and `body`.
export async function ask(api, method, path, { token, body, headers = {}, from } = {}) {
	const answer = await api.request(method, path, {
		headers: { authorization: token ? `Bearer ${token}` : null,
			...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
		body: body === undefined ? undefined : JSON.stringify(body), from });
	return { status: answer.status, headers: answer.headers, body: answer.json };
}

export function makeUser(api, name, role, ...more) {
	const file = join(api.dir, 'password');
	if (!existsSync(file)) writeFileSync(file, password, { mode: 0o600 });
	return api.sluice('user', 'create', name, '--role', role, '--password-file', file, ...more);
}

export async function logIn(api, name, more = {}) {
	const { status, body } = await ask(api, 'POST', '/v1/auth/login', { body: { name, password, ...more } });
	assert.equal(status, 200, JSON.stringify(body));
	return body.access_token;
}

// A token with a second factor, which is enrolled on the way. kept: gets the code of a next log-in.
export async function logInFully(api, name, kept = {}) {
	const token = await logIn(api, name);
	const { body: { secret } } = await ask(api, 'POST', '/v1/auth/totp', { token, body: { password } });
	const step = await currentStep();
	const confirmed = await ask(api, 'POST', '/v1/auth/totp/confirm', { token, body: { code: codeOf(secret, step - 1) } });
	assert.equal(confirmed.status, 200, JSON.stringify(confirmed.body));
	const { status, body } = await ask(api, 'POST', '/v1/auth/step-up', { token, body: { code: codeOf(secret, step) } });
	assert.equal(status, 200, JSON.stringify(body));
	kept.nextCode = codeOf(secret, step + 1);
	return body.access_token;
}

export function assertProblem(answer, status, code) {
	assert.deepEqual([answer.status, answer.body?.code], [status, code], JSON.stringify(answer.body));
}
