"""SecurityCredential: the initiator's password, encrypted for Safaricom. Nothing is stored or sent here.

Base64 of RSA PKCS#1 v1.5 over the plain password with the public key of Safaricom's X.509 certificate, which differs between
sandbox and production (Daraja documentation, Security Credentials). The certificate is not part of this program: whoever sets
M-Pesa up downloads it from the developer portal.
"""

import base64
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from portal.errors import MpesaConfig
from portal.mpesa.credentials import Initiator
from portal.msgid import N_

NO_INITIATOR = N_(
    "The M-Pesa API user is missing. Make one on the M-Pesa portal, then enter its name, password and certificate."
)
NO_CERTIFICATE = N_("Safaricom's certificate is missing. Download it from the developer portal and enter it.")
BAD_CERTIFICATE = N_(
    "This is not one of Safaricom's certificates. Enter the whole file, from BEGIN CERTIFICATE to END CERTIFICATE."
)
EXPIRED = N_("Safaricom's certificate has ended. Download the new one from the developer portal and enter it.")
TOO_EARLY = N_("Safaricom's certificate is not valid yet. Check the clock of this server.")
TOO_LONG = N_("The API user's password is too long for the certificate. Set a shorter one on the M-Pesa portal.")


def certificate_of(pem: str) -> x509.Certificate:
    """Read a certificate; MpesaConfig in words when it is none, or has no RSA key."""
    if not pem.strip():
        raise MpesaConfig("certificate", "none", message=NO_CERTIFICATE)
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        key = found.public_key()
    except ValueError as error:
        raise MpesaConfig("certificate", "unreadable", message=BAD_CERTIFICATE) from error
    if not isinstance(key, RSAPublicKey):
        raise MpesaConfig("certificate", "no RSA key", message=BAD_CERTIFICATE)
    return found


def security_credential(initiator: Initiator | None, *, now: datetime) -> str:
    """The credential, another text each time. MpesaConfig in words when something is missing or the certificate is out of date."""
    if initiator is None:
        raise MpesaConfig("initiator", "none", message=NO_INITIATOR)
    certificate = certificate_of(initiator.certificate)
    if now >= certificate.not_valid_after_utc:
        raise MpesaConfig("certificate", f"ended {certificate.not_valid_after_utc:%Y-%m-%d}", message=EXPIRED)
    if now < certificate.not_valid_before_utc:
        raise MpesaConfig("certificate", f"begins {certificate.not_valid_before_utc:%Y-%m-%d}", message=TOO_EARLY)
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)  # certificate_of saw to it
    try:
        sealed = key.encrypt(initiator.password.encode(), PKCS1v15())
    except ValueError as error:
        raise MpesaConfig("initiator", "password too long", message=TOO_LONG) from error
    return base64.b64encode(sealed).decode()
