"""OpenVINO on the CPU, in single precision: the same boxes and grades as PyTorch's."""

from __future__ import annotations

import numpy as np
import openvino
from torch import Tensor, nn

from ml_backend.runtimes import Compiled, Floats
from ml_backend.runtimes.onnx import export_network


def compile_network(network: nn.Module, examples: tuple[Tensor, ...], *, threads: int) -> Compiled:
    """See `ml_backend.runtimes.CompileNetwork`.

    By way of ONNX: `openvino.convert_model` keeps 40 MB at each call that nothing gives back.
    """
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(export_network(network, examples)), "CPU", settings)

    def run(*arrays: Floats) -> tuple[Floats, ...]:
        request = compiled.create_infer_request()
        results = request.infer(list(arrays))
        return tuple(np.array(results[port], np.float32) for port in compiled.outputs)

    return run
