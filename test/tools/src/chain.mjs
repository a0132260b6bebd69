#!/usr/bin/env node
// What tests, the demo and the torture do to the development chain.
//
// usage: chain.mjs deploy-token RPC SYMBOL [DECIMALS]    prints the token's address
//        chain.mjs fund RPC COINS ADDRESS...             native coins, in whole coins
//        chain.mjs mint RPC TOKEN UNITS ADDRESS...       tokens, in base units
//        chain.mjs balance RPC ADDRESS [TOKEN]           in base units
//        chain.mjs mine RPC [BLOCKS]
//        chain.mjs drop-pool RPC                         forgets every transaction that waits
//        chain.mjs reorg RPC DEPTH                       their transactions are dropped for good
//        chain.mjs height RPC
//
// As a library: Chain, for one RPC URL. Amounts are BigInt in base units.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
	decodeFunctionResult,
	encodeDeployData,
	encodeFunctionData,
	parseEther,
	toHex,
} from 'viem';
import { UsageError, readArguments, runMain } from './cli.mjs';
import { callRpc, callRpcMany } from './rpc.mjs';

const contracts = JSON.parse(
	readFileSync(new URL('../../../contracts/TestToken.json', import.meta.url), 'utf8'),
).contracts;

// The order of TestToken.Behaviour.
export const tokenBehaviour = Object.freeze({
	good: 0,
	noReturn: 1,
	silentFalse: 2,
	noLog: 3,
	wrongAmountLog: 4,
	wrongReceiverLog: 5,
	twoLogs: 6,
	onlyLog: 7,
	fee: 8,
});

export class Chain {
	constructor(url) {
		this.url = url;
	}

	call(method, ...params) {
		return callRpc(this.url, method, params);
	}

	callMany(calls, options) {
		return callRpcMany(this.url, calls, options);
	}

	async height() {
		return Number(await this.call('eth_blockNumber'));
	}

	// `tag`: a number, or latest, finalized, …; without transactions.
	block(tag = 'latest') {
		return this.call('eth_getBlockByNumber', typeof tag === 'number' ? toHex(tag) : tag, false);
	}

	async balance(address) {
		return BigInt(await this.call('eth_getBalance', address, 'latest'));
	}

	async nonce(address, tag = 'latest') {
		return Number(await this.call('eth_getTransactionCount', address, tag));
	}

	// The first unlocked development account: it owns what is deployed here.
	async owner() {
		this.ownerAddress ??= (await this.call('eth_accounts'))[0];
		return this.ownerAddress;
	}

	// Sends from an unlocked (or impersonated) account, the owner by default; the hash at once.
	async send(transaction) {
		const value = transaction.value === undefined ? undefined : toHex(transaction.value);
		const from = transaction.from ?? (await this.owner());
		return this.call('eth_sendTransaction', { ...transaction, from, value });
	}

	// Mines a block now and waits; the receipt. A revert throws unless `allowRevert`.
	async receipt(hash, { allowRevert = false, timeoutMs = 20_000 } = {}) {
		const deadline = Date.now() + timeoutMs;
		for (;;) {
			const receipt = await this.call('eth_getTransactionReceipt', hash);
			if (receipt && receipt.status !== '0x1' && !allowRevert) {
				throw new Error(`${hash} reverted`);
			}
			if (receipt) return receipt;
			if (Date.now() > deadline) throw new Error(`${hash} is not mined`);
			await this.mine(1);
			await sleep(5);
		}
	}

	// A contract of contracts/TestToken.json; its address.
	async deploy(name, ...args) {
		const { abi, bytecode } = contracts[name];
		const data = args.length > 0 ? encodeDeployData({ abi, bytecode, args }) : bytecode;
		const hash = await this.send({ data, gas: toHex(5_000_000) });
		return (await this.receipt(hash)).contractAddress;
	}

	async deployToken(symbol = 'TUSD', decimals = 6) {
		return new Token(this, await this.deploy('TestToken', `Test ${symbol}`, symbol, decimals));
	}

	token(address) {
		return new Token(this, address);
	}

	// Sets the native balances; no transaction, no block.
	async fund(addresses, wei) {
		await this.callMany(addresses.map((to) => ['anvil_setBalance', [to, toHex(wei)]]));
	}

	// Sends native coin from an account whose key this process does not have.
	async sendAs(from, transaction) {
		await this.call('anvil_impersonateAccount', from);
		return this.send({ ...transaction, from });
	}

	mine(blocks = 1) {
		return this.call('anvil_mine', toHex(blocks));
	}

	setAutomine(on) {
		return this.call('evm_setAutomine', on);
	}

	// Whole seconds; 0 stops interval mining.
	setIntervalMining(seconds) {
		return this.call('evm_setIntervalMining', seconds);
	}

	setNextBaseFee(wei) {
		return this.call('anvil_setNextBlockBaseFeePerGas', toHex(wei));
	}

	dropPool() {
		return this.call('anvil_dropAllTransactions');
	}

	drop(hash) {
		return this.call('anvil_dropTransaction', hash);
	}

	// { pending, queued }: how many transactions wait.
	async poolSize() {
		const { pending, queued } = await this.call('txpool_status');
		return { pending: Number(pending), queued: Number(queued) };
	}

	// Replaces the last `depth` blocks by empty ones; their transactions are dropped for good.
	reorg(depth) {
		return this.call('anvil_reorg', depth, []);
	}

	snapshot() {
		return this.call('evm_snapshot');
	}

	// The head goes back without notice.
	revert(snapshot) {
		return this.call('evm_revert', snapshot);
	}
}

// A TestToken on a chain. Each change waits until it is mined.
export class Token {
	constructor(chain, address) {
		Object.assign(this, { chain, address });
		this.abi = contracts.TestToken.abi;
	}

	encode(functionName, ...args) {
		return encodeFunctionData({ abi: this.abi, functionName, args });
	}

	async change(functionName, ...args) {
		const hash = await this.chain.send({
			to: this.address,
			data: this.encode(functionName, ...args),
		});
		return this.chain.receipt(hash);
	}

	async read(functionName, ...args) {
		const call = { to: this.address, data: this.encode(functionName, ...args) };
		const data = await this.chain.call('eth_call', call, 'latest');
		return decodeFunctionResult({ abi: this.abi, functionName, data });
	}

	async mint(addresses, units) {
		for (const to of addresses) await this.change('mint', to, units);
	}

	// Sent by an impersonated account; the hash at once.
	transferAs(from, to, units) {
		const data = this.encode('transfer', to, units);
		return this.chain.sendAs(from, { to: this.address, data, gas: toHex(200_000) });
	}

	balance(address) {
		return this.read('balanceOf', address);
	}

	setPaused(paused) {
		return this.change('setPaused', paused);
	}

	setBlocked(address, blocked) {
		return this.change('setBlocked', address, blocked);
	}

	// A name of tokenBehaviour.
	setBehaviour(name) {
		return this.change('setBehaviour', tokenBehaviour[name]);
	}
}

const verbs = {
	'deploy-token': async (chain, symbol, decimals = '6') =>
		(await chain.deployToken(symbol, Number(decimals))).address,
	fund: (chain, coins, ...addresses) => chain.fund(addresses, parseEther(coins)),
	mint: (chain, token, units, ...addresses) => chain.token(token).mint(addresses, BigInt(units)),
	balance: (chain, address, token) =>
		token ? chain.token(token).balance(address) : chain.balance(address),
	mine: async (chain, blocks = '1') => void (await chain.mine(Number(blocks))),
	'drop-pool': async (chain) => void (await chain.dropPool()),
	reorg: async (chain, depth) => void (await chain.reorg(Number(depth))),
	height: (chain) => chain.height(),
};

async function main() {
	const { positionals } = readArguments(import.meta.url, {}, { positionals: true });
	const [verb, url, ...rest] = positionals;
	if (!url || !Object.hasOwn(verbs, verb)) throw new UsageError('a verb and a URL are needed');
	if (rest.length < verbs[verb].length - 1)
		throw new UsageError(`${verb}: an argument is missing`);
	const answer = await verbs[verb](new Chain(url), ...rest);
	if (answer !== undefined) console.log(String(answer));
}

await runMain(import.meta.url, main);
