// A screening service that does what a file says: `allow`, `deny`, `review`; `deny 0x… 0x…`, which allows all other
// receivers; `away`; or `hold`, which answers as soon as the file says something else. Receivers that were asked about
// stand in another file, one a line.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startScreening } from '../tools/src/screening.mjs';

const secret = 'a secret of both sides, and long enough';
const holdMs = 10;

export async function startActing(dir) {
	const file = (name) => join(dir, `screening-${name}`);
	const read = () => readFileSync(file('act'), 'utf8').trim();
	writeFileSync(file('secret'), secret, { mode: 0o600 });
	writeFileSync(file('act'), 'allow');
	writeFileSync(file('asked'), '');
	let isEnding = false;
	const service = await startScreening(secret, async (question, { response }) => {
		appendFileSync(file('asked'), `${question.receiver}\n`);
		while (read() === 'hold' && !isEnding) await sleep(holdMs);
		const [word, ...receivers] = read().split(' ');
		if (word === 'away') return void response.writeHead(503).end();
		const spared = receivers.length > 0 && !receivers.includes(question.receiver);
		return { decision: spared ? 'allow' : word };
	}, { apartMs: Infinity }); // a life's clock runs ahead
	return {
		env: {
			SLUICE_TEST_SCREENING_URL: service.url,
			SLUICE_TEST_SCREENING_SECRET_FILE: file('secret'),
			SLUICE_TEST_SCREENING_ACT: file('act'),
			SLUICE_TEST_SCREENING_ASKED: file('asked'),
		},
		async stop() {
			isEnding = true;
			await service.stop();
		},
	};
}
