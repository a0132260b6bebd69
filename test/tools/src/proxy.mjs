// A proxy on 127.0.0.1 in front of a server, that behaves as it is told: for what is on the wire and
// for what comes. It looks at no bytes, except to answer HTTP itself.
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

export class Proxy {
	constructor(port) {
		this.target = port;
		this.pairs = new Set();
		this.mode = 'pass';
		this.delayMs = 0;
		this.connections = 0; // so many came
	}

	async start() {
		this.server = createServer(client => this.accept(client));
		this.server.listen(0, '127.0.0.1');
		await once(this.server, 'listening');
		this.port = this.server.address().port;
		return this;
	}

	accept(client) {
		this.connections++;
		client.on('error', () => client.destroy());
		if (this.mode === 'reset') {
			client.resetAndDestroy?.() ?? client.destroy();
			return;
		}
		const server = createConnection(this.target, '127.0.0.1');
		const pair = { client, server };
		this.pairs.add(pair);
		const end = () => {
			client.destroy();
			server.destroy();
			this.pairs.delete(pair);
		};
		server.on('error', end);
		for (const side of [client, server]) side.on('close', end);
		client.on('data', bytes => this.forward(server, bytes, client));
		server.on('data', bytes => this.forward(client, bytes));
		if (this.mode === 'frozen') this.freezePair(pair);
	}

	// A client whose request meets a status gets that, and the server hears nothing of it.
	forward(to, bytes, from) {
		if (from && this.mode === 'status') {
			from.write(`HTTP/1.1 ${this.status} Fault\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfault`);
			from.end();
		} else if (this.delayMs > 0) {
			setTimeout(() => to.writable && to.write(bytes), this.delayMs);
		} else if (to.writable) {
			to.write(bytes);
		}
	}

	freezePair({ client, server }) {
		client.pause();
		server.pause();
	}

	// Nothing passes, and nothing is closed.
	freeze() {
		this.mode = 'frozen';
		for (const pair of this.pairs) this.freezePair(pair);
	}

	// As it should be; what was held up passes now.
	pass() {
		this.mode = 'pass';
		this.delayMs = 0;
		for (const { client, server } of this.pairs) {
			client.resume();
			server.resume();
		}
	}

	// What is open is closed, and what comes too.
	reset() {
		this.mode = 'reset';
		this.cut();
	}

	// What is open is closed; what comes is let through.
	cut() {
		for (const { client } of [...this.pairs]) client.resetAndDestroy?.() ?? client.destroy();
	}

	delay(ms) {
		this.pass();
		this.delayMs = ms;
	}

	answer(status) {
		this.pass();
		this.mode = 'status';
		this.status = status;
	}

	async stop() {
		this.reset();
		this.server.close();
		await once(this.server, 'close');
	}
}

export const startProxy = port => new Proxy(port).start();
