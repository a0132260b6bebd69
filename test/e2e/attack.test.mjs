// Every attempt of test/attack comes to nothing.
//
// usage: SLUICE=path/to/sluice node --test attack.test.mjs
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { attack } from '../attack/world.mjs';

test('what the OWASP API Security Top Ten names comes to nothing', async t => {
	const dir = mkdtempSync(join(tmpdir(), 'sluice-attack-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	await attack(process.env.SLUICE, dir, (chapter, what, { answer, foiled }) =>
		t.test(`${chapter}: ${what}`, () => assert.ok(foiled, answer)));
});
