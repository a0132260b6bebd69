// A deployment in a directory of its own, and the command line over it, as a person or a script has
// them. What a test makes here is removed when its file is done.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

export const program = process.env.SLUICE;
export const readyMs = 30_000;

assert.ok(program, 'SLUICE is to be the path of the program');
export const root = mkdtempSync(join(tmpdir(), 'sluice-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

export function environment(extra = {}) {
	const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'));
	return { ...Object.fromEntries(kept), ...extra };
}

export function sluice(args, { cwd = root, env = {}, input } = {}) {
	const { status, stdout, stderr } = spawnSync(program, args, {
		cwd, env: environment(env), input, encoding: 'utf8', timeout: 60_000,
	});
	return { status, stdout, stderr, text: `${stdout}${stderr}` };
}

export function succeed(args, options) {
	const result = sluice(args, options);
	assert.equal(result.status, 0, `sluice ${args.join(' ')}: ${result.text}`);
	return result;
}

export const json = (args, options) => JSON.parse(succeed([...args, '--json'], options).stdout);

export async function until(what, condition, ms = readyMs) {
	const deadline = Date.now() + ms;
	for (;;) {
		const value = await condition();
		if (value) return value;
		assert.ok(Date.now() < deadline, `in vain: ${what}`);
		await sleep(20);
	}
}

export function newPlace(name) {
	return mkdtempSync(join(root, `${name}-`));
}

// scrypt is made cheap: what is tested is what surrounds it.
export function newKeys(dir, wallets, name = 'hot') {
	return json([
		'keys', 'new', '--name', name, '--wallets', String(wallets), '--scrypt-n', '1024',
		'--out', join(dir, `${name}.json`), '--password-file', join(dir, `${name}.password`),
		'--chain', 'anvil',
	]);
}

// A deployment in a directory of its own, on ports that the kernel chooses.
export function newDeployment(name, { rpc = ['http://127.0.0.1:9'], keys, extra = '' } = {}) {
	const dir = newPlace(name);
	keys ??= newKeys(dir, 1);
	const wallets = keys.wallets.map(wallet =>
		`  - { chain: anvil, address: "${wallet.address}", key: ${wallet.key}, fresh: true }`);
	writeFileSync(join(dir, 'sluice.yaml'), `
api: { listen: "127.0.0.1:0", ops_listen: "127.0.0.1:0" }
processor: { ops_listen: "127.0.0.1:0" }
monitor: { ops_listen: "127.0.0.1:0" }
signer:
  ops_listen: "127.0.0.1:0"
  entry_wait_s: 0
  keystores:
    - { name: hot, file: hot.json, password_file: hot.password }
chains:
  - name: anvil
    chain_id: 31337
    rpc: ${JSON.stringify(rpc)}
    rpc_timeout_ms: 1000
    confirmations: 1
    poll_ms: 50
assets:
  - { chain: anvil, symbol: ETH, native: true, min: 0.001, max: 10, signer_max: 10 }
wallets:
${wallets.join('\n')}
${extra}`);
	return { dir, config: join(dir, 'sluice.yaml'), keys };
}

// For an API that nobody pays behind: `settings` are lines of YAML before it.
export const apiConfiguration = (dir, settings) => `
data_dir: ${dir}
${settings}
chains:
  - { name: polygon, chain_id: 137, rpc: ["http://127.0.0.1:9"] }
assets:
  - { chain: polygon, symbol: POL, native: true }
wallets:
  - { chain: polygon, address: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", key: hot/0 }
`;

// With everything that a person supplies.
export function newComplete(name, options) {
	const deployment = newDeployment(name, options);
	succeed(['keys', 'init', '--config', deployment.config]);
	return deployment;
}

// Another program looks at the database, or edits it.
export function sql(database, text) {
	const { status, stdout, stderr } = spawnSync('sqlite3', [database, text], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return stdout.trim();
}
