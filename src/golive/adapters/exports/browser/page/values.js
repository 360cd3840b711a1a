// Values: what a caller sends in, the canonical number (NaN is missing) or text (null is missing) out.

/** Says which field cannot be answered; `reason` is a key of words.js. */
export class RowError extends Error {
  constructor(reason, field, facts = {}) {
    super(`${reason}: ${field}`);
    this.reason = reason;
    this.field = field;
    this.facts = facts;
  }
}

/** What Python calls a blank; JavaScript's own \s is another set. */
export const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

const BLANKS = new RegExp(`${BLANK}+`, "u");

/** Cuts a text at its blanks; none is empty. */
export const split = (text) => text.split(BLANKS).filter((word) => word !== "");

export function numberOf(value, field) {
  if (value === null || value === undefined) return NaN;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "number") throw new RowError("notANumber", field, { value: String(value) });
  if (value === Infinity || value === -Infinity) throw new RowError("notFinite", field);
  return value;
}

export function textOf(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "number" ? textOfNumber(value) : String(value);
}

/** Writes a number as Python does: a whole one without a point, another one in its shortest exact form. */
export function textOfNumber(number) {
  if (Number.isNaN(number)) return null;
  if (Number.isInteger(number)) return BigInt(number).toString();
  const size = Math.abs(number);
  if (size >= 1e-4) return String(number);
  const [digits, power] = number.toExponential().split("e");
  return `${digits}e-${power.slice(1).padStart(2, "0")}`;
}

/** Reads a text as Python's float() does; NaN where that refuses. */
export function numberInText(text) {
  const trimmed = split(text).join(" ");
  if (!/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i.test(trimmed)) {
    const endless = /^([+-]?)inf(inity)?$/i.exec(trimmed);
    return endless ? (endless[1] === "-" ? -Infinity : Infinity) : NaN;
  }
  return Number(trimmed.replaceAll("_", ""));
}
