"""Judges one JSON-encoded token per line with PyJWT, as a careful caller would use it."""
import json
import sys
from datetime import datetime

import jwt
import jwt.api_jwt

config = json.loads(sys.stdin.readline())


class FixedTime(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(config["now"], tz)


# PyJWT takes no clock.
jwt.api_jwt.datetime = FixedTime

keys = {}
for jwk in config["jwks"]["keys"]:
    keys[jwk["kid"]] = (jwk["alg"], jwt.PyJWK(jwk, jwk["alg"]).key)

REQUIRED = ["iss", "aud", "exp", "iat", "sub", "client_id", "jti"]


def find_key(header):
    """PyJWT leaves the choice of the key to its caller: by kid, or by alg where there is none."""
    if "kid" in header:
        found = [keys[header["kid"]]] if header["kid"] in keys else []
    else:
        found = list(keys.values())
    return [key for alg, key in found if alg == header.get("alg")]


def judge(token):
    found = find_key(jwt.get_unverified_header(token))
    if len(found) != 1:
        return False
    jwt.decode(
        token,
        found[0],
        algorithms=config["algorithms"],
        audience=config["audience"],
        issuer=config["issuer"],
        leeway=config["leeway"],
        options={"require": REQUIRED},
    )
    return True


for line in sys.stdin:
    try:
        accepted = judge(json.loads(line))
    except Exception:
        accepted = False
    print("accepted" if accepted else "refused")
