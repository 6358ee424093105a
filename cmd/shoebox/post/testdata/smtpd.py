"""A real mail server for tests: aiosmtpd on a loopback port, which it prints. Each letter it takes becomes a line of JSON.

smtpd.py MODE CERTIFICATE KEY USER PASSWORD [MECHANISM]
MODE is tls, starttls or none; MECHANISM leaves only that way to log in. It ends when its standard input does.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, key, user, password = sys.argv[1:6]
only = sys.argv[6:]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is nobody of that name, and the password is " + password
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if b"refuse this letter" in envelope.content:
            return "554 5.7.1 refused " + password
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "letter": envelope.content.decode("utf-8"),
                          "user": session.auth_data.login.decode() if session.auth_data else "", "tls": session.ssl is not None or mode == "tls"}), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False, auth_data=data)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


def server():
    options = dict(enable_SMTPUTF8=True, hostname="test", authenticator=authenticate)
    if mode == "starttls":
        options.update(tls_context=context, require_starttls=True, auth_required=bool(user))
    elif mode == "tls":
        options.update(auth_require_tls=False, auth_required=bool(user))
    else:
        options.update(auth_require_tls=False)
    if only:
        options.update(auth_exclude_mechanism=[m for m in ("PLAIN", "LOGIN") if m != only[0]])
    return SMTP(Handler(), **options)


async def main():
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    listening.close()


asyncio.run(main())
