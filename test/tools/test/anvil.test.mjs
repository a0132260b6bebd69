// Anvil starts, answers, and stops; what chain.mjs promises is what the node does.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findAnvil, startAnvil, stopAnvil } from '../src/anvil.mjs';
import { Chain } from '../src/chain.mjs';
import { compileAll, compileFile } from '../src/compile.mjs';

const receiver = '0x0000000000000000000000000000000000001234';
const tool = fileURLToPath(new URL('../../../tool/anvil', import.meta.url));
const module = new URL('../src/anvil.mjs', import.meta.url).href;

let dir;

before(() => {
	dir = mkdtempSync(join(tmpdir(), 'anvil-'));
});

after(() => rmSync(dir, { recursive: true }));

describe('anvil', () => {
	test('keeps its blocks and receipts over a restart on the same port', async () => {
		const state = join(dir, 'state.json');
		const first = await startAnvil(dir, { state, noMining: true, chainId: 4242 });
		const chain = new Chain(first.url);
		assert.equal(Number(await chain.call('eth_chainId')), 4242);
		const hash = await chain.send({ to: receiver, value: 5n });
		const receipt = await chain.receipt(hash);
		await first.stop();
		await assert.rejects(chain.height());
		const second = await startAnvil(dir, {
			state,
			noMining: true,
			chainId: 4242,
			port: first.port,
		});
		try {
			assert.equal((await chain.receipt(hash)).blockHash, receipt.blockHash);
			assert.equal(await chain.balance(receiver), 5n);
		} finally {
			await second.stop();
		}
	});

	test('dies with the program that started it', async () => {
		const code = `import { startAnvil } from '${module}';
			console.log((await startAnvil(${JSON.stringify(join(dir, 'child'))})).pid);
			setInterval(() => {}, 1000);`;
		const parent = spawn(process.execPath, ['--input-type=module', '-e', code]);
		const [line] = await once(parent.stdout, 'data');
		parent.kill('SIGKILL');
		const proc = `/proc/${Number(line)}/stat`;
		const isGone = () => !existsSync(proc) || readFileSync(proc, 'utf8').includes(') Z ');
		for (let tries = 0; !isGone() && tries < 250; tries++) await sleep(20);
		assert.ok(isGone());
	});

	test('is started and stopped from the shell', async () => {
		const place = join(dir, 'shell');
		const run = (...argv) => spawnSync(tool, argv, { encoding: 'utf8' });
		assert.equal(run('status', place).status, 1);
		const started = run(
			'start',
			place,
			'--block-time',
			'0.25',
			'--slots',
			'8',
			'--',
			'--steps-tracing',
		);
		assert.equal(started.status, 0, started.stderr);
		try {
			assert.ok((await new Chain(started.stdout.trim()).height()) >= 0);
			assert.equal(run('start', place).status, 2);
			assert.equal(run('status', place).stdout, started.stdout);
		} finally {
			assert.equal(run('stop', place).status, 0);
		}
		assert.equal(run('status', place).status, 1);
		assert.equal(run('stop', place).status, 0);
		assert.equal(run('dance', place).status, 2);
	});

	test('never ends a stranger that got its pid', async () => {
		const record = {
			pid: process.pid,
			startTick: 1,
			port: 1,
			url: 'http://127.0.0.1:1',
		};
		writeFileSync(join(dir, 'anvil.json'), JSON.stringify(record));
		assert.equal(findAnvil(dir), undefined);
		await stopAnvil(dir);
		assert.ok(!existsSync(join(dir, 'anvil.json')));
	});

	test('that cannot start says why', async () => {
		await assert.rejects(startAnvil(dir, { extra: ['--no-such-option'] }), /no-such-option/);
	});
});

describe('chain', () => {
	let anvil;
	let chain;

	before(async () => {
		anvil = await startAnvil(join(dir, 'chain'), { noMining: true, slots: 2 });
		chain = new Chain(anvil.url);
	});

	after(() => anvil?.stop());

	test('drops what waits in the pool', async () => {
		const hash = await chain.send({ to: receiver, value: 1n });
		await chain.send({ to: receiver, value: 2n });
		await chain.drop(hash);
		assert.equal((await chain.poolSize()).pending + (await chain.poolSize()).queued, 1);
		await chain.dropPool();
		assert.deepEqual(await chain.poolSize(), { pending: 0, queued: 0 });
	});

	test('reorganises, and forgets the transactions', async () => {
		const height = await chain.height();
		const hash = await chain.send({ to: receiver, value: 1n });
		await chain.receipt(hash);
		await chain.mine(3);
		await chain.reorg(4);
		assert.equal(await chain.height(), height + 4);
		assert.equal(await chain.call('eth_getTransactionReceipt', hash), null);
		assert.deepEqual(await chain.poolSize(), { pending: 0, queued: 0 });
	});

	test('is final two epochs behind', async () => {
		await chain.mine(10);
		const finalized = Number((await chain.block('finalized')).number);
		assert.equal((await chain.height()) - finalized, 4);
	});

	test('goes back to a snapshot', async () => {
		const height = await chain.height();
		const snapshot = await chain.snapshot();
		await chain.mine(5);
		assert.equal(await chain.revert(snapshot), true);
		assert.equal(await chain.height(), height);
	});

	test('has a token that pays, pauses and blocks', async () => {
		const token = await chain.deployToken('TUSD', 6);
		assert.equal(await token.read('decimals'), 6);
		assert.equal(await token.read('symbol'), 'TUSD');
		const owner = await chain.owner();
		await token.mint([owner], 100n);
		await token.change('transfer', receiver, 40n);
		assert.equal(await token.balance(receiver), 40n);
		await token.setPaused(true);
		await assert.rejects(token.change('transfer', receiver, 1n), /reverted/);
		await token.setPaused(false);
		await token.setBlocked(receiver, true);
		await assert.rejects(token.change('transfer', receiver, 1n), /reverted/);
	});

	test('has receivers that refuse and that burn gas', async () => {
		for (const name of ['RefusingReceiver', 'BurningReceiver']) {
			const to = await chain.deploy(name);
			const hash = await chain.send({ to, value: 1n, gas: '0x186a0' });
			assert.equal((await chain.receipt(hash, { allowRevert: true })).status, '0x0');
		}
	});
});

describe('contracts', () => {
	test('are committed as their source compiles', () => {
		assert.deepEqual(compileAll(), []);
	});

	test('that do not match their source are noticed', () => {
		const source = new URL('../../../contracts/TestToken.sol', import.meta.url);
		const place = mkdtempSync(join(dir, 'contracts-'));
		const path = join(place, 'TestToken.sol');
		writeFileSync(path, readFileSync(source));
		writeFileSync(join(place, 'TestToken.json'), compileFile(path));
		assert.deepEqual(compileAll({ dir: place }), []);
		writeFileSync(path, readFileSync(path, 'utf8').replace('value /= 2', 'value /= 3'));
		assert.deepEqual(compileAll({ dir: place }), ['TestToken.json']);
	});
});
