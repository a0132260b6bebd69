// Sluice on SQLite with its wake-ups over SQS, as others wrote it, behind a judge of our signatures. The
// SQS is killed, comes back empty, and hangs, and the way to it loses requests and answers, while
// withdrawals are posted: they are accepted all the same, and everyone is paid once. The judge reads the chain.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { findFreePort, startFauxqs } from '../tools/src/emulators.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { startJudge } from '../tools/src/sigv4.mjs';
import { CommandError, Stack, demoAssets } from '../tools/src/stack.mjs';

const region = 'eu-central-1';
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const each = 15; // withdrawals of a phase
const phases = 5;
const settleMs = 60_000;
const acceptMsMax = 3000; // less than queue.timeout_ms, and much for a busy machine

describe('wake-ups over SQS', () => {
	const dir = mkdtempSync(join(tmpdir(), 'sluice-sqs-'));
	const journal = join(dir, 'intents.jsonl');
	let sqs, ports, judge, stack, load;
	let allowed = 0;
	const waiting = [];
	const over = new AbortController();

	// The load client starts as many as it is given.
	const pace = () => new Promise((done) => {
		waiting.push(done);
		give(0);
	});
	const give = (count) => {
		allowed += count;
		while (allowed > 0 && waiting.length > 0) {
			allowed--;
			waiting.shift()();
		}
	};

	const until = async (what, condition) => {
		for (const end = Date.now() + settleMs; !(await condition()); await sleep(50))
			assert.ok(Date.now() < end, `in vain: ${what}\n${stack.logLines({ count: 20 }).join('\n')}`);
	};
	const completed = async () => {
		let count = 0;
		for await (const one of stack.withdrawals('status=COMPLETED')) count += one.id ? 1 : 0;
		return count;
	};
	const accepted = (count) => until(`${count} accepted`, () => load.counts.accepted >= count);
	const paid = (count) => until(`${count} paid`, async () => (await completed()) >= count);
	const create = () => stack.run(['queues', 'create', '--config', stack.configFile]);

	// Posts a phase's withdrawals; none of them waits for SQS.
	const acceptWithout = async (count) => {
		const first = load.latencies.length;
		give(each);
		await accepted(count);
		const slowest = Math.max(...load.latencies.slice(first));
		assert.ok(slowest < acceptMsMax, `a POST took ${slowest} ms without SQS`);
	};

	before(async () => {
		ports = { port: await findFreePort(), clockPort: await findFreePort() };
		sqs = await startFauxqs(dir, ports);
		judge = await startJudge({ target: sqs.url, keys: { AKIDSLUICE: { secretAccessKey } }, region, service: 'sqs' });
		stack = new Stack({
			program: process.env.SLUICE,
			dir: join(dir, 'stack'),
			wallets: 2,
			scryptN: 1024,
			settings: {
				'queue.backend': 'sqs', 'queue.region': region, 'queue.endpoint': judge.url, 'queue.prefix': 'e2e-',
				'queue.timeout_ms': 4000, 'processor.visibility_ms': 2000, 'signer.visibility_ms': 2000,
			},
			environment: { AWS_ACCESS_KEY_ID: 'AKIDSLUICE', AWS_SECRET_ACCESS_KEY: secretAccessKey },
		});
		await stack.startChain();
		await stack.makeWallets();
		await stack.fundWallets();
		await stack.writeConfiguration();
		await stack.makeStore();
	});

	after(async () => {
		over.abort();
		give(Infinity);
		await stack?.close();
		await judge?.stop();
		await sqs?.stop();
		rmSync(dir, { recursive: true, force: true });
	});

	test('a role without its queues says which command makes them', async () => {
		const wanted = /there is no SQS queue e2e-request \(`sluice queues create` makes it\)/;
		const config = ['--config', stack.configFile];
		await assert.rejects(stack.run(['queues', 'check', ...config]), wanted);
		await assert.rejects(stack.run(['processor', ...config]), (error) =>
			error instanceof CommandError && error.status === 1 && wanted.test(error.message));
		await create();
		assert.match((await stack.run(['queues', 'check', ...config])).stdout, /as they should be/);
	});

	test('everyone is paid once, whatever becomes of SQS', async () => {
		await stack.start();
		load = startLoad({
			url: stack.url, apiKey: stack.apiKey, journalPath: journal, count: phases * each,
			assets: demoAssets, concurrency: 8, deadlineMs: 60_000, pace, signal: over.signal,
		});
		load.finished.catch(() => {}); // awaited below

		give(each);
		await paid(each);

		await sqs.stop();
		await acceptWithout(2 * each);
		sqs = await startFauxqs(dir, ports);
		await create();
		await paid(2 * each);

		sqs.freeze();
		await acceptWithout(3 * each);
		sqs.thaw();

		judge.trouble('lost', 'cut', 'broken', 'late');
		give(each);
		await paid(4 * each);
		assert.ok(judge.seen.troubled > 10, 'the way was bad');
		judge.trouble();

		// What those of the last two phases are on their way with is lost.
		give(each);
		await accepted(4 * each + 5);
		await sqs.stop();
		sqs = await startFauxqs(dir, ports);
		await create();
		await paid(phases * each);

		const summary = await load.finished;
		assert.equal(summary.accepted, phases * each);
		assert.equal(summary.mismatched, 0);
		const report = await stack.judge([journal]);
		assert.deepEqual(report.faults, []);
		assert.deepEqual(report.unknown, []);
		assert.ok(report.ok);
		assert.equal(report.accepted.paid, phases * each);
		assert.equal(report.accepted.doubled, 0);
		assert.ok(await stack.stop(), '`sluice run` did not end cleanly');
		assert.deepEqual(stack.logLines({ count: Infinity }).filter((line) => /"role_died"|Sanitizer|runtime error/.test(line)), []);
		assert.ok(judge.seen.taken > 0);
		assert.deepEqual(judge.seen.refused, []);
	});
});
