// Codes of a second factor, made once more from RFC 6238 and RFC 4648, by a program that is not ours.
import { createHmac } from 'node:crypto';

const stepMs = 30_000;

export const stepNow = () => Math.floor(Date.now() / stepMs);

export function codeOf(secret, step = stepNow()) {
	const bits = [...secret].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
	const seed = Buffer.from(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const tag = createHmac('sha1', seed).update(counter).digest();
	const value = tag.readUInt32BE(tag[19] & 15) & 0x7fffffff;
	return String(value % 1_000_000).padStart(6, '0');
}
