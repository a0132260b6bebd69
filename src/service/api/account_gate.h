/* Does an account take in anything new? Its row (port/store_account.h) says so, as the store thread
 * knows it: a verdict is believed as long as one about an API key. */
#ifndef SLUICE_SERVICE_API_ACCOUNT_GATE_H
#define SLUICE_SERVICE_API_ACCOUNT_GATE_H

#include "service/api/api.h"
#include "service/api/problem.h"

struct account_gate;

struct account_gate *account_gate_new(const struct api_options *options);
void account_gate_free(struct account_gate *gate); /* accepts NULL */
/* PROBLEM_NONE: it does. ACCOUNT_DISABLED: it is disabled, or nobody has declared it, or somebody
 * has edited its row, which raises an alarm. STORE_UNAVAILABLE: nobody knows. */
enum problem account_gate_judge(struct account_gate *gate, const char *account);

#endif
