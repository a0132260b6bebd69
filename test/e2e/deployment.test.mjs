// doc/cluster-deployment.md, done word by word: its users with its rights, each role as a process of its
// own with its own user, and its way back from an older copy of the store.
//
// usage: SLUICE=path/to/sluice node --test deployment.test.mjs
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { codeOf, stepNow } from '../integration/second_factor.mjs';
import { credentials, startFauxqs } from '../tools/src/emulators.mjs';
import { region } from '../tools/src/kms.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { startMariadb } from '../tools/src/mariadb.mjs';
import { startRedis } from '../tools/src/redis.mjs';
import { Stack, chainName, demoAssets, findFreePorts, request, roles, sourceRoot } from '../tools/src/stack.mjs';

const settleTimeoutMs = 60_000;
const readyTimeoutMs = 20_000;
const payee = '0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe';
const text = readFileSync(join(sourceRoot, 'doc/cluster-deployment.md'), 'utf8');
const blocks = (language) => [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block);

describe('a deployment by the document', () => {
	let dir, mariadb, redis, sqs, stack, passwordFile;
	const journals = [];
	const as = (user) => ({ SLUICE_STORE_USER: `sluice_${user}` });

	async function run(user, ...args) {
		const kept = stack.environment;
		stack.environment = { ...kept, ...as(user) };
		try {
			return (await stack.run([...args, '--config', stack.configFile])).stdout;
		} finally {
			stack.environment = kept;
		}
	}

	async function startRoles(names = roles) {
		for (const role of names) stack.startRole(role, as(role));
		const deadline = Date.now() + readyTimeoutMs;
		for (const role of names) {
			while (!(await stack.isReady(role))) {
				assert.ok(Date.now() < deadline, `${role} is not ready:\n${stack.logLines({ count: 15 }).join('\n')}`);
				await sleep(50);
			}
		}
	}

	// By the document's own words alone.
	async function makeDatabases() {
		const [users, rights] = blocks('sql').map((block) => block.replaceAll('PASSWORD', 'pass-word').replaceAll("@'%'", "@'127.0.0.1'"));
		await mariadb.query(users);
		passwordFile = join(dir, 'db.password');
		writeFileSync(passwordFile, 'pass-word\n', { mode: 0o600 });
		for (const [section, user, migrator] of [['store', 'sluice_admin', 'sluice_migrate'], ['journal', 'sluice_journal', 'sluice_journal_migrate']]) {
			const settings = { backend: 'mysql', host: '127.0.0.1', port: mariadb.port, user, password_file: passwordFile, migrate_user: migrator, migrate_password_file: passwordFile, tls_ca: mariadb.ca };
			stack.set(Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${section}.${name}`, value])));
		}
		await stack.run(['keys', 'init', '--config', stack.configFile]);
		await Promise.all([1, 2, 3].map(() => stack.run(['migrate', '--quiet', '--config', stack.configFile])));
		await mariadb.query(rights);
		await stack.setPolicy(stack.policyFile);
	}

	before(async () => {
		dir = mkdtempSync(join(tmpdir(), 'sluice-deployment-'));
		const [port] = await findFreePorts(1);
		stack = new Stack({ program: process.env.SLUICE, dir: join(dir, 'host'), wallets: 2, scryptN: 1024, anvil: { slots: 1, gasLimit: 300_000_000, blockTime: 0.25 } });
		[mariadb, redis, sqs] = await Promise.all([startMariadb(stack.dir, { port }), startRedis(stack.dir), startFauxqs(dir)]);
		const [acl] = blocks('redis');
		assert.match(await redis.call(acl.trim().replace('PASSWORD', redis.password)), /^\+OK/);
		Object.assign(stack.environment, credentials);
		stack.set({
			'cache.redis': `127.0.0.1:${redis.port}`, 'cache.username': 'sluice', 'cache.password_file': redis.passwordFile,
			'api.rate_limit': 1000, 'queue.backend': 'sqs', 'queue.region': region, 'queue.endpoint': sqs.url,
			'monitor.balances_interval_ms': 200,
		});
		await stack.startChain();
		await stack.makeWallets();
		await stack.fundWallets();
		await stack.writeConfiguration();
		await makeDatabases();
		await stack.run(['queues', 'create', '--config', stack.configFile]);
		stack.apiKey = JSON.parse(await run('admin', 'api-key', 'create', '--json', '--name', 'shop',
			...['default', 'wallets:read', 'queues:read', 'queues:redrive'].flatMap(scope => ['--scope', scope]))).key;
		await startRoles();
	});

	after(async () => {
		await stack?.close();
		await Promise.all([mariadb, redis, sqs].map((server) => server?.stop()));
		rmSync(dir, { recursive: true, force: true });
	});

	const rows = (sql) => mariadb.query(sql, 'sluice');
	const headers = () => ({ Authorization: `Bearer ${stack.apiKey}`, 'Content-Type': 'application/json' });
	const get = (path) => request(stack.url + path, { headers: headers() });

	function post(path, body) {
		const key = `k-${Math.random()}`;
		return request(stack.url + path, { method: 'POST', headers: { ...headers(), 'Idempotency-Key': key }, body: body && JSON.stringify(body) });
	}

	// What people manage, by one with a second factor.
	async function manage() {
		const password = 'correct horse battery';
		writeFileSync(join(dir, 'word'), password, { mode: 0o600 });
		await run('admin', 'user', 'create', 'ann', '--role', 'admin', '--password-file', join(dir, 'word'));
		async function send(path, body, token) {
			const answer = await request(stack.url + path, {
				method: body === null ? 'GET' : 'POST', body: body ? JSON.stringify(body) : undefined,
				headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `m-${Math.random()}`, ...(token && { Authorization: `Bearer ${token}` }) },
			});
			assert.ok(answer.status < 300, `${path}: ${answer.body}`);
			return JSON.parse(answer.body);
		}
		const { access_token: first } = await send('/v1/auth/login', { name: 'ann', password });
		const { secret } = await send('/v1/auth/totp', { password }, first);
		await send('/v1/auth/totp/confirm', { code: codeOf(secret, stepNow() - 1) }, first);
		const { access_token: token } = await send('/v1/auth/step-up', { code: codeOf(secret) }, first);
		const account = { scope: 'account', name: 'nobody', reason: 'drill' };
		await send('/v1/controls', account, token);
		await send('/v1/controls/unpause', account, token);
		const { in_force: { document } } = await send('/v1/policies', null, token);
		await send('/v1/policies', { document }, token);
		await send('/v1/accounts', { name: 'nobody' }, token);
		await send('/v1/accounts/nobody/disable', undefined, token);
		await send('/v1/accounts/nobody/enable', undefined, token);
		await send('/v1/accounts', null, token);
		const listed = { account: 'nobody', chain: chainName, receiver: payee, label: 'drill' };
		const { entry } = await send('/v1/allow-list', listed, token);
		await send(`/v1/allow-list/${entry.id}/remove`, undefined, token);
		const { id } = await send('/v1/api-keys', { name: 'managed', account: 'nobody' }, token);
		await send(`/v1/api-keys/${id}/rotate`, {}, token);
		await send(`/v1/api-keys/${id}/revoke`, undefined, token);
		const { id: user } = await send('/v1/users', { name: 'ben', role: 'viewer', password }, token);
		await send(`/v1/users/${user}/role`, { role: 'operator' }, token);
		await send(`/v1/users/${user}/disable`, undefined, token);
		await send('/v1/audit', null, token);
		await send('/v1/auth/password', { password, new_password: `${password} staple` }, token);
	}

	async function accept(amount) {
		const answer = await post('/v1/withdrawals', { chain: chainName, asset: 'TUSD', to: payee, amount });
		assert.equal(answer.status, 202, answer.body);
		return JSON.parse(answer.body).id;
	}

	async function waitFor(what, condition) {
		const deadline = Date.now() + settleTimeoutMs;
		while (!(await condition())) {
			assert.ok(Date.now() < deadline, `${what}\n${stack.logLines({ level: 'error', count: 8 }).join('\n')}`);
			await sleep(50);
		}
	}

	const stageOf = async (id) => (await rows(`SELECT stage, held_reason FROM withdrawals WHERE id = X'${id.replaceAll('-', '')}'`))[0];
	const settle = () => waitFor('not all have ended', async () => (await rows("SELECT COUNT(*) FROM withdrawals WHERE due_at IS NOT NULL AND held_reason = ''"))[0][0] === '0');

	async function payMany(count) {
		const journalPath = join(dir, `intents-${journals.length}.jsonl`);
		journals.push(journalPath);
		const load = startLoad({ url: stack.url, apiKey: stack.apiKey, journalPath, count, rate: 0, assets: demoAssets, timeoutMs: 5000, deadlineMs: 60_000 });
		assert.equal((await load.finished).accepted, count);
		await settle();
	}

	function assertNobodyWasRefused() {
		const refused = readFileSync(stack.logFile, 'utf8').split('\n').filter((line) => /denied|\(1142\)|\(1143\)|NOPERM/.test(line));
		assert.deepEqual(refused.slice(0, 3), []);
	}

	test('every role has the rights that it needs', async () => {
		await payMany(30);
		const id = await accept('3');
		await post(`/v1/withdrawals/${id}/speed-up`);
		await post(`/v1/withdrawals/${id}/cancel`);
		await settle();
		for (const path of ['/v1/withdrawals?limit=5', `/v1/withdrawals/${id}`, `/v1/withdrawals/${id}/events`, '/v1/wallets', '/v1/queues'])
			assert.equal((await get(path)).status, 200, path);
		assert.match(await redis.call('DBSIZE'), /:[1-9]/);
		await waitFor('no balances', async () => (await rows('SELECT COUNT(*) FROM wallet_balances'))[0][0] !== '0');
		await run('admin', 'reconcile');
		await waitFor('not all is sealed', async () => (await rows('SELECT COUNT(*) FROM audit WHERE feed IS NULL'))[0][0] === '0');
		assert.ok(JSON.parse(await run('admin', 'audit', 'verify', '--json')).audit_records > 30);
		await run('admin', 'wallet', 'list');
		const other = JSON.parse(await run('admin', 'api-key', 'create', '--json', '--name', 'other'));
		await run('admin', 'api-key', 'revoke', other.id);
		await manage();
		assertNobodyWasRefused();
	});

	test('what is another role’s is refused', async () => {
		const forbidden = {
			sluice_api: ["UPDATE sluice.wallets SET stop_reason = ''", 'DELETE FROM sluice.withdrawals', 'SELECT * FROM sluice_journal.slots', 'DELETE FROM sluice.api_keys', 'DELETE FROM sluice.users', 'DELETE FROM sluice.proposals', 'UPDATE sluice.policies SET version = 0', 'UPDATE sluice.audit SET feed = NULL', 'SELECT * FROM sluice.feed_seals'],
			sluice_processor: ['SELECT * FROM sluice.api_keys', 'UPDATE sluice.transfers SET stage = 1', 'SELECT * FROM sluice_journal.slots'],
			sluice_signer: ['INSERT INTO sluice.withdrawals SELECT * FROM sluice.withdrawals', 'DELETE FROM sluice.attempts'],
			sluice_monitor: ['INSERT INTO sluice.attempts SELECT * FROM sluice.attempts', "UPDATE sluice.audit SET who = ''", 'DELETE FROM sluice.events', 'UPDATE sluice.feed_seals SET number = 0', 'SELECT * FROM sluice_journal.slots'],
			sluice_journal: ['DELETE FROM sluice_journal.slots', 'UPDATE sluice_journal.slots SET nonce = 0', 'DROP TABLE sluice_journal.slots', 'SELECT * FROM sluice.withdrawals'],
		};
		for (const [user, statements] of Object.entries(forbidden)) {
			for (const sql of statements) {
				const args = ['--no-defaults', '-h127.0.0.1', `-P${mariadb.port}`, `-u${user}`, '-ppass-word', `--ssl-ca=${mariadb.ca}`, '-e', sql];
				await assert.rejects(promisify(execFile)('mariadb', args), /denied/, `${user}: ${sql}`);
			}
		}
	});

	// One that is canceled after the copy was made looks as if it were not.
	test('an older copy of the store pays nobody whom the younger one has ended', async () => {
		stack.kill('processor');
		const canceled = await accept('7');
		const dump = join(dir, 'store.sql');
		await promisify(execFile)('mariadb-dump', ['--no-defaults', `--socket=${mariadb.socket}`, '-uroot', '--single-transaction', '--hex-blob', `--result-file=${dump}`, 'sluice']);
		assert.equal((await post(`/v1/withdrawals/${canceled}/cancel`)).status, 202);
		await startRoles(['processor']);
		await payMany(10);
		await stack.stop();
		await mariadb.query(`SOURCE ${dump}`, 'sluice');

		const marked = JSON.parse(await run('recover', 'restore', '--in-place', '--json'));
		assert.equal(marked.incarnation, 1);
		await assert.rejects(run('admin', 'unpause', '--reason', 'too early'), /reconcile --after-restore/);
		const found = JSON.parse(await run('recover', 'reconcile', '--after-restore', '--json'));
		assert.equal(found.unbound_count, 10);
		assert.deepEqual(found.held, [{ id: canceled, held: 'restored_undecided' }]);
		await startRoles();
		await run('admin', 'unpause', '--reason', 'compared with the books');
		await payMany(5);
		assert.deepEqual(await stageOf(canceled), ['1', 'restored_undecided']);
		const report = await stack.judge(journals);
		assert.equal(report.accepted.doubled + report.accepted.lost + report.accepted.wrong, 0, JSON.stringify(report));
		assertNobodyWasRefused();
	});
});
