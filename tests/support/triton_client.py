"""What NVIDIA's own client says of a server. Runs in an environment with tritonclient and without golive.

``python triton_client.py ADDRESS DESCRIPTOR``: DESCRIPTOR is a file with the server's ``inference.proto`` as protobuf
describes files. Prints what was answered as JSON.
"""

import json
import sys
from pathlib import Path

import numpy as np
from google.protobuf import descriptor_pb2
from tritonclient import grpc as client
from tritonclient.grpc import model_config_pb2, service_pb2
from tritonclient.utils import InferenceServerException


def tensor(name, datatype, values, kind):
    array = np.array(values, dtype=kind)
    made = client.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array)
    return made


def named():
    return [
        tensor("area", "FP64", [[120.5], [80.0]], np.float64),
        tensor("rooms", "INT64", [[4], [2]], np.int64),
        tensor("sold", "BYTES", [["2011-07-25"], ["2009-01-02"]], object),
        tensor("hood", "BYTES", [["north"], ["20"]], object),
        tensor("garden", "BOOL", [[True], [False]], bool),
    ]


def differences(path):
    """Give every field that is declared otherwise than in tritonclient's own messages."""
    file = descriptor_pb2.FileDescriptorProto.FromString(Path(path).read_bytes())
    theirs = {}
    for module in (service_pb2, model_config_pb2):
        copied = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(copied)
        theirs.update(declared(copied.message_type, ""))
    found = []
    for name, fields in declared(file.message_type, ""):
        known = theirs.get(name, {})
        found += [f"{name}.{field}" for field, told in fields.items() if known.get(field) != told]
    return found


def declared(messages, scope):
    for message in messages:
        name = f"{scope}{message.name}"
        yield name, {field.name: (field.number, field.type, field.label, field.type_name) for field in message.field}
        yield from declared(message.nested_type, f"{name}.")


def main(address, path):
    with client.InferenceServerClient(address) as server:
        fused = server.infer("pair", [tensor("input", "FP32", [[1.5, 2.0]], np.float32)], request_id="7")
        two = server.infer("priced", named(), outputs=[client.InferRequestedOutput("probabilities")])
        flat = server.infer("priced", named(), compression_algorithm="gzip").as_numpy("predict").ravel().tolist()
        try:
            server.infer("priced", named()[:1])
            refused = ""
        except InferenceServerException as error:
            refused = f"{error.status()}: {error.message()}"
        streamed = []
        server.start_stream(
            callback=lambda result, error: streamed.append(error or result.as_numpy("predict").tolist())
        )
        server.async_stream_infer("pair", [tensor("input", "FP64", [[1.0, 3.0]], np.float64)])
        server.stop_stream()
        config = server.get_model_config("priced").config
        statistics = server.get_inference_statistics("priced").model_stats[0]
        told = {
            "differences": differences(path),
            "live": server.is_server_live(),
            "ready": server.is_server_ready(),
            "model_ready": [server.is_model_ready("priced"), server.is_model_ready("priced", "1")],
            "unknown_ready": server.is_model_ready("nothing"),
            "extensions": list(server.get_server_metadata().extensions),
            "inputs": [each.name for each in server.get_model_metadata("priced").inputs],
            "config": [config.max_batch_size > 0, [each.data_type for each in config.input]],
            "index": sorted((each.name, each.state) for each in server.get_model_repository_index().models),
            "answered": [statistics.inference_stats.success.count, statistics.inference_count],
            "fused": [fused.get_response().id, fused.as_numpy("predict").tolist()],
            "probabilities": two.as_numpy("probabilities").tolist(),
            "predict": [each.decode() for each in flat],
            "refused": refused,
            "streamed": streamed,
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
