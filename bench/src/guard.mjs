// What it costs to look who asks and whether he may be paid, and what becomes of those who are served
// when more ask than the store can take.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeKey, setOf, sign } from '../../test/tools/src/identity_provider.mjs';
import { Stack, readCpuSeconds } from '../../test/tools/src/stack.mjs';
import { buildDir, runTool } from './processes.mjs';
import { format, median } from './report.mjs';
import { newSeed, runWrk } from './wrk.mjs';

const connections = 1000; // of those who offer more than is taken
const issuer = 'https://idp.example';
const tokensMade = 3000; // more than one process keeps
const keysMade = 300; // more than come within 5 ms
const rulesOf = [1, 10, 1000];
const password = 'correct horse battery';

async function startApi(options, dir, { api = '', extra = '', environment } = {}) {
	const stack = new Stack({ program: options.program, dir, wallets: 1, scryptN: 2 });
	mkdirSync(join(dir, 'data'), { recursive: true });
	await stack.makeWallets();
	stack.anvil = { url: 'http://127.0.0.1:1' }; // the API asks no chain
	await stack.writeConfiguration();
	stack.anvil = undefined;
	const text = readFileSync(stack.configFile, 'utf8').replace(/^api:\n/m, `api:\n${api}`);
	writeFileSync(stack.configFile, `${text}\n${extra}`, { mode: 0o600 });
	await stack.makeStore();
	stack.startRole('api', environment);
	await stack.waitForRole('api');
	return { stack, name: 'sluice api', url: stack.url, apiKey: stack.apiKey, pid: stack.pid('api') };
}

async function withApi(options, root, settings, body) {
	const dir = mkdtempSync(join(root, 'api-'));
	const api = await startApi(options, dir, settings);
	try {
		return await body(api, dir);
	} finally {
		await api.stack.close();
		rmSync(dir, { recursive: true, force: true });
	}
}

// --- (j) overload

const stores = [
	['as fast as the disk', 0, '', ''],
	['a commit takes 50 ms', 50, '', ''],
	['a commit takes 50 ms', 50, '  wait_max_ms: 400\n', '400'],
	['a commit takes 50 ms', 50, '  wait_max_ms: 0\n', 'any'],
];

async function overload(options, root, [, disk, api]) {
	const environment = disk && { LD_PRELOAD: `${buildDir}/bench/libbench_slow_disk.so`, SLOW_DISK_MS: `${disk}` };
	return withApi(options, root, { api: `  connections_max: 2048\n  address_connections_max: 0\n${api}`, environment }, async (target) => {
		const found = [];
		for (let round = 0; round < options.rounds; round++) {
			// At its best with as many as fill its groups; what is offered then is twice that.
			// A store that grows takes fewer: its best before and after are what counts.
			const best = () => runWrk('offer.lua', target, 256, options.seconds, [target.apiKey, newSeed(), '256', '0']);
			const before = await best();
			const load = () => [target.apiKey, newSeed(), `${connections}`, `${4 * before.perSecond}`];
			await runWrk('offer.lua', target, connections, 2, load());
			const over = await runWrk('offer.lua', target, connections, options.seconds, load());
			const peak = (before.accepted + (await best()).accepted) / 2;
			found.push({ peak, ...over, ratio: over.accepted / peak });
		}
		return Object.fromEntries(Object.keys(found[0]).map((name) => [name, median(found.map((one) => one[name]))]));
	});
}

async function addOverload(options, report, root) {
	const rows = [];
	let worst = Infinity;
	for (const store of stores) {
		const one = await overload(options, root, store);
		if (store[3] !== 'any') worst = Math.min(worst, one.ratio);
		rows.push([store[0], store[3] || '1000', one.peak, one.perSecond, one.accepted, one.refused, one.p50_ms, one.p99_ms, one.ratio]);
		console.error(`${store[0]}: ${format(one.ratio)} of the peak`);
	}
	report.heading('(j) Twice as much as the store can take');
	report.add(`${connections} connections that ask, with a pause, for four times what 256 without one reach, if answers took no time; ` +
		'who is refused asks again after the same pause. Latencies in ms, of all answers.');
	report.table(['store', 'wait_max_ms', 'peak/s', 'asked/s', 'accepted/s', 'refused/s', 'p50', 'p99', 'of the peak'], rows);
	report.aim('(j) accepted under twice the load, of the peak', '≥ 0.8', format(worst), worst >= 0.8);
}

// --- (k) who asks

async function logIn(target) {
	const file = join(target.stack.dir, 'password');
	writeFileSync(file, password, { mode: 0o600 });
	await target.stack.run(['user', 'create', 'ann', '--role', 'viewer', '--account', 'default', '--password-file', file, '--config', target.stack.configFile]);
	const answer = await fetch(`${target.url}/v1/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ name: 'ann', password }) });
	if (answer.status !== 200) throw new Error(`login: ${await answer.text()}`);
	return (await answer.json()).access_token;
}

function tokensOf(key, count) {
	const now = Math.floor(Date.now() / 1000);
	return Promise.all(Array.from({ length: count }, (_, at) => sign(key, { iss: issuer, aud: 'sluice', sub: `ann${at}@example`, iat: now, exp: now + 3000,
		sluice_role: 'viewer', sluice_account: 'default' })));
}

async function measureAsking(options, target, tokens) {
	const file = join(target.stack.dir, 'tokens');
	writeFileSync(file, `${tokens.join('\n')}\n`, { mode: 0o600 });
	const found = [];
	await runWrk('ask.lua', target, 64, 1, [file]);
	for (let round = 0; round < options.rounds; round++) {
		const before = readCpuSeconds(target.pid);
		const result = await runWrk('ask.lua', target, 64, options.seconds, [file]);
		found.push({ ...result, cpu_us: ((readCpuSeconds(target.pid) - before) / result.requests) * 1e6 });
	}
	return [median(found.map((one) => one.perSecond)), median(found.map((one) => one.cpu_us))];
}

async function addAsking(options, report, root) {
	const keys = {};
	for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) keys[alg] = await makeKey(alg);
	const rows = [];
	const row = async (target, name, tokens) => rows.push([name, ...(await measureAsking(options, target, tokens))]);
	const jwks = join(root, 'idp', 'jwks.json');
	mkdirSync(join(root, 'idp'));
	writeFileSync(jwks, setOf(...Object.values(keys)));
	const extra = `identity: { issuer: "${issuer}", jwks_file: "${jwks}" }\n`;
	await withApi(options, root, { extra }, async (target) => {
		await row(target, 'API key, known', [target.apiKey]);
		await row(target, 'access token of ours (HS256), session known', [await logIn(target)]);
		for (const [alg, key] of Object.entries(keys)) {
			await row(target, `${alg} of a provider, known`, await tokensOf(key, 1));
			await row(target, `${alg} of a provider, new each time`, await tokensOf(key, tokensMade));
		}
	});
	// Each of them comes again after its verdict is forgotten. Some are forgotten before they are used.
	await withApi(options, root, { api: '  key_cache_ms: 5\n', extra }, async (target) => {
		const many = [];
		for (let at = 0; at < keysMade; at++) {
			const made = await target.stack.run(['api-key', 'create', '--json', '--name', `k${at}`, '--config', target.stack.configFile]);
			many.push(JSON.parse(made.stdout).key);
		}
		await row({ ...target, tolerated: 0.02 }, 'API key, read from the store each time', many);
	});
	const base = rows[0][2];
	report.heading('(k) Who asks');
	report.add('`GET /v1/assets`, 64 connections: what is left of it is HTTP, who asks, and whether he may. CPU of the process in µs per request.');
	report.table(['by', 'GET/s', 'CPU', 'of an API key'], rows.map(([name, rate, cpu]) => [name, rate, cpu, cpu / base]));
}

// --- (l) decisions

function policyOf(rules) {
	const others = Array.from({ length: rules - 1 }, (_, at) => ({ name: `r${at}`, effect: at % 2 ? 'deny' : 'allow', accounts: [`other-${at}`] }));
	return { rules: [...others, { name: 'all', effect: 'allow' }], limits: [{ name: 'many', count: 1_000_000_000, window: '1h', per: ['account'] }] };
}

async function decide(options, root, rules) {
	return withApi(options, root, {}, async (target, dir) => {
		const file = join(dir, 'rules.json');
		writeFileSync(file, JSON.stringify(policyOf(rules)));
		await target.stack.setPolicy(file);
		await runWrk('accept.lua', target, 64, options.seconds, [target.apiKey, newSeed()]);
		const database = join(dir, 'data', 'sluice.db');
		const left = async () => Number(await runTool('sqlite3', [database, 'SELECT count(*) FROM withdrawals WHERE stage = 1']));
		const n = await left();
		target.stack.startRole('processor');
		await target.stack.waitForRole('processor');
		const begun = performance.now();
		while ((await left()) > 0) await sleep(50);
		const seconds = (performance.now() - begun) / 1000;
		return [n, n / seconds, (readCpuSeconds(target.stack.pid('processor')) / n) * 1e6];
	});
}

async function addDecisions(options, report, root) {
	const rows = [];
	for (const rules of rulesOf) rows.push([rules, ...(await decide(options, root, rules))]);
	report.heading('(l) Decisions');
	report.add('What was accepted before the processor started, with one limit that counts; the last rule decides. CPU of the processor in µs per decision, its start included.');
	report.table(['rules', 'withdrawals', 'decided/s', 'CPU', 'of one rule'], rows.map((row) => [...row, row[3] / rows[0][3]]));
}

// --- (m) acceptance with all of it

const limits = ['rate_limit', 'account_rate_limit', 'address_rate_limit'].map((name) => `  ${name}: 1000000\n`).join('');

async function accepting(options, root, api, decides) {
	return withApi(options, root, { api }, async (target) => {
		if (decides) {
			target.stack.startRole('processor');
			await target.stack.waitForRole('processor');
		}
		const found = [];
		await runWrk('accept.lua', target, 64, 1, [target.apiKey, newSeed()]);
		for (let round = 0; round < options.rounds; round++) {
			const before = readCpuSeconds(target.pid);
			const one = await runWrk('accept.lua', target, 64, options.seconds, [target.apiKey, newSeed()]);
			found.push([one.perSecond, one.p50_ms, one.p99_ms, ((readCpuSeconds(target.pid) - before) / one.requests) * 1e6]);
		}
		return found[0].map((_, at) => median(found.map((one) => one[at])));
	});
}

async function addAccepting(options, report, root) {
	const plain = await accepting(options, root, '', false);
	const limited = await accepting(options, root, limits, false);
	const all = await accepting(options, root, limits, true);
	report.heading('(m) Acceptance with limits and decisions');
	report.add('64 connections, an empty store. Who asks is looked at in all rows. The processor decides beside the last, on the same cores and the same store.');
	report.table(
		['with', 'POST/s', 'p50', 'p99', 'CPU', 'of the first'],
		[['an API key', plain], ['limits of key, account and address', limited], ['those, and a processor that decides', all]].map(([name, row]) => [name, ...row, row[0] / plain[0]]),
	);
}

export async function runGuard(options, report) {
	const root = mkdtempSync(join(buildDir, 'guard-'));
	try {
		await addOverload(options, report, root);
		await addAsking(options, report, root);
		await addDecisions(options, report, root);
		await addAccepting(options, report, root);
	} finally {
		rmSync(root, { recursive: true, force: true });
	}
}
