// Mines the blocks of a chain that was started with noMining, at an interval. anvil does so by
// itself, but loses blocks for ever when its interval ends in the middle of a reorganisation; here
// nothing else happens to the chain while a block is made, and no block while `alone` works.
import { setTimeout as sleep } from 'node:timers/promises';

export class Miner {
	#last = Promise.resolve();
	#over = new AbortController();

	constructor(chain, everyMs) {
		Object.assign(this, { chain, everyMs });
		this.finished = this.#run();
	}

	// Runs `work` while no block is made; its result.
	alone(work) {
		const result = this.#last.then(work);
		this.#last = result.catch(() => {}); // told to the one who asked
		return result;
	}

	async #run() {
		const { signal } = this.#over;
		let next = performance.now();
		for (;;) {
			next = Math.max(next + this.everyMs, performance.now());
			await sleep(next - performance.now(), undefined, { signal }).catch(() => {});
			if (signal.aborted) return;
			// A node that hangs or has gone is somebody else's business.
			await this.alone(() => this.chain.mine(1)).catch(() => {});
		}
	}

	async stop() {
		this.#over.abort();
		await this.finished;
	}
}
