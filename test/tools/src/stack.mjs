// Sluice beside a development chain of its own: made, started, killed and looked at, for the demo,
// the torture, the benchmarks and tests. A library; it knows no more of Sluice than its commands,
// its HTTP and its pid files.
//
// Everything lives in one directory: sluice.yaml, the keystore, data/ (database, journal, trust),
// api.key, pid/, sluice.log, and what anvil keeps.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseEther, parseUnits } from 'viem';
import { readStartTick, startAnvil } from './anvil.mjs';
import { Chain } from './chain.mjs';
import { readIntents } from './intents.mjs';
import { judge } from './judge.mjs';
import { Miner } from './miner.mjs';

export const roles = Object.freeze(['api', 'processor', 'signer', 'monitor']);
export const sourceRoot = resolve(fileURLToPath(import.meta.url), '../../../..');
export const chainName = 'anvil';

// Of the assets in examples/demo.yaml; the amounts suit its limits. For load.mjs.
export const demoAssets = Object.freeze([
	{
		chain: chainName,
		asset: 'ETH',
		decimals: 18,
		min: parseEther('0.001'),
		max: parseEther('0.01'),
		weight: 1,
	},
	{
		chain: chainName,
		asset: 'TUSD',
		decimals: 6,
		min: parseUnits('1', 6),
		max: parseUnits('20', 6),
		weight: 1,
	},
]);

const readyTimeoutMs = 30_000;
const stopTimeoutMs = 20_000;
const ticksPerSecond = 100; // USER_HZ, the same on every Linux

// Ports that nobody listens on, below those that the kernel gives to outgoing connections: a role
// that comes back must find its own port free.
export async function findFreePorts(count) {
	const ports = [];
	while (ports.length < count) {
		const port = 20_000 + Math.floor(Math.random() * 12_000);
		const server = createServer();
		const isFree = await new Promise((done) => {
			server.once('error', () => done(false));
			server.listen(port, '127.0.0.1', () => done(true));
		});
		if (!isFree) continue;
		server.close();
		await once(server, 'close');
		if (!ports.includes(port)) ports.push(port);
	}
	return ports;
}

// One request on a connection of its own: { status, body }. Rejects when there is no answer.
export function request(url, { method = 'GET', headers = {}, body, timeoutMs = 5000 } = {}) {
	return new Promise((done, fail) => {
		const asked = http.request(url, { method, headers, timeout: timeoutMs, agent: false });
		asked.on('timeout', () => asked.destroy(new Error(`${url}: no answer`)));
		asked.on('error', fail);
		asked.on('response', (response) => {
			const chunks = [];
			response.on('data', (chunk) => chunks.push(chunk));
			response.on('error', fail);
			response.on('end', () =>
				done({ status: response.statusCode, body: Buffer.concat(chunks).toString() }),
			);
		});
		asked.end(body);
	});
}

// Prometheus' text format: a Map of `name{labels}` to numbers.
export function parseMetrics(text) {
	const metrics = new Map();
	for (const line of text.split('\n')) {
		const at = line.lastIndexOf(' ');
		if (at > 0 && !line.startsWith('#')) metrics.set(line.slice(0, at), Number(line.slice(at)));
	}
	return metrics;
}

// { pss, rss } in bytes; undefined when there is no such process. Needs to be root, since the
// roles keep other users' eyes out of their memory.
export function readMemory(pid) {
	try {
		const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
		const bytes = (name) => 1024 * Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)[1]);
		return { pss: bytes('Pss'), rss: bytes('Rss') };
	} catch {
		return undefined;
	}
}

// Seconds of CPU since its start, in steps of 10 ms; undefined when there is no such process.
export function readCpuSeconds(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
	} catch {
		return undefined;
	}
}

// R, S, T (stopped), Z …; undefined when there is no such process.
export function readState(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return stat.slice(stat.lastIndexOf(')') + 2)[0];
	} catch {
		return undefined;
	}
}

export class CommandError extends Error {
	constructor(args, status, stderr) {
		super(`sluice ${args.join(' ')}: ${stderr.trim() || `ended with ${status}`}`);
		this.status = status;
	}
}

function replaceOnce(text, from, to) {
	const parts = text.split(from);
	if (parts.length !== 2) throw new Error(`examples/demo.yaml: "${from}" is not there once`);
	return parts.join(to);
}

// The setting `signer.in_flight` as the variable that overrides it.
const variableOf = (path) => `SLUICE_${path.toUpperCase().replaceAll('.', '_')}`;

// Settings of the environment would be taken for ours.
function cleanEnvironment() {
	return Object.fromEntries(
		Object.entries(process.env).filter(([name]) => !/^SLUICE(_|$)/.test(name)),
	);
}

export class Stack {
	// program: the `sluice` executable. dir: is made. wallets: how many. scryptN: cost of the
	// keystore; the product's default if absent. anvil: options of startAnvil. blockMs: a Miner makes
	// the blocks, in place of anvil itself; needed where there are reorganisations. settings: of the
	// configuration, by path: { 'signer.in_flight': 4, 'chains.0.poll_ms': 50 }. environment:
	// further variables. detached: it outlives this process.
	constructor({
		program,
		dir,
		wallets = 4,
		scryptN,
		anvil = {},
		blockMs,
		settings = {},
		environment = {},
		detached = false,
	}) {
		Object.assign(this, { walletCount: wallets, scryptN, blockMs, detached });
		this.anvilOptions = { ...anvil, ...(blockMs && { noMining: true }) };
		this.program = resolve(program);
		this.dir = resolve(dir);
		this.configFile = join(this.dir, 'sluice.yaml');
		this.pidDir = join(this.dir, 'pid');
		this.logFile = join(this.dir, 'sluice.log');
		this.apiKeyFile = join(this.dir, 'api.key');
		this.policyFile = join(sourceRoot, 'examples/demo-policy.json');
		this.environment = { ...cleanEnvironment(), ...environment };
		this.set(settings);
		this.singles = new Map(); // role → child, of startRole
		mkdirSync(this.dir, { recursive: true });
	}

	// Further settings of the configuration, for what is started from now on.
	set(settings) {
		for (const [path, value] of Object.entries(settings)) {
			this.environment[variableOf(path)] = String(value);
		}
	}

	// All of it in one go: a stack that runs.
	static async open(options) {
		const stack = new this(options);
		try {
			await stack.startChain();
			await stack.makeWallets();
			await stack.fundWallets();
			await stack.writeConfiguration();
			await stack.makeStore();
			await stack.start();
		} catch (error) {
			await stack.close();
			throw error;
		}
		return stack;
	}

	// --- the parts, in the order in which they need each other

	async startChain() {
		const [port] = await findFreePorts(1);
		this.anvil = await startAnvil(join(this.dir, 'anvil'), {
			port,
			detached: this.detached,
			...this.anvilOptions,
		});
		this.chain = new Chain(this.anvil.url);
		if (this.blockMs) this.miner = new Miner(this.chain, this.blockMs);
	}

	// `sluice keys new`.
	async makeWallets() {
		const cost = this.scryptN ? ['--scrypt-n', String(this.scryptN)] : [];
		const { stdout } = await this.run([
			...['keys', 'new', '--json', '--name', 'hot', '--chain', chainName],
			...['--wallets', String(this.walletCount), '--out', join(this.dir, 'hot.json')],
			...['--password-file', join(this.dir, 'hot.password'), ...cost],
		]);
		const made = JSON.parse(stdout);
		this.wallets = made.wallets.map((wallet) => wallet.address);
		this.walletsYaml = made.yaml.slice(made.yaml.indexOf('wallets:'));
	}

	// Deploys the token, gives each wallet coins and tokens, and makes all of it final: no
	// reorganisation that the chain allows takes it back.
	async fundWallets({ coins = '1000', tokens = '10000000' } = {}) {
		await this.chain.fund(this.wallets, parseEther(coins));
		this.token = await this.chain.deployToken('TUSD', 6);
		await this.token.mint(this.wallets, parseUnits(tokens, 6));
		await this.chain.mine(2 * (this.anvilOptions.slots ?? 1) + 1);
	}

	// examples/demo.yaml with our ports and addresses.
	async writeConfiguration({ rpc = this.anvil.url } = {}) {
		const ports = await findFreePorts(1 + roles.length);
		this.url = `http://127.0.0.1:${ports[0]}`;
		this.opsUrls = Object.fromEntries(
			roles.map((role, index) => [role, `http://127.0.0.1:${ports[1 + index]}`]),
		);
		let text = readFileSync(join(sourceRoot, 'examples/demo.yaml'), 'utf8');
		text = text.slice(text.indexOf('\n\n') + 2); // without its head, which is about this
		const places = ['3000', '3100', '3001', '3002', '3003'];
		let found = 0;
		text = text.replace(/127\.0\.0\.1:(3\d{3})$/gm, (_, port) => {
			found++;
			return `127.0.0.1:${ports[places.indexOf(port)]}`;
		});
		if (found !== places.length) throw new Error('examples/demo.yaml: other ports than known');
		text = replaceOnce(text, 'http://127.0.0.1:8545', rpc);
		text = replaceOnce(
			text,
			'0x5FbDB2315678afecb367f032d93F642f64180aa3',
			this.token?.address ?? '0x5FbDB2315678afecb367f032d93F642f64180aa3',
		);
		text = text.slice(0, text.indexOf('wallets:  ')) + this.walletsYaml;
		writeFileSync(this.configFile, text, { mode: 0o600 });
	}

	// `sluice keys init`, `migrate` and `api-key create`.
	async makeStore() {
		await this.run(['keys', 'init', '--config', this.configFile]);
		await this.run(['migrate', '--quiet', '--config', this.configFile]);
		const { stdout } = await this.run([
			...['api-key', 'create', '--json', '--name', 'stack', '--config', this.configFile],
			...['default', 'wallets:read', 'queues:read', 'queues:redrive'].flatMap((scope) => ['--scope', scope]),
		]);
		await this.setPolicy(this.policyFile);
		this.apiKey = JSON.parse(stdout).key;
		writeFileSync(this.apiKeyFile, `${this.apiKey}\n`, { mode: 0o600 });
	}

	async setPolicy(file) {
		await this.run(['policy', 'set', file, '--config', this.configFile]);
	}

	// `sluice run`; returns when all roles are ready, with what it took in ms.
	async start() {
		const begun = performance.now();
		const args = ['run', '--config', this.configFile, '--pid-dir', this.pidDir];
		this.supervisor = this.#spawn(args, { signal: 'SIGTERM' });
		await this.#waitUntil(
			async () => (await Promise.all(roles.map((role) => this.isReady(role)))).every(Boolean),
			readyTimeoutMs,
			() => this.supervisor.exitCode !== null || this.supervisor.signalCode !== null,
			'sluice run is not ready',
		);
		return performance.now() - begun;
	}

	// One role as a process of its own, without `sluice run`.
	startRole(role, environment = {}) {
		const child = this.#spawn([role, '--config', this.configFile], {
			signal: 'SIGKILL',
			environment,
		});
		this.singles.set(role, child);
		return child.pid;
	}

	#spawn(args, { signal, environment = {} }) {
		const log = openSync(this.logFile, 'a', 0o600);
		// With setsid, Ctrl-C at a terminal ends us, and we end them, in order.
		const wrapped = this.detached ? [] : ['setpriv', '--pdeathsig', signal];
		const [command, ...rest] = [...wrapped, this.program, ...args];
		const child = spawn(command, rest, {
			cwd: this.dir,
			detached: true,
			stdio: ['ignore', log, log],
			env: { ...this.environment, ...environment },
		});
		closeSync(log);
		child.on('error', () => {}); // then there is no pid
		if (child.pid === undefined) throw new Error(`cannot start ${command}`);
		child.unref();
		return child;
	}

	async #waitUntil(condition, timeoutMs, hasFailed, what) {
		const deadline = Date.now() + timeoutMs;
		for (;;) {
			if (await condition()) return;
			if (hasFailed() || Date.now() > deadline) {
				throw new Error(`${what}:\n${this.logLines({ count: 15 }).join('\n')}`);
			}
			await sleep(10);
		}
	}

	// --- commands and HTTP

	// Runs a command to its end: { stdout, stderr }. Throws a CommandError unless it succeeds.
	async run(args) {
		try {
			return await promisify(execFile)(this.program, args, {
				cwd: this.dir,
				env: this.environment,
				maxBuffer: 64 * 1024 * 1024,
			});
		} catch (error) {
			throw new CommandError(args, error.code, error.stderr ?? error.message);
		}
	}

	// A GET of the API: the parsed body. Throws unless it is 200.
	async get(path, { timeoutMs } = {}) {
		const headers = { Authorization: `Bearer ${this.apiKey}` };
		const { status, body } = await request(this.url + path, { headers, timeoutMs });
		if (status !== 200) throw new Error(`GET ${path}: ${status} ${body}`);
		return JSON.parse(body);
	}

	// Every withdrawal that a query finds, page by page: `status=COMPLETED`, for example.
	async *withdrawals(query = '') {
		for (let cursor; ; ) {
			const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
			const page = await this.get(`/v1/withdrawals?limit=200&${query}${more}`);
			yield* page.items;
			cursor = page.next_cursor;
			if (!cursor) return;
		}
	}

	// Nonces taken and in flight, over all wallets; the queues by name.
	async work() {
		const [wallets, queues] = await Promise.all([
			this.get('/v1/wallets'),
			this.get('/v1/queues'),
		]);
		const sum = (name) => wallets.items.reduce((total, wallet) => total + wallet[name], 0);
		return {
			taken: sum('next_nonce') - sum('first_nonce'),
			inFlight: sum('in_flight'),
			queues: Object.fromEntries(queues.items.map((queue) => [queue.name, queue])),
			stopped: wallets.items.filter((wallet) => wallet.stopped),
		};
	}

	async isReady(role) {
		try {
			return (await request(`${this.opsUrls[role]}/readyz`, { timeoutMs: 1000 })).status === 200;
		} catch {
			return false;
		}
	}

	async metrics(role) {
		const { status, body } = await request(`${this.opsUrls[role]}/metrics`);
		if (status !== 200) throw new Error(`${role}: /metrics answers ${status}`);
		return parseMetrics(body);
	}

	// --- processes

	// The pid of a role (or of `run`) that lives; undefined while there is none.
	pid(role) {
		const single = this.singles.get(role)?.pid;
		if (single !== undefined) return readStartTick(single) === undefined ? undefined : single;
		let pid;
		try {
			pid = Number(readFileSync(join(this.pidDir, `${role}.pid`), 'utf8'));
		} catch {
			return undefined;
		}
		return readStartTick(pid) === undefined ? undefined : pid;
	}

	// Sends a signal; the pid that got it, or undefined when the role does not run.
	signal(role, name) {
		const pid = this.pid(role);
		if (pid === undefined) return undefined;
		try {
			process.kill(pid, name);
		} catch (error) {
			if (error.code === 'ESRCH') return undefined;
			throw error;
		}
		return pid;
	}

	kill(role) {
		return this.signal(role, 'SIGKILL');
	}

	freeze(role) {
		return this.signal(role, 'SIGSTOP');
	}

	thaw(role) {
		return this.signal(role, 'SIGCONT');
	}

	// Kills `sluice run`; all roles must die with it. Throws when one of them lives on.
	async crash({ timeoutMs = 2000 } = {}) {
		const pids = roles.map((role) => this.pid(role)).filter((pid) => pid !== undefined);
		const living = () => pids.filter((pid) => readStartTick(pid) !== undefined);
		const ended = once(this.supervisor, 'exit');
		this.supervisor.ref();
		this.supervisor.kill('SIGKILL');
		await ended;
		this.supervisor = undefined;
		const deadline = Date.now() + timeoutMs;
		while (living().length > 0) {
			if (Date.now() > deadline) throw new Error(`orphans: ${living().join(', ')}`);
			await sleep(5);
		}
	}

	// Until the role runs as another process than `before`, and is ready.
	async waitForRole(role, { before, timeoutMs = readyTimeoutMs } = {}) {
		await this.#waitUntil(
			async () => {
				const pid = this.pid(role);
				return pid !== undefined && pid !== before && (await this.isReady(role));
			},
			timeoutMs,
			() => false,
			`the ${role} is not ready again`,
		);
		return this.pid(role);
	}

	// { api: { pid, pss, rss, cpuSeconds }, …, run: … } of what lives.
	usage() {
		const found = {};
		for (const role of [...roles, 'run']) {
			const pid = this.pid(role);
			if (pid === undefined) continue;
			found[role] = { pid, ...readMemory(pid), cpuSeconds: readCpuSeconds(pid) };
		}
		return found;
	}

	// --- what is left behind

	// The last lines of the log that fit, the oldest first: of a role, of a withdrawal (its id).
	logLines({ role, withdrawal, level, count = 20 } = {}) {
		if (!existsSync(this.logFile)) return [];
		const wanted = [
			role && `"service.name":"sluice-${role}"`,
			withdrawal && `"labels.withdrawal_id":"${withdrawal}"`,
			level && `"log.level":"${level}"`,
		].filter(Boolean);
		const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
		return lines.filter((line) => wanted.every((text) => line.includes(text))).slice(-count);
	}

	// The judge's report over the lists of the load client.
	judge(journals, options = {}) {
		return judge({
			url: this.anvil.url,
			chain: chainName,
			intents: readIntents(journals),
			wallets: this.wallets,
			native: 'ETH',
			tokens: { TUSD: this.token.address },
			...options,
		});
	}

	// Ends `sluice run` as an operator would; whether every role ended by itself.
	async stop() {
		for (const [role, child] of this.singles) {
			if (this.pid(role) !== undefined) process.kill(child.pid, 'SIGKILL');
		}
		this.singles.clear();
		const child = this.supervisor;
		this.supervisor = undefined;
		if (!child || child.exitCode !== null || child.signalCode !== null) return false;
		for (const role of roles) this.thaw(role);
		const ended = once(child, 'exit');
		child.ref();
		child.kill('SIGTERM');
		const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
		const [code] = await ended;
		clearTimeout(timer);
		return code === 0;
	}

	// Everything that was started here.
	async close() {
		const clean = await this.stop();
		this.anvil?.thaw();
		await this.miner?.stop();
		await this.anvil?.stop();
		return clean;
	}
}
