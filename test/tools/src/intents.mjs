// The load client's own list: what it meant to have paid, and what the API answered. One JSON
// object a line: {"intent": …} before the first POST, {"accepted": …} or {"refused": …} after
// the answer; {"canceled": …} when the API has said of an accepted one that it is canceled for good.
// Written by load.mjs, read by judge.mjs; Sluice never sees it.
import { closeSync, fsync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

export class IntentJournal {
	#fd;
	#waiting = [];
	#syncing = false;

	constructor(path) {
		this.#fd = openSync(path, 'a', 0o600);
	}

	// Handed to the kernel when it returns.
	write(kind, fields) {
		writeSync(this.#fd, `${JSON.stringify({ [kind]: fields })}\n`);
	}

	// Calls back once everything written so far is on the disk; one fsync serves all who wait.
	whenDurable(callback) {
		this.#waiting.push(callback);
		if (!this.#syncing) this.#sync();
	}

	#sync() {
		const served = this.#waiting;
		this.#waiting = [];
		this.#syncing = true;
		fsync(this.#fd, (error) => {
			if (error) throw error;
			for (const callback of served) callback();
			this.#syncing = false;
			if (this.#waiting.length > 0) this.#sync();
		});
	}

	// After the last whenDurable has called back.
	close() {
		fsyncSync(this.#fd);
		closeSync(this.#fd);
	}
}

// A client that was killed leaves half a line at the end; any other line that does not parse is an
// error.
function parseLines(path) {
	const lines = readFileSync(path, 'utf8').split('\n');
	lines.pop();
	return lines.map((line, index) => {
		try {
			return JSON.parse(line);
		} catch {
			throw new Error(`${path}:${index + 1}: not JSON`);
		}
	});
}

// The intents of a list of journals, in order. Each: key, chain, asset, to, amountBase (BigInt),
// state (accepted, canceled, refused or unanswered), id.
export function readIntents(paths) {
	const intents = new Map();
	const find = (key) => {
		if (!intents.has(key)) throw new Error(`${key}: answered without an intent`);
		return intents.get(key);
	};
	for (const line of paths.flatMap(parseLines)) {
		if (line.intent) {
			const { key, chain, asset, to, amount_base: base } = line.intent;
			if (intents.has(key)) throw new Error(`${key}: two intents with this key`);
			const amountBase = BigInt(base);
			intents.set(key, {
				key,
				chain,
				asset,
				to,
				amountBase,
				state: 'unanswered',
			});
		} else if (line.accepted) {
			Object.assign(find(line.accepted.key), {
				state: 'accepted',
				id: line.accepted.id,
			});
		} else if (line.refused) {
			find(line.refused.key).state = 'refused';
		} else if (line.canceled) {
			const intent = find(line.canceled.key);
			if (intent.state !== 'accepted') throw new Error(`${intent.key}: canceled, but not accepted`);
			intent.state = 'canceled';
		}
	}
	return [...intents.values()];
}
