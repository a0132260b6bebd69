#!/usr/bin/env node
// Runs a program beside nodes that push their heads over WebSockets: a development chain behind a
// proxy, and some that say what they should not.
//
// usage: run_with_heads.mjs PROGRAM [ARGUMENTS]
//
// The program finds in its environment:
//   SLUICE_TEST_RPC        URL of the chain's node; blocks are mined by anvil_mine only
//   SLUICE_TEST_WS         its WebSocket, through a proxy
//   SLUICE_TEST_CONTROL    a port on 127.0.0.1: each line that is sent there ("cut", "freeze", "pass",
//                          "reset") is done by the proxy, and answered with "done"
//   SLUICE_TEST_LIAR       ws://127.0.0.1:port; its paths are the names in `lies` below
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startAnvil } from '../tools/src/anvil.mjs';
import { startProxy } from '../tools/src/proxy.mjs';

function frame(text, { opcode = 1, final = true } = {}) {
	const payload = Buffer.from(text);
	const head = payload.length < 126 ? Buffer.from([0, payload.length]) : Buffer.alloc(payload.length < 65536 ? 4 : 10);
	if (payload.length >= 65536) {
		head[1] = 127;
		head.writeBigUInt64BE(BigInt(payload.length), 2);
	} else if (payload.length >= 126) {
		head[1] = 126;
		head.writeUInt16BE(payload.length, 2);
	}
	head[0] = (final ? 0x80 : 0) | opcode;
	return Buffer.concat([head, payload]);
}

const identity = id => frame(JSON.stringify({ jsonrpc: '2.0', id: 1, result: id }));
const subscribed = frame(JSON.stringify({ jsonrpc: '2.0', id: 2, result: '0x1' }));
const head = frame(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription',
	params: { subscription: '0x1', result: { number: '0x7' } } }));
const late = (socket, bytes, ms) => setTimeout(() => socket.writable && socket.write(bytes), ms);

const lies = {
	// An honest one, in parts.
	parts: socket => {
		const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: '0x7a69' });
		socket.write(frame(text.slice(0, 9), { final: false }));
		socket.write(frame('', { opcode: 9 })); // a ping in between
		socket.write(frame(text.slice(9), { opcode: 0 }));
		late(socket, subscribed, 20);
		late(socket, head, 40);
	},
	other_chain: socket => socket.write(identity('0x89')),
	unproved: socket => socket.write(Buffer.concat([subscribed, head, head])),
	unasked: socket => socket.write(Buffer.concat([identity('0x7a69'), identity('0x7a69'), identity('0x7a69')])),
	rubbish: socket => socket.write(frame('no JSON')),
	refuses: socket => socket.write(frame('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}')),
	huge: socket => socket.write(frame(`"${'x'.repeat(70_000)}"`)),
	endless: socket => {
		for (let i = 0; i < 100; i++)
			socket.write(frame('x'.repeat(1000), { opcode: i === 0 ? 1 : 0, final: false }));
	},
	silent: () => {},
	flood: socket => {
		socket.write(identity('0x7a69'));
		late(socket, subscribed, 20);
		for (let i = 0; i < 2000; i++) late(socket, head, 30 + i / 4);
	},
};

const dir = mkdtempSync(join(tmpdir(), 'sluice-heads-'));
const anvil = await startAnvil(dir, { noMining: true });
const proxy = await startProxy(Number(new URL(anvil.url).port));
const liar = createHttpServer((request, response) => response.writeHead(404).end());
liar.on('upgrade', (request, socket) => {
	const accept = createHash('sha1')
		.update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
	socket.on('error', () => socket.destroy());
	socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
		`Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
	lies[request.url.slice(1)]?.(socket);
});
const control = createServer(socket => {
	socket.on('error', () => socket.destroy());
	createInterface({ input: socket }).on('line', line => {
		proxy[line]();
		socket.write('done\n');
	});
});
await Promise.all([liar, control].map(server => once(server.listen(0, '127.0.0.1'), 'listening')));
try {
	const env = {
		...process.env,
		SLUICE_TEST_RPC: anvil.url,
		SLUICE_TEST_WS: `ws://127.0.0.1:${proxy.port}/`,
		SLUICE_TEST_CONTROL: String(control.address().port),
		SLUICE_TEST_LIAR: `ws://127.0.0.1:${liar.address().port}`,
	};
	const child = spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit', env });
	const [code] = await once(child, 'exit');
	process.exitCode = code ?? 1;
} finally {
	liar.closeAllConnections?.();
	liar.close();
	control.close();
	await proxy.stop();
	await anvil.stop();
	rmSync(dir, { recursive: true, force: true });
}
process.exit();
