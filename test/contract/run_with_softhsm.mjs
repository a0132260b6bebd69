#!/usr/bin/env node
// Runs a contract test of the keys port beside a SoftHSM token of its own.
//
// usage: run_with_softhsm.mjs FAULT_MODULE PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   SLUICE_TEST_HSM_MODULE  the module of SoftHSM
//   SLUICE_TEST_HSM_FAULT   one that goes wrong where it is told to (fault_hsm.h), in front of it
//   SLUICE_TEST_HSM_TOKEN   the token's label; two other tokens are both called "twin"
//   SLUICE_TEST_HSM_PIN     its PIN
//   SLUICE_TEST_HSM_PATH    a directory for files of its own
//   SLUICE_TEST_KEYS        hsm/LABEL@ADDRESS and hsm/id=HEX@ADDRESS of the same keys
// There are also the keys "p256" (another curve), "double" (two of them) and "doomed" (id dd).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { addToken, makeSoftHsm } from '../tools/src/softhsm.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sluice-hsm-'));
try {
	const hsm = makeSoftHsm(dir, {
		keys: [
			{ label: 'hot-0', id: 'a0' },
			{ label: 'hot-1', id: 'a1' },
			{ label: 'with/slash', id: 'a2ff' },
			{ label: 'doomed', id: 'dd' },
			{ label: 'double', id: 'b0' },
			{ label: 'double', id: 'b1' },
			{ label: 'p256', id: 'c0', curve: 'prime256v1' },
		],
	});
	addToken(hsm, 'twin');
	addToken(hsm, 'twin');
	const env = {
		...process.env,
		...hsm.env,
		SLUICE_TEST_HSM_MODULE: hsm.module,
		SLUICE_TEST_HSM_FAULT: resolve(process.argv[2]),
		SLUICE_TEST_HSM_LIBRARY: '/lib/x86_64-linux-gnu/libm.so.6',
		SLUICE_TEST_HSM_TOKEN: hsm.token,
		SLUICE_TEST_HSM_PIN: hsm.pin,
		SLUICE_TEST_HSM_PATH: dir,
		SLUICE_TEST_KEYS: hsm.keys
			.slice(0, 3)
			.flatMap(({ label, id, address }) => [`hsm/${label}@${address}`, `hsm/id=${id}@${address}`])
			.join(' '),
		SLUICE_TEST_DOOMED: `hsm/doomed@${hsm.keys[3].address}`,
	};
	const child = spawn(process.argv[3], process.argv.slice(4), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	rmSync(dir, { recursive: true, force: true });
}
