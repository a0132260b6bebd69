/* Writes a key file, so that programs of others can try to read it.
 *
 * usage: keystore_tool PATH key|seed HEX PASSWORD N
 */
#include "adapter/entropy_os.h"
#include "adapter/keys_keystore_file.h"
#include "base/hex.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct entropy entropy;
	struct err err = { 0 };
	uint8_t bytes[KEYSTORE_TEXT_BYTES_MAX];
	enum keystore_kind kind;
	uint64_t cost;

	if (argc != 6 || !str_to_u64(str_from(argv[5]), &cost) ||
	    strlen(argv[3]) > 2 * sizeof bytes ||
	    !hex_read(str_from(argv[3]), bytes, strlen(argv[3]) / 2)) {
		fputs("usage: keystore_tool PATH key|seed HEX PASSWORD N\n", stderr);
		return 2;
	}
	kind = strcmp(argv[2], "seed") == 0 ? KEYSTORE_SEED : KEYSTORE_KEY;
	entropy_os_init(&entropy);
	if (keystore_write(argv[1], str_from_bytes(bytes, strlen(argv[3]) / 2), kind,
			   str_from(argv[4]), (uint32_t)cost, &entropy, &err))
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
