// Several hosts of Sluice around one database server and one chain: each host is a Stack of its own
// (a directory, ports, all four roles under `sluice run`), and a balancer stands before their APIs.
// On one machine; nothing but the server, the chain and the keys is shared between them.
import { cpSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { makeDatabases, startMariadb } from './mariadb.mjs';
import { Stack, findFreePorts } from './stack.mjs';

// Connections go to the hosts in turn; one that cannot be made goes to the next.
class Balancer {
	constructor(urls) {
		this.targets = urls.map((url) => new URL(url));
		this.turn = 0;
		this.server = createServer((client) => this.#serve(client, this.targets.length));
	}

	async start() {
		const [port] = await findFreePorts(1);
		this.server.listen(port, '127.0.0.1');
		await once(this.server, 'listening');
		this.url = `http://127.0.0.1:${port}`;
	}

	#serve(client, left) {
		const target = this.targets[this.turn++ % this.targets.length];
		const host = connect({ host: target.hostname, port: target.port });
		let isConnected = false;
		client.on('error', () => host.destroy());
		host.on('connect', () => {
			isConnected = true;
			client.pipe(host).pipe(client);
			client.on('close', () => host.destroy());
			host.on('close', () => client.destroy());
		});
		host.on('error', () => {
			if (isConnected || left <= 1) client.destroy();
			else this.#serve(client, left - 1);
		});
	}

	async stop() {
		this.server.close();
	}
}

export class Cluster {
	// Options of Stack, and: hosts, how many.
	constructor({ dir, hosts = 2, ...options }) {
		this.dir = dir;
		this.options = options;
		this.count = hosts;
		this.hosts = [];
	}

	static async open(options) {
		const cluster = new Cluster(options);
		try {
			await cluster.prepare();
			await cluster.start();
		} catch (error) {
			await cluster.close();
			throw error;
		}
		return cluster;
	}

	async prepare() {
		const [port] = await findFreePorts(1);
		const first = new Stack({ ...this.options, dir: join(this.dir, 'host1') });
		this.hosts.push(first);
		this.mariadb = await startMariadb(first.dir, { port });
		this.settings = { ...(await makeDatabases(this.mariadb, first.dir)), ...this.options.settings };
		first.set(this.settings);
		await first.startChain();
		await first.makeWallets();
		await first.fundWallets();
		await first.writeConfiguration();
		await first.makeStore();
		for (let number = 2; number <= this.count; number++) await this.#addHost(number);
		this.balancer = new Balancer(this.hosts.map((host) => host.url));
		await this.balancer.start();
		this.url = this.balancer.url;
	}

	async #addHost(number) {
		const [first] = this.hosts;
		const { anvil: _, blockMs: __, ...options } = this.options;
		const host = new Stack({ ...options, dir: join(this.dir, `host${number}`) });
		this.hosts.push(host);
		host.set(this.settings);
		for (const name of ['wallets', 'walletsYaml', 'token', 'chain', 'apiKey']) host[name] = first[name];
		await host.writeConfiguration({ rpc: first.anvil.url });
		for (const name of ['hot.json', 'hot.password', 'data/trust', 'api.key']) {
			cpSync(join(first.dir, name), join(host.dir, name), { recursive: true });
		}
	}

	async start() {
		await Promise.all(this.hosts.map((host) => host.start()));
	}

	get first() {
		return this.hosts[0];
	}

	get apiKey() {
		return this.first.apiKey;
	}

	judge(journals, options = {}) {
		return this.first.judge(journals, options);
	}

	async close() {
		const clean = await Promise.all(this.hosts.slice(1).map((host) => host.stop()));
		if (this.hosts.length > 0) clean.push(await this.first.close());
		await this.balancer?.stop();
		await this.mariadb?.stop();
		return clean.every(Boolean);
	}
}
