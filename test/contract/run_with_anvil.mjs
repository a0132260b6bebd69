#!/usr/bin/env node
// Runs a contract test of the chain port beside a development chain of its own, and ends the chain
// with it.
//
// usage: run_with_anvil.mjs PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   SLUICE_TEST_RPC        URL of the node; blocks are mined by anvil_mine only
//   SLUICE_TEST_RPC_PID    its process, to be stopped and continued
//   SLUICE_TEST_TOKEN      a TestToken with 6 decimals; the first development account owns it
//   SLUICE_TEST_REFUSING   a contract that refuses native payments
//   SLUICE_TEST_BURNING    a contract that burns all the gas of a native payment
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAnvil } from '../tools/src/anvil.mjs';
import { Chain } from '../tools/src/chain.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sluice-contract-'));
const anvil = await startAnvil(dir, { noMining: true });
try {
	const chain = new Chain(anvil.url);
	const env = {
		...process.env,
		SLUICE_TEST_RPC: anvil.url,
		SLUICE_TEST_RPC_PID: String(anvil.pid),
		SLUICE_TEST_TOKEN: (await chain.deployToken()).address,
		SLUICE_TEST_REFUSING: await chain.deploy('RefusingReceiver'),
		SLUICE_TEST_BURNING: await chain.deploy('BurningReceiver'),
	};
	const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	await anvil.stop();
	rmSync(dir, { recursive: true, force: true });
}
