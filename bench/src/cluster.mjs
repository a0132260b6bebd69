// (h) How many withdrawals several API processes accept durably on one MariaDB, beside bench/rows.c,
// which only stores the same rows; where the CPU time goes, and how many statements it takes.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { makeDatabases, startMariadb } from '../../test/tools/src/mariadb.mjs';
import { Stack, findFreePorts, readCpuSeconds } from '../../test/tools/src/stack.mjs';
import { runClusterPay } from './cluster_pay.mjs';
import { serverSettings } from './cluster_stack.mjs';
import { buildDir, runTool, tool } from './processes.mjs';
import { format, median } from './report.mjs';
import { newSeed, runWrk } from './wrk.mjs';

const processCounts = [1, 2, 4];
const connectionCounts = [64, 256];
const warmUpSeconds = 1;
const tables = ['withdrawals', 'events', 'audit', 'messages'];
const aim = 15_000;

async function startHost(host, first) {
	host.anvil = { url: 'http://127.0.0.1:1' }; // the API asks no chain
	await host.writeConfiguration();
	host.anvil = undefined;
	if (host === first) await host.makeStore();
	else {
		for (const name of ['data/trust', 'api.key']) {
			cpSync(join(first.dir, name), join(host.dir, name), { recursive: true });
		}
	}
	host.startRole('api');
	await host.waitForRole('api');
}

// One server, and as many API processes as are ever wanted, each as on a host of its own.
async function startAll(options, root) {
	const [port] = await findFreePorts(1);
	const all = { hosts: [], stop: () => stopAll(all) };
	try {
		all.mariadb = await startMariadb(root, { port, settings: serverSettings });
		const settings = await makeDatabases(all.mariadb, root);
		for (let number = 1; number <= Math.max(...processCounts); number++) {
			const dir = join(root, `host${number}`);
			const host = new Stack({ program: options.program, dir, wallets: 1, scryptN: 2, settings });
			all.hosts.push(host);
			const [first] = all.hosts;
			if (host === first) await host.makeWallets();
			for (const name of ['wallets', 'walletsYaml', 'apiKey']) host[name] = first[name];
			await startHost(host, first);
		}
		return all;
	} catch (error) {
		await stopAll(all);
		throw error;
	}
}

async function stopAll({ hosts, mariadb }) {
	for (const host of hosts) await host.close();
	await mariadb?.stop();
}

async function readCounters({ mariadb }) {
	const names = ['Com_stmt_execute', 'Com_begin', 'Com_commit', 'Com_rollback', 'Binlog_group_commits'];
	const list = names.map((name) => `'${name}'`).join(', ');
	const rows = await mariadb.query(`SHOW GLOBAL STATUS WHERE Variable_name IN (${list})`);
	return Object.fromEntries(rows.map(([name, value]) => [name, Number(value)]));
}

const countRows = async ({ mariadb }) =>
	(await mariadb.query(tables.map((name) => `SELECT COUNT(*) FROM ${name}`).join('; '), 'sluice'))
		.flat()
		.map(Number);

async function empty({ mariadb }) {
	await mariadb.query(tables.map((name) => `TRUNCATE ${name}`).join('; '), 'sluice');
}

// What the load's requests were, and what was stored, have to agree; wrk drops what is under way
// when its time is over.
function check(rows, requests, connections) {
	const [withdrawals, ...others] = rows;
	const extra = withdrawals - requests;
	if (others.some((count) => count !== withdrawals) || extra < 0 || extra > 2 * connections) {
		throw new Error(`${requests} accepted, but rows of ${tables.join(', ')}: ${rows.join(', ')}`);
	}
}

async function measurePosts(all, processes, connections, seconds) {
	const hosts = all.hosts.slice(0, processes);
	const target = { name: 'sluice api', url: hosts[0].url, threads: processes };
	const ports = hosts.map((host) => new URL(host.url).port).join(',');
	const load = (duration) =>
		runWrk('accept.lua', target, connections, duration, [hosts[0].apiKey, newSeed(), '0', ports]);
	const cpu = () => ({
		api: hosts.reduce((sum, host) => sum + readCpuSeconds(host.pid('api')), 0),
		mariadb: readCpuSeconds(all.mariadb.pid),
	});
	await empty(all);
	const { requests: warm } = await load(warmUpSeconds);
	const counters = await readCounters(all);
	const before = cpu();
	const result = await load(seconds);
	const after = cpu();
	const counted = await readCounters(all);
	check(await countRows(all), warm + result.requests, connections);
	const each = (name) => ((after[name] - before[name]) / result.requests) * 1e6;
	const more = (name) => counted[name] - counters[name];
	return {
		...result,
		api_us: each('api'),
		mariadb_us: each('mariadb'),
		load_us: (result.cpu_s / result.requests) * 1e6,
		group: result.requests / more('Com_commit'),
		statements:
			(more('Com_stmt_execute') + more('Com_begin') + more('Com_commit') + more('Com_rollback')) /
			result.requests,
		flushes: more('Binlog_group_commits') / result.seconds,
	};
}

async function measureRows(all, connections, seconds) {
	await empty(all);
	const before = readCpuSeconds(all.mariadb.pid);
	const output = await runTool(tool('bench_rows'), [
		...[all.mariadb.socket, 'sluice', `${connections}`, `${seconds}`],
	]);
	const cpu = readCpuSeconds(all.mariadb.pid) - before;
	const result = JSON.parse(output);
	check(await countRows(all), result.rows, 0);
	return { perSecond: result.rows / result.seconds, mariadb_us: (cpu / result.rows) * 1e6 };
}

async function measureShape(options, all, processes, connections) {
	const runs = [];
	for (let round = 0; round < options.rounds; round++) {
		const run = {};
		const turns = {
			api: async () =>
				(run.api = await measurePosts(all, processes, connections, options.seconds)),
			rows: async () => (run.rows = await measureRows(all, processes, options.seconds)),
		};
		for (const who of round % 2 ? ['rows', 'api'] : ['api', 'rows']) await turns[who]();
		console.error(
			`MariaDB, ${processes} api, ${connections} connections: ${format(run.api.perSecond)}/s, ` +
				`p99 ${run.api.p99_ms} ms; the bare rows ${format(run.rows.perSecond)}/s`,
		);
		runs.push(run);
	}
	return { processes, connections, runs };
}

function summarize({ processes, connections, runs }) {
	const of = (name) => median(runs.map((run) => run.api[name]));
	const rates = runs.map((run) => run.api.perSecond);
	return {
		processes,
		connections,
		perSecond: median(rates),
		spread: `${format(Math.min(...rates), 0)}–${format(Math.max(...rates), 0)}`,
		p50: of('p50_ms'),
		p99: of('p99_ms'),
		cpu: ['api_us', 'mariadb_us', 'load_us'].map(of),
		group: of('group'),
		statements: of('statements'),
		flushes: of('flushes'),
		rows: median(runs.map((run) => run.rows.perSecond)),
		rowsCpu: median(runs.map((run) => run.rows.mariadb_us)),
		ratio: median(runs.map((run) => run.api.perSecond / run.rows.perSecond)),
	};
}

function addTables(report, options, measured) {
	const rows = measured.map(summarize);
	report.heading('(h) Durable acceptance on MariaDB');
	report.add(
		`Median of ${options.rounds} runs of ${options.seconds} s each, from an empty store, in turns with ` +
			'bench/rows.c (with as many connections as there are API processes). One server on the ' +
			'same cores and disk: innodb_flush_log_at_trx_commit=1, a binary log with sync_binlog=1, 1 GiB of ' +
			'buffer pool; the API reaches it by TCP with TLS. Each API process has a load thread of its own.',
	);
	report.table(
		['API processes', 'connections', 'POST/s', 'from–to', 'p50', 'p99', 'bare rows/s', 'ratio'],
		rows.map((row) => [
			`${row.processes}`,
			row.connections,
			...[row.perSecond, row.spread, row.p50, row.p99, row.rows, row.ratio],
		]),
	);
	report.add(
		'Where the time goes: CPU in µs per request, of the load generator too, and how many requests a second ' +
			`${cpus().length} cores would take at that price if nothing else used them and nobody ever waited; requests per ` +
			'transaction; statements per request, BEGIN and COMMIT included; groups of commits that MariaDB wrote ' +
			'and synced in a second.',
	);
	report.table(
		[
			...['API processes', 'connections', 'api', 'mariadbd', 'wrk', 'all', 'at most/s'],
			...['mariadbd, bare', 'group', 'statements', 'syncs/s'],
		],
		rows.map((row) => {
			const all = row.cpu.reduce((sum, us) => sum + us, 0);
			return [
				`${row.processes}`,
				row.connections,
				...[...row.cpu, all, (cpus().length * 1e6) / all],
				...[row.rowsCpu, row.group, row.statements, row.flushes],
			];
		}),
	);
	const best = rows.reduce((high, row) => (row.perSecond > high.perSecond ? row : high));
	report.aim(
		'(h) POST/s on MariaDB, the best shape',
		`≥ ${format(aim)}`,
		format(best.perSecond),
		best.perSecond >= aim,
	);
}

export async function runCluster(options, report) {
	await runClusterAccept(options, report);
	await runClusterPay(options, report);
}

async function runClusterAccept(options, report) {
	const root = mkdtempSync(join(buildDir, 'cluster-'));
	let all;
	try {
		all = await startAll(options, root);
		const measured = [];
		for (const processes of processCounts) {
			for (const connections of connectionCounts) {
				measured.push(await measureShape(options, all, processes, connections));
			}
		}
		addTables(report, options, measured);
	} finally {
		await all?.stop();
		rmSync(root, { recursive: true, force: true });
	}
}
