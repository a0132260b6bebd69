/* What is at an address, as a node says it (port/chain.h). */
#ifndef SLUICE_PORT_CHAIN_CODE_H
#define SLUICE_PORT_CHAIN_CODE_H

enum chain_code {
	CHAIN_CODE_NONE, /* or a delegation of an account to one (EIP-7702), whose key still pays */
	CHAIN_CODE_CONTRACT,
	CHAIN_CODE_UNKNOWN,
};

#endif
