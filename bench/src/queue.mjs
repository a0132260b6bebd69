// (f) Wake-ups per second from their commit to their acknowledgement: through the embedded queue, and
// through the outbox and an SQS of others on the same machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, startFauxqs } from '../../test/tools/src/emulators.mjs';
import { buildDir, runTool, tool } from './processes.mjs';
import { format, median } from './report.mjs';

const perCount = 5; // messages for each withdrawal of --count

async function perSecond(root, count, endpoint) {
	const dir = mkdtempSync(join(root, 'run-'));
	const output = await runTool(
		tool('bench_queue'),
		[join(dir, 'queue.db'), `${count}`, ...(endpoint ? [endpoint] : [])],
		{ env: { ...process.env, ...credentials } },
	);
	const { messages, seconds } = JSON.parse(output);
	return messages / seconds;
}

export async function runQueue(options, report) {
	const root = mkdtempSync(join(buildDir, 'queue-'));
	const count = options.count * perCount;
	const runs = [];
	let sqs;
	try {
		sqs = await startFauxqs(root);
		for (let round = 0; round < options.rounds; round++) {
			const run = {};
			const turns = {
				embedded: async () => (run.embedded = await perSecond(root, count)),
				sqs: async () => (run.sqs = await perSecond(root, count, sqs.url)),
			};
			for (const who of round % 2 ? ['sqs', 'embedded'] : ['embedded', 'sqs']) await turns[who]();
			console.error(`queue: embedded ${format(run.embedded)}/s, SQS ${format(run.sqs)}/s`);
			runs.push(run);
		}
	} finally {
		await sqs?.stop();
		rmSync(root, { recursive: true, force: true });
	}
	const of = (pick) => median(runs.map(pick));
	report.heading('(f) Wake-ups through a queue');
	report.add(
		'One thread commits them in groups of 64 and hands them on, another claims and acknowledges them; SQLite. ' +
			'SQS is fauxqs, on the same cores.',
	);
	report.table(
		['messages', 'embedded/s', 'SQS/s', 'ratio'],
		[[`${format(count, 0)}`, of((run) => run.embedded), of((run) => run.sqs), of((run) => run.sqs / run.embedded)]],
	);
}
