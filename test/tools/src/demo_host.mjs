// The demo on one host: everything between the first title and the last table. demo.mjs runs it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStartTick } from './anvil.mjs';
import { IntentJournal } from './intents.mjs';
import { buildIntent, runLoad } from './load.mjs';
import { Screen, bytesText, countText, table } from './screen.mjs';
import { Stack, demoAssets, roles, sourceRoot } from './stack.mjs';

const statePlace = join(sourceRoot, 'build', 'demo-state');
export const keptFile = join(statePlace, 'kept.json');
const socketPathRoom = 60; // wake-ups go by sockets beside the database, whose paths are short
const smallScryptN = 4096; // the keystore's full cost takes a second and a half at each start
const smallInFlight = 4; // of a wallet: otherwise one block takes them all, before any kill
const lookMs = 200;
const lookCloselyMs = 20;
const settleTimeoutMs = 120_000;

export class Demo {
	constructor({ program, count, keep, small }) {
		Object.assign(this, { count, keep });
		this.screen = new Screen(process.stdout);
		mkdirSync(statePlace, { recursive: true });
		const isShort = statePlace.length <= socketPathRoom;
		const dir = mkdtempSync(isShort ? join(statePlace, 'run-') : join(tmpdir(), 'sluice-'));
		this.dir = dir;
		this.journal = join(dir, 'intents.jsonl');
		this.open({
			program,
			dir,
			detached: keep,
			anvil: { blockTime: 0.25, slots: 1, gasLimit: 300_000_000 },
			scryptN: small ? smallScryptN : undefined,
			settings: small ? { 'signer.in_flight': smallInFlight } : {},
		});
	}

	open(options) {
		this.stack = new Stack(options);
	}

	// Where the load goes.
	get url() {
		return this.stack.url;
	}

	async prepare() {
		const { stack, screen } = this;
		screen.title('Setting up');
		await stack.startChain();
		screen.fact('chain', `anvil at ${stack.anvil.url}, a block every 0.25 s`);
		await stack.makeWallets();
		await stack.fundWallets();
		screen.fact('wallets', `${stack.wallets.length} of one encrypted seed, with 1,000 ETH each`);
		screen.fact('token', `TUSD at ${stack.token.address}, 10,000,000 for each wallet`);
		await stack.writeConfiguration();
		await stack.makeStore();
		screen.fact('configuration', relative(process.cwd(), stack.configFile) || stack.configFile);
		const ms = await stack.start();
		screen.fact('sluice run', `four roles ready after ${(ms / 1000).toFixed(2)} s`);
		screen.fact('API', stack.url);
	}

	// One withdrawal by the command line, its stages as they happen.
	async payOne(asset, amount) {
		const { stack, screen } = this;
		const index = demoAssets.findIndex((one) => one.asset === asset);
		const intent = buildIntent(`${this.dir}/${asset}`, 0, [demoAssets[index]]);
		intent.amount = amount;
		const units = BigInt(Math.round(Number(amount) * 1e6));
		intent.amount_base = (units * 10n ** BigInt(demoAssets[index].decimals - 6)).toString();

		const journal = new IntentJournal(this.journal);
		journal.write('intent', intent);
		const args = ['withdraw', '--asset', asset, '--amount', amount, '--to', intent.to, '--wait'];
		screen.line(`  ${screen.bold(`$ sluice ${args.join(' ')}`)}`);
		const connection = ['--config', stack.configFile, '--api-key-file', stack.apiKeyFile];
		const child = spawn(stack.program, [...args, ...connection], {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: stack.environment,
		});
		let id;
		let complaint = '';
		child.stderr.on('data', (chunk) => (complaint += chunk));
		const lines = createInterface({ input: child.stdout });
		lines.on('line', (line) => {
			if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(line)) id = line;
			screen.line(`    ${line}`);
		});
		const [status] = await once(child, 'close');
		if (id) journal.write('accepted', { key: intent.key, id });
		journal.close();
		if (status !== 0) throw new Error(`sluice withdraw ended with ${status}: ${complaint}`);
	}

	// Counters start again when their role does: the sum over its lives.
	async countCompleted() {
		try {
			const metrics = await this.stack.metrics('monitor');
			const now = metrics.get('sluice_transfers_final_total{outcome="succeeded"}') ?? 0;
			if (now < (this.completedLast ?? 0)) this.completedBefore += this.completedLast;
			this.completedLast = now;
		} catch {
			// The monitor is away: the number stays.
		}
		return this.completedBefore + (this.completedLast ?? 0) - this.completedAtStart;
	}

	async countSent() {
		const calls = this.stack.wallets.map((wallet) => [
			'eth_getTransactionCount',
			[wallet, 'pending'],
		]);
		const nonces = await this.stack.chain.callMany(calls);
		return nonces.reduce((sum, nonce) => sum + Number(nonce), 0);
	}

	// Only while it has something in its hands.
	async killOne() {
		const { stack, screen } = this;
		const victim = stack.pid('signer');
		if (victim === undefined) return;
		const { inFlight, queues } = await stack.work();
		if (inFlight === 0) return;
		stack.kill('signer');
		this.killed = { at: performance.now(), inFlight, pid: victim };
		const waiting = queues.signing.waiting + queues.signing.claimed;
		screen.line(
			screen.red(`  kill -9 ${victim}`) +
				`, the signer: ${countText(inFlight)} payments in flight, ` +
				`${countText(waiting)} waiting for it`,
		);
		this.revival = stack.waitForRole('signer', { before: victim }).then((pid) => {
			const ms = performance.now() - this.killed.at;
			screen.line(`  the signer is back as ${pid} after ${(ms / 1000).toFixed(2)} s`);
		});
		this.revival.catch(() => {}); // told to the one who waits for it
	}

	show({ accepted, sent, completed }) {
		const seconds = (performance.now() - this.begunAt) / 1000;
		const rate = completed / seconds;
		this.screen.progress(this.count, [
			['accepted', accepted],
			['broadcast', Math.min(sent, this.count)],
			['completed', completed, `${rate.toFixed(0)}/s, ${seconds.toFixed(1)} s`],
		]);
	}

	async look() {
		const completed = await this.countCompleted();
		const sent = await this.countSent();
		const counts = {
			accepted: this.counts?.accepted ?? 0,
			sent: sent - this.sentAtStart,
			completed,
		};
		this.show(counts);
		if (!this.killed && counts.sent >= this.count / 3) await this.killOne();
		return counts;
	}

	async payMany() {
		const { stack } = this;
		this.completedBefore = this.completedAtStart = 0;
		this.completedAtStart = await this.countCompleted();
		this.sentAtStart = await this.countSent();
		this.begunAt = performance.now();
		const load = runLoad({
			url: this.url,
			apiKey: stack.apiKey,
			journalPath: this.journal,
			count: this.count,
			assets: demoAssets,
			concurrency: 16,
			onProgress: (counts) => (this.counts = counts),
		});
		load.catch(() => {}); // awaited below
		let lastGain = performance.now();
		let lastCompleted = 0;
		for (;;) {
			const counts = await this.look();
			if (counts.completed > lastCompleted) {
				lastCompleted = counts.completed;
				lastGain = performance.now();
			}
			if (lastCompleted >= this.count) break;
			if (performance.now() - lastGain > settleTimeoutMs) {
				throw new Error(`nothing was completed for ${settleTimeoutMs / 1000} s`);
			}
			await sleep(this.killed ? lookMs : lookCloselyMs);
		}
		this.seconds = (performance.now() - this.begunAt) / 1000;
		this.screen.progressEnd();
		this.load = await load;
		if (!this.killed) throw new Error('no signer was ever seen with work in flight');
		await this.revival;
	}

	// True when all is well.
	async judge() {
		const { screen, stack } = this;
		const report = await stack.judge([this.journal]);
		const row = (name, counts) => [
			name,
			...['total', 'paid', 'doubled', 'lost', 'wrong'].map((what) => countText(counts[what])),
		];
		screen.lines(
			table(
				['', 'accepted', 'paid', 'doubled', 'lost', 'wrong'],
				[
					...Object.entries(report.by_asset).map(([asset, counts]) => row(asset, counts)),
					row('all', report.accepted),
				],
			),
		);
		const { accepted, unknown, blocks } = report;
		const expected = this.count + 2;
		const ok = report.ok && accepted.total === expected && accepted.paid === expected;
		screen.line();
		const verdict = ok
			? screen.green('every withdrawal was paid once, and none twice')
			: screen.red('not every withdrawal was paid exactly once');
		screen.line(`  ${verdict} (read from ${countText(blocks.to - blocks.from + 1)} blocks)`);
		for (const fault of [...report.faults, ...unknown].slice(0, 10)) {
			screen.line(`  ${fault.verdict ?? 'unknown'}: ${fault.to} ${fault.why ?? ''}`);
		}
		return ok;
	}

	memoryTable() {
		const usage = this.stack.usage();
		const sum = (name) => Object.values(usage).reduce((total, one) => total + one[name], 0);
		const row = (name, { pss, cpuSeconds }) => [
			name,
			bytesText(pss),
			`${cpuSeconds.toFixed(2)} s`,
		];
		return table(
			['', 'memory (Pss)', 'CPU'],
			[
				...[...roles, 'run'].map((role) =>
					row(role === 'run' ? 'supervisor' : role, usage[role]),
				),
				row('together', { pss: sum('pss'), cpuSeconds: sum('cpuSeconds') }),
			],
		);
	}

	measure() {
		const { screen } = this;
		screen.line();
		screen.lines(this.memoryTable());
		screen.line();
		screen.line(
			`  ${(this.count / this.seconds).toFixed(0)} withdrawals per second from the first POST ` +
				`to the last COMPLETED, kills included`,
		);
		screen.line(
			`  accepted in ${this.load.seconds} s: ${this.load.per_second.toFixed(0)} per second, ` +
				`p50 ${this.load.latency_ms.p50} ms, p99 ${this.load.latency_ms.p99} ms`,
		);
	}

	tellHow() {
		const { screen, stack } = this;
		const place = stack.dir; // whole paths: they are pasted into other terminals
		const key = '$SLUICE_API_KEY';
		const to = buildIntent(this.dir, 'by hand', demoAssets).to;
		screen.title('It is still running');
		screen.lines([
			`  export SLUICE_URL=${stack.url} SLUICE_API_KEY=$(cat ${place}/api.key)`,
			`  # a withdrawal, and what became of it`,
			`  curl -s ${stack.url}/v1/withdrawals -H "Authorization: Bearer ${key}" \\`,
			`    -H 'Content-Type: application/json' -H "Idempotency-Key: $(date +%s%N)" \\`,
			`    -d '{"chain":"anvil","asset":"TUSD","to":"${to}","amount":"12.5"}'`,
			`  curl -s ${stack.url}/v1/withdrawals?limit=1 -H "Authorization: Bearer ${key}"`,
			`  # wallets and queues; health and metrics of the signer`,
			`  curl -s ${stack.url}/v1/wallets -H "Authorization: Bearer ${key}"`,
			`  curl -s ${stack.url}/v1/queues -H "Authorization: Bearer ${key}"`,
			`  curl -s ${stack.opsUrls.signer}/readyz`,
			`  curl -s ${stack.opsUrls.signer}/metrics`,
			`  # the same by the command line`,
			`  export SLUICE_CONFIG=${stack.configFile}`,
			`  alias sluice=${stack.program}`,
			`  sluice withdraw --chain anvil --asset ETH --amount 0.01 --to ${to} --wait`,
			`  # what it writes, and its end`,
			`  tail -f ${place}/sluice.log`,
			`  ./demo --stop`,
		]);
		const processes = [stack.pid('run'), stack.anvil.pid].map((pid) => ({
			pid,
			startTick: readStartTick(pid),
		}));
		writeFileSync(keptFile, `${JSON.stringify({ dir: stack.dir, processes })}\n`);
	}

	// What the logs say of a failure: the last lines of each role that is not well.
	async explain() {
		const { screen, stack } = this;
		for (const role of roles) {
			if (!stack.supervisor || (await stack.isReady(role))) continue;
			screen.line(`--- the last lines of the ${role}`);
			screen.lines(stack.logLines({ role, count: 8 }));
		}
		const errors = stack.logLines({ level: 'error', count: 8 });
		if (errors.length > 0) screen.lines(['--- the last errors', ...errors]);
		screen.line(`--- everything: ${stack.dir}`);
	}

	async run() {
		const { screen } = this;
		await this.prepare();
		screen.title('One withdrawal of the native coin');
		await this.payOne('ETH', '0.25');
		screen.title('One withdrawal of a token');
		await this.payOne('TUSD', '12.5');
		screen.title(`${countText(this.count)} withdrawals`);
		await this.payMany();
		screen.title('What the chain says');
		const ok = await this.judge();
		this.measure();
		return ok;
	}

	async close() {
		this.screen.progressEnd();
		await this.stack.close();
	}
}
