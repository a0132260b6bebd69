// Runs the sections of bench/run, whose --help is the documentation.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError, numberOption, readArguments, runMain } from '../../test/tools/src/cli.mjs';
import { runAccept } from './accept.mjs';
import { runCluster } from './cluster.mjs';
import { describeMachine } from './machine.mjs';
import { runGuard } from './guard.mjs';
import { runPay } from './pay.mjs';
import { benchDir, buildDir, loadAverage } from './processes.mjs';
import { runQueue } from './queue.mjs';
import { Report } from './report.mjs';
import { runSign } from './sign.mjs';
import { runStart } from './start.mjs';

const sections = {
	accept: runAccept,
	pay: runPay,
	start: runStart,
	queue: runQueue,
	sign: runSign,
	guard: runGuard,
	cluster: runCluster,
};
const full = { seconds: 3, rounds: 5, rows: 1_000_000, count: 6000 };
const quick = { seconds: 2, rounds: 1, rows: 50_000, count: 600 };

async function main() {
	const { values, positionals } = readArguments(
		import.meta.url,
		{
			quick: { type: 'boolean' },
			write: { type: 'boolean' },
			seconds: { type: 'string' },
			rounds: { type: 'string' },
			rows: { type: 'string' },
			count: { type: 'string' },
			program: { type: 'string' },
		},
		{ positionals: true },
	);
	const unknown = positionals.find((name) => !(name in sections));
	if (unknown) throw new UsageError(`${unknown}: no such section`);
	const options = { ...(values.quick ? quick : full), quick: values.quick };
	for (const name of ['seconds', 'rounds', 'rows', 'count']) {
		options[name] = numberOption(values, name) ?? options[name];
	}
	options.isCountGiven = values.count !== undefined;
	options.program = values.program ?? join(buildDir, 'src', 'sluice');

	const report = new Report();
	report.add('# What Sluice does on one machine');
	report.add(describeMachine(options));
	const wanted = Object.keys(sections).filter(
		(name) => positionals.length === 0 || positionals.includes(name),
	);
	for (const name of wanted) {
		const load = loadAverage();
		if (load > 0.5) console.error(`${name}: others use this machine (load ${load})`);
		await sections[name](options, report);
	}
	report.finish();
	if (values.write) writeFileSync(join(benchDir, 'results.md'), report.text);
	return 0;
}

await runMain(import.meta.url, main);
