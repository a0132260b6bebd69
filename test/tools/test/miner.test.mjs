import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Miner } from '../src/miner.mjs';

// A chain that counts its blocks, and fails when two things happen to it at once.
class Counted {
	blocks = 0;
	#isBusy = false;

	async touch() {
		assert.ok(!this.#isBusy, 'one thing at a time');
		this.#isBusy = true;
		await sleep(3);
		this.#isBusy = false;
	}

	async mine() {
		await this.touch();
		this.blocks++;
		if (this.blocks === 2) throw new Error('the node hangs');
	}
}

test('blocks are made one after the other, none while somebody is alone, none at the end', async () => {
	const chain = new Counted();
	const miner = new Miner(chain, 5);
	while (chain.blocks < 3) await sleep(1);
	const seen = await Promise.all([
		miner.alone(async () => {
			const before = chain.blocks;
			await chain.touch();
			await sleep(30);
			return chain.blocks - before;
		}),
		miner.alone(() => chain.touch()),
	]);
	assert.equal(seen[0], 0);
	await assert.rejects(
		miner.alone(() => Promise.reject(new Error('mine'))),
		/mine/,
	);
	const before = chain.blocks;
	while (chain.blocks < before + 2) await sleep(1);
	await miner.stop();
	const last = chain.blocks;
	await sleep(30);
	assert.equal(chain.blocks, last);
});
