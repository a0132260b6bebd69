// `sluice restore` that dies in any of its steps: what was committed is whole in one place or the other,
// no store that may pay stands there before its time, the journal is as it was, and to restore once
// more is all that a person has to do.
//
// usage: SLUICE=path/to/sluice node --test restore.test.mjs
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { environment, json, newComplete, program, sluice, sql, succeed, until } from './deployment.mjs';

// The system calls by which it changes anything; each is cut off before it happens.
const steps = ['openat', 'pwrite64', 'write', 'fsync', 'fdatasync', 'rename', 'unlink', 'ftruncate'];
const stepsMax = 400;
let deployment;
let backup;

const inVar = (...names) => join(deployment.dir, 'var', ...names);
const store = () => inVar('sluice.db');
const digestOf = file => createHash('sha256').update(readFileSync(file)).digest('hex');
const newKey = name => json(['api-key', 'create', '--name', name, '--config', deployment.config]);

// A signer that meets no node makes its journal all the same.
async function makeJournal() {
	const child = spawn(program, ['run', '--config', deployment.config], { env: environment(), stdio: 'ignore' });
	const ended = once(child, 'exit');
	await until('the journal', () => existsSync(inVar('journal.db')));
	child.kill('SIGTERM');
	await ended;
}

// A commit that stands in the write-ahead log alone, as after a crash.
async function commitToLog(name) {
	const reader = spawn('sqlite3', [store()], { stdio: ['pipe', 'pipe', 'inherit'] });
	reader.stdin.write('SELECT count(*) FROM api_keys;\n');
	await once(reader.stdout, 'data');
	newKey(name);
	cpSync(inVar(), join(deployment.dir, 'crashed'), { recursive: true });
	reader.stdin.end();
	await once(reader, 'exit');
}

before(async () => {
	deployment = newComplete('restore');
	backup = join(deployment.dir, 'backup');
	await makeJournal();
	newKey('early');
	succeed(['backup', '--config', deployment.config, '--to', backup]);
	await commitToLog('late');
});

function comeBack() {
	rmSync(inVar(), { recursive: true });
	cpSync(join(deployment.dir, 'crashed'), inVar(), { recursive: true });
}

// Whether it was killed there: false once it has fewer such calls.
function restoreKilledAt(step, number) {
	const { status, signal, stderr } = spawnSync('strace', [
		'-qq', '-o', '/dev/null', '-e', `inject=${step}:signal=SIGKILL:when=${number}`,
		program, 'restore', '--config', deployment.config, '--from', backup,
	], {
		env: environment({ ASAN_OPTIONS: 'detect_leaks=0' }), encoding: 'utf8', timeout: 60_000,
	});
	assert.ok(signal === 'SIGKILL' || status === 0, `${step} ${number}: ${status} ${signal} ${stderr}`);
	return signal === 'SIGKILL';
}

const keysOf = file => sql(file, 'SELECT name FROM api_keys ORDER BY name').split('\n');
const incarnationOf = file => Number(sql(file, 'SELECT count(*) FROM incarnations'));
const asides = () => readdirSync(inVar())
	.filter(name => name.startsWith('sluice.db.before-restore-') && !/-(wal|shm)$/.test(name))
	.map(name => inVar(name));

// Copies are looked at: a reader would fold the log of what it reads.
function look(file) {
	const place = join(deployment.dir, 'looked-at');
	rmSync(place, { recursive: true, force: true });
	for (const suffix of ['', '-wal'])
		if (existsSync(file + suffix)) cpSync(file + suffix, join(place, `db${suffix}`), { recursive: true });
	const copy = join(place, 'db');
	assert.equal(sql(copy, 'PRAGMA integrity_check'), 'ok', file);
	return { keys: keysOf(copy), incarnation: incarnationOf(copy) };
}

function assertWhole(where) {
	const stands = existsSync(store()) ? look(store()) : null;
	// Either nothing was moved yet, or what stands there is the backup's, and says that it may not pay.
	if (stands !== null && !stands.keys.includes('late')) assert.ok(stands.incarnation > 0, where);
	const late = [stands, ...asides().map(look)].filter(one => one?.keys.includes('late'));
	assert.equal(late.length, 1, `${where}: the newest commit is in ${late.length} places`);
}

describe('restore is killed', () => {
	for (const step of steps)
		test(`before each ${step}`, () => {
			const journal = digestOf(join(deployment.dir, 'crashed', 'journal.db'));
			let number = 1;
			for (; number <= stepsMax; number++) {
				const where = `${step} ${number}`;
				comeBack();
				const killed = restoreKilledAt(step, number);
				assertWhole(where);
				if (!killed) break;
				succeed(['restore', '--config', deployment.config, '--from', backup]);
				assertWhole(where);
				const { keys, incarnation } = look(store());
				assert.deepEqual(keys, ['early'], where);
				assert.ok(incarnation > 0, where);
				assert.equal(digestOf(inVar('journal.db')), journal, where);
				assert.ok(!readdirSync(inVar()).some(name => name.includes('restoring')), where);
			}
			assert.ok(number <= stepsMax, `${step}: there is no end to them`);
			assert.ok(number > 1, `${step}: there is none`);
		});
});

describe('a life', () => {
	test('has a number that is never given twice', () => {
		const restore = () => json(['restore', '--config', deployment.config, '--from', backup]).incarnation;
		comeBack();
		assert.equal(restore(), 1);
		assert.equal(restore(), 2);
		for (let number = 1; number < stepsMax && existsSync(store()); number++)
			restoreKilledAt('rename', number);
		assert.ok(!existsSync(store()), 'killed between the renames');
		assert.equal(restore(), 3);
		assert.equal(Number(sql(store(), 'SELECT max(number) FROM incarnations')), 3);
	});
});

describe('a journal that is gone', () => {
	test('is said to be lost, and the store remembers', () => {
		comeBack();
		for (const suffix of ['', '-wal', '-shm'])
			rmSync(inVar(`journal.db${suffix}`), { force: true });
		const restored = json(['restore', '--config', deployment.config, '--from', backup]);
		assert.equal(restored.journal_lost, true);
		assert.ok(!existsSync(inVar('journal.db')), 'the one of the backup is none');
		const { status, text } = sluice(['reconcile', '--after-restore', '--config', deployment.config]);
		assert.equal(status, 1);
		assert.match(text, /journal/);
	});
});
