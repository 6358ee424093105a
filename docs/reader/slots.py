"""Key slots, section 2: age files (https://age-encryption.org/v1) whose text is the master key.

Passphrases are opened here; for identities the program age is asked."""

import base64
import hashlib
import hmac
import re
import subprocess

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from damage import Damaged, NoKey, need

MAX_SLOT = 64 << 10
MAX_WORK = 20  # scrypt with N = 2^20 takes 1 GiB
_HEADER = re.compile(rb"age-encryption\.org/v1\n-> (scrypt|X25519) ([^\n]*)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)---")
_TEXT = re.compile(rb"shoebox master key 1\nrepository ([0-9a-f]{32})\nkey ([0-9a-f]{64})\n")


def open_slot(file, passphrases, key_files):
    """The master key and the repository id in a slot; NoKey when none of the secrets opens it."""
    need(len(file) <= MAX_SLOT, "longer than a key slot may be")
    header = _HEADER.match(file)
    need(header, "not a slot of one passphrase or one X25519 key")
    if header[1] == b"scrypt":
        plain = _first(passphrases, lambda p: _open_passphrase(file, header, p))
    else:
        plain = _first(key_files, lambda f: _ask_age(file, f))
    found = _TEXT.fullmatch(plain)
    need(found, "does not hold a master key")
    return bytes.fromhex(found[2].decode()), bytes.fromhex(found[1].decode())


def _first(secrets, opened):
    for secret in secrets:
        plain = opened(secret)
        if plain is not None:
            return plain
    raise NoKey("wrong password or key")


def _ask_age(file, key_file):
    try:
        asked = subprocess.run(["age", "--decrypt", "-i", key_file], input=file, capture_output=True)
    except FileNotFoundError:
        raise NoKey("the program age is not installed, and key files need it") from None
    return asked.stdout if asked.returncode == 0 else None


def _open_passphrase(file, header, passphrase):
    salt, work = _stanza(header[2])
    wrap = hashlib.scrypt(passphrase, salt=b"age-encryption.org/v1/scrypt" + salt, n=1 << work, r=8, p=1,
                          dklen=32, maxmem=(1 << work + 10) + (1 << 24))
    try:
        file_key = ChaCha20Poly1305(wrap).decrypt(bytes(12), _base64(header[3].replace(b"\n", b"")), None)
    except InvalidTag:
        return None
    mac, _, payload = file[header.end() :].partition(b"\n")
    told = hmac.digest(_hkdf(file_key, b"", b"header"), file[: header.end()], "sha256")
    need(mac[:1] == b" " and hmac.compare_digest(told, _base64(mac[1:])), "the header of the slot is damaged")
    nonce, sealed = payload[:16], payload[16:]
    need(len(sealed) <= MAX_SLOT + 16, "longer than a key slot may be")
    try:  # STREAM: one piece, number 0, marked as the last
        return ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload")).decrypt(bytes(11) + b"\1", sealed, None)
    except InvalidTag:
        raise Damaged("the slot is damaged") from None


def _stanza(arguments):
    found = re.fullmatch(rb"([A-Za-z0-9+/]{22}) ([1-9][0-9]?)", arguments)
    need(found, "not a passphrase slot")
    work = int(found[2])
    need(work <= MAX_WORK, "a passphrase slot with too great a work factor")
    return _base64(found[1]), work


def _base64(text):
    """Without padding, and in the one way it is written."""
    try:
        plain = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Damaged("the slot is damaged") from None
    need(base64.b64encode(plain).rstrip(b"=") == text, "the slot is damaged")
    return plain


def _hkdf(key, salt, info):
    return HKDF(SHA256(), 32, salt, info).derive(key)
