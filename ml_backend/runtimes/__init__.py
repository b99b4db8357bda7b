"""Ways to evaluate a network on a CPU. Each module has the same one function, `compile_network`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Floats = npt.NDArray[np.float32]
Compiled = Callable[..., tuple[Floats, ...]]
"""Float32 arrays in, in the order of the network's arguments; its outputs as float32 arrays."""


class RuntimeName(StrEnum):
    """The runtimes there are."""

    EAGER = "eager"
    ONNX = "onnx"
    OPENVINO = "openvino"


class CompileNetwork(Protocol):
    """What each runtime's module offers."""

    def __call__(self, network: nn.Module, examples: tuple[Tensor, ...], *, threads: int) -> Compiled:
        """Compile for inputs like the examples, of any batch size."""
        ...


def compile_network(
    network: nn.Module, examples: tuple[Tensor, ...], *, runtime: RuntimeName, threads: int
) -> Compiled:
    """The network as a function on arrays, in the given runtime.

    Args:
        network: In evaluation mode.
        examples: One tensor an argument; batches may differ from theirs later, other sizes may not.
        runtime: Which.
        threads: CPU threads a call may use.
    """
    network.eval()
    with torch.no_grad():
        network(*examples)  # Ultralytics' head keeps its anchors from the first picture: none may be traced
    compile_: CompileNetwork = import_module(f"ml_backend.runtimes.{runtime.value}").compile_network
    return compile_(network, examples, threads=threads)
