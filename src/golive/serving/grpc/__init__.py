"""The Open Inference Protocol over gRPC: the binary road for programs. Needs the extra ``golive[grpc]``."""
