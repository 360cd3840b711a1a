// Draw: a canvas to draw on, read as the cells of an image; every cell is a field of the signature.

import { make } from "./elements.js";
import { WORDS } from "./words.js";

const SIDE = 280;
const PEN = 0.1;

/** Builds the canvas into `place`. Gives show(row), which paints a row's cells; `drawn` is called with a row. */
export function buildPicture(place, model, image, drawn) {
  const [width, height] = image.columns >= image.rows ? [SIDE, (SIDE * image.rows) / image.columns] : [(SIDE * image.columns) / image.rows, SIDE];
  const canvas = make("canvas", { width, height, className: "pad", tabIndex: 0, role: "img", "aria-label": WORDS.draw });
  const seen = make("canvas", { width, height, className: "seen", role: "img", "aria-label": WORDS.read });
  const fits = make("input", { type: "checkbox", id: "fit", checked: true });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const lines = [];

  const read = () => {
    const cells = lines.length ? cellsOf(pen, image, fits.checked) : new Array(image.rows * image.columns).fill(0);
    const scaled = cells.map((ink) => image.low + (Math.round(ink * image.steps) / image.steps) * (image.high - image.low));
    drawn(Object.fromEntries(model.inputs.map((field, at) => [field.name, scaled[at]])));
  };
  const erase = () => {
    lines.length = 0;
    pen.clearRect(0, 0, width, height);
    read();
  };
  strokes(canvas, pen, lines, read);
  fits.addEventListener("change", read);

  place.hidden = false;
  place.append(
    make("div", { className: "pads" },
      make("figure", {}, canvas, make("figcaption", {}, WORDS.draw, " ", make("button", { type: "button", id: "erase", onclick: erase }, WORDS.erase))),
      make("figure", {}, seen, make("figcaption", {}, WORDS.read)),
    ),
    make("label", { htmlFor: "fit", className: "inline" }, fits, " ", WORDS.fit),
    make("p", { className: "quiet" }, WORDS.drawAbout(image.rows, image.columns)),
  );
  return {
    show: (row) => paint(seen.getContext("2d"), model.inputs.map((field) => row[field.name] ?? image.low), image),
    erase: () => {
      lines.length = 0;
      pen.clearRect(0, 0, width, height);
    },
  };
}

function strokes(canvas, pen, lines, read) {
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    lines.push([point(event)]);
    stroke(pen, lines.at(-1));
    read();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    lines.at(-1).push(point(event));
    stroke(pen, lines.at(-1));
    read();
  });
}

function stroke(pen, line) {
  const from = line.at(-2) ?? line.at(-1);
  const to = line.at(-1);
  pen.lineWidth = PEN * Math.min(pen.canvas.width, pen.canvas.height);
  pen.lineCap = "round";
  // The pen is always this blue: what counts is how much of a cell it covers.
  pen.strokeStyle = "#2f6db5";
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(to[0] + (from === to ? 0.01 : 0), to[1]);
  pen.stroke();
}

/** Gives the share of each cell that is covered with ink, row by row. */
function cellsOf(pen, image, fits) {
  const { width, height } = pen.canvas;
  const ink = pen.getImageData(0, 0, width, height).data;
  const box = fits ? bounds(ink, width, height, image) : { left: 0, top: 0, width, height };
  const sums = new Array(image.rows * image.columns).fill(0);
  const counts = new Array(image.rows * image.columns).fill(0);
  const fine = 8;
  for (let y = 0; y < image.rows * fine; y += 1) {
    for (let x = 0; x < image.columns * fine; x += 1) {
      const px = Math.floor(box.left + ((x + 0.5) / (image.columns * fine)) * box.width);
      const py = Math.floor(box.top + ((y + 0.5) / (image.rows * fine)) * box.height);
      const cell = Math.floor(y / fine) * image.columns + Math.floor(x / fine);
      counts[cell] += 1;
      if (px >= 0 && py >= 0 && px < width && py < height) sums[cell] += ink[(py * width + px) * 4 + 3] / 255;
    }
  }
  return sums.map((sum, cell) => sum / counts[cell]);
}

/** Gives the frame of the drawing, widened to the shape of the image so that nothing is stretched. */
function bounds(ink, width, height, image) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (ink[(y * width + x) * 4 + 3] < 32) continue;
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
  }
  if (right <= left) return { left: 0, top: 0, width, height };
  const cell = Math.max((right - left) / image.columns, (bottom - top) / image.rows, 1);
  const [wide, high] = [cell * image.columns, cell * image.rows];
  return { left: (left + right - wide) / 2, top: (top + bottom - high) / 2, width: wide, height: high };
}

function paint(pen, cells, image) {
  const { width, height } = pen.canvas;
  pen.clearRect(0, 0, width, height);
  cells.forEach((value, at) => {
    const share = Math.min(1, Math.max(0, (value - image.low) / (image.high - image.low || 1)));
    pen.fillStyle = `rgba(47, 109, 181, ${share})`;
    const [x, y] = [at % image.columns, Math.floor(at / image.columns)];
    const [left, top] = [Math.round((x / image.columns) * width), Math.round((y / image.rows) * height)];
    const [right, bottom] = [Math.round(((x + 1) / image.columns) * width), Math.round(((y + 1) / image.rows) * height)];
    pen.fillRect(left, top, right - left, bottom - top);
  });
}
