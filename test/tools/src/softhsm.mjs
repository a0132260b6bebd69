// A SoftHSM token with keys whose addresses are known, in a directory of its own. A library; needs
// the Debian package softhsm2.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, makeEcKey, pemOf } from './ec_key.mjs';

export const softhsmModule = '/usr/lib/softhsm/libsofthsm2.so';

function run(program, args, env) {
	const { status, stdout, stderr, error } = spawnSync(program, args, {
		encoding: 'utf8',
		env: { ...process.env, ...env },
	});
	if (error) throw error;
	if (status !== 0) throw new Error(`${program} ${args[0]}: ${stdout}${stderr}`);
}

// keys: [{ label, id, curve, privateKey }], all but the label optional. Returns { module, token,
// env, pin, pinFile, keys: [{ label, id, address }] }; address is null for other curves.
export function makeSoftHsm(dir, { token = 'sluice', pin = 'pin-of-tests', keys = [] } = {}) {
	mkdirSync(join(dir, 'tokens'), { recursive: true });
	const configuration = join(dir, 'softhsm2.conf');
	writeFileSync(
		configuration,
		`directories.tokendir = ${join(dir, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
	);
	const env = { SOFTHSM2_CONF: configuration };
	const hsm = { module: softhsmModule, token, pin, env, dir, keys: [] };
	hsm.pinFile = join(dir, 'pin');
	writeFileSync(hsm.pinFile, `${pin}\n`, { mode: 0o600 });
	addToken(hsm, token);
	keys.forEach((key) => hsm.keys.push(addKey(hsm, key)));
	return hsm;
}

export function addToken(hsm, label) {
	run(
		'softhsm2-util',
		['--init-token', '--free', '--label', label, '--pin', hsm.pin, '--so-pin', 'so-pin-of-tests'],
		hsm.env,
	);
}

let made = 0;

export function addKey(hsm, { label, id = (0xa0 + made).toString(16), ...rest }) {
	const key = makeEcKey(rest);
	const path = join(hsm.dir, `key-${made++}.pem`);
	writeFileSync(path, pemOf(key), { mode: 0o600 });
	run(
		'softhsm2-util',
		['--import', path, '--token', hsm.token, '--pin', hsm.pin, '--label', label, '--id', id],
		hsm.env,
	);
	return { label, id, address: addressOf(key) };
}
