#!/usr/bin/env node
// Runs contract tests of the SQL adapters on a MariaDB server of their own, one after the other.
//
// usage: run_with_mysql.mjs PROGRAM...
//
// The programs find in their environment SLUICE_STORE_BACKEND=mysql, and SLUICE_TEST_MYSQL_SOCKET.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMariadb } from '../tools/src/mariadb.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sluice-mysql-'));
const server = await startMariadb(dir);
try {
	for (const program of process.argv.slice(2)) {
		const env = { ...process.env, SLUICE_STORE_BACKEND: 'mysql',
			SLUICE_TEST_MYSQL_SOCKET: server.socket };
		const child = spawn(program, { stdio: 'inherit', env });
		const [code] = await once(child, 'exit');
		if (code !== 0)
			process.exitCode = 1;
	}
} finally {
	await server.stop();
	rmSync(dir, { recursive: true, force: true });
}
