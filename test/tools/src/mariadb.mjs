// A MariaDB server (or one of MySQL 8) of its own, in a directory of its own: for tests, the torture and the demo, which
// need commits that survive a killed server. It listens at a socket, where root comes in without a
// password, and (when a port is given) on loopback, where only TLS is spoken.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const startTimeoutMs = 30_000;
const mysqlHome = fileURLToPath(new URL('../.mysql', import.meta.url));
const ca = 'ca.pem';
// What a server may be set to by others who use it, and none of Sluice's tests may notice.
const othersSettings = [
	'--character-set-server=latin1', '--collation-server=latin1_swedish_ci', '--sql-mode=',
	'--transaction-isolation=REPEATABLE-READ', '--default-time-zone=+05:30', '--innodb-rollback-on-timeout=OFF',
];

function answers(path) {
	return new Promise((done) => {
		const socket = createConnection(path, () => {
			socket.destroy();
			done(true);
		});
		socket.on('error', () => done(false));
	});
}

const openssl = (dir, ...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });

// An authority, and a certificate of it for 127.0.0.1.
function makeCertificates(dir, keys) {
	const key = [...keys, '-nodes'];
	openssl(dir, 'req', '-x509', ...key, '-days', '2', '-subj', '/CN=Test authority', '-keyout', 'ca.key', '-out', ca);
	openssl(dir, 'req', ...key, '-subj', '/CN=127.0.0.1', '-keyout', 'server.key', '-out', 'server.csr');
	writeFileSync(join(dir, 'server.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
	openssl(dir, 'x509', '-req', '-in', 'server.csr', '-CA', ca, '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'server.ext', '-out', 'server.pem');
}

class Mariadb {
	program = 'mariadbd';
	keys = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

	constructor(dir, port, settings) {
		this.dir = dir;
		this.port = port;
		this.settings = settings;
		this.socket = join(dir, 'mariadb.sock');
		this.ca = port === undefined ? undefined : join(dir, ca);
	}

	install() {
		const data = join(this.dir, 'mariadb');
		const temporary = join(this.dir, 'mariadb-tmp'); // a server that starts deletes those of others
		for (const dir of [data, temporary]) mkdirSync(dir, { recursive: true });
		this.own = ['--no-defaults', `--datadir=${data}`, `--tmpdir=${temporary}`, '--user=root'];
		this.makeData();
		if (this.port !== undefined) makeCertificates(this.dir, this.keys);
	}

	makeData() {
		execFileSync('mariadb-install-db', [...this.own, '--auth-root-authentication-method=normal', '--skip-test-db'], { stdio: 'pipe' });
	}

	async start() {
		const network = this.port === undefined
			? ['--skip-networking']
			: [`--port=${this.port}`, '--bind-address=127.0.0.1', `--ssl-ca=${this.ca}`, `--ssl-cert=${join(this.dir, 'server.pem')}`, `--ssl-key=${join(this.dir, 'server.key')}`];
		this.child = spawn(this.program, [...this.own, `--socket=${this.socket}`, ...network,
			...othersSettings, '--innodb-flush-log-at-trx-commit=1', '--innodb-buffer-pool-size=64M',
			'--innodb-log-file-size=48M', '--max-connections=500', '--skip-name-resolve', `--pid-file=${join(this.dir, 'mariadb.pid')}`, ...this.settings,
		], { stdio: ['ignore', 'pipe', 'pipe'] });
		const { child } = this;
		let said = '';
		child.stderr.on('data', (text) => { said = (said + text).slice(-4000); });
		child.stdout.resume();
		this.ended = new Promise((done) => child.once('exit', done));
		for (const until = Date.now() + startTimeoutMs; !(await answers(this.socket));) {
			if (Date.now() > until || child.exitCode !== null) throw new Error(`${this.program} does not start: ${said}`);
			await sleep(20);
		}
	}

	get pid() {
		return this.child.pid;
	}

	// Rows of a query by root, as arrays of texts.
	async query(sql, database = 'mysql') {
		const { stdout } = await promisify(execFile)('mariadb', ['--no-defaults', `--socket=${this.socket}`, '-uroot', '-N', '-B', '-e', sql, database], { maxBuffer: 64 * 1024 * 1024 });
		return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
	}

	freeze() {
		this.child.kill('SIGSTOP');
	}

	thaw() {
		this.child.kill('SIGCONT');
	}

	async kill() {
		this.child.kill('SIGKILL');
		await this.ended;
	}

	async stop() {
		this.child.kill('SIGCONT');
		this.child.kill('SIGTERM');
		await this.ended;
	}
}

// Oracle's, which tool/install_mysql brings.
class Mysql extends Mariadb {
	program = join(mysqlHome, 'bin', 'mysqld');
	keys = ['-newkey', 'rsa:2048']; // its OpenSSL is older than automatic curves

	makeData() {
		this.own.push(`--lc-messages-dir=${join(mysqlHome, 'share')}`, '--mysqlx=OFF');
		execFileSync(this.program, [...this.own, '--initialize-insecure'], { stdio: 'pipe' });
	}
}

// Options: port on loopback, none: the socket alone; settings, further ones of the server; isMysql, one of MySQL 8.
export async function startMariadb(dir, { port, settings = [], isMysql = false } = {}) {
	const server = new (isMysql ? Mysql : Mariadb)(dir, port, settings);
	server.install();
	await server.start();
	return server;
}

// Databases of the store and the journal, and who may do what in them. Returns settings of Sluice's
// configuration. Password files are written into `dir`. Options: port, where Sluice finds the server.
export async function makeDatabases(server, dir, { port = server.port } = {}) {
	const users = {
		sluice: 'SELECT, INSERT, UPDATE, DELETE ON sluice.*',
		sluice_journal: 'SELECT, INSERT ON sluice_journal.*',
		sluice_migrate: 'ALL ON sluice.*',
		journal_migrate: 'ALL ON sluice_journal.*',
	};
	const files = {};
	await server.query('CREATE DATABASE sluice; CREATE DATABASE sluice_journal');
	for (const [user, rights] of Object.entries(users)) {
		const password = randomBytes(12).toString('hex');
		files[user] = join(dir, `${user}.password`);
		writeFileSync(files[user], `${password}\n`, { mode: 0o600 });
		await server.query(`CREATE USER ${user}@'127.0.0.1' IDENTIFIED BY '${password}' REQUIRE SSL; GRANT ${rights} TO ${user}@'127.0.0.1'`);
	}
	const settings = {};
	for (const [section, user, migrator] of [['store', 'sluice', 'sluice_migrate'], ['journal', 'sluice_journal', 'journal_migrate']]) {
		Object.assign(settings, {
			[`${section}.backend`]: 'mysql',
			[`${section}.host`]: '127.0.0.1',
			[`${section}.port`]: port,
			[`${section}.user`]: user,
			[`${section}.password_file`]: files[user],
			[`${section}.migrate_user`]: migrator,
			[`${section}.migrate_password_file`]: files[migrator],
			[`${section}.tls_ca`]: server.ca,
		});
	}
	return settings;
}

// What a server needs that others replicate from.
export const primarySettings = ['--server-id=1', '--log-bin', '--sync-binlog=1', '--gtid-strict-mode=1'];

// A server that replicates all of `primary`, which has primarySettings and knows everything that it
// was ever told in its log. Nobody but root writes there.
export async function startReplica(dir, primary, { port }) {
	const replica = await startMariadb(dir, { port, settings: ['--server-id=2', '--read-only=1', '--gtid-strict-mode=1'] });
	const password = randomBytes(12).toString('hex');
	await primary.query(`CREATE USER replicator@'127.0.0.1' IDENTIFIED BY '${password}' REQUIRE SSL; GRANT REPLICATION SLAVE ON *.* TO replicator@'127.0.0.1'`);
	await replica.query(`CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${primary.port}, MASTER_USER='replicator', MASTER_PASSWORD='${password}', `
		+ `MASTER_SSL=1, MASTER_SSL_CA='${primary.ca}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1; START SLAVE`);
	return replica;
}
