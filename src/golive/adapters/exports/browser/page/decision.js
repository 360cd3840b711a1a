// Decision: one row's answer in, the label or number that golive would write out.

/** Gives the place of the chosen class, or -1 of a regression. Of two classes the threshold decides, else the most. */
export function chosen(model, answer) {
  if (!model.classes.length) return -1;
  if (model.classes.length === 2) return Number(answer[1] > model.threshold);
  return answer.reduce((best, value, place) => (value > answer[best] ? place : best), 0);
}

/** Gives the answer as golive writes it: a number, or a label in the type that the classes had in training. */
export function decided(model, answer) {
  const place = chosen(model, answer);
  return place < 0 ? answer[0] : label(model.classes[place], model.class_dtype);
}

function label(text, dtype) {
  if (dtype === "int64" || dtype === "float64") return Number(text);
  return dtype === "bool" ? text === "true" || text === "True" || text === "1" : text;
}
