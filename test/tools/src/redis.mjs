// A redis-server of its own on 127.0.0.1, with a password, that keeps nothing on disk.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const readyTimeoutMs = 10_000;

async function findFreePort() {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// Sends one command of words without spaces and resolves with the raw answer.
export function callRedis(port, password, command) {
	return new Promise((resolve, reject) => {
		const socket = createConnection(port, '127.0.0.1');
		let answer = '';
		socket.setEncoding('utf8');
		socket.on('error', reject);
		socket.on('data', (text) => (answer += text));
		socket.on('close', () => resolve(answer.split('\r\n').slice(1).join('\r\n')));
		socket.end(`AUTH ${password}\r\n${command}\r\nQUIT\r\n`);
	});
}

class Redis {
	constructor(dir, port, password) {
		this.dir = dir;
		this.port = port;
		this.password = password;
		this.passwordFile = join(dir, 'redis.password');
		writeFileSync(this.passwordFile, `${password}\n`, { mode: 0o600 });
		// Not on the command line: everybody can read that.
		writeFileSync(join(dir, 'redis.conf'), `requirepass ${password}\n`, { mode: 0o600 });
	}

	get pid() {
		return this.child.pid;
	}

	call(command) {
		return callRedis(this.port, this.password, command);
	}

	async start() {
		const options = {
			'--port': this.port,
			'--bind': '127.0.0.1',
			'--save': '',
			'--appendonly': 'no',
			'--dir': this.dir,
			'--logfile': join(this.dir, 'redis.log'),
		};
		this.child = spawn(
			'redis-server',
			[join(this.dir, 'redis.conf'), ...Object.entries(options).flat().map(String)],
			{ stdio: 'ignore' },
		);
		const deadline = Date.now() + readyTimeoutMs;
		for (;;) {
			const answer = await this.call('PING').catch(() => '');
			if (answer.startsWith('+PONG')) return this;
			if (this.child.exitCode !== null || Date.now() > deadline)
				throw new Error(`redis-server does not answer: see ${join(this.dir, 'redis.log')}`);
			await sleep(20);
		}
	}

	freeze() {
		process.kill(this.pid, 'SIGSTOP');
	}

	thaw() {
		process.kill(this.pid, 'SIGCONT');
	}

	async kill() {
		if (this.child.exitCode !== null || this.child.signalCode !== null) return;
		const ended = once(this.child, 'exit');
		this.child.kill('SIGKILL');
		await ended;
	}

	stop() {
		return this.kill();
	}
}

export async function startRedis(dir) {
	const password = randomBytes(16).toString('hex');
	return new Redis(dir, await findFreePort(), password).start();
}
