// A point that no port has any more is armed, taken, and never met: the torture then waits in vain.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPoints, stopPoints } from '../../torture/points.mjs';
import { sourceRoot } from '../src/stack.mjs';

// Functions whose first line is PORT_CALL().
function portCalls() {
	const dir = join(sourceRoot, 'src', 'port');
	const sources = readdirSync(dir).filter((name) => name.endsWith('.c'));
	const text = sources.map((name) => readFileSync(join(dir, name), 'utf8')).join('\n');
	return new Set([...text.matchAll(/^\S.*?(\w+)\([^{};]*\)\n\{\n\tPORT_CALL\(\);/gm)].map(([, name]) => name));
}

test('each stop point of the torture is a call of a port', () => {
	const known = portCalls();
	assert.ok(known.size > 40, `${known.size} calls were found`);
	const points = [...stopPoints.map(([, call]) => call), ...Object.values(startPoints).flat().map(([call]) => call)];
	assert.deepEqual(points.filter((call) => !known.has(call)), []);
});
