/* What each setting may be, in one table: its type, its range, its default, and a line of help. */
#ifndef SLUICE_CMD_CONFIG_RULE_H
#define SLUICE_CMD_CONFIG_RULE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum config_type {
	CONFIG_TYPE_NAME,    /* letters, digits, '-', '_', '.'; min to max characters */
	CONFIG_TYPE_TEXT,    /* visible ASCII; min to max characters */
	CONFIG_TYPE_BOOL,    /* true or false */
	CONFIG_TYPE_COUNT,   /* decimal integer, min to max */
	CONFIG_TYPE_DECIMAL, /* 0 or a positive decimal, as core/amount.h reads it */
	CONFIG_TYPE_PATH,    /* relative ones start at the directory of the configuration file */
	CONFIG_TYPE_SECRET,  /* a path, or secret://REGION/NAME[#MEMBER] (cmd/secret_reference.h) */
	CONFIG_TYPE_LISTEN,  /* address:port, [address]:port or :port */
	CONFIG_TYPE_RANGE,   /* addresses: 10.0.0.0/8, 2001:db8::/32, or one alone */
	CONFIG_TYPE_URL,     /* http:// or https:// */
	CONFIG_TYPE_WS,      /* ws:// or wss:// */
	CONFIG_TYPE_ADDRESS, /* EIP-55 */
	CONFIG_TYPE_LEVEL,   /* debug, info, warn, error */
	CONFIG_TYPE_CHOICE,  /* one of the words with which its help begins: "one, two or three: …"
			      */
};

struct config_rule {
	const char *pattern; /* "chains[].chain_id" */
	enum config_type type;
	uint64_t min;
	uint64_t max;
	/* NULL: may be absent; CONFIG_REQUIRED; CONFIG_DERIVED: follows from others. A text that
	 * begins with CONFIG_IN_DATA_DIR stands below data_dir. */
	const char *fallback;
	const char *help;
};

#define CONFIG_REQUIRED    "(required)"
#define CONFIG_DERIVED     "(derived)"
#define CONFIG_IN_DATA_DIR "(data_dir)/"

/* The rule of a path; CHECKs that the schema's key has one. */
const struct config_rule *config_rule_of(struct str path);
/* In the order of the schema. */
const struct config_rule *config_rules(size_t *ret_len);
/* Is `text` what the rule wants? If not, writes what is wanted into ret_wanted ("true or false").
 */
bool config_rule_allows(const struct config_rule *rule, struct str text, char *ret_wanted,
			size_t cap);

/* A listening address in parts. ":3000" means 127.0.0.1. False when malformed. */
bool config_listen_read(struct str text, char *ret_host, size_t cap, uint16_t *ret_port);

#endif
