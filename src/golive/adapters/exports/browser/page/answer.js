// Answer: probabilities as bars with the chosen label, or a number with its unit.

import { chosen } from "./decision.js";
import { make } from "./elements.js";
import { share, shown, WORDS } from "./words.js";

const MOST = 12;
const PAIR = 2;

/** Shows one row's answer in `place`. */
export function showAnswer(place, model, answer) {
  place.replaceChildren(...(model.classes.length ? classes(model, answer) : value(model, answer[0])));
}

function value(model, number) {
  const big = make("p", { className: "big" }, shown(number));
  if (model.unit) big.append(" ", make("span", { className: "unit" }, model.unit));
  return [big, make("p", { className: "quiet" }, model.target)];
}

function classes(model, answer) {
  const best = chosen(model, answer);
  const listed = [...answer.keys()];
  if (listed.length > MOST) listed.sort((left, right) => answer[right] - answer[left]).splice(MOST);
  const bars = make("ul", { className: "bars" }, ...listed.map((place) => bar(model, answer[place], place, place === best)));
  const parts = [make("p", { className: "big" }, model.classes[best]), make("p", { className: "quiet" }, model.target), bars];
  if (model.classes.length === PAIR) {
    parts.push(make("p", { className: "quiet" }, WORDS.threshold(model.classes[1], share(model.threshold))));
  }
  return parts;
}

function bar(model, probability, place, isBest) {
  const label = model.classes[place];
  const fill = make("span", { className: "fill" });
  fill.style.width = `${Math.min(100, Math.max(0, probability * 100))}%`;
  const track = make("span", { className: "track", "aria-hidden": "true" }, fill);
  if (model.classes.length === PAIR && place === 1) {
    const mark = make("span", { className: "mark" });
    mark.style.left = `${model.threshold * 100}%`;
    track.append(mark);
  }
  return make("li", { className: isBest ? "best" : "", title: WORDS.probability(label, String(probability)) },
    make("span", { className: "name" }, label), track, make("span", { className: "share" }, share(probability)));
}
