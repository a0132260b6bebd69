// What every program here does the same way: knowing that it is the program, help, options.
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

// A mistake of the caller: reported without a stack, exit status 2.
export class UsageError extends Error {}

export function isMain(moduleUrl) {
	return process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(moduleUrl);
}

// The comment at the head of a program is its help.
export function helpText(moduleUrl) {
	const lines = readFileSync(fileURLToPath(moduleUrl), 'utf8').split('\n');
	const start = lines[0].startsWith('#!') ? 1 : 0;
	const end = lines.findIndex((line, index) => index >= start && !line.startsWith('//'));
	return lines
		.slice(start, end)
		.map((line) => line.replace(/^\/\/ ?/, ''))
		.join('\n');
}

// util.parseArgs with --help; a wrong option is a UsageError.
export function readArguments(moduleUrl, options, { positionals = false } = {}) {
	let parsed;
	try {
		parsed = parseArgs({
			options: { ...options, help: { type: 'boolean', short: 'h' } },
			allowPositionals: positionals,
		});
	} catch (error) {
		throw new UsageError(error.message);
	}
	if (parsed.values.help) {
		console.log(helpText(moduleUrl));
		process.exit(0);
	}
	return parsed;
}

// Runs `main` when the module is the program. Its return value is the exit status.
export async function runMain(moduleUrl, main) {
	if (!isMain(moduleUrl)) return;
	try {
		process.exitCode = (await main()) ?? 0;
	} catch (error) {
		const usage = error instanceof UsageError;
		console.error(usage ? `${error.message}\nSee --help.` : error);
		process.exitCode = usage ? 2 : 1;
	}
}

export function numberOption(values, name) {
	if (values[name] === undefined) return undefined;
	const number = Number(values[name]);
	if (!Number.isFinite(number) || number < 0) {
		throw new UsageError(`--${name}: "${values[name]}" is not a number`);
	}
	return number;
}
