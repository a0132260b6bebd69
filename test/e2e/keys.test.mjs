// `sluice run` with three wallets, whose keys are in a keystore, in an HSM and in a KMS; the KMS is
// frozen, killed and started again under load. Signing waits, everyone is paid once. The HSM's PIN and
// the node's URL come from a Secrets Manager, which judges who asks.
//
// usage: SLUICE=path/to/sluice node --test keys.test.mjs
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, startMoto } from '../tools/src/emulators.mjs';
import { formatReport } from '../tools/src/judge.mjs';
import { createSecret, region, startKms, startKmsJudge } from '../tools/src/kms.mjs';
import { startLoad } from '../tools/src/load.mjs';
import { callRpc } from '../tools/src/rpc.mjs';
import { makeSoftHsm } from '../tools/src/softhsm.mjs';
import { Stack, chainName, demoAssets } from '../tools/src/stack.mjs';

const require = createRequire(new URL('../tools/package.json', import.meta.url));
const { Transaction } = require('ethers');
const { recoverTransactionAddress } = require('viem');

const patienceMs = 60_000;

async function until(what, condition) {
	const deadline = Date.now() + patienceMs;
	for (;;) {
		const value = await condition();
		if (value) return value;
		assert.ok(Date.now() < deadline, `in vain: ${what}`);
		await sleep(50);
	}
}

// What `keys add` prints becomes the configuration.
class KeyStack extends Stack {
	async makeWallets() {
		await super.makeWallets();
		const { hsm, kms } = this.stores;
		this.signerYaml = '';
		for (const args of [
			['pkcs11', '--name', 'hsm', '--module', hsm.module, '--token', hsm.token, '--pin-file', hsm.pinFile,
				'--key', 'hot-0'],
			['kms', '--name', 'kms', '--region', region, '--endpoint', kms.url, '--key-id', kms.keys[0].id],
		]) {
			const { stdout } = await this.run(['keys', 'add', ...args, '--json', '--chain', chainName]);
			const { address, yaml } = JSON.parse(stdout);
			const at = yaml.indexOf('wallets:\n');
			this.wallets.push(address);
			this.signerYaml += yaml.slice('signer:\n'.length, at);
			this.walletsYaml += `${yaml.slice(at + 'wallets:\n'.length)}    fresh: true\n`;
		}
		this.signerYaml += '      timeout_ms: 500\n'; // of the last: KMS
	}

	async writeConfiguration() {
		await super.writeConfiguration();
		const text = readFileSync(this.configFile, 'utf8')
			.replace('signer:\n', `signer:\n${this.signerYaml}`)
			.replace(/pin_file: .*/, `pin_file: "secret://${region}/hsm#pin"`)
			.replace(/rpc: .*/, `rpc_file: "secret://${region}/rpc"`);
		writeFileSync(this.configFile, text, { mode: 0o600 });
	}
}

const dir = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
const journal = join(dir, 'accepted.jsonl');
let stack, kms, secrets, judge, kmsWallet, hsmWallet;

before(async () => {
	const hsm = makeSoftHsm(join(dir, 'hsm'), { keys: [{ label: 'hot-0' }] });
	[kms, secrets] = await Promise.all([startKms(join(dir, 'kms'), [{}]), startMoto(join(dir, 'secrets'))]);
	judge = await startKmsJudge(secrets.url, 'secretsmanager');
	stack = new KeyStack({
		program: process.env.SLUICE, dir: join(dir, 'stack'), wallets: 1, scryptN: 1024,
		anvil: { blockTime: 0.25 }, environment: { ...hsm.env, ...credentials, AWS_ENDPOINT_URL_SECRETS_MANAGER: judge.url },
	});
	stack.stores = { hsm, kms };
	await stack.startChain();
	await stack.makeWallets();
	await stack.fundWallets();
	await createSecret(secrets.url, 'hsm', { SecretString: JSON.stringify({ pin: hsm.pin }) });
	await createSecret(secrets.url, 'rpc', { SecretString: `${stack.anvil.url}\n` });
	await stack.writeConfiguration();
	await stack.makeStore();
	await stack.start();
	[, hsmWallet, kmsWallet] = stack.wallets;
	assert.equal(hsmWallet, hsm.keys[0].address);
	assert.equal(kmsWallet, kms.keys[0].address);
	assert.ok(judge.seen.taken >= 3, 'signer and monitor fetch their secrets');
	assert.deepEqual(judge.seen.refused, []);
});

after(async () => {
	await stack?.close();
	await judge?.stop();
	await Promise.all([kms?.stop(), secrets?.stop()]);
	rmSync(dir, { recursive: true, force: true });
});

const sent = async (wallet) => Number(await callRpc(stack.anvil.url, 'eth_getTransactionCount', [wallet, 'latest']));

async function walletOf(address) {
	const { items } = await stack.get('/v1/wallets');
	return items.find((wallet) => wallet.address === address);
}

async function breaker() {
	const metrics = await stack.metrics('signer');
	return {
		state: metrics.get('sluice_breaker_state{neighbour="kms_1"}'),
		trips: metrics.get('sluice_breaker_trips_total{neighbour="kms_1"}'),
	};
}

test('keys in a keystore, an HSM and a KMS that goes away pay everyone once', async (context) => {
	const enough = new AbortController();
	const load = startLoad({
		url: stack.url, apiKey: stack.apiKey, journalPath: journal, count: 100_000, assets: demoAssets,
		concurrency: 8, rate: 20, timeoutMs: 10_000, signal: enough.signal,
	});
	context.after(() => enough.abort());
	await until('all three wallets pay', async () =>
		(await Promise.all(stack.wallets.map(sent))).every((nonces) => nonces >= 5));

	await context.test('frozen: its wallet waits, the others pay', async () => {
		kms.freeze();
		await until('the breaker trips', async () => (await breaker()).trips > 0);
		const [frozen, others] = [await sent(kmsWallet), await sent(hsmWallet)];
		await until('the HSM goes on', async () => (await sent(hsmWallet)) >= others + 5);
		const { in_flight: inFlight, stopped } = await walletOf(kmsWallet);
		assert.ok(inFlight > 0, 'payouts wait for its signature');
		assert.ok(!stopped);
		kms.thaw();
		await until('KMS signs again', async () => (await sent(kmsWallet)) > frozen + 5);
		await until('the breaker closes', async () => (await breaker()).state === 0);
	});

	await context.test('killed, and the signer with it, which comes back and pays by the others', async () => {
		await kms.stop();
		await until('the breaker trips', async () => (await breaker()).state === 2);
		const before = stack.kill('signer');
		await stack.waitForRole('signer', { before });
		const [killed, others] = [await sent(kmsWallet), await sent(hsmWallet)];
		await until('the HSM goes on', async () => (await sent(hsmWallet)) >= others + 5);
		await kms.start();
		await until('KMS signs again', async () => (await sent(kmsWallet)) > killed);
	});

	enough.abort();
	const { accepted, refused } = await load.finished;
	assert.equal(refused, 0);
	let ends;
	await until('all are completed', async () => {
		ends = {};
		for await (const { status } of stack.withdrawals()) ends[status] = (ends[status] ?? 0) + 1;
		return ends.COMPLETED === accepted;
	}).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(ends)}`));
	const report = await stack.judge([journal]);
	assert.ok(report.ok, formatReport(report));
	assert.equal(report.accepted.total, accepted);
});

test('what HSM and KMS signed is theirs for viem and ethers', async () => {
	const url = stack.anvil.url;
	const height = Number(await callRpc(url, 'eth_blockNumber'));
	const seen = { [hsmWallet]: 0, [kmsWallet]: 0 };
	for (let number = 0; number <= height; number++) {
		const { transactions } = await callRpc(url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
		for (const hash of transactions) {
			const raw = await callRpc(url, 'eth_getRawTransactionByHash', [hash]);
			const transaction = Transaction.from(raw);
			if (!(transaction.from in seen)) continue;
			assert.equal(transaction.hash, hash);
			assert.equal(transaction.serialized, raw);
			assert.equal(await recoverTransactionAddress({ serializedTransaction: raw }), transaction.from);
			seen[transaction.from]++;
		}
	}
	assert.ok(seen[hsmWallet] >= 10 && seen[kmsWallet] >= 10, JSON.stringify(seen));
});
