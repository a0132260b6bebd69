// The load client against a server that answers badly, and load client and judge together against
// payers that are careful and careless. The server stands for what goes wrong between a client and
// an API; the chain is a real one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { getAddress } from 'viem';
import { startAnvil } from '../src/anvil.mjs';
import { Chain } from '../src/chain.mjs';
import { readIntents } from '../src/intents.mjs';
import { judge } from '../src/judge.mjs';
import { buildIntent, parseAsset, runLoad } from '../src/load.mjs';

const assets = [parseAsset('anvil:POL:18:0.001:0.002:3'), parseAsset('anvil:TUSD:6:1:25')];
const program = fileURLToPath(new URL('../src/load.mjs', import.meta.url));

let dir;
let made = 0;

before(() => {
	dir = mkdtempSync(join(tmpdir(), 'load-'));
});

after(() => rmSync(dir, { recursive: true }));

// Answers each POST with `answer(request, response, body, attempt of this key)`.
async function serve(answer) {
	const attempts = new Map();
	const server = http.createServer((request, response) => {
		const chunks = [];
		request.on('data', (chunk) => chunks.push(chunk));
		request.on('end', () => {
			const key = request.headers['idempotency-key'];
			attempts.set(key, (attempts.get(key) ?? 0) + 1);
			const body = JSON.parse(Buffer.concat(chunks).toString());
			answer(request, response, body, attempts.get(key));
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const close = () => {
		server.close();
		server.closeAllConnections();
	};
	return { url: `http://127.0.0.1:${server.address().port}`, attempts, close };
}

const reply = (response, status, object) => {
	response.writeHead(status, { 'Content-Type': 'application/json' });
	response.end(JSON.stringify(object));
};

const accept = (request, response, body) =>
	reply(response, 202, { id: `id-${request.headers['idempotency-key']}`, ...body });

async function load(answer, options = {}) {
	const server = await serve(answer);
	const journalPath = join(dir, `journal-${++made}`);
	try {
		const summary = await runLoad({
			url: server.url,
			apiKey: 'slk_test_key',
			journalPath,
			count: 20,
			assets,
			concurrency: 4,
			deadlineMs: 20_000,
			...options,
		});
		return {
			summary,
			journalPath,
			intents: readIntents([journalPath]),
			attempts: server.attempts,
		};
	} finally {
		server.close();
	}
}

describe('intents of a seed', () => {
	test('are the same each time, checksummed, in range, mixed, and each to its own address', () => {
		const list = (seed) =>
			Array.from({ length: 400 }, (_, index) => buildIntent(seed, index, assets));
		const intents = list('s');
		assert.deepEqual(list('s'), intents);
		assert.notDeepEqual(list('t')[0], intents[0]);
		assert.equal(new Set(intents.map(({ to }) => to)).size, 400);
		const tokens = intents.filter(({ asset }) => asset === 'TUSD');
		assert.ok(tokens.length > 60 && tokens.length < 140, String(tokens.length));
		for (const { to, amount_base } of intents) {
			assert.equal(getAddress(to.toLowerCase()), to);
			assert.ok(BigInt(amount_base) > 0n);
		}
		for (const { amount, amount_base } of tokens) {
			assert.ok(BigInt(amount_base) >= 1_000_000n && BigInt(amount_base) <= 25_000_000n);
			assert.equal(Math.round(Number(amount) * 1e6), Number(amount_base));
		}
	});
});

describe('load client', () => {
	test('posts what the API wants, and lists it before and after', async () => {
		let listed = 0;
		const { summary, intents, journalPath } = await load(
			(request, response, body) => {
				assert.equal(request.method, 'POST');
				assert.equal(request.url, '/v1/withdrawals');
				assert.equal(request.headers.authorization, 'Bearer slk_test_key');
				assert.deepEqual(Object.keys(body), [
					'chain',
					'asset',
					'to',
					'amount',
					'external_id',
				]);
				const journal = readFileSync(join(dir, `journal-${made}`), 'utf8');
				if (journal.includes(`{"intent":{"key":"${request.headers['idempotency-key']}"`))
					listed++;
				accept(request, response, body);
			},
			{ externalIds: true },
		);
		assert.equal(listed, 20);
		assert.equal(summary.accepted, 20);
		assert.equal(summary.mismatched, 0);
		assert.ok(
			intents.every(({ state, key, id }) => state === 'accepted' && id === `id-${key}`),
		);
		const lines = readFileSync(journalPath, 'utf8')
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line));
		const { accepted } = lines.find((line) => line.accepted);
		assert.deepEqual(Object.keys(accepted), [
			'key',
			'id',
			'chain',
			'asset',
			'to',
			'amount_base',
			't',
		]);
	});

	const faults = {
		'status 500': (request, response) => reply(response, 500, {}),
		'status 503': (request, response) => reply(response, 503, {}),
		'status 429': (request, response) => reply(response, 429, {}),
		ECONNRESET: (request) => request.socket.resetAndDestroy(),
		'no answer': () => {},
		'half an answer': (request, response) => {
			response.writeHead(202, { 'Content-Length': 1000 });
			response.write('{"id":');
			setTimeout(() => request.socket.end(), 20);
		},
		'status 202': (request, response) => response.writeHead(202).end('{"id":'),
	};
	for (const [name, fault] of Object.entries(faults)) {
		test(`repeats with the same key and body after: ${name}`, async () => {
			const bodies = new Map();
			const { summary, attempts } = await load(
				(request, response, body, attempt) => {
					const key = request.headers['idempotency-key'];
					bodies.set(key, (bodies.get(key) ?? new Set()).add(JSON.stringify(body)));
					if (attempt < 3) fault(request, response);
					else accept(request, response, body);
				},
				{ count: 5, timeoutMs: 200 },
			);
			assert.equal(summary.accepted, 5, JSON.stringify(summary));
			assert.equal(summary.repeats, 10);
			assert.deepEqual([...attempts.values()], [3, 3, 3, 3, 3]);
			assert.ok([...bodies.values()].every((set) => set.size === 1));
			const seen = Object.keys(summary.errors).join();
			assert.ok(seen.includes(name) || name === 'half an answer', seen);
		});
	}

	test('takes a 4xx as a refusal and does not repeat it', async () => {
		const { summary, intents, attempts } = await load(
			(request, response) => reply(response, 422, { code: 'address_is_ours' }),
			{ count: 3 },
		);
		assert.equal(summary.refused, 3);
		assert.deepEqual(summary.refusals, { '422 address_is_ours': 3 });
		assert.deepEqual([...attempts.values()], [1, 1, 1]);
		assert.ok(intents.every(({ state }) => state === 'refused'));
	});

	test('gives up at its deadline and lists them as unanswered', async () => {
		const { summary, intents } = await load((request, response) => reply(response, 503, {}), {
			count: 3,
			deadlineMs: 300,
		});
		assert.equal(summary.unanswered, 3);
		assert.ok(intents.every(({ state }) => state === 'unanswered'));
	});

	test('counts answers that tell of another withdrawal', async () => {
		const { summary } = await load(
			(request, response, body) =>
				reply(response, 202, { id: 'x', ...body, amount_base: '1' }),
			{ count: 3 },
		);
		assert.equal(summary.mismatched, 3);
	});

	test('tells it by its exit status', () => {
		const run = (...argv) =>
			spawnSync(process.execPath, [program, ...argv], {
				encoding: 'utf8',
				env: { ...process.env, SLUICE_API_KEY: 'slk_test_key' },
			});
		const needed = ['--journal', join(dir, 'cli'), '--asset', 'anvil:POL:18:0.001:0.002'];
		assert.equal(run('--url', 'http://127.0.0.1:1', ...needed).status, 2);
		const dead = run(
			'--url',
			'http://127.0.0.1:1',
			...needed,
			'--count',
			'1',
			'--deadline-s',
			'0.3',
		);
		assert.equal(dead.status, 1, dead.stderr);
		assert.equal(JSON.parse(dead.stdout).unanswered, 1);
	});
});

describe('the list', () => {
	test('may end in half a line, and nowhere else', () => {
		const path = join(dir, 'torn');
		const intent = {
			key: 'k',
			chain: 'anvil',
			asset: 'POL',
			to: '0x01',
			amount_base: '5',
		};
		writeFileSync(path, `${JSON.stringify({ intent })}\n{"accepted":{"key":"k"`);
		assert.deepEqual(
			readIntents([path]).map(({ state }) => state),
			['unanswered'],
		);
		appendFileSync(path, '\n{"accepted":{"key":"k","id":"1"}}\n');
		assert.throws(() => readIntents([path]), /:2: not JSON/);
	});
});

describe('load client and judge', () => {
	const wallet = '0x00000000000000000000000000000000000a11ce';
	let anvil;
	let chain;
	let token;

	before(async () => {
		anvil = await startAnvil(join(dir, 'anvil'), { blockTime: 0.25 });
		chain = new Chain(anvil.url);
		token = await chain.deployToken('TUSD', 6);
		await chain.fund([wallet], 10n ** 24n);
		await token.mint([wallet], 10n ** 15n);
	});

	after(() => anvil?.stop());

	// A payer that loses the first answer to every key. A careful one pays a key once.
	async function run(seed, careful) {
		const paid = new Set();
		const fromBlock = await chain.height();
		let turn = Promise.resolve();
		const payOnce = async (key, body, amountBase) => {
			if (careful && paid.has(key)) return;
			paid.add(key);
			if (body.asset === 'POL')
				await chain.sendAs(wallet, { to: body.to, value: amountBase });
			else await token.transferAs(wallet, body.to, amountBase);
		};
		const { summary, intents } = await load(
			(request, response, body, attempt) => {
				const key = request.headers['idempotency-key'];
				const index = Number(key.split('-').at(-1));
				const amountBase = BigInt(buildIntent(seed, index, assets).amount_base);
				turn = turn
					.then(() => payOnce(key, body, amountBase))
					.then(() => {
						if (attempt === 1) request.socket.resetAndDestroy();
						else accept(request, response, body);
					});
			},
			{ count: 12, seed },
		);
		assert.equal(summary.accepted, 12);
		while ((await chain.poolSize()).pending > 0) await chain.mine();
		return judge({
			url: chain.url,
			chain: 'anvil',
			intents,
			wallets: [wallet],
			native: 'POL',
			tokens: { TUSD: token.address },
			fromBlock,
		});
	}

	test('find a careful payer in order', async () => {
		const report = await run('careful', true);
		assert.equal(report.ok, true, JSON.stringify(report.accepted));
		assert.equal(report.accepted.paid, 12);
	});

	test('find every double payment of a careless one', async () => {
		const report = await run('careless', false);
		assert.equal(report.accepted.doubled, 12);
		assert.equal(report.ok, false);
	});
});
