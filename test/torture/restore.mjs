#!/usr/bin/env node
// The restore drill: withdrawals are paid, a backup is made, more are paid, and the store is lost. The
// backup is restored beside the journal that lives, `sluice reconcile --after-restore` runs (and is
// killed, and runs again), every client repeats all its keys, and people unpause. Then the judge
// compares the clients' lists with the chain: everyone is to be paid once, those of the lost hour
// not again, and nobody is to be lost.
//
// usage: restore.mjs [options]
//
//   --program FILE   the `sluice` to try; one is built in build/torture if absent
//   --payouts N      after the backup, 500 by default
//   --before N       before it, 60 by default
//   --journal-lost   the journal is lost too: the chain says what was paid, and two people whom
//   --kills N        kill -9 of `reconcile --after-restore`, 0 by default
//   --seed TEXT      of the withdrawals and kills; random by default
//   --dir DIR        where everything is; a fresh directory, removed after success, if absent
//   --keep           keep the directory
//
// Exit status 0 only if every withdrawal was paid once, nobody else was, every repeated key ended as
// COMPLETED, and nothing was paid while the store was paused.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { numberOption, readArguments, runMain } from '../tools/src/cli.mjs';
import { readIntents } from '../tools/src/intents.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { Screen } from '../tools/src/screen.mjs';
import { Stack, demoAssets, sourceRoot } from '../tools/src/stack.mjs';

const execute = promisify(execFile);
const settleTimeoutMs = 120_000;

const lengthOf = (file) => (existsSync(file) ? statSync(file).size : 0);
const digestOf = (file) =>
	existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : '';

const wallets = 2;

async function buildProgram() {
	const dir = join(sourceRoot, 'build', 'torture');
	if (!existsSync(join(dir, 'build.ninja'))) {
		await execute('meson', ['setup', '-Dstop_points=true', dir, sourceRoot]);
	}
	await execute('ninja', ['-C', dir, 'src/sluice'], { maxBuffer: 1 << 26 });
	return join(dir, 'src', 'sluice');
}

class Drill {
	constructor(options) {
		Object.assign(this, options);
		this.screen = new Screen(process.stdout);
		this.backup = join(this.dir, 'backup');
		this.stack = new Stack({
			program: this.program,
			dir: this.dir,
			wallets,
			scryptN: 1024,
			settings: { 'signer.in_flight': 4 }, // so that all stages are met
			anvil: { blockTime: 0.25, slots: 1, gasLimit: 300_000_000 },
		});
		this.loads = [];
	}

	fact(name, text) {
		this.screen.fact(name, text);
	}

	list(name) {
		return join(this.dir, `${name}.jsonl`);
	}

	// Posts withdrawals whose list is `name`; the same seed again repeats their keys.
	post(name, seed, count) {
		return startLoad({
			url: this.stack.url,
			apiKey: this.stack.apiKey,
			journalPath: this.list(name),
			count,
			assets: demoAssets,
			seed: `${this.seed}-${seed}`,
		});
	}

	async count(status) {
		let found = 0;
		for await (const _ of this.stack.withdrawals(`status=${status}`)) found++;
		return found;
	}

	async waitForCompleted(wanted) {
		const deadline = Date.now() + settleTimeoutMs;
		for (;;) {
			const completed = await this.count('COMPLETED');
			if (completed >= wanted) return completed;
			if (Date.now() > deadline) throw new Error(`${completed} of ${wanted} completed in time`);
			await sleep(100);
		}
	}

	sluice(command, ...args) {
		return this.stack.run([command, '--config', this.stack.configFile, ...args]);
	}

	async refuses(command, ...args) {
		await assert.rejects(this.sluice(command, ...args), `${command} is to refuse`);
	}

	async pay() {
		const first = await this.post('before', 'before', this.before).finished;
		assert.equal(first.accepted, this.before);
		await this.waitForCompleted(Math.floor(this.before / 2));
		// While a few are on their way, so that the backup holds rows of every stage.
		const middle = this.post('middle', 'middle', this.before);
		await sleep(300);
		await this.sluice('backup', '--to', this.backup);
		await middle.finished;
		this.fact('backup', 'made while withdrawals were on their way');
		const { mode } = statSync(join(this.backup, 'store.db'));
		assert.equal(mode & 0o777, 0o600);
		await this.refuses('backup', '--to', this.backup);
		await this.refuses('restore', '--from', this.backup); // Sluice runs
		const after = this.post('after', 'after', this.payouts);
		assert.equal((await after.finished).accepted, this.payouts);
		// Some are final, some out, some only accepted when the store is lost.
		await this.waitForCompleted(2 * this.before + Math.floor(this.payouts * 0.5));
		await this.stack.crash();
		this.fact('lost', `the store, after ${this.payouts} more withdrawals`);
	}

	// A process that was killed lets go of its files a moment later.
	async restoreOnceFree() {
		const deadline = Date.now() + settleTimeoutMs;
		for (;;) {
			try {
				return await this.sluice('restore', '--from', this.backup, '--json');
			} catch (error) {
				if (!/is in use/.test(error.message) || Date.now() > deadline) throw error;
				await sleep(100);
			}
		}
	}

	async restore() {
		const journal = join(this.stack.dir, 'data', 'journal.db');
		const files = ['', '-wal', '-shm'].map((end) => journal + end);
		if (this.journalLost) for (const file of files) rmSync(file, { force: true });
		const lived = [journal, `${journal}-wal`].map(digestOf);
		assert.equal(lived[0] === '', this.journalLost);
		const { stdout } = await this.restoreOnceFree();
		const restored = JSON.parse(stdout);
		// What was lost is whole in its one file, and the journal is as it was.
		assert.ok(lengthOf(restored.before) > 0);
		assert.equal(lengthOf(`${restored.before}-wal`), 0);
		assert.deepEqual([journal, `${journal}-wal`].map(digestOf), lived);
		assert.equal(restored.incarnation, 1);
		assert.equal(restored.journal_lost, this.journalLost);
		await this.refuses('unpause', '--reason', 'too early');
		const which = this.journalLost ? 'without a journal' : 'beside the living journal';
		this.fact('restored', `incarnation ${restored.incarnation}, ${which}`);
	}

	// Kills it somewhere in the middle; whatever it had done stays done.
	async reconcile() {
		const args = ['reconcile', '--after-restore', '--json', '--config', this.stack.configFile];
		if (this.journalLost) {
			await assert.rejects(this.stack.run(args), /the journal is lost/);
			args.push('--journal-lost');
		}
		const { program } = this.stack;
		const options = { cwd: this.dir, env: this.stack.environment, stdio: 'ignore' };
		let killed = 0;
		for (let i = 0; i < this.kills; i++) {
			const child = spawn(program, args, options);
			const ended = once(child, 'exit');
			const digest = createHash('sha256').update(`${this.seed}/${i}`).digest();
			const timer = setTimeout(() => child.kill('SIGKILL'), 200 + (digest.readUInt16BE(0) % 4000));
			await ended;
			clearTimeout(timer);
			killed += child.signalCode === 'SIGKILL' ? 1 : 0;
		}
		if (this.kills > 0) this.fact('killed', `${killed} of ${this.kills} runs of reconcile`);
		const wasDone = killed < this.kills;
		if (wasDone && !this.journalLost) return;
		const begun = performance.now();
		const { stdout } = await this.stack.run(args);
		const done = JSON.parse(stdout);
		const seconds = ((performance.now() - begun) / 1000).toFixed(1);
		this.fact(
			'reconciled',
			`${seconds} s: ${done.transactions_found} transactions found, ` +
				`${done.withdrawals_bound} bound, ${done.unbound_count} unbound, ${done.held_count} held`,
		);
		// Who was not approved at the backup may have been canceled since: people are asked. A run that
		// was killed may have brought others as far as their own hold.
		const expected = this.journalLost
			? /^(restored_undecided|journal_was_lost|may_be_paid_by_unbound)$/
			: /^restored_undecided$/;
		this.held = done.held.map(({ id, held }) => (assert.match(held, expected), id));
		assert.equal(this.held.length, done.held_count);
		this.unbound = done.unbound_payouts;
		assert.equal(this.unbound.length, done.unbound_count);
	}

	async people() {
		const keys = [];
		for (const name of ['ann', 'ben']) {
			const { stdout } = await this.stack.run([
				...['api-key', 'create', '--resolve', '--json', '--name', name],
				...['--config', this.stack.configFile],
			]);
			keys.push(JSON.parse(stdout).key);
		}
		return keys;
	}

	// Nobody had canceled them, so that they go on; the journal knows which were paid since.
	async release() {
		let released = 0;
		for await (const row of this.stack.withdrawals()) {
			if (row.held !== 'restored_undecided') continue;
			for (const key of this.keys) await this.say(key, row.id, { verdict: 'not_paid' });
			released++;
		}
		this.fact('released', `${released} that were not approved yet, by two people`);
	}

	// Without a journal a client's repeated key finds nothing. What equals a payout of the lost hour
	// waits for two people, and so does all that was open; they look at the list, and say which.
	async decide() {
		const total = 2 * this.before + this.payouts;
		await this.waitUntilStill(total, 'restored_undecided');
		const before = await this.stack.judge(this.lists());
		for (const name of ['doubled', 'wrong']) assert.equal(before.accepted[name], 0, name);
		const counts = { paid_by: 0, not_paid: 0 };
		for await (const row of this.stack.withdrawals('status=PROCESSING')) {
			assert.match(row.held, /^(journal_was_lost|may_be_paid_by_unbound)$/, JSON.stringify(row));
			const payout = this.unbound.find(
				({ to, amount_base }) =>
					to.toLowerCase() === row.to.toLowerCase() && amount_base === row.amount_base,
			);
			const decision = payout
				? { verdict: 'paid_by', tx_hash: payout.tx_hash }
				: { verdict: 'not_paid' };
			counts[decision.verdict]++;
			for (const key of this.keys) await this.say(key, row.id, decision);
		}
		this.fact('decided', `by two people: ${JSON.stringify(counts)}`);
		assert.ok(counts.paid_by > 0);
		await this.waitForCompleted(total);
	}

	// Everything is completed, or held for another reason than `except`.
	async waitUntilStill(total, except) {
		const deadline = Date.now() + settleTimeoutMs;
		for (;;) {
			let still = 0;
			for await (const row of this.stack.withdrawals()) {
				still += row.status === 'COMPLETED' || (row.held && row.held !== except) ? 1 : 0;
			}
			if (still >= total) return;
			if (Date.now() > deadline) throw new Error(`${still} of ${total} ended or held in time`);
			await sleep(200);
		}
	}

	async say(key, id, decision) {
		const answer = await fetch(`${this.stack.url}/v1/withdrawals/${id}/resolve`, {
			method: 'POST',
			headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
			body: JSON.stringify(decision),
		});
		assert.equal(answer.status, 202, await answer.text());
	}

	lists() {
		return ['before', 'middle', 'after'].map((name) => this.list(name));
	}

	// Every client asks again for all that it ever asked for.
	async repeat() {
		await this.stack.start();
		const before = await this.stack.judge(this.lists());
		for (const name of ['before', 'middle', 'after']) {
			const count = name === 'after' ? this.payouts : this.before;
			const summary = await this.post(`${name}-again`, name, count).finished;
			assert.equal(summary.accepted, count);
		}
		await sleep(3000);
		const paused = await this.stack.judge(this.lists());
		assert.equal(paused.accepted.paid, before.accepted.paid, 'paid while paused');
		await this.sluice('unpause', '--reason', 'the drill');
		const total = 2 * this.before + this.payouts;
		this.keys = await this.people();
		await this.release();
		if (this.journalLost) await this.decide();
		await this.waitForCompleted(total);
		this.fact('repeated', `all ${total} keys; all are completed`);
	}

	async judge() {
		const report = await this.stack.judge(this.lists());
		this.fact('judge', JSON.stringify(report.accepted));
		assert.equal(report.accepted.paid, 2 * this.before + this.payouts);
		for (const name of ['doubled', 'lost', 'wrong']) assert.equal(report.accepted[name], 0, name);
		assert.deepEqual(report.unknown, []);
		// And the store says what the chain says.
		const { stdout } = await this.sluice('reconcile', '--json');
		const agreed = JSON.parse(stdout);
		assert.equal(agreed.agrees, true, stdout);
		for (const one of agreed.assets) {
			assert.equal(one.left_wallets, one.paid_by_store, one.asset);
			assert.notEqual(one.left_wallets, '0', one.asset);
		}
		this.fact('reconcile', `${agreed.slots} slots, no difference`);
		// What the API says of each repeated key is what the chain says.
		const again = readIntents(['before', 'middle', 'after'].map((n) => this.list(`${n}-again`)));
		const hashes = new Set();
		for (const { id } of again) {
			const row = await this.stack.get(`/v1/withdrawals/${id}`);
			assert.equal(row.status, 'COMPLETED', id);
			assert.match(row.transfer?.tx_hash ?? '', /^0x[0-9a-f]{64}$/, JSON.stringify(row));
			hashes.add(row.transfer.tx_hash);
		}
		assert.equal(hashes.size, again.length);
	}

	async run() {
		const { stack } = this;
		this.screen.title(`Restore drill, seed ${this.seed}`);
		await stack.startChain();
		await stack.makeWallets();
		await stack.fundWallets();
		await stack.writeConfiguration();
		await stack.makeStore();
		await stack.start();
		await this.pay();
		await this.restore();
		await this.reconcile();
		await this.repeat();
		await this.judge();
	}
}

async function main() {
	const { values } = readArguments(import.meta.url, {
		program: { type: 'string' },
		payouts: { type: 'string', default: '500' },
		before: { type: 'string', default: '60' },
		kills: { type: 'string', default: '0' },
		'journal-lost': { type: 'boolean', default: false },
		seed: { type: 'string' },
		dir: { type: 'string' },
		keep: { type: 'boolean' },
	});
	const dir = values.dir ?? mkdtempSync(join(tmpdir(), 'sluice-restore-'));
	const drill = new Drill({
		program: values.program ?? (await buildProgram()),
		dir,
		payouts: numberOption(values, 'payouts'),
		before: numberOption(values, 'before'),
		kills: numberOption(values, 'kills'),
		journalLost: values['journal-lost'],
		seed: values.seed ?? String(Math.random()).slice(2, 10),
	});
	let ok = false;
	try {
		await drill.run();
		ok = true;
	} catch (error) {
		console.error(error);
		console.error(drill.stack.logLines({ level: 'error', count: 10 }).join('\n'));
	}
	await drill.stack.close();
	if (ok && !values.keep && !values.dir) rmSync(dir, { recursive: true, force: true });
	else console.log(`everything: ${dir}`);
	process.exit(ok ? 0 : 1);
}

await runMain(import.meta.url, main);
