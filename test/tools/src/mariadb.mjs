// A MariaDB server of its own, in a directory of its own: for tests, which need commits that survive
// a killed server, and no network.
import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 30_000;

async function answers(path) {
	return new Promise((resolve) => {
		const socket = createConnection(path, () => { socket.destroy(); resolve(true); });
		socket.on('error', () => resolve(false));
	});
}

// { socket, pid, stop() }; the user root has no password and comes by the socket only.
export async function startMariadb(dir) {
	const data = join(dir, 'mariadb');
	const socket = join(dir, 'mariadb.sock');
	mkdirSync(data);
	const own = ['--no-defaults', `--datadir=${data}`, '--user=root'];
	execFileSync('mariadb-install-db', [...own, '--auth-root-authentication-method=normal',
		'--skip-test-db'], { stdio: 'pipe' });
	const server = spawn('mariadbd', [...own, `--socket=${socket}`, '--skip-networking',
		'--innodb-flush-log-at-trx-commit=1', '--innodb-buffer-pool-size=64M',
		'--innodb-log-file-size=48M', '--max-connections=500', `--pid-file=${join(dir, 'mariadb.pid')}`,
	], { stdio: ['ignore', 'pipe', 'pipe'] });
	let said = '';
	server.stderr.on('data', (text) => { said = (said + text).slice(-4000); });
	server.stdout.resume();
	const ended = new Promise((resolve) => server.once('exit', resolve));
	for (const until = Date.now() + START_MS; !(await answers(socket));) {
		if (Date.now() > until || server.exitCode !== null)
			throw new Error(`mariadbd does not start: ${said}`);
		await sleep(50);
	}
	return {
		socket,
		pid: server.pid,
		async stop() {
			server.kill('SIGTERM');
			await ended;
		},
	};
}
