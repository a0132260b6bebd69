"""What KMS does and moto's does not, as of moto 5.2.5; used by moto_server.py.

MessageType DIGEST: moto hashes what is a hash already (its pull request 10202 cures that), so that no
chain would take its signatures. A key that is disabled refuses to sign. And keys that live in files,
MOTO_KMS_KEYS/<key id>.pem, so that an emulator which is killed and started again has the same ones.
Tests verify the signatures with programs of others.
"""
import os
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from moto.core.exceptions import JsonRESTError
from moto.kms import models, responses

ACCOUNT = '123456789012'
SPECS = {'secp256k1': 'ECC_SECG_P256K1', 'secp256r1': 'ECC_NIST_P256'}


class DisabledException(JsonRESTError):
    code = 400

    def __init__(self, arn):
        super().__init__('DisabledException', f'{arn} is disabled.')


def sign(self):
    """KmsResponse.sign, for the backend below."""
    self.kms_backend.message_type = self._get_param('MessageType')
    return sign_of_moto(self)


def backend_sign(self, key_id, message, signing_algorithm):
    key = self.describe_key(key_id)
    if not key.enabled:
        raise DisabledException(key.arn)
    if self.message_type != 'DIGEST':
        return backend_sign_of_moto(self, key_id, message, signing_algorithm)
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))  # refuses other than 32 bytes
    signature = key.private_key.private_key.sign(message, algorithm)
    return key.arn, signature, signing_algorithm


def keys_load(directory, region):
    for path in Path(directory).glob('*.pem'):
        private = serialization.load_pem_private_key(path.read_bytes(), None)
        key = models.Key(None, 'SIGN_VERIFY', SPECS[private.curve.name], '', ACCOUNT, region)
        key.arn = key.arn.replace(key.id, path.stem)
        key.id = path.stem
        key.private_key.private_key = private
        models.kms_backends[ACCOUNT][region].keys[key.id] = key


sign_of_moto = responses.KmsResponse.sign
backend_sign_of_moto = models.KmsBackend.sign


def install():
    responses.KmsResponse.sign = sign
    models.KmsBackend.sign = backend_sign
    if 'MOTO_KMS_KEYS' in os.environ:
        keys_load(os.environ['MOTO_KMS_KEYS'], os.environ['MOTO_KMS_REGION'])
