"""What a caller may do.

A scope is one of `SCOPES`, for every model, or one with a model's name behind a colon, such as
``infer:fraud``, for that model alone. ``*`` is everything. Takes and gives text; must not know who
asks.
"""

from collections.abc import Iterable

SCOPES = ("infer", "metadata", "metrics", "manage")
"""Run a model; read its names and tensors; read the server's figures; load and unload models."""

EVERYTHING = "*"

ANONYMOUS = frozenset({"infer", "metadata", "metrics"})
"""What anyone may do where nobody has to prove who it is: all but change the server."""

TAKES = f"{', '.join(SCOPES)}, one of them with a model as in 'infer:fraud', or '*'"
"""What a scope can be, for messages."""


def is_scope(text: object) -> bool:
    """Whether a text is a scope."""
    if not isinstance(text, str):
        return False
    scope, colon, model = text.partition(":")
    return text == EVERYTHING or (scope in SCOPES and bool(model.strip()) == bool(colon))


def scopes_among(words: Iterable[object], prefix: str = "") -> frozenset[str]:
    """Give the scopes among words that mean other things as well, as a token's scopes do.

    Args:
        words: such as ``["openid", "models/infer"]``; what is no scope is left out.
        prefix: what stands before each of this server's, such as ``models/``.
    """
    texts = [word for word in words if isinstance(word, str) and word.startswith(prefix)]
    return frozenset(text[len(prefix) :] for text in texts if is_scope(text[len(prefix) :]))


def permits(scopes: frozenset[str], scope: str, model: str | None) -> bool:
    """Whether scopes allow one thing, with one model or with none in particular."""
    return (
        scope in scopes
        or EVERYTHING in scopes
        or (model is not None and f"{scope}:{model}" in scopes)
    )
