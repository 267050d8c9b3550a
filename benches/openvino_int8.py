#!/usr/bin/env python3
"""Times a network in int8 in OpenVINO: a static model as a user would make it.

    benches/openvino_int8.py net.onnx --size 512 --threads 2 --runs 7

The ONNX file takes one image `[1, 3, size, size]`. ONNX Runtime's tool quantises it (QDQ, one scale for each output of
a weight, unsigned activations); products of two activations, those of attention, stay as they are. The time does not
depend on the values, so random images calibrate it. Prints one JSON object. Needs: numpy, onnx, onnxruntime, openvino.
"""
import argparse
import json
import os
import resource
import tempfile
import time

import numpy as np
import onnx
import openvino
from onnxruntime import quantization


class RandomImages(quantization.CalibrationDataReader):
    def __init__(self, name, size, count=4):
        random = np.random.default_rng(1)
        images = [random.standard_normal((1, 3, size, size), dtype=np.float32) for _ in range(count)]
        self.images = iter([{name: image} for image in images])

    def get_next(self):
        return next(self.images, None)


def quantised(path, size, folder):
    """The path of the quantised model."""
    prepared, result = os.path.join(folder, "prepared.onnx"), os.path.join(folder, "int8.onnx")
    quantization.quant_pre_process(path, prepared, skip_symbolic_shape=True)
    graph = onnx.load(prepared).graph
    constants = {weight.name for weight in graph.initializer}
    of_activations = [
        node.name for node in graph.node if node.op_type == "MatMul" and not constants.intersection(node.input)
    ]
    quantization.quantize_static(
        prepared,
        result,
        RandomImages(graph.input[0].name, size),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gemm", "Conv"],
        nodes_to_exclude=of_activations,
    )
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("onnx")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    image = np.random.default_rng(2).standard_normal((1, 3, options.size, options.size), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = quantised(options.onnx, options.size, folder)
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_NUM_THREADS": options.threads})
    times = []
    for _ in range(options.runs + 2):
        start = time.perf_counter()
        compiled([image])
        times.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "peer": f"openvino-int8 {openvino.__version__.split('-')[0]}",
                "size": options.size,
                "threads": options.threads,
                "total_ms": round(float(np.median(times[2:])) * 1e3, 2),
                # With what made the model, in KiB on Linux.
                "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
