// The allow-list over HTTP: each account's own, by one person, and by two where so many are wanted.
//
// usage: SLUICE=path/to/sluice node --test allow_list.test.mjs
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startApi } from './api_process.mjs';
import { ask, assertProblem, logIn, logInFully, makeUser } from './people.mjs';

const dayMs = 24 * 3600 * 1000;
const fresh = () => `0x${randomBytes(20).toString('hex')}`;
let api;
const list = (token, query = '') => ask(api, 'GET', `/v1/allow-list${query}`, { token });
const add = (token, body = {}, headers) => ask(api, 'POST', '/v1/allow-list',
	{ token, headers, body: { chain: 'polygon', receiver: fresh(), ...body } });
const remove = (token, id, headers) => ask(api, 'POST', `/v1/allow-list/${id}/remove`, { token, headers });
const say = (token, id, word = 'confirm') => ask(api, 'POST', `/v1/allow-list/proposals/${id}/${word}`, { token });

async function added(token, body) {
	const answer = await add(token, body);
	assert.deepEqual([answer.status, answer.body.done], [200, true], JSON.stringify(answer.body));
	return answer.body.entry;
}
async function pages(token, query) {
	const all = [];
	for (let after = ''; after !== null;) {
		const { status, body } = await list(token, `?${query}${after && `&after=${after}`}`);
		assert.equal(status, 200, JSON.stringify(body));
		all.push(...body.items);
		after = body.next_after;
	}
	return all;
}
function record(action) {
	const [who, request, detail] = api.sql(
		`SELECT who, request_id, detail FROM audit WHERE action = '${action}' ORDER BY id DESC LIMIT 1`).split('|');
	return { who, request, ...JSON.parse(detail) };
}

describe('one person', () => {
	let ann, tess, zoe;
	before(async () => {
		api = await startApi();
		makeUser(api, 'ann', 'admin');
		makeUser(api, 'tess', 'admin', '--account', 'acme');
		makeUser(api, 'zoe', 'admin', '--account', 'zeta');
		[ann, tess, zoe] = await Promise.all(['ann', 'tess', 'zoe'].map(name => logInFully(api, name)));
	});
	after(() => api?.end());

	test('adds an entry, which counts after a day, and takes it off at once; the audit knows both', async () => {
		const receiver = fresh();
		const answer = await add(ann, { account: 'shop', receiver, label: 'their "vault" é' });
		const { entry, proposals } = answer.body;
		assert.deepEqual([answer.status, proposals], [200, []], JSON.stringify(answer.body));
		assert.deepEqual([entry.account, entry.chain, entry.chain_id, entry.receiver.toLowerCase(), entry.label, entry.added_by],
			['shop', 'polygon', 137, receiver, 'their "vault" é', 'ann']);
		assert.equal(Date.parse(entry.active_at) - Date.parse(entry.added_at), dayMs);
		assert.match(entry.id, /^[0-9a-f]{64}$/);
		const by = record('allow_list_added');
		assert.deepEqual([by.request, by.account, by.receiver.toLowerCase(), by.address], [answer.headers['request-id'], 'shop', receiver, '127.0.0.1']);
		assertProblem(await add(ann, { account: 'shop', receiver }), 409, 'allow_listed_already');
		const { items, change_people } = (await list(ann)).body;
		assert.deepEqual([items, change_people], [[{ ...entry, sealed: true }], 1]);
		const off = await remove(ann, entry.id);
		assert.deepEqual([off.status, off.body], [200, { done: true, entry: null, proposals: [] }]);
		assert.equal(record('allow_list_removed').request, off.headers['request-id']);
		assertProblem(await remove(ann, entry.id), 404, 'allow_entry_unknown');
		assert.equal(api.count('allow_list'), 0);
	});

	test('the command and the API have the same list', async () => {
		const receiver = fresh();
		const made = api.sluice('allow-list', 'add', 'shop', 'polygon', receiver, '--label', 'by hand');
		const [item] = (await list(ann)).body.items;
		assert.deepEqual([item.id, item.label, item.sealed], [made.id, 'by hand', true]);
		assert.equal((await remove(ann, item.id)).status, 200);
		assert.notEqual(api.attempt('allow-list', 'remove', 'shop', 'polygon', receiver).status, 0);
	});

	test('what is no entry is refused, and changes nothing', async () => {
		for (const [body, status, code] of [
			[{ account: 'shop', chain: 'ethereum' }, 422, 'request_refused'], [{ account: 'shop', receiver: '0x12' }, 422, 'request_refused'],
			[{ account: 'shop', receiver: '0x52908400098527886E0F7030069857D2E4169Ee7' }, 422, 'request_refused'],
			[{}, 422, 'request_refused'], [{ account: 'shop', label: 'a\nb' }, 422, 'request_refused'],
			[{ account: 'shop', label: 'x'.repeat(65) }, 422, 'field_length'], [{ account: 'x'.repeat(65) }, 422, 'field_length'],
			[{ account: 'shop', active_at: '2001-01-01T00:00:00Z' }, 422, 'field_unknown'], [{ account: 'shop', added_by: 'bob' }, 422, 'field_unknown'],
		])
			assertProblem(await add(ann, body), status, code);
		for (const id of ['0', 'x'.repeat(64), 'f'.repeat(64), 'f'.repeat(63)])
			assertProblem(await remove(ann, id), 404, 'allow_entry_unknown');
		for (const query of ['?limit=0', '?limit=201', '?after=f', '?account=', '?cursor=1', '?limit=1&limit=2'])
			assert.equal((await list(ann, query)).status, 400, query);
		assert.equal(api.count('allow_list'), 0);
	});

	test('it takes the permission and a second factor, and no API key has it', async () => {
		makeUser(api, 'olga', 'operator');
		makeUser(api, 'abe', 'approver');
		assertProblem(await add(await logIn(api, 'ann'), { account: 'shop' }), 403, 'second_factor_required');
		for (const name of ['olga', 'abe']) assertProblem(await add(await logIn(api, name), { account: 'shop' }), 403, 'permission_missing');
		const { key } = api.sluice('api-key', 'create', '--name', 'reader', '--account', 'acme', '--scope', 'allow_list:read');
		assertProblem(await add(key, { account: 'acme' }), 403, 'permission_missing');
		assert.notEqual(api.attempt('api-key', 'create', '--name', 'x', '--scope', 'allow_list:write').status, 0);
	});

	test('a repeat under one key is one entry', async () => {
		const headers = { 'idempotency-key': 'list-1' };
		const body = { account: 'shop', receiver: fresh() };
		const answers = await Promise.all([1, 2, 3].map(() => add(ann, body, headers)));
		for (const answer of answers) assert.deepEqual([answer.status, answer.body.entry], [200, answers[0].body.entry]);
		const { id } = answers[0].body.entry;
		assertProblem(await add(ann, { ...body, receiver: fresh() }, headers), 422, 'idempotency_key_reused');
		const off = { 'idempotency-key': 'list-2' };
		assert.deepEqual([(await remove(ann, id, off)).status, (await remove(ann, id, off)).status], [200, 200]);
	});

	test('idor: of one account, one sees and changes its own list alone', async () => {
		const own = await added(tess), theirs = await added(zoe), shops = await added(ann, { account: 'shop' });
		assert.deepEqual([own.account, theirs.account], ['acme', 'zeta']);
		const { key } = api.sluice('api-key', 'create', '--name', 'reader-2', '--account', 'acme', '--scope', 'allow_list:read');
		for (const token of [tess, key]) {
			assert.deepEqual((await list(token)).body.items.map(({ id }) => id), [own.id]);
			assert.deepEqual((await list(token, '?account=acme')).body.items.map(({ id }) => id), [own.id]);
			assertProblem(await list(token, '?account=zeta'), 403, 'account_forbidden');
		}
		assert.deepEqual((await list(ann, '?account=zeta')).body.items.map(({ id }) => id), [theirs.id]);
		for (const account of ['zeta', 'shop', 'ACME']) assertProblem(await add(tess, { account }), 403, 'account_forbidden');
		for (const { id } of [theirs, shops]) assertProblem(await remove(tess, id), 404, 'allow_entry_unknown');
		assert.equal((await remove(ann, own.id)).status, 200);
		assert.deepEqual((await list(zoe)).body.items.map(({ id }) => id), [theirs.id]);
	});

	test('pages hold every entry once', async () => {
		const made = [];
		for (let i = 0; i < 7; i++) made.push((await added(zoe)).id);
		const all = await pages(ann, 'limit=3'), theirs = await pages(zoe, 'limit=2');
		assert.ok(made.every(id => all.filter(item => item.id === id).length === 1));
		assert.ok(made.every(id => theirs.filter(item => item.id === id).length === 1));
		assert.ok(theirs.every(({ account }) => account === 'zeta') && all.length > theirs.length);
	});

	test('row-edited: an entry that somebody moved is shown as void, and taken off by who reaches all', async () => {
		const { id, receiver } = await added(zoe, { label: 'moved' });
		api.sql("UPDATE allow_list SET account = 'acme' WHERE label = 'moved'");
		const [moved] = (await list(tess)).body.items.filter(item => item.receiver === receiver);
		assert.equal(moved.sealed, false);
		assert.ok(api.log().some(line => line['event.action'] === 'allow_list_seal_broken' && line['labels.alarm'] === true));
		assertProblem(await remove(tess, id), 404, 'allow_entry_unknown');
		assert.equal((await remove(ann, id)).status, 200);
	});
});

describe('two people', () => {
	let ann, bob, tess, tom, zoe;
	async function proposed(token, body) {
		const known = (await list(token)).body.proposals.map(({ id }) => id);
		const answer = await add(token, body);
		assert.deepEqual([answer.status, answer.body.done, answer.body.entry], [202, false, null], JSON.stringify(answer.body));
		return answer.body.proposals.find(({ id }) => !known.includes(id));
	}
	const count = () => api.count('allow_list');
	before(async () => {
		api = await startApi({ extra: () => 'policy: { allow_list_people: 2 }' });
		for (const name of ['ann', 'bob']) makeUser(api, name, 'admin');
		for (const name of ['tess', 'tom']) makeUser(api, name, 'admin', '--account', 'acme');
		makeUser(api, 'zoe', 'admin', '--account', 'zeta');
		[ann, bob, tess] = await Promise.all(['ann', 'bob', 'tess'].map(name => logInFully(api, name)));
		[tom, zoe] = await Promise.all(['tom', 'zoe'].map(name => logInFully(api, name)));
	});
	after(() => api?.end());

	test('one proposes and another one confirms, to add and to remove', async () => {
		const proposal = await proposed(ann, { account: 'shop', label: 'vault' });
		assert.deepEqual([proposal.act, proposal.account, proposal.label, proposal.first_person, proposal.state, proposal.entry],
			['add', 'shop', 'vault', 'ann', 'open', null]);
		assert.equal(count(), 0);
		assertProblem(await say(ann, proposal.id), 403, 'second_person_needed');
		const done = await say(bob, proposal.id);
		assert.deepEqual([done.status, done.body.done, done.body.entry.added_by], [200, true, 'ann'], JSON.stringify(done.body));
		assertProblem(await say(bob, proposal.id), 409, 'proposal_ended');
		const off = await remove(bob, done.body.entry.id);
		assert.equal(off.status, 202, JSON.stringify(off.body));
		const [waits] = off.body.proposals;
		assert.deepEqual([waits.act, waits.entry, waits.state], ['remove', done.body.entry.id, 'open']);
		assertProblem(await say(bob, waits.id), 403, 'second_person_needed');
		assert.equal(count(), 1);
		assert.equal((await say(ann, waits.id)).status, 200);
		assert.equal(count(), 0);
	});

	test('a proposal is void once the list is another one there', async () => {
		const receiver = fresh();
		const first = await proposed(ann, { account: 'shop', receiver });
		const second = await proposed(ann, { account: 'shop', receiver });
		const { body: { entry } } = await say(bob, first.id);
		const void_ = (await list(ann)).body.proposals.find(({ id }) => id === second.id);
		assert.equal(void_.state, 'void');
		assertProblem(await say(bob, second.id), 409, 'proposal_void');
		assertProblem(await add(ann, { account: 'shop', receiver }), 409, 'allow_listed_already');
		const [one] = (await remove(ann, entry.id)).body.proposals.filter(({ act }) => act === 'remove');
		const [, two] = (await remove(ann, entry.id)).body.proposals.filter(({ act }) => act === 'remove');
		const answers = await Promise.all([one, two].map(({ id }) => say(bob, id)));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
		assert.equal(count(), 0);
		for (const { id } of (await list(ann)).body.proposals) await say(ann, id, 'reject');
	});

	test('an entry that was added anew is not the one that was to be removed', async () => {
		const { body: { entry } } = await say(bob, (await proposed(ann, { account: 'shop' })).id);
		const [waits] = (await remove(ann, entry.id)).body.proposals;
		api.sql('DELETE FROM allow_list');
		await say(bob, (await proposed(ann, { account: 'shop', receiver: entry.receiver })).id);
		assertProblem(await say(bob, waits.id), 409, 'proposal_void');
		assert.equal(count(), 1);
		api.sql('DELETE FROM allow_list');
		assert.equal((await say(bob, waits.id, 'reject')).status, 200);
	});

	test('what a command proposes takes two who log in', async () => {
		const { proposal } = api.sluice('allow-list', 'add', 'shop', 'polygon', fresh());
		assert.equal((await say(ann, proposal)).status, 202);
		assertProblem(await say(ann, proposal), 403, 'second_person_needed');
		assert.equal((await say(bob, proposal)).status, 200);
		const [{ receiver }] = (await list(ann)).body.items;
		const off = api.sluice('allow-list', 'remove', 'shop', 'polygon', receiver);
		assert.equal((await say(ann, off.proposal, 'reject')).status, 200);
		assert.equal(count(), 1);
		api.sql('DELETE FROM allow_list');
	});

	test('idor: the proposals of another account are none, and take no room from anybody', async () => {
		const own = await proposed(tess);
		assert.equal(own.account, 'acme');
		assert.deepEqual((await list(zoe)).body.proposals, []);
		for (const word of ['confirm', 'reject']) assertProblem(await say(zoe, own.id, word), 404, 'proposal_unknown');
		assert.ok((await list(ann)).body.proposals.some(({ id }) => id === own.id));
		assert.equal((await say(tom, own.id)).status, 200);
		for (let i = 0; i < 4; i++) await proposed(tess);
		assertProblem(await add(tess), 409, 'proposals_full');
		// As many as acme's people may have, in the place of theirs.
		const row = 'id, kind, state, version, digest, text, account, proposed_by, created_at, expires_at, first_person, first_id, ended_by, ended_at, mac_key_id, mac';
		for (let i = 0; i < 28; i++)
			api.sql(`INSERT INTO proposals (${row}) SELECT randomblob(16), ${row.slice(4)} FROM proposals WHERE account = 'acme' AND state = 1 LIMIT 1`);
		assertProblem(await add(tom), 409, 'proposals_full');
		assert.equal((await say(ann, (await proposed(zoe)).id)).status, 200);
		assert.equal((await say(bob, (await proposed(ann, { account: 'shop' })).id)).status, 200);
		api.sql("DELETE FROM proposals WHERE account = 'acme'");
	});

	test('row-edited: another receiver or account, or another first person, is nobody\'s proposal', async () => {
		const before = count();
		for (const edit of ['account = \'zeta\'', 'first_person = \'carl\'', 'version = 7', 'text = replace(text, \'"act":"add"\', \'"act":"remove"\')',
			`text = CAST(replace(CAST(text AS TEXT), '"label":""', '"label":"x"') AS BLOB)`]) {
			const { id } = await proposed(ann, { account: 'shop' });
			api.sql(`UPDATE proposals SET ${edit} WHERE id = x'${id.replaceAll('-', '')}'`);
			assertProblem(await say(bob, id), 404, 'proposal_unknown');
			assert.ok(!(await list(bob)).body.proposals.some(proposal => proposal.id === id));
			api.sql('DELETE FROM proposals');
		}
		assert.equal(count(), before);
		assert.ok(api.log().some(line => line['event.action'] === 'proposal_seal_broken' && line['labels.alarm'] === true));
	});
});
