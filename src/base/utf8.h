/* UTF-8 as RFC 3629 allows it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SLUICE_BASE_UTF8_H
#define SLUICE_BASE_UTF8_H

#include "base/str.h"

bool utf8_is_valid(struct str s);
/* Bytes 0x21 to 0x7e only. */
bool ascii_is_visible(struct str s);

#endif
