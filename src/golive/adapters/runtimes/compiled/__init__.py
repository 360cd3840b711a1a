"""Compiled: trees walked by a small C program, eight rows at a time, with ONNX Runtime before and after them."""
