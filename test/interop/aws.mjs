// Requests to AWS as Sluice signs them, judged by aws4; the credentials come from every source.
// Prints TAP.
//
// usage: node aws.mjs AWS_TOOL
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startJudge } from '../tools/src/sigv4.mjs';

const [DONE, NOT_SENT, DENIED, BUSY, REFUSED, UNKNOWN] = [0, 1, 2, 3, 4, 5];
const tool = process.argv[2];
const dir = mkdtempSync(join(tmpdir(), 'sluice-aws-'));
const region = 'eu-central-1';
const KEY = { id: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const LONG_TOKEN = `IQoJ+${'b3Jp/Z2lu=='.repeat(500)}`;

function keysOf(id, secretAccessKey, sessionToken) {
	return { [id]: { secretAccessKey, sessionToken } };
}

function echo({ headers, body }) {
	return { body: JSON.stringify({ target: headers['x-amz-target'], type: headers['content-type'], length: body.length }) };
}

// Sends batches ([[action, body]…]…) and reads the answers.
function send(url, batches, env, { service = 'sqs', target = 'AmazonSQS', json = '1.0' } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(tool, [url, region, service, target, json],
			{ env: { ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '', ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
		let output = '', errors = '';
		child.stdout.on('data', (chunk) => output += chunk);
		child.stderr.on('data', (chunk) => errors += chunk);
		child.on('error', reject);
		child.on('close', (status) => {
			const answers = output.split('\n').filter(Boolean).map((line) => {
				const [, verdict, code, fault, rest] = /^(\d) (\d+) (\S+) (.*)$/.exec(line);
				return { verdict: Number(verdict), status: Number(code), fault, rest };
			});
			resolve({ status, answers, errors, output });
		});
		child.stdin.end(batches.map((batch) => batch.map((one) => one.join(' ') + '\n').join('')).join('\n'));
	});
}

async function judged(options, run) {
	const judge = await startJudge({ answer: echo, region, service: 'sqs', ...options });
	try {
		await run(judge);
	} finally {
		await judge.stop();
	}
}

// A service that hands out keys: answer(request, body) => { status, body }.
async function handing(answer, run) {
	const server = createServer((request, reply) => {
		let body = '';
		request.on('data', (chunk) => body += chunk);
		request.on('end', () => {
			const { status = 200, body: text } = answer(request, body);
			reply.writeHead(status).end(text);
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	try {
		await run(`http://127.0.0.1:${server.address().port}`);
	} finally {
		server.closeAllConnections?.();
		await new Promise((resolve) => server.close(resolve));
	}
}

function metadata(id, secret, token, more = {}) {
	return JSON.stringify({
		AccessKeyId: id, SecretAccessKey: secret, Token: token,
		Expiration: new Date(Date.now() + 3600_000).toISOString(), ...more,
	});
}

const environment = { AWS_ACCESS_KEY_ID: KEY.id, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey };
const once = [[['SendMessage', '{"a":1}']]];

const tests = {
	async 'what we sign is what others would sign'() {
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey) }, async ({ url, seen }) => {
			const bodies = ['{}', '{"text":"ünïcode ☃ \\" \\\\ %41 +/="}', `{"long":"${'x'.repeat(200_000)}"}`];
			const { answers } = await send(url, [bodies.map((body, i) => [`Action${i}`, body])], environment);
			assert.deepEqual(answers.map(({ verdict }) => verdict), [DONE, DONE, DONE]);
			answers.forEach(({ rest }, i) => assert.deepEqual(JSON.parse(rest), {
				target: `AmazonSQS.Action${i}`, type: 'application/x-amz-json-1.0', length: Buffer.byteLength(bodies[i]),
			}));
			assert.deepEqual([seen.taken, seen.refused], [3, []]);
		});
	},

	async 'other services, and the other content type'() {
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey), service: 'kms' }, async ({ url }) => {
			const kms = { service: 'kms', target: 'TrentService', json: '1.1' };
			const { answers: [answer] } = await send(`${url}/`, [[['Sign', '{}']]], environment, kms);
			assert.deepEqual(JSON.parse(answer.rest), { target: 'TrentService.Sign', type: 'application/x-amz-json-1.1', length: 2 });
		});
	},

	async 'a long session token is signed, too'() {
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey, LONG_TOKEN) }, async ({ url }) => {
			const { answers } = await send(url, once, { ...environment, AWS_SESSION_TOKEN: LONG_TOKEN });
			assert.equal(answers[0].verdict, DONE, answers[0].rest);
		});
	},

	async 'two hundred side by side'() {
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey) }, async ({ url }) => {
			const many = Array.from({ length: 200 }, (_, i) => [`A${i}`, `{"n":"${'y'.repeat(i)}"}`]);
			const { answers } = await send(url, [many], environment);
			assert.deepEqual(answers.map(({ verdict, rest }) => [verdict, verdict === DONE && JSON.parse(rest).target]),
				many.map((_, i) => [DONE, `AmazonSQS.A${i}`]));
		});
	},

	async 'a wrong secret, a wrong token, an unknown key and another region are denied'() {
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey) }, async ({ url, seen }) => {
			const told = [];
			for (const env of [
				{ ...environment, AWS_SECRET_ACCESS_KEY: `${KEY.secretAccessKey}x` },
				{ ...environment, AWS_SESSION_TOKEN: 'another' },
				{ ...environment, AWS_ACCESS_KEY_ID: 'AKIDOTHER' },
			]) {
				const { answers: [answer], output } = await send(url, once, env);
				assert.equal(answer.verdict, DENIED);
				assert.doesNotMatch(output, /wJalr|another/);
				told.push(answer.fault);
			}
			const { answers: [answer] } = await send(url, once, environment, { service: 'sns' });
			told.push(answer.fault);
			assert.deepEqual(told, ['InvalidSignatureException', 'UnrecognizedClientException',
				'UnrecognizedClientException', 'InvalidSignatureException']);
			assert.equal(seen.taken, 0);
		});
	},

	async 'what an answer means'() {
		const said = {
			Busy: { status: 400, body: '{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slower"}' },
			No: { status: 400, body: '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such\\nqueue"}' },
			Broken: { status: 500, body: '{"__type":"InternalFailure"}' },
			Proxy: { status: 502, body: '<html>' },
			Forbidden: { status: 403, body: '<html>' },
		};
		const answer = ({ headers }) => said[headers['x-amz-target'].split('.')[1]];
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey), answer }, async ({ url }) => {
			const { answers } = await send(url, [Object.keys(said).map((name) => [name, '{}'])], environment);
			assert.deepEqual(answers.map(({ verdict, status, fault }) => [verdict, status, fault]), [
				[BUSY, 400, 'RequestThrottled'], [REFUSED, 400, 'QueueDoesNotExist'], [UNKNOWN, 500, 'InternalFailure'],
				[UNKNOWN, 502, '-'], [DENIED, 403, '-']]);
			assert.match(answers[1].rest, /no such\?queue$/);
		});
		const { answers: [nobody] } = await send('http://127.0.0.1:1', once, environment);
		assert.equal(nobody.verdict, NOT_SENT);
	},

	async 'keys of a file, by profile; not of one that others may read'() {
		const path = join(dir, 'credentials');
		writeFileSync(path, `[default]\naws_access_key_id = no\naws_secret_access_key = no\n\n# mine\n[pay]\n` +
			`aws_access_key_id=${KEY.id}\r\naws_secret_access_key = ${KEY.secretAccessKey}\naws_session_token= a/token+=\n`, { mode: 0o600 });
		await judged({ keys: keysOf(KEY.id, KEY.secretAccessKey, 'a/token+=') }, async ({ url }) => {
			const env = { AWS_SHARED_CREDENTIALS_FILE: path, AWS_PROFILE: 'pay' };
			assert.equal((await send(url, once, env)).answers[0].verdict, DONE);
			assert.equal((await send(url, once, { ...env, AWS_PROFILE: 'default' })).answers[0].verdict, DENIED);
			const { answers: [absent] } = await send(url, once, { ...env, AWS_PROFILE: 'other' });
			assert.equal(absent.verdict, NOT_SENT);
			assert.match(absent.rest, /no profile "other"/);
			chmodSync(path, 0o644);
			const { answers: [open] } = await send(url, once, env);
			assert.match(open.rest, /others than its owner may use it/);
		});
	},

	async 'a web identity is exchanged for keys'() {
		const path = join(dir, 'web-token');
		writeFileSync(path, 'eyJ.web+id/entity.sig\n', { mode: 0o644 });
		let asked;
		const sts = (request, body) => {
			asked = Object.fromEntries(new URLSearchParams(body));
			if (asked.RoleArn !== 'arn:aws:iam::1:role/pay')
				return { status: 403, body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>eyJ</Message></Error></ErrorResponse>' };
			return { body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
				<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
				<SecretAccessKey>role/secret+</SecretAccessKey><SessionToken>role/token==</SessionToken>
				<Expiration>${new Date(Date.now() + 3600_000).toISOString()}</Expiration></Credentials>
				</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>` };
		};
		await handing(sts, async (stsUrl) => {
			await judged({ keys: keysOf('ASIAROLE', 'role/secret+', 'role/token==') }, async ({ url }) => {
				const env = { AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: 'arn:aws:iam::1:role/pay', AWS_ENDPOINT_URL_STS: stsUrl };
				assert.equal((await send(url, once, env)).answers[0].verdict, DONE);
				assert.deepEqual(asked, { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: 'arn:aws:iam::1:role/pay',
					RoleSessionName: 'sluice', WebIdentityToken: 'eyJ.web+id/entity.sig' });
				const { answers: [no] } = await send(url, once, { ...env, AWS_ROLE_ARN: 'arn:aws:iam::1:role/x' });
				assert.equal(no.verdict, NOT_SENT);
				assert.match(no.rest, /web identity.*AccessDenied.*403/);
				assert.doesNotMatch(no.rest, /eyJ/);
				const { status, errors } = await send(url, once, { AWS_WEB_IDENTITY_TOKEN_FILE: path });
				assert.equal(status, 1);
				assert.match(errors, /AWS_ROLE_ARN/);
			});
		});
	},

	async 'keys of a container, with its token'() {
		const path = join(dir, 'container-token');
		writeFileSync(path, 'pod-token');
		const agent = ({ url, headers }) => url === '/v1/credentials?x=1' && headers.authorization === 'pod-token'
			? { body: metadata('POD', 'pod-secret', 'pod') } : { status: 401, body: '{}' };
		await handing(agent, async (agentUrl) => {
			const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agentUrl}/v1/credentials?x=1` };
			await judged({ keys: keysOf('POD', 'pod-secret', 'pod') }, async ({ url }) => {
				for (const token of [{ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path }, { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod-token' }])
					assert.equal((await send(url, once, { ...env, ...token })).answers[0].verdict, DONE);
				const { answers: [no] } = await send(url, once, { ...env, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'another' });
				assert.deepEqual([no.verdict, no.status], [NOT_SENT, 0]);
				assert.match(no.rest, /container.*401/);
			});
			const { answers: [no] } = await send('http://127.0.0.1:1', once, { ...env, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(dir, 'none') });
			assert.match(no.rest, /container.*cannot open/);
		});
	},

	async 'expired keys are renewed once, and only what they denied is sent again'() {
		const keys = { OLD: { secretAccessKey: 'old', sessionToken: 'old', expired: true }, ...keysOf('NEW', 'new', 'new') };
		let handed = 0;
		const agent = () => ({ body: handed++ === 0 ? metadata('OLD', 'old', 'old') : metadata('NEW', 'new', 'new') });
		await handing(agent, async (agentUrl) => {
			await judged({ keys }, async ({ url, seen }) => {
				const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: agentUrl };
				const { answers } = await send(url, [[['A', '{}'], ['B', '{}']], [['C', '{}']]], env);
				assert.deepEqual(answers.map(({ verdict, rest }) => [verdict, JSON.parse(rest).target]),
					[[DONE, 'AmazonSQS.A'], [DONE, 'AmazonSQS.B'], [DONE, 'AmazonSQS.C']]);
				assert.deepEqual([handed, seen.taken, seen.refused.length], [2, 3, 2]);
			});
		});
		// Nor is there any end to it when the new ones are no better.
		keys.NEW.expired = true;
		handed = 0;
		await handing(agent, async (agentUrl) => {
			await judged({ keys }, async ({ url, seen }) => {
				const { answers } = await send(url, [[['A', '{}']], [['B', '{}']]], { AWS_CONTAINER_CREDENTIALS_FULL_URI: agentUrl });
				assert.deepEqual(answers.map(({ verdict, fault }) => [verdict, fault]),
					[[DENIED, 'ExpiredTokenException'], [DENIED, 'ExpiredTokenException']]);
				assert.deepEqual([handed, seen.refused.length], [2, 3]);
			});
		});
	},

	async 'only the agent of a container is asked in clear'() {
		for (const uri of ['http://10.0.0.7/', 'http://127.0.0.1@evil.example/', 'http://localhost.evil.example/', 'ftp://127.0.0.1/']) {
			const { answers: [no] } = await send('http://127.0.0.1:1', once, { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri });
			assert.match(no.rest, /neither https nor/, uri);
		}
	},

	async 'keys of an instance, by version 2 of its metadata service'() {
		const asked = [];
		const service = ({ method, url, headers }) => {
			asked.push(`${method} ${url}`);
			if (method === 'PUT' && url === '/latest/api/token' && headers['x-aws-ec2-metadata-token-ttl-seconds'] === '21600')
				return { body: 'session-of-metadata==' };
			if (headers['x-aws-ec2-metadata-token'] !== 'session-of-metadata==')
				return { status: 401, body: '' };
			if (url === '/latest/meta-data/iam/security-credentials/')
				return { body: 'pay-role\n' };
			return url === '/latest/meta-data/iam/security-credentials/pay-role'
				? { body: metadata('ASIAEC2', 'ec2-secret', 'ec2-token', { Code: 'Success', Type: 'AWS-HMAC' }) } : { status: 404, body: '' };
		};
		await handing(service, async (metadataUrl) => {
			await judged({ keys: keysOf('ASIAEC2', 'ec2-secret', 'ec2-token') }, async ({ url }) => {
				const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataUrl };
				// Two calls, and one fetch.
				const { answers } = await send(url, [once[0], once[0]], env);
				assert.deepEqual(answers.map(({ verdict }) => verdict), [DONE, DONE]);
				assert.equal(asked.length, 3);
				const { status, errors } = await send(url, once, { ...env, AWS_EC2_METADATA_DISABLED: 'true' });
				assert.equal(status, 1);
				assert.match(errors, /no AWS credentials are set up/);
			});
		});
	},

	async 'an endpoint with a path is refused, which would be signed wrongly'() {
		const { status, errors } = await send('http://127.0.0.1:1/queue', once, environment);
		assert.equal(status, 1);
		assert.match(errors, /no path/);
	},
};

let failed = 0;
let count = 0;
console.log(`1..${Object.keys(tests).length}`);
for (const [name, test] of Object.entries(tests)) {
	count++;
	try {
		await test();
		console.log(`ok ${count} - ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok ${count} - ${name}`);
		console.log(String(error?.stack ?? error).replace(/^/gm, '# '));
	}
}
rmSync(dir, { recursive: true });
process.exit(failed > 0 ? 1 : 0);
