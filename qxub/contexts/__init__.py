"""Execution contexts: what each contributes to the job script, the command and the options.

Each is one module here with one subclass of `Context`; every module of this package is imported, so
that a further context is one file and nothing else. Pure: shell lines out, nothing is run.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from qxub.contexts.context import CONTEXTS, Context, Step

if TYPE_CHECKING:
    from qxub.job import JobSpec

__all__ = ["CONTEXT_OPTIONS", "Context", "Step", "contexts"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

_IN_ORDER = sorted(CONTEXTS, key=lambda kind: kind.rank)

CONTEXT_OPTIONS = tuple(option for kind in _IN_ORDER for option in kind.options)
"""the options of all contexts"""


def contexts(spec: JobSpec) -> list[Context]:
    """Return the contexts of a job in the order in which they are entered."""
    found = (kind.of(spec) for kind in _IN_ORDER)
    return [context for context in found if context is not None]
