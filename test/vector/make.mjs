#!/usr/bin/env node
// Writes the vectors that the unit tests of base and core read: test/vector/*.tsv.
//
// Every line that says something about Ethereum is computed twice, by viem and by ethers, and is
// written only when both agree. Arithmetic is JavaScript's BigInt. Randomness is a SHA-256 counter
// with a fixed seed, so the files are the same on every run:
//
//	node test/vector/make.mjs           writes the files
//	node test/vector/make.mjs --check   fails when a file differs from what would be written
//
// Format: UTF-8 lines, columns separated by tabs, "#" starts a comment line. Bytes are hexadecimal
// behind "0x"; numbers are decimal; "-" means that there is no result.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../tools/package.json", import.meta.url));
const viem = require("viem");
const { sign: viemSign, privateKeyToAddress } = require("viem/accounts");
const ethers = require("ethers");

const U64_MAX = 2n ** 64n - 1n;
const U256_MAX = 2n ** 256n - 1n;
const GWEI = 10n ** 9n;

// --- Deterministic randomness -------------------------------------------------------------------

let counter = 0;

function randomBytes(length) {
	const chunks = [];
	for (let have = 0; have < length; have += 32)
		chunks.push(createHash("sha256").update(`sluice vectors 1 ${counter++}`).digest());
	return Buffer.concat(chunks).subarray(0, length);
}

const randomHex = (length) => "0x" + randomBytes(length).toString("hex");
const randomBelow = (bound) => Number(randomBytes(6).readUIntBE(0, 6) % bound);

// Of a random width, so that short numbers are as frequent as long ones.
function randomUint(bitsMax) {
	const bits = BigInt(1 + randomBelow(bitsMax));
	return BigInt(randomHex(32)) & ((1n << bits) - 1n);
}

const pick = (list) => list[randomBelow(list.length)];

// --- Transactions -------------------------------------------------------------------------------

const zeroIsEmpty = (n) => (n === 0n ? "0x" : ethers.toBeHex(n));

// ethers.Transaction wants numbers that a double can hold; its RLP does not.
function ethersSerialize(tx, signature) {
	const fields = [tx.chainId, tx.nonce, tx.tip, tx.cap, tx.gas].map(zeroIsEmpty);
	fields.push(tx.to, zeroIsEmpty(tx.value), tx.data, []);
	if (signature)
		fields.push(
			...[BigInt(signature.yParity), BigInt(signature.r), BigInt(signature.s)].map(
				zeroIsEmpty,
			),
		);
	const byRlp = ethers.concat(["0x02", ethers.encodeRlp(fields)]);
	if (tx.nonce <= Number.MAX_SAFE_INTEGER) {
		const whole = ethers.Transaction.from({
			type: 2,
			chainId: tx.chainId,
			nonce: Number(tx.nonce),
			maxPriorityFeePerGas: tx.tip,
			maxFeePerGas: tx.cap,
			gasLimit: tx.gas,
			to: tx.to,
			value: tx.value,
			data: tx.data,
		});
		if (signature) whole.signature = signature;
		assert.equal(signature ? whole.serialized : whole.unsignedSerialized, byRlp);
	}
	return byRlp;
}

function viemSerialize(tx, signature) {
	return viem.serializeTransaction(
		{
			type: "eip1559",
			chainId: tx.chainId,
			nonce: tx.nonce,
			maxPriorityFeePerGas: tx.tip,
			maxFeePerGas: tx.cap,
			gas: tx.gas,
			to: tx.to,
			value: tx.value,
			data: tx.data,
		},
		signature,
	);
}

function agreed(a, b) {
	assert.deepEqual(a, b);
	return a;
}

const signingHash = (tx) =>
	agreed(viem.keccak256(viemSerialize(tx)), ethers.keccak256(ethersSerialize(tx)));

async function signBoth(digest, key) {
	const a = await viemSign({ hash: digest, privateKey: key });
	const b = new ethers.SigningKey(key).sign(digest);
	return agreed(
		{ r: viem.pad(a.r), s: viem.pad(a.s), yParity: a.yParity },
		{ r: b.r, s: b.s, yParity: b.yParity },
	);
}

async function signerOf(digest, signature) {
	const b = ethers.recoverAddress(digest, { ...signature, v: 27 + signature.yParity });
	const a = await viem.recoverAddress({ hash: digest, signature });
	return agreed(a, b);
}

async function transactionLine(tx, signature) {
	const signed = agreed(viemSerialize(tx, signature), ethersSerialize(tx, signature));
	const digest = signingHash(tx);
	return [
		tx.chainId,
		tx.nonce,
		tx.tip,
		tx.cap,
		tx.gas,
		tx.to,
		tx.value,
		tx.data,
		digest,
		signature.yParity,
		signature.r,
		signature.s,
		signed,
		agreed(viem.keccak256(signed), ethers.keccak256(signed)),
		await signerOf(digest, signature),
	];
}

function randomTransaction() {
	const tip = randomUint(48);
	return {
		chainId: pick([137n, 80002n, 1n, 31337n, randomUint(32) || 1n]),
		nonce: randomUint(40),
		tip,
		cap: tip + randomUint(48),
		gas: 21000n + randomUint(24),
		to: randomHex(20),
		value: randomUint(128),
		data: randomHex(pick([0, 0, 4, 36, 68, randomBelow(513)])),
	};
}

// Everything that has been encoded wrongly somewhere: zeros, single bytes around 0x80, widths
// around a leading zero bit, content around 55 bytes and 255 bytes.
function edgeTransactions() {
	const plain = {
		chainId: 137n,
		nonce: 7n,
		tip: 30n * GWEI,
		cap: 130n * GWEI,
		gas: 21000n,
		to: "0x52908400098527886e0f7030069857d2e4169ee7",
		value: 10n ** 18n,
		data: "0x",
	};
	const edges = [{ ...plain }];
	for (const nonce of [
		0n,
		1n,
		127n,
		128n,
		255n,
		256n,
		2n ** 32n,
		2n ** 53n - 1n,
		2n ** 53n,
		2n ** 63n,
		U64_MAX - 1n,
		U64_MAX,
	])
		edges.push({ ...plain, nonce });
	for (const value of [
		0n,
		1n,
		127n,
		128n,
		255n,
		256n,
		U64_MAX,
		U64_MAX + 1n,
		2n ** 255n,
		U256_MAX,
	])
		edges.push({ ...plain, value });
	for (const [tip, cap] of [
		[0n, 0n],
		[0n, 1n],
		[1n, 1n],
		[U256_MAX, U256_MAX],
		[0n, U256_MAX],
		[127n, 128n],
	])
		edges.push({ ...plain, tip, cap });
	for (const gas of [0n, 1n, 33554432n, U64_MAX]) edges.push({ ...plain, gas });
	for (const chainId of [1n, 127n, 128n, 80002n, 2n ** 53n - 1n])
		edges.push({ ...plain, chainId });
	for (const to of ["0x" + "00".repeat(20), "0x" + "ff".repeat(20), "0x00" + "11".repeat(19)])
		edges.push({ ...plain, to });
	for (const data of ["0x00", "0x7f", "0x80", "0xff"]) edges.push({ ...plain, data });
	for (const length of [
		2, 31, 32, 54, 55, 56, 57, 68, 127, 128, 200, 255, 256, 257, 300, 511, 512,
	])
		edges.push(
			{ ...plain, data: randomHex(length) },
			{ ...plain, data: "0x" + "00".repeat(length) },
		);
	edges.push({
		chainId: 1n,
		nonce: 0n,
		tip: 0n,
		cap: 0n,
		gas: 0n,
		to: "0x" + "00".repeat(20),
		value: 0n,
		data: "0x",
	});
	edges.push({
		chainId: 2n ** 53n - 1n,
		nonce: U64_MAX,
		tip: U256_MAX,
		cap: U256_MAX,
		gas: U64_MAX,
		to: "0x" + "ff".repeat(20),
		value: U256_MAX,
		data: "0x" + "ff".repeat(512),
	});
	return edges;
}

async function transactions() {
	const lines = [];
	for (const tx of [...edgeTransactions(), ...Array.from({ length: 220 }, randomTransaction)])
		lines.push(await transactionLine(tx, await signBoth(signingHash(tx), randomHex(32))));
	// Signatures whose r or s starts with zero bytes, found by trying nonces.
	const key = randomHex(32);
	const wanted = { r: 8, s: 8 };
	const tx = randomTransaction();
	for (tx.nonce = 0n; wanted.r > 0 || wanted.s > 0; tx.nonce++) {
		const signature = await signBoth(signingHash(tx), key);
		const short = ["r", "s"].find(
			(part) => signature[part].startsWith("0x00") && wanted[part] > 0,
		);
		if (!short) continue;
		wanted[short]--;
		const line = await transactionLine({ ...tx }, signature);
		assert.equal(line.at(-1), agreed(privateKeyToAddress(key), ethers.computeAddress(key)));
		lines.push(line);
	}
	// Many leading zeros: numbers that are no signature of anybody known, but recover to somebody.
	for (const r of [1n, 2n, 3n, 4n, 256n, 2n ** 64n, 2n ** 128n])
		for (const s of [1n, 127n, 128n, 2n ** 200n])
			for (const yParity of [0, 1]) {
				const signature = { r: ethers.toBeHex(r, 32), s: ethers.toBeHex(s, 32), yParity };
				try {
					lines.push(await transactionLine(tx, signature));
				} catch (error) {
					assert.notEqual(error.code, "ERR_ASSERTION"); // r is no point's x: not a vector
				}
			}
	return {
		about: "EIP-1559 transactions, signed",
		columns:
			"chain_id nonce tip cap gas_limit to value data signing_hash parity r s signed hash signer",
		lines,
	};
}

// --- Addresses ----------------------------------------------------------------------------------

const flipCase = (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase());

function ethersTakes(text) {
	try {
		ethers.getAddress(text);
		return true;
	} catch {
		return false;
	}
}

const takes = (text) => agreed(viem.isAddress(text), ethersTakes(text));

function addresses() {
	const lines = [];
	// EIP-55's own examples, then random ones.
	const sources = [
		"0x52908400098527886e0f7030069857d2e4169ee7",
		"0xde709f2102306220921060314715629080e2fb77",
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359",
		"0x" + "00".repeat(20),
		"0x" + "ff".repeat(20),
		...Array.from({ length: 114 }, () => randomHex(20)),
	];
	for (const lower of sources) {
		const right = agreed(viem.getAddress(lower), ethers.getAddress(lower));
		assert.ok(takes(right) && takes(lower));
		lines.push([right, "ok", right], [lower, "ok", right]);
		const letters = [...right].map((c, i) => i).filter((i) => i > 1 && /[a-f]/i.test(right[i]));
		if (letters.length < 3) continue;
		const at = pick(letters);
		const wrong = right.slice(0, at) + flipCase(right[at]) + right.slice(at + 1);
		// Text of one case carries no checksum; viem and ethers differ on upper case.
		if (!/[a-f].*[A-F]|[A-F].*[a-f]/.test(wrong.slice(2))) continue;
		assert.ok(!takes(wrong));
		lines.push([wrong, "checksum", "-"]);
	}
	const right = "0x52908400098527886E0F7030069857D2E4169EE7";
	for (const text of [
		"0x",
		"0x0",
		right + "0",
		right.slice(0, -1),
		right.slice(0, -1) + "G",
		right.replace("0x", "1x"),
	]) {
		assert.ok(!takes(text));
		lines.push([text, "malformed", "-"]);
	}
	return { about: "EIP-55", columns: "text verdict checksummed", lines };
}

// --- Keccak-256, RLP ----------------------------------------------------------------------------

function keccaks() {
	const lines = [];
	for (let length = 0; length <= 300; length++) {
		const bytes = randomHex(length);
		lines.push([bytes, agreed(viem.keccak256(bytes), ethers.keccak256(bytes))]);
	}
	return {
		about: "Keccak-256 of every length from 0 to 300 (the rate is 136)",
		columns: "bytes digest",
		lines,
	};
}

// viem's shortest hexadecimal, made whole bytes; zero is empty.
function viemBytes(n) {
	const digits = viem.numberToHex(n).slice(2);
	return n === 0n ? "0x" : "0x" + (digits.length % 2 ? "0" : "") + digits;
}

const encodeBoth = (item) => agreed(viem.toRlp(item), ethers.encodeRlp(item));

function rlps() {
	const lines = [];
	const strings = ["0x", "0x00", "0x01", "0x7f", "0x80", "0x81", "0xff"];
	for (const length of [2, 54, 55, 56, 57, 127, 128, 255, 256, 257, 1000])
		strings.push(randomHex(length), "0x" + "00".repeat(length));
	for (const bytes of strings) lines.push(["bytes", bytes, encodeBoth(bytes)]);
	const numbers = [
		0n,
		1n,
		127n,
		128n,
		255n,
		256n,
		65535n,
		65536n,
		U64_MAX,
		U64_MAX + 1n,
		2n ** 255n,
		U256_MAX,
	];
	for (let i = 0; i < 60; i++) numbers.push(randomUint(256));
	for (const n of numbers)
		lines.push(["uint", n, agreed(viem.toRlp(viemBytes(n)), ethers.encodeRlp(zeroIsEmpty(n)))]);
	for (let i = 0; i < 60; i++) {
		const items = Array.from({ length: randomBelow(12) }, () =>
			randomHex(pick([0, 1, 2, 20, 32, 60])),
		);
		lines.push(["list", items.join(",") || "-", encodeBoth(items)]);
	}
	return { about: "RLP", columns: "kind content(,content…) encoded", lines };
}

// --- Amounts ------------------------------------------------------------------------------------

// viem writes whole numbers without a fraction, ethers with ".0".
const formatBoth = (units, decimals) =>
	agreed(
		viem.formatUnits(units, decimals),
		ethers.formatUnits(units, decimals).replace(/\.0$/, ""),
	);
const parseBoth = (text, decimals) =>
	agreed(viem.parseUnits(text, decimals), ethers.parseUnits(text, decimals));

function amounts() {
	const lines = [];
	const add = (text, decimals) => {
		const units = parseBoth(text, decimals);
		const fits = units <= U256_MAX;
		lines.push([text, decimals, fits ? units : "-", fits ? formatBoth(units, decimals) : "-"]);
	};
	for (const decimals of [0, 1, 6, 8, 18, 36]) {
		for (const units of [
			0n,
			1n,
			9n,
			10n,
			10n ** BigInt(decimals),
			10n ** BigInt(decimals) + 1n,
			U64_MAX,
			U256_MAX,
		])
			add(formatBoth(units, decimals), decimals);
		for (let i = 0; i < 28; i++) {
			const units = randomUint(256);
			const shortest = formatBoth(units, decimals);
			add(shortest, decimals);
			// The same with zeros behind it, up to what the asset has.
			const room = decimals - (shortest.split(".")[1] ?? "").length;
			if (room > 0)
				add(
					shortest +
						(shortest.includes(".") ? "" : ".") +
						"0".repeat(1 + randomBelow(room)),
					decimals,
				);
		}
		add(formatBoth(U256_MAX + 1n, decimals), decimals);
		add(formatBoth(U256_MAX * 10n, decimals), decimals);
	}
	return {
		about: "decimal amounts; no units: 2^256 base units or more",
		columns: "text decimals units shortest",
		lines,
	};
}

// --- ERC-20 -------------------------------------------------------------------------------------

const erc20 = [
	"function transfer(address to, uint256 amount) returns (bool)",
	"function balanceOf(address owner) view returns (uint256)",
	"event Transfer(address indexed from, address indexed to, uint256 amount)",
];

function tokens() {
	const abi = viem.parseAbi(erc20);
	const face = new ethers.Interface(erc20);
	const lines = [];
	const amounts = [
		0n,
		1n,
		255n,
		256n,
		U64_MAX,
		U256_MAX,
		...Array.from({ length: 74 }, () => randomUint(256)),
	];
	for (const amount of amounts) {
		const [from, to] = [randomHex(20), randomHex(20)];
		const transfer = agreed(
			viem.encodeFunctionData({ abi, functionName: "transfer", args: [to, amount] }),
			face.encodeFunctionData("transfer", [to, amount]),
		);
		const balance = agreed(
			viem.encodeFunctionData({ abi, functionName: "balanceOf", args: [from] }),
			face.encodeFunctionData("balanceOf", [from]),
		);
		const log = agreed(
			{
				topics: viem.encodeEventTopics({ abi, eventName: "Transfer", args: { from, to } }),
				data: viem.encodeAbiParameters([{ type: "uint256" }], [amount]),
			},
			face.encodeEventLog("Transfer", [from, to, amount]),
		);
		lines.push([from, to, amount, transfer, balance, ...log.topics, log.data]);
	}
	return {
		about: "ERC-20 calldata and logs",
		columns:
			"from to amount transfer_calldata balance_of_calldata topic0 topic1 topic2 log_data",
		lines,
	};
}

// --- u256 ---------------------------------------------------------------------------------------

const orNothing = (n) => (n < 0n || n > U256_MAX ? "-" : n);

function arithmetic() {
	const edges = [
		0n,
		1n,
		2n,
		U64_MAX,
		U64_MAX + 1n,
		2n ** 128n - 1n,
		2n ** 128n,
		2n ** 192n,
		2n ** 255n,
		U256_MAX - 1n,
		U256_MAX,
	];
	const pairs = edges.flatMap((a) => edges.map((b) => [a, b]));
	for (let i = 0; i < 150; i++) pairs.push([randomUint(256), randomUint(256)]);
	for (let i = 0; i < 50; i++)
		// products around the end of the range
		pairs.push([randomUint(128), randomUint(130)]);
	const lines = [];
	for (const [a, b] of pairs) {
		const divisor = b & U64_MAX;
		lines.push([
			a,
			b,
			a < b ? -1 : a > b ? 1 : 0,
			orNothing(a + b),
			orNothing(a - b),
			orNothing(a * b),
			orNothing(a * divisor),
			divisor ? a / divisor : "-",
			divisor ? a % divisor : "-",
		]);
	}
	return {
		about: "arithmetic; low64 is b mod 2^64",
		columns: "a b compare a+b a-b a*b a*low64 a/low64 a%low64",
		lines,
	};
}

function numberTexts() {
	const numbers = [0n, 1n, 9n, 10n, 15n, 16n, 255n, 256n, U64_MAX, U64_MAX + 1n, U256_MAX];
	for (let digits = 1n; digits <= 77n; digits++) numbers.push(10n ** digits, 10n ** digits - 1n);
	for (let bits = 8n; bits < 256n; bits += 8n) numbers.push(2n ** bits, 2n ** bits - 1n);
	for (let i = 0; i < 50; i++) numbers.push(randomUint(256));
	const lines = numbers.map((n) => [
		n,
		agreed(viem.numberToHex(n), ethers.toQuantity(n)),
		agreed(viem.numberToHex(n, { size: 32 }), ethers.toBeHex(n, 32)),
	]);
	return { about: "numbers as text and as bytes", columns: "decimal quantity bytes", lines };
}

// --- Files --------------------------------------------------------------------------------------

function contentOf({ about, columns, lines }) {
	const head = [
		`# ${about}. Made by make.mjs; do not edit.`,
		`# ${columns.split(" ").join("\t")}`,
	];
	return [...head, ...lines.map((line) => line.join("\t"))].join("\n") + "\n";
}

const files = {
	"transaction.tsv": await transactions(),
	"address.tsv": addresses(),
	"keccak.tsv": keccaks(),
	"rlp.tsv": rlps(),
	"amount.tsv": amounts(),
	"erc20.tsv": tokens(),
	"u256.tsv": arithmetic(),
	"u256_text.tsv": numberTexts(),
};

let total = 0;
for (const [name, file] of Object.entries(files)) {
	const path = fileURLToPath(new URL(name, import.meta.url));
	const content = contentOf(file);
	total += file.lines.length;
	if (!process.argv.includes("--check")) writeFileSync(path, content);
	else if (!existsSync(path) || readFileSync(path, "utf8") !== content) {
		console.error(`${name} differs from what make.mjs makes`);
		process.exitCode = 1;
	}
}
console.log(`${total} vectors in ${Object.keys(files).length} files`);
