#!/usr/bin/env node
// Runs a life test beside a development chain of its own, and ends the chain with it.
//
// usage: run.mjs [--mariadb] PROGRAM [ARGUMENTS]
//
// With --mariadb the stores and journals are databases of a server that is started for it
// (SLUICE_TEST_MYSQL_SOCKET).
//
// The program finds SLUICE_TEST_RPC (blocks are mined by anvil_mine only) and SLUICE_TEST_TOKEN (a
// TestToken with 6 decimals; development accounts 1 to 3 hold a million each); and a screening service
// (SLUICE_TEST_SCREENING_URL, …_SECRET_FILE) that does what stands in the file …_ACT at the time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAnvil } from '../tools/src/anvil.mjs';
import { Chain } from '../tools/src/chain.mjs';
import { startMariadb } from '../tools/src/mariadb.mjs';
import { startActing } from './screening.mjs';

const args = process.argv.slice(2);
const onMariadb = args[0] === '--mariadb';
if (onMariadb) args.shift();
// In memory where that is: nobody pulls the plug.
const dir = mkdtempSync(join(onMariadb && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-life-'));
const server = onMariadb ? await startMariadb(dir) : undefined;
const anvil = await startAnvil(dir, { noMining: true });
const screening = await startActing(dir);
try {
	const chain = new Chain(anvil.url);
	const token = await chain.deployToken();
	const accounts = await chain.call('eth_accounts');
	await token.mint(accounts.slice(1, 4), 1_000_000_000_000n);
	const env = { ...process.env, ...screening.env, SLUICE_TEST_RPC: anvil.url, SLUICE_TEST_TOKEN: token.address };
	if (server !== undefined) env.SLUICE_TEST_MYSQL_SOCKET = server.socket;
	const child = spawn(args[0], args.slice(1), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	await anvil.stop();
	await screening.stop();
	await server?.stop();
	rmSync(dir, { recursive: true, force: true });
}
