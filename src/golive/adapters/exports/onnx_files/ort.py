"""Export ``ort``: the graph in ONNX Runtime's own format, optimized beforehand, for its small builds on devices."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from golive.adapters.exports.companions.refusing import check_carried
from golive.adapters.exports.context import checked_options, write_all
from golive.adapters.exports.onnx_files.onnx import companions
from golive.adapters.graphs import session
from golive.domain.bundle import Bundle
from golive.errors import VerificationError


class OrtExport:
    """Writes ``model.ort`` with the companions of the ``onnx`` export, and the list of operators for a small build."""

    name = "ort"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the optimized graph with what describes and checks it; there are no options.

        Raises:
            NotConvertibleError: the bundle has no graph, or a declared step of text that few languages can repeat.
            VerificationError: ONNX Runtime does not write this graph in its own format.
        """
        checked_options(options)
        check_carried(bundle, "the ORT file", tensors=True)
        graph = files[bundle.manifest.graph]
        told = companions(bundle, files, "model.ort", f"written by ONNX Runtime {session.onnxruntime().__version__}")
        told["README.md"] += _SMALL_BUILD.encode()
        written = {
            "model.ort": optimized(graph, "ORT"),
            "required_operators.config": operators(optimized(graph, "ONNX")),
        }
        return write_all(folder, {**written, **told})


def optimized(graph: bytes, form: str) -> bytes:
    """Give the graph as ONNX Runtime rewrites it for any processor, in its format ``ORT`` or ``ONNX``.

    Raises:
        VerificationError: it cannot.
    """
    try:
        # What comes after "extended" fits one kind of processor only.
        return session.optimized(graph, "extended", entries={"session.save_model_format": form})
    except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = (
            f"ONNX Runtime {session.onnxruntime().__version__} does not write this graph as {form} ({reason}); "
            "export it as onnx instead"
        )
        raise VerificationError(message) from error


def operators(graph: bytes) -> bytes:
    """List the operators of an optimized graph as a build of ONNX Runtime reads them: ``domain;opset;Add,MatMul``."""
    model = onnx.load_model_from_string(graph)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    used: dict[str, set[str]] = {}
    for node in _nested(model.graph):
        used.setdefault(node.domain, set()).add(node.op_type)
    lines = [f"{domain or 'ai.onnx'};{opsets[domain]};{','.join(sorted(used[domain]))}" for domain in sorted(used)]
    return "".join(f"{line}\n" for line in lines).encode()


def _nested(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    found = []
    for node in graph.node:
        found.append(node)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _nested(attribute.g)
    return found


_SMALL_BUILD = """
## On a device

A build of ONNX Runtime with these operators only takes a few megabytes: give `required_operators.config` to its
`build.sh --minimal_build extended --include_ops_by_config required_operators.config`. The format is that of the version
above; newer versions read it.
"""
