// The stack that is attacked: all roles on a chain of their own, behind a node that can lie, with an
// identity provider, and a place that nobody should ever ask for anything.
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { makeKey, setOf } from '../tools/src/identity_provider.mjs';
import { Stack } from '../tools/src/stack.mjs';
import { chapters, prepare } from './attempts.mjs';

const issuer = 'https://idp.example/tenant';

async function serve(handler) {
	const server = http.createServer(handler).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { server, url: `http://127.0.0.1:${server.address().port}` };
}

async function bodyOf(stream) {
	const chunks = [];
	for await (const chunk of stream) chunks.push(chunk);
	return Buffer.concat(chunks).toString();
}

// The chain's node, which says of the logs of payments that they are of another receiver.
function startNode(url, state) {
	return serve(async (request, response) => {
		const body = await bodyOf(request);
		const real = http.request(url, { method: request.method, headers: { 'content-type': 'application/json' } });
		real.on('error', () => response.destroy());
		real.end(body);
		const [answer] = await once(real, 'response');
		let text = await bodyOf(answer);
		if (state.lies) text = text.replaceAll(/("topics":\["0xddf252ad[^"]*","[^"]*","0x)[0-9a-f]{64}/g, `$1${'0'.repeat(62)}99`);
		response.writeHead(answer.statusCode, { 'content-type': 'application/json' });
		response.end(text);
	});
}

async function open(program, dir) {
	const world = { issuer, node: { lies: false }, provider: await makeKey('ES256'), servers: [] };
	mkdirSync(join(dir, 'idp'), { recursive: true });
	writeFileSync(join(dir, 'idp', 'jwks.json'), setOf(world.provider));
	world.canary = { hits: 0 };
	const canary = await serve((_, response) => { world.canary.hits++; response.end('{}'); });
	world.canary.url = canary.url;
	world.stack = new Stack({ program, dir, wallets: 2, scryptN: 1024,
		settings: { 'identity.issuer': issuer, 'identity.jwks_file': join(dir, 'idp', 'jwks.json') } });
	await world.stack.startChain();
	const node = await startNode(world.stack.anvil.url, world.node);
	world.servers.push(canary.server, node.server);
	await world.stack.makeWallets();
	await world.stack.fundWallets();
	await world.stack.writeConfiguration({ rpc: node.url });
	await world.stack.makeStore();
	await world.stack.start();
	world.make = async (...args) =>
		JSON.parse((await world.stack.run([...args, '--config', world.stack.configFile, '--json'])).stdout);
	return world;
}

// Every attempt in its order; tell(chapter, what, { answer, foiled }) after each.
export async function attack(program, dir, tell) {
	let world;
	try {
		world = await open(program, dir);
		await prepare(world);
		for (const [chapter, attempts] of chapters)
			for (const [what, attempt] of attempts) {
				let result;
				try {
					result = await attempt(world);
				} catch (error) {
					result = { answer: `no verdict: ${error.message}`, foiled: false };
				}
				await tell(chapter, what, result);
			}
	} finally {
		for (const server of world?.servers ?? []) {
			server.close();
			server.closeAllConnections();
		}
		await world?.stack?.close();
	}
}
