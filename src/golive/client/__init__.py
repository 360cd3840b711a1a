"""Client: asks a running golive server, or any server of the Open Inference Protocol, from Python."""
