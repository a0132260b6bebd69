// (e) From the start of a process to its word that it is ready, by role; the signer once with a
// keystore that costs nothing to unlock and once with the default cost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, roles } from '../../test/tools/src/stack.mjs';
import { buildDir } from './processes.mjs';
import { format, median } from './report.mjs';

const cheapUnlock = 2;
const aimMs = 100;

async function prepare(options, dir, scryptN) {
	const stack = new Stack({ program: options.program, dir, scryptN });
	await stack.startChain();
	await stack.makeWallets();
	await stack.fundWallets();
	await stack.writeConfiguration();
	await stack.makeStore();
	return stack;
}

// Milliseconds from the start to `word` on standard error (a role) or output (`run`).
async function measureStart(stack, args, stream, word) {
	const begun = performance.now();
	const child = spawn(stack.program, [...args, '--config', stack.configFile], {
		cwd: stack.dir,
		env: stack.environment,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const ended = once(child, 'exit');
	let text = '';
	const ready = new Promise((resolve, reject) => {
		for (const name of ['stdout', 'stderr']) {
			child[name].on('data', (chunk) => {
				text += chunk;
				if (name === stream && text.includes(word)) resolve(performance.now() - begun);
			});
		}
		ended.then(() => reject(new Error(`sluice ${args[0]} is not ready:\n${text}`)));
	});
	try {
		return await ready;
	} finally {
		child.kill('SIGTERM');
		await ended;
	}
}

async function repeat(options, measure) {
	const times = [];
	for (let round = 0; round < Math.max(3, options.rounds); round++) times.push(await measure());
	return median(times);
}

const roleReady = (stack, role) => measureStart(stack, [role], 'stderr', '"role_ready"');
const allReady = (stack) => measureStart(stack, ['run'], 'stdout', 'ready');

async function measureAll(options, root) {
	const times = {};
	const cheap = await prepare(options, join(root, 'cheap'), cheapUnlock);
	try {
		for (const role of roles) {
			times[role] = await repeat(options, () => roleReady(cheap, role));
		}
		times.run = await repeat(options, () => allReady(cheap));
	} finally {
		await cheap.close();
	}
	const dear = await prepare(options, join(root, 'dear'));
	try {
		times.unlock = (await repeat(options, () => roleReady(dear, 'signer'))) - times.signer;
	} finally {
		await dear.close();
	}
	return times;
}

export async function runStart(options, report) {
	const root = mkdtempSync(join(buildDir, 'start-'));
	let times;
	try {
		times = await measureAll(options, root);
	} finally {
		rmSync(root, { recursive: true, force: true });
	}
	report.heading('(e) From start to ready, ms');
	report.add(
		'`unlock` is what the signer takes longer with a keystore of the default cost (scrypt, ' +
			'N = 262,144); `run` is all four roles and the migration, without it.',
	);
	report.table(
		['', ...roles, 'unlock', 'run'],
		[['ms', ...roles.map((role) => times[role]), times.unlock, times.run]],
	);
	for (const role of roles) {
		const ms = times[role];
		const what = role === 'signer' ? 'signer without its unlock' : role;
		report.aim(`(e) start to ready: ${what}`, '≤ 100 ms', `${format(ms)} ms`, ms <= aimMs);
	}
}
