// The plots of one endpoint, and the same figures as a table. Takes its series, gives descriptions.

import { h } from "./dom.js";
import { swatch, table } from "./parts.js";
import { plot } from "./plot.js";
import { clockTime, figure } from "./words.js";

const NARROWEST = 200;
const UNMEASURED = 360;
const FEWEST = 20;

export function figures(endpoint, id, colours, emulator, rerender) {
  if (endpoint.series.lines.length === 0) {
    return h("p", { class: "quiet", key: "no-figures" }, "No requests yet.");
  }
  const { start, period_seconds: periodSeconds } = endpoint.series;
  const lines = named(endpoint.series.lines, colours);
  const from = firstShown(lines);
  const common = { start: start + from * periodSeconds, periodSeconds };
  const second = emulator.time_scale === 1 ? "per second" : "per real second";
  const plots = [
    ["requests", "Requests", second, lines.map((line) => drawn(line, from, "requests_per_second", "plain"))],
    ["latency", "Model latency", "ms", lines.flatMap((line) => [
      drawn(line, from, "p50_ms", "dotted", "p50 of "), drawn(line, from, "p99_ms", "plain", "p99 of "),
    ])],
    ["errors", "Errors", second, lines.map((line) => drawn(line, from, "errors_per_second", "plain"))],
  ];
  if (document.getElementById(`${id}-requests`) === null) window.requestAnimationFrame(rerender);
  return h("div", { key: "figures" },
    h("h3", null, "Requests, latency and errors"),
    legend(lines),
    h("div", { class: "plots" }, plots.map(([name, title, unit, shown]) => plot({
      ...common, id: `${id}-${name}`, title, unit, lines: shown, width: widthOf(`${id}-${name}`),
    }))),
    h("details", { ontoggle: rerender, id: `${id}-figures`, key: "table" },
      h("summary", null, "The same figures as a table"),
      document.getElementById(`${id}-figures`)?.open ? figureTable(endpoint, lines, second) : null,
    ),
  );
}

/** With one variant a fleet is called by its configuration, with several by both. */
function named(lines, colours) {
  return lines.map((line) => {
    const fleet = line.config ?? line.variant;
    const several = lines.filter((each) => each.config === line.config).length > 1;
    const label = several && line.config !== null ? `${line.config} / ${line.variant}` : fleet;
    const order = lines.filter((each) => each.config === line.config).indexOf(line);
    return { ...line, label, tone: colours.get(fleet), dash: order % 3 };
  });
}

/** Without the time before the first request, which would leave most of a plot empty. */
function firstShown(lines) {
  const firsts = lines.map((line) => line.requests_per_second.findIndex((value) => value !== null));
  return Math.max(0, Math.min(...firsts, lines[0].requests_per_second.length - FEWEST));
}

function drawn(line, from, name, style, prefix = "") {
  const values = line[name].slice(from);
  return { label: prefix + line.label, tone: line.tone, style: `${style} dash-${line.dash}`, values };
}

function legend(lines) {
  return h("ul", { class: "legend", key: "legend" },
    lines.map((line) => h("li", { key: line.label }, swatch(line.tone, `dash-${line.dash}`), line.label)),
    h("li", { class: "quiet" }, "latency: full line p99, dotted p50"),
  );
}

function figureTable({ name, series }, lines, second) {
  const columns = lines.flatMap((line) => [
    `${line.label}: requests ${second}`, "p50 ms", "p99 ms", `errors ${second}`,
  ]);
  const rows = [];
  for (let index = lines[0].requests_per_second.length - 1; index >= 0; index -= 1) {
    if (lines.every((line) => line.requests_per_second[index] === null)) continue;
    const at = series.start + index * series.period_seconds;
    rows.push({
      key: at,
      cells: [clockTime(at), ...lines.flatMap((line) => [
        line.requests_per_second[index], line.p50_ms[index], line.p99_ms[index], line.errors_per_second[index],
      ].map(figure))],
    });
  }
  return table(`Figures of ${name}`, ["Time", ...columns], rows, true);
}

function widthOf(id) {
  const width = document.getElementById(id)?.clientWidth || UNMEASURED;
  return Math.max(NARROWEST, width);
}
