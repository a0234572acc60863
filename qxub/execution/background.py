"""A call that may take long, beside a loop that must not wait for it."""

from __future__ import annotations

import logging
import threading
from typing import Callable

log = logging.getLogger(__name__)


class Background:
    """One call at a time, in a thread that does not keep the process from ending."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def is_busy(self) -> bool:
        """Return whether a call is still running. Raises what the last one raised, once."""
        if self._thread is not None and self._thread.is_alive():
            return True
        error, self._error = self._error, None
        if error is not None:
            raise error
        return False

    def start(self, call: Callable[[], None]) -> None:
        """Start a call, only while none is running.

        Where the user has as many threads as may be, nothing is called: whoever looks again, tries
        again.
        """
        thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.info("not done this time: %s", error)
        else:
            self._thread = thread

    def _run(self, call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again where the loop looks
            self._error = error
