// The command line as a person or a script meets it: help, exit statuses, configuration, keys, and
// `sluice run` when things die.
//
// usage: SLUICE=path/to/sluice node --test cli.test.mjs
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
	existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAnvil } from '../tools/src/anvil.mjs';
import { callRpc } from '../tools/src/rpc.mjs';
import {
	environment, json, newComplete, newDeployment, newKeys, newPlace, program, readyMs, root, sluice, sql,
	succeed, until,
} from './deployment.mjs';

const { ethers } = createRequire(new URL('../tools/package.json', import.meta.url))('ethers');
const roles = ['api', 'processor', 'signer', 'monitor'];
const payee = '0x52908400098527886E0F7030069857D2E4169EE7';

describe('the table of commands', () => {
	test('every command helps', () => {
		const usage = succeed(['--help']).stdout;
		const names = [...usage.matchAll(/^ {2}([a-z-]+(?: [a-z]+)?) {2,}/gm)].map(([, name]) => name);
		for (const name of ['run', ...roles, 'migrate', 'check-config', 'keys init', 'keys new',
			'keys import', 'keys add', 'keys address', 'api-key create', 'api-key rotate', 'api-key revoke', 'api-key list',
			'wallet list', 'wallet start', 'withdraw', 'status', 'version', 'dlq list', 'dlq redrive',
			'queues create', 'queues check'])
			assert.ok(names.includes(name), `${name} is missing:\n${usage}`);
		for (const name of names) {
			const { stdout } = succeed([...name.split(' '), '--help']);
			assert.match(stdout, new RegExp(`^usage: sluice ${name} `, 'm'));
			assert.match(stdout, /^ {2}--json /m, name);
			for (const line of stdout.split('\n'))
				assert.ok(line.length <= 100, `${name}: ${line}`);
		}
	});

	test('wrong use is 2, and says what', () => {
		const cases = [
			[[], 'usage:'],
			[['frob'], 'no command "frob"'],
			[['keys'], 'keys new'],
			[['keys', 'frob'], 'keys new'],
			[['version', '--frob'], 'unknown option --frob'],
			[['version', 'x'], '"x" is too much'],
			[['migrate', '--config'], '--config needs a value'],
			[['migrate', '--config', 'a', '--config=b'], '--config is given twice'],
			[['migrate', '--quiet=1'], '--quiet takes no value'],
			[['api-key', 'revoke'], 'ID is missing'],
			[['api-key', 'rotate'], 'ID is missing'],
			[['api-key', 'create', '--name', 'x', '--scope', 'all'], 'is no scope'],
			[['api-key', 'create', '--name', 'x', '--expires', '3w'], '--expires takes a time'],
			[['api-key', 'create', '--name', 'x', '--name', 'y'], '--name is given twice'],
			[['api-key', 'create'], '--name is missing'],
			[['wallet', 'start'], 'ADDRESS is missing'],
			[['wallet', 'start', 'x', '--chain', 'anvil'], '--reason is missing'],
			[['withdraw', '--asset', 'ETH'], '--amount is missing'],
			[['status', 'x'], '"x" is no id'],
			[['status', '--wait'], '--wait needs an ID'],
			[['dlq', 'redrive', 'x'], 'no queue "x"'],
			[['keys', 'new', '--name', 'a'], '--out and --password-file'],
			[['keys', 'new', '--name', 'a/b', '--out', 'o', '--password-file', 'p'], 'a name has'],
			[['keys', 'new', '--name', 'a', '--out', 'o', '--password-file', 'p', '--wallets', '0'],
				'--wallets takes a number from 1 to 64'],
			[['keys', 'new', '--name', 'a', '--out', 'o', '--password-file', 'p', '--scrypt-n', '3'],
				'power of two'],
		];
		for (const [args, what] of cases) {
			const { status, stdout, stderr } = sluice(args);
			assert.equal(status, 2, args.join(' '));
			assert.equal(stdout, '', args.join(' '));
			assert.ok(stderr.includes(what), `sluice ${args.join(' ')}: ${stderr}`);
		}
		assert.equal(existsSync(join(root, 'o')), false);
	});

	test('what people type out of habit is understood', () => {
		assert.equal(succeed(['help']).stdout, succeed(['--help']).stdout);
		assert.equal(succeed(['help', 'keys', 'new']).stdout, succeed(['keys', 'new', '--help']).stdout);
		assert.equal(succeed(['--version']).stdout, succeed(['version']).stdout);
		assert.equal(sluice(['help', 'frob']).status, 2);
	});

	test('version', () => {
		assert.match(succeed(['version']).stdout, /^sluice \d+\.\d+\.\d+\n$/);
		assert.match(json(['version']).version, /^\d+\.\d+\.\d+$/);
	});

	test('a failure is 1, on standard error, and an object with --json', () => {
		const result = sluice(['migrate', '--config', 'absent.yaml', '--json']);
		assert.equal(result.status, 1);
		assert.match(result.stderr, /^sluice migrate: configuration absent\.yaml: No such file/);
		assert.match(JSON.parse(result.stdout).error, /absent\.yaml/);
	});

	test('a full standard output is no success', () => {
		const { status } = spawnSync('sh', ['-c', `"${program}" check-config --reference > /dev/full`]);
		assert.equal(status, 1);
	});
});

describe('the configuration', () => {
	test('is printed as it is in force, without what may be secret', () => {
		const { dir, config } = newComplete('config', {
			rpc: ['https://user:hunter2@rpc.example/v2/hunter2?key=hunter2'],
		});
		const text = succeed(['check-config', '--config', config]).stdout;
		assert.match(text, /^ {6}- "https:\/\/\*\*\*@rpc\.example\/\*\*\*"$/m);
		assert.match(text, /confirmations: 1$/m);
		assert.match(text, new RegExp(`later +store.path: ${dir}/var/sluice.db`));
		assert.match(text, new RegExp(`there +signer.keystores\\[0\\].file: ${dir}/hot.json`));
		const object = json(['check-config', '--config', config]);
		assert.equal(object.config.chains[0].rpc[0], 'https://***@rpc.example/***');
		assert.equal(object.config.signer.in_flight, 16);
		assert.equal(object.files['signer.keystores[0].password_file'].exists, true);
		assert.deepEqual(object.warnings, []);
		assert.ok(!`${text}${JSON.stringify(object)}`.includes('hunter2'));
		assert.ok(!text.includes(readFileSync(join(dir, 'hot.password'), 'utf8').trim()));
	});

	test('comes from --config, SLUICE_CONFIG or ./sluice.yaml', () => {
		const { dir, config } = newComplete('where');
		const from = (args, options) => json(['check-config', ...args], options).files['store.path'].path;
		const path = join(dir, 'var/sluice.db');
		assert.equal(from(['--config', config]), path);
		assert.equal(from([], { env: { SLUICE_CONFIG: config } }), path);
		assert.equal(from([], { cwd: dir }), path);
		const none = sluice(['check-config'], { cwd: newPlace('empty') });
		assert.equal(none.status, 1);
		assert.match(none.stderr, /--config FILE or SLUICE_CONFIG/);
	});

	test('variables override it, and unknown ones are refused', () => {
		const { config } = newComplete('variables');
		const env = { SLUICE_API_LISTEN: '127.0.0.1:4000', SLUICE_WALLETS_0_IN_FLIGHT: '7' };
		const object = json(['check-config', '--config', config], { env });
		assert.equal(object.config.api.listen, '127.0.0.1:4000');
		assert.equal(object.config.wallets[0].in_flight, 7);
		const bad = sluice(['check-config', '--config', config], { env: { SLUICE_API_LISSEN: 'x' } });
		assert.equal(bad.status, 1);
		assert.match(bad.stderr, /SLUICE_API_LISSEN/);
	});

	test('a mistake names its line', () => {
		const { dir, config } = newDeployment('mistake', { extra: 'colour: blue\n' });
		const lines = readFileSync(config, 'utf8').split('\n').indexOf('colour: blue') + 1;
		const { status, stderr } = sluice(['migrate', '--config', config]);
		assert.equal(status, 1);
		assert.ok(stderr.includes(`${config}:${lines}: unknown key "colour"`), stderr);
		assert.equal(existsSync(join(dir, 'var')), false);
	});

	test('what a person supplies and is missing or loose fails the check, with what to do', () => {
		const { dir, config } = newDeployment('files');
		const check = (...args) => sluice(['check-config', '--config', config, ...args]);
		const none = check();
		assert.equal(none.status, 1);
		assert.match(none.stderr, /^sluice check-config: 1 problem with files$/m);
		assert.match(none.stderr, /^ {2}trust\.dir: \S+\/var\/trust: No such file.*`sluice keys init` makes it$/m);
		const later = /^# +later +store\.path: .*`sluice migrate` makes it/m;
		assert.match(none.stdout, later);
		succeed(['keys', 'init', '--config', config]);
		assert.match(check().stdout, later);
		assert.equal(check().status, 0);

		spawnSync('chmod', ['640', join(dir, 'hot.password')]);
		rmSync(join(dir, 'hot.json'));
		writeFileSync(join(dir, 'var/trust/signer.keys'), 'intent_mac 1 nonsense\n');
		const three = check('--json');
		assert.equal(three.status, 1);
		assert.match(three.stderr, /3 problems/);
		const { files } = JSON.parse(three.stdout);
		assert.match(files['signer.keystores[0].file'].problem, /sluice keys new/);
		assert.match(files['signer.keystores[0].password_file'].problem, /chmod 600/);
		assert.match(files['trust.dir/signer.keys'].problem, /line 1/);
		assert.equal(files['trust.dir/api.keys'].problem, undefined);
		assert.equal(files['journal.path'].made_by_sluice, true);
		assert.equal(files['journal.path'].problem, undefined);
		assert.equal(check('--role', 'api').status, 0);
		assert.equal(check('--role', 'signer').status, 1);
		assert.equal(check('--role', 'frob').status, 2);

		// `run` says the same, before it starts anything.
		const run = sluice(['run', '--config', config]);
		assert.equal(run.status, 3);
		assert.equal(run.stdout, '');
		assert.match(run.stderr, /^sluice run: 3 problems with files$/m);
		assert.equal(run.stderr.match(/chmod 600/g).length, 1);
		assert.ok(!run.stderr.includes('{'), run.stderr);
		assert.equal(existsSync(join(dir, 'var/sluice.db')), false);
	});

	test('an example is refused until a person puts addresses in', () => {
		for (const name of ['sluice.yaml', 'polygon.yaml']) {
			const { status, stderr } = sluice(['check-config', '--config',
				new URL(`../../examples/${name}`, import.meta.url).pathname]);
			assert.equal(status, 1);
			assert.match(stderr, /wallets\[0\]\.address/);
		}
	});

	test('its reference names every key', () => {
		const text = succeed(['check-config', '--reference']).stdout;
		for (const key of ['data_dir', 'api.listen', 'chains[].rpc[]', 'wallets[].fresh'])
			assert.ok(text.includes(`| \`${key}\` |`), key);
		const document = readFileSync(new URL('../../doc/configuration.md', import.meta.url), 'utf8');
		assert.ok(document.endsWith(text), 'doc/configuration.md is to end with the reference');
	});
});

describe('keys', () => {
	const path = index => `m/44'/60'/0'/0/${index}`;

	test('a new seed gives the addresses that ethers derives from it', async () => {
		const dir = newPlace('seed');
		const made = newKeys(dir, 3);
		assert.equal(made.password_made, true);
		for (const name of ['hot.json', 'hot.password'])
			assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
		const password = readFileSync(made.password_file, 'utf8').trim();
		assert.match(password, /^[0-9a-f]{64}$/);
		const { privateKey } = ethers.decryptKeystoreJsonSync(
			readFileSync(made.file, 'utf8'), password);
		const master = ethers.HDNodeWallet.fromSeed(privateKey);
		made.wallets.forEach((wallet, index) => {
			assert.equal(wallet.key, `hot/${index}`);
			assert.equal(wallet.path, path(index));
			assert.equal(wallet.address, master.derivePath(path(index)).address);
			assert.ok(made.yaml.includes(`address: "${wallet.address}"`));
		});
		const listed = succeed(['keys', 'address', '--file', made.file, '--password-file',
			made.password_file, '--wallets', '4']).stdout.trim().split('\n');
		assert.deepEqual(listed, [0, 1, 2, 3].map(index => master.derivePath(path(index)).address));
		// hot.json has its password in hot.password.
		assert.equal(succeed(['keys', 'address', made.file]).stdout.trim(), listed[0]);
		assert.match(sluice(['keys', 'address', made.file, '--file', made.file]).stderr, /given twice/);
	});

	test('nothing is overwritten', () => {
		const dir = newPlace('twice');
		const made = newKeys(dir, 1);
		const content = readFileSync(made.file, 'utf8');
		const again = sluice(['keys', 'new', '--name', 'hot', '--out', made.file, '--password-file',
			made.password_file, '--scrypt-n', '1024']);
		assert.equal(again.status, 1);
		assert.match(again.stderr, /exists already/);
		assert.equal(readFileSync(made.file, 'utf8'), content);
		succeed(['keys', 'init', join(dir, 'trust')]);
		const trust = readdirSync(join(dir, 'trust')).sort();
		assert.deepEqual(trust, [...roles, 'admin'].map(role => `${role}.keys`).sort());
		for (const file of trust)
			assert.equal(statSync(join(dir, 'trust', file)).mode & 0o777, 0o600);
		assert.equal(sluice(['keys', 'init', join(dir, 'trust')]).status, 1);
	});

	test('a private key is imported, as digits and as a file of another program', async () => {
		const dir = newPlace('import');
		const wallet = ethers.Wallet.createRandom();
		const password = join(dir, 'password');
		const target = name => ['--name', name, '--out', join(dir, `${name}.json`),
			'--password-file', password, '--scrypt-n', '1024'];
		const plain = json(['keys', 'import', ...target('plain')], { input: `${wallet.privateKey}\n` });
		assert.deepEqual(plain.wallets, [{ address: wallet.address, key: 'plain' }]);
		const foreign = join(dir, 'foreign.json'), secret = join(dir, 'foreign.password');
		writeFileSync(foreign, ethers.encryptKeystoreJsonSync(wallet, 'open sesame',
			{ scrypt: { N: 1024 } }), { mode: 0o600 });
		writeFileSync(secret, 'open sesame\n', { mode: 0o600 });
		const moved = json(['keys', 'import', '--from', foreign, '--from-password-file', secret,
			...target('moved')]);
		assert.equal(moved.wallets[0].address, wallet.address);
		const reread = ethers.decryptKeystoreJsonSync(readFileSync(join(dir, 'moved.json'), 'utf8'),
			readFileSync(password, 'utf8').trim());
		assert.equal(reread.privateKey, wallet.privateKey);
		for (const [input, what] of [['not a key\n', /64 hexadecimal/], ['', /standard input is empty/]]) {
			const bad = sluice(['keys', 'import', ...target('bad')], { input });
			assert.equal(bad.status, 1);
			assert.match(bad.stderr, what);
			assert.equal(existsSync(join(dir, 'bad.json')), false);
		}
	});

	test('a secret that others can read is refused', () => {
		const dir = newPlace('open');
		const made = newKeys(dir, 1);
		spawnSync('chmod', ['644', made.password_file]);
		const { status, stderr } = sluice(['keys', 'address', '--file', made.file,
			'--password-file', made.password_file]);
		assert.equal(status, 1);
		assert.match(stderr, /chmod 600/);
	});

	test('the configured addresses are compared with the keys', () => {
		const { dir, config } = newDeployment('compare');
		succeed(['keys', 'address', '--config', config]);
		const other = newDeployment('other', {
			keys: { wallets: [{ address: payee, key: 'hot/0' }] },
		});
		for (const file of ['hot.json', 'hot.password'])
			writeFileSync(join(other.dir, file), readFileSync(join(dir, file)), { mode: 0o600 });
		const { status, stdout } = sluice(['keys', 'address', '--config', other.config, '--json']);
		assert.equal(status, 1);
		assert.equal(JSON.parse(stdout).wallets[0].matches, false);
	});
});

describe('wallets', () => {
	test('are listed, and started by a person with a reason', () => {
		const { dir, config, keys } = newDeployment('wallet');
		const [{ address }] = keys.wallets;
		const database = join(dir, 'var/sluice.db');
		const start = (...args) =>
			['wallet', 'start', address, '--chain', 'anvil', '--config', config, ...args];
		const states = () => json(['wallet', 'list', '--config', config]).items
			.map(item => [item.chain, item.address, item.stopped]);
		succeed(['migrate', '--config', config]);
		assert.deepEqual(states(), []);
		assert.match(sluice(start('--reason', 'x')).stderr, /no wallet/);
		sql(database, `INSERT INTO wallets (chain_id, address, key_ref, entered, stop_reason)
			VALUES (31337, x'${address.slice(2)}', 'hot/0', 1, 'foreign_transaction')`);
		assert.deepEqual(states(), [['anvil', address, 'foreign_transaction']]);
		assert.match(succeed(['wallet', 'list', '--config', config]).stdout,
			/STOPPED: foreign_transaction/);
		for (const reason of ['', 'a\nb', 'x'.repeat(161)])
			assert.match(sluice(start('--reason', reason)).stderr, /a reason has 1 to 160/);
		const started = json(start('--reason', 'looked at block "7"'));
		assert.equal(started.stopped, 'foreign_transaction');
		assert.deepEqual(states(), [['anvil', address, '']]);
		assert.match(sluice(start('--reason', 'x')).stderr, /not stopped/);
		const [actor, detail] = sql(database, `SELECT actor, detail FROM audit
			WHERE action = 'wallet_started'`).split('|');
		assert.ok(actor.length > 0);
		assert.equal(JSON.parse(detail).reason, 'looked at block "7"');
		for (const stop of ['journal_is_ahead', 'journal_differs']) {
			sql(database, `UPDATE wallets SET stop_reason = '${stop}'`);
			const { status, stderr } = sluice(start('--reason', 'compared'));
			assert.equal(status, 1);
			assert.match(stderr, /may be paid again/);
			assert.deepEqual(states(), [['anvil', address, stop]]);
			succeed(start('--reason', 'compared', '--force'));
			assert.deepEqual(states(), [['anvil', address, '']]);
		}
		assert.match(sluice(['wallet', 'start', address, '--chain', 'x', '--reason', 'x',
			'--config', config]).stderr, /no chain "x"/);
		// What the store knows and the configuration does not is shown as such.
		sql(database, `INSERT INTO wallets (chain_id, address, key_ref) VALUES
			(31337, x'${payee.slice(2)}', 'hot/7'), (137, x'${payee.slice(2)}', 'hot/8')`);
		assert.deepEqual(json(['wallet', 'list', '--config', config]).items
			.map(item => [item.chain, item.configured]),
		[['anvil', true], ['anvil', false], ['137', false]]);
		assert.equal(succeed(['wallet', 'list', '--config', config]).stdout
			.match(/not in the configuration/g).length, 2);
	});
});

describe('API keys', () => {
	test('are made, listed and revoked', () => {
		const { dir, config } = newDeployment('api-key');
		const key = (...args) => ['api-key', ...args, '--config', config];
		assert.match(sluice(key('create', '--name', 'x')).stderr, /keys init/);
		succeed(['keys', 'init', '--config', config]);
		assert.match(sluice(key('create', '--name', 'x')).stderr, /sluice migrate/);
		assert.equal(existsSync(join(dir, 'var/sluice.db')), false);
		succeed(['migrate', '--config', config]);
		succeed(['migrate', '--config', config]);
		const made = json(key('create', '--name', 'Ä shop'));
		assert.match(made.key, new RegExp(`^slk_${made.id}_[0-9a-f]{64}$`));
		assert.equal(made.account, 'default');
		const other = succeed(key('create', '--name', 'two', '--account', 'a-1')).stdout.trim();
		assert.match(other, /^slk_[0-9a-f]{16}_[0-9a-f]{64}$/);
		const listed = json(key('list')).items;
		assert.deepEqual(listed.map(item => [item.name, item.account, item.sealed]),
			[['Ä shop', 'default', true], ['two', 'a-1', true]]);
		const database = readFileSync(join(dir, 'var/sluice.db'), 'latin1');
		assert.ok(!database.includes(made.key.split('_')[2]));
		assert.ok(json(key('revoke', made.id)).revoked_at);
		assert.ok(json(key('list')).items[0].revoked_at);
		assert.equal(sluice(key('revoke', '0000000000000000')).status, 1);
		assert.equal(sluice(key('create', '--name', 'a\nb')).status, 1);
		assert.equal(sluice(key('create', '--name', 'x', '--account', 'a b')).status, 1);
	});

	test('hold scopes, an end and places, and are rotated', () => {
		const { dir, config } = newDeployment('api-key-more');
		const key = (...args) => ['api-key', ...args, '--config', config];
		succeed(['keys', 'init', '--config', config]);
		succeed(['migrate', '--config', config]);
		const plain = json(key('create', '--name', 'plain'));
		assert.deepEqual(plain.scopes, ['withdrawals:create', 'withdrawals:read', 'withdrawals:cancel',
			'withdrawals:speed_up', 'assets:read', 'events:read']);
		assert.deepEqual([plain.allow, plain.expires_at, plain.last_used_at], [[], null, null]);
		assert.match(sluice(key('create', '--name', 'x', '--scope', 'withdrawals:approve')).stderr,
			/no API key can have withdrawals:approve/);
		assert.match(sluice(key('create', '--name', 'x', '--allow', '10.0.0.1/8')).stderr, /10\.0\.0\.1\/8/);
		const made = json(key('create', '--name', 'shop', '--scope', 'assets:read', '--scope', 'wallets:read',
			'--expires', '90d', '--allow', '10.0.0.0/8', '--allow', '2001:db8::/32'));
		assert.deepEqual(made.scopes, ['assets:read', 'wallets:read']);
		assert.deepEqual(made.allow, ['10.0.0.0/8', '2001:db8::/32']);
		assert.equal(Date.parse(made.expires_at) - Date.parse(made.created_at), 90 * 86_400_000);
		const next = json(key('rotate', made.id, '--overlap', '1h'));
		assert.match(next.key, new RegExp(`^slk_${next.id}_[0-9a-f]{64}$`));
		assert.deepEqual([next.scopes, next.allow], [made.scopes, made.allow]);
		const old = json(key('list')).items.find(item => item.id === made.id);
		assert.equal(Date.parse(old.expires_at) - Date.parse(next.created_at), 3_600_000);
		assert.deepEqual([old.state, old.revoked_at], ['valid', null]);
		assert.match(succeed(key('list')).stdout, /assets:read wallets:read from 10\.0\.0\.0\/8 2001:db8::\/32$/m);
		const database = readFileSync(join(dir, 'var/sluice.db'), 'latin1');
		assert.ok(!database.includes(next.key.split('_')[2]));
		const changed = spawnSync('sqlite3', [join(dir, 'var/sluice.db'),
			`UPDATE api_keys SET scopes = 62 WHERE id = '${made.id}'`]);
		assert.equal(changed.status, 0);
		assert.match(sluice(key('rotate', made.id)).stderr, /was changed by somebody else/);
	});
});

describe('the client', () => {
	const order = ['withdraw', '--chain', 'anvil', '--asset', 'ETH', '--amount', '1', '--to', payee];

	test('wants an API key and an API', () => {
		assert.match(sluice([...order, '--url', 'http://127.0.0.1:9']).stderr, /SLUICE_API_KEY/);
		const env = { SLUICE_API_KEY: 'slk_x_y', SLUICE_URL: 'http://127.0.0.1:9' };
		const { status, stderr } = sluice([...order, '--timeout', '1'], { env });
		assert.equal(status, 1);
		assert.match(stderr, /repeat with --idempotency-key cli-[0-9a-f]{32}/);
		const once = sluice(['status'], { env });
		assert.equal(once.stderr.match(/127\.0\.0\.1:9/g).length, 1, once.stderr);
		const empty = sluice(['status'], { env: { ...env, SLUICE_API_KEY: '' } });
		assert.match(empty.stderr, /SLUICE_API_KEY is empty/);
	});

	test('repeats what was not answered, with the same key and body', async () => {
		const seen = [];
		const server = createServer(async (request, response) => {
			let body = '';
			for await (const chunk of request) body += chunk;
			seen.push([request.headers['idempotency-key'], request.headers.authorization, body]);
			if (seen.length === 1) return request.socket.destroy();
			response.setHeader('content-type', 'application/json');
			if (seen.length === 2) {
				response.writeHead(503);
				return response.end('{"code":"store_unavailable","detail":"later"}');
			}
			response.writeHead(202);
			return response.end('{"id":"01890a5d-ac96-774b-bcce-b302099a8057","amount":"1"}');
		}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const child = spawn(program, [...order, '--json', '--metadata', '{"a":"b"}', '--external-id', 'e'], {
			env: environment({
				SLUICE_API_KEY: 'slk_x_y', SLUICE_URL: `http://127.0.0.1:${server.address().port}`,
			}),
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let output = '';
		child.stdout.on('data', chunk => { output += chunk; });
		const [status] = await once(child, 'close');
		server.close();
		assert.equal(status, 0);
		assert.equal(JSON.parse(output).id, '01890a5d-ac96-774b-bcce-b302099a8057');
		assert.ok(seen.length >= 3);
		assert.equal(new Set(seen.map(part => JSON.stringify(part))).size, 1);
		assert.equal(seen[0][1], 'Bearer slk_x_y');
		assert.deepEqual(JSON.parse(seen[0][2]), {
			chain: 'anvil', asset: 'ETH', to: payee, amount: '1', external_id: 'e', metadata: { a: 'b' },
		});
	});
});

function isAlive(pid) {
	try {
		return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		return false;
	}
}

// `sluice run` in a deployment.
class Run {
	constructor(deployment, options = {}) {
		this.deployment = deployment;
		this.pids = join(deployment.dir, 'pids');
		this.output = '';
		this.log = '';
		this.child = spawn(program, ['run', '--json', '--config', deployment.config, '--pid-dir',
			this.pids], { env: environment(options.env), stdio: ['ignore', 'pipe', 'pipe'] });
		this.child.stdout.on('data', chunk => { this.output += chunk; });
		this.child.stderr.on('data', chunk => { this.log += chunk; });
		this.ended = once(this.child, 'exit').then(([status, signal]) => signal ?? status);
	}

	get lines() {
		return this.log.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line));
	}

	seen(action) {
		return this.lines.filter(line => line['event.action'] === action);
	}

	async ready() {
		await until('sluice run is ready', () => {
			assert.equal(this.child.exitCode, null, this.log);
			return this.output.includes('\n');
		}).catch(error => assert.fail(`${error.message}\n${this.log}`));
		this.line = JSON.parse(this.output);
		this.url = this.line.api.status.match(/^http:\S+?(?=,)/)[0];
		return this.line;
	}

	pid(role) {
		// The file comes and goes with the role: it may go between two looks.
		try {
			return Number(readFileSync(join(this.pids, `${role}.pid`), 'utf8'));
		} catch (error) {
			if (error.code === 'ENOENT') return undefined;
			throw error;
		}
	}

	ops(role, path) {
		return fetch(`${this.line[role].status.match(/ops (http:\S+)/)[1]}${path}`);
	}

	async end() {
		if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
		await this.ended;
	}
}

describe('sluice run', () => {
	let anvil;
	const runs = [];

	const start = (deployment, options) => {
		const run = new Run(deployment, options);
		runs.push(run);
		return run;
	};

	const policy = new URL('../../examples/policy.json', import.meta.url).pathname;
	const allowAll = ({ config }) => succeed(['policy', 'set', policy, '--config', config]).stdout;
	const prepared = (name, options) => newComplete(name, { rpc: [anvil.url], ...options });

	// One refusal ends everything: 3, said once, in the log's last line, and no text among its lines.
	async function refuses(run, what) {
		assert.equal(await run.ended, 3, run.log);
		const errors = run.lines.filter(line => line['log.level'] === 'error');
		assert.equal(errors.length, 1, run.log);
		assert.equal(run.lines.at(-1).message, errors[0].message);
		assert.match(errors[0].message, what);
		assert.equal(errors[0]['event.action'], 'run_failed');
		for (const line of run.log.trim().split('\n')) assert.match(line, /^\{/);
		assert.match(JSON.parse(run.output.trim().split('\n').at(-1)).error, what);
		assert.equal(run.seen('role_died').length, 0, run.log);
		assert.deepEqual(readdirSync(run.pids), []);
	}

	before(async () => {
		anvil = await startAnvil(join(root, 'anvil'), { blockTime: 0.1 });
	});

	after(async () => {
		for (const run of runs) await run.end();
		await anvil?.stop();
	});

	test('pays, survives the death of any role, and ends in order', async () => {
		const deployment = prepared('whole');
		const run = start(deployment);
		const line = await run.ready();
		for (const role of roles) {
			assert.equal(line[role].pid, run.pid(role));
			assert.ok(isAlive(run.pid(role)), role);
		}
		assert.equal(run.pid('run'), run.child.pid);
		await callRpc(anvil.url, 'anvil_setBalance',
			[deployment.keys.wallets[0].address, '0x56bc75e2d63100000']);
		assert.match(sluice(['policy', 'show', '--config', deployment.config]).stderr, /nobody is paid/);
		assert.match(allowAll(deployment), /policy 1 is in force/);
		assert.equal(json(['policy', 'show', '--config', deployment.config]).sealed, true);
		const key = succeed(['api-key', 'create', '--name', 'me', '--scope', 'operator', '--config',
			deployment.config]).stdout.trim();
		const env = { SLUICE_API_KEY: key, SLUICE_URL: run.url };
		const order = ['withdraw', '--chain', 'anvil', '--asset', 'ETH', '--amount', '0.25', '--to',
			ethers.Wallet.createRandom().address, '--external-id', 'first', '--wait', '--timeout', '60'];
		const shown = succeed(order, { env }).stdout;
		for (const stage of ['accepted', 'queued', 'assigned', 'broadcast', 'completed'])
			assert.match(shown, new RegExp(`^ +\\d+\\.\\d\\d s  ${stage}`, 'm'));
		const id = shown.match(/^([0-9a-f]{8}-[0-9a-f-]{27})$/m)[1];
		assert.match(succeed(['status', id], { env }).stdout, /COMPLETED \(completed\)/);
		const status = json(['status', id], { env });
		assert.equal(status.withdrawal.transfer.outcome, 'succeeded');
		assert.equal(status.events.items.at(-1).type, 'completed');
		const overview = json(['status'], { env });
		assert.equal(overview.queues.items.length, 3);
		assert.equal(overview.wallets.items[0].address, deployment.keys.wallets[0].address);
		assert.match(succeed(['status'], { env }).stdout, /^signing /m);
		assert.equal(json(['dlq', 'redrive', 'signing'], { env }).moved, 0);
		assert.match(succeed(['dlq', 'list'], { env }).stdout, /^request +0$/m);
		assert.deepEqual(json(['dlq', 'list', '--direct', '--config', deployment.config]),
			{ 'request-dlq': [], 'signing-dlq': [], 'monitor-dlq': [] });
		const again = sluice(order.slice(0, -3), { env });
		assert.equal(again.status, 1);
		assert.match(again.stderr, /external_id_taken/);

		for (const role of roles) {
			const before = run.pid(role), readied = run.seen('role_ready').length;
			process.kill(before, 'SIGKILL');
			await until(`${role} is started again`, () => {
				const now = run.pid(role);
				return now !== undefined && now !== before && isAlive(now);
			});
			// Its own line, and the supervisor's.
			await until(`${role} is ready again`, () => run.seen('role_ready').length >= readied + 2);
		}
		assert.equal(run.seen('role_died').length, roles.length);

		const pids = roles.map(role => run.pid(role));
		run.child.kill('SIGTERM');
		assert.equal(await run.ended, 0, run.log);
		assert.deepEqual(pids.filter(isAlive), []);
		assert.deepEqual(readdirSync(run.pids), []);
		assert.equal(run.seen('role_ended').filter(line =>
			line['event.outcome'] === 'success').length, roles.length, run.log);
	});

	test('the ops endpoints of every role answer', async () => {
		const run = start(prepared('ops'));
		await run.ready();
		for (const role of roles) {
			assert.equal((await run.ops(role, '/livez')).status, 200);
			const ready = await run.ops(role, '/readyz');
			assert.equal(ready.status, 200);
			assert.equal((await ready.json()).ready, true);
			const metrics = await (await run.ops(role, '/metrics')).text();
			for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total',
				'process_start_time_seconds', 'sluice_build_info', 'sluice_ready'])
				assert.match(metrics, new RegExp(`^${name}(\\{[^}]*\\})? [0-9.]+$`, 'm'), role);
			const started = Number(metrics.match(/^process_start_time_seconds (\S+)/m)[1]);
			assert.ok(Math.abs(started * 1000 - Date.now()) < readyMs, `${role}: ${started}`);
		}
		await run.end();
	});

	test('what was not paid says why', async () => {
		const deployment = prepared('unpaid');
		const run = start(deployment);
		await run.ready();
		const key = succeed(['api-key', 'create', '--name', 'me', '--scope', 'operator', '--config',
			deployment.config]).stdout.trim();
		allowAll(deployment);
		const env = { SLUICE_API_KEY: key, SLUICE_URL: run.url };
		const order = ['withdraw', '--chain', 'anvil', '--asset', 'ETH', '--amount', '11', '--to', payee,
			'--wait', '--timeout', '30'];
		for (const extra of [[], ['--json']]) {
			const { status, stderr } = sluice([...order, ...extra], { env });
			assert.equal(status, 1);
			assert.match(stderr, /is REJECTED: above_maximum: the amount is above the asset's maximum$/m);
		}
		const { items } = json(['status'], { env }).wallets;
		assert.deepEqual(items.map(item => item.configured), [true]);
		await run.end();
	});

	test('what a killed role had claimed is worked on at once', async t => {
		const deployment = prepared('claimed');
		const stops = newPlace('stops');
		// A claim would stay hidden for an hour.
		const run = start(deployment, { env: {
			SLUICE_PROCESSOR_VISIBILITY_MS: '3600000', SLUICE_TEST_STOP_DIR: stops,
		} });
		await run.ready();
		await callRpc(anvil.url, 'anvil_setBalance',
			[deployment.keys.wallets[0].address, '0x56bc75e2d63100000']);
		allowAll(deployment);
		const key = succeed(['api-key', 'create', '--name', 'me', '--scope', 'operator', '--config',
			deployment.config]).stdout.trim();
		const env = { SLUICE_API_KEY: key, SLUICE_URL: run.url };
		const order = ['withdraw', '--chain', 'anvil', '--asset', 'ETH', '--amount', '0.25', '--to',
			ethers.Wallet.createRandom().address];
		// Built without stop points it never stops.
		const plan = join(stops, 'sluice-processor'.slice(0, 15)); // as the kernel keeps it
		writeFileSync(plan, 'store_withdrawals_change:1');
		await sleep(1500);
		if (existsSync(plan)) return t.skip('a build with -Dstop_points=true is needed');
		const { id } = json(order, { env });
		const stopped = run.pid('processor');
		await until('the processor stops with its claim', () =>
			/\) T /.test(readFileSync(`/proc/${stopped}/stat`, 'utf8')));
		process.kill(stopped, 'SIGKILL');
		await until('it is paid', () => json(['status', id], { env }).withdrawal.status === 'COMPLETED');
		await run.end();
	});

	test('its own death leaves no orphan', async () => {
		const run = start(prepared('orphans'));
		await run.ready();
		const pids = roles.map(role => run.pid(role));
		run.child.kill('SIGKILL');
		await run.ended;
		await until('all roles are gone', () => !pids.some(isAlive), 2000);
	});

	test('its own death while the roles start leaves no orphan', async () => {
		for (const delay of [5, 20, 40, 80]) {
			const deployment = prepared('early');
			const run = start(deployment);
			await sleep(delay);
			run.child.kill('SIGKILL');
			await run.ended;
			await until('all children are gone', () => {
				const { stdout } = spawnSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' });
				return !stdout.split('\n').some(line => line.includes(deployment.config));
			}, 2000);
		}
	});

	test('the terminal\'s Ctrl-C reaches the supervisor alone', async () => {
		const run = start(prepared('interrupt'));
		await run.ready();
		for (const role of roles) {
			const stat = readFileSync(`/proc/${run.pid(role)}/stat`, 'utf8');
			assert.equal(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]), run.pid(role));
		}
		run.child.kill('SIGINT');
		assert.equal(await run.ended, 0, run.log);
	});

	test('a role that does not stop is killed after the grace, and that is a failure', async () => {
		const run = start(prepared('stuck'), { env: { SLUICE_RUN_GRACE_S: '1' } });
		await run.ready();
		const stuck = run.pid('processor');
		process.kill(stuck, 'SIGSTOP');
		run.child.kill('SIGTERM');
		assert.equal(await run.ended, 1);
		assert.equal(isAlive(stuck), false);
	});

	test('a second signal ends all at once', async () => {
		const run = start(prepared('twice'), { env: { SLUICE_RUN_GRACE_S: '60' } });
		await run.ready();
		process.kill(run.pid('processor'), 'SIGSTOP');
		run.child.kill('SIGTERM');
		await until('it stops', () => run.seen('stopping').length > 0);
		run.child.kill('SIGTERM');
		assert.equal(await run.ended, 1);
	});

	test('waits for a chain that is away', async () => {
		const late = join(root, 'late');
		const first = await startAnvil(late, { blockTime: 0.1 });
		await first.stop();
		const run = start(prepared('away', { rpc: [first.url] }));
		await until('the api is ready', () => run.seen('role_ready').length >= 4); // api, processor
		await sleep(300);
		assert.equal(run.output, '');
		assert.equal(run.seen('role_died').length, 0, run.log);
		const second = await startAnvil(late, { blockTime: 0.1, port: first.port });
		await run.ready();
		await second.stop();
		await until('the monitor is not ready', async () => (await run.ops('monitor', '/readyz')).status === 503);
		assert.equal((await run.ops('monitor', '/livez')).status, 200);
		await run.end();
	});

	test('goes on with the second node when the first is away', async () => {
		const run = start(prepared('second', { rpc: ['http://127.0.0.1:9', anvil.url] }));
		await run.ready();
		await run.end();
	});

	test('a node of another chain ends it', async () => {
		const wrong = await startAnvil(join(root, 'wrong'), { blockTime: 0.1, chainId: 31338 });
		for (const rpc of [[wrong.url], [anvil.url, wrong.url]])
			await refuses(start(prepared('wrong-chain', { rpc })),
				/the (signer|monitor) refuses to go on: .*the node says chain id 31338, not 31337/);
		await wrong.stop();
	});

	test('a key that does not give the configured address ends it, and pins nothing', async () => {
		const deployment = prepared('wrong-key');
		const right = readFileSync(join(deployment.dir, 'hot.json'));
		const password = readFileSync(join(deployment.dir, 'hot.password'));
		for (const name of ['hot.json', 'hot.password']) rmSync(join(deployment.dir, name));
		newKeys(deployment.dir, 1);
		await refuses(start(deployment), /the signer refuses to go on: .*the key hot\/0 gives 0x/);
		assert.deepEqual(json(['wallet', 'list', '--config', deployment.config]).items, []);
		// With the right one it goes on as if nothing had been.
		writeFileSync(join(deployment.dir, 'hot.json'), right);
		writeFileSync(join(deployment.dir, 'hot.password'), password);
		const run = start(deployment);
		await run.ready();
		assert.equal(json(['wallet', 'list', '--config', deployment.config]).items.length, 1);
		await run.end();
	});

	test('with a log file, the error is on standard error as text, once', async () => {
		const deployment = prepared('log-file', { extra: 'log: { file: all.log }\n' });
		rmSync(join(deployment.dir, 'hot.json'));
		rmSync(join(deployment.dir, 'hot.password'));
		newKeys(deployment.dir, 1);
		const run = start(deployment);
		assert.equal(await run.ended, 3);
		assert.match(run.log, /^sluice run: the signer refuses to go on: .*the key hot\/0 gives 0x[^\n]*\n$/);
		const text = readFileSync(join(deployment.dir, 'all.log'), 'utf8');
		assert.equal(text.match(/the key hot\/0 gives/g).length, 2); // message and error.message
	});

	test('a role alone that refuses ends with 3, and says it once', () => {
		const deployment = prepared('alone');
		rmSync(join(deployment.dir, 'var/trust/processor.keys'));
		writeFileSync(join(deployment.dir, 'var/trust/processor.keys'), 'nonsense\n', { mode: 0o600 });
		const { status, stderr } = sluice(['processor', '--config', deployment.config]);
		assert.equal(status, 3, stderr);
		for (const line of stderr.trim().split('\n')) assert.match(line, /^\{/);
		assert.equal(stderr.trim().split('\n').map(line => JSON.parse(line))
			.filter(line => line['log.level'] === 'error').length, 1);
	});

	test('other decimals under a known symbol are refused', async () => {
		const deployment = prepared('pinned');
		const run = start(deployment);
		await run.ready();
		run.child.kill('SIGTERM');
		assert.equal(await run.ended, 0, run.log);
		const text = readFileSync(deployment.config, 'utf8');
		writeFileSync(deployment.config, text.replace('{ chain: anvil, symbol: ETH, native: true,',
			`{ chain: anvil, symbol: ETH, contract: "${payee}", decimals: 18,`));
		const { status, text: said } = sluice(['processor', '--config', deployment.config]);
		assert.equal(status, 3, said);
		assert.match(said, /ETH/);
	});

	test('a failed migration is said, and nothing is started', () => {
		const deployment = prepared('unmigrated');
		mkdirSync(join(deployment.dir, 'var'), { recursive: true });
		writeFileSync(join(deployment.dir, 'var/sluice.db'), 'this is no database at all '.repeat(100));
		const { status, stderr } = sluice(['run', '--config', deployment.config]);
		assert.equal(status, 1);
		assert.match(stderr, /migrate/);
	});
});
