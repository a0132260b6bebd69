// Lists out of a real replica: two MariaDB servers, the second of which replicates the first by GTID.
// A list comes from the replica when it is proved to be young, and from the primary when the replica
// lags, stands, hangs, is away, or has another schema; nobody waits for it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeDatabases, primarySettings, startMariadb, startReplica } from '../tools/src/mariadb.mjs';
import { startRedis } from '../tools/src/redis.mjs';
import { findFreePorts } from '../tools/src/stack.mjs';
import { apiConfiguration, json, newPlace, until } from './deployment.mjs';
import { Process } from './process.mjs';

const maxAgeMs = 2000;
const slowMs = 1500; // a request, whatever the replica does
const list = '/v1/withdrawals';
// What its user may read there, and nothing else (doc/cluster-deployment.md).
const tables = ['withdrawals', 'transfers', 'transfer_items', 'attempts', 'replica_marks', 'schema_migrations'];

const configuration = (dir, opsPort) => apiConfiguration(dir,
	`api: { listen: "127.0.0.1:0", ops_listen: "127.0.0.1:${opsPort}", key_cache_ms: 60000 }`);

let primary, replica, redis, place, env, api, serial = 0;

// Behind the back of its replication: what a list says of it, it can only have from there.
const editReplica = text => replica.query(`SET SESSION sql_log_bin = 0; ${text}`, 'sluice');
const fromReplica = answer => answer.headers.age !== undefined;
const variable = ([key, value]) => [`SLUICE_${key.replaceAll('.', '_').toUpperCase()}`, String(value)];

async function accepted() {
	const answer = await api.post(`key-${serial++}`);
	assert.equal(answer.status, 202);
	return answer.json.id;
}

async function listed(query = '', options) {
	const answer = await api.get(`${list}?limit=200${query}`, options);
	assert.equal(answer.status, 200);
	assert.ok(answer.ms < slowMs, `${answer.ms} ms`);
	return answer;
}

const has = (answer, id) => answer.json.items.some(item => item.id === id);
// Not one of a trickle, but all again: the breaker is closed.
const useReplica = what => until(what, async () => {
	for (let i = 0; i < 16; i++)
		if (!fromReplica(await listed())) return false;
	return true;
});

async function executions(server) {
	const rows = await server.query("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'");
	return Number(rows[0][1]);
}

before(async () => {
	const dir = newPlace('replica');
	const [first, second] = ['primary', 'second'].map(name => join(dir, name));
	const ports = await findFreePorts(3);
	mkdirSync(first);
	mkdirSync(second);
	primary = await startMariadb(first, { port: ports[0], settings: primarySettings });
	const settings = await makeDatabases(primary, first);
	await primary.query("CREATE USER sluice_list@'127.0.0.1' IDENTIFIED BY 'only-reads' REQUIRE SSL");
	replica = await startReplica(second, primary, { port: ports[1] });
	const password = join(dir, 'list.password');
	const authorities = join(dir, 'authorities.pem');
	writeFileSync(password, 'only-reads\n', { mode: 0o600 });
	writeFileSync(authorities, readFileSync(primary.ca, 'utf8') + readFileSync(replica.ca, 'utf8'));
	redis = await startRedis(dir);
	env = Object.fromEntries(Object.entries({
		...settings,
		'store.tls_ca': authorities,
		'store.replica.host': '127.0.0.1',
		'store.replica.port': replica.port,
		'store.replica.user': 'sluice_list',
		'store.replica.password_file': password,
		'store.replica.max_age_ms': maxAgeMs,
	}).map(variable));
	place = { dir, config: join(dir, 'sluice.yaml'), ops: `http://127.0.0.1:${ports[2]}` };
	writeFileSync(place.config, configuration(dir, ports[2]));
	const run = (...args) => json([...args, '--config', place.config], { env });
	run('keys', 'init');
	run('migrate');
	for (const table of tables)
		await primary.query(`GRANT SELECT ON sluice.${table} TO sluice_list@'127.0.0.1'`);
	place.key = run('api-key', 'create', '--name', 'test').key;
	api = await new Process(place, 'api', env).ready();
	await useReplica('the replica has caught up');
});

after(async () => {
	await api?.stop();
	await redis?.stop();
	await replica?.stop();
	await primary?.stop();
});

test('a young list comes from the replica, by a user who may only read there', async () => {
	const id = await accepted();
	await until('it is replicated', async () => {
		const answer = await listed();
		return fromReplica(answer) && has(answer, id);
	});
	const before = { primary: await executions(primary), replica: await executions(replica) };
	const answers = [];
	for (let i = 0; i < 100; i++) answers.push(await listed());
	const after = { primary: await executions(primary), replica: await executions(replica) };
	const replicated = answers.filter(fromReplica);
	assert.ok(replicated.length > 80, `${replicated.length} came from there; on a busy machine one may be late`);
	assert.ok(replicated.every(answer => Number(answer.headers.age) <= maxAgeMs / 1000));
	assert.ok(after.replica - before.replica >= 2 * replicated.length, 'each asks it for its facts and its rows');
	assert.ok(after.primary - before.primary < 100, 'the primary is only marked, and probed');
});

test('what has to be exact comes from the primary', async () => {
	const id = await accepted();
	await until('it is replicated', async () => has(await listed(), id));
	await editReplica(`UPDATE withdrawals SET metadata = '{"from":"replica"}', external_hash = NULL WHERE id = x'${id.replaceAll('-', '')}'`);
	const seen = answer => answer.json.items.find(item => item.id === id)?.metadata?.from;
	await until('the replica is asked', async () => seen(await listed()) === 'replica');
	const current = await listed('', { headers: { 'cache-control': 'no-cache' } });
	assert.equal(fromReplica(current), false);
	assert.equal(seen(current), undefined);
	assert.ok(has(current, id));
	const single = await api.get(`${list}/${id}`);
	assert.equal(single.json.metadata?.from, undefined);
	const external = await listed('&external_id=none');
	assert.equal(fromReplica(external), false, 'who asks by an external id asks whether he has paid');
	assert.equal((await api.post('key-0')).headers['idempotent-replayed'], 'true');
});

test('replication stops: no list is older than the bound', async () => {
	await useReplica('before');
	await replica.query('STOP SLAVE');
	const stopped = Date.now();
	const id = await accepted();
	let late = 0;
	for (let answer, asked; !answer || !has(answer, id) || asked < stopped + maxAgeMs + 500;) {
		asked = Date.now();
		answer = await listed();
		if (fromReplica(answer)) {
			assert.equal(has(answer, id), false);
			assert.ok(asked < stopped + maxAgeMs, `${asked - stopped} ms after the replica stood still`);
			late++;
		} else {
			assert.ok(has(answer, id));
		}
	}
	assert.ok(late > 0, 'within the bound the replica goes on answering');
	await replica.query('START SLAVE');
	await useReplica('it has caught up');
	assert.ok(has(await listed(), id));
});

// Lists and acceptances go on while something is wrong, then until the replica is asked again.
async function during(wrong, right) {
	await useReplica('before');
	await wrong();
	for (let i = 0; i < 5; i++) {
		const [id] = await Promise.all([accepted(), listed(), listed(), listed()]);
		const answer = await listed();
		assert.equal(fromReplica(answer), false);
		assert.ok(has(answer, id));
	}
	await right();
	await useReplica('after');
}

test('the replica hangs', () => during(
	async () => {
		replica.freeze();
		await until('it hangs', async () => !fromReplica(await listed()));
	},
	() => replica.thaw()));

test('the replica is killed', () => during(() => replica.kill(), () => replica.start()));

test('the replica has another schema', () => during(
	() => editReplica("INSERT INTO schema_migrations VALUES (99, 0, '')"),
	() => editReplica('DELETE FROM schema_migrations WHERE version = 99')));

test('the replica is another deployment\'s: nobody has marked it', () => during(
	async () => {
		await replica.query('STOP SLAVE');
		await editReplica('UPDATE replica_marks SET writer = REVERSE(writer)');
	},
	async () => {
		await editReplica('UPDATE replica_marks SET writer = REVERSE(writer)');
		await replica.query('START SLAVE');
	}));

test('a list counts once for the limit of its key, wherever it comes from', async () => {
	const burst = 1000;
	const limited = await new Process(place, 'limited', { ...env,
		SLUICE_API_OPS_LISTEN: '127.0.0.1:0', SLUICE_API_RATE_LIMIT: '1', SLUICE_API_RATE_BURST: String(burst),
		SLUICE_CACHE_REDIS: `127.0.0.1:${redis.port}`, SLUICE_CACHE_PASSWORD_FILE: redis.passwordFile,
		SLUICE_CACHE_TIMEOUT_MS: '1000' }).ready();
	const started = Date.now();
	let asked = 0;
	// What is left, and how it came there: never less than one for each, and what time has given back.
	const ask = async () => {
		const answer = await limited.get(list);
		assert.equal(answer.status, 200);
		asked++;
		const left = Number(/r=(\d+)/.exec(answer.headers.ratelimit)[1]);
		assert.ok(left >= burst - asked, `${left} are left after ${asked}`);
		assert.ok(left <= burst - asked + (Date.now() - started) / 1000 + 1, `${left} are left after ${asked}`);
		return answer;
	};
	try {
		await until('the replica is asked', async () => fromReplica(await ask()));
		let replicated = 0;
		for (let i = 0; i < 20; i++) replicated += fromReplica(await ask());
		assert.ok(replicated > 0);
		replica.freeze();
		await until('it hangs', async () => !fromReplica(await ask()));
		for (let i = 0; i < 5; i++) assert.equal(fromReplica(await ask()), false);
	} finally {
		await replica.thaw();
		await limited.stop();
	}
	assert.ok(Number((await redis.call('DBSIZE')).match(/\d+/)[0]) > 0, 'it is the shared limit');
});

test('what was refused, and why, is counted', async () => {
	assert.ok(api.lines().some(line => line['event.action'] === 'replica_fault'));
	const text = await (await fetch(`${place.ops}/metrics`)).text();
	for (const result of ['answered', 'stale', 'unavailable', 'not_asked'])
		assert.match(text, new RegExp(`sluice_replica_lists_total\\{result="${result}"\\} [1-9]`));
	assert.match(text, /sluice_breaker_trips_total\{neighbour="replica"\} [1-9]/);
});
