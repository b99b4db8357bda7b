"""PyTorch as it is: the reference."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml_backend.runtimes import Compiled, Floats


def compile_network(network: nn.Module, examples: tuple[Tensor, ...], *, threads: int) -> Compiled:
    """See `ml_backend.runtimes.CompileNetwork`; the network keeps its device."""
    device = next(network.parameters()).device

    def run(*arrays: Floats) -> tuple[Floats, ...]:
        with torch.no_grad():
            outputs = network(*(torch.from_numpy(array).to(device) for array in arrays))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(output.float().cpu().numpy() for output in outputs)

    return run
