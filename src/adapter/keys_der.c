#include "adapter/keys_der.h"

#include "base/check.h"

#include <secp256k1.h>
#include <string.h>

#define TAG_INTEGER      0x02
#define TAG_OCTET_STRING 0x04
#define TAG_SEQUENCE     0x30
#define LEN_SHORT_MAX    0x7f /* longer ones have another form, and nothing here is so long */

static const uint8_t curve_oid[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a };

/* All of a SubjectPublicKeyInfo that stands before the point: DER has one way to write it. */
static const uint8_t public_key_head[] = {
	TAG_SEQUENCE, 0x56, TAG_SEQUENCE, 0x10,       /* key, algorithm */
	0x06,         0x07, 0x2a,         0x86, 0x48, /* id-ecPublicKey: */
	0xce,         0x3d, 0x02,         0x01,       /* 1.2.840.10045.2.1 */
	0x06,         0x05, 0x2b,         0x81, 0x04, /* secp256k1: */
	0x00,         0x0a,                           /* 1.3.132.0.10 */
	0x03,         0x42, 0x00,                     /* BIT STRING of 65 bytes */
};

/* --- signatures ---------------------------------------------------------------------------------
 */

/* Takes one element of `tag` from the beginning of `rest`. */
static bool element_take(struct str *rest, uint8_t tag, struct str *ret_content)
{
	if (rest->len < 2 || (uint8_t)rest->at[0] != tag)
		return false;
	size_t len = (uint8_t)rest->at[1];
	if (len > LEN_SHORT_MAX || len > rest->len - 2)
		return false;
	*ret_content = (struct str){ rest->at + 2, len };
	*rest = str_skip(*rest, 2 + len);
	return true;
}

static bool number_read(struct str content, uint8_t ret_number[32])
{
	const uint8_t *bytes = (const uint8_t *)content.at;
	size_t len = content.len;
	if (len == 0 || (bytes[0] & 0x80) != 0)
		return false; /* no number, or a negative one */
	if (bytes[0] == 0) {
		if (len == 1 || (bytes[1] & 0x80) == 0)
			return false; /* zero, or a zero that is not needed */
		bytes++;
		len--;
	}
	if (len > 32)
		return false;
	memset(ret_number, 0, 32);
	memcpy(ret_number + 32 - len, bytes, len);
	return true;
}

bool keys_der_signature(struct str der, uint8_t ret_r[32], uint8_t ret_s[32])
{
	struct str pair, r_content, s_content;
	uint8_t r[32], s[32];
	if (!element_take(&der, TAG_SEQUENCE, &pair) || der.len != 0)
		return false;
	if (!element_take(&pair, TAG_INTEGER, &r_content) ||
	    !element_take(&pair, TAG_INTEGER, &s_content) || pair.len != 0)
		return false;
	if (!number_read(r_content, r) || !number_read(s_content, s))
		return false;
	memcpy(ret_r, r, sizeof r);
	memcpy(ret_s, s, sizeof s);
	return true;
}

/* --- points -------------------------------------------------------------------------------------
 */

static bool point_read(struct str bytes, uint8_t ret_point[KEYS_POINT_BYTES])
{
	secp256k1_pubkey key;
	uint8_t whole[1 + KEYS_POINT_BYTES];
	size_t len = sizeof whole;
	if (secp256k1_ec_pubkey_parse(secp256k1_context_static, &key, (const uint8_t *)bytes.at,
				      bytes.len) != 1)
		return false;
	CHECK(secp256k1_ec_pubkey_serialize(secp256k1_context_static, whole, &len, &key,
					    SECP256K1_EC_UNCOMPRESSED) == 1);
	memcpy(ret_point, whole + 1, KEYS_POINT_BYTES);
	return true;
}

bool keys_der_public_key(struct str der, uint8_t ret_point[KEYS_POINT_BYTES])
{
	if (der.len != sizeof public_key_head + 1 + KEYS_POINT_BYTES ||
	    memcmp(der.at, public_key_head, sizeof public_key_head) != 0)
		return false;
	struct str point = str_skip(der, sizeof public_key_head);
	return point.at[0] == 0x04 && point_read(point, ret_point);
}

static bool is_point_len(size_t len)
{
	return len == 1 + KEYS_POINT_BYTES || len == 1 + KEYS_POINT_BYTES / 2;
}

bool keys_der_ec_point(struct str bytes, uint8_t ret_point[KEYS_POINT_BYTES])
{
	struct str rest = bytes, content;
	/* The length first: a bare point whose x begins with 0x3f looks like a wrapped one. */
	if (!is_point_len(bytes.len)) {
		if (!element_take(&rest, TAG_OCTET_STRING, &content) || rest.len != 0)
			return false;
		bytes = content;
	}
	return is_point_len(bytes.len) && point_read(bytes, ret_point);
}

bool keys_der_is_secp256k1(struct str params)
{
	return params.len == sizeof curve_oid &&
	       memcmp(params.at, curve_oid, sizeof curve_oid) == 0;
}
