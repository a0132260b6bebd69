// The API over HTTP, against a fresh SQLite database: what it takes, what it refuses with which
// code, and that a refusal stores nothing. No other role runs, so what is accepted stays PENDING.
//
// usage: SLUICE=path/to/sluice node --test api.test.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startApi } from './api_process.mjs';

const payee = '0x52908400098527886E0F7030069857D2E4169EE7';
const token = '0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359';
const good = { chain: 'polygon', asset: 'USDC', to: payee, amount: '12.5' };
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const documented = new Set(
	[...readFileSync(fileURLToPath(new URL('../../doc/errors.md', import.meta.url)), 'utf8')
		.matchAll(/^\| \d+ \| `(\w+)`/gm)].map(match => match[1]),
);

let api;
let keys = 0;

before(async () => {
	api = await startApi();
});

after(() => api?.end());

function newKey() {
	return `test-${++keys}`;
}

// body: an object, or text or bytes as they are.
function post(body, headers = {}, path = '/v1/withdrawals') {
	const isText = typeof body === 'string' || Buffer.isBuffer(body);
	return api.request('POST', path, {
		headers: { 'content-type': 'application/json', 'idempotency-key': newKey(), ...headers },
		body: isText ? body : JSON.stringify(body),
	});
}

// An id as the database writes it.
function blob(id) {
	return `x'${id.replaceAll('-', '')}'`;
}

async function accepted(fields = {}, headers = {}) {
	const answer = await post({ ...good, ...fields }, headers);
	assert.equal(answer.status, 202, answer.text);
	return answer.json;
}

function assertProblem(answer, status, code) {
	const seen = `${answer.status} ${answer.text}`;
	assert.equal(answer.json?.code, code, seen);
	assert.equal(answer.status, status, seen);
	assert.equal(answer.headers['content-type'], 'application/problem+json', seen);
	assert.equal(answer.json.status, status, seen);
	assert.match(answer.headers['request-id'], uuid7, seen);
	assert.equal(answer.json.instance, `urn:uuid:${answer.headers['request-id']}`, seen);
	for (const member of ['type', 'title', 'detail'])
		assert.equal(typeof answer.json[member], 'string', seen);
	assert.ok(documented.has(code), `${code} is not in doc/errors.md`);
}

test('a withdrawal is accepted and read back', async () => {
	const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
	const answer = await post(
		{ ...good, external_id: 'order-8812', metadata: { customer: 'c-17', Ä: '☃' } },
		{ traceparent: `00-${trace}-00f067aa0ba902b7-01` },
	);
	assert.equal(answer.status, 202, answer.text);
	const { id, created_at, updated_at, ...rest } = answer.json;
	assert.match(id, uuid7);
	assert.match(answer.headers['request-id'], uuid7);
	assert.equal(answer.headers.location, `/v1/withdrawals/${id}`);
	assert.equal(answer.headers['idempotent-replayed'], undefined);
	assert.equal(created_at, updated_at);
	assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000);
	assert.deepEqual(rest, {
		status: 'PENDING',
		stage: 'accepted',
		chain: 'polygon',
		asset: 'USDC',
		to: payee,
		amount: '12.5',
		amount_base: '12500000',
		external_id: 'order-8812',
		metadata: { customer: 'c-17', Ä: '☃' },
		correlation_id: trace,
		version: 1,
	});
	assert.deepEqual((await api.get(`/v1/withdrawals/${id}`)).json, answer.json);
	const events = (await api.get(`/v1/withdrawals/${id}/events`)).json;
	assert.equal(events.next_after, null);
	assert.deepEqual(
		events.items.map(({ sequence, type, actor, stage }) => [sequence, type, actor, stage]),
		[[1, 'accepted', 'api', 'accepted']],
	);
	assert.equal(api.sql(`SELECT COUNT(*) FROM messages WHERE subject = ${blob(id)}`), '1');
});

test('without a traceparent the request id correlates', async () => {
	const answer = await post(good);
	assert.equal(answer.json.correlation_id, answer.headers['request-id']);
	const broken = await post(good, { traceparent: '00-0-0-0' });
	assert.equal(broken.json.correlation_id, broken.headers['request-id']);
});

// What is sent instead of a good request.
const text = JSON.stringify(good);
const sends = body => ({ body });
const field = fields => ({ body: { ...good, ...fields } });
const header = (name, value) => ({ headers: { [name]: value } });
const latin1 = body => ({ body: Buffer.from(body, 'latin1') });
const entries = (n, name) => Object.fromEntries(Array.from({ length: n }, (_, i) => [name + i, '']));
const tooLarge = (2n ** 256n).toString();
const noKey = `slk_${'0'.repeat(16)}_${'0'.repeat(64)}`;
const otherSecret = key => key.slice(0, -1) + (key.endsWith('0') ? '1' : '0');

const badInputs = [
	['no body', 400, 'body_missing', sends('')],
	['not JSON', 400, 'json_malformed', sends('amount=12.5')],
	['half of the JSON', 400, 'json_malformed', sends(text.slice(0, -1))],
	['JSON and more', 400, 'json_malformed', sends(`${text}{}`)],
	['bad UTF-8', 400, 'body_not_utf8', latin1(text.replace('12.5', '\xff'))],
	['an overlong form', 400, 'body_not_utf8', latin1(text.replace('12.5', '\xc0\xb1'))],
	['UTF-16', 400, 'body_not_utf8', sends(Buffer.from(`\ufeff${text}`, 'utf16le'))],
	['a duplicate key', 400, 'json_duplicate_key', sends(text.replace('{', '{"amount":"1",'))],
	['deep nesting', 400, 'json_too_deep', sends('['.repeat(4000))],
	['an array', 400, 'body_not_object', sends(`[${text}]`)],
	['a missing field', 422, 'field_missing', field({ to: undefined })],
	['an unknown field', 422, 'field_unknown', field({ memo: 'x' })],
	['names full of escapes', 422, 'field_unknown', field(entries(8, '\u0001'.repeat(150)))],
	['a wrong type', 422, 'field_type', field({ to: [payee] })],
	['null', 422, 'field_type', field({ asset: null })],
	['a JSON number', 422, 'number_forbidden', field({ amount: 12.5 })],
	['a JSON exponent', 422, 'number_forbidden', sends(text.replace('"12.5"', '1e3'))],
	['a JSON number beyond a double', 422, 'number_forbidden', sends(text.replace('"12.5"', '1e999'))],
	['a JSON number in metadata', 422, 'number_forbidden', field({ metadata: { a: 1 } })],
	['metadata in metadata', 422, 'field_type', field({ metadata: { a: {} } })],
	['too many metadata', 422, 'metadata_too_many', field({ metadata: entries(17, 'k') })],
	['oversized metadata', 422, 'metadata_too_large', field({ metadata: { a: 'x'.repeat(2048) } })],
	['an empty external_id', 422, 'external_id_malformed', field({ external_id: '' })],
	['a control character', 422, 'external_id_malformed', field({ external_id: 'a\u0000b' })],
	['a long external_id', 422, 'external_id_too_long', field({ external_id: 'é'.repeat(65) })],
	['an unknown chain', 422, 'chain_unknown', field({ chain: 'ethereum' })],
	['an unknown asset', 422, 'asset_unknown', field({ asset: 'DOGE' })],
	['no address', 422, 'address_malformed', field({ to: 'vitalik.eth' })],
	['a bad checksum', 422, 'address_checksum', field({ to: payee.replace('E4', 'e4') })],
	['the zero address', 422, 'address_zero', field({ to: `0x${'0'.repeat(40)}` })],
	["the token's own address", 422, 'address_is_token', field({ to: token })],
	['1e3 as text', 422, 'amount_malformed', field({ amount: '1e3' })],
	['a comma', 422, 'amount_malformed', field({ amount: '1,5' })],
	['a negative amount', 422, 'amount_not_positive', field({ amount: '-1' })],
	['zero', 422, 'amount_not_positive', field({ amount: '0.00' })],
	['too many decimals', 422, 'amount_decimals', field({ amount: '0.0000001' })],
	['2^256 base units', 422, 'amount_too_large',
		field({ amount: `${tooLarge.slice(0, -6)}.${tooLarge.slice(-6)}` })],
	['2^256 units', 422, 'amount_too_large', field({ amount: tooLarge })],
	['a body too large', 413, 'body_too_large', sends(text + ' '.repeat(8192))],
	['no Idempotency-Key', 400, 'idempotency_key_missing', header('idempotency-key', null)],
	['an empty one', 400, 'idempotency_key_malformed', header('idempotency-key', '')],
	['a long one', 400, 'idempotency_key_malformed', header('idempotency-key', 'k'.repeat(256))],
	['a space in it', 400, 'idempotency_key_malformed', header('idempotency-key', 'a b')],
	['two of them', 400, 'idempotency_key_malformed', header('idempotency-key', ['a', 'b'])],
	['no Content-Type', 415, 'content_type_unsupported', header('content-type', null)],
	['another type', 415, 'content_type_unsupported', header('content-type', 'text/plain')],
	['another charset', 415, 'content_type_unsupported',
		header('content-type', 'application/json; charset=utf-16')],
	['no Authorization', 401, 'authorization_missing', header('authorization', null)],
	['another scheme', 401, 'authorization_malformed', header('authorization', 'Basic YTpi')],
	['two of them', 401, 'authorization_malformed',
		header('authorization', key => [`Bearer ${key}`, `Bearer ${key}`])],
	['an unknown key', 401, 'api_key_invalid', header('authorization', `Bearer ${noKey}`)],
	['a wrong secret', 401, 'api_key_invalid',
		header('authorization', key => `Bearer ${otherSecret(key)}`)],
	['a query', 400, 'query_unknown', { path: '/v1/withdrawals?dry_run=true' }],
];

test('every bad input has its own clear answer and stores nothing', async t => {
	const digest = api.digest();
	for (const [name, status, code, { body = good, headers = {}, path }] of badInputs) {
		await t.test(name, async () => {
			const sent = { 'idempotency-key': 'bad-input', ...headers };
			if (typeof sent.authorization === 'function')
				sent.authorization = sent.authorization(api.key);
			const answer = await post(body, sent, path);
			assertProblem(answer, status, code);
			if (status === 401)
				assert.equal(answer.headers['www-authenticate'], 'Bearer');
			if (status === 422)
				assert.equal(answer.json.errors?.[0]?.code ?? code, code);
			assert.equal(api.digest(), digest);
		});
	}
	await t.test('one of our wallets', async () => {
		const [wallet] = (await api.get('/v1/wallets')).json.items;
		assertProblem(await post({ ...good, to: wallet.address }), 422, 'address_is_ours');
		assertProblem(await post({ ...good, to: wallet.address.toLowerCase() }), 422, 'address_is_ours');
		assert.equal(api.digest(), digest);
	});
	await t.test('and binds no key', async () => {
		const answer = await post(good, { 'idempotency-key': 'bad-input' });
		assert.equal(answer.status, 202, answer.text);
		assert.equal(answer.headers['idempotent-replayed'], undefined);
	});
});

test('several errors are told at once, each with its place', async () => {
	const answer = await post({ ...good, to: 'x', amount: '-1', 'a/b': '', metadata: { 'm~n': null } });
	assertProblem(answer, 422, 'field_unknown');
	assert.deepEqual(answer.json.errors.map(({ pointer, code }) => [pointer, code]), [
		['/a~1b', 'field_unknown'],
		['/to', 'address_malformed'],
		['/amount', 'amount_not_positive'],
		['/metadata/m~0n', 'field_type'],
	]);
});

test('same-key-twice: a hundred at once are one withdrawal', async () => {
	const key = newKey();
	const before = api.count('withdrawals');
	const answers = await Promise.all(
		Array.from({ length: 100 }, () => post(good, { 'idempotency-key': key })));
	for (const answer of answers)
		assert.equal(answer.status, 202, answer.text);
	assert.equal(new Set(answers.map(answer => answer.text)).size, 1);
	const replays = answers.filter(answer => answer.headers['idempotent-replayed'] === 'true');
	assert.equal(replays.length, 99);
	assert.equal(api.count('withdrawals'), before + 1);
});

test('same-key-twice: the answer stays that of the acceptance', async () => {
	const key = newKey();
	const first = await post({ ...good, metadata: { b: '1', a: '2' } }, { 'idempotency-key': key });
	const path = `/v1/withdrawals/${first.json.id}`;
	assert.equal((await api.request('POST', `${path}/cancel`)).status, 200);
	const spelled = `{ "metadata": {"a":"2","b":"\\u0031"}, "amount": "12.5", "to": "${payee}",`
		+ ' "asset":"USDC", "chain":"polygon" }';
	const again = await post(spelled, { 'idempotency-key': key });
	assert.equal(again.status, 202, again.text);
	assert.equal(again.text, first.text);
	assert.equal(again.headers['idempotent-replayed'], 'true');
	assert.equal((await api.get(path)).json.status, 'CANCELED');
});

test('same-key-twice: another body under the key is refused', async () => {
	const key = newKey();
	await accepted({}, { 'idempotency-key': key });
	const digest = api.digest();
	for (const other of [{ amount: '12.6' }, { amount: '12.50' }, { to: payee.toLowerCase() },
		{ metadata: {} }, { external_id: 'x' }]) {
		const answer = await post({ ...good, ...other }, { 'idempotency-key': key });
		assertProblem(answer, 422, 'idempotency_key_reused');
	}
	assert.equal(api.digest(), digest);
});

test('keys are compared to the byte', async () => {
	const ids = new Set();
	for (const key of ['Order-1', 'order-1', 'order-1.', '"order-1"'])
		ids.add((await accepted({}, { 'idempotency-key': key })).id);
	assert.equal(ids.size, 4);
});

test('an external_id belongs to one withdrawal for ever', async () => {
	const key = newKey();
	const first = await accepted({ external_id: 'invoice-1' }, { 'idempotency-key': key });
	await api.request('POST', `/v1/withdrawals/${first.id}/cancel`);
	const digest = api.digest();
	const taken = await post({ ...good, external_id: 'invoice-1' });
	assertProblem(taken, 409, 'external_id_taken');
	assert.equal(taken.json.existing_id, first.id);
	assert.equal(api.digest(), digest);
	assert.notEqual((await accepted({ external_id: 'Invoice-1' })).id, first.id);
	const again = await post({ ...good, external_id: 'invoice-1' }, { 'idempotency-key': key });
	assert.equal(again.json.id, first.id);
	const found = (await api.get('/v1/withdrawals?external_id=invoice-1')).json.items;
	assert.deepEqual(found.map(item => item.id), [first.id]);
});

test('same-key-twice: repeats that share a transaction', async () => {
	const release = await api.freeze();
	const key = [newKey(), newKey(), newKey()];
	const waiting = [];
	// The first one occupies the store thread; the others gather behind it.
	waiting.push(post(good, { 'idempotency-key': newKey() }));
	await sleep(200);
	for (let i = 0; i < 30; i++)
		waiting.push(post({ ...good, external_id: `group-${i % 3}` }, { 'idempotency-key': key[i % 3] }));
	const other = { ...good, amount: '1', external_id: 'group-0' };
	waiting.push(post(other, { 'idempotency-key': key[0] }));
	waiting.push(post({ ...good, external_id: 'group-1' }));
	await sleep(300);
	await release();
	const answers = await Promise.all(waiting);
	const [taken, reused] = [answers.pop(), answers.pop()];
	assertProblem(reused, 422, 'idempotency_key_reused');
	assertProblem(taken, 409, 'external_id_taken');
	for (const answer of answers)
		assert.equal(answer.status, 202, answer.text);
	assert.equal(new Set(answers.map(answer => answer.json.id)).size, 4);
	assert.equal(answers.filter(answer => answer.headers['idempotent-replayed']).length, 27);
	assert.equal(taken.json.existing_id, answers[2].json.id);
});

test('a frozen database gets 503, and the repeat pays once', async () => {
	const before = api.count('withdrawals');
	const release = await api.freeze();
	const key = newKey();
	try {
		const [stuck, waiting] = [post(good, { 'idempotency-key': key }), sleep(300).then(() =>
			post(good, { 'idempotency-key': key }))];
		await sleep(500);
		// The loop answers what needs no store, at once.
		const asked = Date.now();
		assert.equal((await api.get('/openapi.json')).status, 200);
		assertProblem(await api.get('/v1/nothing'), 404, 'route_unknown');
		assert.ok(Date.now() - asked < 2000);
		for (const answer of await Promise.all([stuck, waiting])) {
			assertProblem(answer, 503, 'store_unavailable');
			assert.equal(answer.headers['retry-after'], '1');
		}
	} finally {
		await release();
	}
	let answer;
	do
		answer = await post(good, { 'idempotency-key': key });
	while (answer.status === 503);
	assert.equal(answer.status, 202, answer.text);
	assert.equal(api.count('withdrawals'), before + 1);
});

test('lists go through all pages, newest first', async () => {
	const made = [];
	for (let i = 0; i < 7; i++)
		made.unshift((await accepted({ asset: 'POL', amount: `0.${i + 1}` })).id);
	const seen = [];
	let path = '/v1/withdrawals?asset=POL&status=PENDING&account=default&limit=3';
	for (let cursor = ''; cursor !== null;) {
		const page = (await api.get(path + cursor)).json;
		assert.ok(page.items.length <= 3);
		seen.push(...page.items.map(item => item.id));
		cursor = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`;
	}
	assert.deepEqual(seen, made);
	const since = (await api.get(`/v1/withdrawals/${made[3]}`)).json.created_at;
	const newer = (await api.get(`/v1/withdrawals?asset=POL&created_after=${since}`)).json.items;
	assert.ok(newer.every(item => item.created_at > since || item.id === made[3]));
	assert.equal((await api.get('/v1/withdrawals?status=COMPLETED')).json.items.length, 0);
});

test('parameters that are not known or not right are refused', async () => {
	for (const [query, code] of [
		['offset=1', 'query_unknown'], ['limit=1&limit=1', 'query_repeated'],
		['limit=0', 'query_malformed'], ['limit=201', 'query_malformed'], ['status=pending', 'query_malformed'],
		['created_after=yesterday', 'query_malformed'], ['cursor=x', 'cursor_malformed'],
	]) {
		const answer = await api.get(`/v1/withdrawals?${query}`);
		assertProblem(answer, 400, code);
		assert.equal(answer.json.errors[0].pointer, query.split('=')[0]);
		assert.equal(answer.json.errors[0].detail, answer.json.detail);
		if (query.startsWith('status')) assert.match(answer.json.detail, /is PENDING, PROCESSING, .* or CANCELED/);
		if (query.startsWith('offset')) assert.match(answer.json.detail, /status, asset, .* and cursor/);
	}
	assertProblem(await api.get('/v1/withdrawals?account=other'), 403, 'account_forbidden');
	assertProblem(await api.get('/v1/assets?x=1'), 400, 'query_unknown');
});

test('cancel: at once before the approval, and again', async () => {
	const { id } = await accepted();
	for (let i = 0; i < 2; i++) {
		const answer = await api.request('POST', `/v1/withdrawals/${id}/cancel`);
		assert.equal(answer.status, 200, answer.text);
		assert.equal(answer.json.status, 'CANCELED');
		assert.equal(answer.json.failure.code, 'canceled');
		assert.equal(answer.json.version, 2);
	}
	const answer = await api.request('POST', `/v1/withdrawals/${id}/cancel`, { body: '{"why":"x"}' });
	assertProblem(answer, 400, 'body_unexpected');
	const unknown = id.replace(/.$/, id.endsWith('0') ? '1' : '0');
	const missing = await api.request('POST', `/v1/withdrawals/${unknown}/cancel`);
	assertProblem(missing, 404, 'withdrawal_unknown');
});

test('speed-up: not before there is anything to speed up', async () => {
	const { id } = await accepted();
	const digest = api.digest();
	assertProblem(await api.request('POST', `/v1/withdrawals/${id}/speed-up`), 409, 'not_sent_yet');
	const answer = await api.request('POST', `/v1/withdrawals/${id}/speed-up`, { body: '{"fee":"1"}' });
	assertProblem(answer, 400, 'body_unexpected');
	assert.equal(api.digest(), digest);
	await api.request('POST', `/v1/withdrawals/${id}/cancel`);
	assertProblem(await api.request('POST', `/v1/withdrawals/${id}/speed-up`), 409, 'already_final');
});

test("idor: another account's withdrawal is not there", async () => {
	const { id } = await accepted({ external_id: 'mine' });
	const digest = api.digest();
	const headers = { authorization: `Bearer ${api.otherKey}` };
	for (const [method, path] of [['GET', ''], ['GET', '/events'], ['POST', '/cancel'], ['POST', '/speed-up']]) {
		const answer = await api.request(method, `/v1/withdrawals/${id}${path}`, { headers });
		assertProblem(answer, 404, 'withdrawal_unknown');
	}
	const list = await api.request('GET', '/v1/withdrawals?limit=200', { headers });
	assert.deepEqual(list.json.items, []);
	assert.equal(api.digest(), digest);
	// Neither keys nor external ids meet across accounts.
	const key = newKey();
	const ours = await accepted({}, { 'idempotency-key': key });
	const theirs = await accepted({ external_id: 'mine' }, { 'idempotency-key': key, ...headers });
	assert.notEqual(ours.id, theirs.id);
});

test('what is no route is 404, what is no method 405', async () => {
	for (const path of ['/', '/v1', '/v1/withdrawals/', '/v1/withdrawal', '//v1/withdrawals',
		'/V1/withdrawals', '/v1/withdrawals/x/y/z', '/metrics'])
		assertProblem(await api.get(path), 404, 'route_unknown');
	assertProblem(await api.get('/v1/withdrawals/not-an-id'), 404, 'withdrawal_unknown');
	for (const [method, path, allow] of [
		['DELETE', '/v1/withdrawals', 'POST, GET, HEAD'], ['PUT', '/v1/assets', 'GET, HEAD'],
		['GET', '/v1/queues/signing/redrive', 'POST'], ['OPTIONS', '/v1/wallets', 'GET, HEAD'],
	]) {
		const answer = await api.request(method, path);
		assertProblem(answer, 405, 'method_not_allowed');
		assert.equal(answer.headers.allow, allow);
	}
	const head = await api.request('HEAD', '/v1/assets');
	assert.equal(head.status, 200);
	assert.equal(head.text, '');
});

test('assets, wallets and queues', async () => {
	const assets = (await api.get('/v1/assets')).json.items;
	assert.deepEqual(assets.map(({ asset, decimals, contract }) => [asset, decimals, contract]),
		[['POL', 18, null], ['USDC', 6, token]]);
	const wallets = (await api.get('/v1/wallets')).json.items;
	assert.deepEqual(wallets.map(wallet => wallet.configured), [true, false]);
	const [wallet] = wallets;
	assert.equal(wallet.in_flight, 0);
	assert.deepEqual(wallet.balances, []);
	const queues = (await api.get('/v1/queues')).json.items;
	assert.deepEqual(queues.map(queue => queue.name), ['request', 'signing', 'monitor']);
	assert.ok(queues[0].waiting > 0);
	assert.deepEqual((await api.request('POST', '/v1/queues/request/redrive')).json,
		{ queue: 'request', moved: 0, more: false });
	assertProblem(await api.request('POST', '/v1/queues/nothing/redrive'), 404, 'queue_unknown');
});

test('a dead letter is counted and redriven', async () => {
	const { id } = await accepted();
	const subject = blob(id);
	api.sql(`UPDATE messages SET queue = 11 WHERE subject = ${subject}`);
	assert.equal((await api.get('/v1/queues')).json.items[0].dead, 1);
	assert.deepEqual((await api.request('POST', '/v1/queues/request-dlq/redrive')).json,
		{ queue: 'request', moved: 1, more: false });
	assert.equal(api.sql(`SELECT queue FROM messages WHERE subject = ${subject}`), '1');
});

test('the OpenAPI document names the routes that there are', async () => {
	const answer = await api.request('GET', '/openapi.json', { headers: { authorization: null } });
	assert.equal(answer.status, 200);
	for (const [path, item] of Object.entries(answer.json.paths))
		for (const method of ['get', 'post'].filter(name => name in item)) {
			const tried = await api.request(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x'));
			assert.notEqual(tried.json.code, 'route_unknown', path);
			assert.notEqual(tried.status, 405, path);
		}
});

// Bytes that two readers could take for different requests. Some have a whole good request behind
// them, which must not be seen.
const head = 'POST /v1/withdrawals HTTP/1.1\r\nHost: sluice\r\n';
const common = () => `Authorization: Bearer ${api.key}\r\nContent-Type: application/json\r\n`
	+ `Idempotency-Key: ${newKey()}\r\n`;
const lengthLine = `Content-Length: ${text.length}\r\n`;
const chunk = `${text.length.toString(16)}\r\n${text}\r\n`;
const whole = () => `${head}${common()}${lengthLine}\r\n${text}`;
// A good request but for these header lines, and one whose body is empty for who reads chunks.
const withLines = lines => () => `${head}${common()}${lines}\r\n${text}`;
const withStart = start => () => `${start}\r\n${common()}${lengthLine}\r\n${text}`;
const hiding = lines => () => `${head}${common()}${lines}\r\n0\r\n\r\n${whole()}`;
const chunks = body => () => `${head}${common()}Transfer-Encoding: chunked\r\n\r\n${body}`;

const attacks = [
	['two Content-Lengths', 400, 'request_malformed', withLines(`${lengthLine}Content-Length: 2\r\n`)],
	['twice the same', 400, 'request_malformed', withLines(lengthLine + lengthLine)],
	['a list as Content-Length', 400, 'request_malformed',
		withLines(`Content-Length: ${text.length}, ${text.length}\r\n`)],
	['a signed Content-Length', 400, 'request_malformed',
		withLines(`Content-Length: +${text.length}\r\n`)],
	['a space before the colon', 400, 'request_malformed',
		withLines(`Content-Length : ${text.length}\r\n`)],
	['Content-Length and Transfer-Encoding', 400, 'request_malformed',
		hiding('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')],
	['another Transfer-Encoding', 400, 'request_malformed', hiding('Transfer-Encoding: xchunked\r\n')],
	['a list of them', 400, 'request_malformed', hiding('Transfer-Encoding: chunked, identity\r\n')],
	['two of them', 400, 'request_malformed',
		hiding('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n')],
	['one in HTTP/1.0', 400, 'request_malformed', () =>
		hiding('Transfer-Encoding: chunked\r\n')().replace('HTTP/1.1', 'HTTP/1.0')],
	['a folded header', 400, 'request_malformed', withLines(`X: a\r\n b\r\n${lengthLine}`)],
	['a bare LF', 400, 'request_malformed', withLines(`X: a\n${lengthLine}`)],
	['a bare CR', 400, 'request_malformed', withLines(`X: a\rb\r\n${lengthLine}`)],
	['a NUL in a header', 400, 'request_malformed', withLines(`X: \0\r\n${lengthLine}`)],
	['two Hosts', 400, 'request_malformed', withLines(`Host: other\r\n${lengthLine}`)],
	['no Host', 400, 'request_malformed', withStart('POST /v1/withdrawals HTTP/1.1')],
	['an absolute target', 400, 'request_malformed',
		withStart('POST http://other/v1/withdrawals HTTP/1.1\r\nHost: sluice')],
	['a path with dots', 400, 'request_malformed',
		withStart('POST /v1/x/../withdrawals HTTP/1.1\r\nHost: sluice')],
	['a chunk extension', 400, 'request_malformed', chunks(`${chunk.replace('\r', ';x=y\r')}0\r\n\r\n`)],
	['a trailer', 400, 'request_malformed', chunks(`${chunk}0\r\nX: y\r\n\r\n`)],
	['a chunk longer than its size', 400, 'request_malformed', chunks(`1\r\n${text}\r\n0\r\n\r\n`)],
	['a chunk size beyond a number', 400, 'request_malformed', chunks(`${'f'.repeat(17)}\r\n${text}`)],
	['a body announced too large', 413, 'body_too_large', withLines('Content-Length: 99999999999\r\n')],
	['HTTP/2 in clear', 505, 'version_not_supported', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
	['an unknown method', 501, 'method_not_implemented',
		withStart('BREW /v1/withdrawals HTTP/1.1\r\nHost: sluice')],
	['another expectation', 417, 'expectation_failed', withLines(`Expect: 200-maybe\r\n${lengthLine}`)],
	['a long target', 414, 'target_too_long', withStart(`POST /${'x'.repeat(4000)} HTTP/1.1`)],
	['endless headers', 431, 'headers_too_large', withLines(`X: ${'x'.repeat(20000)}\r\n${lengthLine}`)],
];

test('ambiguous framing is refused, with the connection', async t => {
	const digest = api.digest();
	for (const [name, status, code, bytes] of attacks) {
		await t.test(name, async () => {
			const answers = await api.raw(bytes());
			assert.equal(answers.length, 1, JSON.stringify(answers));
			assertProblem(answers[0], status, code);
			assert.equal(answers[0].headers.connection, 'close');
			assert.equal(api.digest(), digest);
		});
	}
});

test('chunks and pipelining are read as they are meant', async () => {
	const single = chunks([...text].map(c => `1\r\n${c}\r\n`).join('') + '0\r\n\r\n');
	const last = 'GET /openapi.json HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n';
	const answers = await api.raw(single() + whole() + last);
	assert.deepEqual(answers.map(answer => answer.status), [202, 202, 200]);
});

test('revoked-key: an edited row grants nothing and raises an alarm', async () => {
	const id = api.otherKey.split('_')[1];
	const headers = { authorization: `Bearer ${api.otherKey}` };
	assert.equal((await api.request('GET', '/v1/assets', { headers })).status, 200);
	api.sql(`UPDATE api_keys SET account = 'default' WHERE id = '${id}'`);
	await sleep(api.keyCacheMs + 100);
	assertProblem(await api.request('GET', '/v1/assets', { headers }), 401, 'api_key_invalid');
	const alarm = api.log().find(line => line['event.action'] === 'api_key_seal_broken');
	assert.equal(alarm['labels.alarm'], true);
	api.sql(`UPDATE api_keys SET account = 'other' WHERE id = '${id}'`);
	await sleep(api.keyCacheMs + 100);
	assert.equal((await api.request('GET', '/v1/assets', { headers })).status, 200);
});

test('revoked-key: a revoked key is refused soon', async () => {
	await api.revoke(api.otherKey);
	await sleep(api.keyCacheMs + 100);
	const headers = { authorization: `Bearer ${api.otherKey}` };
	assertProblem(await api.request('GET', '/v1/assets', { headers }), 401, 'api_key_invalid');
});

test('a stop answers what is under way', async () => {
	const release = await api.freeze();
	const key = newKey();
	const under = post(good, { 'idempotency-key': key });
	await sleep(300);
	const ended = api.stop();
	await sleep(300);
	await release();
	assert.equal((await under).status, 202);
	assert.equal(await ended, 0);
});

test('secret-in-log: no key in any line', () => {
	const text = JSON.stringify(api.log());
	for (const key of [api.key, api.otherKey])
		assert.ok(!text.includes(key.split('_')[2]), 'a secret is in the log');
});
