#!/usr/bin/env node
// The load client: posts withdrawals, each to an address of its own, and keeps its own list of what
// was accepted. A POST without an answer (time-out, reset, refused, 5xx, 429) is repeated with the
// same key and body until there is one; any other answer is final.
//
// usage: load.mjs --url URL --journal FILE --count N --asset SPEC [--asset SPEC]... [options]
//
//   --asset SPEC          CHAIN:ASSET:DECIMALS:MIN:MAX[:WEIGHT], amounts in units of the asset
//   --journal FILE        the list (JSON lines), appended to; judge.mjs reads it
//   --api-key-file FILE   the key; otherwise $SLUICE_API_KEY
//   --concurrency N       connections, 16 by default
//   --rate N              at most N new withdrawals a second
//   --seed TEXT           of addresses, amounts and keys; random by default
//   --external-ids        send an external_id too
//   --timeout-ms N        of one POST, 10000 by default
//   --deadline-s N        give up after N seconds, 600 by default
//   --progress            a line a second on stderr
//
// Prints a summary in JSON. Exit status 1 unless every withdrawal was accepted.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesToHex, formatUnits, getAddress, keccak256, parseUnits, stringToBytes } from 'viem';
import { UsageError, numberOption, readArguments, runMain } from './cli.mjs';
import { IntentJournal } from './intents.mjs';

const backOffFirstMs = 50;
const backOffLastMs = 2000;

// The i-th withdrawal of a seed. `assets`: { chain, asset, decimals, min, max, weight }, min and
// max in base units. The same seed gives the same withdrawals.
export function buildIntent(seed, index, assets, { externalIds = false } = {}) {
	const digest = keccak256(stringToBytes(`${seed}/${index}`), 'bytes');
	const view = new DataView(digest.buffer, digest.byteOffset);
	const total = assets.reduce((sum, asset) => sum + asset.weight, 0);
	let rest = (view.getUint32(0) / 2 ** 32) * total;
	const picked = assets.find((asset) => (rest -= asset.weight) < 0) ?? assets.at(-1);
	const span = picked.max - picked.min + 1n;
	const base = picked.min + ((view.getBigUint64(4) * span) >> 64n);
	const key = `load-${seed}-${index}`;
	return {
		key,
		chain: picked.chain,
		asset: picked.asset,
		to: getAddress(bytesToHex(digest.subarray(12))),
		amount: formatUnits(base, picked.decimals),
		amount_base: base.toString(),
		...(externalIds && { external_id: key }),
	};
}

// "12.5" style amounts, as --asset has them.
export function parseAsset(spec) {
	const [chain, asset, decimalsText, min, max, weight = '1', ...rest] = spec.split(':');
	const decimals = Number(decimalsText);
	if (!asset || !max || rest.length > 0 || !Number.isInteger(decimals) || !(Number(weight) > 0)) {
		throw new UsageError(`--asset ${spec}: CHAIN:ASSET:DECIMALS:MIN:MAX[:WEIGHT] is needed`);
	}
	const range = { min: parseUnits(min, decimals), max: parseUnits(max, decimals) };
	if (range.min < 1n || range.max < range.min) throw new UsageError(`--asset ${spec}: bad range`);
	return { chain, asset, decimals, ...range, weight: Number(weight) };
}

// One POST: { status, body, replayed, retryAfterMs }, or an exception when there was no answer.
function post({ target, agent, headers, timeoutMs }, key, body) {
	return new Promise((resolve, reject) => {
		const request = http.request({
			...target,
			agent,
			method: 'POST',
			path: '/v1/withdrawals',
			timeout: timeoutMs,
			headers: {
				...headers,
				'Idempotency-Key': key,
				'Content-Length': body.length,
			},
		});
		request.on('timeout', () => request.destroy(new Error('no answer')));
		request.on('error', reject);
		request.on('response', (response) => {
			const chunks = [];
			response.on('data', (chunk) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => {
				if (!response.complete) return reject(new Error('half an answer'));
				resolve({
					status: response.statusCode,
					body: Buffer.concat(chunks).toString(),
					replayed: response.headers['idempotent-replayed'] === 'true',
					retryAfterMs: 1000 * Number(response.headers['retry-after'] ?? 0) || 0,
				});
			});
		});
		request.end(body);
	});
}

const isAnswer = (status) => status < 500 && ![408, 425, 429].includes(status);

function parseJson(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

class Load {
	constructor(options) {
		Object.assign(
			this,
			{
				concurrency: 16,
				timeoutMs: 10_000,
				deadlineMs: 600_000,
				seed: randomBytes(8).toString('hex'),
			},
			options,
		);
		this.agent = new http.Agent({ keepAlive: true, maxSockets: this.concurrency });
		const { hostname, port } = new URL(this.url);
		this.target = { hostname, port };
		this.headers = {
			Authorization: `Bearer ${this.apiKey}`,
			'Content-Type': 'application/json',
		};
		this.counts = {
			tried: 0,
			accepted: 0,
			refused: 0,
			unanswered: 0,
			mismatched: 0,
			replayed: 0,
			repeats: 0,
		};
		this.refusals = {};
		this.errors = {};
		this.latencies = [];
		this.outstanding = new Set(); // promises of POSTs that have no answer yet
	}

	count(table, what) {
		table[what] = (table[what] ?? 0) + 1;
	}

	async post(key, body) {
		const answer = post(this, key, body);
		this.outstanding.add(answer);
		try {
			return await answer;
		} finally {
			this.outstanding.delete(answer);
		}
	}

	// Repeats until there is an answer or time is up; then undefined.
	async ask(intent) {
		const { key, amount_base: _, ...fields } = intent;
		const body = Buffer.from(JSON.stringify(fields));
		for (let backOffMs = backOffFirstMs; ; backOffMs = Math.min(2 * backOffMs, backOffLastMs)) {
			let waitMs = backOffMs * (0.5 + Math.random());
			try {
				const answer = await this.post(key, body);
				const parsed = parseJson(answer.body);
				if (isAnswer(answer.status) && (answer.status !== 202 || parsed)) {
					return { ...answer, parsed };
				}
				this.count(this.errors, `status ${answer.status}`);
				waitMs = Math.max(waitMs, Math.min(answer.retryAfterMs, backOffLastMs));
			} catch (error) {
				this.count(this.errors, error.code ?? error.message);
			}
			if (performance.now() + waitMs > this.endAt) return undefined;
			this.counts.repeats++;
			await sleep(waitMs);
		}
	}

	async send(intent) {
		this.journal.write('intent', intent);
		this.counts.tried++;
		const begun = performance.now();
		const answer = await this.ask(intent);
		if (!answer) {
			this.counts.unanswered++;
		} else if (answer.status === 202) {
			this.latencies.push(performance.now() - begun);
			this.recordAccepted(intent, answer);
		} else {
			const code = answer.parsed?.code ?? '';
			this.journal.write('refused', {
				key: intent.key,
				status: answer.status,
				code,
			});
			this.count(this.refusals, `${answer.status} ${code}`.trim());
			this.counts.refused++;
		}
	}

	recordAccepted(intent, answer) {
		const { key, chain, asset, to, amount_base } = intent;
		const { parsed } = answer;
		const same = ['chain', 'asset', 'to', 'amount_base'].every(
			(name) => parsed[name] === undefined || parsed[name] === intent[name],
		);
		if (!same || typeof parsed.id !== 'string') this.counts.mismatched++;
		if (answer.replayed) this.counts.replayed++;
		const t = new Date().toISOString();
		this.journal.write('accepted', {
			key,
			id: parsed.id,
			chain,
			asset,
			to,
			amount_base,
			t,
		});
		this.journal.whenDurable(() => this.counts.accepted++);
		this.onAccepted?.({ key, id: parsed.id });
	}

	async work() {
		while (this.next < this.total && performance.now() < this.endAt && !this.signal?.aborted) {
			const index = this.next++;
			await this.pace?.(index);
			if (this.rate > 0) {
				const waitMs = this.begunAt + (1000 * index) / this.rate - performance.now();
				if (waitMs > 1) await sleep(waitMs);
			}
			await this.send(buildIntent(this.seed, index, this.assets, this));
		}
	}

	async run() {
		this.journal = new IntentJournal(this.journalPath);
		this.next = 0;
		this.begunAt = performance.now();
		this.endAt = this.begunAt + this.deadlineMs;
		const ticker = setInterval(() => this.onProgress?.({ ...this.counts }), 200);
		await Promise.all(Array.from({ length: this.concurrency }, () => this.work()));
		clearInterval(ticker);
		await new Promise((resolve) => this.journal.whenDurable(resolve));
		this.journal.close();
		this.agent.destroy();
		this.onProgress?.({ ...this.counts });
		return this.summarize();
	}

	summarize() {
		const seconds = (performance.now() - this.begunAt) / 1000;
		const sorted = this.latencies.sort((a, b) => a - b);
		const rank = (share) =>
			sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
		const round = (number) => (number === undefined ? null : Math.round(number * 100) / 100);
		return {
			seed: this.seed,
			count: this.total,
			...this.counts,
			refusals: this.refusals,
			errors: this.errors,
			seconds: round(seconds),
			per_second: round(this.counts.accepted / seconds),
			latency_ms: {
				p50: round(rank(0.5)),
				p99: round(rank(0.99)),
				max: round(sorted.at(-1)),
			},
		};
	}
}

// Posts `count` withdrawals; the summary. Options: url, apiKey, journalPath, count, assets (see
// buildIntent), seed, concurrency, rate, pace(index) (awaited before each), externalIds, timeoutMs,
// deadlineMs, onProgress(counts), onAccepted({ key, id }), signal (an AbortSignal: starts no more, finishes what is under
// way).
export function runLoad(options) {
	return startLoad(options).finished;
}

// The same, with what can be watched meanwhile: counts, outstanding (a Set of the POSTs that wait
// for an answer: promises that reject when there will be none), and finished.
export function startLoad({ count, ...options }) {
	const load = new Load({ ...options, total: count });
	load.finished = load.run();
	return load;
}

function readApiKey(path) {
	const key = path ? readFileSync(path, 'utf8').trim() : process.env.SLUICE_API_KEY;
	if (!key) throw new UsageError('no API key: --api-key-file or SLUICE_API_KEY');
	return key;
}

function printProgress() {
	let last = 0;
	return (counts) => {
		if (Date.now() - last < 1000) return;
		last = Date.now();
		console.error(
			`accepted ${counts.accepted}, refused ${counts.refused}, repeats ${counts.repeats}`,
		);
	};
}

async function main() {
	const { values } = readArguments(import.meta.url, {
		url: { type: 'string' },
		journal: { type: 'string' },
		count: { type: 'string' },
		asset: { type: 'string', multiple: true },
		'api-key-file': { type: 'string' },
		concurrency: { type: 'string', default: '16' },
		rate: { type: 'string' },
		seed: { type: 'string' },
		'external-ids': { type: 'boolean' },
		'timeout-ms': { type: 'string', default: '10000' },
		'deadline-s': { type: 'string', default: '600' },
		progress: { type: 'boolean' },
	});
	for (const name of ['url', 'journal', 'count', 'asset']) {
		if (!values[name]) throw new UsageError(`--${name} is missing`);
	}
	const summary = await runLoad({
		url: values.url,
		apiKey: readApiKey(values['api-key-file']),
		journalPath: values.journal,
		count: numberOption(values, 'count'),
		assets: values.asset.map(parseAsset),
		concurrency: numberOption(values, 'concurrency'),
		rate: numberOption(values, 'rate'),
		...(values.seed && { seed: values.seed }),
		externalIds: values['external-ids'],
		timeoutMs: numberOption(values, 'timeout-ms'),
		deadlineMs: 1000 * numberOption(values, 'deadline-s'),
		onProgress: values.progress ? printProgress() : undefined,
	});
	console.log(JSON.stringify(summary, null, '\t'));
	return summary.accepted === summary.count && summary.mismatched === 0 ? 0 : 1;
}

await runMain(import.meta.url, main);
