// Keys that stay in an HSM or in AWS KMS, as a person meets them: `keys add`, `keys address`,
// `check-config`, and a signer that refuses to start.
//
// usage: SLUICE=path/to/sluice node --test keys.test.mjs
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { credentials } from '../tools/src/emulators.mjs';
import { region, startKms } from '../tools/src/kms.mjs';
import { makeSoftHsm } from '../tools/src/softhsm.mjs';
import { json, newPlace, sluice, succeed } from './deployment.mjs';

const stranger = '0x52908400098527886E0F7030069857D2E4169EE7';

// A configuration out of what `keys add` printed.
function writeConfig(dir, yaml) {
	const config = join(dir, 'sluice.yaml');
	writeFileSync(config, `${yaml}
chains:
  - { name: anvil, chain_id: 31337, rpc: ["http://127.0.0.1:9"] }
assets:
  - { chain: anvil, symbol: ETH, native: true, min: 0.001, max: 10, signer_max: 10 }
`);
	return config;
}

describe('a key in an HSM', () => {
	const dir = newPlace('hsm');
	const hsm = makeSoftHsm(dir, {
		keys: [{ label: 'hot-0', id: 'a0' }, { label: 'p256', id: 'c0', curve: 'prime256v1' }],
	});
	const env = hsm.env;
	const add = (key, more = []) => ['keys', 'add', 'pkcs11', '--name', 'hsm', '--module', hsm.module,
		'--token', hsm.token, '--key', key, '--chain', 'anvil',
		...(more.includes('--pin-file') ? [] : ['--pin-file', hsm.pinFile]), ...more];

	test('its address is the one that ethers gives it, by label and by id', () => {
		assert.equal(json(add('hot-0'), { env }).address, hsm.keys[0].address);
		const byId = json(add('id=a0'), { env });
		assert.equal(byId.address, hsm.keys[0].address);
		assert.equal(byId.key, 'hsm/id=a0');
	});

	test('what is printed is a configuration, whose keys give its addresses', () => {
		const { stdout } = succeed(add('hot-0'), { env });
		assert.ok(!stdout.includes(hsm.pin));
		const config = writeConfig(dir, stdout);
		assert.match(succeed(['keys', 'address', '--config', config], { env }).stdout, / ok\n/);
		const { wallets } = json(['keys', 'address', '--config', config], { env });
		assert.deepEqual(wallets.map(({ derived, matches }) => [derived, matches]), [[hsm.keys[0].address, true]]);
		const { text } = sluice(['check-config', '--config', config]);
		assert.match(text, /there +signer\.pkcs11\[0\]\.module: /);
		assert.match(text, /there +signer\.pkcs11\[0\]\.pin_file: /);
	});

	test('another address than the pinned one is told', () => {
		const { stdout } = succeed(add('hot-0'), { env });
		const config = writeConfig(dir, stdout.replace(hsm.keys[0].address, stranger));
		const { status, text } = sluice(['keys', 'address', '--config', config], { env });
		assert.equal(status, 1);
		assert.match(text, /WRONG/);
	});

	test('what is wrong is told, and never the PIN', () => {
		const wrongPin = join(dir, 'wrong');
		writeFileSync(wrongPin, 'no-such-pin\n', { mode: 0o600 });
		const open = join(dir, 'open');
		writeFileSync(open, `${hsm.pin}\n`);
		chmodSync(open, 0o644);
		const cases = [
			[add('p256'), /secp256k1/],
			[add('nobody'), /no private key is named "nobody"/],
			[add('hot-0', ['--pin-file', wrongPin]), /CKR_PIN_INCORRECT/],
			[add('hot-0', ['--pin-file', open]), /chmod 600/],
			[add('hot-0').map((word) => (word === hsm.token ? 'else' : word)), /no token has the label/],
			[add('hot-0').map((word) => (word === hsm.module ? '/nowhere.so' : word)), /is not there/],
		];
		for (const [args, expected] of cases) {
			const { status, text } = sluice(args, { env });
			assert.equal(status, 1, text);
			assert.match(text, expected);
			assert.ok(!text.includes('no-such-pin') && !text.includes(hsm.pin), text);
		}
		assert.equal(sluice(['keys', 'add', 'pkcs11', '--name', 'hsm'], { env }).status, 2);
		assert.equal(sluice(['keys', 'add', 'usb', '--name', 'hsm'], { env }).status, 2);
		assert.equal(sluice(['keys', 'add', 'kms', '--name', 'a/b'], { env }).status, 2);
	});

	test('a signer whose PIN is wrong ends for good: nobody starts it again', () => {
		const { stdout } = succeed(add('hot-0'), { env });
		const wrongPin = join(dir, 'wrong');
		const config = writeConfig(dir, stdout.replace(/pin_file: .*/, `pin_file: "${wrongPin}"`));
		succeed(['keys', 'init', '--config', config]);
		succeed(['migrate', '--quiet', '--config', config]);
		const { status, text } = sluice(['signer', '--config', config], { env });
		assert.equal(status, 3, text);
		assert.match(text, /CKR_PIN_INCORRECT/);
		assert.ok(!text.includes('no-such-pin'), text);
	});
});

describe('a key in AWS KMS', () => {
	const dir = newPlace('kms');
	let kms;
	before(async () => {
		kms = await startKms(dir, [{}, { curve: 'prime256v1' }]);
	});
	after(() => kms.stop());
	const add = (id, endpoint = kms.url) => ['keys', 'add', 'kms', '--name', 'kms', '--region', region,
		'--key-id', id, '--endpoint', endpoint, '--chain', 'anvil'];

	test('its address is the one that ethers gives it, by id, ARN and alias', async () => {
		const [{ id, arn, address }] = kms.keys;
		await kms.call('CreateAlias', { AliasName: 'alias/hot', TargetKeyId: id });
		for (const name of [id, arn, 'alias/hot'])
			assert.equal(json(add(name), { env: credentials }).address, address);
	});

	test('what is printed is a configuration, whose keys give its addresses', () => {
		const { stdout } = succeed(add(kms.keys[0].id), { env: credentials });
		const config = writeConfig(dir, stdout);
		const { wallets } = json(['keys', 'address', '--config', config], { env: credentials });
		assert.deepEqual(wallets.map(({ derived, matches }) => [derived, matches]), [[kms.keys[0].address, true]]);
	});

	test('what is wrong is told', async () => {
		const cases = [
			[add(kms.keys[1].id), credentials, /ECC_SECG_P256K1/],
			[add('11111111-2222-3333-4444-555555555555'), credentials, /NotFoundException/],
			[add(kms.keys[0].id, 'http://127.0.0.1:1'), credentials, /connect/],
			[add(kms.keys[0].id), { AWS_ACCESS_KEY_ID: 'half', AWS_EC2_METADATA_DISABLED: 'true' }, /AWS_SECRET_ACCESS_KEY/],
		];
		for (const [args, env, expected] of cases) {
			const { status, text } = sluice(args, { env });
			assert.equal(status, 1, text);
			assert.match(text, expected);
		}
	});

	test('a wallet that is new waits for its key; the signer is worth starting again', () => {
		const { stdout } = succeed(add(kms.keys[0].id), { env: credentials });
		const config = writeConfig(dir, stdout.replace(kms.url, 'http://127.0.0.1:1'));
		succeed(['keys', 'init', '--config', config]);
		succeed(['migrate', '--quiet', '--config', config]);
		const { status, text } = sluice(['signer', '--config', config], { env: credentials });
		assert.equal(status, 1, text);
		assert.match(text, /wallets\[0\]: .*connect/);
	});

	test('a key that does not sign gets no funds', async () => {
		const [{ id }] = kms.keys;
		await kms.call('DisableKey', { KeyId: id });
		const { status, text } = sluice(add(id), { env: credentials });
		await kms.call('EnableKey', { KeyId: id });
		assert.equal(status, 1);
		assert.match(text, /does not sign.*DisabledException/);
		assert.ok(!text.includes('wallets:'), text);
	});
});
