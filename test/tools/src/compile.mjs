#!/usr/bin/env node
// Compiles contracts/*.sol to contracts/*.json (ABI and bytecode, committed beside the source).
//
// usage: compile.mjs [--check]
//   --check  write nothing; exit 1 when a committed file does not match its source
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';
import { readArguments, runMain } from './cli.mjs';

const contractsDir = resolve(dirname(fileURLToPath(import.meta.url)), '../../../contracts');

// No metadata hash: the bytecode depends on the code alone, not on its comments or paths.
const settings = {
	evmVersion: 'paris',
	optimizer: { enabled: true, runs: 200 },
	metadata: { bytecodeHash: 'none', appendCBOR: false },
	outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
};

// The text of NAME.json for the source file `path`. Throws with the compiler's messages.
export function compileFile(path) {
	const name = basename(path);
	const input = {
		language: 'Solidity',
		sources: { [name]: { content: readFileSync(path, 'utf8') } },
		settings,
	};
	const output = JSON.parse(solc.compile(JSON.stringify(input)));
	const complaints = (output.errors ?? []).map((error) => error.formattedMessage);
	if (complaints.length > 0) throw new Error(complaints.join('\n'));
	const contracts = {};
	for (const [contract, result] of Object.entries(output.contracts[name])) {
		const bytecode = `0x${result.evm.bytecode.object}`;
		contracts[contract] = { abi: result.abi, bytecode };
	}
	const { outputSelection, ...used } = settings;
	const file = { source: name, compiler: solc.version(), settings: used, contracts };
	return `${JSON.stringify(file, null, '\t')}\n`;
}

function readOrEmpty(path) {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if (error.code === 'ENOENT') return '';
		throw error;
	}
}

// Names of the committed files that do not match their source; `write` brings them up to date.
export function compileAll({ dir = contractsDir, write = false } = {}) {
	const stale = [];
	for (const name of readdirSync(dir)
		.filter((entry) => entry.endsWith('.sol'))
		.sort()) {
		const text = compileFile(join(dir, name));
		const target = join(dir, name.replace(/\.sol$/, '.json'));
		if (readOrEmpty(target) === text) continue;
		stale.push(basename(target));
		if (write) writeFileSync(target, text);
	}
	return stale;
}

function main() {
	const { values } = readArguments(import.meta.url, { check: { type: 'boolean' } });
	const stale = compileAll({ write: !values.check });
	for (const name of stale) {
		const verdict = values.check ? 'does not match its source' : 'written';
		console.log(`contracts/${name}: ${verdict}`);
	}
	return values.check && stale.length > 0 ? 1 : 0;
}

await runMain(import.meta.url, main);
