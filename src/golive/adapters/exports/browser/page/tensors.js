// Tensors: JSON in and out for models that read tensors and no rows.

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Makes a tensor from { dtype, shape, data }, data row by row; JSON writes infinities as texts and NaN as null. */
export function tensorOf(graph, { dtype, shape, data }) {
  if (dtype === "string") return graph.tensor("string", data, shape);
  const wide = dtype.endsWith("int64");
  const values = data.map((value) => (wide ? BigInt(value) : value === null ? NaN : Number(value)));
  return graph.tensor(dtype, ARRAYS[dtype].from(values), shape);
}

/** Gives a tensor's values row by row, as a list. */
export const flat = (tensor) => [...tensor.data];

/** Reads nested lists: their shape and their values row by row. Throws where they are ragged. */
export function unnested(value) {
  const shape = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const data = [];
  const walk = (part, depth) => {
    if (depth === shape.length) {
      if (Array.isArray(part)) throw new Error("the lists differ in depth");
      data.push(part);
      return;
    }
    if (!Array.isArray(part) || part.length !== shape[depth]) throw new Error("the lists differ in length");
    part.forEach((each) => walk(each, depth + 1));
  };
  walk(value, 0);
  return { shape, data };
}

/** Writes values row by row as nested lists. */
export function nested(data, shape) {
  if (!shape.length) return data[0];
  const size = shape.slice(1).reduce((total, length) => total * length, 1);
  return Array.from({ length: shape[0] }, (_, at) => nested(data.slice(at * size, (at + 1) * size), shape.slice(1)));
}
