// What the demo and the torture write for people: titles, facts, tables, and bars that move at a
// terminal and come line by line anywhere else.
const barWidth = 30;
const plainEveryMs = 1000;

export const countText = (number) => number.toLocaleString('en-US');
export const bytesText = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

// Lines of a table: the first column to the left, the others to the right.
export function table(head, rows) {
	const all = [head, ...rows].map((row) => row.map(String));
	const widths = head.map((_, at) => Math.max(...all.map((row) => row[at].length)));
	const line = (row) =>
		'  ' +
		row
			.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
			.join('   ')
			.trimEnd();
	const rule = `  ${widths.map((width) => '-'.repeat(width)).join('   ')}`;
	return [line(all[0]), rule, ...all.slice(1).map(line)];
}

export class Screen {
	constructor(stream) {
		this.stream = stream;
		this.isTerminal = Boolean(stream.isTTY) && process.env.TERM !== 'dumb';
		this.hasColour = this.isTerminal && !process.env.NO_COLOR;
		this.begunAt = performance.now();
		this.bars = []; // on the screen now, below everything else
		this.plainAt = -Infinity; // the first one is always shown
	}

	paint(code, text) {
		return this.hasColour ? `\x1b[${code}m${text}\x1b[0m` : text;
	}

	bold(text) {
		return this.paint(1, text);
	}

	dim(text) {
		return this.paint(2, text);
	}

	red(text) {
		return this.paint(31, text);
	}

	green(text) {
		return this.paint(32, text);
	}

	title(text) {
		this.line();
		this.line(this.bold(text));
	}

	fact(name, text) {
		this.line(`  ${name.padEnd(14)} ${text}`);
	}

	lines(list) {
		for (const text of list) this.line(text);
	}

	// A line that stays, above the bars.
	line(text = '') {
		const bars = this.bars;
		this.#erase();
		this.stream.write(`${text}\n`);
		this.#draw(bars);
	}

	// entries: [name, count, note] each, out of `total`.
	progress(total, entries) {
		if (!this.isTerminal) {
			this.#plain(total, entries);
			return;
		}
		const bars = entries.map(([name, count, note = '']) => {
			const filled = Math.floor((barWidth * Math.min(count, total)) / total);
			const bar = '━'.repeat(filled) + this.dim('─'.repeat(barWidth - filled));
			const width = countText(total).length;
			const number = `${countText(count).padStart(width)} of ${countText(total)}`;
			return `  ${name.padEnd(10)} ${bar} ${number}  ${this.dim(note)}`;
		});
		this.#erase();
		this.#draw(bars);
	}

	// The bars stay as they stand.
	progressEnd() {
		this.bars = [];
		if (this.plainLast) this.stream.write(`${this.plainLast}\n`);
		this.plainLast = undefined;
	}

	#plain(total, entries) {
		const text = entries
			.map(([name, count, note]) => `${name} ${countText(count)}${note ? ` (${note})` : ''}`)
			.join(', ');
		this.plainLast = `  ${text}`;
		if (performance.now() - this.plainAt < plainEveryMs) return;
		this.plainAt = performance.now();
		this.stream.write(`${this.plainLast}\n`);
		this.plainLast = undefined;
	}

	#erase() {
		if (this.bars.length > 0) this.stream.write(`\x1b[${this.bars.length}A\x1b[0J`);
		this.bars = [];
	}

	#draw(bars) {
		for (const bar of bars) this.stream.write(`${bar}\n`);
		this.bars = bars;
	}
}
