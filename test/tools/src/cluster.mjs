// Several hosts of Sluice around one database server and one chain: each host is a Stack of its own
// (a directory, ports, all four roles under `sluice run`), and a balancer stands before their APIs.
// On one machine; nothing but the servers, the chain and the keys is shared between them. With
// `whole` the servers are all that a cluster has: MariaDB, SQS, Redis and KMS, as others wrote them; with
// `wires` a proxy stands before each of them, by its name in `wires`.
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { credentials, startFauxqs } from './emulators.mjs';
import { region, startKms } from './kms.mjs';
import { makeDatabases, startMariadb } from './mariadb.mjs';
import { startProxy } from './proxy.mjs';
import { startRedis } from './redis.mjs';
import { Stack, chainName, findFreePorts } from './stack.mjs';

const kmsWallets = 2;

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

// With the wallets of a KMS beside those of the keystore: what `keys add` prints becomes the
// configuration.
class Host extends Stack {
	async makeWallets() {
		await super.makeWallets();
		if (!this.kms) return;
		this.signerYaml = '';
		for (const { id } of this.kms.keys) {
			const place = ['--name', 'kms', '--region', region, '--endpoint', this.kmsUrl];
			const args = ['keys', 'add', 'kms', ...place, '--key-id', id, '--json', '--chain', chainName];
			const { address, yaml } = JSON.parse((await this.run(args)).stdout);
			const at = yaml.indexOf('wallets:\n');
			this.wallets.push(address);
			this.signerYaml = yaml.slice('signer:\n'.length, at);
			this.walletsYaml += `${yaml.slice(at + 'wallets:\n'.length)}    fresh: true\n`;
		}
	}

	async writeConfiguration(options) {
		await super.writeConfiguration(options);
		if (!this.kms) return;
		const text = readFileSync(this.configFile, 'utf8').replace('signer:\n', `signer:\n${this.signerYaml}`);
		writeFileSync(this.configFile, text, { mode: 0o600 });
	}
}

export class Cluster {
	// Options of Stack, and: hosts, how many; whole, with all servers; wires, with proxies before
	// them; isMysql, with MySQL 8 instead of MariaDB.
	constructor({ dir, hosts = 2, whole = false, wires = false, isMysql = false, ...options }) {
		this.isMysql = isMysql;
		this.dir = dir;
		this.whole = whole;
		this.wires = wires ? {} : undefined;
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
		const first = new Host({ ...this.options, dir: join(this.dir, 'host1') });
		this.hosts.push(first);
		this.mariadb = await startMariadb(first.dir, { port, isMysql: this.isMysql });
		const databases = await makeDatabases(this.mariadb, first.dir, { port: await this.#portTo('mariadb') });
		this.settings = { ...databases, ...(this.whole && (await this.#startServers())), ...this.options.settings };
		this.#tell(first);
		await first.startChain();
		await first.makeWallets();
		await first.fundWallets();
		await first.writeConfiguration();
		await first.makeStore();
		if (this.whole) await first.run(['queues', 'create', '--config', first.configFile]);
		for (let number = 2; number <= this.count; number++) await this.#addHost(number);
		this.balancer = new Balancer(this.hosts.map((host) => host.url));
		await this.balancer.start();
		this.url = this.balancer.url;
	}

	// Where hosts find a server.
	async #portTo(name) {
		const port = this[name].port ?? Number(new URL(this[name].url).port);
		if (!this.wires) return port;
		this.wires[name] = await startProxy(port);
		return this.wires[name].port;
	}

	async #startServers() {
		const keys = Array.from({ length: kmsWallets }, () => ({}));
		const parts = [startRedis(this.first.dir), startFauxqs(this.dir), startKms(this.dir, keys)];
		[this.redis, this.sqs, this.kms] = await Promise.all(parts);
		this.kmsUrl = `http://127.0.0.1:${await this.#portTo('kms')}`;
		return {
			'cache.redis': `127.0.0.1:${await this.#portTo('redis')}`,
			'cache.password_file': this.redis.passwordFile,
			'queue.backend': 'sqs',
			'queue.region': region,
			'queue.endpoint': `http://127.0.0.1:${await this.#portTo('sqs')}`,
		};
	}

	// What a host learns of the others.
	#tell(host) {
		host.set(this.settings);
		if (!this.whole) return;
		Object.assign(host.environment, credentials);
		host.kms = this.kms;
		host.kmsUrl = this.kmsUrl;
	}

	async #addHost(number) {
		const [first] = this.hosts;
		const { anvil: _, blockMs: __, ...options } = this.options;
		const host = new Host({ ...options, dir: join(this.dir, `host${number}`) });
		this.hosts.push(host);
		this.#tell(host);
		for (const name of ['wallets', 'walletsYaml', 'signerYaml', 'token', 'chain', 'apiKey']) host[name] = first[name];
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
		await Promise.all(Object.values(this.wires ?? {}).map((wire) => wire.stop()));
		await Promise.all([this.mariadb, this.redis, this.sqs, this.kms].map((server) => server?.stop()));
		return clean.every(Boolean);
	}
}
