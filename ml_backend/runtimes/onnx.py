"""ONNX: the network as a file in memory, and ONNX Runtime on the CPU."""

from __future__ import annotations

import io
import warnings

import onnxruntime
import torch
from torch import Tensor, nn

from ml_backend.runtimes import Compiled, Floats


def compile_network(network: nn.Module, examples: tuple[Tensor, ...], *, threads: int) -> Compiled:
    """See `ml_backend.runtimes.CompileNetwork`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        export_network(network, examples), options, providers=["CPUExecutionProvider"]
    )
    inputs = [port.name for port in session.get_inputs()]

    def run(*arrays: Floats) -> tuple[Floats, ...]:
        return tuple(session.run(None, dict(zip(inputs, arrays, strict=True))))

    return run


def export_network(network: nn.Module, examples: tuple[Tensor, ...]) -> bytes:
    """The network in ONNX, for batches of any size; inputs and outputs in the network's order."""
    inputs = [f"input_{i}" for i in range(len(examples))]
    with torch.no_grad():
        answer = network(*examples)
    outputs = [f"output_{i}" for i in range(len(answer) if isinstance(answer, tuple) else 1)]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            examples,
            buffer,  # type: ignore[arg-type]  # files in memory are taken, the annotation does not say so
            input_names=inputs,
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in inputs + outputs},
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()
