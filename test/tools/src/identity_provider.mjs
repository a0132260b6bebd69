// An identity provider of others: keys, key sets and tokens by npm's jose.
import { CompactSign, SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';

export { createLocalJWKSet, importJWK, jwtVerify };

export async function makeKey(alg, kid = alg) {
	const pair = await generateKeyPair(alg, { extractable: true });
	return { alg, kid, ...pair, private: await exportJWK(pair.privateKey),
		jwk: { ...await exportJWK(pair.publicKey), kid, alg, use: 'sig' } };
}

export const setOf = (...keys) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

export const sign = (key, payload, header = {}) =>
	new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header }).sign(key.privateKey);

// Bytes as they are, whatever the claims in them.
export const signText = (key, text, header = {}) =>
	new CompactSign(Buffer.from(text)).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);
