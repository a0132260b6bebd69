// Accounts over HTTP and by command: who declares one, what belongs to it, and what it takes in.
//
// usage: SLUICE=path/to/sluice node --test accounts.test.mjs
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApi } from './api_process.mjs';
import { ask, assertProblem, logIn, logInFully, makeUser, password } from './people.mjs';

const patienceMs = 20_000;
const order = { chain: 'polygon', asset: 'USDC', to: '0x52908400098527886E0F7030069857D2E4169EE7', amount: '12.5' };
let api, ann, tess;
let made = 0;
const list = async token => (await ask(api, 'GET', '/v1/accounts', { token })).body.items;
const declare = (token, name, headers) => ask(api, 'POST', '/v1/accounts', { token, headers, body: { name } });
const turn = (token, name, word) => ask(api, 'POST', `/v1/accounts/${name}/${word}`, { token });
const makeKey = (token, account) => ask(api, 'POST', '/v1/api-keys', { token, body: { name: `key-${++made}`, account } });
const makePerson = (token, account) => ask(api, 'POST', '/v1/users',
	{ token, body: { name: `user-${++made}`, role: 'viewer', password, account } });
const withdraw = (token, key = `order-${++made}`) =>
	ask(api, 'POST', '/v1/withdrawals', { token, headers: { 'idempotency-key': key }, body: order });

async function until(condition) {
	const deadline = Date.now() + patienceMs;
	while (!await condition()) {
		assert.ok(Date.now() < deadline, 'it did not come to pass');
		await sleep(50);
	}
}
const alarms = action => api.log().filter(line => line['event.action'] === action && line['labels.alarm'] === true).length;

before(async () => {
	api = await startApi();
	makeUser(api, 'ann', 'admin');
	makeUser(api, 'tess', 'admin', '--account', 'acme');
	[ann, tess] = await Promise.all(['ann', 'tess'].map(name => logInFully(api, name)));
});
after(() => api?.end());

describe('accounts', () => {
	test('are declared once, listed, and the audit says by whom', async () => {
		const answer = await declare(ann, 'shop');
		assert.deepEqual([answer.status, answer.body.name, answer.body.disabled_at], [201, 'shop', null], JSON.stringify(answer.body));
		const [who, request, detail] = api.sql("SELECT who, request_id, detail FROM audit WHERE action = 'account_created' ORDER BY id DESC LIMIT 1").split('|');
		assert.deepEqual([who, request, JSON.parse(detail).account], [answer.body.created_by, answer.headers['request-id'], 'shop']);
		assertProblem(await declare(ann, 'shop'), 409, 'account_taken');
		for (const name of ['', 'a b', 'x'.repeat(65), '../x', 'é']) assert.equal((await declare(ann, name)).status, 422, name);
		assert.deepEqual((await list(ann)).map(({ name, sealed }) => [name, sealed]), [['acme', true], ['default', true], ['other', true], ['shop', true]]);
		assert.deepEqual(api.sluice('account', 'list').items, await list(ann));
		const twice = { 'idempotency-key': 'declare-1' };
		assert.deepEqual((await declare(ann, 'once', twice)).body, (await declare(ann, 'once', twice)).body);
	});

	test('scope-missing: it takes all accounts, the permission and a second factor; no key has it', async () => {
		assertProblem(await declare(tess, 'mine'), 403, 'account_forbidden');
		for (const name of ['acme', 'shop', 'nobody']) assertProblem(await turn(tess, name, 'disable'), 403, 'account_forbidden');
		assert.deepEqual((await list(tess)).map(({ name }) => name), ['acme']);
		assertProblem(await declare(await logIn(api, 'ann'), 'mine'), 403, 'second_factor_required');
		assertProblem(await declare(api.key, 'mine'), 403, 'permission_missing');
		assert.notEqual(api.attempt('api-key', 'create', '--name', 'x', '--scope', 'accounts:write').status, 0);
	});

	test('keys and users are of one that is there; a command declares it on the way', async () => {
		for (const make of [makeKey, makePerson]) {
			assertProblem(await make(ann, 'nowhere'), 404, 'account_unknown');
			assert.equal((await make(ann, 'shop')).status, 201);
		}
		assert.equal((await turn(ann, 'shop', 'disable')).status, 200);
		for (const make of [makeKey, makePerson]) assertProblem(await make(ann, 'shop'), 403, 'account_disabled');
		assert.equal((await turn(ann, 'shop', 'enable')).status, 200);
		assert.equal(api.sluice('api-key', 'create', '--name', 'new', '--account', 'fresh').account, 'fresh');
		assert.ok((await list(ann)).some(({ name }) => name === 'fresh'));
		api.sluice('account', 'disable', 'fresh');
		const refused = api.attempt('api-key', 'create', '--name', 'late', '--account', 'fresh');
		assert.ok(refused.status !== 0 && refused.stderr.includes('disabled'), refused.stderr);
		assertProblem(await turn(ann, 'nobody', 'disable'), 404, 'account_unknown');
	});

	test('a disabled one takes in nothing new, and answers what it took in before', async () => {
		const { key } = api.sluice('api-key', 'create', '--name', 'till', '--account', 'till');
		const { key: other } = api.sluice('api-key', 'create', '--name', 'beside', '--account', 'beside');
		const first = await withdraw(key, 'till-1');
		assert.equal(first.status, 202, JSON.stringify(first.body));
		assert.equal((await turn(ann, 'till', 'disable')).status, 200);
		await until(async () => (await withdraw(key)).status === 403);
		const before = api.count('withdrawals');
		assertProblem(await withdraw(key, 'till-2'), 403, 'account_disabled');
		assert.equal(api.count('withdrawals'), before);
		const again = await withdraw(key, 'till-1');
		assert.deepEqual([again.status, again.body.id, again.headers['idempotent-replayed']], [202, first.body.id, 'true']);
		assert.equal((await ask(api, 'GET', `/v1/withdrawals/${first.body.id}`, { token: key })).status, 200);
		assert.equal((await withdraw(other)).status, 202, 'others go on');
		assert.equal((await turn(ann, 'till', 'enable')).status, 200);
		await until(async () => (await withdraw(key, 'till-2')).status === 202);
	});

	test('row-edited: an account that somebody edited, enabled, renamed or removed takes in nothing', async () => {
		const { key } = api.sluice('api-key', 'create', '--name', 'edited', '--account', 'edited');
		const put = row => api.sql(`INSERT INTO accounts SELECT * FROM (${row})`);
		assert.equal((await withdraw(key)).status, 202);
		api.sluice('account', 'disable', 'edited');
		const edits = ['disabled_at = 0', 'created_by = \'me\'', 'created_at = 1', 'mac = zeroblob(32)', 'mac_key_id = 7'];
		for (const edit of edits) {
			api.sql(`CREATE TABLE kept AS SELECT * FROM accounts; UPDATE accounts SET ${edit} WHERE name = 'edited'`);
			await sleep(api.keyCacheMs + 200);
			assertProblem(await withdraw(key), 403, 'account_disabled');
			assert.equal((await list(ann)).find(({ name }) => name === 'edited').sealed, false, edit);
			api.sql('DELETE FROM accounts');
			put('SELECT * FROM kept');
			api.sql('DROP TABLE kept');
		}
		assert.ok(alarms('account_seal_broken') >= edits.length);
		api.sluice('account', 'enable', 'edited');
		await until(async () => (await withdraw(key)).status === 202);
		// The row of another account under this name, and none at all.
		api.sql("UPDATE accounts SET name = 'hidden' WHERE name = 'edited'; UPDATE accounts SET name = 'edited' WHERE name = 'acme'");
		await sleep(api.keyCacheMs + 200);
		assertProblem(await withdraw(key), 403, 'account_disabled');
		api.sql("DELETE FROM accounts WHERE name = 'edited'");
		await sleep(api.keyCacheMs + 200);
		assertProblem(await withdraw(key), 403, 'account_disabled');
		assert.ok(alarms('account_missing') > 0);
	});
});

test('accounts.required: false lets every name be an account, as before', async () => {
	const open = await startApi({ extra: () => 'accounts: { required: false }' });
	try {
		open.sql('DELETE FROM accounts');
		const answer = await ask(open, 'POST', '/v1/withdrawals', { token: open.key, headers: { 'idempotency-key': 'a' }, body: order });
		assert.equal(answer.status, 202, JSON.stringify(answer.body));
	} finally {
		await open.end();
	}
});
