#!/usr/bin/env node
// The judge: compares the load client's list with the chain, and with nothing else.
//
// usage: judge.mjs --rpc URL --chain NAME --journal FILE... --wallet ADDRESS...
//                  [--native ASSET] [--token ASSET=ADDRESS]... [options]
//
//   --chain NAME           judges the intents of this chain
//   --journal FILE         a list that load.mjs wrote; may be repeated
//   --wallet ADDRESS       a wallet that pays; may be repeated
//   --native ASSET         the asset that is the chain's native coin
//   --token ASSET=ADDRESS  an asset that is a token; may be repeated
//   --from-block N         0 by default
//   --to-block TAG         latest (by default), finalized, or a number
//   --json                 the report in JSON instead of a table
//
// Of each withdrawal that was accepted:
//   paid      one payment of exactly the amount to its address, by one of the wallets
//   doubled   more than one payment to its address
//   lost      no payment
//   wrong     one payment, but of another amount or asset; or a balance that the payments do not
//             explain
// Of each withdrawal that was tried and never answered: not paid, or as above. One that was refused,
// or that the client was told is canceled, must not be paid. Everything else that a wallet did is `unknown`: payments to other addresses,
// calls of other contracts, payments to refused or canceled withdrawals; and so is a payment to one of our
// addresses by a stranger. Transactions of a wallet to itself and reverted ones are only counted.
//
// Exit status 1 when anything is doubled, lost, wrong or unknown.
import { decodeEventLog, getAddress, parseAbiItem, toEventSelector, toHex } from 'viem';
import { UsageError, readArguments, runMain } from './cli.mjs';
import { readIntents } from './intents.mjs';
import { callRpc, callRpcMany } from './rpc.mjs';

const transferEvent = parseAbiItem('event Transfer(address indexed, address indexed, uint256)');
const transferTopic = toEventSelector(transferEvent);
const verdicts = ['paid', 'doubled', 'lost', 'wrong'];
const logBlocks = 2000; // of one eth_getLogs
const moveTries = 5;

class ChainMoved extends Error {}

// The blocks `from` to `to` with their transactions, each linked to the one before.
async function readBlocks(url, from, to) {
	const numbers = Array.from({ length: to - from + 1 }, (_, index) => toHex(from + index));
	const calls = numbers.map((number) => ['eth_getBlockByNumber', [number, true]]);
	const blocks = await callRpcMany(url, calls, { size: 50 });
	blocks.forEach((block, index) => {
		if (!block) throw new ChainMoved();
		if (index > 0 && block.parentHash !== blocks[index - 1].hash) throw new ChainMoved();
	});
	return blocks;
}

// The Transfer logs of `tokens` in these blocks.
async function readTransfers(url, tokens, blocks) {
	if (tokens.length === 0) return [];
	const calls = [];
	for (let at = 0; at < blocks.length; at += logBlocks) {
		const last = blocks[Math.min(at + logBlocks, blocks.length) - 1];
		const range = { fromBlock: blocks[at].number, toBlock: last.number };
		calls.push(['eth_getLogs', [{ ...range, address: tokens, topics: [transferTopic] }]]);
	}
	const logs = (await callRpcMany(url, calls, { size: 4 })).flat();
	const hashes = new Set(blocks.map((block) => block.hash));
	if (logs.some((log) => !hashes.has(log.blockHash))) throw new ChainMoved();
	return logs;
}

// Whether each of these transactions did anything (status 1).
async function readSuccesses(url, transactions) {
	const calls = transactions.map(({ hash }) => ['eth_getTransactionReceipt', [hash]]);
	const receipts = await callRpcMany(url, calls);
	return receipts.map((receipt, index) => {
		if (receipt?.blockHash !== transactions[index].blockHash) throw new ChainMoved();
		return receipt.status === '0x1';
	});
}

async function readHead(url, tag) {
	const block = await callRpc(url, 'eth_getBlockByNumber', [tag, false]);
	if (!block) throw new Error(`the node has no block "${tag}"`);
	return block;
}

class Judge {
	constructor({
		url,
		chain,
		intents,
		wallets,
		native,
		tokens = {},
		fromBlock = 0,
		toBlock = 'latest',
	}) {
		Object.assign(this, { url, fromBlock, native });
		this.toBlock = typeof toBlock === 'number' ? toHex(toBlock) : toBlock;
		this.wallets = new Set(wallets.map((address) => getAddress(address)));
		this.tokens = new Map(
			Object.entries(tokens).map(([asset, address]) => [getAddress(address), asset]),
		);
		this.intents = intents.filter((intent) => intent.chain === chain);
		const assets = new Set([native, ...this.tokens.values()]);
		for (const { key, asset } of this.intents) {
			if (!assets.has(asset)) throw new Error(`${key}: no token is given for ${asset}`);
		}
	}

	reset() {
		this.byAddress = new Map();
		for (const intent of this.intents) {
			const to = getAddress(intent.to);
			if (this.byAddress.has(to)) throw new Error(`${to} stands in two intents`);
			this.byAddress.set(to, { ...intent, to, payments: [], received: [] });
		}
		this.unknown = [];
		this.selfTransfers = 0;
		this.reverted = 0;
	}

	// `at`: the transaction or the log.
	addPayment(at, { asset, from, to, amount }) {
		const entry = this.byAddress.get(to);
		const payment = {
			asset,
			from,
			to,
			amount,
			hash: at.transactionHash ?? at.hash,
			block: Number(at.blockNumber),
		};
		const isOurs = this.wallets.has(from);
		entry?.received.push(payment);
		const isWanted = !['refused', 'canceled'].includes(entry?.state);
		if (entry && isOurs && isWanted) return entry.payments.push(payment);
		if (!entry && !isOurs) return undefined;
		let why = 'by somebody who is none of the wallets';
		if (!entry) why = 'to an address that nobody asked to pay';
		else if (isOurs) why = `to a withdrawal that was ${entry.state}`;
		return this.unknown.push({ ...payment, why });
	}

	addTransfer(log) {
		const { args } = decodeEventLog({
			abi: [transferEvent],
			data: log.data,
			topics: log.topics,
		});
		const [from, to, amount] = args;
		const asset = this.tokens.get(getAddress(log.address));
		if (from !== to) this.addPayment(log, { asset, from, to, amount });
		else if (this.wallets.has(from)) this.selfTransfers++;
	}

	// A transaction that no Transfer log tells about.
	addTransaction({ from, to, amount, raw }, succeeded) {
		const isOurs = this.wallets.has(from);
		if (!succeeded) {
			this.reverted += isOurs ? 1 : 0;
		} else if (from === to) {
			this.selfTransfers++;
		} else if (isOurs && amount === 0n && this.tokens.has(to)) {
			const why = 'a call of the token that logged no transfer';
			this.unknown.push({
				asset: this.tokens.get(to),
				from,
				to,
				amount,
				hash: raw.hash,
				why,
			});
		} else {
			this.addPayment(raw, { asset: this.native, from, to, amount });
		}
	}

	async addBlocks(blocks) {
		const transfers = await readTransfers(this.url, [...this.tokens.keys()], blocks);
		for (const log of transfers) this.addTransfer(log);
		const told = new Set(transfers.map((log) => log.transactionHash));
		const concerns = ({ from, to, amount, raw }) =>
			this.byAddress.has(to) ||
			(this.wallets.has(from) && (amount > 0n || !told.has(raw.hash)));
		const rest = blocks
			.flatMap((block) => block.transactions)
			.map((raw) => ({
				from: getAddress(raw.from),
				to: raw.to && getAddress(raw.to),
				amount: BigInt(raw.value),
				raw,
			}))
			.filter(concerns);
		const successes = await readSuccesses(
			this.url,
			rest.map(({ raw }) => raw),
		);
		rest.forEach((one, index) => this.addTransaction(one, successes[index]));
	}

	isPaidAfter(number) {
		const isLater = (payment) => payment.block > number;
		return [...this.byAddress.values()].some(({ received }) => received.some(isLater));
	}

	// Balances first, then the blocks up to a head that may be a little later: a node is much
	// faster with its latest state than with an older one.
	async readOnce() {
		const isLatest = this.toBlock === 'latest';
		const before = await readHead(this.url, this.toBlock);
		const balances = await this.readBalances(isLatest ? 'latest' : before.number);
		const head = isLatest ? await readHead(this.url, 'latest') : before;
		const first = Math.min(this.fromBlock, Number(before.number));
		const blocks = await readBlocks(this.url, first, Number(head.number));
		await this.addBlocks(blocks.filter((block) => Number(block.number) >= this.fromBlock));
		const hashes = new Set(blocks.map((block) => block.hash));
		if (!hashes.has(before.hash) || !hashes.has(head.hash)) throw new ChainMoved();
		if (this.isPaidAfter(Number(before.number))) throw new ChainMoved();
		if ((await readHead(this.url, head.number)).hash !== head.hash) throw new ChainMoved();
		return { head, balances };
	}

	async readChain() {
		for (let tries = 0; tries < moveTries; tries++) {
			this.reset();
			try {
				return await this.readOnce();
			} catch (error) {
				if (!(error instanceof ChainMoved)) throw error;
			}
		}
		throw new Error('payments or reorgs go on while the chain is read; judge an older block');
	}

	// What each address holds: a second reading, which a payment that the first one cannot
	// see (from inside a contract, or without a log) does not escape. Addresses are fresh.
	async readBalances(tag) {
		const addresses = [...this.byAddress.keys()];
		const read = async (asset, call) => {
			const results = await callRpcMany(this.url, addresses.map(call), {
				size: 200,
			});
			return [
				asset,
				new Map(addresses.map((address, index) => [address, BigInt(results[index])])),
			];
		};
		const list = [];
		if (this.native) {
			list.push(await read(this.native, (address) => ['eth_getBalance', [address, tag]]));
		}
		for (const [to, asset] of this.tokens) {
			const call = (address) => {
				const data = `0x70a08231${address.slice(2).toLowerCase().padStart(64, '0')}`;
				return ['eth_call', [{ to, data }, tag]];
			};
			list.push(await read(asset, call));
		}
		return list;
	}

	// undefined when the balances of an address are what its payments add up to.
	findBalanceFault(entry, balances) {
		for (const [asset, holdings] of balances) {
			const seen = entry.received.filter((payment) => payment.asset === asset);
			const sum = seen.reduce((total, payment) => total + payment.amount, 0n);
			const held = holdings.get(entry.to);
			if (held !== sum) return `holds ${held} ${asset}, payments seen add up to ${sum}`;
		}
		return undefined;
	}

	judgeOne(entry, balances) {
		const { payments, state } = entry;
		if (payments.length > 1) return ['doubled', `${payments.length} payments`];
		const fault = this.findBalanceFault(entry, balances);
		if (fault) return ['wrong', fault];
		if (payments.length === 0) {
			return state === 'accepted' ? ['lost', 'no payment'] : ['unpaid', undefined];
		}
		const [payment] = payments;
		if (payment.asset === entry.asset && payment.amount === entry.amountBase) {
			return ['paid', undefined];
		}
		return [
			'wrong',
			`${payment.amount} ${payment.asset} instead of ${entry.amountBase} ${entry.asset}`,
		];
	}

	async run() {
		const { head, balances } = await this.readChain();
		const withdrawals = [...this.byAddress.values()].map((entry) => {
			const [verdict, why] = this.judgeOne(entry, balances);
			const { received: _, ...rest } = entry;
			return { ...rest, verdict, why };
		});
		const count = (states, asset, verdict) =>
			withdrawals.filter(
				(one) =>
					states.includes(one.state) &&
					(!asset || one.asset === asset) &&
					(!verdict || one.verdict === verdict),
			).length;
		const row = (states, asset) => ({
			total: count(states, asset),
			...Object.fromEntries(
				verdicts.map((verdict) => [verdict, count(states, asset, verdict)]),
			),
		});
		const assets = [...new Set(withdrawals.map((one) => one.asset))].sort();
		const faults = withdrawals.filter((one) => !['paid', 'unpaid'].includes(one.verdict));
		return {
			ok: faults.length === 0 && this.unknown.length === 0,
			blocks: { from: this.fromBlock, to: Number(head.number), hash: head.hash },
			accepted: row(['accepted']),
			by_asset: Object.fromEntries(assets.map((asset) => [asset, row(['accepted'], asset)])),
			unanswered: {
				...row(['unanswered']),
				unpaid: count(['unanswered'], null, 'unpaid'),
			},
			refused: count(['refused']),
			canceled: count(['canceled']),
			unknown: this.unknown,
			self_transfers: this.selfTransfers,
			reverted: this.reverted,
			faults,
		};
	}
}

// Judges the intents (of intents.mjs) of one chain. Options: url, chain (its name in the intents),
// intents, wallets, native (asset), tokens ({ ASSET: address }), fromBlock, toBlock. The report:
// ok, accepted and by_asset and unanswered (counts by verdict), unknown and faults (each with
// `why`), self_transfers, reverted, refused, canceled, blocks. Amounts in it are BigInt.
export function judge(options) {
	return new Judge(options).run();
}

export const toJson = (report) =>
	JSON.stringify(
		report,
		(_, value) => (typeof value === 'bigint' ? value.toString() : value),
		'\t',
	);

// The report for people: a table, then each fault in a line.
export function formatReport(report) {
	const cells = [['', 'accepted', ...verdicts]];
	const add = (name, row) =>
		cells.push([name, row.total, ...verdicts.map((verdict) => row[verdict])]);
	for (const [asset, row] of Object.entries(report.by_asset)) add(asset, row);
	add('all', report.accepted);
	const lines = cells.map((row) =>
		row
			.map((cell, index) =>
				index === 0 ? String(cell).padEnd(12) : String(cell).padStart(9),
			)
			.join(''),
	);
	const { unanswered } = report;
	if (unanswered.total > 0) {
		lines.push(
			`never answered: ${unanswered.total} (${unanswered.paid} paid, ${unanswered.unpaid} not)`,
		);
	}
	lines.push(
		`unknown payments: ${report.unknown.length}; self-transfers: ${report.self_transfers}; ` +
			`reverted: ${report.reverted}; blocks ${report.blocks.from} to ${report.blocks.to}`,
	);
	for (const one of report.faults) {
		const hashes = one.payments.map((payment) => payment.hash).join(' ');
		lines.push(
			`${one.verdict}: ${one.id ?? one.key} to ${one.to}: ${one.why} ${hashes}`.trimEnd(),
		);
	}
	for (const one of report.unknown) {
		lines.push(
			`unknown: ${one.amount} ${one.asset} from ${one.from} to ${one.to}: ${one.why} ${one.hash}`,
		);
	}
	return lines.join('\n');
}

function parseTokens(specs) {
	return Object.fromEntries(
		specs.map((spec) => {
			const [asset, address, ...rest] = spec.split('=');
			if (!address || rest.length > 0) throw new UsageError(`--token ${spec}: ASSET=ADDRESS`);
			return [asset, address];
		}),
	);
}

async function main() {
	const list = { type: 'string', multiple: true, default: [] };
	const { values } = readArguments(import.meta.url, {
		rpc: { type: 'string' },
		chain: { type: 'string' },
		native: { type: 'string' },
		journal: list,
		wallet: list,
		token: list,
		json: { type: 'boolean' },
		'from-block': { type: 'string', default: '0' },
		'to-block': { type: 'string', default: 'latest' },
	});
	for (const name of ['rpc', 'chain', 'journal', 'wallet']) {
		if (!values[name]?.length) throw new UsageError(`--${name} is missing`);
	}
	const toBlock = values['to-block'];
	const report = await judge({
		url: values.rpc,
		chain: values.chain,
		intents: readIntents(values.journal),
		wallets: values.wallet,
		native: values.native,
		tokens: parseTokens(values.token),
		fromBlock: Number(values['from-block']),
		toBlock: /^\d+$/.test(toBlock) ? Number(toBlock) : toBlock,
	});
	console.log(values.json ? toJson(report) : formatReport(report));
	return report.ok ? 0 : 1;
}

await runMain(import.meta.url, main);
