// fauxqs, an SQS of others, on 127.0.0.1 (its own starter listens everywhere); started by emulators.mjs.
//
// usage: fauxqs_server.mjs PORT CLOCK_PORT
//
// PORT answers as SQS. A request to CLOCK_PORT with ?ms=N puts its clock ahead by N more milliseconds,
// so that nobody has to wait until a message is visible again.
import { createServer } from 'node:http';

const realNow = Date.now.bind(Date);
let ahead = 0;
Date.now = () => realNow() + ahead;

const { buildApp } = await import('fauxqs');
const [port, clockPort] = process.argv.slice(2).map(Number);
const app = buildApp({ logger: false });
await app.listen({ port, host: '127.0.0.1' });
createServer((request, reply) => {
	ahead += Number(new URL(request.url, 'http://localhost').searchParams.get('ms'));
	reply.end('{}');
}).listen(clockPort, '127.0.0.1', () => console.log('ready'));
