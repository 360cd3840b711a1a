// Terms: one text in, the weighted sums of its terms out (bags of words, tf-idf, hashed words).
// The arithmetic keeps its order: counts, 1 + log, idf, norm, weights, each summed in the order of the terms' places.

import { BLANK, RowError, split } from "./values.js";

const WORD = /[\p{L}\p{N}_]+/gu;

/** Compiles a text_terms step to a function from a text (null is missing) to its numbers. */
export function termReader(step) {
  const width = step.into.length;
  const cut = cutter(step.tokens);
  const idf = doubles(step.idf);
  const weights = doubles(step.weights);
  const rows = new Map(wholes(step.kept).map((bucket, row) => [bucket, row]));
  const places = new Map(step.terms.map((term, place) => [term, place]));
  const counts = step.buckets ? (tokens) => bucketCounts(tokens, step) : (tokens) => termCounts(tokens, places);

  return (text) => {
    if (text === null) return new Array(width).fill(NaN);
    if (length(text) > step.tokens.limit) {
      throw new RowError("tooLong", step.column, { found: length(text), most: step.tokens.limit });
    }
    const found = [...counts(cut(text))].sort(([left], [right]) => left - right);
    let values = found.map(([, count]) => (step.binary ? 1 : count));
    if (step.sublinear) values = values.map((value) => (value > 0 ? Math.log(value) + 1 : NaN));
    if (idf.length) values = values.map((value, at) => value * idf[found[at][0]]);
    values = divided(values, norm(values, step.norm));
    let known = found.map(([place], at) => [place, values[at]]);
    if (rows.size) known = known.filter(([place]) => rows.has(place)).map(([place, value]) => [rows.get(place), value]);
    return summed(known, weights, width);
  };
}

function summed(known, weights, width) {
  const sums = new Array(width).fill(0);
  for (const [place, value] of known) {
    if (!weights.length) {
      if (place < width) sums[place] = value;
      continue;
    }
    for (let number = 0; number < width; number += 1) sums[number] += value * weights[place * width + number];
  }
  return sums;
}

const length = (text) => [...text].length;

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (mark) => mark.charCodeAt(0)).buffer;
}

const doubles = (base64) => new Float64Array(bytesOf(base64));
const wholes = (base64) => [...new BigInt64Array(bytesOf(base64))].map(Number);

function cutter(tokens) {
  const clean = cleaner(tokens);
  const cut = { word: words, char: characters, char_wb: withinWords }[tokens.analyzer](tokens);
  return (text) => cut(clean(text));
}

function cleaner(tokens) {
  const accents = { keep: (text) => text, ascii, unicode: withoutMarks }[tokens.accents];
  return (text) => accents(tokens.lower ? text.toLowerCase() : text);
}

const ascii = (text) => text.normalize("NFKD").replace(/[^\x00-\x7f]/g, "");

const withoutMarks = (text) => [...text.normalize("NFKD")].filter((mark) => !combines(mark)).join("");

/** Says whether a character has a combining class: normalization then moves it past one of these two. */
function combines(mark) {
  if (mark < "\u0300") return false;
  return `${mark}\u0334`.normalize("NFD") !== `${mark.normalize("NFD")}\u0334` || `\u0345${mark}`.normalize("NFD") !== `\u0345${mark.normalize("NFD")}`;
}

function words(tokens) {
  const least = tokens.pattern.includes("\\w\\w+") ? 2 : 1;
  const stopped = new Set(tokens.stop_words);
  return (text) => {
    const found = (text.match(WORD) ?? []).filter((word) => length(word) >= least && !stopped.has(word));
    if (tokens.longest === 1) return found;
    return [...spans(found.length, tokens)].map(([start, end]) => found.slice(start, end).join(" "));
  };
}

function characters(tokens) {
  const blanks = new RegExp(`${BLANK}{2,}`, "gu");
  return (text) => {
    const marks = [...text.replace(blanks, " ")];
    return [...spans(marks.length, tokens)].map(([start, end]) => marks.slice(start, end).join(""));
  };
}

function withinWords(tokens) {
  return (text) => split(text).flatMap((word) => wordRuns([" ", ...word, " "], tokens));
}

function wordRuns(marks, tokens) {
  const found = [];
  for (let size = tokens.shortest; size <= tokens.longest; size += 1) {
    if (size >= marks.length) {
      found.push(marks.join(""));
      break;
    }
    for (let start = 0; start + size <= marks.length; start += 1) found.push(marks.slice(start, start + size).join(""));
  }
  return found;
}

function* spans(count, tokens) {
  for (let size = tokens.shortest; size <= Math.min(tokens.longest, count); size += 1) {
    for (let start = 0; start + size <= count; start += 1) yield [start, start + size];
  }
}

function termCounts(tokens, places) {
  const counts = new Map();
  for (const token of tokens) {
    const place = places.get(token);
    if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return counts;
}

function bucketCounts(tokens, step) {
  const counts = new Map();
  const encoder = new TextEncoder();
  for (const token of tokens) {
    const code = murmur3(encoder.encode(token));
    const place = Math.abs(code) % step.buckets;
    counts.set(place, (counts.get(place) ?? 0) + (code < 0 && step.signed ? -1 : 1));
  }
  return counts;
}

/** MurmurHash3 (x86, 32 bits, seed 0), signed. Source: Austin Appleby, MurmurHash3 (2011). */
function murmur3(data) {
  const turned = (value, by) => (value << by) | (value >>> (32 - by));
  const mixed = (block) => Math.imul(turned(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
  let state = 0;
  const whole = data.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    state ^= mixed(data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24));
    state = (Math.imul(turned(state, 13), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = data.length - 1; at >= whole; at -= 1) rest = (rest << 8) | data[at];
  if (data.length > whole) state ^= mixed(rest);
  state ^= data.length;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16);
}

function norm(values, kind) {
  let total = 0;
  if (kind === "l2") {
    for (const value of values) total += value * value;
    return Math.sqrt(total);
  }
  if (kind === "l1") for (const value of values) total += Math.abs(value);
  return total;
}

const divided = (values, by) => (by ? values.map((value) => value / by) : values);
