// Tensor form: a box of JSON for each tensor that the graph reads, and what it gives in JSON.

import { make } from "./elements.js";
import { flat, nested, tensorOf, unnested } from "./tensors.js";
import { WORDS } from "./words.js";

const MOST = 2000;

/** Builds the boxes into `form`; answers go to `result`. */
export function buildTensors(form, result, model) {
  const boxes = model.inputs.map((tensor, place) => box(tensor, place));
  const go = make("button", { type: "submit" }, WORDS.ask);
  form.append(make("p", { className: "quiet wide" }, WORDS.tensors), ...boxes.map((each) => each.element), go);
  let graph = null;
  const ask = async () => {
    try {
      const feeds = boxes.map((each) => [each.name, tensorOf(graph, each.value())]);
      const got = await graph.run(Object.fromEntries(feeds));
      result.replaceChildren(...model.outputs.flatMap((tensor) => shownTensor(tensor, got[tensor.name])));
    } catch (error) {
      result.replaceChildren(make("p", { className: "bad" }, error.message));
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (graph) ask();
  });
  return { ask, open: (opened) => (graph = opened) };
}

function box(tensor, place) {
  const id = `t${place}`;
  const input = make("textarea", { id, rows: 6, spellcheck: false, className: "code" });
  input.value = JSON.stringify(zeros(tensor));
  const about = make("small", { className: "quiet" }, WORDS.shape(tensor.shape.map((length) => length ?? "?").join(", "), tensor.dtype));
  return {
    name: tensor.name,
    element: make("div", { className: "field wide" }, make("label", { htmlFor: id }, tensor.name), input, about),
    value: () => {
      try {
        return { dtype: tensor.dtype, ...unnested(JSON.parse(input.value)) };
      } catch (error) {
        throw new Error(WORDS.badJson(tensor.name, error.message));
      }
    },
  };
}

function zeros(tensor) {
  const shape = tensor.shape.map((length) => length ?? 1);
  const count = shape.reduce((total, length) => total * length, 1);
  return nested(new Array(count).fill(tensor.dtype === "string" ? "" : 0), shape);
}

function shownTensor(tensor, got) {
  const values = flat(got).map((value) => (typeof value === "bigint" ? Number(value) : value));
  const text = JSON.stringify(nested(values.slice(), got.dims));
  return [
    make("h3", {}, tensor.name, " ", make("small", { className: "quiet" }, WORDS.shape(got.dims.join(", "), got.type))),
    make("pre", { className: "code" }, text.length > MOST ? `${text.slice(0, MOST)} …` : text),
  ];
}
