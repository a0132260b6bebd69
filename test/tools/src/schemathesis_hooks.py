"""Credentials for Schemathesis, and a tally of what was answered; taken in by SCHEMATHESIS_HOOKS.

TOKENS is a file of bearer tokens, one a line. The next one is taken when one is refused: among the
routes are some that end sessions. TALLY is written at each answer: a line of operation and status.
"""
import os

import schemathesis

with open(os.environ['TOKENS'], encoding='utf-8') as file:
    tokens = file.read().split()
tally = open(os.environ['TALLY'], 'a', encoding='utf-8', buffering=1)  # for as long as the process


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case, context):
        return tokens[0]

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), 'Authorization': f'Bearer {data}'}


@schemathesis.hook
def after_call(context, case, response):
    label = f'{case.method.upper()} {case.operation.path}'
    tally.write(f'{label} {response.status_code}\n')
    sent = response.request.headers.get('Authorization')
    if b'access_token_invalid' in response.content and len(tokens) > 1 and sent == f'Bearer {tokens[0]}':
        tokens.pop(0)
