// Starts `sluice api` on a fresh SQLite database, and what its tests do to it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const startMs = 30_000;
const rawMs = 5_000;
const keyCacheMs = 500;
// When a key was last used is written later, and no answer depends on it.
const tables = { withdrawals: '*', messages: '*', events: '*', audit: '*', api_keys: 'id, mac' };
const scopes = ['default', 'wallets:read', 'queues:read', 'queues:redrive'].flatMap(scope => ['--scope', scope]);

const wallet = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const formerWallet = '0x8617E340B3D01FA5F11F306F4090FD50E238070D';

const configuration = (dir, extra) => `
data_dir: ${dir}
log: { level: debug, file: ${dir}/log }
api: { listen: "127.0.0.1:0", ops_listen: "127.0.0.1:0", key_cache_ms: ${keyCacheMs}, trusted_proxies: ["127.0.0.2"] }
chains:
  - { name: polygon, chain_id: 137, rpc: ["http://127.0.0.1:9"] }
assets:
  - { chain: polygon, symbol: POL, native: true }
  - chain: polygon
    symbol: USDC
    contract: "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"
    decimals: 6
wallets:
  - { chain: polygon, address: "${wallet}", key: hot/0 }
${extra}
`;

class Api {
	constructor(program, dir, env) {
		this.env = { ...process.env, ...env };
		this.program = program;
		this.dir = dir;
		this.config = join(dir, 'sluice.yaml');
		this.database = join(dir, 'sluice.db');
		this.keyCacheMs = keyCacheMs;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: 128 });
	}

	attempt(...args) {
		return spawnSync(this.program, [...args, '--config', this.config, '--json'], { encoding: 'utf8' });
	}

	sluice(...args) {
		const { status, stdout, stderr } = this.attempt(...args);
		assert.equal(status, 0, `sluice ${args.join(' ')}: ${stdout}${stderr}`);
		return JSON.parse(stdout);
	}

	async start(extra) {
		writeFileSync(this.config, configuration(this.dir, extra));
		this.sluice('keys', 'init');
		this.sluice('migrate');
		this.pinWallets();
		this.key = this.sluice('api-key', 'create', '--name', 'test', ...scopes).key;
		this.otherKey = this.sluice('api-key', 'create', '--name', 'test', '--account', 'other').key;
		await this.spawn();
	}

	// Once more, over what is there: with other keys.
	async restart() {
		assert.equal(await this.stop(), 0);
		this.port = undefined;
		writeFileSync(join(this.dir, 'log'), '');
		await this.spawn();
	}

	async spawn() {
		this.child = spawn(this.program, ['api', '--config', this.config],
			{ stdio: 'inherit', env: this.env });
		this.ended = once(this.child, 'exit').then(([status, signal]) => signal ?? status);
		const deadline = Date.now() + startMs;
		while (!this.port) {
			assert.equal(this.child.exitCode, null, 'sluice api has ended');
			assert.ok(Date.now() < deadline, 'sluice api is not ready');
			await sleep(20);
			const ready = this.log().find(line => line['event.action'] === 'role_ready');
			this.port = ready?.message.match(/:(\d+)$/)[1];
		}
	}

	// What the signer, which does not run here, pins at its start; and one that was configured once.
	pinWallets() {
		const rows = [wallet, formerWallet].map((address, index) =>
			`INSERT INTO wallets (chain_id, address, key_ref) VALUES (137, x'${address.slice(2)}', 'hot/${index}');`);
		const { status, stderr } = spawnSync('sqlite3', [this.database, rows.join('')],
			{ encoding: 'utf8' });
		assert.equal(status, 0, stderr);
	}

	// Lines of the log as objects; the last one may be half written.
	log() {
		const path = join(this.dir, 'log');
		if (!existsSync(path))
			return [];
		return readFileSync(path, 'utf8').split('\n').slice(0, -1).map(line => JSON.parse(line));
	}

	// headers: null leaves a default one out; an array sends a line each.
	async request(method, path, { headers = {}, body, from } = {}) {
		const all = { authorization: `Bearer ${this.key}`, ...headers };
		const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
		if (body !== undefined)
			sent['content-length'] = Buffer.byteLength(body);
		const request = http.request({
			host: '127.0.0.1', port: this.port, agent: from ? false : this.agent, method, path,
			headers: sent, localAddress: from,
		});
		request.end(body);
		const [response] = await once(request, 'response');
		const chunks = [];
		for await (const chunk of response)
			chunks.push(chunk);
		return answerOf(response.statusCode, response.headers, Buffer.concat(chunks));
	}

	get(path) {
		return this.request('GET', path);
	}

	// Sends bytes as they are on a connection of their own; the answers until the server closes it.
	async raw(bytes) {
		const socket = net.connect(this.port, '127.0.0.1');
		socket.on('error', () => {}); // what could not be written any more
		const chunks = [];
		socket.on('data', chunk => chunks.push(chunk));
		const timer = setTimeout(() => socket.destroy(), rawMs);
		socket.write(Buffer.from(bytes, 'latin1'));
		await once(socket, 'close');
		clearTimeout(timer);
		return answersOf(Buffer.concat(chunks));
	}

	// Asks the database behind the server's back.
	sql(statement) {
		const { status, stdout, stderr } = spawnSync(
			'sqlite3', ['-cmd', '.timeout 5000', this.database, statement], { encoding: 'utf8' });
		assert.equal(status, 0, stderr);
		return stdout.trim();
	}

	count(table) {
		return Number(this.sql(`SELECT COUNT(*) FROM ${table}`));
	}

	// Changes when anything that is stored does.
	digest() {
		const dump = this.sql(Object.entries(tables)
			.map(([table, columns]) => `SELECT '${table}', ${columns} FROM ${table};`).join(' '));
		return createHash('sha256').update(dump).digest('hex');
	}

	// Keeps the database from being written to, until the function that is returned is called.
	async freeze() {
		const child = spawn('sqlite3', [this.database], { stdio: ['pipe', 'pipe', 'inherit'] });
		child.stdin.write('.timeout 5000\nBEGIN IMMEDIATE;\nSELECT 1;\n');
		await once(child.stdout, 'data');
		return async () => {
			child.stdin.end('ROLLBACK;\n');
			await once(child, 'exit');
		};
	}

	revoke(key) {
		this.sluice('api-key', 'revoke', key.split('_')[1]);
	}

	// Asks it to stop; its exit status.
	stop() {
		this.child.kill('SIGTERM');
		return this.ended;
	}

	async end() {
		this.agent.destroy();
		if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
			this.child.kill('SIGKILL');
			await this.ended;
		}
		rmSync(this.dir, { recursive: true, force: true });
	}
}

function answerOf(status, headers, body) {
	const text = body.toString();
	const isJson = /json/.test(headers['content-type']) && text.length > 0;
	return { status, headers, text, json: isJson ? JSON.parse(text) : undefined };
}

function answersOf(bytes) {
	const answers = [];
	while (bytes.length > 0) {
		const end = bytes.indexOf('\r\n\r\n');
		assert.ok(end > 0, `no answer: ${bytes}`);
		const [first, ...lines] = bytes.subarray(0, end).toString().split('\r\n');
		const headers = Object.fromEntries(lines.map(line =>
			[line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
		const next = end + 4 + Number(headers['content-length'] ?? 0);
		answers.push(answerOf(Number(first.split(' ')[1]), headers, bytes.subarray(end + 4, next)));
		bytes = bytes.subarray(next);
	}
	return answers;
}

// extra: lines of configuration; prepare: makes what they name. Both are given the directory. env:
// settings by environment.
export async function startApi({ extra = () => '', prepare = () => {}, env = {} } = {}) {
	const program = process.env.SLUICE;
	assert.ok(program, 'SLUICE is to be the path of the program');
	const api = new Api(program, mkdtempSync(join(tmpdir(), 'sluice-api-')), env);
	try {
		prepare(api.dir);
		await api.start(extra(api.dir));
	} catch (error) {
		await api.end();
		throw error;
	}
	return api;
}
