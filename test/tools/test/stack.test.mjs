import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Screen, table } from '../src/screen.mjs';
import {
	findFreePorts,
	parseMetrics,
	readCpuSeconds,
	readMemory,
	readState,
} from '../src/stack.mjs';

test('metrics are read with their labels, comments left out', () => {
	const text =
		'# HELP a_total What.\n# TYPE a_total counter\na_total{x="1 2",y="3"} 4\na_total{x="b"} 0.5\n' +
		'up 1\n';
	assert.deepEqual(
		[...parseMetrics(text)],
		[
			['a_total{x="1 2",y="3"}', 4],
			['a_total{x="b"}', 0.5],
			['up', 1],
		],
	);
});

test('free ports are different ones, outside of those for outgoing connections', async () => {
	const ports = await findFreePorts(20);
	assert.equal(new Set(ports).size, 20);
	for (const port of ports) {
		assert.ok(port >= 20_000 && port < 32_000, String(port));
		const server = createServer().listen(port, '127.0.0.1');
		await once(server, 'listening');
		server.close();
	}
});

test('a process is seen running, stopped, dead', async () => {
	const child = spawn('sleep', ['60'], { stdio: 'ignore' });
	const waitFor = async (wanted) => {
		while (readState(child.pid) !== wanted) await new Promise(setImmediate);
	};
	await waitFor('S');
	const memory = readMemory(child.pid);
	assert.ok(memory.pss > 0 && memory.rss >= memory.pss, JSON.stringify(memory));
	assert.equal(readCpuSeconds(child.pid), 0);
	child.kill('SIGSTOP');
	await waitFor('T');
	const ended = once(child, 'exit');
	child.kill('SIGKILL');
	await ended;
	assert.equal(readState(child.pid), undefined);
	assert.equal(readMemory(child.pid), undefined);
	assert.equal(readCpuSeconds(child.pid), undefined);
});

test('a table is aligned: names to the left, numbers to the right', () => {
	const rows = [
		['a', '1'],
		['long', '1,000'],
	];
	assert.deepEqual(table(['', 'paid'], rows), [
		'          paid',
		'  ----   -----',
		'  a          1',
		'  long   1,000',
	]);
});

// A stream that keeps what a terminal would show.
class Terminal {
	constructor(isTTY) {
		Object.assign(this, { isTTY, lines: [''] });
	}

	write(text) {
		for (const part of text.split(/(\x1b\[\d+A|\x1b\[0J|\n)/)) {
			const up = /^\x1b\[(\d+)A$/.exec(part);
			if (up) this.lines.length -= Number(up[1]);
			else if (part === '\n') this.lines.push('');
			else if (part === '\x1b[0J') this.lines[this.lines.length - 1] = '';
			else this.lines[this.lines.length - 1] += part;
		}
	}
}

test('bars stay below the lines at a terminal, and are lines anywhere else', () => {
	const terminal = new Terminal(true);
	const screen = new Screen(terminal);
	const plain = (line) => line.replaceAll(/\x1b\[\d+m/g, '');
	screen.hasColour = false;
	screen.progress(10, [['paid', 1]]);
	screen.progress(10, [['paid', 5, 'half']]);
	screen.line('a word');
	screen.progress(10, [['paid', 10]]);
	assert.equal(terminal.lines.length, 3);
	assert.equal(terminal.lines[0], 'a word');
	assert.match(plain(terminal.lines[1]), /^ {2}paid +━{30} 10 of 10/);

	const file = new Terminal(false);
	const quiet = new Screen(file);
	quiet.progress(10, [['paid', 5, 'half']]);
	quiet.progress(10, [['paid', 10, 'all']]);
	quiet.progressEnd();
	assert.deepEqual(file.lines, ['  paid 5 (half)', '  paid 10 (all)', '']);
});
