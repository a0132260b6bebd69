// Two hosts, each with all four roles, around one MariaDB, SQS, Redis and KMS: what happens to one of
// the hosts, or to the servers, loses nothing and pays nobody twice. The judge reads the chain.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../tools/src/cluster.mjs';
import { startFauxqs } from '../tools/src/emulators.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { demoAssets, roles } from '../tools/src/stack.mjs';

const settleTimeoutMs = 90_000;
const leaseTermMs = 5000;
const connectionErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'socket hang up', 'half an answer']);

describe('two hosts around one of each server', () => {
	let cluster;
	let dir;
	const journals = [];

	before(async () => {
		dir = mkdtempSync(join(tmpdir(), 'sluice-cluster-'));
		cluster = await Cluster.open({
			program: process.env.SLUICE,
			dir,
			whole: true,
			wallets: 2, // and two of the KMS
			scryptN: 1024,
			anvil: { slots: 1, gasLimit: 300_000_000, blockTime: 0.25 },
			settings: {
				'signer.in_flight': 8,
				'processor.visibility_ms': 2000,
				'signer.visibility_ms': 2000,
				'chains.0.bump_after_s': 30,
				'store.wait_ms': 2000,
				'journal.wait_ms': 2000,
			},
		});
	});

	after(async () => {
		await cluster?.close();
		rmSync(dir, { recursive: true, force: true });
	});

	function load(count, { rate = 20 } = {}) {
		const journalPath = join(dir, `intents-${journals.length}.jsonl`);
		journals.push(journalPath);
		return startLoad({
			url: cluster.url,
			apiKey: cluster.apiKey,
			journalPath,
			count,
			rate,
			assets: demoAssets,
			timeoutMs: 5000,
			deadlineMs: 60_000,
		});
	}

	const rows = (sql) => cluster.mariadb.query(sql, 'sluice');

	// Until every withdrawal has ended; then the judge.
	async function settle() {
		const deadline = Date.now() + settleTimeoutMs;
		for (;;) {
			const [[open]] = await rows('SELECT COUNT(*) FROM withdrawals WHERE due_at IS NOT NULL');
			if (open === '0') break;
			const stages = () => rows('SELECT stage, held_reason, wait_reason, COUNT(*) FROM withdrawals GROUP BY 1, 2, 3');
			const said = cluster.hosts.flatMap((host) => host.logLines({ level: 'error', count: 3 }));
			if (Date.now() > deadline) assert.fail(`open: ${JSON.stringify(await stages())}\n${said.join('\n')}`);
			await sleep(100);
		}
		const report = await cluster.judge(journals);
		assert.ok(report.ok, JSON.stringify(report));
		assert.equal(report.accepted.doubled + report.accepted.lost + report.accepted.wrong, 0);
		const [[stopped]] = await rows("SELECT COUNT(*) FROM wallets WHERE stop_reason <> ''");
		assert.equal(stopped, '0');
		return report;
	}

	// { wallet id: host } of those that have wallets.
	async function signerOwners() {
		const owners = await rows('SELECT id, lease_holder FROM wallets ORDER BY id');
		return owners.map(([, holder]) =>
			cluster.hosts.findIndex((host) => holder.includes(`-${host.pid('signer')}-`)),
		);
	}

	async function waitFor(what, condition, timeoutMs) {
		const deadline = Date.now() + timeoutMs;
		while (!(await condition())) {
			assert.ok(Date.now() < deadline, what);
			await sleep(50);
		}
	}

	test('both take requests, and each is paid once', async () => {
		const { accepted } = await load(60, { rate: 0 }).finished;
		assert.equal(accepted, 60);
		await settle();
		for (const host of cluster.hosts) {
			const metrics = await host.metrics('api');
			const posts = [...metrics].filter(
				([name]) => name.startsWith('sluice_http_requests_total') && name.includes('POST'),
			);
			assert.ok(posts.some(([, value]) => value > 0), 'a host had no request');
		}
	});

	test('the signers share the wallets out', async () => {
		const shares = async () => {
			const owners = await signerOwners();
			return cluster.hosts.map((_, host) => owners.filter((owner) => owner === host).length);
		};
		await waitFor('one signer has more than its share', async () => (await shares()).every((n) => n === 2), 6 * leaseTermMs);
	});

	test('kill-any-role: each role of each host is killed under load', async () => {
		const running = load(80);
		for (const role of roles) {
			for (const host of cluster.hosts) {
				const pid = host.kill(role);
				assert.ok(pid, `no ${role}`);
				await host.waitForRole(role, { before: pid });
			}
		}
		assert.equal((await running.finished).accepted, 80);
		await settle();
	});

	test('stale-owner-wakes: a signer that hangs is replaced, and fenced off when it wakes', async () => {
		const running = load(120);
		await sleep(500);
		const owners = await signerOwners();
		const owner = owners[0];
		assert.ok(owner >= 0, 'nobody has the first wallet');
		cluster.hosts[owner].freeze('signer');
		const begun = Date.now();
		await waitFor(
			'the wallets of the frozen signer are nobody else’s',
			async () => (await signerOwners()).every((now) => now >= 0 && now !== owner),
			3 * leaseTermMs,
		);
		assert.ok(Date.now() - begun > leaseTermMs / 2, 'it was taken over before its term ended');
		await sleep(1000); // the other one has signed and sent meanwhile
		cluster.hosts[owner].thaw('signer');
		assert.equal((await running.finished).accepted, 120);
		await settle();
	});

	// Whoever has the lease stands still under load until another one has it, and goes on then.
	async function hangsWith(lease) {
		const running = load(60);
		await sleep(300);
		const holderOf = async () => (await rows(`SELECT holder FROM leases WHERE name LIKE '${lease}'`))[0][0];
		const holder = await holderOf();
		const host = cluster.hosts.find((host) => holder.includes(`-${host.pid('monitor')}-`));
		assert.ok(host, `nobody is ${holder}`);
		host.freeze('monitor');
		await waitFor(`nobody takes ${lease}`, async () => ![holder, ''].includes(await holderOf()), 3 * leaseTermMs);
		await sleep(500);
		host.thaw('monitor');
		assert.equal((await running.finished).accepted, 60);
		await settle();
		return host;
	}

	test('a monitor that hangs is replaced, and what it saw before is not written', async () => {
		await hangsWith('monitor-%');
	});

	test('a sequencer that hangs is replaced, and there is one', async () => {
		const owners = async () => {
			const all = await Promise.all(cluster.hosts.map((host) => host.metrics('monitor')));
			return all.map((metrics) => metrics.get('sluice_sequencer_owner'));
		};
		const hung = await hangsWith('sequencer');
		await waitFor('both are the sequencer, or none', async () =>
			(await owners()).reduce((sum, one) => sum + one, 0) === 1, 3 * leaseTermMs);
		assert.equal((await hung.metrics('monitor')).get('sluice_sequencer_owner'), 0);
	});

	test('rolling-restart: each host in turn, and the client sees no more than a connection’s end', async () => {
		const running = load(120);
		for (const host of cluster.hosts) {
			assert.ok(await host.stop(), 'it did not end by itself');
			await sleep(300);
			await host.start();
		}
		const { accepted, errors } = await running.finished;
		assert.equal(accepted, 120);
		for (const error of Object.keys(errors)) assert.ok(connectionErrors.has(error), error);
		await settle();
	});

	test('database-dies: kill -9 of the server under load, and it comes back', async () => {
		const running = load(80);
		await sleep(500);
		await cluster.mariadb.kill();
		await sleep(1000);
		await cluster.mariadb.start();
		assert.equal((await running.finished).accepted, 80);
		await settle();
	});

	test('database-hangs: the server is frozen for longer than every deadline', async () => {
		const running = load(60);
		await sleep(500);
		cluster.mariadb.freeze();
		await sleep(6000);
		cluster.mariadb.thaw();
		assert.equal((await running.finished).accepted, 60);
		await settle();
	});

	test('servers-die: SQS comes back empty, Redis and KMS come back, one after the other', async () => {
		const running = load(60);
		await sleep(300);
		await cluster.sqs.stop();
		await cluster.redis.kill();
		await sleep(500);
		await cluster.kms.stop();
		await sleep(500);
		await cluster.redis.start();
		await cluster.kms.start();
		cluster.sqs = await startFauxqs(dir, { port: cluster.sqs.port, clockPort: cluster.sqs.clockPort });
		await cluster.first.run(['queues', 'create', '--config', cluster.first.configFile]);
		assert.equal((await running.finished).accepted, 60);
		await settle();
	});

	test('servers-hang: all of them for a while, and a host dies meanwhile', async () => {
		const running = load(60);
		await sleep(300);
		const servers = [cluster.sqs, cluster.redis, cluster.kms, cluster.mariadb];
		for (const server of servers) server.freeze();
		await cluster.first.crash();
		await sleep(2500);
		for (const server of servers) server.thaw();
		await cluster.first.start();
		assert.equal((await running.finished).accepted, 60);
		await settle();
	});

	test('after all that, every event and audit record stands where it was sealed', async () => {
		const args = ['audit', 'verify', '--journal', '--json', '--config', cluster.first.configFile];
		const verify = async () => JSON.parse((await cluster.first.run(args)).stdout);
		await waitFor('rows wait', async () => (await verify()).waiting === 0, settleTimeoutMs);
		const report = await verify();
		assert.ok(report.intact, JSON.stringify(report));
		const [[events]] = await rows('SELECT COUNT(*) FROM events');
		const [[records]] = await rows('SELECT COUNT(*) FROM audit');
		assert.deepEqual([report.events, report.audit_records], [Number(events), Number(records)]);
		assert.ok(report.events > 0);
	});

	test('without the authority, or another’s, there is no connection', async () => {
		const [host] = cluster.hosts;
		const kept = { ...host.environment };
		try {
			delete host.environment.SLUICE_STORE_TLS_CA;
			await assert.rejects(host.run(['migrate', '--config', host.configFile]), /sluice_migrate|SSL|TLS|denied/i);
			writeFileSync(join(dir, 'other.pem'), 'no certificate\n');
			host.set({ 'store.tls_ca': join(dir, 'other.pem') });
			await assert.rejects(host.run(['migrate', '--config', host.configFile]), /SSL|TLS|certificate/i);
		} finally {
			host.environment = kept;
		}
	});
});
