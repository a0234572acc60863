"""Strategies for configuration files and look-ups in them, some right, some with errors.

Kept out, because releases differ and the resolver takes what either takes: Match with tagged,
localnetwork, version, command or sessiontype; a backslash or an empty word in Match; tokens in
Include. An empty host, which ssh -G takes and ssh then cannot find, is refused by us at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from .vocabulary import ANYTHING, EMPTY, HOSTS, UNKNOWN, USERS, VALUES, Text, one, words

HERE = "@@HERE@@"  # stands for the directory that the files are in
RAW = ("ProxyCommand", "RemoteCommand", "LocalCommand")  # these take the rest of the line as it is


@dataclass(frozen=True)
class Configuration:
    """A file, two that it may include (a.conf, b.conf), and what follows `ssh -G -F FILE`."""

    main: str
    included: tuple[str, str]
    argv: tuple[str, ...]


KEYWORDS = [(keyword, values) for values in VALUES for keyword in values.keywords.split()]
SEPARATORS = one(*[" "] * 10, "=", " = ", "\t", "  ", " =", "= ")
BAD_SEPARATORS = one("==", "", " == ", "= =", "\v")
TRAILERS = one(*[""] * 8, " ", "\t", " # comment", " #", "\f")
BAD_TRAILERS = one(" extra", '""', ' "', "#x", "\\", ' ""', " '")


@st.composite
def settings_lines(draw: st.DrawFn, *, right: bool) -> str:
    """Draw a keyword and a value, in one of the spellings that mean the same."""
    keyword, values = draw(st.sampled_from(KEYWORDS))
    value = draw(values.right if right else values.wrong)
    if keyword not in RAW and " " not in value and value:
        half = len(value) // 2
        partly = f'{value[:half]}"{value[half:]}"'
        value = draw(one(*[value] * 8, f'"{value}"', f"'{value}'", partly))
    trailer = "" if keyword in RAW else draw(TRAILERS)
    keyword = draw(one(*[keyword] * 6, keyword.lower(), keyword.upper(), f'"{keyword}"'))
    return keyword + draw(SEPARATORS) + value + trailer


@st.composite
def misquoted_lines(draw: st.DrawFn) -> str:
    """Draw a line whose quotes, escapes, separator or end are odd, if not wrong."""
    keyword, values = draw(st.sampled_from(KEYWORDS))
    value = draw(values.right)
    odd = (f'"{value}', f"{value}'", f'"{value}\\"q"', f"{value}\\x", f"{value}\\\\", f'"{value}"q')
    separator, trailer = draw(BAD_SEPARATORS), draw(BAD_TRAILERS)
    return draw(
        one(
            f"{keyword} {value}{trailer}",
            f"{keyword}{separator}{value}",
            *(f"{keyword} {x}" for x in odd),
        )
    )


PATTERNS = words(
    '* h host? *.example.org !h !*.org ?? Login 10.0.0.* h*1 ** *,h [h] x. ::1 "h" h"1"'
)
ODD_PATTERNS = words('!* ! host[1] %h #h "" " h\\"', '"h x"')
HOST_LINES = st.builds(
    "{}{}{}{}".format,
    words("Host Host host HOST"),
    SEPARATORS,
    st.lists(PATTERNS, min_size=1, max_size=4).map(" ".join),
    TRAILERS,
)
ODD_HOST_LINES = st.builds("Host {} {}{}".format, PATTERNS, ODD_PATTERNS, BAD_TRAILERS)
CRITERIA = st.one_of(
    words("canonical final !final !canonical"),
    st.builds(
        "{}{}{}{}".format,
        words("! ", ""),
        words("host originalhost user localuser HOST User"),
        one(" ", " ", " ", "=", "\t"),
        words('h * h,host1 !h,* "h,Login" alice a*,!b* root *.org ??'),
    ).map(lambda text: text.replace("! ", "!")),
    st.builds(
        "{}exec {}".format,
        one("", "!"),
        one("true", "false", '"test %h = h"', '"exit 3"', "'true'", '"test %n = %h # x"'),
    ),
)
ODD_CRITERIA = words('bogus host !all all user= =h exec host="', 'exec "true %z"', "all all")
MATCH_LINES = st.builds(
    "{} {}{}".format,
    words("Match Match match"),
    st.one_of(st.just("all"), *[st.lists(CRITERIA, min_size=1, max_size=3).map(" ".join)] * 3),
    one("", "", "", "", " ", " # comment"),
)
ODD_MATCH_LINES = st.builds("Match{}{} {}".format, one(" ", "="), CRITERIA, ODD_CRITERIA)
FILES = words("a.conf b.conf *.conf missing [ab].conf ?.conf no*.conf").map(f"{HERE}/".__add__)
INCLUDE_LINES = st.builds(
    "{} {}{}".format,
    words("Include include"),
    st.one_of(FILES, FILES, st.builds('{} "{}"'.format, FILES, FILES), st.just(HERE)),
    one("", "", "", " # comment"),
)
LINES = st.builds(
    str.__add__,
    one("", "  ", "  ", "\t", " \t "),
    st.one_of(
        *[settings_lines(right=True)] * 8,
        *[HOST_LINES] * 3,
        *[MATCH_LINES] * 2,
        words("# #x", "", "   ", "# comment"),
    ),
)
ODD_LINES = st.one_of(
    settings_lines(right=False),
    settings_lines(right=False),
    misquoted_lines(),
    ODD_HOST_LINES,
    ODD_MATCH_LINES,
    st.builds("{} {}".format, UNKNOWN, ANYTHING),
    st.builds("{}{}".format, one("\f", "\v", "\r"), LINES),
    words('User Port= = " %%%% Include Match Host', "<<<<<<< HEAD", 'Include ""'),
)
ODDER_LINES = st.one_of(LINES, LINES, LINES, ODD_LINES)


def files(lines: Text, size: int) -> Text:
    """Draw a file of up to `size` lines, and perhaps one more that has no newline."""
    ended = st.builds(str.__add__, lines, one(*["\n"] * 12, "\r\n", "\n\n"))
    whole = st.lists(ended, max_size=size).map("".join)
    return st.builds(str.__add__, whole, st.one_of(EMPTY, lines))


OPTIONS = st.one_of(
    st.tuples(st.just("-l"), USERS),
    st.tuples(st.just("-p"), words("22 2222 65535")),
    st.tuples(st.just("-o"), settings_lines(right=True)),
    words("-4 -6 -C -A -a -x -T").map(lambda letter: (letter,)),
)
ODD_OPTIONS = st.tuples(st.just("-o"), ODD_LINES)
DESTINATIONS = st.one_of(
    *[HOSTS] * 4,
    st.builds("{}@{}".format, words("alice bob a@b"), HOSTS),
    words("ssh://bob@h:2222 ssh://[::1]:22 ssh://h h:22"),
)
ODD_DESTINATIONS = words("ssh://h:0 h;x [::1] é @h ssh://h/x ssh:// h'x h/x")


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Draw files and a look-up in them; half of them have only what is right."""
    if draw(st.booleans()):
        lines = included = LINES
        options, destinations, size = OPTIONS, DESTINATIONS, 14
    else:
        lines, included, size = ODDER_LINES, st.one_of(LINES, LINES, ODD_LINES), 8
        options = draw(st.sampled_from([OPTIONS, OPTIONS, ODD_OPTIONS]))
        destinations = draw(st.sampled_from([DESTINATIONS, DESTINATIONS, ODD_DESTINATIONS]))
    chosen = draw(st.lists(options, max_size=3)) if draw(one("", "", "with options")) else []
    return Configuration(
        draw(files(st.one_of(*[lines] * 14, INCLUDE_LINES), size)),
        (draw(files(LINES, 3)), draw(files(included, 3))),
        (*(word for option in chosen for word in option), draw(destinations)),
    )
