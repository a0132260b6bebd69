// Programs that are measured: started, waited for, looked at, ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const benchDir = resolve(fileURLToPath(import.meta.url), '../..');
export const buildDir = resolve(benchDir, '../build/bench');
export const tool = (name) => `${buildDir}/bench/${name}`;

// Starts a program that prints one line when it listens: { child, line }. It dies with us.
export async function startTool(command, args) {
	const child = spawn('setpriv', ['--pdeathsig', 'SIGKILL', command, ...args], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const [chunk] = await Promise.race([
		once(child.stdout, 'data'),
		once(child, 'exit').then(([code]) => {
			throw new Error(`${command} ended with ${code}`);
		}),
	]);
	return { child, line: chunk.toString().trim() };
}

export async function endTool(child) {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = once(child, 'exit');
	child.kill('SIGTERM');
	await ended;
}

// Runs to the end: standard output.
export async function runTool(command, args, options = {}) {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
	const chunks = [];
	child.stdout.on('data', (chunk) => chunks.push(chunk));
	const [code, signal] = await once(child, 'close');
	if (code !== 0) throw new Error(`${command} ${args[0] ?? ''}: ended with ${code ?? signal}`);
	return Buffer.concat(chunks).toString();
}

// The average load of the last minute: what other programs did to the figures.
export const loadAverage = () => Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
