"""ONNX files: a bundle's graph as it is, and as ONNX Runtime keeps it for small builds."""
