// Secrets of AWS Secrets Manager in the place of files, as a person meets them.
//
// usage: SLUICE=path/to/sluice node --test secrets.test.mjs
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { credentials, startMoto } from '../tools/src/emulators.mjs';
import { createSecret, region } from '../tools/src/kms.mjs';
import { json, newComplete, newKeys, newPlace, sluice, succeed } from './deployment.mjs';

describe('a secret in the place of a file', () => {
	let moto, env, deployment, password;
	const place = (name) => `secret://${region}/${name}`;
	// The deployment with another place of the keystore's password.
	const configWith = (where) => {
		const config = join(deployment.dir, 'other.yaml');
		writeFileSync(config, readFileSync(deployment.config, 'utf8')
			.replace('password_file: hot.password', `password_file: "${where}"`));
		return config;
	};

	before(async () => {
		const dir = newPlace('secrets');
		moto = await startMoto(dir);
		env = { ...credentials, AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.url };
		const keys = newKeys(newPlace('keys'), 1);
		deployment = newComplete('secrets', { keys });
		for (const name of ['hot.json', 'hot.password'])
			writeFileSync(join(deployment.dir, name), readFileSync(join(keys.file, '..', name)), { mode: 0o600 });
		password = readFileSync(join(deployment.dir, 'hot.password'), 'utf8');
		rmSync(join(deployment.dir, 'hot.password'));
		await createSecret(moto.url, 'plain', { SecretString: password });
		await createSecret(moto.url, 'prod/sluice', { SecretString: JSON.stringify({ user: 'x', hot: password.trim(), n: 1 }) });
		await createSecret(moto.url, 'bytes', { SecretBinary: Buffer.from(password).toString('base64') });
		await createSecret(moto.url, 'wrong', { SecretString: 'wrong' });
	});
	after(() => moto.stop());

	test('text, bytes and a member of an object open the keystore', () => {
		for (const where of [place('plain'), place('bytes'), place('prod/sluice#hot')]) {
			const { wallets } = json(['keys', 'address', '--config', configWith(where)], { env });
			assert.deepEqual(wallets.map(({ matches }) => matches), [true], where);
		}
	});

	test('what is wrong is told, and no secret', () => {
		const cases = [
			[place('nobody'), env, /secret nobody in eu-central-1: .*ResourceNotFoundException/],
			[place('prod/sluice#cold'), env, /no object with a text "cold"/],
			[place('prod/sluice#n'), env, /no object with a text "n"/],
			[place('plain#hot'), env, /no object with a text "hot"/],
			[place('wrong'), env, /password/],
			[place('plain'), { ...env, AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:1' }, /connect/],
			[place('plain'), { AWS_EC2_METADATA_DISABLED: 'true' }, /credentials/],
		];
		for (const [where, environment, expected] of cases) {
			const { status, text } = sluice(['keys', 'address', '--config', configWith(where)], { env: environment });
			assert.equal(status, 1, text);
			assert.match(text, expected);
			assert.ok(!text.includes(password.trim()), text);
		}
	});

	test('check-config names it, and asks nobody', () => {
		const { stdout } = succeed(['check-config', '--config', configWith(place('plain'))],
			{ env: { AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:1' } });
		assert.match(stdout, /fetched signer\.keystores\[0\]\.password_file: secret:\/\/eu-central-1\/plain/);
	});
});
