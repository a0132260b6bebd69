// Somebody who can write the store puts the worst into every column, one after the other: the API goes
// on answering, whatever it says.
//
// usage: SLUICE=path/to/sluice node --test edited.test.mjs
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from './api_process.mjs';
import { logIn, makeUser, password } from './people.mjs';

const numbers = ['9223372036854775807', '-9223372036854775807 - 1'];
const texts = ["'\"'"];
const blobs = ["x'ff'"];
const json = { 'content-type': 'application/json' };
let api, id, token, paths;

const withdrawal = JSON.stringify({ chain: 'polygon', asset: 'POL', to: '0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe', amount: '1' });
const accept = key => api.request('POST', '/v1/withdrawals', { headers: { ...json, 'idempotency-key': key }, body: withdrawal });

function columns() {
	return api.sql("SELECT m.name || ' ' || p.name || ' ' || lower(p.type) || ' ' || p.pk FROM sqlite_master m, pragma_table_info(m.name) p " +
		"WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'schema_migrations' ORDER BY 1")
		.split('\n').map(line => line.split(' ')).map(([table, name, type, pk]) => ({ table, name, type, pk }));
}

const valuesOf = type => type.includes('int') ? numbers : type.includes('text') || type.includes('char') ? texts : blobs;
const anyOf = type => type.includes('int') ? '1' : type.includes('text') || type.includes('char') ? "'x'" : 'randomblob(16)';

before(async () => {
	api = await startApi({ env: { SLUICE_API_KEY_CACHE_MS: '1' } });
	const accepted = await accept('one');
	assert.equal(accepted.status, 202, accepted.text);
	id = accepted.json.id;
	makeUser(api, 'ann', 'admin');
	token = await logIn(api, 'ann');
	// What other roles write: a row in each table that has none.
	const all = columns();
	for (const table of new Set(all.map(({ table }) => table)))
		if (api.count(table) === 0) {
			const own = all.filter(column => column.table === table);
			api.sql(`INSERT INTO ${table} (${own.map(({ name }) => name).join()}) VALUES (${own.map(({ type }) => anyOf(type)).join()})`);
		}
	api.sql('UPDATE withdrawals SET transfer_id = (SELECT id FROM transfers), stage = 4; UPDATE attempts SET transfer_id = (SELECT id FROM transfers)');
	const routes = Object.entries((await api.request('GET', '/openapi.json')).json.paths);
	paths = routes.filter(([path, methods]) => methods.get && !path.includes('{')).map(([path]) => path);
	paths.push(`/v1/withdrawals/${id}`, `/v1/withdrawals/${id}/events`, '/v1/withdrawals?account=default&limit=5');
});
after(() => api?.end());

async function askAll() {
	for (const authorization of [`Bearer ${api.key}`, `Bearer ${token}`])
		for (const path of paths)
			await api.request('GET', path, { headers: { authorization } });
	await accept('one');
	await accept(`other-${Math.random()}`);
	for (const act of ['cancel', 'speed-up'])
		await api.request('POST', `/v1/withdrawals/${id}/${act}`, { headers: json, body: '{}' });
	await api.request('POST', '/v1/auth/refresh', { headers: json, body: JSON.stringify({ refresh_token: 'none' }) });
}

test('the API answers over every edited column', async () => {
	const bad = [];
	for (const { table, name, type } of columns()) {
		api.sql(`DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM ${table}`);
		for (const value of valuesOf(type)) {
			api.sql(`UPDATE OR IGNORE ${table} SET ${name} = ${value}`);
			try {
				await askAll();
			} catch (error) {
				bad.push(`${table}.${name} = ${value}: ${error.message}`);
			}
			if (api.child.exitCode !== null || api.child.signalCode !== null) {
				bad.push(`${table}.${name} = ${value}: ended by ${api.child.signalCode ?? api.child.exitCode}`);
				api.port = undefined;
				api.sql(`DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM kept`);
				await api.restart().catch(() => {});
			}
		}
		api.sql(`DELETE FROM ${table}; INSERT OR IGNORE INTO ${table} SELECT * FROM kept; DROP TABLE kept`);
	}
	// A password is compared on another thread, and takes its time: once for each column of a user.
	for (const { name, type } of columns().filter(({ table }) => table === 'users' || table === 'known_peers')) {
		api.sql(`UPDATE OR IGNORE users SET ${name} = ${valuesOf(type)[0]}`);
		await api.request('POST', '/v1/auth/login', { headers: json, body: JSON.stringify({ name: 'ann', password }) })
			.catch(error => bad.push(`users.${name}: ${error.message}`));
	}
	assert.deepEqual(bad, []);
});
