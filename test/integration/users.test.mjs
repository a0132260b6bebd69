// People who log in, as commands make them: their passwords are for nobody else to see.
//
// usage: SLUICE=path/to/sluice node --test users.test.mjs
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { json, newComplete, sluice, sql, succeed } from './deployment.mjs';

const password = 'correct horse battery';

describe('users by command', () => {
	const { dir, config } = newComplete('users');
	const database = join(dir, 'var', 'sluice.db');
	const file = join(dir, 'password');
	writeFileSync(file, `${password}\n`, { mode: 0o600 });
	const run = (...args) => sluice(['user', ...args, '--config', config]);

	test('the first admin, from a file and from standard input', () => {
		succeed(['migrate', '--config', config]);
		const ann = json(['user', 'create', 'ann', '--role', 'admin', '--password-file', file, '--config', config]);
		assert.deepEqual([ann.name, ann.role, ann.account, ann.second_factor, ann.disabled_at],
			['ann', 'admin', null, false, null]);
		const ben = json(['user', 'create', 'ben', '--role', 'viewer', '--account', 'acme', '--config', config],
			{ input: `${password}\n` });
		assert.equal(ben.account, 'acme');
	});

	test('a bad role, name, account, password or file is refused and never shown', () => {
		const cases = [
			[run('create', 'eve', '--role', 'root', '--password-file', file), 2, /viewer, operator/],
			[run('create', 'eve', '--password-file', file), 2, /--role/],
			[run('create', 'e v', '--role', 'admin', '--password-file', file), 1, /letters, digits/],
			[run('create', 'ann', '--role', 'admin', '--password-file', file), 1, /already/],
			[sluice(['user', 'create', 'eve', '--role', 'admin', '--config', config], { input: 'secretsecr\n' }), 1,
				/12 to 1024 bytes/],
			[sluice(['user', 'create', 'eve', '--role', 'admin', '--config', config], { input: '' }), 1, /missing/],
			[run('disable', 'nobody'), 1, /no user "nobody"/],
		];
		for (const [{ status, text }, expected, pattern] of cases) {
			assert.equal(status, expected, text);
			assert.match(text, pattern);
			assert.doesNotMatch(text, /secretsecr|correct horse/);
		}
		chmodSync(file, 0o644);
		const open = run('reset-password', 'ann', '--password-file', file);
		assert.equal(open.status, 1);
		assert.match(open.text, /chmod 600/);
		chmodSync(file, 0o600);
	});

	test('they are disabled, reset and listed, each with a record', () => {
		succeed(['user', 'reset-password', 'ann', '--password-file', file, '--config', config]);
		succeed(['user', 'reset-totp', 'ann', '--config', config]);
		succeed(['user', 'disable', 'ben', '--config', config]);
		const { items } = json(['user', 'list', '--config', config]);
		assert.deepEqual(items.map(({ name, sealed, disabled_at }) => [name, sealed, disabled_at !== null]),
			[['ann', true, false], ['ben', true, true]]);
		assert.equal(sql(database, "SELECT group_concat(action, ' ') FROM audit ORDER BY id"),
			'user_created account_created user_created user_password_reset user_totp_reset user_disabled');
	});

	test('a row that somebody edited grants nothing, and says so', () => {
		sql(database, "UPDATE users SET disabled_at = 0, role = 77 WHERE name = 'ben'");
		assert.match(run('list').stdout, /^ben +\? .*void$/m);
		assert.match(run('reset-totp', 'ben').text, /changed by somebody else/);
	});

	test('no password is in the database', () => {
		assert.ok(!sql(database, '.dump').includes(password));
		assert.match(sql(database, 'SELECT password FROM users'), /^(\$argon2id\$v=19\$m=65536,t=3,p=1\$\S+\n?){2}$/);
	});
});
