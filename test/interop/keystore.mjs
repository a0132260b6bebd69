// Key files that Sluice writes, read by ethers. Prints TAP.
//
// usage: node keystore.mjs KEYSTORE_TOOL
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(new URL('../tools/package.json', import.meta.url));
const { Wallet, decryptKeystoreJson } = require('ethers');

const tool = process.argv[2];
const dir = mkdtempSync(join(tmpdir(), 'sluice-interop-'));
let number = 0;

function write(kind, hex, password, n) {
	const path = join(dir, `${++number}.json`);
	const { status, stderr } = spawnSync(tool, [path, kind, hex, password, n], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return readFileSync(path, 'utf8');
}

const tests = {
	async 'ethers opens a key, with its address'() {
		for (const [key, password, n] of [
			['00'.repeat(31) + '07', 'small', '2'],
			['4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318', '', '64'],
			['4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318', 'pässwörd ☃', '1024'],
		]) {
			const text = write('key', key, password, n);
			const wallet = await Wallet.fromEncryptedJson(text, password);
			assert.equal(wallet.privateKey, '0x' + key);
			assert.equal(wallet.address, new Wallet('0x' + key).address);
		}
	},

	async 'ethers refuses another password'() {
		const text = write('key', '11'.repeat(32), 'right', '16');
		await assert.rejects(Wallet.fromEncryptedJson(text, 'wrong'), /incorrect password/);
	},

	async 'a seed of 32 bytes is decrypted to its bytes'() {
		const seed = '0123456789abcdef'.repeat(4);
		const text = write('seed', seed, 'p', '16');
		const account = await decryptKeystoreJson(text, 'p');
		assert.equal(account.privateKey, '0x' + seed);
		assert.deepEqual(JSON.parse(text).sluice, { kind: 'seed' });
	},

	async 'the form is that of Web3 Secret Storage'() {
		const file = JSON.parse(write('key', '11'.repeat(32), 'p', '4096'));
		assert.equal(file.version, 3);
		assert.match(file.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		assert.equal(file.crypto.cipher, 'aes-128-ctr');
		assert.match(file.crypto.cipherparams.iv, /^[0-9a-f]{32}$/);
		assert.match(file.crypto.ciphertext, /^[0-9a-f]{64}$/);
		assert.match(file.crypto.mac, /^[0-9a-f]{64}$/);
		const { salt, ...cost } = file.crypto.kdfparams;
		assert.match(salt, /^[0-9a-f]{64}$/);
		assert.deepEqual(cost, { dklen: 32, n: 4096, r: 8, p: 1 });
	},
};

console.log(`1..${Object.keys(tests).length}`);
for (const [i, [name, test]] of Object.entries(tests).entries()) {
	try {
		await test();
		console.log(`ok ${i + 1} - ${name}`);
	} catch (error) {
		process.exitCode = 1;
		console.log(`not ok ${i + 1} - ${name}`);
		console.log(String(error.stack).replace(/^/gm, '# '));
	}
}
rmSync(dir, { recursive: true });
