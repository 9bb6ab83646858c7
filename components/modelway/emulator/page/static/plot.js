// One plot as SVG. Takes lines of numbers, gives the description of a figure; a screen reader gets
// its title and the figures in a sentence, and the page offers the same figures as a table.

import { h } from "./dom.js";
import { clockTime, figure } from "./words.js";

const HEIGHT = 150;
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 22;
const TICKS = 2;

/**
 * @param id names the figure, unique on the page
 * @param lines {label, tone, style, values}: tone and style are class suffixes
 * @param width in CSS pixels, so that texts keep their size on a narrow screen
 */
export function plot({ id, title, unit, lines, start, periodSeconds, width }) {
  const top = ceiling(Math.max(0, ...lines.flatMap((line) => line.values.map((v) => v ?? 0))));
  const count = Math.max(2, ...lines.map((line) => line.values.length));
  const x = (index) => LEFT + (index / (count - 1)) * (width - LEFT - RIGHT);
  const y = (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const ticks = Array.from({ length: TICKS + 1 }, (_, number) => (top * number) / TICKS);
  const end = start + (count - 1) * periodSeconds;
  return h("figure", { class: "plot", id, key: id },
    h("figcaption", { "aria-hidden": "true" }, title, h("span", { class: "unit" }, ` ${unit}`)),
    h("svg", {
      role: "img",
      "aria-labelledby": `${id}-title`,
      "aria-describedby": `${id}-desc`,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      height: String(HEIGHT),
    },
      h("title", { id: `${id}-title` }, `${title}, ${unit}`),
      h("desc", { id: `${id}-desc` }, sentence(lines, unit)),
      h("g", { class: "grid" }, ticks.map((tick) => [
        h("line", { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
        h("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, figure(tick)),
      ])),
      h("g", { class: "grid" },
        h("text", { x: LEFT, y: HEIGHT - 5 }, clockTime(start)),
        h("text", { x: width - RIGHT, y: HEIGHT - 5, "text-anchor": "end" }, clockTime(end)),
      ),
      lines.map((line) => h("path", {
        class: `line tone-${line.tone} ${line.style}`,
        d: path(line.values, x, y),
      })),
    ),
  );
}

function path(values, x, y) {
  let drawing = false;
  const parts = [];
  values.forEach((value, index) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const point = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    // A line of no length shows a point that stands alone.
    parts.push(drawing ? `L${point}` : `M${point}L${point}`);
    drawing = true;
  });
  return parts.join("");
}

function sentence(lines, unit) {
  const parts = lines.map((line) => {
    const known = line.values.filter((value) => value !== null);
    if (known.length === 0) return `${line.label}: nothing measured`;
    const last = figure(known[known.length - 1]);
    return `${line.label}: ${last} ${unit} at last, ${figure(Math.max(...known))} at most`;
  });
  return `${parts.join("; ")}.`;
}

/** The least of 1, 2, 5, 10, 20 ... that is not below the value. */
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((each) => each >= value * 0.999);
}
