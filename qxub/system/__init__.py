"""What POSIX systems and Windows do differently, written once: two twins, chosen here."""

import sys

if sys.platform == "win32":
    from qxub.system._windows import (
        CANCELLING_SIGNALS,
        ENDING_SIGNALS,
        ConsoleWriter,
        coloured_consoles,
        config_directory,
        copy_permissions,
        prepare_text_streams,
        replace,
        restrict_to_owner,
        shows_colours,
        state_directory,
        try_lock,
    )
else:
    from qxub.system._posix import (
        CANCELLING_SIGNALS,
        ENDING_SIGNALS,
        ConsoleWriter,
        coloured_consoles,
        config_directory,
        copy_permissions,
        prepare_text_streams,
        replace,
        restrict_to_owner,
        shows_colours,
        state_directory,
        try_lock,
    )

__all__ = [
    "CANCELLING_SIGNALS",
    "ENDING_SIGNALS",
    "ConsoleWriter",
    "coloured_consoles",
    "config_directory",
    "copy_permissions",
    "prepare_text_streams",
    "replace",
    "restrict_to_owner",
    "shows_colours",
    "state_directory",
    "try_lock",
]
