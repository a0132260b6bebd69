#!/usr/bin/env node
// Starts and stops anvil, the development chain, on 127.0.0.1.
//
// usage: anvil.mjs start DIR [options] [-- ANVIL-OPTIONS]   prints the URL once anvil answers
//        anvil.mjs stop DIR                                 ends it; fine when it is not running
//        anvil.mjs freeze|thaw DIR                          it hangs (SIGSTOP); it goes on
//        anvil.mjs status DIR                               exit status 1 when not running
//
//   --port N           default: a free one
//   --block-time S     seconds, 0.25 by default; 0 mines each transaction at once
//   --no-mining        blocks only by anvil_mine
//   --slots N          slots in an epoch: `finalized` is two epochs behind; 1 by default
//   --chain-id N       31337 by default
//   --accounts N       unlocked development accounts, 10 by default
//   --balance N        whole coins in each of them, 1000000 by default
//   --gas-limit N      of a block, 300000000 by default
//   --base-fee N       of the first block, wei
//   --state FILE       load the chain from FILE, save it there at the end (the pool is not saved)
//
// DIR holds anvil.json (pid, port, url) and states/ while it runs, and anvil.log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError, numberOption, readArguments, runMain } from './cli.mjs';
import { callRpc } from './rpc.mjs';

const readyTimeoutMs = 20_000;
const stopTimeoutMs = 20_000; // --state writes the whole chain at the end

const manifest = createRequire(import.meta.url).resolve(
	'@foundry-rs/anvil-linux-amd64/package.json',
);
export const anvilPath = resolve(manifest, '../bin/anvil');

async function findFreePort() {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// Where anvil puts the states of old blocks. It would keep them in the home directory for ever.
const statesPath = (dir) => resolve(dir, 'states');

function buildArguments(options, port, dir) {
	const {
		blockTime = 0.25,
		noMining = false,
		slots = 1,
		chainId = 31337,
		accounts = 10,
		balance = 1_000_000,
		gasLimit = 300_000_000,
		baseFee,
		state,
		extra = [],
	} = options;
	const list = [
		'--host',
		'127.0.0.1',
		'--port',
		port,
		'--chain-id',
		chainId,
		'--slots-in-an-epoch',
		slots,
		'--accounts',
		accounts,
		'--balance',
		balance,
		'--gas-limit',
		gasLimit,
		'--no-request-size-limit',
		'--cache-path',
		statesPath(dir),
		'--quiet',
	];
	if (noMining) list.push('--no-mining');
	else if (blockTime > 0) list.push('--block-time', blockTime);
	if (baseFee !== undefined) list.push('--block-base-fee-per-gas', baseFee);
	if (state) list.push('--state', state, '--preserve-historical-states');
	return [...list, ...extra].map(String);
}

// When a process began, in clock ticks since boot; with the pid it names one process for ever.
// undefined: there is no such process, or only its corpse.
export function readStartTick(pid) {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return fields[0] === 'Z' ? undefined : Number(fields[19]);
	} catch {
		return undefined;
	}
}

const isAlive = ({ pid, startTick }) => startTick !== undefined && readStartTick(pid) === startTick;

function signal(record, name) {
	try {
		if (isAlive(record)) process.kill(record.pid, name);
	} catch (error) {
		if (error.code !== 'ESRCH') throw error;
	}
}

async function waitUntilReady(record, logPath) {
	const deadline = Date.now() + readyTimeoutMs;
	while (Date.now() < deadline) {
		if (!isAlive(record)) break;
		try {
			await callRpc(record.url, 'eth_chainId', []);
			return;
		} catch {
			await sleep(20);
		}
	}
	throw new Error(`anvil does not answer at ${record.url}:\n${readFileSync(logPath, 'utf8')}`);
}

async function stopProcess(record, dir) {
	signal(record, 'SIGCONT');
	signal(record, 'SIGTERM');
	const deadline = Date.now() + stopTimeoutMs;
	while (isAlive(record)) {
		if (Date.now() > deadline) signal(record, 'SIGKILL');
		await sleep(20);
	}
	rmSync(statesPath(dir), { recursive: true, force: true });
}

// Starts anvil and waits until it answers. It dies with this process unless `detached`. `dir` gets
// its log and its record. Options: see --help, in camel case; `extra`: more arguments for anvil.
export async function startAnvil(dir, options = {}) {
	mkdirSync(dir, { recursive: true });
	const logPath = join(dir, 'anvil.log');
	const recordPath = join(dir, 'anvil.json');
	const port = options.port || (await findFreePort());
	const argv = [anvilPath, ...buildArguments(options, port, dir)];
	if (!options.detached) argv.unshift('setpriv', '--pdeathsig', 'SIGKILL');
	const log = openSync(logPath, 'a');
	const child = spawn(argv[0], argv.slice(1), {
		cwd: dir,
		detached: options.detached ?? false,
		stdio: ['ignore', log, log],
	});
	closeSync(log);
	child.on('error', () => {}); // then there is no pid
	if (child.pid === undefined) throw new Error(`cannot start ${argv[0]}`);
	child.unref();

	const url = `http://127.0.0.1:${port}`;
	const record = { pid: child.pid, startTick: readStartTick(child.pid), port, url };
	writeFileSync(recordPath, `${JSON.stringify(record)}\n`);
	const stop = async () => {
		await stopProcess(record, dir);
		rmSync(recordPath, { force: true });
	};
	try {
		await waitUntilReady(record, logPath);
	} catch (error) {
		await stop();
		throw error;
	}
	return {
		...record,
		stop,
		freeze: () => signal(record, 'SIGSTOP'),
		thaw: () => signal(record, 'SIGCONT'),
	};
}

// The record of the anvil that was started for `dir` and still runs, or undefined.
export function findAnvil(dir) {
	let record;
	try {
		record = JSON.parse(readFileSync(join(dir, 'anvil.json'), 'utf8'));
	} catch {
		return undefined;
	}
	return isAlive(record) ? record : undefined;
}

export async function stopAnvil(dir) {
	const record = findAnvil(dir);
	if (record) await stopProcess(record, dir);
	rmSync(join(dir, 'anvil.json'), { force: true });
}

function splitExtra() {
	const at = process.argv.indexOf('--');
	return at < 0 ? [] : process.argv.splice(at).slice(1);
}

async function main() {
	const extra = splitExtra();
	const { values, positionals } = readArguments(
		import.meta.url,
		{
			port: { type: 'string' },
			'block-time': { type: 'string' },
			'no-mining': { type: 'boolean' },
			slots: { type: 'string' },
			'chain-id': { type: 'string' },
			accounts: { type: 'string' },
			balance: { type: 'string' },
			'gas-limit': { type: 'string' },
			'base-fee': { type: 'string' },
			state: { type: 'string' },
		},
		{ positionals: true },
	);
	const [verb, dir] = positionals;
	if (positionals.length !== 2) throw new UsageError('a verb and a directory are needed');
	const record = findAnvil(dir);
	switch (verb) {
		case 'start': {
			if (record) throw new UsageError(`anvil runs already: ${record.url}`);
			const number = (name) => numberOption(values, name);
			const started = await startAnvil(dir, {
				port: number('port'),
				blockTime: number('block-time'),
				slots: number('slots'),
				chainId: number('chain-id'),
				accounts: number('accounts'),
				balance: number('balance'),
				gasLimit: number('gas-limit'),
				baseFee: number('base-fee'),
				noMining: values['no-mining'],
				state: values.state && resolve(values.state),
				extra,
				detached: true,
			});
			console.log(started.url);
			return 0;
		}
		case 'stop':
			await stopAnvil(dir);
			return 0;
		case 'freeze':
		case 'thaw':
			if (!record) throw new UsageError('anvil does not run');
			signal(record, verb === 'freeze' ? 'SIGSTOP' : 'SIGCONT');
			return 0;
		case 'status':
			console.log(record ? record.url : 'not running');
			return record ? 0 : 1;
		default:
			throw new UsageError(`${verb}: unknown verb`);
	}
}

await runMain(import.meta.url, main);
