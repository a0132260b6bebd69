#!/usr/bin/env node
// Runs a life test beside a development chain of its own, and ends the chain with it.
//
// usage: run.mjs PROGRAM [ARGUMENTS]
//
// The program finds SLUICE_TEST_RPC (blocks are mined by anvil_mine only) and SLUICE_TEST_TOKEN (a
// TestToken with 6 decimals; development accounts 1 to 3 hold a million each).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAnvil } from '../tools/src/anvil.mjs';
import { Chain } from '../tools/src/chain.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sluice-life-'));
const anvil = await startAnvil(dir, { noMining: true });
try {
	const chain = new Chain(anvil.url);
	const token = await chain.deployToken();
	const accounts = await chain.call('eth_accounts');
	await token.mint(accounts.slice(1, 4), 1_000_000_000_000n);
	const env = { ...process.env, SLUICE_TEST_RPC: anvil.url, SLUICE_TEST_TOKEN: token.address };
	const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	await anvil.stop();
	rmSync(dir, { recursive: true, force: true });
}
