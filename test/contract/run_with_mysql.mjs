#!/usr/bin/env node
// Runs contract tests of the SQL adapters on a MariaDB server of their own, and gives their TAP as
// one.
//
// usage: run_with_mysql.mjs [--mysql | --row-by-row] PROGRAM...
//
// The programs find in their environment SLUICE_STORE_BACKEND=mysql, SLUICE_TEST_MYSQL_SOCKET, and
// SLUICE_TEST_MYSQL_PID, the server's process. --mysql: on a server of MySQL 8.
// --row-by-row: SLUICE_TEST_MYSQL_ROW_BY_ROW too, no arrays of rows, as on MySQL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { startMariadb } from '../tools/src/mariadb.mjs';

const AT_ONCE = 2;
// In memory where that is: every test makes a database, and nobody pulls the plug.
const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-mysql-'));
const programs = process.argv.slice(2);
const isMysql = programs[0] === '--mysql';
const isRowByRow = programs[0] === '--row-by-row';
if (isMysql || isRowByRow)
	programs.shift();
// What makes a hundred databases slow to come and go, and is nobody's matter here.
const settings = isMysql ? ['--skip-log-bin', '--performance-schema=OFF', '--innodb-doublewrite=OFF'] : [];
const server = await startMariadb(dir, { isMysql, settings });
const env = { ...process.env, SLUICE_STORE_BACKEND: 'mysql',
	SLUICE_TEST_MYSQL_SOCKET: server.socket, SLUICE_TEST_MYSQL_PID: String(server.pid), CMOCKA_MESSAGE_OUTPUT: 'TAP' };
if (isRowByRow)
	env.SLUICE_TEST_MYSQL_ROW_BY_ROW = '1';
let tests = 0;

// A test's line keeps its name, behind its program's; what stands below a failed one follows it.
function line(program, text) {
	const result = /^(not )?ok \d+ - (.*)$/.exec(text);
	if (result !== null)
		console.log(`${result[1] ?? ''}ok ${++tests} - ${program}: ${result[2]}`);
	else if (!/^1\.\.\d+/.test(text))
		console.log(text.startsWith('#') ? text : `# ${text}`);
}

async function run(program) {
	const name = basename(program).replace(/^test_contract_/, '');
	const child = spawn(program, { stdio: ['ignore', 'pipe', 'inherit'], env });
	const lines = [];
	createInterface({ input: child.stdout }).on('line', (text) => lines.push(text));
	const [code, signal] = await once(child, 'close');
	for (const text of lines)
		line(name, text);
	if (code !== 0 || lines.length === 0) {
		console.log(`not ok ${++tests} - ${name}: ended with ${code ?? signal}`);
		process.exitCode = 1;
	}
}

async function runNext() {
	for (let program = programs.shift(); program !== undefined; program = programs.shift())
		await run(program);
}

try {
	await Promise.all(Array.from({ length: AT_ONCE }, runNext));
	console.log(`1..${tests}`);
} finally {
	await server.stop();
	rmSync(dir, { recursive: true, force: true });
}
