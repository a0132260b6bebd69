// The facts without which figures mean nothing.
import { execFileSync } from 'node:child_process';
import {
	closeSync,
	fsyncSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	writeSync,
} from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { buildDir } from './processes.mjs';
import { format, median } from './report.mjs';

const firstLine = (command, ...args) =>
	execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];

// Milliseconds of one 4 KiB write that is really on the disk.
function measureSync() {
	const dir = mkdtempSync(join(buildDir, 'sync-'));
	const file = openSync(join(dir, 'file'), 'w');
	const page = Buffer.alloc(4096, 1);
	const times = Array.from({ length: 200 }, (_, index) => {
		const begun = performance.now();
		writeSync(file, page, 0, page.length, index * page.length);
		fsyncSync(file);
		return performance.now() - begun;
	});
	closeSync(file);
	rmSync(dir, { recursive: true });
	return median(times);
}

export function describeMachine(options) {
	const name = /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
	const facts = [
		['processor', `${cpus()[0].model.trim()}, ${cpus().length} cores`],
		['memory', `${format(totalmem() / 2 ** 30)} GiB`],
		['system', `${name}, Linux ${release()}`],
		['disk', `${format(measureSync())} ms for a write of 4 KiB and fsync`],
		['compiler', `${firstLine('cc', '--version')}, -O3 with LTO`],
		['SQLite', firstLine('sqlite3', '--version').split(' ')[0]],
		['source', firstLine('git', 'log', '-1', '--format=%h %cs')],
		['run', options.quick ? '`bench/run --quick`: too short to quote' : '`bench/run`'],
	];
	const lines = facts.map(([what, value]) => `- ${what}: ${value}`);
	return [...lines, '', 'The load generators run on the same cores.'].join('\n');
}
