// Check: parity.json through this page, row by row, and how far its answers are from golive's.

import { decided } from "./decision.js";
import { compileFront } from "./front.js";
import { answering } from "./graph.js";
import { flat, tensorOf } from "./tensors.js";

const BUSY_MS = 50;

const number = (value) => (value === null ? NaN : Number(value));

/**
 * Runs every row alone, as the page does for its form. Gives rows, largest (the greatest difference), flipped (other
 * decisions), prepared (rows whose inputs became other numbers or codes), worst (the row of the greatest difference).
 */
export async function checkRows(graph, model, parity) {
  const front = compileFront(model);
  const answers = answering(graph, model);
  const found = { rows: parity.rows.length, largest: 0, flipped: 0, prepared: 0, worst: null };
  const rest = resting();
  for (const [index, row] of parity.rows.entries()) {
    await rest();
    const inputs = front([row]);
    if (!isPrepared(inputs, parity.N[index], parity.C[index])) found.prepared += 1;
    const got = await answers(inputs, 1);
    noteLargest(found, differences(got, parity.P[index].map(number), parity.difference), row);
    if (!isSame(decided(model, got), parity.labels[index], model)) found.flipped += 1;
  }
  return found;
}

/** The same for a graph of tensors: every case of parity.json. */
export async function checkCases(graph, parity) {
  const found = { rows: parity.cases.length, largest: 0, flipped: 0, prepared: 0, worst: null };
  for (const [index, one] of parity.cases.entries()) {
    const feeds = Object.entries(one.inputs).map(([name, tensor]) => [name, tensorOf(graph, tensor)]);
    const got = await graph.run(Object.fromEntries(feeds));
    for (const [name, tensor] of Object.entries(one.outputs)) {
      if (tensor.dtype === "string") {
        found.flipped += flat(got[name]).some((text, at) => text !== tensor.data[at]) ? 1 : 0;
        continue;
      }
      const values = flat(got[name]).map(Number);
      noteLargest(found, differences(values, tensor.data.map(number), "relative"), { case: index, output: name });
    }
  }
  return found;
}

/** Gives a function that now and then lets the browser paint and hear its reader. */
function resting() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < BUSY_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  };
}

function noteLargest(found, differences_, row) {
  for (const difference of differences_) {
    if (difference > found.largest) Object.assign(found, { largest: difference, worst: row });
  }
}

function differences(got, wanted, kind) {
  if (got.length !== wanted.length) return [Infinity];
  return [...got].map((value, at) => {
    if (Object.is(value, wanted[at]) || value === wanted[at]) return 0;
    const difference = Math.abs(value - wanted[at]);
    if (Number.isNaN(difference)) return Infinity;
    return kind === "relative" ? difference / Math.max(1, Math.abs(wanted[at])) : difference;
  });
}

/** Sums of terms and logarithms may end in another last bit; everything else must be the very number. */
function isPrepared(inputs, numbers, codes) {
  const close = differences(inputs.numbers, numbers.map(number), "relative").every((difference) => difference < 1e-14);
  return close && codes.every((code, at) => BigInt(code) === inputs.codes[at]);
}

function isSame(got, wanted, model) {
  return model.classes.length ? got === wanted : true;
}
