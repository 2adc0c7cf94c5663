"""Users and their tokens, read once from the environment and never written anywhere."""

import hashlib

from infra.hub.errors import HubError, unauthorized
from infra.hub.names import check_name

TOKENS_VARIABLE = "ROUNDHOUSE_HUB_TOKENS"
# Would be taken for parts of the server's own addresses.
RESERVED = frozenset({"api", "datasets", "models", "spaces"})


class Accounts:
    """Maps tokens to user names; keeps only the tokens' hashes, so that no dump of the process shows them whole."""

    def __init__(self, users_by_token: dict[str, str]):
        self._users = {_digest(token): user for token, user in users_by_token.items()}

    def user_of(self, authorization: str | None) -> str | None:
        """The user of an `Authorization` header, None where there is none; raises 401 for a token nobody has."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        user = self._users.get(_digest(token.strip()))
        if scheme.lower() != "bearer" or user is None:
            # The client tells this text apart from "no token for a private repository".
            raise unauthorized("Invalid credentials in Authorization header")
        return user


def parse_tokens(text: str) -> Accounts:
    """Reads `USER=TOKEN,USER=TOKEN`; raises ValueError with a message that holds no token."""
    users: dict[str, str] = {}
    for position, pair in enumerate(filter(None, text.split(",")), start=1):
        user, _, token = (part.strip() for part in pair.partition("="))
        if not token.isascii() or not token.isprintable() or len(token) < 4 or " " in token:
            raise ValueError(f"{TOKENS_VARIABLE}: entry {position} is not USER=TOKEN, 4 characters or more")
        if token in users:
            raise ValueError(f"{TOKENS_VARIABLE}: entry {position} repeats a token")
        users[token] = _check_user(user, position)
    if not users:
        raise ValueError(f"{TOKENS_VARIABLE} is not set: give it USER=TOKEN,USER=TOKEN in the environment")
    return Accounts(users)


def _check_user(user: str, position: int) -> str:
    try:
        check_name(user)
    except HubError:
        raise ValueError(f"{TOKENS_VARIABLE}: entry {position} has no valid user name") from None
    if user in RESERVED:
        raise ValueError(f"{TOKENS_VARIABLE}: entry {position} uses a reserved user name")
    return user


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
