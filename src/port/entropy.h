/* Random bytes, as a port. Cryptographic quality outside the simulator. */
#ifndef SLUICE_PORT_ENTROPY_H
#define SLUICE_PORT_ENTROPY_H

#include <stddef.h>

struct entropy;

struct entropy_ops {
	void (*fill)(struct entropy *entropy, void *ret_bytes, size_t len);
};

struct entropy {
	const struct entropy_ops *ops;
};

/* Cannot fail: the process stops when the system has no entropy. */
void entropy_fill(struct entropy *entropy, void *ret_bytes, size_t len);

#endif
