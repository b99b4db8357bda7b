"""OpenVINO on the CPU, in single precision: the same boxes and grades as PyTorch's."""

from __future__ import annotations

import warnings

import numpy as np
import openvino
from torch import Tensor, nn

from ml_backend.runtimes import Compiled, Floats


def compile_network(network: nn.Module, examples: tuple[Tensor, ...], *, threads: int) -> Compiled:
    """See `ml_backend.runtimes.CompileNetwork`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(network, example_input=examples)
    for port, example in zip(converted.inputs, examples, strict=True):
        port.get_node().set_partial_shape(openvino.PartialShape([-1, *example.shape[1:]]))
    converted.validate_nodes_and_infer_types()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(converted, "CPU", settings)

    def run(*arrays: Floats) -> tuple[Floats, ...]:
        request = compiled.create_infer_request()
        results = request.infer(list(arrays))
        return tuple(np.array(results[port], np.float32) for port in compiled.outputs)

    return run
