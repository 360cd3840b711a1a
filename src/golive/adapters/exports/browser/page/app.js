// App: puts the page together: words, form or picture, model, answer and check.

import { showAnswer } from "./answer.js";
import { checkCases, checkRows } from "./check.js";
import { buildPicture } from "./draw.js";
import { at, make } from "./elements.js";
import { buildForm, exampleRow, finder } from "./form.js";
import { compileFront } from "./front.js";
import { answering, openGraph } from "./graph.js";
import { json } from "./parts.js";
import { buildTensors } from "./tensor_form.js";
import { RowError } from "./values.js";
import { LANGUAGE, shown, WORDS } from "./words.js";

const MANY = 24;
const TIMED_MS = 60;
const TIMED_RUNS = 200;

await begin();

async function begin() {
  at("state").className = "";
  at("state").textContent = WORDS.loading;
  document.documentElement.lang = LANGUAGE === "zh" ? "zh-CN" : "en";
  at("asked-title").textContent = WORDS.input;
  at("answer-title").textContent = WORDS.answer;
  at("check-title").textContent = WORDS.check;
  at("check-run").textContent = WORDS.run;
  at("foot").textContent = WORDS.offline;
  for (const link of at("languages").children) {
    const to = new URLSearchParams(location.search);
    to.set("lang", link.lang);
    link.href = `?${to}`;
    if (link.lang === LANGUAGE) link.setAttribute("aria-current", "true");
  }
  try {
    await open(await json("model.json"), await json("page.json"));
  } catch (error) {
    at("state").className = "bad";
    at("state").textContent = WORDS.failed(error.message);
    at("check").dataset.state = "failed";
    throw error;
  }
}

async function open(model, page) {
  const isTensors = model.task === "tensors";
  document.title = model.name;
  at("title").textContent = model.name;
  at("about").textContent = isTensors ? WORDS.runs : WORDS.predicts(model.target);
  at("foot").append(` ${model.digest.slice(0, 19)}`);
  at("check-about").textContent = WORDS.checkAbout(page.rows);
  const show = isTensors ? tensorsPage(model) : rowsPage(model, page);
  const graph = await openGraph();
  at("state").textContent = "";
  at("state").hidden = true;
  await show(graph);
  const check = () => showCheck(graph, model, page);
  at("check-run").addEventListener("click", check);
  if (new URLSearchParams(location.search).has("check")) await check();
}

function tensorsPage(model) {
  const form = buildTensors(at("form"), at("result"), model);
  return async (graph) => {
    form.open(graph);
    await form.ask();
  };
}

/** Builds the form, and gives the function that brings it to life once the model is there. */
function rowsPage(model, page) {
  let ask = async () => {};
  let picture = null;
  const holder = page.image ? folded(model) : at("form");
  const form = buildForm(holder, model, () => {
    picture?.erase();
    picture?.show(form.row());
    ask();
  });
  const put = (row) => {
    form.fill(row);
    picture?.show(row);
    ask();
  };
  if (page.image) picture = buildPicture(at("picture"), model, page.image, put);
  const fresh = (row) => {
    picture?.erase();
    put(row);
  };
  if (!page.image && model.inputs.length > MANY) at("tools").append(finder(holder));
  examples(model, fresh);
  fresh(exampleRow(model));
  return async (graph) => {
    ask = asking(graph, model, form);
    await ask();
    await timed(graph, model, form);
  };
}

function folded(model) {
  const inside = make("form", { autocomplete: "off", noValidate: true, id: "cells" });
  at("form").replaceWith(make("details", { id: "form" }, make("summary", {}, WORDS.numbers(model.inputs.length)), inside));
  return inside;
}

function examples(model, put) {
  let rows = null;
  let place = 0;
  const another = async () => {
    if (rows === null) {
      const parity = await json("parity.json");
      rows = parity.rows.slice(0, Math.ceil(parity.rows.length / 2));
    }
    place = (place + 1) % rows.length;
    put(rows[place]);
  };
  at("tools").append(
    make("button", { type: "button", id: "example", onclick: () => put(exampleRow(model)) }, WORDS.example),
    make("button", { type: "button", id: "another", onclick: another }, WORDS.another),
  );
}

/** Gives a function that answers what the form holds now; while one answer is made, only the last question waits. */
function asking(graph, model, form) {
  const front = compileFront(model);
  const answers = answering(graph, model);
  let isBusy = false;
  let isWanted = false;
  return async function ask() {
    if (isBusy) {
      isWanted = true;
      return;
    }
    isBusy = true;
    do {
      isWanted = false;
      try {
        showAnswer(at("result"), model, await answers(front([form.row()]), 1));
        form.mark("", "");
        at("answer").dataset.state = "answered";
      } catch (error) {
        refuse(error, form);
      }
    } while (isWanted);
    isBusy = false;
  };
}

function refuse(error, form) {
  const sentence = error instanceof RowError ? WORDS[error.reason](error.field, error.facts) : error.message;
  form.mark(error.field ?? "", sentence);
  at("answer").dataset.state = "refused";
  at("result").replaceChildren(make("p", { className: "bad" }, sentence));
}

async function timed(graph, model, form) {
  const front = compileFront(model);
  const answers = answering(graph, model);
  const row = form.row();
  const began = performance.now();
  let runs = 0;
  try {
    while (runs < TIMED_RUNS && performance.now() - began < TIMED_MS) {
      await answers(front([row]), 1);
      runs += 1;
    }
  } catch (error) {
    if (error instanceof RowError) return;
    throw error;
  }
  const ms = (performance.now() - began) / runs;
  at("time").textContent = WORDS.took(shown(Number(ms.toPrecision(2))));
}

async function showCheck(graph, model, page) {
  const place = at("check");
  place.dataset.state = "running";
  at("check-result").replaceChildren(make("p", {}, WORDS.running));
  const parity = await json("parity.json");
  const found = parity.cases ? await checkCases(graph, parity) : await checkRows(graph, model, parity);
  const isRight = found.flipped === 0 && found.prepared === 0 && found.largest <= page.tolerance;
  Object.assign(place.dataset, {
    rows: found.rows,
    largest: found.largest,
    flipped: found.flipped,
    prepared: found.prepared,
    right: isRight,
    state: "done",
  });
  const kind = parity.difference === "absolute" ? WORDS.absolute : WORDS.relative;
  const facts = [
    [WORDS.largest, `${found.largest === 0 ? "0" : found.largest.toExponential(2)} · ${kind}`],
    [WORDS.flipped, String(found.flipped)],
    [WORDS.prepared, String(found.prepared)],
  ];
  if (!isRight && found.worst) facts.push([WORDS.row, JSON.stringify(found.worst)]);
  at("check-result").replaceChildren(
    make("p", { className: isRight ? "good" : "bad" }, `${isRight ? WORDS.right : WORDS.wrong} · ${WORDS.checked(found.rows)}`),
    make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
  );
}
