"""Machine code for inner loops: the one place that knows the compiler (numba)."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_settings: Any = numba.config
_functions: Any = cgutils


def _sources() -> str:
    """Of every module with compiled functions: numba by itself renews kept code only when the function's own file changes."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if b"@compiled" in source:
            digest.update(source)
    return digest.hexdigest()[:16]


def _folder() -> Path:
    given = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "updraft")
    return base / "kernels" / _sources()


def _bring(folder: Path) -> None:
    """Fill `folder` from UPDRAFT_KERNELS, where an image keeps what was compiled when it was built: numba reads nothing where it
    cannot write. Code for another processor is not taken by numba, and what cannot be copied is compiled.
    """
    kept = os.environ.get("UPDRAFT_KERNELS")
    if kept is None or folder.exists() or not (shipped := Path(kept, folder.name)).is_dir():
        return
    with suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        copying = tempfile.mkdtemp(dir=folder.parent)
        try:
            shutil.copytree(shipped, copying, dirs_exist_ok=True)
            Path(copying).rename(folder)
        finally:
            shutil.rmtree(copying, ignore_errors=True)


def _prepared() -> Path:
    folder = _folder()
    _bring(folder)
    return folder


_settings.CACHE_DIR = str(_prepared())


def compiled(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """`function` as machine code, compiled at its first call for the types it is called with; it runs without the
    interpreter's lock and may call other compiled functions and loop over `numba.prange` in one thread.

    The code is kept between processes, in NUMBA_CACHE_DIR if that is set, else in the user's cache folder, by a digest of the
    sources beside this file. Where the folder cannot be written every process compiles anew.
    """
    try:
        kept: Callable[_Arguments, _Result] = numba.njit(cache=True, nogil=True)(function)
    except (RuntimeError, OSError):
        fresh: Callable[_Arguments, _Result] = numba.njit(nogil=True)(function)
        return fresh
    return kept


@intrinsic
def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        line = builder.bitcast(builder.gep(data, [given[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        ask = _functions.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_read, to_keep, of_data = number(0), number(3), number(1)
        builder.call(ask, [line, to_read, to_keep, of_data])
        return context.get_dummy_value()

    return types.void(array, place), generate


prefetch: Any = _prefetch
"""In compiled functions: ask for the cache line of `array[place]` without waiting for it. A place outside is ignored."""
