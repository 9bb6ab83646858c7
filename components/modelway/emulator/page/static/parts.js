// What several parts of the page are made of: tables, states, colours. Gives descriptions.

import { h } from "./dom.js";

const LOUD = new Set(["ALARM", "Failed", "RollingBack", "UpdateRollbackFailed", "unhealthy"]);
const GOOD = new Set(["OK", "InService", "healthy"]);
const SIGNS = { loud: "▲", good: "●", plain: "○" };

/**
 * A table; rows are {key, cells}, and the first cell is the row's header. Where the page is narrow
 * a row becomes a block with the columns' names beside the cells; the roles are written out because
 * browsers forget them then. `wide` tables scroll instead.
 */
export function table(label, columns, rows, wide = false) {
  const cell = (content, number) => number === 0
    ? h("th", { scope: "row", role: "rowheader" }, content)
    : h("td", { role: "cell", "data-column": columns[number] }, h("div", null, content));
  return h("div", { class: "scroll", "data-label": label },
    h("table", { "aria-label": label, class: wide ? "wide" : "stacks", role: "table" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((name) =>
        h("th", { scope: "col", role: "columnheader" }, name)))),
      h("tbody", { role: "rowgroup" }, rows.map((row) =>
        h("tr", { key: row.key, role: "row" }, row.cells.map(cell)))),
    ),
  );
}

export function swatch(tone, style = "") {
  return h("svg", { class: "swatch", viewBox: "0 0 22 10", "aria-hidden": "true" },
    h("line", { class: `line tone-${tone} ${style}`, x1: 2, x2: 20, y1: 5, y2: 5 }));
}

/** A state with a sign, so that it is not told by colour alone. */
export function badge(state) {
  const tone = LOUD.has(state) ? "loud" : GOOD.has(state) ? "good" : "plain";
  return h("span", { class: `badge ${tone}` },
    h("span", { "aria-hidden": "true" }, `${SIGNS[tone]} `), state);
}

export function fact(name, ...value) {
  return h("div", { key: name }, h("dt", null, name), h("dd", null, ...value));
}
