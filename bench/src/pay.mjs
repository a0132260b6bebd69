// (b) Withdrawals per second from the POST to a block and to COMPLETED, beside bench/bare_client.c,
// each on a fresh chain that mines every quarter of a second; (c) what they cost in CPU, (d) what
// the roles take in memory meanwhile.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAnvil } from '../../test/tools/src/anvil.mjs';
import { Chain } from '../../test/tools/src/chain.mjs';
import { Stack, roles } from '../../test/tools/src/stack.mjs';
import { buildDir, runTool, tool } from './processes.mjs';
import { format, median } from './report.mjs';
import { newSeed, runWrk } from './wrk.mjs';

const walletCounts = [4, 16];
export const inFlight = 16;
const pollMs = 50; // of the head, by both
const lookMs = 25;
const memoryMs = 500;
const coins = 10n ** 21n; // a thousand
const tokens = 10n ** 13n; // ten million, of 6 decimals
const loadConnections = 64;
const loadSeconds = 5; // more than it takes to post them all
const idleMs = 3000;
const deadlineMs = 300_000;
const lateMs = 10_000;
const minedMetric = 'sluice_transfers_mined_total';
const finalMetric = 'sluice_transfers_final_total{outcome="succeeded"}';
const completed = 'COMPLETED';

// Blocks by interval, never at once: what waits for a block is a part of what is measured.
const anvilOptions = { blockTime: 0.25, slots: 1 };

export async function payBare(wallets, count, root) {
	const anvil = await startAnvil(join(root, 'bare'), anvilOptions);
	try {
		const chain = new Chain(anvil.url);
		const addresses = (await runTool(tool('bench_bare_client'), ['addresses', `${wallets}`]))
			.trim()
			.split('\n');
		await chain.fund(addresses, coins);
		const token = await chain.deployToken('TUSD', 6);
		await token.mint(addresses, tokens);
		const output = await runTool(tool('bench_bare_client'), [
			...['pay', anvil.url, `${wallets}`, `${inFlight}`, `${count}`, `${pollMs}`],
			token.address,
		]);
		const { mined, seconds } = JSON.parse(output);
		return { perSecond: mined / seconds };
	} finally {
		await anvil.stop();
	}
}

const sumOf = (usage, name) => roles.reduce((sum, role) => sum + (usage[role]?.[name] ?? 0), 0);

// Looks at the stack until all is over: when the last one was mined, when completed; the memory at
// the moment when the roles together had most.
async function watch(stack, count, begun) {
	const seen = { peak: { total: 0 } };
	let memoryAt = 0;
	while (!seen.completed) {
		const metrics = await stack.metrics('monitor');
		const now = performance.now();
		const seconds = (now - begun) / 1000;
		if (!seen.mined && metrics.get(minedMetric) >= count) seen.mined = seconds;
		if (metrics.get(finalMetric) >= count) seen.completed = seconds;
		if (now >= memoryAt) {
			const usage = stack.usage();
			const total = sumOf(usage, 'pss');
			if (total > seen.peak.total) seen.peak = { total, usage };
			memoryAt = now + memoryMs;
		}
		if (now - begun > deadlineMs) {
			throw new Error(`${metrics.get(finalMetric)} of ${count} are completed; giving up`);
		}
		await sleep(lookMs);
	}
	return seen;
}

// Posts as fast as the API takes them, so that the queues are full.
const accept = ({ url, apiKey }, count) =>
	runWrk('accept.lua', { name: 'sluice', url }, loadConnections, loadSeconds, [
		...[apiKey, newSeed(), `${count}`],
	]);

async function countCompleted(stack) {
	let found = 0;
	for await (const withdrawal of stack.withdrawals(`status=${completed}`)) {
		if (withdrawal.status === completed) found++;
	}
	return found;
}

// Each withdrawal is completed (the monitor counts before it commits), and the chain has one
// transaction for each.
async function checkAll(stack, count) {
	const deadline = performance.now() + lateMs;
	let found = await countCompleted(stack);
	while (found < count && performance.now() < deadline) {
		await sleep(lookMs);
		found = await countCompleted(stack);
	}
	const nonces = await Promise.all(stack.wallets.map((wallet) => stack.chain.nonce(wallet)));
	const sent = nonces.reduce((sum, nonce) => sum + nonce, 0);
	if (found !== count || sent !== count) {
		throw new Error(`${count} accepted, ${found} ${completed}, ${sent} transactions`);
	}
}

// Kind: Stack, or one that has more processes to look at in its usage().
export async function payWithSluice(options, wallets, count, root, { Kind = Stack, ...more } = {}) {
	const stack = await Kind.open({
		program: options.program,
		dir: join(root, 'sluice'),
		wallets,
		anvil: anvilOptions,
		settings: { 'signer.in_flight': inFlight, 'chains.0.poll_ms': pollMs },
		...more,
	});
	try {
		await sleep(idleMs);
		const before = stack.usage();
		const begun = performance.now();
		const [seen] = await Promise.all([watch(stack, count, begun), accept(stack, count)]);
		const after = stack.usage();
		await checkAll(stack, count);
		const cpuMs = (name) => (after[name].cpuSeconds - before[name].cpuSeconds) * 1000;
		const names = Object.keys(before);
		return {
			minedPerSecond: count / seen.mined,
			completedPerSecond: count / seen.completed,
			cpuMs: Object.fromEntries(names.map((name) => [name, cpuMs(name) / count])),
			idle: before,
			peak: seen.peak.usage,
		};
	} finally {
		await stack.close();
	}
}

async function measurePay(options, wallets) {
	// Few wallets pay slowly: forty full blocks tell as much as the whole number would.
	const count = options.isCountGiven
		? options.count
		: Math.min(options.count, wallets * inFlight * 40);
	const runs = [];
	for (let round = 0; round < options.rounds; round++) {
		const root = mkdtempSync(join(buildDir, 'pay-'));
		try {
			const run = {};
			const turns = {
				bare: async () => (run.bare = await payBare(wallets, count, root)),
				sluice: async () => (run.sluice = await payWithSluice(options, wallets, count, root)),
			};
			for (const who of round % 2 ? ['sluice', 'bare'] : ['bare', 'sluice']) await turns[who]();
			const { bare, sluice } = run;
			console.error(
				`${wallets} wallets: bare ${format(bare.perSecond)}/s, ` +
					`Sluice mined ${format(sluice.minedPerSecond)}/s, ` +
					`completed ${format(sluice.completedPerSecond)}/s`,
			);
			runs.push(run);
		} finally {
			rmSync(root, { recursive: true, force: true });
		}
	}
	return { wallets, count, runs };
}

function rateRow({ wallets, count, runs }) {
	const of = (pick) => median(runs.map(pick));
	return [
		`${wallets} × ${inFlight}`,
		`${format(count, 0)}`,
		of((run) => run.sluice.minedPerSecond),
		of((run) => run.sluice.completedPerSecond),
		of((run) => run.bare.perSecond),
		of((run) => run.sluice.minedPerSecond / run.bare.perSecond),
	];
}

function addRates(report, measured) {
	report.heading('(b) From the POST to the block');
	report.add(
		'Blocks every 0.25 s, half coins, half tokens; the clock runs from the first POST (the bare ' +
			`client's first call). Both ask for the head every ${pollMs} ms.`,
	);
	const rows = measured.map(rateRow);
	report.table(
		['wallets × in flight', 'withdrawals', 'mined/s', 'completed/s', 'bare/s', 'ratio'],
		rows,
	);
	for (const [shape, , , , , ratio] of rows) {
		report.aim(`(b) mined/s, of the bare client: ${shape}`, '≥ 0.8', format(ratio), ratio >= 0.8);
	}
}

function addCpu(report, measured) {
	report.heading('(c) CPU per withdrawal, ms');
	const rows = measured.map(({ wallets, runs }) => {
		const each = roles.map((role) => median(runs.map((run) => run.sluice.cpuMs[role])));
		return [`${wallets} × ${inFlight}`, ...each, each.reduce((sum, ms) => sum + ms, 0)];
	});
	report.table(['wallets × in flight', ...roles, 'all'], rows);
	const full = rows.at(-1).at(-1);
	report.aim('(c) CPU per withdrawal', '≤ 0.4 ms', `${format(full)} ms`, full <= 0.4);
}

function addMemory(report, measured) {
	const mebibytes = (bytes) => bytes / 2 ** 20;
	const { runs } = measured.at(-1);
	const rows = ['idle', 'peak'].map((when) => {
		const usages = runs.map((run) => run.sluice[when]);
		const of = (role) => mebibytes(median(usages.map((usage) => usage[role].pss)));
		const all = mebibytes(median(usages.map((usage) => sumOf(usage, 'pss'))));
		return [when === 'idle' ? 'idle, unlocked' : 'under load', ...roles.map(of), all, of('run')];
	});
	report.heading('(d) Memory (Pss), MiB');
	report.table(['', ...roles, 'all four', 'run'], rows);
	const [idle, loaded] = rows.map((row) => row[1 + roles.length]);
	report.aim('(d) memory of the four roles, idle', '≤ 40 MB', `${format(idle)} MiB`, idle <= 40);
	report.aim('(d) the same under load', '≤ 80 MB', `${format(loaded)} MiB`, loaded <= 80);
}

export async function runPay(options, report) {
	const measured = [];
	for (const wallets of walletCounts) measured.push(await measurePay(options, wallets));
	addRates(report, measured);
	addCpu(report, measured);
	addMemory(report, measured);
}
