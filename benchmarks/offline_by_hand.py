"""What one writes by hand to predict a Parquet file: read, run, write. ``offline_by_hand.py GRAPH INPUT OUTPUT``."""

import sys

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet


def main(graph: str, source: str, output: str) -> None:
    """Read batches, run them on all cores, write them."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    schema = pa.schema([("id", pa.int64()), ("prediction", pa.float64())])
    with pa.parquet.ParquetFile(source) as file, pa.parquet.ParquetWriter(output, schema) as writer:
        names = [name for name in file.schema_arrow.names if name != "id"]
        for batch in file.iter_batches(batch_size=65_536):
            matrix = np.column_stack([batch.column(name).to_numpy() for name in names])
            predicted = session.run(["P"], {"N": matrix})[0][:, 0]
            writer.write_batch(pa.record_batch([batch.column("id"), pa.array(predicted)], schema))


if __name__ == "__main__":
    main(*sys.argv[1:])
