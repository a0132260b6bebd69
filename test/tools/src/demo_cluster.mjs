// The demo on a cluster: two hosts with all four roles each, around MariaDB, SQS, Redis and KMS as others
// wrote them, behind a balancer. One of each role is killed while a thousand withdrawals are paid.
import { Cluster } from './cluster.mjs';
import { Demo } from './demo_host.mjs';
import { bytesText, countText, table } from './screen.mjs';
import { roles } from './stack.mjs';

export class ClusterDemo extends Demo {
	open(options) {
		this.cluster = new Cluster({ ...options, whole: true });
	}

	// The host whose commands are used, and whose chain it is.
	get stack() {
		return this.cluster.first;
	}

	get url() {
		return this.cluster.url;
	}

	async prepare() {
		const { cluster, screen } = this;
		screen.title('Setting up');
		await cluster.prepare();
		const { mariadb, sqs, redis, kms, first } = cluster;
		screen.fact('chain', `anvil at ${first.anvil.url}, a block every 0.25 s`);
		screen.fact('MariaDB', `127.0.0.1:${mariadb.port}, TLS; store and journal, by users of their own`);
		screen.fact('SQS', `fauxqs at ${sqs.url}`);
		screen.fact('Redis', `127.0.0.1:${redis.port}`);
		screen.fact('KMS', `moto at ${kms.url}`);
		const inKms = kms.keys.length;
		screen.fact('wallets', `${first.wallets.length - inKms} of one encrypted seed, ${inKms} in the KMS`);
		const begun = performance.now();
		await cluster.start();
		const seconds = ((performance.now() - begun) / 1000).toFixed(2);
		screen.fact('sluice run', `${cluster.hosts.length} hosts with four roles each, ready after ${seconds} s`);
		screen.fact('API', `${cluster.url}, a balancer before ${cluster.hosts.map((host) => host.url).join(' and ')}`);
	}

	// The demo's own look at the database: no one process knows.
	async countCompleted() {
		const sql = 'SELECT COUNT(*) FROM withdrawals WHERE stage = 5';
		const [[count]] = await this.cluster.mariadb.query(sql, 'sluice');
		return Number(count) - this.completedAtStart;
	}

	// One of each role: of the hosts in turn, but the signer that has wallets and the monitor that
	// watches the chain.
	async victims() {
		const { cluster } = this;
		const sql = "SELECT name, holder FROM leases WHERE name LIKE 'wallet%' OR name LIKE 'monitor%'";
		const leases = await cluster.mariadb.query(sql, 'sluice');
		return roles.map((role, index) => {
			const owner = cluster.hosts.findIndex((host) =>
				leases.some(([, holder]) => holder.startsWith(`${role}-`) && holder.includes(`-${host.pid(role)}-`)),
			);
			const number = owner >= 0 ? owner : index % cluster.hosts.length;
			return { role, number, host: cluster.hosts[number], pid: cluster.hosts[number].pid(role) };
		});
	}

	async killOne() {
		const { stack, screen } = this;
		const { inFlight } = await stack.work();
		const victims = await this.victims();
		if (inFlight === 0 || victims.some(({ pid }) => pid === undefined)) return;
		this.killed = { at: performance.now(), inFlight };
		for (const { host, role, number, pid } of victims) {
			host.kill(role);
			screen.line(screen.red(`  kill -9 ${pid}`) + `, the ${role} of host ${number + 1}`);
		}
		screen.line(`  ${countText(inFlight)} payments in flight`);
		this.revival = Promise.all(
			victims.map(({ host, role, pid }) => host.waitForRole(role, { before: pid })),
		).then(() => {
			const ms = performance.now() - this.killed.at;
			screen.line(`  all four are back after ${(ms / 1000).toFixed(2)} s`);
		});
		this.revival.catch(() => {}); // told to the one who waits for it
	}

	memoryTable() {
		const usages = this.cluster.hosts.map((host) => host.usage());
		const sum = (usage) => Object.values(usage).reduce((total, one) => total + one.pss, 0);
		const row = (name, numbers) => [name, ...numbers.map((bytes) => bytesText(bytes ?? 0))];
		return table(
			['memory (Pss)', ...usages.map((_, index) => `host ${index + 1}`)],
			[
				...[...roles, 'run'].map((role) =>
					row(role === 'run' ? 'supervisor' : role, usages.map((usage) => usage[role]?.pss)),
				),
				row('together', usages.map(sum)),
			],
		);
	}

	async close() {
		this.screen.progressEnd();
		await this.cluster.close();
	}
}
