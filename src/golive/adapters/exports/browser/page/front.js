// Front: a caller's rows in, the two tensors that the graph reads out; what model.json declares, step by step.

import { dateParts } from "./dates.js";
import { termReader } from "./terms.js";
import { numberInText, numberOf, RowError, split, textOf, textOfNumber } from "./values.js";

/**
 * Compiles model.json to a function from rows (objects by column name) to `numbers`, Float64Array [rows, numbers],
 * and `codes`, BigInt64Array [rows, categories].
 */
export function compileFront(model) {
  const acts = model.steps.map((step) => STEPS[step.type](step, model));
  const coders = model.categories.map(coder);
  return (rows) => {
    const numbers = new Float64Array(rows.length * model.numbers.length);
    const codes = new BigInt64Array(rows.length * coders.length);
    rows.forEach((row, index) => {
      const cells = checked(row, model.inputs);
      for (const act of acts) act(cells);
      model.numbers.forEach((name, at) => (numbers[index * model.numbers.length + at] = cells.get(name)));
      coders.forEach((code, at) => (codes[index * coders.length + at] = BigInt(code(cells))));
    });
    return { numbers, codes };
  };
}

function checked(row, fields) {
  const cells = new Map();
  for (const field of fields) {
    const value = row[field.name];
    const cell = field.dtype === "string" ? textOf(value) : numberOf(value, field.name);
    if (!field.nullable && (cell === null || Number.isNaN(cell))) throw new RowError("isMissing", field.name);
    cells.set(field.name, cell);
  }
  return cells;
}

function coder(category) {
  const places = new Map(category.values.map((value, place) => [value, place]));
  const text = { text: (cell) => cell, number: textOfNumber, bool: textOfBool }[category.from];
  return (cells) => {
    const value = text(cells.get(category.column));
    return value === null ? category.missing : (places.get(value) ?? category.unseen);
  };
}

const textOfBool = (number) => (number === 0 || number === 1 ? String(number === 1) : textOfNumber(number));

const finite = (number) => (Number.isFinite(number) ? number : NaN);

const COMBINED = {
  sum: (operands) => finite(operands.reduce((total, other) => total + other)),
  product: (operands) => finite(operands.reduce((total, other) => total * other)),
  difference: ([left, right]) => finite(left - right),
  ratio: ([left, right]) => (right === 0 ? NaN : finite(left / right)),
  log1p: ([number]) => (number > -1 ? Math.log1p(number) : NaN),
  square: ([number]) => finite(number * number),
  absolute: ([number]) => Math.abs(number),
};

/** Tag of a step -> the function that carries it out on a row's cells. */
const STEPS = {
  normalize: (step) => (cells) => {
    const text = cells.get(step.column);
    if (text === null) return;
    const plain = split(text.normalize("NFKC")).join(" ");
    const form = step.lower ? plain.toLowerCase() : plain;
    cells.set(step.column, step.empty_is_missing && form === "" ? null : form);
  },
  recode: (step, model) => {
    const texts = new Set(step.missing.map(textOf));
    const numbers = new Set(step.missing.map((code) => (typeof code === "number" ? code : numberInText(code))));
    const isText = model.inputs.some((field) => field.name === step.column && field.dtype === "string");
    return (cells) => {
      const cell = cells.get(step.column);
      if (isText && texts.has(cell)) cells.set(step.column, null);
      if (!isText && numbers.has(cell)) cells.set(step.column, NaN);
    };
  },
  bound: (step) => (cells) => {
    const [low, high] = [step.minimum ?? -Infinity, step.maximum ?? Infinity];
    const cell = cells.get(step.column);
    if (!(cell < low || cell > high)) return;
    if (step.outside === "refuse") throw new RowError("outOfRange", step.column, { value: cell, low, high });
    cells.set(step.column, step.outside === "missing" ? NaN : cell < low ? low : high);
  },
  date_parts: (step) => (cells) => {
    const text = cells.get(step.column);
    const found = text === null ? step.parts.map(() => NaN) : dateParts(step.parts, text);
    if (found === null) throw new RowError("notADate", step.column, { value: text });
    step.parts.forEach((part, at) => cells.set(`${step.column}_${part}`, found[at]));
  },
  text_counts: (step) => (cells) => {
    const text = cells.get(step.column);
    cells.set(`${step.column}_chars`, text === null ? NaN : [...text].length);
    cells.set(`${step.column}_words`, text === null ? NaN : split(text).length);
  },
  text_terms: (step) => {
    const read = termReader(step);
    return (cells) => {
      const found = read(cells.get(step.column));
      step.into.forEach((name, at) => cells.set(name, found[at]));
    };
  },
  combine: (step) => (cells) => {
    cells.set(step.into, COMBINED[step.operation](step.columns.map((name) => cells.get(name))));
  },
};
