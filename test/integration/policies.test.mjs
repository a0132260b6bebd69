// Policies over HTTP: who may set one, and two people who set one together.
//
// usage: SLUICE=path/to/sluice node --test policies.test.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startApi } from './api_process.mjs';
import { ask, assertProblem, logIn, logInFully, makeUser } from './people.mjs';

const policy = name => JSON.stringify({ rules: [{ name, effect: 'allow' }] }, null, 1);
const digestOf = text => createHash('sha256').update(text).digest('hex');
const get = (api, token) => ask(api, 'GET', '/v1/policies', { token });
const set = (api, token, document) => ask(api, 'POST', '/v1/policies', { token, body: { document } });

describe('one person', () => {
	let api, ann;
	before(async () => {
		api = await startApi();
		makeUser(api, 'ann', 'admin');
		ann = await logInFully(api, 'ann');
	});
	after(() => api?.end());

	test('sets one, which is in force as it was written, and the audit knows which', async () => {
		const none = await get(api, ann);
		assert.deepEqual([none.status, none.body.in_force, none.body.history, none.body.proposals], [200, null, [], []]);
		const answer = await set(api, ann, policy('all'));
		assert.equal(answer.status, 200, JSON.stringify(answer.body));
		assert.deepEqual(Object.values(answer.body.in_force), [1, 'ann', answer.body.in_force.set_at, digestOf(policy('all')), true,
			policy('all')]);
		assert.equal((await set(api, ann, policy('other'))).body.in_force.version, 2);
		assert.deepEqual((await get(api, ann)).body.history.map(({ version, digest }) => [version, digest]),
			[[1, digestOf(policy('all'))]]);
		assert.equal(api.sluice('policy', 'show').document, policy('other'));
		const [request, detail] = api.sql("SELECT request_id, detail FROM audit WHERE action = 'policy_set' ORDER BY id LIMIT 1").split('|');
		assert.equal(request, answer.headers['request-id']);
		const { version, digest, address } = JSON.parse(detail);
		assert.deepEqual([version, digest, address], [1, digestOf(policy('all')), '127.0.0.1']);
	});

	test('what is no policy is refused with the place, and changes nothing', async () => {
		for (const [document, status, code] of [['{}', 422, 'request_refused'], ['no JSON', 422, 'request_refused'],
			[policy('all').replace('allow', 'alow'), 422, 'request_refused'], ['', 422, 'field_length'], [{}, 422, 'field_type']]) {
			const answer = await set(api, ann, document);
			assertProblem(answer, status, code);
		}
		assert.equal((await get(api, ann)).body.in_force.version, 2);
	});

	test('it takes the permission, a second factor and every account', async () => {
		for (const role of ['viewer', 'operator', 'approver']) {
			makeUser(api, role, role);
			assertProblem(await set(api, await logIn(api, role), policy('x')), 403, 'permission_missing');
		}
		assertProblem(await set(api, await logIn(api, 'ann'), policy('x')), 403, 'second_factor_required');
		makeUser(api, 'tess', 'admin', '--account', 'acme');
		const tess = await logInFully(api, 'tess');
		assertProblem(await set(api, tess, policy('x')), 403, 'account_forbidden');
		assertProblem(await get(api, tess), 403, 'account_forbidden');
		const { key } = api.sluice('api-key', 'create', '--name', 'x', '--scope', 'policies:read');
		assert.equal((await get(api, key)).status, 200);
		assertProblem(await set(api, key, policy('x')), 403, 'permission_missing');
	});
});

describe('two people', () => {
	let api, ann, bob;
	const say = (token, id, digest, word = 'confirm') =>
		ask(api, 'POST', `/v1/policies/proposals/${id}/${word}`, { token, body: digest && { digest } });
	const inForce = async () => (await get(api, ann)).body.in_force?.version;
	async function propose(token, document) {
		const known = (await get(api, token)).body.proposals.map(({ id }) => id);
		const answer = await set(api, token, document);
		assert.equal(answer.status, 202, JSON.stringify(answer.body));
		return answer.body.proposals.find(({ id }) => !known.includes(id));
	}
	function onHost(document) {
		writeFileSync(join(api.dir, 'policy.json'), document);
		return api.sluice('policy', 'set', join(api.dir, 'policy.json'));
	}
	before(async () => {
		api = await startApi({ extra: () => 'policy: { change_people: 2 }' });
		for (const name of ['ann', 'bob']) makeUser(api, name, 'admin');
		[ann, bob] = await Promise.all(['ann', 'bob'].map(name => logInFully(api, name)));
	});
	after(() => api?.end());

	test('the first one is set on a host; every other one is proposed there, and takes two who log in', async () => {
		assert.equal(onHost(policy('first')).version, 1);
		const { proposal } = onHost(policy('second'));
		assert.equal(await inForce(), 1);
		const shown = await ask(api, 'GET', `/v1/policies/proposals/${proposal}`, { token: ann });
		assert.deepEqual([shown.body.document, shown.body.first_person, shown.body.state], [policy('second'), null, 'open']);
		assert.equal((await say(ann, proposal, shown.body.digest)).status, 202);
		assertProblem(await say(ann, proposal, shown.body.digest), 403, 'second_person_needed');
		assert.equal(await inForce(), 1);
		assert.equal((await say(bob, proposal, shown.body.digest)).status, 200);
		assert.equal(await inForce(), 2);
	});

	test('who proposes does not confirm, and who confirms says what', async () => {
		const { id, digest } = await propose(ann, policy('third'));
		assert.equal(digest, digestOf(policy('third')));
		assertProblem(await say(ann, id, digest), 403, 'second_person_needed');
		assertProblem(await say(bob, id, digestOf(policy('fourth'))), 409, 'digest_differs');
		assertProblem(await say(bob, id, 'none'), 409, 'digest_differs');
		assert.equal(await inForce(), 2);
		const done = await say(bob, id, digest);
		assert.equal(done.status, 200, JSON.stringify(done.body));
		assert.deepEqual([done.body.in_force.version, done.body.in_force.document], [3, policy('third')]);
		assertProblem(await say(bob, id, digest), 409, 'proposal_ended');
	});

	test('of two proposals for one version, one comes into force', async () => {
		const [one, two] = [await propose(ann, policy('one')), await propose(ann, policy('two'))];
		const answers = await Promise.all([one, two].map(({ id, digest }) => say(bob, id, digest)));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
		assert.equal(await inForce(), 4);
		assert.equal(api.sql('SELECT COUNT(*) FROM policies'), '4');
	});

	test('row-edited: another document, or another first person, is nobody\'s proposal', async () => {
		for (const edit of [`text = CAST('${policy('evil')}' AS BLOB)`, "first_person = 'carl'", 'version = 7',
			`text = CAST('${policy('evil')}' AS BLOB), digest = x'${digestOf(policy('evil'))}'`]) {
			const { id, digest } = await propose(ann, policy('good'));
			api.sql(`UPDATE proposals SET ${edit} WHERE id = x'${id.replaceAll('-', '')}'`);
			for (const each of [digest, digestOf(policy('evil'))])
				assertProblem(await say(bob, id, each), 404, 'proposal_unknown');
			assert.equal(await inForce(), 4);
			api.sql('DELETE FROM proposals'); // one person has no more than a few open
		}
		assert.equal(await inForce(), 4);
		assert.ok(api.log().some(line => line['event.action'] === 'proposal_seal_broken' && line['labels.alarm'] === true));
	});

	test('one that is rejected is over', async () => {
		const { id, digest } = await propose(ann, policy('never'));
		assert.equal((await say(bob, id, undefined, 'reject')).status, 200);
		assertProblem(await say(bob, id, digest), 409, 'proposal_ended');
		const { status } = spawnSync(api.program, ['policy', 'check', join(api.dir, 'policy.json'), '--config', api.config]);
		assert.equal(status, 0);
	});
});
