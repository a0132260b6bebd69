// (g) Signatures a second, by where the key is: in a keystore, in an HSM (SoftHSM), in a KMS (moto,
// which is the bound there: AWS's own takes about a thousand a second).
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials } from '../../test/tools/src/emulators.mjs';
import { region, startKms } from '../../test/tools/src/kms.mjs';
import { makeSoftHsm } from '../../test/tools/src/softhsm.mjs';
import { tool } from './processes.mjs';
import { median } from './report.mjs';

const cheapUnlock = '2';
const run = promisify(execFile);

async function makeStores(options, dir) {
	const files = ['--out', join(dir, 'hot.json'), '--password-file', join(dir, 'hot.password')];
	const { stdout } = await run(options.program, [
		...['keys', 'new', '--json', '--name', 'bench', '--scrypt-n', cheapUnlock, ...files],
	]);
	const hsm = makeSoftHsm(join(dir, 'hsm'), { keys: [{ label: 'hot' }] });
	const kms = await startKms(join(dir, 'kms'), [{}]);
	const token = (sessions) => [hsm.keys[0].address, 'pkcs11', hsm.module, hsm.token, hsm.pinFile,
		String(sessions), 'hsm/hot'];
	return {
		kms,
		env: { ...process.env, ...hsm.env, ...credentials },
		stores: [
			['keystore', [JSON.parse(stdout).wallets[0].address, 'keystore', files[1], files[3], 'bench/0']],
			['SoftHSM, 1 session', token(1)],
			['SoftHSM, 8 sessions', token(8)],
			['KMS (moto)', [kms.keys[0].address, 'kms', region, kms.url, `kms/${kms.keys[0].id}`]],
		],
	};
}

async function measure(options, args, env) {
	const { stdout } = await run(tool('bench_sign'), [String(1000 * options.seconds), ...args], { env });
	const { signatures, ms, cpu_us: cpu } = JSON.parse(stdout);
	return { perSecond: (1000 * signatures) / ms, cpu: cpu / signatures };
}

export async function runSign(options, report) {
	const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
	const { kms, stores, env } = await makeStores(options, dir);
	const found = new Map(stores.map(([name]) => [name, []]));
	try {
		// In turns, so that what else the machine does meets all of them.
		for (let round = 0; round < options.rounds; round++) {
			for (const [name, args] of stores) found.get(name).push(await measure(options, args, env));
		}
	} finally {
		await kms.stop();
		rmSync(dir, { recursive: true, force: true });
	}
	const of = (name, what) => median(found.get(name).map((one) => one[what]));
	report.heading('(g) Signatures');
	report.add(
		`Batches of 64 digests, one after the other, one process; median of ${options.rounds} runs of ` +
			`${options.seconds} s each, in turns. CPU in µs of our process per signature; the emulators take their ` +
			'share of the same cores, and are what bounds the last rows.',
	);
	const base = of('keystore', 'perSecond');
	report.table(
		['keys in', 'signatures/s', 'CPU', 'ratio'],
		stores.map(([name]) => [name, of(name, 'perSecond'), of(name, 'cpu'), of(name, 'perSecond') / base]),
	);
}
