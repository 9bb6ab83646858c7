// The timeline: what happened, the newest first. Takes the emulator's events, gives descriptions.

import { h } from "./dom.js";
import { clockTime, isoTime } from "./words.js";

const LOUD = new Set(["rollback-started", "rolled-back", "replica-exited", "fault"]);
const GOOD = new Set(["promoted", "fleet-ready"]);

export function timeline(events) {
  if (events.length === 0) {
    return [h("p", { class: "quiet", key: "none" }, "Nothing has happened yet.")];
  }
  return [
    h("ol", { class: "events", key: "events" }, [...events].reverse().map((event) =>
      h("li", { key: event.n, class: tone(event) },
        h("time", { datetime: isoTime(event.at) }, clockTime(event.at)),
        h("div", null,
          h("span", { class: "kind" }, event.kind), " ",
          event.endpoint ? h("span", { class: "where" }, event.endpoint) : null,
          h("p", null, event.text),
        ),
      ),
    )),
  ];
}

function tone(event) {
  if (LOUD.has(event.kind) || (event.kind === "alarm" && event.data?.to === "ALARM")) return "loud";
  return GOOD.has(event.kind) ? "good" : "plain";
}
