#!/usr/bin/env node
// Runs a contract test beside an SQS of its own, and ends that with it.
//
// usage: run_with_sqs.mjs fauxqs|moto PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   SQS_ENDPOINT       where SQS answers; without queues
//   SQS_CLOCK          ?ms=N puts its clock ahead
//   SQS_NAME, SQS_PID  what answers, and its process, to be stopped and continued
//   AWS_…              what signs
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { credentials, emulators } from '../tools/src/emulators.mjs';

const [name, program, ...rest] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'sluice-contract-'));
const sqs = await emulators[name](dir);
try {
	const env = {
		...process.env, ...credentials,
		SQS_ENDPOINT: sqs.url, SQS_CLOCK: sqs.clockUrl, SQS_NAME: name, SQS_PID: String(sqs.pid),
	};
	const child = spawn(program, rest, { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	await sqs.stop();
	rmSync(dir, { recursive: true, force: true });
}
