/* secret://REGION/NAME, or secret://REGION/NAME#MEMBER: a secret of AWS Secrets Manager, in the
 * place of a file. MEMBER names a text of the object that the secret is. Pure. */
#ifndef SLUICE_CMD_SECRET_REFERENCE_H
#define SLUICE_CMD_SECRET_REFERENCE_H

#include "base/str.h"

#include <stdbool.h>

#define SECRET_REGION_LEN_MAX 32
#define SECRET_NAME_LEN_MAX   512
#define SECRET_MEMBER_LEN_MAX 64

struct secret_reference {
	char region[SECRET_REGION_LEN_MAX + 1];
	char name[SECRET_NAME_LEN_MAX + 1];     /* or its ARN */
	char member[SECRET_MEMBER_LEN_MAX + 1]; /* "" : the secret as it is */
};

/* Does the text mean to be one? */
bool secret_reference_is_meant(struct str text);
/* False, with nothing written, when it is malformed. */
bool secret_reference_read(struct str text, struct secret_reference *ret_reference);

#endif
