// Pause switches over HTTP: who may set and lift which, and two people who lift one together.
//
// usage: SLUICE=path/to/sluice node --test controls.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeKey, setOf, sign } from '../tools/src/identity_provider.mjs';
import { startApi } from './api_process.mjs';
import { ask, assertProblem, logIn, logInFully, makeUser } from './people.mjs';

const why = { reason: 'a "drill"' };
const shown = ({ body }) => body.items.map(({ scope, name, stops }) => [scope, name ?? '', stops.join('+')].join(' '));

describe('one person', () => {
	let api, ann;
	before(async () => {
		api = await startApi();
		makeUser(api, 'ann', 'approver');
		ann = await logInFully(api, 'ann');
	});
	after(() => api?.end());
	const get = token => ask(api, 'GET', '/v1/controls', { token });
	const pause = (token, body) => ask(api, 'POST', '/v1/controls', { token, body: { ...why, ...body } });
	const unpause = (token, body) => ask(api, 'POST', '/v1/controls/unpause', { token, body: { ...why, ...body } });

	test('pauses and lifts, and the audit says who, from where, on which request, what before and after', async () => {
		const empty = await get(ann);
		assert.deepEqual([empty.status, empty.body.version, empty.body.sealed, empty.body.items], [200, 0, true, []]);
		const paused = await pause(ann, { scope: 'asset', name: '137/USDC', stops: ['signing', 'broadcast'] });
		assert.equal(paused.status, 200, JSON.stringify(paused.body));
		assert.deepEqual(shown(paused), ['asset 137/USDC signing+broadcast']);
		assert.equal(paused.body.items[0].by, 'ann');
		assert.deepEqual(shown(await pause(ann, { scope: 'global' })),
			['global  intake+signing', 'asset 137/USDC signing+broadcast']);
		const lifted = await unpause(ann, { scope: 'asset', name: '137/USDC', stops: ['broadcast'] });
		assert.deepEqual(shown(lifted), ['global  intake+signing', 'asset 137/USDC signing']);
		const [who, request, detail] = api.sql(
			"SELECT who, request_id, detail FROM audit WHERE action = 'unpaused'").split('|');
		assert.equal(who, api.sql("SELECT lower(substr(hex(id),1,8)||'-'||substr(hex(id),9,4)||'-'||substr(hex(id),13,4)||'-'||substr(hex(id),17,4)||'-'||substr(hex(id),21)) FROM users WHERE name = 'ann'"));
		assert.equal(request, lifted.headers['request-id']);
		const { before, after, address, reason } = JSON.parse(detail);
		assert.deepEqual([before, after, address, reason], ['signing,broadcast', 'signing', '127.0.0.1', 'a "drill"']);
		assert.equal((await unpause(ann, { scope: 'global' })).status, 200);
		assert.equal((await unpause(ann, { scope: 'asset', name: '137/USDC' })).status, 200);
		assert.equal(api.sluice('controls').sealed, true);
	});

	test('what cannot be is refused, and changes nothing', async () => {
		const { body: { version } } = await get(ann);
		for (const [body, status, code] of [
			[{ scope: 'planet' }, 422, 'request_refused'], [{ scope: 'chain', name: 'polygon' }, 422, 'request_refused'],
			[{ scope: 'global', stops: ['everything'] }, 422, 'request_refused'], [{ scope: 'global', stops: 'signing' }, 422, 'field_type'],
			[{ scope: 'global', stops: [7] }, 422, 'field_type'], [{ scope: 'global', name: 'x\0y' }, 422, 'request_refused'],
			[{ scope: 'global', reason: '' }, 422, 'field_length'], [{ scope: 'global', reason: undefined }, 422, 'field_missing'],
			[{ scope: 'global', who: 'somebody' }, 422, 'field_unknown'], [{ scope: 'global', version: '9' }, 422, 'field_unknown'],
		])
			assertProblem(await pause(ann, body), status, code);
		assertProblem(await unpause(ann, { scope: 'wallet', name: `0x${'11'.repeat(20)}` }), 409, 'not_paused');
		assert.equal((await get(ann)).body.version, version);
	});

	test('to lift takes the permission and a second factor; to pause, the permission', async () => {
		makeUser(api, 'vera', 'viewer');
		makeUser(api, 'olga', 'operator');
		makeUser(api, 'paul', 'approver');
		const [vera, olga, paul] = await Promise.all(['vera', 'olga', 'paul'].map(name => logIn(api, name)));
		assertProblem(await pause(vera, { scope: 'global' }), 403, 'permission_missing');
		assert.equal((await pause(olga, { scope: 'chain', name: '137' })).status, 200);
		assertProblem(await unpause(olga, { scope: 'chain', name: '137' }), 403, 'permission_missing');
		assertProblem(await unpause(paul, { scope: 'chain', name: '137' }), 403, 'second_factor_required');
		assert.equal((await unpause(ann, { scope: 'chain', name: '137' })).status, 200);
	});

	test('a key never lifts, and a tenant reaches its own switch alone', async () => {
		const refused = spawnSync(api.program, ['api-key', 'create', '--name', 'x', '--scope', 'controls:unpause',
			'--config', api.config], { encoding: 'utf8' });
		assert.equal(refused.status, 1, refused.stderr);
		const { key } = api.sluice('api-key', 'create', '--name', 'dog', '--account', 'acme', '--scope', 'controls:pause',
			'--scope', 'controls:read');
		makeUser(api, 'tess', 'admin', '--account', 'acme');
		const tess = await logInFully(api, 'tess');
		for (const token of [key, tess]) {
			for (const body of [{ scope: 'global' }, { scope: 'account', name: 'umbra' }, { scope: 'asset', name: 'USDC' }])
				assertProblem(await pause(token, body), 403, 'account_forbidden');
		}
		assert.equal((await pause(key, { scope: 'account', name: 'acme' })).status, 200);
		assert.equal((await pause(ann, { scope: 'account', name: 'umbra' })).status, 200);
		assert.deepEqual(shown(await get(tess)), ['account acme intake+signing']);
		assert.deepEqual(shown(await get(key)), ['account acme intake+signing']);
		assertProblem(await unpause(tess, { scope: 'account', name: 'umbra' }), 403, 'account_forbidden');
		assert.equal((await unpause(tess, { scope: 'account', name: 'acme' })).status, 200);
		assert.equal((await unpause(ann, { scope: 'account', name: 'umbra' })).status, 200);
	});
});

describe('two people', () => {
	let api, ann, bob, provider;
	const issuer = 'https://idp.example/tenant';
	before(async () => {
		provider = await makeKey('ES256');
		api = await startApi({
			extra: dir => `controls: { unpause_people: 2 }
identity: { issuer: "${issuer}", jwks_file: "${dir}/idp/jwks.json" }`,
			prepare: dir => {
				mkdirSync(join(dir, 'idp'));
				writeFileSync(join(dir, 'idp', 'jwks.json'), setOf(provider));
			},
		});
		for (const name of ['ann', 'bob']) makeUser(api, name, 'approver');
		[ann, bob] = await Promise.all(['ann', 'bob'].map(name => logInFully(api, name)));
	});
	after(() => api?.end());
	const get = token => ask(api, 'GET', '/v1/controls', { token });
	const pause = (token, scope, name) => ask(api, 'POST', '/v1/controls', { token, body: { scope, name, ...why } });
	const lift = (token, scope, name) => ask(api, 'POST', '/v1/controls/unpause', { token, body: { scope, name, ...why } });
	const say = (token, id, word = 'confirm') => ask(api, 'POST', `/v1/controls/unpause/${id}/${word}`, { token });
	async function propose(token, scope, name) {
		const known = (await get(token)).body.proposals.map(({ id }) => id);
		const answer = await lift(token, scope, name);
		assert.equal(answer.status, 202, JSON.stringify(answer.body));
		return answer.body.proposals.find(({ id }) => !known.includes(id));
	}
	const forget = () => api.sql('DELETE FROM proposals'); // one person has no more than a few open
	const isPaused = async name => (await get(ann)).body.items.some(item => item.name === name);

	test('one proposes, another one confirms, and only then it is lifted', async () => {
		await pause(ann, 'account', 'one');
		const proposal = await propose(ann, 'account', 'one');
		assert.deepEqual([proposal.state, proposal.proposed_by, proposal.name, proposal.stops],
			['open', 'ann', 'one', ['intake', 'signing', 'broadcast']]);
		assert.ok(await isPaused('one'));
		assertProblem(await say(ann, proposal.id), 403, 'second_person_needed');
		assert.ok(await isPaused('one'));
		const done = await say(bob, proposal.id);
		assert.equal(done.status, 200, JSON.stringify(done.body));
		assert.ok(!await isPaused('one'));
		assertProblem(await say(bob, proposal.id), 409, 'proposal_ended');
		assert.equal(api.sql(`SELECT group_concat(action) FROM (SELECT action FROM audit WHERE action IN
			('unpause_proposed', 'proposal_confirmed', 'unpaused') ORDER BY id)`), 'unpause_proposed,proposal_confirmed,unpaused');
	});

	test('a proposal is of one state of its switch: when that changes, it is void', async () => {
		await pause(ann, 'account', 'two');
		const proposal = await propose(ann, 'account', 'two');
		await pause(bob, 'account', 'three');
		assert.equal((await get(bob)).body.proposals.find(({ id }) => id === proposal.id).state, 'open');
		const other = await propose(ann, 'account', 'two');
		assert.equal((await say(bob, other.id)).status, 200);
		await pause(bob, 'account', 'two');
		assertProblem(await say(bob, proposal.id), 409, 'proposal_void');
		assert.equal((await get(bob)).body.proposals.find(({ id }) => id === proposal.id).state, 'void');
		assert.ok(await isPaused('two'));
	});

	test('of two who confirm at once, one does', async () => {
		makeUser(api, 'carl', 'approver');
		const carl = await logInFully(api, 'carl');
		const proposal = await propose(ann, 'account', 'two');
		const version = (await get(ann)).body.version;
		const answers = await Promise.all([say(bob, proposal.id), say(carl, proposal.id)]);
		assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
		assert.equal((await get(ann)).body.version, version + 1);
	});

	test('the same person under another name is none, and who was shut out stands for nothing', async () => {
		const now = Math.floor(Date.now() / 1000);
		const vouched = sub => sign(provider, { iss: issuer, aud: 'sluice', sub, iat: now, exp: now + 600, amr: ['mfa'],
			sluice_role: 'approver', sluice_account: '*' });
		const [own, other] = [await vouched('ann'), await vouched('bea')];
		await pause(ann, 'account', 'four');
		const proposal = await propose(ann, 'account', 'four');
		for (const token of [own, other]) // who of both is ann nobody knows
			assertProblem(await say(token, proposal.id), 403, 'second_person_needed');
		assert.ok(await isPaused('four'));
		const theirs = await propose(own, 'account', 'four');
		assertProblem(await say(bob, theirs.id), 403, 'second_person_needed');
		assertProblem(await say(own, theirs.id), 403, 'second_person_needed');
		assert.equal((await say(other, theirs.id)).status, 200);
		await pause(ann, 'account', 'four');
		makeUser(api, 'dora', 'approver');
		const dora = await logInFully(api, 'dora');
		const hers = await propose(dora, 'account', 'four');
		api.sluice('user', 'disable', 'dora');
		assertProblem(await say(bob, hers.id), 409, 'proposal_void');
		assert.ok(await isPaused('four'));
	});

	test('one that is rejected lifts nothing', async () => {
		const proposal = await propose(ann, 'account', 'four');
		assert.equal((await say(bob, proposal.id, 'reject')).status, 200);
		assertProblem(await say(bob, proposal.id), 409, 'proposal_ended');
		assertProblem(await say(bob, '0190f0f0-0000-7000-8000-000000000000'), 404, 'proposal_unknown');
		assertProblem(await say(bob, 'none'), 404, 'proposal_unknown');
	});

	test('row-edited: a proposal that somebody has edited is unknown, with an alarm', async () => {
		for (const [what, sets] of [['who', "first_person = 'somebody'"], ['until', 'expires_at = expires_at + 1'],
			['of what', 'version = version + 1'], ['text', `text = CAST('{"scope":"global","name":"","stops":"intake","reason":"x"}' AS BLOB)`],
			['state', 'state = 2, mac = zeroblob(32)']]) {
			const proposal = await propose(ann, 'account', 'four');
			api.sql(`UPDATE proposals SET ${sets} WHERE id = x'${proposal.id.replaceAll('-', '')}'`);
			assertProblem(await say(bob, proposal.id), 404, 'proposal_unknown');
			assert.ok(!(await get(bob)).body.proposals.some(({ id }) => id === proposal.id), what);
			forget();
		}
		assert.ok(await isPaused('four'));
		assert.ok(api.log().some(line => line['event.action'] === 'proposal_seal_broken' && line['labels.alarm'] === true));
	});

	test('a tenant confirms nothing that is not its own', async () => {
		makeUser(api, 'tess', 'approver', '--account', 'acme');
		const tess = await logInFully(api, 'tess');
		const proposal = await propose(ann, 'account', 'four');
		assertProblem(await say(tess, proposal.id), 403, 'account_forbidden');
		assertProblem(await say(tess, proposal.id, 'reject'), 404, 'proposal_unknown');
		assert.deepEqual((await get(tess)).body.proposals, []);
	});

	test('on a host one person can, loudly, and not by accident', async () => {
		const run = (...args) => spawnSync(api.program, [...args, '--config', api.config], { encoding: 'utf8' });
		const args = ['unpause', '--account', 'four', '--reason', 'the API is away'];
		const refused = run(...args);
		assert.equal(refused.status, 1);
		assert.match(refused.stderr, /two people/);
		assert.ok(await isPaused('four'));
		assert.equal(run(...args, '--alone').status, 0);
		assert.ok(!await isPaused('four'));
		assert.equal(api.sql("SELECT COUNT(*) FROM audit WHERE action = 'unpaused_alone'"), '1');
	});
});
