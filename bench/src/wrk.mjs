// The load generator, and what it found.
import { join } from 'node:path';
import { benchDir, runTool } from './processes.mjs';

let seeds = Date.now() % 1_000_000_000;

// So that no two runs use the same idempotency keys.
export const newSeed = () => `${++seeds}`;

// Loads target.url through a script with its arguments: what the script's last line tells, and
// perSecond. Any error is one of the measurement, but for a part of target.tolerated.
export async function runWrk(script, target, connections, seconds, args) {
	const output = await runTool('wrk', [
		...[`-t${target.threads ?? 1}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '10s'],
		...['-s', join(benchDir, script), target.url, '--', ...args],
	]);
	const found = /^\{.*\}$/m.exec(output);
	if (!found) throw new Error(`wrk: ${output}`);
	const result = JSON.parse(found[0]);
	if (result.errors > (target.tolerated ?? 0) * result.requests) throw new Error(`${target.name}: ${result.errors} errors`);
	return { ...result, perSecond: result.requests / result.seconds };
}
