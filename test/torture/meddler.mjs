// Clients that change their mind: of the withdrawals that were accepted some are canceled and some
// sped up, each a moment after it was accepted, over HTTP, until there is an answer.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { IntentJournal } from '../tools/src/intents.mjs';
import { request } from '../tools/src/stack.mjs';

const cancelShare = 0.08;
const speedUpShare = 0.1;
const delayMaxMs = 4000;
const tryEveryMs = 300;

export class Meddler {
	constructor({ stack, seed }) {
		Object.assign(this, { stack, seed });
		this.canceling = new Map(); // id → key, of those whose cancellation was answered with yes
		this.answers = { cancel: {}, 'speed-up': {} };
		this.underWay = new Set();
		this.isOver = false;
	}

	// The same withdrawal of the same seed is treated alike, in whatever order answers come.
	accepted({ key, id }) {
		const digest = createHash('sha256').update(`${this.seed}/${key}`).digest();
		const [share, delay] = [digest.readUInt32BE(0) / 2 ** 32, digest.readUInt32BE(4) / 2 ** 32];
		let verb;
		if (share < cancelShare) verb = 'cancel';
		else if (share < cancelShare + speedUpShare) verb = 'speed-up';
		if (!verb) return;
		// Most of them soon: a payment is in a block within a second, unless something goes wrong.
		const work = this.meddle(verb, { key, id }, delay ** 3 * delayMaxMs);
		this.underWay.add(work);
		work.finally(() => this.underWay.delete(work));
	}

	async meddle(verb, { key, id }, delayMs) {
		await sleep(delayMs);
		while (!this.isOver) {
			const status = await this.ask(verb, id);
			if (status !== undefined && status < 500) {
				const counts = this.answers[verb];
				counts[status] = (counts[status] ?? 0) + 1;
				if (verb === 'cancel' && status < 300) this.canceling.set(id, key);
				return;
			}
			await sleep(tryEveryMs);
		}
	}

	async ask(verb, id) {
		try {
			const { status } = await request(`${this.stack.url}/v1/withdrawals/${id}/${verb}`, {
				method: 'POST',
				headers: { Authorization: `Bearer ${this.stack.apiKey}` },
			});
			return status;
		} catch {
			return undefined; // the API is dead at the moment
		}
	}

	async finish() {
		const pending = Promise.allSettled([...this.underWay]);
		await Promise.race([pending, sleep(30_000)]);
		this.isOver = true;
		await pending;
	}

	// Writes into the client's list what the API says is canceled for good, so that the judge looks
	// for a payment all the same. Returns the ids of those that nobody asked to cancel.
	record(journalPath, withdrawals) {
		const journal = new IntentJournal(journalPath);
		const unasked = [];
		for (const { id, status } of withdrawals) {
			if (status !== 'CANCELED') continue;
			const key = this.canceling.get(id);
			if (key) journal.write('canceled', { key, id });
			else unasked.push(id);
		}
		journal.close();
		return unasked;
	}

	text() {
		const told = Object.entries(this.answers).map(([verb, counts]) => {
			const list = Object.entries(counts).map(([status, n]) => `${n} × ${status}`);
			return `${verb}: ${list.join(', ') || 'none'}`;
		});
		return told.join('; ');
	}
}
