// A small torture on every run: all kinds of kills and faults, few of each. The whole one takes
// minutes: test/torture/torture.mjs --help.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const torture = fileURLToPath(new URL('../torture/torture.mjs', import.meta.url));

test('200 withdrawals are paid once each while roles are killed and the node misbehaves', () => {
	const options = ['--withdrawals', '200', '--kills', '10', '--per-role', '2', '--stops', '8'];
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[torture, '--program', process.env.SLUICE, '--verbose', ...options],
		{ encoding: 'utf8' },
	);
	// What it ends with comes first: whoever shows a part of a message shows its beginning.
	const end = stdout.trimEnd().split('\n').slice(-25).join('\n');
	assert.equal(status, 0, `${end}\n${stderr}\nfrom the beginning:\n${stdout}`);
});
