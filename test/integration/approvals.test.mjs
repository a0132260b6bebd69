// Payments that people are asked about, with all roles and a chain: who may say so, to what, and what
// comes of it; and signatures of approvers, made by a program that is not ours.
//
// usage: SLUICE=path/to/sluice node --test approvals.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stack, request } from '../tools/src/stack.mjs';
import { ask, assertProblem, logIn, logInFully, password } from './people.mjs';

const untilMs = 30_000;
const fresh = () => `0x${randomBytes(20).toString('hex')}`;
const hexOf = ({ publicKey }) => Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url').toString('hex');
const approver = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const signed = (pair, text) => sign(null, Buffer.from(text), pair.privateKey).toString('hex');

// Its token wants a signature above 100.
class SignedStack extends Stack {
	async writeConfiguration(options) {
		await super.writeConfiguration(options);
		const text = readFileSync(this.configFile, 'utf8');
		const place = '    symbol: TUSD\n';
		assert.equal(text.split(place).length, 2);
		writeFileSync(this.configFile, `${text.replace(place, `${place}    signature_above: "100"\n`)}
approvers:
  - { name: ann, key: ${hexOf(approver)} }
`);
	}
}

let api; // as people.mjs knows one
let dir, stack, database;
let made = 0;
const token = {};
let root;
const rules = [{ name: 'people', effect: 'approve', approvals: 2, assets: ['anvil/ETH'] }, { name: 'rest', effect: 'allow' }];

before(async () => {
	assert.ok(process.env.SLUICE, 'SLUICE is to be the path of the program');
	dir = mkdtempSync(join(tmpdir(), 'sluice-approvals-'));
	stack = await SignedStack.open({ program: process.env.SLUICE, dir: join(dir, 'stack'), wallets: 1, scryptN: 1024 });
	const { stdout } = await stack.run(['check-config', '--json', '--config', stack.configFile]);
	database = /"([^"]*\.db)"/.exec(stdout)[1];
	writeFileSync(join(dir, 'password'), password, { mode: 0o600 });
	api = {
		dir,
		async request(method, path, { headers, body }) {
			const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== null));
			const answer = await request(`${stack.url}${path}`, { method, headers: sent, body });
			return { status: answer.status, headers: answer.headers, json: JSON.parse(answer.body) };
		},
	};
	await person('ann', 'approver');
	await person('ben', 'approver');
	await person('otto', 'operator');
	await person('tess', 'approver', '--account', 'acme');
	for (const name of ['ann', 'ben', 'otto', 'tess']) token[name] = await logInFully(api, name);
	await person('root', 'admin');
	root = await logInFully(api, 'root');
	await policy(rules);
});

after(async () => {
	await stack?.close();
	rmSync(dir, { recursive: true, force: true });
});

const sluice = (...args) => stack.run([...args, '--config', stack.configFile]);
const person = (name, role, ...more) =>
	sluice('user', 'create', name, '--role', role, '--password-file', join(dir, 'password'), ...more);

async function policy(rules) {
	const file = join(dir, 'policy.json');
	writeFileSync(file, JSON.stringify({ rules }));
	await stack.setPolicy(file);
}

const get = id => ask(api, 'GET', `/v1/withdrawals/${id}`, { token: stack.apiKey });
const say = (who, id, body, { word = 'approve', headers } = {}) =>
	ask(api, 'POST', `/v1/withdrawals/${id}/${word}`, { token: who, body, headers });

/* What would be looked at within a minute. */
function lookNow(id) {
	const row = `UPDATE withdrawals SET due_at = 1 WHERE id = x'${id.replaceAll('-', '')}'`;
	const { status, stderr } = spawnSync('sqlite3', [database, '.timeout 10000', row], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
}

async function until(id, condition) {
	const deadline = Date.now() + untilMs;
	for (;;) {
		const { body } = await get(id);
		if (condition(body)) return body;
		assert.ok(Date.now() < deadline, `in vain: ${JSON.stringify(body)}`);
		await sleep(50);
	}
}
const isOver = ({ status }) => ['COMPLETED', 'REJECTED', 'FAILED', 'CANCELED'].includes(status);

async function order(fields = {}, who = stack.apiKey) {
	const answer = await ask(api, 'POST', '/v1/withdrawals', {
		token: who, headers: { 'idempotency-key': `order-${++made}` },
		body: { chain: 'anvil', asset: 'ETH', to: fresh(), amount: '0.001', ...fields },
	});
	assert.equal(answer.status, 202, JSON.stringify(answer.body));
	return answer.body;
}

// One that waits for people.
async function asked(fields, who) {
	const { id } = await order(fields, who);
	const row = await until(id, ({ stage }) => stage !== 'accepted');
	assert.equal(row.stage, 'awaiting_approval', JSON.stringify(row));
	return row;
}

async function events(id, type) {
	const { body } = await ask(api, 'GET', `/v1/withdrawals/${id}/events`, { token: stack.apiKey });
	return body.items.filter(event => event.type === type);
}

// Once the sequencer has sealed it.
async function recordOf(id, action) {
	const deadline = Date.now() + untilMs;
	for (let after = 0; ;) {
		const { body } = await ask(api, 'GET', `/v1/audit?limit=200&after=${after}`, { token: token.ann });
		const found = body.items.find(item => item.action === action && item.subject === id);
		if (found) return found;
		assert.ok(Date.now() < deadline, `in vain: ${action} of ${id}`);
		after = body.items.at(-1)?.position ?? after;
		await sleep(100);
	}
}

describe('who is asked', () => {
	test('two people approve what they have read, and it is paid once', async () => {
		const to = fresh();
		const { id, status, approval } = await asked({ to });
		assert.equal(status, 'PENDING');
		assert.equal(createHash('sha256').update(approval.text).digest('hex'), approval.digest);
		const lines = Object.fromEntries(approval.text.trim().split('\n').map(line => line.split(' ')));
		assert.deepEqual([lines.withdrawal, lines.account, lines.chain, lines.asset, lines.receiver.toLowerCase(), lines.amount],
			[id, 'default', '31337', 'ETH', to, '0.001']);
		assert.equal(lines.policy, String(approval.policy_version));
		const { digest } = approval;
		const first = await say(token.ann, id, { digest });
		assert.equal(first.status, 202, JSON.stringify(first.body));
		assert.deepEqual([first.body.withdrawal, first.body.verdict, first.body.signed], [id, 'approve', false]);
		assert.equal((await say(token.ann, id, { digest })).status, 202, 'the same, twice, is one');
		assert.equal((await events(id, 'approval_given')).length, 1);
		assert.equal((await get(id)).body.stage, 'awaiting_approval');
		assertProblem(await say(token.ann, id, { digest }, { word: 'reject' }), 409, 'said_otherwise');
		assert.equal((await say(token.ben, id, { digest })).status, 202);
		assert.equal((await until(id, isOver)).status, 'COMPLETED');
		assert.equal(await stack.chain.call('eth_getBalance', to, 'latest').then(BigInt), 1_000_000_000_000_000n);
		assert.equal((await get(id)).body.approval, undefined);
		assertProblem(await say(token.ben, id, { digest }), 409, 'not_asked');
	});

	test('nobody else is heard', async () => {
		const { id, approval: { digest } } = await asked();
		assertProblem(await say(await logIn(api, 'ann'), id, { digest }), 403, 'second_factor_required');
		for (const who of [token.otto, stack.apiKey])
			assertProblem(await say(who, id, { digest }), 403, 'permission_missing');
		assertProblem(await say(token.tess, id, { digest }), 404, 'withdrawal_unknown');
		assertProblem(await say(undefined, id, { digest }), 401, 'authorization_missing');
		const other = digest.replace(/^./, first => (first === '0' ? '1' : '0'));
		for (const word of ['approve', 'reject'])
			for (const wrong of [other, 'none'])
				assertProblem(await say(token.ann, id, { digest: wrong }, { word }), 409, 'digest_differs');
		assertProblem(await say(token.ann, id, {}), 422, 'field_missing');
		assertProblem(await say(token.ann, id, { digest, signature: '00' }, { word: 'reject' }), 422, 'field_unknown');
		assert.deepEqual([...await events(id, 'approval_given'), ...await events(id, 'approval_refused_by')], []);
		assert.equal((await get(id)).body.stage, 'awaiting_approval');
	});

	test('who asked for it says nothing to it, with a role that may by now', async () => {
		await person('olga', 'operator', '--account', 'default');
		const { id, approval: { digest } } = await asked({}, await logIn(api, 'olga'));
		const { body: { items } } = await ask(api, 'GET', '/v1/users', { token: root });
		const olga = items.find(({ name }) => name === 'olga');
		assert.equal((await ask(api, 'POST', `/v1/users/${olga.id}/role`, { token: root, body: { role: 'approver' } })).status, 200);
		assertProblem(await say(await logInFully(api, 'olga'), id, { digest }), 403, 'initiator_forbidden');
	});

	test('nor does who made the API key that asked, or has rotated it', async () => {
		await person('kim', 'admin');
		const kept = {};
		const kim = await logInFully(api, 'kim', kept);
		const key = async (who, path, body) => {
			const made = await ask(api, 'POST', path, { token: who, body });
			assert.equal(made.status, 201, JSON.stringify(made.body));
			return made.body;
		};
		const { body: { items } } = await ask(api, 'GET', '/v1/users', { token: root });
		const idOf = user => items.find(({ name }) => name === user).id;
		const own = await key(kim, '/v1/api-keys', { name: 'kims', account: 'default' });
		const roots = await key(root, '/v1/api-keys', { name: 'roots', account: 'default' });
		const rotated = await key(kim, `/v1/api-keys/${roots.id}/rotate`, { overlap_s: '3600' });
		assert.deepEqual([own, roots, rotated].map(made => made.created_by), ['kim', 'root', 'kim'].map(idOf));
		const [byOwn, byRoots, byRotated] = [await asked({}, own.key), await asked({}, roots.key), await asked({}, rotated.key)];
		assert.equal((await ask(api, 'POST', `/v1/users/${idOf('kim')}/role`, { token: root, body: { role: 'approver' } })).status, 200);
		assert.equal((await ask(api, 'POST', `/v1/api-keys/${own.id}/revoke`, { token: root })).status, 200);
		const asApprover = await logIn(api, 'kim', { code: kept.nextCode });
		for (const { id, approval: { digest } } of [byOwn, byRotated])
			for (const word of ['approve', 'reject'])
				assertProblem(await say(asApprover, id, { digest }, { word }), 403, 'initiator_forbidden');
		const { id, approval: { digest } } = byRoots;
		assert.equal((await say(asApprover, id, { digest })).status, 202);
	});

	test('one no ends it', async () => {
		const { id, approval: { digest } } = await asked();
		assert.equal((await say(token.ann, id, { digest })).status, 202);
		const no = await say(token.ben, id, { digest }, { word: 'reject' });
		assert.deepEqual([no.status, no.body.verdict], [202, 'reject'], JSON.stringify(no.body));
		const { status, failure } = await until(id, isOver);
		assert.deepEqual([status, failure?.code], ['REJECTED', 'approval_denied']);
	});

	test('a repeat under its key is answered like the first one, even when nobody is asked any more', async () => {
		const { id, approval: { digest } } = await asked();
		const under = { word: 'reject', headers: { 'idempotency-key': `reject-${id}` } };
		const first = await say(token.ann, id, { digest }, under);
		assert.equal(first.status, 202, JSON.stringify(first.body));
		await until(id, isOver);
		assert.deepEqual((await say(token.ann, id, { digest }, under)).body, first.body);
		assertProblem(await say(token.ann, id, { digest }, { ...under, word: 'approve' }), 422, 'idempotency_key_reused');
		assertProblem(await say(token.ann, id, { digest }, { word: 'reject' }), 409, 'not_asked');
	});

	test('the audit says who, and from where', async () => {
		const { id, approval: { digest } } = await asked();
		const answer = await say(token.ann, id, { digest }, { word: 'reject', headers: { 'idempotency-key': `audit-${id}` } });
		assert.equal(answer.status, 202, JSON.stringify(answer.body));
		const record = await recordOf(id, 'approval_refused_by');
		assert.deepEqual([record.who, record.detail.person, record.detail.address],
			[answer.body.person, answer.body.person, '127.0.0.1']);
		await sluice('audit', 'verify');
	});

	test('who the rule does not name is not counted', async () => {
		const { body: { items } } = await ask(api, 'GET', '/v1/users', { token: root });
		const ann = items.find(({ name }) => name === 'ann').id;
		await policy([{ name: 'ann alone', effect: 'approve', approvals: 1, approvers: [ann] }]);
		const { id, approval: { digest } } = await asked();
		assert.equal((await say(token.ben, id, { digest }, { word: 'reject' })).status, 202);
		await sleep(1000);
		assert.equal((await get(id)).body.stage, 'awaiting_approval');
		assert.equal((await say(token.ann, id, { digest })).status, 202);
		assert.equal((await until(id, isOver)).status, 'COMPLETED');
		await policy(rules);
	});

	test('under another policy people are asked again, and what was said before counts no more', async () => {
		const { id, approval: before } = await asked();
		assert.equal((await say(token.ann, id, { digest: before.digest })).status, 202);
		await policy([...rules, { name: 'more', effect: 'deny', keys: ['nobody'] }]);
		await sleep(1000);
		assertProblem(await say(token.ben, id, { digest: before.digest }), 409, 'digest_differs');
		lookNow(id);
		const { approval } = await until(id, row => row.stage !== 'awaiting_approval' || row.approval.digest !== before.digest);
		assert.equal(approval?.policy_version, before.policy_version + 1);
		assertProblem(await say(token.ann, id, { digest: before.digest }), 409, 'digest_differs');
		for (const who of [token.ann, token.ben]) {
			assert.equal((await get(id)).body.stage, 'awaiting_approval');
			assert.equal((await say(who, id, { digest: approval.digest })).status, 202);
		}
		assert.equal((await until(id, isOver)).status, 'COMPLETED');
	});

	test('the policy that is tried out says how many', async () => {
		const { stdout } = await sluice('policy', 'simulate', 'default', 'anvil', 'ETH', fresh(), '0.001', '--json');
		const { answer, code, rule, approvals, signature } = JSON.parse(stdout);
		assert.deepEqual([answer, code, rule, approvals, signature], ['approve', null, 'people', 2, false]);
	});
});

describe('a signature of an approver', () => {
	const much = { asset: 'TUSD', amount: '100.000001' };

	test('is not wanted up to the threshold', async () => {
		assert.equal((await until((await order({ asset: 'TUSD', amount: '100' })).id, isOver)).status, 'COMPLETED');
	});

	test('that an independent program makes over the text is accepted, and the signer pays', async () => {
		const { id, approval: { text, digest } } = await asked(much);
		const answer = await say(token.ann, id, { digest, signature: signed(approver, text) });
		assert.deepEqual([answer.status, answer.body.signed], [202, true], JSON.stringify(answer.body));
		const row = await until(id, row => isOver(row) || row.held);
		assert.equal(row.status, 'COMPLETED', JSON.stringify(row));
	});

	test('of another key, of another text, or that is none, is refused, and nothing is paid', async () => {
		const { id, approval: { text, digest } } = await asked(much);
		const right = signed(approver, text);
		for (const signature of [signed(stranger, text), signed(approver, `${text} `), signed(approver, digest), right.slice(2),
			right.replace(/^./, first => (first === '0' ? '1' : '0')), '0'.repeat(128), 'x'.repeat(128)])
			assertProblem(await say(token.ann, id, { digest, signature }), 422, 'signature_invalid');
		assert.equal((await say(token.ben, id, { digest })).status, 202, 'who has no key may approve');
		await sleep(1000);
		assert.equal((await get(id)).body.stage, 'awaiting_approval', 'and that alone pays nothing');
		assert.equal((await say(token.ben, id, { digest, signature: right })).status, 202, 'signed later');
		const row = await until(id, row => isOver(row) || row.held);
		assert.equal(row.status, 'COMPLETED', JSON.stringify(row));
	});
});
