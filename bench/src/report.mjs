// What a section has found: tables, and the aims with what was reached. Markdown, aligned so that
// it reads well in a terminal too.

export const median = (numbers) => {
	const sorted = [...numbers].sort((a, b) => a - b);
	const half = sorted.length >> 1;
	return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// Three digits that mean something; thousands with a comma.
export function format(value, digits) {
	if (typeof value !== 'number') return value ?? '';
	if (!Number.isFinite(value)) return '–';
	const isWhole = Number.isInteger(value) || Math.abs(value) >= 100;
	const places = digits ?? (isWhole ? 0 : Math.abs(value) >= 10 ? 1 : 2);
	return value.toLocaleString('en-US', {
		minimumFractionDigits: places,
		maximumFractionDigits: places,
	});
}

function line(cells, widths, pad) {
	return `| ${cells.map((cell, index) => pad(index)(cell, widths[index])).join(' | ')} |`;
}

// columns: titles. rows: arrays of text and numbers. The first column is text.
export function table(columns, rows) {
	const cells = rows.map((row) => row.map((value) => format(value)));
	const widths = columns.map((title, index) =>
		Math.max(3, title.length, ...cells.map((row) => row[index].length)),
	);
	const isText = columns.map((_, index) => rows.some((row) => typeof row[index] === 'string'));
	const pad = (index) => (text, width) =>
		isText[index] && index === 0 ? text.padEnd(width) : text.padStart(width);
	const rule = widths.map((width, index) =>
		index === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
	);
	return [
		line(columns, widths, pad),
		line(rule, widths, () => (text) => text),
		...cells.map((row) => line(row, widths, pad)),
	].join('\n');
}

export class Report {
	constructor() {
		this.parts = [];
		this.aims = [];
	}

	add(text) {
		this.parts.push(text);
		console.log(`\n${text}`);
	}

	heading(text) {
		this.add(`## ${text}`);
	}

	table(columns, rows) {
		this.add(table(columns, rows));
	}

	// An aim, what was reached, and whether that is enough.
	aim(what, aim, reached, isMet) {
		this.aims.push([what, aim, reached, isMet ? 'yes' : '**no**']);
	}

	finish() {
		if (this.aims.length === 0) return;
		this.heading('Aims');
		this.table(['aim', 'wanted', 'reached', 'met'], this.aims);
	}

	get text() {
		return `${this.parts.join('\n\n')}\n`;
	}
}
