// Authorities and certificates for tests, made by openssl.
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

export class Authority {
	constructor(dir, name) {
		this.dir = dir;
		this.key = join(dir, `${name}.key`);
		this.file = join(dir, `${name}.pem`);
		openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
			'-subj', `/CN=${name}`, '-keyout', this.key, '-out', this.file);
	}

	// { cert, key }: files of a certificate for these names ("IP:127.0.0.1", "DNS:localhost").
	issue(name, { names = ['IP:127.0.0.1', 'DNS:localhost'], days = 2 } = {}) {
		const [cert, key, request] = ['pem', 'key', 'csr'].map(end => join(this.dir, `${name}.${end}`));
		openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
			'-addext', `subjectAltName=${names.join(',')}`, '-keyout', key, '-out', request);
		openssl('x509', '-req', '-in', request, '-CA', this.file, '-CAkey', this.key, '-CAcreateserial',
			'-days', String(days), '-copy_extensions', 'copy', '-out', cert);
		chmodSync(key, 0o600);
		return { cert, key };
	}
}
