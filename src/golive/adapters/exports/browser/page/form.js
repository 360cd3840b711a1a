// Form: one control for each field of the signature; a row of values out, as a caller would send it.

import { make } from "./elements.js";
import { shown, WORDS } from "./words.js";

const FEW = 40;
const UNSEEN = "\uffff";
const LONG = 60;

/** Builds the controls into `form`. Gives row() and fill(row); `changed` is called after every change by a person. */
export function buildForm(form, model, changed) {
  const controls = model.inputs.map((field, place) => control(field, place, model));
  form.append(...controls.map((each) => each.element));
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    row: () => Object.fromEntries(controls.map((each) => [each.name, each.value()])),
    fill: (row) => controls.forEach((each) => each.set(row[each.name] ?? null)),
    mark: (name, message) => controls.forEach((each) => each.mark(each.name === name ? message : "")),
  };
}

/** Makes a box that leaves only the fields in sight whose name holds what is typed. */
export function finder(form) {
  const box = make("input", { type: "search", id: "find", placeholder: WORDS.find, "aria-label": WORDS.find });
  box.addEventListener("input", () => {
    const wanted = box.value.trim().toLowerCase();
    for (const field of form.children) field.hidden = !field.firstChild.textContent.toLowerCase().includes(wanted);
  });
  return box;
}

/** Gives a row to begin with: the fields' examples. */
export function exampleRow(model) {
  return Object.fromEntries(model.inputs.map((field) => [field.name, sample(field)]));
}

function sample(field) {
  if (field.example !== null || field.nullable) return field.example;
  if (field.categories.length) return field.categories[0];
  if (field.format === "date") return "2026-01-31";
  return { string: "text", bool: false }[field.dtype] ?? field.minimum ?? 0;
}

function control(field, place, model) {
  const made = kindOf(field, model)(field, `f${place}`, model);
  const title = make("label", { htmlFor: `f${place}` }, field.name);
  if (field.unit) title.append(" ", make("span", { className: "quiet" }, field.unit));
  const trouble = make("small", { className: "bad", id: `f${place}-trouble`, role: "alert" });
  const about = make("small", { className: "quiet", id: `f${place}-about` }, hint(field, model));
  made.input.setAttribute("aria-describedby", `f${place}-about f${place}-trouble`);
  return {
    name: field.name,
    element: make("div", { className: "field" }, title, ...made.elements, about, trouble),
    value: made.value,
    set: made.set,
    mark: (message) => {
      trouble.textContent = message;
      made.input.toggleAttribute("aria-invalid", message !== "");
    },
  };
}

function hint(field, model) {
  const parts = [];
  if (field.minimum !== null && field.maximum !== null) parts.push(WORDS.seen(shown(field.minimum), shown(field.maximum)));
  if (field.format === "date") parts.push(WORDS.date);
  // A list says it by a choice of its own.
  if (field.nullable && kindOf(field, model) !== choice) parts.push(WORDS.optional);
  return parts.join("; ");
}

function kindOf(field, model) {
  if (field.dtype === "bool") return choice;
  if (field.dtype !== "string") return numeric;
  if (field.format === "date") return date;
  const known = knownValues(field, model).length;
  return known > 0 && known <= FEW ? choice : text;
}

function knownValues(field, model) {
  const vocabulary = model.categories.find((each) => each.column === field.name);
  return field.categories.length ? field.categories : (vocabulary?.values ?? []);
}

function numeric(field, id) {
  const input = make("input", { id, type: "number", step: "any", inputMode: "decimal" });
  const elements = [input];
  let slide = () => {};
  if (field.minimum !== null && field.maximum > field.minimum) {
    const slider = make("input", { type: "range", min: field.minimum, max: field.maximum, "aria-label": WORDS.slider(field.name) });
    slider.step = field.dtype === "int64" ? 1 : "any";
    slider.tabIndex = -1;
    slider.addEventListener("input", () => (input.value = field.dtype === "int64" ? slider.value : rounded(slider, field)));
    slide = () => {
      slider.value = input.value === "" ? (field.minimum + field.maximum) / 2 : input.value;
      slider.classList.toggle("unset", input.value === "");
    };
    input.addEventListener("input", slide);
    slider.addEventListener("input", slide);
    elements.push(slider);
  }
  return {
    input,
    elements,
    value: () => (input.validity.badInput ? "?" : input.value === "" ? null : Number(input.value)),
    set: (value) => {
      input.value = value === null ? "" : String(value);
      slide();
    },
  };
}

/** Rounds what a slider gives to a thousandth of its range, so that the number stays short. */
function rounded(slider, field) {
  const digits = Math.max(0, 3 - Math.floor(Math.log10(field.maximum - field.minimum)));
  return String(Number(Number(slider.value).toFixed(Math.min(digits, 20))));
}

function choice(field, id, model) {
  const isBool = field.dtype === "bool";
  const values = isBool ? ["true", "false"] : knownValues(field, model);
  const input = make("select", { id });
  if (field.nullable) input.append(make("option", { value: "" }, WORDS.missing));
  for (const value of values) {
    input.append(make("option", { value: `=${value}` }, isBool ? (value === "true" ? WORDS.yes : WORDS.no) : value));
  }
  if (!isBool) input.append(make("option", { value: `=${UNSEEN}` }, WORDS.unseen));
  return {
    input,
    elements: [input],
    value: () => {
      if (input.value === "") return null;
      return isBool ? input.value === "=true" : input.value.slice(1);
    },
    set: (value) => {
      const wanted = value === null ? "" : `=${value}`;
      input.value = [...input.options].some((option) => option.value === wanted) ? wanted : isBool ? "" : `=${UNSEEN}`;
    },
  };
}

function text(field, id, model) {
  const isLong = model.steps.some((step) => step.type === "text_terms" && step.column === field.name) || (field.example ?? "").length > LONG;
  const input = isLong ? make("textarea", { id, rows: 5 }) : make("input", { id, type: "text" });
  const elements = [input];
  const known = knownValues(field, model);
  if (known.length) {
    input.setAttribute("list", `${id}-known`);
    elements.push(make("datalist", { id: `${id}-known` }, ...known.map((value) => make("option", { value }))));
  }
  return texts(field, input, elements);
}

function date(field, id) {
  const hasTime = (field.example ?? "").length > 10;
  const input = make("input", { id, type: hasTime ? "datetime-local" : "date", step: hasTime ? 1 : "any" });
  return texts(field, input, [input]);
}

function texts(field, input, elements) {
  return {
    input,
    elements,
    value: () => (input.value === "" && field.nullable ? null : input.value),
    set: (value) => (input.value = value ?? ""),
  };
}
