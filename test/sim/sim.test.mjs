// `sluice sim` over a few hundred seeds; that a seed replays to the byte; and that every checker fires
// on a violation that is planted for it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = process.env.SLUICE;

// { status, out, err } of `sluice sim` with these arguments.
async function sim(...args) {
	try {
		const { stdout, stderr } = await run(program, ['sim', ...args],
			{ maxBuffer: 1 << 28, env: { PATH: process.env.PATH } });
		return { status: 0, out: stdout, err: stderr };
	} catch (error) {
		return { status: error.code, out: error.stdout, err: error.stderr };
	}
}

// The last words of a run that failed: what, and with which seed.
function words(result) {
	return result.err.trimEnd().split('\n').slice(-70).join('\n');
}

for (const [faults, first, seeds] of [
	['-none,crash,store,journal,keys,pause,overlap', 1000, 60],
	['-none,node,reorg,fees,clock,messages,cancel,funds,receiver', 2000, 60],
	['all', 3200, 120],
	['-editor,restore', 4000, 60],
	['controls,approvals,crash,store,pause,overlap,journal,keys,node,funds,cancel', 5000, 60],
])
	test(`${seeds} seeds with ${faults}: paid once or never`, async () => {
		const result = await sim('--seed', String(first), '--seeds', String(seeds),
			'--withdrawals', '40', `--faults=${faults}`, '--jobs', '2');
		assert.equal(result.status, 0, words(result));
		const [, accepted] = /^(\d+) accepted: (\d+) completed/m.exec(result.out);
		assert.equal(Number(accepted), seeds * 40);
	});

// Even seeds have the embedded queue, odd ones the outbox over a simulated SQS.
const queues = { 7: 'a simulated SQS', 8: 'the embedded one' };

test('a seed replays to the byte, with either queue', async () => {
	const hashes = [];
	for (const [seed, queue] of Object.entries(queues)) {
		const stories = [];
		for (let i = 0; i < 2; i++) {
			const result = await sim('--seed', seed, '--withdrawals', '40', '--faults=all', '--story');
			assert.equal(result.status, 0, words(result));
			assert.ok(result.err.split('\n').length > 300, 'a story is told');
			assert.match(result.err, new RegExp(`the queue is ${queue}`));
			stories.push(createHash('sha256').update(result.out).update(result.err).digest('hex'));
		}
		assert.equal(stories[0], stories[1]);
		hashes.push(stories[0]);
	}
	assert.notEqual(hashes[0], hashes[1]);
});

test('what a queue does to its messages is counted', async () => {
	const result = await sim('--seed', '40', '--seeds', '60', '--withdrawals', '20', '--faults=-none,messages,crash,pause');
	assert.equal(result.status, 0, words(result));
	assert.match(result.out, /queue: embedded in 30 seeds, simulated SQS in 30/);
	for (const event of ['entries refused', 'late', 'doubled', 'delivered again', 'stale receipts', 'deleted and still there', 'wiped'])
		assert.match(result.out, new RegExp(`^  ${event} +[1-9]`, 'm'), event);
});

test('what people do at their desks is counted', async () => {
	const result = await sim('--seed', '1', '--seeds', '20', '--withdrawals', '20', '--faults=controls,approvals');
	assert.equal(result.status, 0, words(result));
	assert.match(result.out, /^people asked for [1-9]\d* pauses and [1-9]\d* ends of one$/m);
	assert.match(result.out, /^people said [1-9]\d* words about payments, of which [1-9]\d* were refused$/m);
	assert.match(result.out, /^store_user_load +[1-9]/m);
	assert.match(result.out, /^store_withdrawal_of_key +[1-9]/m);
});

test('rows that an editor makes are counted, and what the schema refuses', async () => {
	const result = await sim('--seed', '1', '--seeds', '60', '--withdrawals', '20', '--faults=editor');
	assert.equal(result.status, 0, words(result));
	for (const row of ['a slot', 'an item', 'an attempt', 'a copy', 'a decision', 'an approval', 'an event', 'a message'])
		assert.match(result.out, new RegExp(`^  ${row} +[1-9]`, 'm'), row);
	for (const row of ['a slot', 'an item', 'an attempt'])
		assert.match(result.out, new RegExp(`^  ${row} +[0-9]+ +[1-9]`, 'm'), row);
});

for (const [plant, rule] of Object.entries({
	'two-live': 'T1', 'nonce-gap': 'T2', 'unstored': 'T3', 'left-early': 'T4', 'failed-paid': 'T5',
	'not-paid': 'T6', 'other-payload': 'T7', 'twice': 'T8', 'final-changed': 'T9', 'leak': 'T10',
	'bump-too-low': 'fees', 'bump-too-soon': 'fees', 'fee-above-limit': 'fees',
	'stuck': 'T11', 'no-consumer': 'T12', 'paid-after-cancel': 'T7', 'old-epoch': 'fence', 'moved': 'moved',
	'unasked': 'journal', 'no-void': 'journal', 'unproven': 'proof', 'not-out': 'T5', 'undrained': 'drain',
	'lost-wake-up': 'messages', 'signed-canceled': 'cancel', 'held': 'hold', 'false-alarm': 'hold',
	'stopped': 'stop', 'overdrawn': 'funds', 'limit': 'limit', 'stranger': 'T10', 'shallow': 'T12',
	'stale': 'T12', 'unnoticed': 'T12', 'taken-back': 'T9', 'unwished': 'wish', 'refused': 'refused',
	'paid-again': 'T1', 'edited-audit': 'feed', 'unheeded': 'pause', 'unapproved': 'approval',
}))
	test(`${rule} fires on a planted violation: ${plant}`, async () => {
		// A second signature takes somebody who asks for it; a key that is paid again, a restore.
		const faults = {
			'unwished': ['--faults=cancel', '--seeds', '30'],
			'paid-again': ['--faults=restore', '--seeds', '30'],
			'unapproved': ['--faults=approvals', '--seeds', '30'],
		}[plant] ?? ['--faults=none'];
		const result = await sim('--seed', '3', '--withdrawals', '20', ...faults, '--plant', plant);
		assert.equal(result.status, 1);
		assert.match(result.err.trimEnd().split('\n').at(-1), new RegExp(`^sluice sim: ${rule}: `));
	});

test('what it cannot do is said', async () => {
	for (const args of [['--faults', 'gremlins'], ['--plant', 'trees'], ['--withdrawals', '0'], ['--seed', 'x']]) {
		const result = await sim(...args);
		assert.equal(result.status, 2, args.join(' '));
		assert.notEqual(result.err, '');
	}
});
