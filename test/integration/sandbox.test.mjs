// What a role that somebody has taken over can do: each one tries, from inside of its sandbox, to read
// keys, the journal and what is another role's, to start a program, to look into another process.
// In builds with -Ddefence_switches=true, whose roles try what SLUICE_TEST_SANDBOX says.
//
// usage: SLUICE=path/to/sluice node --test sandbox.test.mjs
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { environment, newComplete, program, succeed, until } from './deployment.mjs';

const roles = ['api', 'processor', 'signer', 'monitor'];
const denied = 'Permission denied';
let places = 0;
const children = [];
after(() => children.forEach(child => child.kill('SIGKILL')));

// `sluice run` over a deployment of its own; its standard error is its log.
class Run {
	static async start({ env = () => ({}), extra, change, until: condition } = {}) {
		const run = new Run();
		const deployment = newComplete(`sandbox-${++places}`, { extra });
		run.dir = deployment.dir;
		run.config = deployment.config;
		if (change) writeFileSync(run.config, change(readFileSync(run.config, 'utf8')));
		run.text = '';
		run.child = spawn(program, ['run', '--config', deployment.config, '--pid-dir', join(run.dir, 'pids')], {
			stdio: ['ignore', 'ignore', 'pipe'], env: environment(env(run)),
		});
		run.ended = once(run.child, 'exit');
		children.push(run.child);
		run.child.stderr.on('data', data => { run.text += data; });
		condition ??= () => run.lines('sandboxed').length === roles.length;
		await until('every role is in its sandbox', () => {
			assert.equal(run.child.exitCode, null, run.text);
			// Who is told to stop before it has started dies of it.
			return run.lines('role_starting').length >= roles.length && condition(run);
		});
		return run;
	}

	pid(name) {
		return Number(readFileSync(join(this.dir, 'pids', `${name}.pid`), 'utf8'));
	}

	path(...parts) {
		return join(this.dir, 'var', ...parts);
	}

	lines(action) {
		return this.text.split('\n').slice(0, -1).map(line => JSON.parse(line))
			.filter(line => line['event.action'] === action);
	}

	async stop() {
		this.child.kill('SIGTERM');
		assert.deepEqual(await this.ended, [0, null], this.text);
	}
}

// What `role` says of each attempt: { 'read /path': 'Permission denied' }.
async function attempts(role, listOf) {
	let list;
	const change = (text) => `${text}
screening: { url: "http://127.0.0.1:9/", secret_file: screening.secret, deadline_ms: 500 }
`;
	const run = await Run.start({ change, env: (run) => {
		list = listOf(run);
		writeFileSync(join(run.dir, 'screening.secret'), 'what the screening service knows too', { mode: 0o600 });
		writeFileSync(run.path('journal.db'), '', { mode: 0o600 }); // the signer may be later
		return { SLUICE_TEST_SANDBOX: `${role} ${list.join(',')}` };
	} });
	const lines = await until('it has tried all', () => {
		const lines = run.lines('sandbox_tried');
		return lines.length === list.length && lines;
	});
	await run.stop();
	return { run, ends: Object.fromEntries(lines.map(line => {
		assert.equal(line['service.name'], `sluice-${role}`);
		const at = line.message.lastIndexOf(': ');
		return [line.message.slice(0, at), line.message.slice(at + 2)];
	})) };
}

// Everything that some role has to itself, and who may open it.
const secrets = (run) => [
	['hot.json', join(run.dir, 'hot.json'), ['signer']],
	['hot.password', join(run.dir, 'hot.password'), ['signer']],
	['journal', run.path('journal.db'), ['signer']],
	['secret of screening', join(run.dir, 'screening.secret'), ['processor']],
	...[...roles, 'admin'].map(role => [`trust of ${role}`, run.path('trust', `${role}.keys`), [role]]),
];

for (const role of roles)
	test(`stolen-keys: the ${role} opens its own files, and none of another role`, async () => {
		const { run, ends } = await attempts(role, (run) => [
			...secrets(run).flatMap(([, path]) => [`read:${path}`, `write:${path}`]),
			`read:${run.path('sluice.db')}`, `write:${run.path('sluice.db')}`,
			`make:${run.path('new')}`, `make:${run.path('trust', 'new.keys')}`,
			`remove:${join(run.dir, 'hot.json')}`, `remove:${run.path('journal.db')}`,
			`remove:${run.path('sluice.db')}`, `make:${run.path('sluice.db-run', 'new')}`,
			'read:/bin/sh', 'list:/root', 'list:/var/lib', `make:${join(run.dir, 'new')}`,
			`read:${run.config}`, 'read:/proc/1/environ', 'read:/etc/ssl/openssl.cnf',
		]);
		for (const [name, path, owners] of secrets(run)) {
			const own = owners.includes(role);
			assert.equal(ends[`read ${path}`], own ? 'done' : denied, `${role} reads ${name}`);
			// Its trust file is read only, and so are its keys.
			const writes = own && name === 'journal';
			assert.equal(ends[`write ${path}`], writes ? 'done' : denied, `${role} writes ${name}`);
			assert.ok(existsSync(path));
		}
		assert.equal(ends[`read ${run.path('sluice.db')}`], 'done');
		assert.equal(ends[`write ${run.path('sluice.db')}`], 'done');
		assert.equal(ends[`make ${run.path('sluice.db-run', 'new')}`], 'done');
		assert.equal(ends['read /etc/ssl/openssl.cnf'], 'done');
		for (const attempt of [`make ${run.path('new')}`, `make ${run.path('trust', 'new.keys')}`,
			`remove ${join(run.dir, 'hot.json')}`, `remove ${run.path('journal.db')}`,
			`remove ${run.path('sluice.db')}`, 'read /bin/sh', 'list /root', 'list /var/lib',
			`make ${join(run.dir, 'new')}`, `read ${run.config}`, 'read /proc/1/environ'])
			assert.equal(ends[attempt], denied, `${role}: ${attempt}`);
	});

// The kernel carries none of them out: the role says which one it was, and dies; it is started again.
const forbidden = {
	exec: 'execve', fork: 'clone', mount: 'mount', keys: 'keyctl', [`attach:${process.pid}`]: 'ptrace',
	[`signal:${process.pid}`]: 'kill', handler: 'rt_sigaction', code: 'mmap', packet: 'socket',
	made: 'mprotect', [`thread:${process.pid}`]: 'tgkill', [`owner:${process.pid}`]: 'fcntl',
};
const sanitized = readFileSync(program).includes('__asan_init');
for (const [index, [attempt, call]] of Object.entries(forbidden).entries()) {
	const role = roles[index % roles.length];
	// Sanitizers look for leaks by a tracer of their own: such builds may call these, and a build
	// without them is needed to see that nothing else may.
	if (sanitized && ['clone', 'ptrace', 'kill'].includes(call)) continue;
	test(`taken-over: ${call} ends the ${role}, and the supervisor says so`, async () => {
		const run = await Run.start({
			env: () => ({ SLUICE_TEST_SANDBOX: `${role} ${attempt}` }),
			until: (run) => run.lines('role_died').length > 0,
		});
		const died = run.lines('role_died')[0];
		run.child.kill('SIGKILL');
		await run.ended;
		assert.deepEqual(run.lines('sandbox_tried'), []);
		assert.match(died.message, new RegExp(`^${role} was killed by signal 31`));
		assert.match(died.message, new RegExp(`the call ${call} \\(\\d+\\) is not one of its own`));
		assert.equal(died['labels.alarm'], true);
		const told = run.lines('forbidden_call')[0];
		assert.equal(told['service.name'], `sluice-${role}`);
		assert.equal(told['labels.alarm'], true);
	});
}

const field = (pid, name, file = 'status') =>
	readFileSync(`/proc/${pid}/${file}`, 'utf8').match(new RegExp(`^${name}\\s*:?\\s+(.*)$`, 'm'))[1];

test('every process is without privileges, without dumps, and filtered', async () => {
	const run = await Run.start();
	for (const pid of ['run', ...roles].map(name => run.pid(name))) {
		assert.equal(field(pid, 'NoNewPrivs'), '1');
		assert.equal(field(pid, 'Seccomp'), '2');
		for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
			assert.equal(field(pid, set), '0000000000000000', `${set} of ${pid}`);
		assert.match(field(pid, 'Max core file size', 'limits'), /^0 +0 /);
		// Who may not be dumped belongs to root, for others of its user.
		assert.equal(statSync(`/proc/${pid}/maps`).uid, 0);
	}
	await run.stop();
});

test('sandbox: off is obeyed, and log shuts no file', async () => {
	for (const [mode, seccomp] of [['off', '0'], ['log', '2']]) {
		const run = await Run.start({
			extra: `sandbox: ${mode}\n`,
			until: (run) => run.lines('sandbox_tried').length === 2,
			env: (run) => ({ SLUICE_TEST_SANDBOX: `api read:${join(run.dir, 'hot.json')},packet` }),
		});
		assert.equal(field(run.pid('api'), 'Seccomp'), seccomp);
		const lines = run.lines('sandbox_tried').map(line => line.message);
		assert.equal(lines[0], `read ${join(run.dir, 'hot.json')}: done`);
		await run.stop();
	}
});

// Who finds one of systemd, D-Bus or Docker could have a program started there.
test('taken-over: no role has a stream to a daemon of this host', async () => {
	for (const role of roles) {
		const { ends } = await attempts(role, () => ['local', 'datagram']);
		assert.deepEqual(ends, { 'local ': denied, 'datagram ': 'done' }, role);
	}
});

test('stolen-keys: credentials of AWS are for who asks AWS', async () => {
	const credentials = (run) => {
		writeFileSync(join(run.dir, 'credentials'), '[default]\n');
		return join(run.dir, 'credentials');
	};
	const kms = (text) => text.replace('signer:\n', 'signer:\n  kms:\n    - { name: k, region: eu-central-1 }\n');
	for (const [role, change, end] of [['api', kms, denied], ['signer', undefined, denied], ['signer', kms, 'done']]) {
		let path;
		const run = await Run.start({ change, until: (run) => run.lines('sandbox_tried').length === 1,
			env: (run) => {
				path = credentials(run);
				return { AWS_SHARED_CREDENTIALS_FILE: path, SLUICE_TEST_SANDBOX: `${role} read:${path}` };
			} });
		assert.equal(run.lines('sandbox_tried')[0].message, `read ${path}: ${end}`);
		run.child.kill('SIGKILL');
		await run.ended;
	}
});

test('keys beside /etc/resolv.conf and certificates stay shut', async () => {
	// A directory is opened as a whole only when nothing of another role is in it.
	const run = await Run.start({
		until: (run) => run.lines('sandbox_tried').length === 2,
		env: (run) => {
			writeFileSync(join(run.dir, 'authorities.pem'), 'none');
			return { SSL_CERT_FILE: join(run.dir, 'authorities.pem'),
				SLUICE_TEST_SANDBOX: `api read:${join(run.dir, 'authorities.pem')},read:${join(run.dir, 'hot.json')}` };
		},
	});
	assert.deepEqual(run.lines('sandbox_tried').map(line => line.message.split(': ').at(-1)), ['done', denied]);
	const warned = run.lines('sandbox_incomplete').filter(line => line['service.name'] === 'sluice-api');
	assert.match(warned[0].message, /authorities\.pem has secrets of other roles in its directory/);
	await run.stop();
});

test('a store that was closed leaves nothing that stands in the way of its copy', async () => {
	const run = await Run.start();
	await run.stop();
	assert.equal(statSync(run.path('sluice.db-wal')).size, 0);
	succeed(['api-key', 'list', '--config', run.config]);
});
