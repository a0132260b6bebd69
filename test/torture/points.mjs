// Where the torture has a role stop itself and be killed: a call of a port (src/port/stop_point.h),
// before it or after it. test/tools/test/points.test.mjs holds the names against the ports.

// Each role's main calls. Between `store_attempts_add:after` and `chain_send_many` lies the gap
// between commit and send; after chain_send_many the bytes are out and nobody has written it down.
export const stopPoints = [
	['signer', 'store_attempts_add', 'after'],
	['signer', 'chain_send_many', 'before'],
	['signer', 'chain_send_many', 'after'],
	['signer', 'store_transfers_reserve', 'after'],
	['api', 'store_accept_withdrawals', 'after'],
	['processor', 'store_withdrawals_change', 'after'],
	['monitor', 'store_transfers_observe', 'before'],
	['signer', 'journal_append_many', 'after'],
	['signer', 'store_attempts_sent', 'before'],
	['signer', 'store_attempts_sent', 'after'],
	['signer', 'store_transfers_reserve', 'before'],
	['signer', 'journal_append_many', 'before'],
	['signer', 'keys_sign_many', 'before'],
	['signer', 'keys_sign_many', 'after'],
	['signer', 'store_attempts_add', 'before'],
	['signer', 'queue_claim', 'after'],
	['signer', 'chain_estimate_many', 'after'],
	['signer', 'db_commit', 'before'],
	['signer', 'db_commit', 'after'],
	['api', 'store_accept_withdrawals', 'before'],
	['api', 'db_commit', 'before'],
	['processor', 'queue_claim', 'after'],
	['processor', 'store_withdrawals_load', 'after'],
	['processor', 'store_withdrawals_change', 'before'],
	['processor', 'store_sweep', 'before'],
	['processor', 'db_commit', 'before'],
	['monitor', 'chain_receipts', 'before'],
	['monitor', 'chain_receipts', 'after'],
	['monitor', 'store_transfers_observe', 'after'],
	['monitor', 'db_commit', 'before'],
];

// While a role starts again: its leases, what it finds, what it drains. Each is passed at every
// start.
export const startPoints = {
	api: [['store_catalogue_pin', 'after']],
	processor: [
		['store_catalogue_pin', 'after'],
		['queue_claim', 'before'],
	],
	signer: [
		['store_wallets_load', 'after'],
		['store_leases_take', 'after'],
		['store_transfers_load', 'after'],
	],
	monitor: [
		['store_leases_take', 'after'],
		['store_wallets_load', 'after'],
		['store_mark_raise', 'before'],
	],
};
