/* The parts of a configuration that say what is paid, from where, and who signs large payments; as
 * texts. */
#ifndef SLUICE_CMD_CONFIG_SCHEMA_CATALOGUE_H
#define SLUICE_CMD_CONFIG_SCHEMA_CATALOGUE_H

struct config_text_chain {
	char *name;
	char *chain_id;
	char **rpc;
	unsigned rpc_count;
	char *rpc_file;
	char *ws;
	char *rpc_timeout_ms;
	char *finality;
	char *confirmations;
	char *unpaid_confirmations;
	char *tip_min_gwei;
	char *fee_cap_max_gwei;
	char *slot_fee_max;
	char *native_gas_limit;
	char *bump_after_s;
	char *rebroadcast_after_s;
	char *poll_ms;
};

struct config_text_asset {
	char *chain;
	char *symbol;
	char *native;
	char *contract;
	char *decimals;
	char *min;
	char *max;
	char *signature_above;
	char *signer_max;
	char *hour_max;
	char *day_max;
	char *gas_floor;
	char *gas_ceiling;
};

struct config_text_approver {
	char *name;
	char *key;
};

struct config_text_wallet {
	char *chain;
	char *address;
	char *key;
	char *in_flight;
	char *fresh;
};

#endif
