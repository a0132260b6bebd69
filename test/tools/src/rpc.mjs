// JSON-RPC over keep-alive HTTP, with batches. Answers are taken apart here and nowhere else.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

export class RpcError extends Error {
	constructor(method, { code, message, data }) {
		super(`${method}: ${message} (${code})`);
		Object.assign(this, { method, code, data });
	}
}

function postOnce(url, body, timeoutMs) {
	return new Promise((resolve, reject) => {
		const request = http.request(url, {
			agent,
			method: 'POST',
			timeout: timeoutMs,
			headers: {
				'Content-Type': 'application/json',
				'Content-Length': Buffer.byteLength(body),
			},
		});
		request.on('timeout', () => request.destroy(new Error(`${url}: no answer`)));
		request.on('error', (error) => {
			error.stale = request.reusedSocket && error.code === 'ECONNRESET';
			reject(error);
		});
		request.on('response', (response) => {
			const chunks = [];
			response.on('data', (chunk) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => resolve(Buffer.concat(chunks).toString()));
		});
		request.end(body);
	});
}

// A kept connection may have died with the node's last life; only then is a call repeated.
async function post(url, body, timeoutMs) {
	for (;;) {
		try {
			return await postOnce(url, body, timeoutMs);
		} catch (error) {
			if (!error.stale) throw error;
		}
	}
}

const frame = (id, [method, params]) => ({ jsonrpc: '2.0', id, method, params });

// One call; the result, or an RpcError with the node's words.
export async function callRpc(url, method, params = [], { timeoutMs = 30_000 } = {}) {
	const text = await post(url, JSON.stringify(frame(1, [method, params])), timeoutMs);
	const answer = JSON.parse(text);
	if (answer.error) throw new RpcError(method, answer.error);
	return answer.result;
}

async function callBatch(url, calls, timeoutMs) {
	const body = JSON.stringify(calls.map((call, index) => frame(index, call)));
	const answers = JSON.parse(await post(url, body, timeoutMs));
	if (!Array.isArray(answers)) throw new RpcError('batch', answers.error);
	const results = new Array(calls.length);
	const seen = new Set();
	for (const answer of answers) {
		const [method] = calls[answer.id];
		if (answer.error) throw new RpcError(method, answer.error);
		results[answer.id] = answer.result;
		seen.add(answer.id);
	}
	if (seen.size !== calls.length) throw new Error(`${url}: batch answered in part`);
	return results;
}

// Many calls, [method, params] each, `size` to a request, two requests at a time. The results in
// the order of the calls; the first error ends it.
export async function callRpcMany(url, calls, { size = 100, timeoutMs = 60_000 } = {}) {
	const parts = [];
	for (let at = 0; at < calls.length; at += size) parts.push(calls.slice(at, at + size));
	const results = new Array(parts.length);
	let next = 0;
	const work = async () => {
		while (next < parts.length) {
			const index = next++;
			results[index] = await callBatch(url, parts[index], timeoutMs);
		}
	};
	await Promise.all([work(), work()]);
	return results.flat();
}
