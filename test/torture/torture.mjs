#!/usr/bin/env node
// The torture: withdrawals under continuous load while roles are killed with kill -9, one by one and
// all at once, the node hangs, forgets its pool and reorganises, fees jump, and clients cancel or
// speed up what they asked for; then the judge compares the load client's list with the chain. Every
// withdrawal that was accepted must be paid once, and one that is said to be canceled never.
//
// usage: torture.mjs [options]
//
//   --program FILE      a `sluice` of a build with -Dstop_points=true; one is built in
//                       build/torture if absent
//   --withdrawals N     2000 by default, coins and tokens
//   --kills N           kills that hit work in flight, 40 by default
//   --per-role N        of these, each role at least N, 8 by default
//   --stops N           kills at a stop point, one after the other from the list below;
//                       all of the list by default
//   --faults N          of the node and of the machine, taken in turn from a list; 12 by default
//   --no-faults         the node behaves, and nobody kills all of Sluice at once
//   --no-meddling       no client cancels anything or speeds it up
//   --sqs               wake-ups go over an SQS of others, which is killed, emptied and frozen among the faults
//   --seed TEXT         of withdrawals, kills and faults; random by default
//   --dir DIR           where everything is; a fresh directory, removed after success, if absent
//   --keep              keep the directory
//   --verbose           a line for each kill
//
// A kill hits when the role had work in its hands at that moment. The role is stopped (SIGSTOP), the
// work is looked for, and it is killed where it stands:
//   api        POSTs of the load client that got no answer because of the kill
//   processor  messages of the request queue that it had claimed, or that waited for it
//   signer     slots reserved, signed or broadcast; messages of the signing queue as above
//   monitor    transfers broadcast or mined, and not final
// Kills that hit nothing count as misses, and for nothing else. Kills at stop points are counted on
// their own: there the process has stopped itself at a named call of a port (src/port/stop_point.h),
// such as between the commit of signed bytes and their sending, or while it starts again.
//
// Exit status 0 only if every withdrawal was accepted, and completed and paid once or else canceled
// by its client and not paid, nobody else was paid, no row is held and no message dead, no role died by itself, and every kill asked for was
// made.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { UsageError, numberOption, readArguments, runMain } from '../tools/src/cli.mjs';
import { startFauxqs } from '../tools/src/emulators.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { Screen, countText, table } from '../tools/src/screen.mjs';
import { startJudge } from '../tools/src/sigv4.mjs';
import { Stack, demoAssets, readState, roles, sourceRoot } from '../tools/src/stack.mjs';
import { Meddler } from './meddler.mjs';
import { startPoints, stopPoints } from './points.mjs';

const execute = promisify(execFile);

const startPointShare = 0.4; // of the kills at stop points are followed by one at a start point
const earlyShare = 0.2; // of the other kills come before the role is ready
const stopCallsMax = 3; // a stop point is the first to third call after it was armed
const stopTimeoutMs = 20_000;
const freezeNodeMs = 10_000;
const reorgDepthMax = 15; // with 8 slots in an epoch, `finalized` is 16 blocks behind
// With more than 1,000 blocks anvil loses contracts when it reorganises, unless it keeps few states.
const nodeStates = 600;
const settleTimeoutMs = 60_000; // without any withdrawal ending
const missesMax = 8; // for each hit that is asked for
const trickleEveryMs = 300;
const trickleReserve = 10; // withdrawals for each kill to come: beyond these the trickle may take
const calmMs = 10_000; // after a life of that length the supervisor starts a role at once again
const transferStages = { broadcast: 3, mined: 4, signed: 2, reserved: 1 };
const queues = { processor: 1, signer: 2 };
const waitingStages = { processor: 1, signer: 3 };
const feeCapMaxGwei = 60;
const spikesGwei = [5, 40, 150]; // above what was signed; near the cap; above every cap
const gwei = 10n ** 9n;
const settings = {
	'processor.visibility_ms': 2000,
	'processor.sweep_interval_ms': 300,
	'signer.visibility_ms': 2000,
	'chains.0.rebroadcast_after_s': 1,
	'chains.0.bump_after_s': 4,
	'chains.0.fee_cap_max_gwei': feeCapMaxGwei,
	'chains.0.rpc_timeout_ms': 2000,
};

// An SQS of others behind a judge of signatures, which stays when the SQS goes: whoever looks meets
// nothing, or queues.
const sqsRegion = 'eu-central-1';
const sqsKey = { id: 'AKIDTORTURE', secretAccessKey: 'torture/secret+' };
const sqsAwayMs = 3000;

class TortureSqs {
	constructor(stack, dir) {
		Object.assign(this, { stack, dir });
	}

	async open() {
		const keys = { [sqsKey.id]: { secretAccessKey: sqsKey.secretAccessKey } };
		this.judge = await startJudge({ target: 'http://127.0.0.1:1', keys, region: sqsRegion, service: 'sqs' });
		Object.assign(this.stack.environment, {
			SLUICE_QUEUE_BACKEND: 'sqs', SLUICE_QUEUE_REGION: sqsRegion, SLUICE_QUEUE_PREFIX: 'torture-',
			SLUICE_QUEUE_ENDPOINT: this.judge.url, SLUICE_QUEUE_TIMEOUT_MS: '1000',
			AWS_ACCESS_KEY_ID: sqsKey.id, AWS_SECRET_ACCESS_KEY: sqsKey.secretAccessKey,
		});
	}

	// A new one, with queues and without messages.
	async start() {
		this.emulator = await startFauxqs(this.dir);
		await promisify(execFile)(this.stack.program, ['queues', 'create', '--config', this.stack.configFile],
			{ env: { ...this.stack.environment, SLUICE_QUEUE_ENDPOINT: this.emulator.url } });
		this.judge.retarget(this.emulator.url);
	}

	async replace() {
		await this.emulator.stop();
		await sleep(sqsAwayMs);
		await this.start();
		return `SQS is killed, and comes back empty after ${sqsAwayMs / 1000} s`;
	}

	freeze() {
		const { emulator } = this;
		emulator.freeze();
		setTimeout(() => emulator.thaw(), sqsAwayMs).unref();
		return `SQS hangs for ${sqsAwayMs / 1000} s`;
	}

	async close() {
		await this.judge?.stop();
		await this.emulator?.stop();
	}
}

// Numbers in [0, 1) that the same seed gives again.
function makeRandom(seed) {
	let counter = 0;
	return () => {
		const digest = createHash('sha256').update(`${seed}/${counter++}`).digest();
		return digest.readUInt32BE(0) / 2 ** 32;
	};
}

// Lets the load client start as many withdrawals as it was given.
class Pacer {
	constructor(total) {
		this.left = total;
		this.given = 0;
		this.waiting = [];
	}

	give(count) {
		const now = Math.min(Math.max(0, Math.floor(count)), this.left);
		this.left -= now;
		this.given += now;
		while (this.given > 0 && this.waiting.length > 0) {
			this.given--;
			this.waiting.shift()();
		}
	}

	take() {
		if (this.given > 0) {
			this.given--;
			return Promise.resolve();
		}
		return new Promise((done) => this.waiting.push(done));
	}
}

async function buildProgram() {
	const dir = join(sourceRoot, 'build', 'torture');
	if (!existsSync(join(dir, 'build.ninja'))) {
		rmSync(dir, { recursive: true, force: true });
		await execute('meson', ['setup', '-Dstop_points=true', dir, sourceRoot]);
	}
	const options = { maxBuffer: 64 * 1024 * 1024 };
	await execute('ninja', ['-C', dir, 'src/sluice'], options).catch((error) => {
		throw new Error(`the build failed:\n${error.stdout}`);
	});
	return join(dir, 'src', 'sluice');
}

class Torture {
	constructor(options) {
		Object.assign(this, options);
		this.random = makeRandom(this.seed);
		this.screen = new Screen(process.stdout);
		this.stopDir = join(this.dir, 'stop');
		this.journal = join(this.dir, 'intents.jsonl');
		mkdirSync(this.stopDir, { recursive: true });
		this.stack = new Stack({
			program: this.program,
			dir: this.dir,
			wallets: 4,
			scryptN: 1024,
			anvil: { slots: 8, gasLimit: 300_000_000, extra: ['--prune-history', nodeStates] },
			blockMs: 250,
			settings,
			environment: { SLUICE_TEST_STOP_DIR: this.stopDir },
		});
		this.queue = this.sqs ? new TortureSqs(this.stack, join(this.dir, 'sqs')) : undefined;
		this.pacer = new Pacer(this.withdrawals);
		this.meddler = new Meddler({ stack: this.stack, seed: this.seed });
		this.hits = Object.fromEntries(roles.map((role) => [role, 0]));
		this.misses = { ...this.hits };
		this.stopKills = { ...this.hits };
		this.actionsLeft = this.kills + this.points.length;
		this.diedAt = { ...this.hits }; // wall clock, of the last kill
		this.lastPid = {};
		this.otherKills = 0;
		this.faults = [];
		this.failures = [];
	}

	pick(list) {
		return list[Math.floor(this.random() * list.length)];
	}

	between(low, high) {
		return low + this.random() * (high - low);
	}

	note(text) {
		const seconds = ((performance.now() - this.begunAt) / 1000).toFixed(1);
		this.screen.line(`  ${seconds.padStart(6)} s  ${text}`);
	}

	// --- work in flight

	async query(sql) {
		const file = join(this.dir, 'data', 'sluice.db');
		const { stdout } = await execute('sqlite3', ['-readonly', '-json', file, sql]);
		return stdout.trim() === '' ? [] : JSON.parse(stdout);
	}

	// Messages that lay in the role's queue when it was frozen: claimed by it (not by a life of it
	// that is over), or visible.
	async countMessages(role, at) {
		const visibilityMs = settings[`${role}.visibility_ms`];
		if (this.queue) {
			const [{ claimed }] = await this.query(
				`SELECT count(*) AS claimed FROM message_claims WHERE queue = ${queues[role]} AND ` +
					`claimed_until > ${at} AND claimed_until - ${visibilityMs} > ${this.diedAt[role]}`,
			);
			// What is on its way to it stands in no table of messages.
			const [{ waiting }] = await this.query(
				`SELECT count(*) AS waiting FROM withdrawals WHERE stage = ${waitingStages[role]}`,
			);
			return { claimed, waiting };
		}
		const [{ claimed, waiting }] = await this.query(
			`SELECT count(claim IS NOT NULL AND visible_at > ${at} AND ` +
				`visible_at - ${visibilityMs} > ${this.diedAt[role]} OR NULL) AS claimed, ` +
				`count(visible_at <= ${at} OR NULL) AS waiting FROM messages ` +
				`WHERE queue = ${queues[role]} AND created_at <= ${at}`,
		);
		return { claimed, waiting };
	}

	async countTransfers(first, last) {
		const [{ found }] = await this.query(
			`SELECT count(*) AS found FROM transfers WHERE stage BETWEEN ${first} AND ${last}`,
		);
		return found;
	}

	// What the frozen role has in its hands, as a text; '' for nothing.
	async findWork(role, at) {
		const { broadcast, mined, reserved } = transferStages;
		if (role === 'monitor') {
			const count = await this.countTransfers(broadcast, mined);
			return count > 0 ? `${count} transfers not final` : '';
		}
		const { claimed, waiting } = await this.countMessages(role, at);
		const slots = role === 'signer' ? await this.countTransfers(reserved, broadcast) : 0;
		const found = [
			claimed > 0 && `${claimed} messages claimed`,
			waiting > 0 && `${waiting} waiting`,
			slots > 0 && `${slots} slots in flight`,
		];
		return found.filter(Boolean).join(', ');
	}

	async waitUntilStopped(pid, timeoutMs) {
		const deadline = Date.now() + timeoutMs;
		while (readState(pid) !== 'T') {
			if (Date.now() > deadline || readState(pid) === undefined) return false;
			await sleep(2);
		}
		return true;
	}

	// Kills a role that has stopped. The text of what it had in its hands; '' for nothing.
	async killStopped(role, pid, at) {
		const posts = role === 'api' ? [...this.load.outstanding] : [];
		const work = role === 'api' ? '' : await this.findWork(role, at);
		process.kill(pid, 'SIGKILL');
		this.diedAt[role] = Date.now();
		this.lastPid[role] = pid;
		if (role !== 'api') return work;
		const answers = await Promise.allSettled(posts);
		const lost = answers.filter(({ status }) => status === 'rejected').length;
		return lost > 0 ? `${lost} POSTs without an answer` : '';
	}

	// --- kills

	// How many withdrawals may start before the next kill: they must last until the end.
	get burst() {
		return Math.max(2, (0.7 * this.pacer.left) / Math.max(1, this.actionsLeft));
	}

	// A moment at which the role is likely to have its hands full: api and processor while a burst
	// is being answered, signer and monitor any time until the next blocks.
	async waitForMoment(role, burst) {
		if (role === 'signer' || role === 'monitor') {
			await sleep(this.between(0, role === 'signer' ? 300 : 600));
			return;
		}
		const { load } = this;
		const answered = () => load.latencies.length;
		// What is answered was committed a moment ago; the processor needs another moment for it.
		const ahead = role === 'processor' ? 1 : Math.floor(this.between(0, burst / 2));
		const wanted = answered() + ahead;
		const isTime = () => answered() >= wanted && load.outstanding.size > 0;
		const deadline = Date.now() + 1000;
		while (!isTime() && Date.now() < deadline) await new Promise(setImmediate);
	}

	// A process that was killed may still be dying.
	async waitForPid(role) {
		const before = this.lastPid[role];
		const deadline = Date.now() + stopTimeoutMs;
		for (;;) {
			const pid = this.stack.pid(role);
			if (pid !== undefined && pid !== before) return pid;
			if (Date.now() > deadline) throw new Error(`the ${role} is not started again`);
			await sleep(1);
		}
	}

	waitForRole(role) {
		return this.stack.waitForRole(role, { before: this.lastPid[role] });
	}

	async killOne(role) {
		const isEarly = this.random() < earlyShare;
		let pid = await this.waitForPid(role);
		if (isEarly) await sleep(this.between(0, 60));
		else pid = await this.waitForRole(role);
		const burst = this.burst;
		this.pacer.give(burst);
		await this.waitForMoment(role, burst);
		const at = Date.now();
		this.stack.freeze(role);
		if (!(await this.waitUntilStopped(pid, 1000))) throw new Error(`${role} does not freeze`);
		const work = await this.killStopped(role, pid, at);
		if (work) this.hits[role]++;
		else this.misses[role]++;
		if (this.verbose) this.note(`kill -9 ${role.padEnd(9)} ${work || 'a miss'}`);
	}

	// For the role's next port call, whichever of its lives makes it.
	arm(role, call, calls, when) {
		const plan = join(this.stopDir, `sluice-${role}`.slice(0, 15)); // as the kernel names it
		writeFileSync(`${plan}.next`, `${call}:${calls}:${when}\n`);
		renameSync(`${plan}.next`, plan); // the role takes whatever stands there, also half a line
		return plan;
	}

	async killAtStopPoint([role, call, when]) {
		const pid = await this.waitForRole(role);
		let calls = 1 + Math.floor(this.random() * stopCallsMax);
		const plan = this.arm(role, call, calls, when);
		this.pacer.give(this.burst);
		const begun = Date.now();
		while (!(await this.waitUntilStopped(pid, 500))) {
			const waited = Date.now() - begun;
			if (waited > stopTimeoutMs) {
				this.failures.push(`${role}: never stopped ${when} ${call}`);
				rmSync(plan, { force: true });
				this.stack.kill(role); // it may have taken the plan
				this.diedAt[role] = Date.now();
				this.lastPid[role] = pid;
				this.otherKills++;
				return;
			}
			// There may be too little to do for a third call.
			if (calls > 1 && waited > stopTimeoutMs / 4) {
				calls = 1;
				this.arm(role, call, calls, when);
			}
			this.pacer.give(1);
		}
		const isDouble = this.random() < startPointShare;
		const next = this.pick(startPoints[role]);
		if (isDouble) this.arm(role, next[0], 1, next[1]);
		await this.killAtStop(role, pid, `${when} ${call}, call ${calls}`);
		if (!isDouble) return;
		const successor = await this.waitForPid(role);
		if (!(await this.waitUntilStopped(successor, stopTimeoutMs))) {
			throw new Error(`${role}: never stopped ${next[1]} ${next[0]} at its start`);
		}
		await this.killAtStop(role, successor, `${next[1]} ${next[0]}, starting`);
	}

	async killAtStop(role, pid, point) {
		const work = await this.killStopped(role, pid, Date.now());
		this.stopKills[role]++;
		if (this.verbose) this.note(`kill -9 ${role.padEnd(9)} ${point}: ${work || 'idle'}`);
	}

	// --- faults of the machine and of the node

	async cutPower() {
		await sleep(100); // it has heard of the last death
		await this.stack.crash();
		for (const role of roles) this.diedAt[role] = Date.now();
		await this.stack.start();
		return 'the supervisor is killed, and all roles die with it';
	}

	async freezeNode() {
		this.stack.anvil.freeze();
		setTimeout(() => this.stack.anvil.thaw(), freezeNodeMs).unref();
		this.thawed = sleep(freezeNodeMs + 100);
		return `the node hangs for ${freezeNodeMs / 1000} s`;
	}

	// Tries until there is something to take away; undefined is nothing.
	async takeAway(attempt) {
		for (let tries = 0; tries < 500; tries++) {
			const done = await this.stack.miner.alone(attempt);
			if (done) return done;
			if (tries % 25 === 0) this.pacer.give(1);
			await sleep(20);
		}
		throw new Error('the node has nothing to lose');
	}

	dropPool() {
		const { chain } = this.stack;
		return this.takeAway(async () => {
			const { pending, queued } = await chain.poolSize();
			if (pending + queued === 0) return undefined;
			await chain.dropPool();
			return `the node forgets its pool, ${pending + queued} transactions`;
		});
	}

	reorganise(depth) {
		const { chain } = this.stack;
		return this.takeAway(async () => {
			const height = await chain.height();
			const calls = Array.from({ length: depth }, (_, index) => [
				'eth_getBlockTransactionCountByNumber',
				[`0x${(height - index).toString(16)}`],
			]);
			const counts = await chain.callMany(calls);
			const count = counts.reduce((sum, one) => sum + Number(one ?? 0), 0);
			if (count === 0) return undefined;
			await chain.reorg(depth);
			return `a reorganisation ${depth} blocks deep takes back ${count} transactions`;
		});
	}

	// The chain lowers it again by an eighth a block: from far above the cap that takes seconds.
	spikeFees() {
		const { chain, miner } = this.stack;
		const fee = this.pick(spikesGwei);
		return miner.alone(async () => {
			await chain.setNextBaseFee(BigInt(fee) * gwei);
			return `the base fee jumps to ${fee} gwei, our cap is ${feeCapMaxGwei}`;
		});
	}

	planFaults() {
		if (this.noFaults) return [];
		const depth = () => 2 + Math.floor(this.random() * (reorgDepthMax - 2));
		const list = [
			() => this.dropPool(),
			() => this.reorganise(depth()),
			() => this.spikeFees(),
			() => this.cutPower(),
			() => this.freezeNode(),
			() => this.spikeFees(),
			() => this.dropPool(),
			() => this.reorganise(reorgDepthMax),
			() => this.spikeFees(),
			() => this.cutPower(),
			() => this.reorganise(depth()),
			() => this.spikeFees(),
		];
		if (this.queue) list.splice(0, 4, () => this.queue.replace(), () => this.queue.freeze(), ...list.slice(0, 4));
		return Array.from({ length: this.faultCount }, (_, index) => list[index % list.length]);
	}

	// --- the course of things

	// Among the roles that lack hits, one that has not died lately, if there is one: the supervisor
	// takes longer and longer to start one that keeps dying.
	chooseRole() {
		const lacking = roles.filter((role) => this.hits[role] < this.perRole);
		const wanted = lacking.length > 0 ? lacking : roles;
		const calm = wanted.filter((role) => Date.now() - this.diedAt[role] > calmMs);
		if (calm.length > 0) return this.pick(calm);
		const oldest = [...wanted].sort((a, b) => this.diedAt[a] - this.diedAt[b]);
		return this.pick(oldest.slice(0, 2));
	}

	// The next stop point of a role that has not died lately, if there is one.
	takePoint(points) {
		const at = points.findIndex(([role]) => Date.now() - this.diedAt[role] > calmMs);
		return points.splice(Math.max(0, at), 1)[0];
	}

	get hitCount() {
		return roles.reduce((sum, role) => sum + this.hits[role], 0);
	}

	get missCount() {
		return roles.reduce((sum, role) => sum + this.misses[role], 0);
	}

	isHitEnough() {
		return this.hitCount >= this.kills && roles.every((role) => this.hits[role] >= this.perRole);
	}

	// Faults and stop points are spread evenly over the kills.
	async killAll() {
		const points = this.points
			.map((point) => [this.random(), point])
			.sort((one, other) => one[0] - other[0])
			.map(([, point]) => point);
		const faults = this.planFaults();
		const [pointTotal, faultTotal] = [points.length, faults.length];
		while (!this.isHitEnough() || points.length > 0) {
			const share = Math.min(1, (this.hitCount + 1) / this.kills);
			this.actionsLeft = Math.max(0, this.kills - this.hitCount) + points.length;
			if (faults.length > 0 && share > (faultTotal - faults.length + 0.5) / faultTotal) {
				const text = await faults.shift()();
				this.faults.push(text);
				this.note(this.screen.bold(text));
			} else if (points.length > 0 && share >= 1 - (points.length - 1) / pointTotal) {
				await this.thawed; // a node that hangs keeps everything from its stop points
				await this.killAtStopPoint(this.takePoint(points));
			} else {
				await this.killOne(this.chooseRole());
			}
			if (this.missCount > missesMax * this.kills) throw new Error('too many kills miss');
			this.show();
		}
		await this.thawed;
	}

	show() {
		if (!this.screen.isTerminal) return;
		this.screen.progress(this.withdrawals, [
			['accepted', this.load.counts.accepted],
			['completed', this.completed ?? 0, `${this.hitCount} of ${this.kills} kills hit`],
		]);
	}

	// Waits while withdrawals still end.
	async settle() {
		let best = -1;
		let bestAt = performance.now();
		for (;;) {
			const [{ found }] = await this.query(
				'SELECT count(*) AS found FROM withdrawals WHERE stage >= 5',
			);
			this.completed = found;
			this.show();
			if (found >= this.withdrawals) return;
			if (found > best) [best, bestAt] = [found, performance.now()];
			if (performance.now() - bestAt > settleTimeoutMs) {
				const left = this.load.counts.accepted - found;
				this.failures.push(`${left} withdrawals did not end`);
				return;
			}
			await sleep(200);
		}
	}

	// What Sluice itself says of how it ended; the judge does not ask it.
	async inspect() {
		const { stack } = this;
		const ends = {};
		const all = [];
		for await (const one of stack.withdrawals()) {
			all.push({ id: one.id, status: one.status });
			const what = one.held ? `${one.status}, held: ${one.held}` : one.status;
			ends[what] = (ends[what] ?? 0) + 1;
			if (['COMPLETED', 'CANCELED'].includes(what)) continue;
			if (Object.values(ends).reduce((sum, n) => sum + n, 0) - (ends.COMPLETED ?? 0) - (ends.CANCELED ?? 0) > 5) continue;
			const code = one.failure?.code ?? one.wait_reason ?? one.transfer?.stage ?? '';
			this.failures.push(`${one.id} is ${what} ${code}`);
			this.failures.push(
				...stack.logLines({ withdrawal: one.id, count: 12 }).map((line) => `    ${line}`),
			);
		}
		this.ends = ends;
		for (const id of this.meddler.record(this.journal, all)) {
			this.failures.push(`${id} is CANCELED, and nobody asked for that`);
		}
		const { queues: found, stopped } = await stack.work();
		for (const queue of Object.values(found)) {
			if (queue.dead > 0) this.failures.push(`${queue.dead} dead letters of ${queue.name}`);
		}
		for (const wallet of stopped) {
			this.failures.push(`wallet ${wallet.address} is stopped: ${wallet.stopped}`);
		}
	}

	// Deaths that were not ours, and what sanitizers wrote.
	inspectLog() {
		const lines = readFileSync(this.stack.logFile, 'utf8').split('\n');
		const died = lines.filter((line) => line.includes('"event.action":"role_died"'));
		const own = died.filter((line) => !line.includes('was killed by signal 9'));
		const loud = lines.filter((line) =>
			/AddressSanitizer|runtime error:|LeakSanitizer|^\S+:\d+: .*check/i.test(line),
		);
		for (const line of [...own, ...loud].slice(0, 20)) this.failures.push(line);
		const stops = roles.reduce((sum, role) => sum + this.stopKills[role], 0);
		const made = this.hitCount + this.missCount + stops + this.otherKills;
		const seen = died.length - own.length;
		if (seen !== made) this.failures.push(`${made} kills, but ${seen} deaths in the log`);
	}

	async run() {
		const { stack, screen } = this;
		screen.line(
			`torture: ${countText(this.withdrawals)} withdrawals, ${this.kills} kills that hit, ` +
				`${this.points.length} at stop points, seed ${this.seed}`,
		);
		await stack.startChain();
		await stack.makeWallets();
		await stack.fundWallets();
		await stack.writeConfiguration();
		await this.queue?.open();
		await stack.makeStore();
		await this.queue?.start();
		await stack.start();
		this.begunAt = performance.now();
		this.load = startLoad({
			url: stack.url,
			apiKey: stack.apiKey,
			journalPath: this.journal,
			count: this.withdrawals,
			assets: demoAssets,
			seed: this.seed,
			concurrency: 16,
			deadlineMs: 3_600_000,
			pace: () => this.pacer.take(),
			onAccepted: (one) => this.noMeddling || this.meddler.accepted(one),
		});
		this.load.finished.catch(() => {}); // awaited below
		const trickle = setInterval(() => {
			if (this.pacer.left > trickleReserve * this.actionsLeft) this.pacer.give(1);
		}, trickleEveryMs);
		try {
			await this.killAll();
		} catch (error) {
			this.failures.push(error.message); // the judge speaks all the same
		}
		clearInterval(trickle);
		this.pacer.give(Infinity);
		this.summary = await this.load.finished;
		await this.meddler.finish();
		await this.settle();
		this.screen.progressEnd();
		this.seconds = (performance.now() - this.begunAt) / 1000;
		await this.inspect();
		if (!(await stack.stop())) this.failures.push('`sluice run` did not end cleanly');
		this.inspectLog();
		const unsigned = this.queue?.judge.seen.refused ?? [];
		if (unsigned.length > 0) this.failures.push(`SQS: ${JSON.stringify(unsigned[0])}`);
		this.report = await stack.judge([this.journal]);
		return this.tell();
	}

	async close() {
		await this.stack.close();
		await this.queue?.close();
	}

	tell() {
		const { screen, report, summary } = this;
		const row = (role) => [
			role,
			this.hits[role],
			this.misses[role],
			this.stopKills[role],
			this.hits[role] + this.misses[role] + this.stopKills[role],
		];
		const rows = roles.map(row);
		const sum = (at) => rows.reduce((total, one) => total + one[at], 0);
		screen.line();
		screen.lines(
			table(
				['killed', 'in work', 'idle', 'at stop points', 'together'],
				[...rows, ['all', sum(1), sum(2), sum(3), sum(4)]],
			),
		);
		screen.line();
		const counts = (name, one) => [
			name,
			...['total', 'paid', 'doubled', 'lost', 'wrong'].map((what) => countText(one[what])),
		];
		screen.lines(
			table(
				['the judge', 'accepted', 'paid', 'doubled', 'lost', 'wrong'],
				[
					...Object.entries(report.by_asset).map(([asset, one]) => counts(asset, one)),
					counts('all', report.accepted),
				],
			),
		);
		screen.line();
		const repeats = `${countText(summary.repeats)} repeats of POSTs without an answer`;
		screen.line(
			`  ${this.seconds.toFixed(0)} s, ${this.faults.length} faults, ${repeats}, ` +
				`${report.reverted} reverted, ${report.self_transfers} self-transfers, ` +
				`seed ${this.seed}`,
		);
		screen.line(`  clients: ${this.meddler.text()}; ${report.canceled} canceled and not paid`);
		screen.line(`  ends: ${JSON.stringify(this.ends)}`);
		if (summary.accepted !== this.withdrawals || summary.mismatched > 0) {
			this.failures.unshift(`not every withdrawal was accepted: ${JSON.stringify(summary)}`);
		}
		for (const fault of [...report.faults, ...report.unknown].slice(0, 10)) {
			const amount = fault.amountBase ?? fault.amount;
			this.failures.unshift(
				`the judge: ${fault.verdict ?? 'unknown'} ${fault.id ?? ''} ${amount} ` +
					`${fault.asset} to ${fault.to}: ${fault.why ?? ''}`,
			);
			if (fault.id) {
				const lines = this.stack.logLines({ withdrawal: fault.id, count: 12 });
				this.failures.push(...lines.map((line) => `    ${line}`));
			}
		}
		const paid = report.ok && report.accepted.paid + report.canceled === this.withdrawals;
		const ok = paid && this.failures.length === 0;
		for (const failure of this.failures) screen.line(screen.red(`  ${failure}`));
		screen.line(
			ok
				? screen.green('  every withdrawal was paid once or canceled, and none twice')
				: screen.red(paid ? '  paid once each, but see above' : '  NOT every one paid once'),
		);
		return ok;
	}
}

async function main() {
	const { values } = readArguments(import.meta.url, {
		program: { type: 'string' },
		withdrawals: { type: 'string', default: '2000' },
		kills: { type: 'string', default: '40' },
		'per-role': { type: 'string', default: '8' },
		stops: { type: 'string', default: String(stopPoints.length) },
		faults: { type: 'string', default: '12' },
		'no-faults': { type: 'boolean' },
		'no-meddling': { type: 'boolean' },
		sqs: { type: 'boolean' },
		seed: { type: 'string' },
		dir: { type: 'string' },
		keep: { type: 'boolean' },
		verbose: { type: 'boolean' },
	});
	const stops = numberOption(values, 'stops');
	const options = {
		withdrawals: numberOption(values, 'withdrawals'),
		kills: numberOption(values, 'kills'),
		perRole: numberOption(values, 'per-role'),
		faultCount: numberOption(values, 'faults'),
		noFaults: values['no-faults'],
		noMeddling: values['no-meddling'],
		sqs: values.sqs,
		seed: values.seed ?? createHash('sha256').update(String(Math.random())).digest('hex').slice(0, 8),
		verbose: values.verbose,
	};
	if (options.perRole * roles.length > options.kills) {
		throw new UsageError('--kills: fewer than --per-role times four');
	}
	const program = values.program ?? (await buildProgram());
	const dir = values.dir ?? mkdtempSync(join(tmpdir(), 'sluice-torture-'));
	// The list goes round when more are asked for.
	const points = Array.from({ length: stops }, (_, index) => stopPoints[index % stopPoints.length]);
	const torture = new Torture({ ...options, program, dir, points });
	for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		process.once(name, async () => {
			torture.isStopping = true;
			torture.screen.progressEnd();
			await torture.close();
			process.exit(name === 'SIGINT' ? 130 : 143);
		});
	}
	let ok = false;
	try {
		ok = await torture.run();
	} catch (error) {
		if (torture.isStopping) await new Promise(() => {}); // the one who stops it ends it
		torture.screen.progressEnd();
		console.error(error);
		const lines = torture.stack.logLines({ level: 'error', count: 10 });
		if (lines.length > 0) console.error(lines.join('\n'));
	}
	await torture.close();
	if (ok && !values.keep && !values.dir) rmSync(dir, { recursive: true, force: true });
	else console.log(`everything: ${dir}`);
	process.exit(ok ? 0 : 1); // a load client that was left alone would go on trying
}

await runMain(import.meta.url, main);
