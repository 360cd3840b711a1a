"""Graphs: what several kinds of adapters know of ONNX graphs."""
