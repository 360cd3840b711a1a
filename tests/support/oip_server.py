"""A model server of the Open Inference Protocol, version 2, REST with binary tensors, written from the specification.

It shares no code with golive: what one writes the other has to read. Its models answer with the sum of a row, where a
text counts its letters and a missing value 0.5.
"""

import contextlib
import json
import math
import ssl
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FORMATS = {"FP64": "d", "FP32": "f", "INT64": "q", "INT32": "i", "BOOL": "?"}
COUNTED_MISSING = 0.5


@dataclass
class Model:
    """One version: its inputs as (name, datatype, width)."""

    inputs: tuple
    platform: str = "golive_onnx"
    classes: tuple = ()

    def metadata(self, name, versions):
        inputs = [{"name": n, "datatype": d, "shape": [-1, w]} for n, d, w in self.inputs]
        outputs = [{"name": "predict", "datatype": "BYTES" if self.classes else "FP64", "shape": [-1, 1]}]
        return {"name": name, "platform": self.platform, "versions": versions, "inputs": inputs, "outputs": outputs}


@dataclass
class Server:
    """Answers requests given as values; what stands in ``before`` answers the next ones in its place.

    ``after`` holds what is called after each prediction, one after the other.
    """

    models: dict = field(default_factory=dict)
    serving: dict = field(default_factory=dict)
    extensions: tuple = ("binary_tensor_data",)
    versions_have_addresses: bool = True
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)
    seen: list = field(default_factory=list)
    read: list = field(default_factory=list)

    def place(self, name, version, model):
        self.models[name, version] = model
        self.serving[name] = version

    def answer(self, method, path, headers, body):
        """Give (status, headers, body)."""
        self.seen.append((method, path, dict(headers), body))
        if self.before:
            answered = self.before.pop(0)
            if answered is not None:
                return answered
        if path in {"/v2/health/live", "/v2/health/ready"}:
            return told({"live": True, "ready": True})
        if path == "/v2":
            return told({"name": "fake", "version": "1", "extensions": list(self.extensions)})
        if path == "/v1/models":
            return told({"models": sorted(self.serving)})
        _, _, _, name, *rest = path.split("/")
        infers = rest[-1:] == ["infer"]
        asked = rest[1] if rest[:1] == ["versions"] else None
        version = asked or self.serving.get(name)
        model = self.models.get((name, version))
        if model is None or (asked and not self.versions_have_addresses):
            return refused(404, "not_found", f"there is no model {name!r} of version {version!r}")
        if not infers:
            described = model.metadata(name, [v for n, v in self.models if n == name])
            return told(described, **{"x-model-version": version})
        return self._infer(model, name, version, headers, body)

    def _infer(self, model, name, version, headers, body):
        request, columns = parsed(headers, body)
        self.read.append(columns)
        known = {n: (d, w) for n, d, w in model.inputs}
        fused = {d for d, _ in known.values()} <= {"FP64", "INT64"} and model.platform == "golive_onnx"
        if fused and list(columns) == ["input"]:
            values, (rows, width) = columns["input"]
            if width != len(known):
                return refused(400, "bad_request", f"tensor 'input' wants [n, {len(known)}]", "input")
            columns = {n: (values[at::width], [rows, 1]) for at, n in enumerate(known)}
        for n in columns:
            if n not in known:
                return refused(400, "bad_request", f"there is no tensor {n!r}", n)
        rows = {shape[0] for _, shape in columns.values()}
        if len(rows) != 1:
            return refused(400, "bad_request", "no rows")
        sums = [
            sum(worth(value) * (place + 1) for place, value in placed)
            for placed in rows_of(columns, list(known), rows.pop())
        ]
        outputs = [("predict", "FP64", [len(sums), 1], sums)]
        if model.classes:
            labels = [model.classes[int(total) % len(model.classes)] for total in sums]
            shares = [float(label == each) for label in labels for each in model.classes]
            outputs = [
                ("predict", "BYTES", [len(sums), 1], labels),
                ("probabilities", "FP64", [len(sums), len(model.classes)], shares),
            ]
        if self.after:
            self.after.pop(0)()
        binary = request.get("parameters", {}).get("binary_data_output", False)
        return written(name, version, outputs, binary=binary, headers=headers)


def worth(value):
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return COUNTED_MISSING
    return len(value) if isinstance(value, str) else float(value)


def rows_of(columns, names, count):
    """Give (place among the inputs, value) pairs for each row."""
    for row in range(count):
        pairs = []
        for place, name in enumerate(names):
            if name not in columns:
                pairs.append((place, None))
                continue
            values, shape = columns[name]
            width = len(values) // shape[0]
            pairs += [(place + at, value) for at, value in enumerate(values[row * width : (row + 1) * width])]
        yield pairs


def parsed(headers, body):
    """Read a request to the letter: the JSON, and name -> (flat values, shape)."""
    told = headers.get("inference-header-content-length")
    size = len(body) if told is None else int(told)
    request, at, columns = json.loads(body[:size]), size, {}
    for tensor in request["inputs"]:
        length = tensor.get("parameters", {}).get("binary_data_size")
        if length is None:
            values = tensor["data"]
        else:
            assert "data" not in tensor
            values = unpacked(tensor["datatype"], body[at : at + length])
            at += length
        assert math.prod(tensor["shape"]) == len(values), tensor
        columns[tensor["name"]] = (values, tensor["shape"])
    assert at == len(body)
    return request, columns


def unpacked(datatype, raw):
    if datatype != "BYTES":
        form = FORMATS[datatype]
        return [value for (value,) in struct.iter_unpack(f"<{form}", raw)]
    values, at = [], 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        values.append(raw[at + 4 : at + 4 + length].decode())
        assert len(raw) >= at + 4 + length
        at += 4 + length
    return values


def written(name, version, outputs, *, binary, headers):
    described, tail = [], b""
    for output, datatype, shape, values in outputs:
        entry = {"name": output, "datatype": datatype, "shape": shape}
        if binary:
            raw = packed(datatype, values)
            entry["parameters"] = {"binary_data_size": len(raw)}
            tail += raw
        else:
            entry["data"] = values
        described.append(entry)
    head = json.dumps({"model_name": name, "model_version": version, "outputs": described}).encode()
    answered = {"x-request-id": headers.get("x-request-id", ""), "x-model-version": version}
    if "x-request-timing" in headers:
        answered["server-timing"] = "decode;dur=0.250, queue;dur=0.000, compute;dur=1.500, encode;dur=0.125"
    if binary:
        answered["inference-header-content-length"] = str(len(head))
    return 200, answered, head + tail


def packed(datatype, values):
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in values)
    return struct.pack(f"<{len(values)}{FORMATS[datatype]}", *values)


def told(value, status=200, **headers):
    return status, headers, json.dumps(value).encode()


def refused(status, code, error, at=None, **headers):
    body = {"error": error, "code": code, "field": at, "request_id": "theirs"}
    return told(body, status, **{name.replace("_", "-"): value for name, value in headers.items()})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Listening:
    """The server behind a socket, in threads."""

    def __init__(self, server, *, certificate=None, key=None):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answered = server.answer(self.command, self.path, headers, body)
                if callable(answered):
                    answered(self)
                    return
                status, own, body = answered
                self.send_response(status)
                for name, value in own.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self):
                # A client may hang up, or refuse the certificate.
                with contextlib.suppress(OSError):
                    super().handle()

            do_POST = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_):
                pass

        self._http = _Server(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            # The handshake is left to the thread of the connection.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'' if certificate is None else 's'}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._thread.join(10)
        self._http.server_close()
