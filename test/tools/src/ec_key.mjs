// Keys of elliptic curves for the key stores of others, and the addresses that ethers gives them.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { computeAddress, SigningKey } from 'ethers';

// The key of secp256k1 that has this secret (0x and 64 digits), or a new one of any curve.
export function makeEcKey({ curve = 'secp256k1', privateKey } = {}) {
	if (privateKey === undefined) return generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
	const point = Buffer.from(SigningKey.computePublicKey(privateKey, false).slice(4), 'hex');
	return createPrivateKey({
		format: 'jwk',
		key: {
			kty: 'EC',
			crv: curve,
			d: Buffer.from(privateKey.slice(2), 'hex').toString('base64url'),
			x: point.subarray(0, 32).toString('base64url'),
			y: point.subarray(32).toString('base64url'),
		},
	});
}

// null for a key of another curve.
export function addressOf(key) {
	const { crv, d } = key.export({ format: 'jwk' });
	if (crv !== 'secp256k1') return null;
	return computeAddress(`0x${Buffer.from(d, 'base64url').toString('hex').padStart(64, '0')}`);
}

export const pemOf = (key) => key.export({ type: 'pkcs8', format: 'pem' });
