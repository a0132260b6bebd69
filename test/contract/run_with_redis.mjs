#!/usr/bin/env node
// Runs a program beside a redis-server of its own on loopback, and ends the server with it.
//
// usage: run_with_redis.mjs PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   SLUICE_TEST_REDIS_PORT            of the server, on 127.0.0.1
//   SLUICE_TEST_REDIS_PID             its process, to be stopped and continued
//   SLUICE_TEST_REDIS_PASSWORD_FILE   what it wants to be told, in a file of mode 0600
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '../tools/src/redis.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
const redis = await startRedis(dir);
try {
	const env = {
		...process.env,
		SLUICE_TEST_REDIS_PORT: String(redis.port),
		SLUICE_TEST_REDIS_PID: String(redis.pid),
		SLUICE_TEST_REDIS_PASSWORD_FILE: redis.passwordFile,
	};
	const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	await redis.stop();
	rmSync(dir, { recursive: true, force: true });
}
