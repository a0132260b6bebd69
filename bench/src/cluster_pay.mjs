// (i) From the POST to COMPLETED on MariaDB and SQS, beside the same stack on SQLite and beside
// bench/bare_client.c, each on a fresh chain; and what it costs in CPU.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { roles } from '../../test/tools/src/stack.mjs';
import { ServersStack } from './cluster_stack.mjs';
import { inFlight, payBare, payWithSluice } from './pay.mjs';
import { buildDir } from './processes.mjs';
import { format, median } from './report.mjs';

const wallets = 16;
const places = { 'SQLite, embedded queue': undefined, 'MariaDB, SQS': { Kind: ServersStack } };
const servers = ['mariadbd', 'fauxqs'];

async function payOnce(options, round) {
	const run = {};
	const root = mkdtempSync(join(buildDir, 'pay-'));
	const turns = [
		async () => (run.bare = await payBare(wallets, options.count, root)),
		...Object.entries(places).map(([name, more]) => async () => {
			const dir = mkdtempSync(join(root, 'stack-'));
			run[name] = await payWithSluice(options, wallets, options.count, dir, more);
		}),
	];
	try {
		for (const turn of round % 2 ? turns.reverse() : turns) await turn();
	} finally {
		rmSync(root, { recursive: true, force: true });
	}
	const rates = Object.keys(places).map((name) => `${name} ${format(run[name].minedPerSecond)}/s`);
	console.error(`mined: bare ${format(run.bare.perSecond)}/s, ${rates.join(', ')}`);
	return run;
}

export async function runClusterPay(options, report) {
	const runs = [];
	for (let round = 0; round < options.rounds; round++) runs.push(await payOnce(options, round));
	const of = (pick) => median(runs.map(pick));
	report.heading('(i) From the POST to the block, on the servers of a cluster');
	report.add(
		`${format(options.count)} withdrawals, ${wallets} wallets × ${inFlight} in flight, one process of each role; median of ` +
			`${options.rounds} runs. The servers run on the same cores.`,
	);
	report.table(
		['store and queue', 'mined/s', 'completed/s', 'bare/s', 'ratio'],
		Object.keys(places).map((name) => [
			name,
			of((run) => run[name].minedPerSecond),
			of((run) => run[name].completedPerSecond),
			of((run) => run.bare.perSecond),
			of((run) => run[name].minedPerSecond / run.bare.perSecond),
		]),
	);
	report.add('CPU per withdrawal, ms:');
	report.table(
		['store and queue', ...roles, 'all', ...servers],
		Object.keys(places).map((name) => {
			const cpu = (who) => of((run) => run[name].cpuMs[who] ?? 0);
			const each = roles.map(cpu);
			return [name, ...each, each.reduce((sum, ms) => sum + ms, 0), ...servers.map(cpu)];
		}),
	);
}
