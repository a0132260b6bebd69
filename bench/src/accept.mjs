// (a) How many withdrawals are durably accepted per second, beside bench/probe.c; and how many are
// read. Both write their own copy of the same store, in turns, under the same load.
import { createHash } from 'node:crypto';
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	readdirSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Stack, readCpuSeconds } from '../../test/tools/src/stack.mjs';
import { benchDir, buildDir, endTool, runTool, startTool, tool } from './processes.mjs';
import { format, median } from './report.mjs';
import { newSeed, runWrk } from './wrk.mjs';

const connectionCounts = [1, 16, 64, 256];
const readConnections = 64;
const idsRead = 10_000;
const warmUpSeconds = 1;

async function measure(script, target, connections, seconds, argumentsOf) {
	await runWrk(script, target, connections, warmUpSeconds, argumentsOf());
	const before = readCpuSeconds(target.pid);
	const result = await runWrk(script, target, connections, seconds, argumentsOf());
	const cpu = readCpuSeconds(target.pid) - before;
	return { ...result, cpu_us: (cpu / result.requests) * 1e6 };
}

const measurePosts = (target, connections, seconds) =>
	measure('accept.lua', target, connections, seconds, () => [target.apiKey, newSeed()]);

// Made once and copied by later runs, as long as what it is made by stays the same.
async function prefilledStore(rows) {
	const digest = createHash('sha256');
	for (const path of ['../src/adapter/store_schema.c', 'fill.c']) {
		digest.update(readFileSync(join(benchDir, path)));
	}
	const path = join(buildDir, `store-${rows}-${digest.digest('hex').slice(0, 8)}.db`);
	if (existsSync(path)) return path;
	for (const name of readdirSync(buildDir)) {
		if (/^store-.*\.db/.test(name)) rmSync(join(buildDir, name));
	}
	console.error(`filling ${path} …`);
	const unfinished = `${path}.part`;
	await runTool(tool('bench_fill'), [unfinished, `${rows}`]);
	for (const suffix of ['-next', '-turn']) rmSync(unfinished + suffix, { force: true });
	renameSync(unfinished, path);
	return path;
}

async function copyStore(from, to) {
	copyFileSync(from, to);
	await runTool('sync', [to]); // or the kernel's writing it out slows down what is measured
}

async function startApi(options, dir, store) {
	const stack = new Stack({ program: options.program, dir, wallets: 1, scryptN: 2 });
	mkdirSync(join(dir, 'data'), { recursive: true });
	const database = join(dir, 'data', 'sluice.db');
	if (store) await copyStore(store, database);
	await stack.makeWallets();
	stack.anvil = { url: 'http://127.0.0.1:1' }; // the API asks no chain
	await stack.writeConfiguration();
	stack.anvil = undefined;
	await stack.makeStore();
	stack.startRole('api');
	await stack.waitForRole('api');
	return {
		name: 'sluice api',
		url: stack.url,
		apiKey: stack.apiKey,
		pid: stack.pid('api'),
		database,
		stop: () => stack.close(),
	};
}

async function startProbe(options, dir, store) {
	mkdirSync(dir, { recursive: true });
	const database = join(dir, 'probe.db');
	if (store) await copyStore(store, database);
	else await runTool(tool('bench_fill'), [database, '0']);
	const { child, line } = await startTool(tool('bench_probe'), [database]);
	return {
		name: 'probe',
		url: `http://127.0.0.1:${line}`,
		apiKey: 'none',
		pid: child.pid,
		database,
		stop: () => endTool(child),
	};
}

const starters = { api: startApi, probe: startProbe };

// rounds × connections × (api, probe), the two in turns: a Map of "who connections" to results.
async function interleave(options, withTarget) {
	const results = new Map();
	for (let round = 0; round < options.rounds; round++) {
		for (const connections of connectionCounts) {
			const turns = round % 2 ? ['probe', 'api'] : ['api', 'probe'];
			for (const who of turns) {
				const result = await withTarget(who, (target) =>
					measurePosts(target, connections, options.seconds),
				);
				const key = `${who} ${connections}`;
				results.set(key, [...(results.get(key) ?? []), result]);
				const rate = format(result.perSecond);
				console.error(`${who}, ${connections} connections: ${rate}/s, p99 ${result.p99_ms} ms`);
			}
		}
	}
	return results;
}

function summarize(results) {
	return connectionCounts.map((connections) => {
		const [api, probe] = ['api', 'probe'].map((who) => {
			const runs = results.get(`${who} ${connections}`);
			const of = (name) => median(runs.map((run) => run[name]));
			return {
				runs,
				perSecond: of('perSecond'),
				p50: of('p50_ms'),
				p99: of('p99_ms'),
				cpu: of('cpu_us'),
			};
		});
		// Neighbours in time are compared with each other: the machine is not the same all the time.
		const ratio = median(api.runs.map((run, at) => run.perSecond / probe.runs[at].perSecond));
		return { connections, api, probe, ratio };
	});
}

// That the probe writes what Sluice writes: rows and bytes per withdrawal.
async function compareStores(targets) {
	const found = {};
	for (const [who, database] of Object.entries(targets)) {
		const text = await runTool('sqlite3', [
			database,
			'PRAGMA wal_checkpoint(TRUNCATE); ' +
				['withdrawals', 'events', 'audit', 'messages']
					.map((name) => `SELECT '=' || count(*) FROM ${name};`)
					.join(' '),
		]);
		const [rows, ...others] = [...text.matchAll(/^=(\d+)$/gm)].map((match) => Number(match[1]));
		found[who] = { bytes: statSync(database).size / rows, isSame: true };
		// The API's key, its account and the policy leave audit records of their own.
		if (others.some((count) => Math.abs(count - rows) > 16)) found[who].isSame = false;
	}
	if (!found.api.isSame || !found.probe.isSame) {
		throw new Error('the probe does not write the rows that the API writes');
	}
	return found;
}

async function measureEmpty(options, root) {
	let runs = 0;
	const last = {};
	const results = await interleave(options, async (who, use) => {
		const dir = join(root, `empty-${++runs}`);
		const target = await starters[who](options, dir);
		try {
			return await use(target);
		} finally {
			await target.stop();
			if (last[who]) rmSync(join(last[who], '..'), { recursive: true, force: true });
			last[who] = target.database;
		}
	});
	return { rows: summarize(results), sizes: await compareStores(last) };
}

async function measureReads(options, target, root) {
	const list = join(root, 'ids');
	const query =
		'SELECT lower(hex(id)) FROM withdrawals WHERE rowid IN (SELECT abs(random()) % ' +
		`(SELECT max(rowid) FROM withdrawals) + 1 FROM withdrawals LIMIT ${idsRead})`;
	writeFileSync(list, await runTool('sqlite3', ['-readonly', target.database, query]));
	return measure('read.lua', target, readConnections, options.seconds, () => [
		target.apiKey,
		list,
	]);
}

async function measureFilled(options, root) {
	const store = await prefilledStore(options.rows);
	const targets = {};
	try {
		for (const who of ['api', 'probe']) {
			targets[who] = await starters[who](options, join(root, `filled-${who}`), store);
		}
		const results = await interleave(options, (who, use) => use(targets[who]));
		return { rows: summarize(results), reads: await measureReads(options, targets.api, root) };
	} finally {
		for (const target of Object.values(targets)) await target.stop();
	}
}

function tableRows(store, rows) {
	return rows.map(({ connections, api, probe, ratio }) => [
		store,
		connections,
		...[api.perSecond, api.p50, api.p99, api.cpu],
		...[probe.perSecond, probe.p50, probe.p99, probe.cpu],
		ratio,
	]);
}

export async function runAccept(options, report) {
	const root = mkdtempSync(join(buildDir, 'accept-'));
	try {
		const empty = await measureEmpty(options, root);
		const filled = await measureFilled(options, root);
		const rowsText = `${format(options.rows, 0)} rows`;
		report.heading('(a) Durable acceptance: POST /v1/withdrawals');
		report.add(
			`Median of ${options.rounds} runs of ${options.seconds} s each, in turns with the probe; ` +
				'latencies in ms, as wrk sees them (one thread, on the same cores); CPU in µs per ' +
				`request. Bytes of database per withdrawal: API ${format(empty.sizes.api.bytes)}, ` +
				`probe ${format(empty.sizes.probe.bytes)}.`,
		);
		report.table(
			[
				...['store', 'connections', 'POST/s', 'p50', 'p99', 'CPU'],
				...['probe', 'p50 ', 'p99 ', 'CPU ', 'ratio'],
			],
			[...tableRows('empty', empty.rows), ...tableRows(rowsText, filled.rows)],
		);
		report.table(
			['GET /v1/withdrawals/{id}', 'connections', 'GET/s', 'p50', 'p99', 'CPU'],
			[
				[
					`random ids of ${rowsText}`,
					readConnections,
					filled.reads.perSecond,
					filled.reads.p50_ms,
					filled.reads.p99_ms,
					filled.reads.cpu_us,
				],
			],
		);
		addAims(report, empty.rows, filled.rows);
	} finally {
		rmSync(root, { recursive: true, force: true });
	}
}

function addAims(report, empty, filled) {
	const all = [...empty, ...filled];
	const worst = all.reduce((low, row) => (row.ratio < low.ratio ? row : low));
	const at64 = empty.find((row) => row.connections === 64);
	report.aim(
		'(a) POST/s, of the probe: worst of all rows',
		'≥ 0.8',
		format(worst.ratio),
		worst.ratio >= 0.8,
	);
	report.aim(
		'(a) POST/s, of the probe: 64 connections, empty store',
		'≥ 0.8',
		format(at64.ratio),
		at64.ratio >= 0.8,
	);
	report.aim(
		'(a) POST/s at 64 connections, empty store',
		'≥ 12,000',
		format(at64.api.perSecond),
		at64.api.perSecond >= 12_000,
	);
	report.aim(
		'(a) its p99',
		'≤ 25 ms',
		`${format(at64.api.p99)} ms`,
		at64.api.p99 <= 25,
	);
}
