"""Reads a file of tensors (safetensors): a length, a table of contents as JSON, then plain numbers.

The numbers stay in the file and are mapped into memory: what is not looked at takes no room.
"""

import json
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float32]
_HEADER_BYTES = 8
_LONGEST_HEADER = 10_000_000


def tensors(file: Path) -> dict[str, Numbers]:
    """Every tensor of 32-bit numbers by its name, read-only; raises OSError, and ValueError for a file that is none."""
    size = file.stat().st_size
    with file.open("rb") as raw:
        length = int.from_bytes(raw.read(_HEADER_BYTES), "little")
        if not 2 <= length <= min(_LONGEST_HEADER, size - _HEADER_BYTES):
            message = f"{file.name} holds no tensors"
            raise ValueError(message)
        contents = json.loads(raw.read(length))
    everything = np.memmap(file, dtype=np.uint8, mode="r", offset=_HEADER_BYTES + length)
    return {
        name: everything[slice(*one["data_offsets"])].view("<f4").reshape(one["shape"])
        for name, one in contents.items()
        if name != "__metadata__" and one["dtype"] == "F32"
    }
