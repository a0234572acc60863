"""Why a key is not used: these never leave the package; the account of a login has their text."""

from __future__ import annotations


class KeyUnusableError(Exception):
    """A key, its file, or the agent is of no use; the text says why."""


class PassphraseNeededError(KeyUnusableError):
    """The key file is encrypted, and the passphrase is missing or wrong."""
