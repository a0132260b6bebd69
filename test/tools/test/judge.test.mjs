// The judge against a real chain: what is planted there is what it reports.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startAnvil } from '../src/anvil.mjs';
import { Chain } from '../src/chain.mjs';
import { readIntents } from '../src/intents.mjs';
import { judge } from '../src/judge.mjs';

const walletA = '0x00000000000000000000000000000000000A11cE';
const walletB = '0x0000000000000000000000000000000000000B0b';
const native = { asset: 'POL', amountBase: 1_000_000_007n };
const program = fileURLToPath(new URL('../src/judge.mjs', import.meta.url));

let dir;
let anvil;
let chain;
let token;
let journal;
let fromBlock;
let made = 0;

before(async () => {
	dir = mkdtempSync(join(tmpdir(), 'judge-'));
	anvil = await startAnvil(dir, { noMining: true });
	chain = new Chain(anvil.url);
	token = await chain.deployToken('TUSD', 6);
	await chain.fund([walletA, walletB], 10n ** 24n);
	await token.mint([walletA, walletB], 10n ** 12n);
});

after(async () => {
	await anvil?.stop();
	rmSync(dir, { recursive: true });
});

beforeEach(async () => {
	await token.setBehaviour('good');
	journal = join(dir, `journal-${++made}`);
	appendFileSync(journal, '');
	fromBlock = (await chain.height()) + 1;
});

const write = (line) => appendFileSync(journal, `${JSON.stringify(line)}\n`);

// An intent in the journal, answered as `state` says; its address is new.
function plan(asset, state = 'accepted', amountBase = native.amountBase) {
	const to = `0x${(0xfee000000000 + ++made).toString(16).padStart(40, '0')}`;
	const key = `key-${made}`;
	write({ intent: { key, chain: 'anvil', asset, to, amount_base: String(amountBase) } });
	if (state !== 'unanswered') write({ [state]: { key, id: `id-${made}` } });
	return { key, asset, to, amountBase };
}

// Sent and mined. A payout by hand: of an intent, with what is to be different.
async function pay(intent, change = {}) {
	const { asset, to, amountBase, from = walletA } = { ...intent, ...change };
	const hash =
		asset === 'POL'
			? await chain.sendAs(from, { to, value: amountBase })
			: await token.transferAs(from, to, amountBase);
	await chain.receipt(hash, { allowRevert: true });
	return hash;
}

const options = () => ({
	url: chain.url,
	chain: 'anvil',
	intents: readIntents([journal]),
	wallets: [walletA, walletB],
	native: 'POL',
	tokens: { TUSD: token.address },
	fromBlock,
});

const verdictOf = (report, intent) => report.faults.find((one) => one.key === intent.key)?.verdict;

describe('judge', () => {
	test('finds nothing where everything was paid once', async () => {
		const intents = [
			plan('POL'),
			plan('TUSD'),
			plan('POL'),
			plan('TUSD'),
			plan('POL', 'unanswered'),
		];
		plan('TUSD', 'unanswered');
		plan('POL', 'refused');
		for (const [index, intent] of intents.entries()) {
			await pay(intent, { from: index % 2 ? walletA : walletB });
		}
		const report = await judge(options());
		assert.equal(report.ok, true, JSON.stringify(report.faults));
		assert.deepEqual(report.accepted, {
			total: 4,
			paid: 4,
			doubled: 0,
			lost: 0,
			wrong: 0,
		});
		assert.equal(report.by_asset.TUSD.paid, 2);
		assert.deepEqual(report.unanswered, {
			total: 2,
			paid: 1,
			doubled: 0,
			lost: 0,
			wrong: 0,
			unpaid: 1,
		});
		assert.equal(report.refused, 1);
	});

	test('reads many payments of one block', async () => {
		const hashes = [];
		for (let index = 0; index < 30; index++) {
			const { to, amountBase } = plan('POL');
			hashes.push(await chain.sendAs(walletA, { to, value: amountBase }));
		}
		await chain.mine();
		const blocks = new Set();
		for (const hash of hashes) blocks.add((await chain.receipt(hash)).blockNumber);
		assert.equal(blocks.size, 1);
		const report = await judge(options());
		assert.equal(report.accepted.paid, 30);
	});

	for (const asset of ['POL', 'TUSD']) {
		test(`reports doubled ${asset}`, async () => {
			const [once, twice] = [plan(asset), plan(asset)];
			for (const intent of [once, twice, twice]) await pay(intent);
			const report = await judge(options());
			assert.equal(report.ok, false);
			assert.deepEqual(report.accepted, {
				total: 2,
				paid: 1,
				doubled: 1,
				lost: 0,
				wrong: 0,
			});
			assert.equal(verdictOf(report, twice), 'doubled');
		});

		test(`reports ${asset} paid by two wallets as doubled`, async () => {
			const intent = plan(asset);
			await pay(intent);
			await pay(intent, { from: walletB });
			assert.equal(verdictOf(await judge(options()), intent), 'doubled');
		});

		test(`reports lost ${asset}`, async () => {
			const [paid, lost] = [plan(asset), plan(asset)];
			await pay(paid);
			const report = await judge(options());
			assert.equal(report.ok, false);
			assert.deepEqual(report.accepted, {
				total: 2,
				paid: 1,
				doubled: 0,
				lost: 1,
				wrong: 0,
			});
			assert.equal(verdictOf(report, lost), 'lost');
		});

		test(`reports one unit too much or too little of ${asset} as wrong`, async () => {
			const [more, less] = [plan(asset), plan(asset)];
			await pay(more, { amountBase: more.amountBase + 1n });
			await pay(less, { amountBase: less.amountBase - 1n });
			const report = await judge(options());
			assert.equal(report.accepted.wrong, 2);
			assert.equal(report.ok, false);
		});

		test(`reports ${asset} to an address that nobody asked for as unknown`, async () => {
			const stranger = '0x00000000000000000000000000000000DeaDBeef';
			const hash = await pay({ asset, to: stranger, amountBase: 5n });
			const report = await judge(options());
			assert.equal(report.ok, false);
			assert.deepEqual(
				report.unknown.map((one) => one.hash),
				[hash],
			);
			assert.equal(report.unknown[0].amount, 5n);
		});

		test(`reports ${asset} of a refused withdrawal as unknown`, async () => {
			await pay(plan(asset, 'refused'));
			const report = await judge(options());
			assert.equal(report.unknown.length, 1);
			assert.equal(report.ok, false);
		});

		test(`reports ${asset} of a canceled withdrawal as unknown`, async () => {
			const intent = plan(asset);
			write({ canceled: { key: intent.key } });
			assert.equal((await judge(options())).canceled, 1);
			await pay(intent);
			const report = await judge(options());
			assert.equal(report.unknown.length, 1);
			assert.match(report.unknown[0].why, /canceled/);
			assert.equal(report.ok, false);
		});

		test(`reports ${asset} of an unanswered one that was paid twice`, async () => {
			const intent = plan(asset, 'unanswered');
			await pay(intent);
			await pay(intent);
			const report = await judge(options());
			assert.equal(report.unanswered.doubled, 1);
			assert.equal(report.ok, false);
		});

		test(`reports ${asset} that a stranger paid`, async () => {
			const stranger = '0x0000000000000000000000000000000000057aa9';
			await chain.fund([stranger], 10n ** 18n);
			await token.mint([stranger], 10n ** 12n);
			const intent = plan(asset);
			await pay(intent, { from: stranger });
			const report = await judge(options());
			assert.equal(verdictOf(report, intent), 'lost');
			assert.match(report.unknown[0].why, /none of the wallets/);
		});
	}

	test('reports the right number of the wrong asset as wrong', async () => {
		const intent = plan('TUSD');
		await pay(intent, { asset: 'POL' });
		assert.equal(verdictOf(await judge(options()), intent), 'wrong');
	});

	test('reports a payment that a reorg took back as lost', async () => {
		const intent = plan('POL');
		await pay(intent);
		assert.equal((await judge(options())).ok, true);
		await chain.reorg(1);
		assert.equal(verdictOf(await judge(options()), intent), 'lost');
	});

	test('reports a reverted payment as lost', async () => {
		const intent = plan('TUSD');
		await token.setPaused(true);
		await pay(intent);
		await token.setPaused(false);
		const report = await judge(options());
		assert.equal(verdictOf(report, intent), 'lost');
		assert.equal(report.reverted, 1);
	});

	test('reports an income that no payment explains as wrong', async () => {
		const intent = plan('POL');
		await pay(intent);
		await chain.fund([intent.to], 2n * intent.amountBase);
		assert.equal(verdictOf(await judge(options()), intent), 'wrong');
	});

	for (const [behaviour, verdict] of Object.entries({
		noLog: 'wrong',
		onlyLog: 'wrong',
		wrongAmountLog: 'wrong',
		wrongReceiverLog: 'wrong',
		twoLogs: 'doubled',
		silentFalse: 'lost',
		fee: 'wrong',
		noReturn: undefined,
	})) {
		test(`is not deceived by a token with behaviour ${behaviour}`, async () => {
			const intent = plan('TUSD', 'accepted', 1000n);
			await token.setBehaviour(behaviour);
			await pay(intent);
			await token.setBehaviour('good');
			const report = await judge(options());
			assert.equal(verdictOf(report, intent), verdict);
			assert.equal(report.ok, verdict === undefined);
		});
	}

	test('counts self-transfers, and reports calls that move nothing', async () => {
		await pay({ asset: 'POL', to: walletA, amountBase: 0n });
		await pay({ asset: 'TUSD', to: walletA, amountBase: 3n });
		const quiet = await judge(options());
		assert.equal(quiet.ok, true);
		assert.equal(quiet.self_transfers, 2);
		const data = token.encode('approve', walletB, 1n);
		await chain.receipt(await chain.sendAs(walletA, { to: token.address, data }));
		const report = await judge(options());
		assert.match(report.unknown[0].why, /logged no transfer/);
	});

	test('refuses a list with one address twice', async () => {
		const { asset, to } = plan('POL');
		write({ intent: { key: 'again', chain: 'anvil', asset, to, amount_base: '1' } });
		await assert.rejects(judge(options()), /stands in two intents/);
	});

	test('tells it by its exit status, in a table and in JSON', async () => {
		const intent = plan('TUSD');
		const run = (...more) =>
			spawnSync(
				process.execPath,
				[
					program,
					'--rpc',
					chain.url,
					'--chain',
					'anvil',
					'--journal',
					journal,
					'--wallet',
					walletA,
					'--wallet',
					walletB,
					'--native',
					'POL',
					'--token',
					`TUSD=${token.address}`,
					'--from-block',
					String(fromBlock),
					...more,
				],
				{ encoding: 'utf8' },
			);
		const before = run();
		assert.equal(before.status, 1, before.stderr);
		assert.match(before.stdout, /^all +1 +0 +0 +1 +0$/m);
		assert.match(before.stdout, /^lost: id-/m);
		await pay(intent);
		const after = run('--json');
		assert.equal(after.status, 0, after.stderr);
		assert.equal(JSON.parse(after.stdout).accepted.paid, 1);
		assert.equal(run('--nonsense').status, 2);
	});
});
