#!/usr/bin/env node
// The demo, once everything is installed and built: `./demo --help` tells what it does.
//
// usage: demo.mjs --program FILE [--keep] [--stop] [--small] [--cluster] [--withdrawals N]
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStartTick } from './anvil.mjs';
import { UsageError, numberOption, readArguments, runMain } from './cli.mjs';
import { ClusterDemo } from './demo_cluster.mjs';
import { Demo, keptFile } from './demo_host.mjs';

function readKept() {
	try {
		return JSON.parse(readFileSync(keptFile, 'utf8'));
	} catch {
		return undefined;
	}
}

const livingOf = (kept) =>
	kept.processes.filter((one) => readStartTick(one.pid) === one.startTick);

async function stopKept() {
	const kept = readKept();
	if (!kept) {
		console.log('nothing is running');
		return;
	}
	const living = () => livingOf(kept);
	for (const { pid } of living()) process.kill(pid, 'SIGTERM');
	const deadline = Date.now() + 20_000;
	while (living().length > 0 && Date.now() < deadline) await sleep(50);
	for (const { pid } of living()) process.kill(pid, 'SIGKILL');
	rmSync(kept.dir, { recursive: true, force: true });
	rmSync(keptFile);
	console.log('stopped');
}

async function main() {
	const { values } = readArguments(import.meta.url, {
		program: { type: 'string' },
		keep: { type: 'boolean' },
		stop: { type: 'boolean' },
		small: { type: 'boolean' },
		cluster: { type: 'boolean' },
		withdrawals: { type: 'string' },
	});
	if (values.stop) {
		await stopKept();
		return 0;
	}
	const kept = readKept();
	if (values.keep && kept && livingOf(kept).length > 0) {
		throw new UsageError('one is still running: ./demo --stop first');
	}
	if (!values.program) throw new UsageError('--program is missing');
	const count = numberOption(values, 'withdrawals') ?? (values.small ? 60 : 1000);
	if (!Number.isInteger(count) || count < 20) throw new UsageError('--withdrawals: 20 at least');
	if (values.cluster && values.keep) throw new UsageError('--cluster keeps nothing');
	const demo = values.cluster ? new ClusterDemo({ ...values, count }) : new Demo({ ...values, count });
	for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		process.once(name, async () => {
			demo.isStopping = true;
			demo.screen.progressEnd();
			console.log('\nstopping');
			await demo.close();
			rmSync(demo.dir, { recursive: true, force: true });
			process.exit(name === 'SIGINT' ? 130 : 143);
		});
	}
	let ok = false;
	try {
		ok = await demo.run();
		if (ok && values.keep) demo.tellHow();
		if (!ok) await demo.explain();
	} catch (error) {
		if (demo.isStopping) await new Promise(() => {}); // the one who stops it ends it
		demo.screen.progressEnd();
		console.error(`demo: ${error.message}`);
		await demo.explain();
	}
	if (ok && values.keep) return 0;
	await demo.close();
	if (ok) rmSync(demo.dir, { recursive: true, force: true });
	return ok ? 0 : 1;
}

await runMain(import.meta.url, main);
