// Pauses by command: in the store, for who can reach no API.
//
// usage: SLUICE=path/to/sluice node --test pause.test.mjs
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { json, newComplete, sluice, sql, succeed } from './deployment.mjs';

describe('pauses by command', () => {
	const { dir, config } = newComplete('pause');
	const database = join(dir, 'var', 'sluice.db');
	const run = (...args) => sluice([...args, '--config', config]);
	const list = () => json(['controls', '--config', config]);
	const shown = ({ items }) => items.map(({ scope, name, stops }) => [scope, name, stops].join(' '));
	const why = ['--reason', 'a "drill"'];

	test('nothing is paused in a new store', () => {
		succeed(['migrate', '--config', config]);
		const { version, sealed, items } = list();
		assert.deepEqual([version, sealed, items], [0, true, []]);
		assert.match(run('controls').text, /nothing is paused/);
	});

	test('each scope is paused, and lifted in parts', () => {
		for (const args of [['--all'], ['--chain', '31337', '--stop', 'signing'], ['--asset', '31337/ETH', '--stop', 'broadcast'],
			['--account', 'acme', '--stop', 'intake'],
			['--wallet', '0xde709f2102306220921060314715629080e2fb77']])
			succeed(['pause', ...args, ...why, '--config', config]);
		assert.deepEqual(shown(list()), ['global  intake,signing', 'chain 31337 signing', 'asset 31337/ETH broadcast',
			'account acme intake', 'wallet 0xde709f2102306220921060314715629080e2fb77 intake,signing']);
		succeed(['unpause', '--all', '--stop', 'intake', ...why, '--config', config]);
		succeed(['unpause', '--chain', '31337', ...why, '--config', config]);
		const set = list();
		assert.equal(set.version, 7);
		assert.equal(set.items[0].stops, 'signing');
		assert.equal(set.items[0].reason, 'a "drill"');
		assert.equal(set.items.length, 4);
		const detail = JSON.parse(sql(database, "SELECT detail FROM audit WHERE action = 'unpaused' ORDER BY id LIMIT 1"));
		assert.deepEqual([detail.scope, detail.before, detail.after, detail.reason],
			['global', 'intake,signing', 'signing', 'a "drill"']);
		assert.equal(sql(database, "SELECT COUNT(*) FROM audit WHERE action = 'paused' AND who <> ''"), '5');
	});

	test('wrong use is 2, and what cannot be is 1', () => {
		for (const [args, status, what] of [
			[['pause', ...why], 2, /one of --all/],
			[['pause', '--all', '--chain', '1', ...why], 2, /one of --all/],
			[['pause', '--all'], 2, /--reason is missing/],
			[['pause', '--all', '--stop', 'everything', ...why], 2, /--stop takes/],
			[['pause', '--chain', 'polygon', ...why], 1, /is no chain/],
			[['pause', '--wallet', '0x12', ...why], 1, /is no wallet/],
			[['pause', '--all', '--reason', 'x'.repeat(121)], 1, /1 to 120 bytes/],
			[['pause', '--all', '--stop', 'signing', ...why], 1, /paused so already/],
			[['unpause', '--account', 'umbra', ...why], 1, /is not paused/],
			[['pause', '--chain', '1', '--reset', ...why], 1, /only a pause of everything/],
			[['unpause', ...why], 1, /no wallet waits/], // the restored store's
		]) {
			const result = run(...args);
			assert.equal(result.status, status, result.text);
			assert.match(result.text, what);
		}
		assert.equal(list().version, 7);
	});

	test('what an editor did is shown, changed by nobody, and ended by a reset', () => {
		sql(database, "DELETE FROM controls WHERE scope = 4; UPDATE controls SET who = 'eve' WHERE scope = 3");
		assert.equal(list().sealed, false);
		assert.match(run('controls').text, /NOT WHAT PEOPLE SET/);
		assert.match(run('unpause', '--all', ...why).text, /somebody has edited the store/);
		assert.match(run('pause', '--account', 'umbra', ...why).text, /somebody has edited the store/);
		sql(database, 'DELETE FROM controls_head');
		assert.match(run('pause', '--account', 'umbra', ...why).text, /somebody has edited the store/);
		const before = Date.now();
		succeed(['pause', '--all', '--reset', ...why, '--config', config]);
		const set = list();
		assert.equal(set.sealed, true);
		assert.ok(set.version >= before);
		assert.deepEqual(shown(set), ['global  intake,signing']);
		succeed(['unpause', '--all', ...why, '--config', config]);
		assert.deepEqual(list().items, []);
	});

	test('who has the key of no role pauses nothing', () => {
		for (const role of ['api', 'processor', 'signer', 'monitor'])
			rmSync(join(dir, 'var', 'trust', `${role}.keys`), { force: true });
		assert.match(run('pause', '--all', ...why).text, /no role's file/);
	});
});
