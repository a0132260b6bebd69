// Two API processes over one database and one Redis: what they share makes them faster, and whatever
// Redis does, forgets or says, their answers are those of the store.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProxy } from '../tools/src/proxy.mjs';
import { startRedis } from '../tools/src/redis.mjs';
import { findFreePorts } from '../tools/src/stack.mjs';
import { apiConfiguration, json, newPlace, until } from './deployment.mjs';
import { Process } from './process.mjs';

const copyMs = 1500;
const burst = 20;
const ofKey = 64; // requests of one key that wait
const slowMs = 1500; // a request, also while Redis hangs

const configuration = (dir, port, redis) => apiConfiguration(dir, `
cache: { redis: "127.0.0.1:${port}", password_file: ${redis.passwordFile}, timeout_ms: 100 }
api: { listen: "127.0.0.1:0", ops_listen: "127.0.0.1:0", status_copy_ms: ${copyMs}, key_cache_ms: 60000 }`);

let redis, proxy, place, serial = 0;

const sql = text => {
	const { status, stdout, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 5000', place.database, text],
		{ encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return stdout.trim();
};

// A command whose words hold any bytes, and its raw answer.
async function redisRaw(...words) {
	const net = await import('node:net');
	const parts = [['AUTH', redis.password], words, ['QUIT']].map(command => Buffer.concat([
		Buffer.from(`*${command.length}\r\n`),
		...command.map(word => {
			const bytes = Buffer.from(word);
			return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
		}),
	]));
	const socket = net.createConnection(redis.port, '127.0.0.1');
	socket.end(Buffer.concat(parts));
	const chunks = [];
	for await (const chunk of socket) chunks.push(chunk);
	const all = Buffer.concat(chunks).subarray('+OK\r\n'.length);
	return all.subarray(0, all.length - '+OK\r\n'.length);
}

const bulk = answer => {
	const end = answer.indexOf('\r\n');
	assert.equal(answer[0], '$'.charCodeAt(0), answer.toString());
	const len = Number(answer.subarray(1, end));
	return len < 0 ? undefined : answer.subarray(end + 2, end + 2 + len);
};

async function copyKey(id) {
	const keys = (await redis.call('KEYS *')).split('\r\n').filter(line => line.endsWith(`:w:${id}`));
	return keys[0];
}

before(async () => {
	const dir = newPlace('cache');
	redis = await startRedis(dir);
	place = { dir, config: join(dir, 'sluice.yaml'), database: join(dir, 'sluice.db') };
	proxy = await startProxy(redis.port);
	writeFileSync(place.config, configuration(dir, proxy.port, redis));
	const run = (...args) => json([...args, '--config', place.config]);
	run('keys', 'init');
	run('migrate');
	place.key = run('api-key', 'create', '--name', 'test').key;
	place.otherKey = run('api-key', 'create', '--name', 'test', '--account', 'other').key;
});

after(async () => {
	await proxy?.stop();
	await redis?.stop();
});

async function accepted(api) {
	const answer = await api.post(`key-${serial++}`);
	assert.equal(answer.status, 202);
	return answer.json.id;
}

describe('copies', () => {
	let one, two;
	const path = id => `/v1/withdrawals/${id}`;
	const edit = (id, metadata) => sql(
		`UPDATE withdrawals SET metadata = '${metadata}' WHERE id = x'${id.replaceAll('-', '')}'`);
	// What a copy said and the row does not say any more.
	const marked = answer => answer.json.metadata?.mark;

	before(async () => {
		one = new Process(place, 'copies-one');
		two = new Process(place, 'copies-two');
		await Promise.all([one.ready(), two.ready()]);
	});
	after(() => Promise.all([one.stop(), two.stop()]));

	test('one process reads what the other has read, for as long as a copy lives', async () => {
		const id = await accepted(one);
		edit(id, '{"mark":"first"}');
		assert.equal(marked(await one.get(path(id))), 'first');
		edit(id, '{"mark":"second"}'); // behind everybody's back
		assert.equal(marked(await two.get(path(id))), 'first', 'a copy is read');
		await until('the copy expires', async () => marked(await two.get(path(id))) === 'second');
	});

	test('a change drops the copies of all', async () => {
		const id = await accepted(one);
		assert.equal((await two.get(path(id))).json.status, 'PENDING');
		assert.equal((await one.get(path(id))).json.status, 'PENDING');
		assert.equal((await one.request('POST', `${path(id)}/cancel`)).json.status, 'CANCELED');
		assert.equal((await two.get(path(id))).json.status, 'CANCELED');
		assert.equal((await one.get(path(id))).json.status, 'CANCELED');
	});

	test('a copy is shown to its account alone', async () => {
		const id = await accepted(one);
		assert.equal((await one.get(path(id))).status, 200);
		for (const api of [one, two])
			assert.equal((await api.get(path(id), { key: place.otherKey })).json.code,
				'withdrawal_unknown');
	});

	test('what Redis makes up is not shown', async () => {
		const [id, other] = [await accepted(one), await accepted(one)];
		edit(other, '{"mark":"other"}');
		assert.equal((await one.get(path(id))).status, 200);
		assert.equal(marked(await one.get(path(other))), 'other');
		const key = await copyKey(id);
		const stolen = bulk(await redisRaw('GET', await copyKey(other)));
		const own = bulk(await redisRaw('GET', key));
		const forged = Buffer.from(own);
		const at = forged.indexOf('PENDING');
		assert.ok(at > 0);
		forged.write('PAIDOUT', at);
		for (const lie of [stolen, forged, own.subarray(0, 40), Buffer.alloc(8000, 0x31), Buffer.from('x')]) {
			await redisRaw('SET', key, lie);
			const answer = await two.get(path(id));
			assert.equal(answer.status, 200);
			assert.equal(answer.json.id, id);
			assert.equal(answer.json.status, 'PENDING');
			assert.equal(marked(answer), undefined);
		}
		await redisRaw('DEL', key);
		await redisRaw('RPUSH', key, 'a', 'b');
		assert.equal((await two.get(path(id))).json.status, 'PENDING');
	});

	test('an old copy that comes back is not shown', async () => {
		const id = await accepted(one);
		assert.equal((await one.get(path(id))).json.status, 'PENDING');
		const key = await copyKey(id);
		const old = bulk(await redisRaw('GET', key));
		assert.equal((await one.request('POST', `${path(id)}/cancel`)).status, 200);
		await until('no copy is that young', async () => {
			await redisRaw('SET', key, old);
			return (await two.get(path(id))).json.status === 'CANCELED';
		});
		await redisRaw('SET', key, old);
		assert.equal((await two.get(path(id))).json.status, 'CANCELED');
	});

	test('flushed, killed, frozen, slow, cut and started again under load, no answer is wrong', async () => {
		const ids = new Map();
		let stop = false, slowest = 0;
		const work = async api => {
			while (!stop) {
				const key = `load-${serial++}`;
				const posted = await api.post(key);
				assert.equal(posted.status, 202);
				assert.equal((await api.post(key)).json.id, posted.json.id);
				ids.set(posted.json.id, key);
				const seen = await two.get(path(posted.json.id));
				assert.equal(seen.json.id, posted.json.id);
				const canceled = await api.request('POST', `${path(posted.json.id)}/cancel`);
				assert.equal(canceled.json.status, 'CANCELED');
				const again = await api.get(path(posted.json.id));
				assert.equal(again.json.id, posted.json.id);
				slowest = Math.max(slowest, posted.ms, seen.ms, canceled.ms, again.ms);
			}
		};
		const workers = [one, two, one, two].map(work);
		const some = () => until('work goes on', (from => () => ids.size > from + 10)(ids.size));
		const faults = [
			() => redis.call('FLUSHALL'),
			() => redis.freeze(),
			() => redis.thaw(),
			() => redis.kill(),
			() => redis.start(),
			() => redis.call('SCRIPT FLUSH'),
			() => redis.call('CLIENT KILL TYPE normal'),
			() => proxy.delay(60),
			() => proxy.delay(300),
			() => proxy.cut(),
			() => proxy.freeze(),
			() => proxy.answer(503),
			() => proxy.reset(),
			() => proxy.pass(),
		];
		try {
			for (const fault of faults) {
				await some();
				await fault();
			}
			await some();
		} finally {
			stop = true;
			await Promise.all(workers);
		}
		assert.ok(slowest < slowMs, `${slowest} ms`);
		for (const id of ids.keys())
			assert.equal((await one.get(path(id))).json.id, id);
		assert.equal(sql(`SELECT COUNT(*) FROM withdrawals WHERE id IN (${
			[...ids.keys()].map(id => `x'${id.replaceAll('-', '')}'`).join()}) AND stage = 8`),
			String(ids.size), 'each is stored once, and canceled');
		assert.ok(one.lines().some(line => line['event.action'] === 'cache_away'));
	});
});

describe('waiting', () => {
	let one, two, ports;
	const path = (id, query) => `/v1/withdrawals/${id}?${query}`;
	const cancel = (api, id) => api.request('POST', `/v1/withdrawals/${id}/cancel`);
	const long = 'wait_ms=30000';

	async function looks(index, cause) {
		const text = await (await fetch(`http://127.0.0.1:${ports[index]}/metrics`)).text();
		return Number(new RegExp(`sluice_api_waiter_looks_total\\{cause="${cause}"\\} (\\d+)`).exec(text)[1]);
	}

	async function waiters(index) {
		const text = await (await fetch(`http://127.0.0.1:${ports[index]}/metrics`)).text();
		return Number(/sluice_api_waiters (\d+)/.exec(text)[1]);
	}

	before(async () => {
		ports = await findFreePorts(2);
		[one, two] = ports.map((port, i) => new Process(place, `waiting-${i}`,
			{ SLUICE_API_OPS_LISTEN: `127.0.0.1:${port}` }));
		await Promise.all([one.ready(), two.ready()]);
	});
	after(() => Promise.all([one.stop(), two.stop()]));

	test('who waits at one process is told of a change by another', async () => {
		// The first text may come before the ear is open; then a look finds the change.
		await until('it was told', async () => {
			const id = await accepted(one);
			const waiting = two.get(path(id, long));
			await until('it waits', async () => await waiters(1) === 1);
			assert.equal((await cancel(one, id)).status, 200);
			const answer = await waiting;
			assert.equal(answer.status, 200);
			assert.equal(answer.json.status, 'CANCELED');
			return await looks(1, 'told') > 0;
		});
	});

	test('what is known to be over, or newer, is answered at once', async () => {
		const id = await accepted(one);
		const { json: { version } } = await one.get(`/v1/withdrawals/${id}`);
		assert.equal((await one.get(path(id, `${long}&after=${version - 1}`))).json.version, version);
		assert.equal((await cancel(one, id)).status, 200);
		assert.equal((await one.get(path(id, long))).json.status, 'CANCELED');
	});

	test('who waits in vain gets what there is', async () => {
		const id = await accepted(one);
		const answer = await one.get(path(id, 'wait_ms=300'));
		assert.equal(answer.json.status, 'PENDING');
		assert.ok(answer.ms >= 300, `${answer.ms} ms`);
	});

	test('no other account waits for it, and no parameter is guessed', async () => {
		const id = await accepted(one);
		const other = await one.get(path(id, long), { key: place.otherKey });
		assert.equal(other.json.code, 'withdrawal_unknown');
		for (const query of ['wait_ms=-1', 'wait_ms=30001', 'wait_ms=1s', 'after=x', 'wait_ms='])
			assert.equal((await one.get(path(id, query))).json.code, 'query_malformed', query);
		assert.equal((await one.get(path(id, 'wait=1'))).json.code, 'query_unknown');
	});

	test('many wait, and hold up nobody; one key too many is answered at once', async () => {
		const ids = await Promise.all(Array.from({ length: ofKey }, () => accepted(one)));
		const crowd = new http.Agent({ keepAlive: true, maxSockets: 2 * ofKey });
		const waiting = ids.map(id => one.get(path(id, long), { agent: crowd }));
		await until('all wait', async () => await waiters(0) === ofKey);
		const extra = await one.get(path(ids[0], long), { agent: crowd });
		assert.equal(extra.json.status, 'PENDING');
		assert.ok(extra.ms < slowMs, `${extra.ms} ms`);
		for (let i = 0; i < 10; i++)
			assert.ok((await one.post(`beside-${serial++}`)).ms < slowMs);
		for (const id of ids) assert.equal((await cancel(two, id)).status, 200);
		for (const answer of await Promise.all(waiting)) assert.equal(answer.json.status, 'CANCELED');
		assert.equal(await waiters(0), 0);
		crowd.destroy();
	});

	test('who leaves while he waits is forgotten', async () => {
		const ids = await Promise.all(Array.from({ length: 20 }, () => accepted(one)));
		const crowd = new http.Agent({ keepAlive: true, maxSockets: ids.length });
		const gone = Promise.allSettled(ids.map(id => one.get(path(id, long), { agent: crowd })));
		await until('all wait', async () => await waiters(0) === ids.length);
		crowd.destroy();
		assert.ok((await gone).every(({ status }) => status === 'rejected'));
		for (const id of ids) assert.equal((await cancel(two, id)).status, 200);
		await until('nobody waits', async () => await waiters(0) === 0);
		assert.equal((await one.get(`/v1/withdrawals/${ids[0]}`)).json.status, 'CANCELED');
	});

	test('what anybody publishes changes nothing', async () => {
		const id = await accepted(one);
		const waiting = two.get(path(id, 'wait_ms=1000'));
		const [key] = (await redis.call('PUBSUB CHANNELS *')).split('\r\n').filter(line => line.endsWith(':changes'));
		assert.ok(key);
		const raw = Buffer.from(id.replaceAll('-', ''), 'hex');
		for (const lie of [raw, Buffer.concat(Array(64).fill(raw)), Buffer.alloc(1024), Buffer.alloc(1040), 'x', raw.subarray(1)])
			for (let i = 0; i < 20; i++) await redisRaw('PUBLISH', key, lie);
		assert.equal((await waiting).json.status, 'PENDING');
	});

	test('without Redis it takes longer, and that is all', async () => {
		for (const [away, back] of [['freeze', 'thaw'], ['kill', 'start']]) {
			const id = await accepted(one);
			const before = await looks(1, 'told');
			await redis[away]();
			const waiting = two.get(path(id, long));
			await until('it waits', async () => await waiters(1) === 1);
			assert.equal((await cancel(one, id)).status, 200);
			assert.equal((await waiting).json.status, 'CANCELED');
			assert.equal(await looks(1, 'told'), before);
			await redis[back]();
		}
		await until('it is told again', async () => {
			const id = await accepted(one);
			const before = await looks(1, 'told');
			const waiting = two.get(path(id, long));
			await until('it waits', async () => await waiters(1) === 1);
			await cancel(one, id);
			await waiting;
			return await looks(1, 'told') > before;
		});
	});

	test('who waits is answered when the process is asked to stop', async () => {
		const leaving = new Process(place, 'waiting-stop', { SLUICE_API_OPS_LISTEN: '127.0.0.1:0' });
		await leaving.ready();
		const id = await accepted(leaving);
		const waiting = leaving.get(path(id, long));
		const { json } = await leaving.get(`/v1/withdrawals/${id}`); // behind it
		assert.equal(json.status, 'PENDING');
		leaving.child.kill('SIGTERM');
		assert.equal((await waiting).json.status, 'PENDING');
		leaving.agent.destroy();
		assert.deepEqual(await leaving.ended, [0, null]);
	});
});

describe('limits of an account and of an address', () => {
	let one, two;
	const wide = { SLUICE_API_STATUS_COPY_MS: '0', SLUICE_API_RATE_LIMIT: '1000' };
	const list = '/v1/withdrawals?limit=1';
	const newKey = (...more) => json(['api-key', 'create', '--name', `wide-${serial++}`, ...more, '--config',
		place.config]).key;

	async function started(options) {
		const tag = serial++;
		one = new Process(place, `wide-one-${tag}`, { ...wide, ...options });
		two = new Process(place, `wide-two-${tag}`, { ...wide, ...options });
		await Promise.all([one.ready(), two.ready()]);
	}
	const ended = () => Promise.all([one.stop(), two.stop()]);

	// Requests of two keys, at once and to both; how many passed, in what time, and who refused.
	async function flood(keys, count) {
		const begun = Date.now();
		const answers = await Promise.all(Array.from({ length: count }, (_, i) =>
			[one, two][i % 2].get(list, { key: keys[(i >> 1) % keys.length] })));
		const refused = answers.filter(answer => answer.status === 429);
		const passed = answers.filter(answer => answer.status === 200).length;
		assert.equal(passed + refused.length, count);
		const limits = new Set(refused.map(({ headers }) => headers.ratelimit.split(';')[0]));
		return { passed, seconds: (Date.now() - begun) / 1000, limits: [...limits] };
	}

	test('all keys of an account have one limit, in all processes', async () => {
		await started({ SLUICE_API_ACCOUNT_RATE_LIMIT: '1', SLUICE_API_ACCOUNT_RATE_BURST: String(burst) });
		try {
			const account = ['--account', 'crowd'];
			const { passed, seconds, limits } = await flood([newKey(...account), newKey(...account)], 4 * burst);
			assert.ok(passed >= burst && passed <= burst + seconds + 1, `${passed} passed`);
			assert.deepEqual(limits, ['"account"']);
			const other = await one.get(list, { key: newKey('--account', 'else') });
			assert.equal(other.status, 200);
			assert.equal(other.headers['ratelimit-policy'], `"key";q=1000;w=1, "account";q=${burst};w=${burst}`);
			assert.equal(other.headers.ratelimit, `"account";r=${burst - 1};t=1`);
		} finally {
			await ended();
		}
	});

	test('an address has one limit, whatever keys it has', async () => {
		await started({ SLUICE_API_ADDRESS_RATE_LIMIT: '1', SLUICE_API_ADDRESS_RATE_BURST: String(burst) });
		try {
			const { passed, seconds, limits } =
				await flood([newKey('--account', 'a'), newKey('--account', 'b')], 4 * burst);
			assert.ok(passed >= burst && passed <= burst + seconds + 1, `${passed} passed`);
			assert.deepEqual(limits, ['"address"']);
		} finally {
			await ended();
		}
	});
});

describe('limits', () => {
	let one, two;
	const options = { SLUICE_API_RATE_LIMIT: '1', SLUICE_API_RATE_BURST: String(burst),
		SLUICE_API_STATUS_COPY_MS: '0' };
	const list = '/v1/withdrawals?limit=1';

	before(async () => {
		one = new Process(place, 'limits-one', options);
		two = new Process(place, 'limits-two', options);
		await Promise.all([one.ready(), two.ready()]);
	});
	after(() => Promise.all([one.stop(), two.stop()]));

	// Requests at once, half of them to each; how many passed, and in what time.
	async function flood(key, count) {
		const started = Date.now();
		const answers = await Promise.all(Array.from({ length: count }, (_, i) =>
			[one, two][i % 2].get(list, { key })));
		const passed = answers.filter(answer => answer.status === 200).length;
		const refused = answers.filter(answer => answer.status === 429);
		assert.equal(passed + refused.length, count);
		for (const { headers, json: problem } of refused) {
			assert.equal(problem.code, 'rate_limited');
			assert.ok(Number(headers['retry-after']) >= 1);
			assert.equal(headers['ratelimit-policy'], `"key";q=${burst};w=${burst}`);
			assert.match(headers.ratelimit, /^"key";r=0;t=\d+$/);
		}
		return { passed, seconds: (Date.now() - started) / 1000 };
	}

	const newKey = () => json(['api-key', 'create', '--name', `limit-${serial++}`, '--config', place.config]).key;

	test('two processes have one limit', async () => {
		const { passed, seconds } = await flood(newKey(), 4 * burst);
		assert.ok(passed >= burst && passed <= burst + seconds + 1, `${passed} passed`);
	});

	test('a key does not spend what another one has', async () => {
		const [a, b] = [newKey(), newKey()];
		await flood(a, 3 * burst);
		const answer = await one.get(list, { key: b });
		assert.equal(answer.status, 200);
		assert.equal(answer.headers.ratelimit, `"key";r=${burst - 1};t=1`);
	});

	test('nothing is done of what is refused, and it may be sent again', async () => {
		const before = sql('SELECT COUNT(*) FROM withdrawals');
		const key = newKey();
		await flood(key, 3 * burst);
		const post = () => one.request('POST', '/v1/withdrawals', { key,
			headers: { 'idempotency-key': 'refused', 'content-type': 'application/json' },
			body: JSON.stringify({ chain: 'polygon', asset: 'POL', to: Process.receiver, amount: '1' }) });
		assert.equal((await post()).status, 429);
		assert.equal(sql('SELECT COUNT(*) FROM withdrawals'), before);
		await until('a token comes', async () => (await post()).status === 202);
	});

	test('without Redis each process has the whole limit, and nobody waits long', async () => {
		await redis.kill();
		const { passed, seconds } = await flood(newKey(), 4 * burst);
		assert.ok(passed >= burst && passed <= 2 * (burst + seconds + 1), `${passed} passed`);
		assert.ok(passed > burst, `${passed} passed`);
		await redis.start();
		await until('the limit is one again', async () => {
			const again = await flood(newKey(), 4 * burst);
			return again.passed <= burst + again.seconds + 1;
		});
	});
});
