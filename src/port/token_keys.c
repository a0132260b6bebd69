#include "port/token_keys.h"

bool token_algorithm_read(struct str text, enum token_algorithm *ret_algorithm)
{
	static const struct {
		const char *name;
		enum token_algorithm algorithm;
	} names[] = { { "RS256", TOKEN_RS256 },
		      { "PS256", TOKEN_PS256 },
		      { "ES256", TOKEN_ES256 },
		      { "EdDSA", TOKEN_EDDSA } };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!str_equal_text(text, names[i].name))
			continue;
		*ret_algorithm = names[i].algorithm;
		return true;
	}
	return false;
}

enum token_verdict token_keys_verify(struct token_keys *keys, struct str key_id,
				     enum token_algorithm algorithm, struct str text,
				     struct str signature)
{
	CHECK(keys != NULL && text.len > 0);
	return keys->ops->verify(keys, key_id, algorithm, text, signature);
}

bool token_keys_poll(struct token_keys *keys, int64_t now_ms)
{
	return keys->ops->poll(keys, now_ms);
}

void token_keys_close(struct token_keys *keys)
{
	if (keys != NULL)
		keys->ops->close(keys);
}
