"""A line of ssh_config, split as OpenSSH 9 splits it: a keyword and arguments, quoted or not."""

from __future__ import annotations

import re

WHITESPACE = " \t\r\n"
_DELIMITER = re.compile(r'[ \t\r\n"=]')
_MEANS_ITSELF = re.compile(r"""[^\\'" \t]+""")
_SEPARATED = re.compile(r"[^ \t]+")
_SPECIAL = re.compile(r"[\"'\\#]")
_PLAIN = re.compile(r"[A-Za-z0-9_.~/@:%+,-]+")
_TO_ESCAPE = re.compile(r"\\(?=[\\\"']|\Z)|\"")
_BACKSLASH = r"\\\g<0>"
_UPPER_TO_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def lower(text: str) -> str:
    """Lower the case of ASCII letters, and of no others, as OpenSSH does."""
    return text.translate(_UPPER_TO_LOWER)


def split_line(text: str) -> tuple[str, str] | None:
    """Split a line into its keyword, in lower case, and the rest; None for a comment or nothing.

    A line is read up to a NUL, as a C string. One "=" may stand between the two; a keyword may be
    quoted, and a line whose quoted keyword does not end says nothing.
    """
    text = text.partition("\0")[0]
    text = text[:1] + text[1:].rstrip(WHITESPACE + "\f")
    keyword, rest = _split_word(text)
    if keyword == "" and rest is not None:  # leading white space
        keyword, rest = _split_word(rest)
    if not keyword or keyword.startswith("#"):
        return None
    return lower(keyword), (rest or "").lstrip(WHITESPACE)


def _split_word(text: str) -> tuple[str | None, str | None]:
    """Cut off the first word; None where its quote does not end, or where nothing is left."""
    found = _DELIMITER.search(text)
    if found is None:
        return text, None
    start = found.start()
    if text[start] == '"':
        word, quote, rest = text[start + 1 :].partition('"')
        return (text[:start] + word if quote else None), rest.lstrip(WHITESPACE)
    rest = text[start + 1 :].lstrip(WHITESPACE)
    if text[start] != "=" and rest.startswith("="):
        rest = rest[1:].lstrip(WHITESPACE)
    return text[:start], rest


def split_arguments(text: str) -> list[str]:
    """Split the rest of a line into arguments, up to a comment. Raises ValueError for open quotes.

    Single and double quotes group; a backslash escapes a quote, a backslash and, outside quotes, a
    blank; before anything else it is kept, so that Windows' paths survive.
    """
    if _SPECIAL.search(text) is None:
        return _SEPARATED.findall(text)
    arguments: list[str] = []
    position = 0
    while True:
        while text[position : position + 1] in (" ", "\t"):
            position += 1
        if text[position : position + 1] in ("", "#"):
            return arguments
        argument, position = _read_argument(text, position)
        arguments.append(argument)


def quoted(text: str) -> str:
    """Write one argument, so that `split_arguments` gives back `text`; a line end cannot be had."""
    if _PLAIN.fullmatch(text):
        return text
    # No more backslashes than needed: OpenSSH before 8.7 takes each of them as it stands.
    return f'"{_TO_ESCAPE.sub(_BACKSLASH, text)}"'


def _read_argument(text: str, position: int) -> tuple[str, int]:
    characters, quote = [], ""
    while position < len(text):
        plain = _MEANS_ITSELF.match(text, position)
        if plain is not None:
            characters.append(plain[0])
            position = plain.end()
            continue
        character, following = text[position], text[position + 1 : position + 2]
        if character == "\\" and (
            (following and following in "'\"\\") or (following == " " and not quote)
        ):
            characters.append(following)
            position += 1
        elif not quote and character in " \t":
            break
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        else:
            characters.append(character)
        position += 1
    if quote:
        raise ValueError("a quote is not closed")
    return "".join(characters), position
