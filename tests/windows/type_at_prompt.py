"""On the Windows side: run one line as if typed at the prompt of cmd, with a clean environment.

`python.exe -m tests.windows.type_at_prompt CODE_PAGE USERPROFILE LINE`. As for a user, there is a
console with that code page, even when stdin, stdout and stderr are pipes; here it has no window.
"""

from __future__ import annotations

import os
import subprocess
import sys

assert sys.platform == "win32"  # for mypy, which passes over it elsewhere

import winreg  # noqa: E402

KEPT = ("COMSPEC", "OS", "PATH", "PATHEXT", "PROGRAMDATA", "SYSTEMDRIVE", "SYSTEMROOT", "USERNAME")
SHELL_FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"


def log_in(profile: str) -> dict[str, str]:
    """Make `profile` the user's, and return what a user's programs find in their environment.

    That is nothing of Wine's, no HOME, and no PYTHON* variable. SHGetKnownFolderPath looks in the
    registry and not there.
    """
    local, roaming = profile + r"\AppData\Local", profile + r"\AppData\Roaming"
    with winreg.OpenKey(winreg.HKEY_CURRENT_USER, SHELL_FOLDERS, 0, winreg.KEY_WRITE) as key:
        winreg.SetValueEx(key, "Local AppData", 0, winreg.REG_SZ, local)
        winreg.SetValueEx(key, "AppData", 0, winreg.REG_SZ, roaming)
    python = os.path.dirname(sys.executable)  # noqa: PTH120 - starts faster without pathlib
    own = {
        "USERPROFILE": profile,
        "HOMEDRIVE": profile[:2],
        "HOMEPATH": profile[2:],
        "APPDATA": roaming,
        "LOCALAPPDATA": local,
        "TEMP": local + r"\Temp",
        "TMP": local + r"\Temp",
        "PATH": rf"{python}\Scripts;{python};{os.environ['PATH']}",
    }
    return {**{name: os.environ[name] for name in KEPT if name in os.environ}, **own}


def main(code_page: str, profile: str, line: str) -> int:
    """Return the exit status of the line."""
    return subprocess.call(
        f'cmd /s /c "chcp {code_page} >nul & {line}"',
        env=log_in(profile),
        cwd=profile,
        stdin=0,
        stdout=1,
        stderr=2,
        creationflags=subprocess.CREATE_NO_WINDOW,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
