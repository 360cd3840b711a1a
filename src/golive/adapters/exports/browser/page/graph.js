// Graph: the model's ONNX graph, opened by ONNX Runtime's WebAssembly build on one thread.

import { bytes, isInside } from "./parts.js";

const WASM = "ort/ort-wasm-simd-threaded.wasm";

/** Opens model.onnx. `run` takes tensors by name and gives tensors by name: { data, dims, type }. */
export async function openGraph() {
  const ort = await import("../ort/ort.wasm.bundle.min.js");
  ort.env.wasm.numThreads = 1;
  if (isInside(WASM)) ort.env.wasm.wasmBinary = await bytes(WASM);
  else ort.env.wasm.wasmPaths = { wasm: new URL(WASM, document.baseURI).href };
  const session = await ort.InferenceSession.create(new Uint8Array(await bytes("model.onnx")), {
    executionProviders: ["wasm"],
    logSeverityLevel: 3,
  });
  return {
    inputs: session.inputNames,
    tensor: (type, data, shape) => new ort.Tensor(type, data, shape),
    run: (feeds) => session.run(feeds),
  };
}

/** Gives a function from prepared rows to probabilities or values, Float64Array [rows, outputs]. */
export function answering(graph, model) {
  return async ({ numbers, codes }, rows) => {
    const feeds = {};
    if (graph.inputs.includes("N")) feeds.N = graph.tensor("float64", numbers, [rows, model.numbers.length]);
    if (graph.inputs.includes("C")) feeds.C = graph.tensor("int64", codes, [rows, model.categories.length]);
    return (await graph.run(feeds)).P.data;
  };
}
