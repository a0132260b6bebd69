// A stack on the servers of a cluster: MariaDB for store and journal, and an SQS of others.
import { credentials, startFauxqs } from '../../test/tools/src/emulators.mjs';
import { region } from '../../test/tools/src/kms.mjs';
import { makeDatabases, startMariadb } from '../../test/tools/src/mariadb.mjs';
import { Stack, findFreePorts, readCpuSeconds } from '../../test/tools/src/stack.mjs';

// As an installation that loses no answered commit, whose replicas read the binary log, and whose
// working set fits into memory. innodb_flush_log_at_trx_commit is 1 in any case.
export const serverSettings = [
	'--log-bin',
	'--server-id=1',
	'--sync-binlog=1',
	'--binlog-format=ROW',
	'--innodb-buffer-pool-size=1G',
	'--innodb-log-file-size=1G',
];

export class ServersStack extends Stack {
	async makeWallets() {
		const [port] = await findFreePorts(1);
		this.mariadb = await startMariadb(this.dir, { port, settings: serverSettings });
		this.sqs = await startFauxqs(this.dir);
		this.set({
			...(await makeDatabases(this.mariadb, this.dir)),
			'queue.backend': 'sqs',
			'queue.region': region,
			'queue.endpoint': this.sqs.url,
		});
		Object.assign(this.environment, credentials);
		await super.makeWallets();
	}

	async makeStore() {
		await super.makeStore();
		await this.run(['queues', 'create', '--config', this.configFile]);
	}

	usage() {
		const of = ({ pid }) => ({ pid, cpuSeconds: readCpuSeconds(pid) });
		return { ...super.usage(), mariadbd: of(this.mariadb), fauxqs: of(this.sqs) };
	}

	async close() {
		const clean = await super.close();
		await this.sqs?.stop();
		await this.mariadb?.stop();
		return clean;
	}
}
