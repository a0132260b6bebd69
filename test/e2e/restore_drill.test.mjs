// restore-old-backup: the store is an hour old, payouts since then are unknown to it, and clients
// repeat all their keys. The whole drill has 500 payouts after the backup: test/torture/restore.mjs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const drill = fileURLToPath(new URL('../torture/restore.mjs', import.meta.url));

function run(...options) {
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[drill, '--program', process.env.SLUICE, ...options],
		{ encoding: 'utf8' },
	);
	assert.equal(status, 0, `${stdout}\n${stderr}`);
}

test('restore-old-backup: nobody is paid twice, nobody is lost', () => {
	run('--payouts', '80', '--before', '20', '--kills', '3');
});

test('the journal is lost too: people decide, and nobody is paid twice', () => {
	run('--payouts', '40', '--before', '12', '--kills', '2', '--journal-lost');
});
