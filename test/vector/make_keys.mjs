#!/usr/bin/env node
// Writes the vectors of the key files and of key derivation: test/vector/keystore.tsv and
// test/vector/hd_address.tsv. What the standards publish stands below as it was published; the rest
// is made by ethers. A key file holds fresh randomness, so that the file of vectors differs on each
// run; `--check` reads it back with ethers instead:
//
//	node test/vector/make_keys.mjs           writes the files
//	node test/vector/make_keys.mjs --check   fails when ethers does not read what they say
//
// Format: as in make.mjs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../tools/package.json", import.meta.url));
const ethers = require("ethers");

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const bytesOf = (label, length) =>
	"0x" + createHash("sha512").update(`sluice keys ${label}`).digest("hex").slice(0, 2 * length);

// --- Web3 Secret Storage Definition, "Test Vectors" ----------------------------------------------

const publishedKey = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const published = [
	{
		crypto: {
			cipher: "aes-128-ctr",
			cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
			ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
			kdf: "pbkdf2",
			kdfparams: {
				c: 262144,
				dklen: 32,
				prf: "hmac-sha256",
				salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
			},
			mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
		},
		id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
		version: 3,
	},
	{
		crypto: {
			cipher: "aes-128-ctr",
			cipherparams: { iv: "83dbcc02d8ccb40e466191a123791e0e" },
			ciphertext: "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
			kdf: "scrypt",
			kdfparams: {
				dklen: 32,
				n: 262144,
				p: 8,
				r: 1,
				salt: "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
			},
			mac: "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
		},
		id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
		version: 3,
	},
];

// --- files ---------------------------------------------------------------------------------------

const encrypt = (wallet, password, scrypt) => {
	const { address, privateKey, mnemonic } = wallet;
	const account = mnemonic ? { address, privateKey, mnemonic } : { address, privateKey };
	return ethers.encryptKeystoreJson(account, password, { scrypt, progressCallback: () => {} });
};

async function keystores() {
	const rows = published.map((json) => ["testpassword", publishedKey, JSON.stringify(json)]);
	const passwords = ["", "correct horse battery staple", "pässwörd ☃", "x".repeat(200)];
	const costs = [{ N: 2 }, { N: 1024 }, { N: 256, r: 1, p: 4 }, { N: 64, r: 8, p: 6 }];
	for (const [i, password] of passwords.entries()) {
		const wallet = new ethers.Wallet(bytesOf(`file ${i}`, 32));
		rows.push([password, wallet.privateKey, await encrypt(wallet, password, costs[i])]);
	}
	// With leading zeros, and with the mnemonic that ethers stores beside the key.
	const small = new ethers.Wallet("0x" + "00".repeat(31) + "07");
	const phrase = ethers.Mnemonic.fromEntropy(bytesOf("mnemonic", 16));
	rows.push(["small", small.privateKey, await encrypt(small, "small", { N: 4 })]);
	const { privateKey, address } = ethers.HDNodeWallet.fromMnemonic(phrase);
	const named = { address, privateKey, mnemonic: { entropy: phrase.entropy } };
	rows.push(["m", privateKey, await encrypt(named, "m", { N: 16 })]);
	return rows.map(([password, key, json]) =>
		[password === "" ? "-" : password, key, ethers.computeAddress(key), json]);
}

function addresses() {
	const rows = [];
	for (const length of [16, 32, 64]) {
		const seed = bytesOf(`seed ${length}`, length);
		const root = ethers.HDNodeWallet.fromSeed(seed);
		const indexes = [...Array(10).keys(), 255, 65536, 2147483647];
		for (const i of indexes) {
			const child = root.derivePath(`m/44'/60'/0'/0/${i}`);
			const digest = bytesOf(`digest ${length} ${i}`, 32);
			const { r, s } = child.signingKey.sign(digest);
			rows.push([seed, i, child.address, digest, r, s]);
		}
	}
	return rows;
}

const fileText = (what, columns, rows) =>
	`# ${what}, by ethers ${ethers.version}; see make_keys.mjs.\n# ${columns.join("\t")}\n` +
	rows.map((row) => row.join("\t") + "\n").join("");

const rowsOf = (name) => readFileSync(here(name), "utf8").split("\n")
	.filter((line) => line && !line.startsWith("#")).map((line) => line.split("\t"));

const hd = fileText("Keys below m/44'/60'/0'/0, and what they sign",
	["seed", "index", "address", "digest", "r", "s"], addresses());

if (process.argv.includes("--check")) {
	assert.equal(readFileSync(here("hd_address.tsv"), "utf8"), hd);
	for (const [password, key, address, json] of rowsOf("keystore.tsv")) {
		// RFC 7914 wants n < 2^(16 r), which the published scrypt file does not keep.
		if (json === JSON.stringify(published[1])) continue;
		const account = await ethers.decryptKeystoreJson(json, password === "-" ? "" : password);
		assert.equal(account.privateKey, key);
		assert.equal(account.address, address);
	}
} else {
	writeFileSync(here("hd_address.tsv"), hd);
	writeFileSync(here("keystore.tsv"), fileText("Key files (\"-\" is the empty password)",
		["password", "key", "address", "json"], await keystores()));
}
