#!/usr/bin/env node
// Writes test/vector/outside_token.tsv: key sets and tokens of an identity provider, made by npm's jose and, where
// jose does not forge, by hand. Keys are fresh, so that the file differs on each run; `--check` has jose verify
// what is there instead.
//
//	node test/vector/make_tokens.mjs [--check]
//
// Format: name, tab, value. A token is good for the ten minutes after `at`, in seconds.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLocalJWKSet, importJWK, jwtVerify, makeKey, setOf, sign } from '../tools/src/identity_provider.mjs';

const path = fileURLToPath(new URL('outside_token.tsv', import.meta.url));
const at = 1700000000;
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const claims = { iss: 'https://idp', aud: 'sluice', sub: 'ann', iat: at, exp: at + 600, sluice_role: 'viewer', sluice_account: 'acme' };
const b64 = value => Buffer.from(JSON.stringify(value)).toString('base64url');

if (process.argv[2] === '--check') {
	const rows = Object.fromEntries(readFileSync(path, 'utf8').split('\n').filter(line => line && line[0] !== '#')
		.map(line => line.split('\t')));
	const keys = createLocalJWKSet(JSON.parse(rows.keys));
	for (const alg of algorithms) {
		const { payload } = await jwtVerify(rows[alg], keys, { currentDate: new Date(at * 1000) });
		assert.deepEqual(payload, claims);
	}
	for (const name of ['confused', 'hmac', 'none'])
		await assert.rejects(jwtVerify(rows[name], keys, { currentDate: new Date(at * 1000) }));
	process.exit(0);
}

const keys = Object.fromEntries(await Promise.all(algorithms.map(async alg => [alg, await makeKey(alg)])));
const rows = [['keys', setOf(...Object.values(keys))],
	['keys_without_ES256', setOf(keys.RS256, keys.PS256, keys.EdDSA)]];
for (const alg of algorithms)
	rows.push([alg, await sign(keys[alg], claims)]);
// The key is for RS256; its owner, or who made it sign something, uses it otherwise.
const other = await importJWK({ ...keys.RS256.private, alg: 'PS256' }, 'PS256');
rows.push(['confused', await sign({ alg: 'PS256', kid: 'RS256', privateKey: other }, claims)]);
const hmac = `${b64({ alg: 'HS256', kid: 'RS256', typ: 'JWT' })}.${b64(claims)}`;
rows.push(['hmac', `${hmac}.${createHmac('sha256', keys.RS256.jwk.n).update(hmac).digest('base64url')}`]);
rows.push(['none', `${b64({ alg: 'none', kid: 'RS256', typ: 'JWT' })}.${b64(claims)}.AA`]);
writeFileSync(path, ['# by make_tokens.mjs', ...rows.map(row => row.join('\t')), ''].join('\n'));
