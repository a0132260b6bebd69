// A process of `sluice api` over a place: { dir, config, key }, with whatever its environment says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { environment, program, until } from './deployment.mjs';

export class Process {
	static receiver = '0x52908400098527886E0F7030069857D2E4169EE7';

	constructor(place, name, env = {}) {
		this.log = join(place.dir, `${name}.log`);
		this.place = place;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
		this.child = spawn(program, ['api', '--config', place.config], {
			stdio: 'inherit', env: environment({ SLUICE_LOG_FILE: this.log, ...env }),
		});
		this.ended = once(this.child, 'exit');
	}

	lines() {
		try {
			return readFileSync(this.log, 'utf8').split('\n').slice(0, -1).map(line => JSON.parse(line));
		} catch (error) {
			if (error.code === 'ENOENT') return [];
			throw error;
		}
	}

	async ready() {
		const line = await until('the API is ready', () => {
			assert.equal(this.child.exitCode, null, 'sluice api has ended');
			return this.lines().find(entry => entry['event.action'] === 'role_ready');
		});
		this.port = line.message.match(/:(\d+)$/)[1];
		return this;
	}

	async request(method, path, { key = this.place.key, headers = {}, body, agent = this.agent } = {}) {
		const started = Date.now();
		const request = http.request({
			host: '127.0.0.1', port: this.port, agent, method, path,
			headers: { authorization: `Bearer ${key}`, ...headers },
		});
		request.end(body);
		const [response] = await once(request, 'response');
		let text = '';
		for await (const part of response) text += part;
		return { status: response.statusCode, headers: response.headers, json: JSON.parse(text),
			ms: Date.now() - started };
	}

	get(path, options) {
		return this.request('GET', path, options);
	}

	post(key) {
		return this.request('POST', '/v1/withdrawals', {
			headers: { 'idempotency-key': key, 'content-type': 'application/json' },
			body: JSON.stringify({ chain: 'polygon', asset: 'POL', to: Process.receiver, amount: '1' }),
		});
	}

	async stop() {
		this.agent.destroy();
		this.child.kill('SIGTERM');
		assert.deepEqual(await this.ended, [0, null]);
	}
}
