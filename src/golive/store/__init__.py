"""Store: blobs by digest in an OCI layout, and the ledger."""
