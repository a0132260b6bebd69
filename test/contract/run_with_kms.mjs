#!/usr/bin/env node
// Runs a contract test of the keys port beside a KMS of others, behind a judge of signatures and a
// proxy that goes wrong where it is told to.
//
// usage: run_with_kms.mjs PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   KMS_ENDPOINT, KMS_REGION  where KMS answers what is signed rightly
//   KMS_FAULTS                the proxy (test/tools/src/kms.mjs), by GET
//   KMS_PID                   the emulator's process, to be stopped and continued
//   KMS_P256                  a key of another curve
//   SLUICE_TEST_KEYS          kms/ID@ADDRESS, kms/ARN@ADDRESS and kms/alias/…@ADDRESS
//   AWS_…                     what signs
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '../tools/src/emulators.mjs';
import { region, startKms, startKmsFaults, startKmsJudge } from '../tools/src/kms.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sluice-kms-'));
const kms = await startKms(dir, [{}, {}, { curve: 'prime256v1' }]);
try {
	const [hot, cold, p256] = kms.keys;
	await kms.call('CreateAlias', { AliasName: 'alias/hot', TargetKeyId: hot.id });
	const faults = await startKmsFaults(kms.url);
	const judge = await startKmsJudge(faults.url);
	const env = {
		...process.env, ...credentials,
		KMS_ENDPOINT: judge.url, KMS_REGION: region, KMS_FAULTS: faults.url,
		KMS_PID: String(kms.server.pid), KMS_P256: p256.id, KMS_HOT: hot.id,
		SLUICE_TEST_KEYS: [
			`kms/${hot.id}@${hot.address}`, `kms/${cold.arn}@${cold.address}`, `kms/alias/hot@${hot.address}`,
		].join(' '),
	};
	const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
	if (judge.seen.refused.length > 0) {
		console.log(`# refused: ${JSON.stringify(judge.seen.refused)}`);
		process.exitCode = 1;
	}
	await judge.stop();
	faults.stop();
} finally {
	await kms.stop();
	rmSync(dir, { recursive: true, force: true });
}
