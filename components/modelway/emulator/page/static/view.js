// What the page shows of endpoints and alarms. Takes the data as `page/data` gives it, gives
// descriptions of elements. Nothing here asks for data or keeps any, but the colour of each fleet.

import { h } from "./dom.js";
import { figures } from "./figures.js";
import { badge, fact, swatch, table } from "./parts.js";
import { clockTime, dateTime, duration, figure, isoTime, plural } from "./words.js";

const STAGES = ["provisioning", "shifting", "baking", "terminating"];
const TONES = 6;

const tonesOf = new Map();

/** A fleet keeps its colour while it is seen; a new one gets one that nobody has. */
function tones(endpoint) {
  const names = endpoint.fleets.map((fleet) => fleet.config)
    .concat(endpoint.series.lines.map((line) => line.config ?? line.variant));
  const before = tonesOf.get(endpoint.name) ?? new Map();
  const now = new Map();
  for (const name of new Set(names)) {
    if (before.has(name)) now.set(name, before.get(name));
  }
  for (const name of new Set(names)) {
    if (now.has(name)) continue;
    const taken = new Set(now.values());
    const free = Array.from({ length: TONES }, (_, tone) => tone).find((tone) => !taken.has(tone));
    now.set(name, free ?? TONES - 1);
  }
  tonesOf.set(endpoint.name, now);
  return now;
}

export function emulatorFacts(emulator) {
  const scale = emulator.time_scale === 1 ? "real time" : `${emulator.time_scale} times real time`;
  const replicas = emulator.replicas ? `real, as ${emulator.runtime}` : "none";
  return [
    h("dl", { class: "facts" },
      fact("Clock", h("time", { datetime: isoTime(emulator.now) }, `${dateTime(emulator.now)} UTC`), `, ${scale}`),
      fact("Account", `${emulator.account}, ${emulator.region}`),
      fact("Replicas", replicas),
      fact("Process", `${emulator.pid}, modelway ${emulator.version}`),
    ),
    ...emulator.warnings.map((text, number) =>
      h("p", { class: "warning", key: `warning-${number}` }, `Warning: ${text}`)),
  ];
}

export function endpoints(data, rerender) {
  const shown = data.endpoints.map((each) => endpointSection(each, data.emulator, rerender));
  if (shown.length === 0) {
    shown.push(h("section", { key: "none", class: "card" },
      h("h2", null, "No endpoints yet"),
      h("p", null, "Point a shell at this emulator and bring up a stack:"),
      h("pre", null, 'eval "$(modelway emulator env)"\npulumi up'),
    ));
  }
  if (data.alarms.length > 0) {
    shown.push(h("section", { key: "other-alarms", class: "card", "aria-labelledby": "other-alarms" },
      h("h2", { id: "other-alarms" }, "Other alarms"),
      alarmTable("Other alarms", data.alarms),
    ));
  }
  return shown;
}

function endpointSection(endpoint, emulator, rerender) {
  const id = `endpoint-${endpoint.region}-${endpoint.name}`;
  const colours = tones(endpoint);
  return h("section", { key: id, class: "card", "aria-labelledby": id },
    h("div", { class: "heading" },
      h("h2", { id }, endpoint.name),
      badge(endpoint.status),
    ),
    h("dl", { class: "facts" },
      fact("Configuration", h("code", null, endpoint.config || "none")),
      ...endpoint.variants.map((variant) => fact(
        `Variant ${variant.name}`,
        `${variant.instances} of ${plural(variant.desired_instances, "instance")}, weight ${figure(variant.weight)}`,
      )),
      fact("Log group", h("code", null, endpoint.log_group)),
    ),
    endpoint.failure_reason
      ? h("p", { class: "warning", key: "reason" }, `Failed: ${endpoint.failure_reason}`) : null,
    endpoint.rollout ? rollout(endpoint.rollout, emulator) : null,
    fleets(endpoint, id, colours),
    figures(endpoint, id, colours, emulator, rerender),
    replicas(endpoint),
    endpoint.alarms.length > 0
      ? h("div", { key: "alarms" }, h("h3", null, "Alarms"), alarmTable(`Alarms of ${endpoint.name}`, endpoint.alarms)) : null,
    endpoint.last_failure_log.length > 0
      ? h("details", { key: "last-words" },
        h("summary", null, "Last words of the replica that failed"),
        h("pre", { class: "scroll", "data-label": "Last words" }, endpoint.last_failure_log.join("\n")),
      ) : null,
  );
}

function rollout(current, emulator) {
  const back = current.stage === "rolling-back";
  let left = "";
  if (current.seconds_left !== null) {
    left = `${duration(current.seconds_left)} left`;
    if (emulator.time_scale !== 1) left += ` (${duration(current.real_seconds_left)} of real time)`;
  }
  const steps = back ? [...STAGES.slice(0, 3), "rolling-back"] : STAGES;
  return h("div", { key: "rollout", class: back ? "rollout loud" : "rollout" },
    h("h3", null, "Rollout"),
    h("ol", { class: "steps", "aria-label": "Stages" }, steps.map((stage) =>
      h("li", { key: stage, "aria-current": stage === current.stage ? "step" : null }, stage))),
    h("p", null, back ? "Rolling back from " : "To ", h("code", null, current.config), left ? `: ${left}` : ""),
  );
}

function fleets(endpoint, id, colours) {
  if (endpoint.fleets.length === 0) return null;
  let offset = 0;
  const bars = endpoint.fleets.filter((fleet) => fleet.traffic_percent > 0).map((fleet) => {
    const bar = h("rect", {
      key: fleet.config, class: `fill tone-${colours.get(fleet.config)}`,
      x: offset, y: 0, width: fleet.traffic_percent, height: 10,
    });
    offset += fleet.traffic_percent;
    return bar;
  });
  const words = endpoint.fleets
    .map((fleet) => `${fleet.config} ${figure(fleet.traffic_percent)} %`).join(", ");
  return h("div", { key: "fleets" },
    h("h3", null, "Traffic by fleet"),
    h("svg", {
      class: "split", role: "img", viewBox: "0 0 100 10", preserveAspectRatio: "none",
      "aria-labelledby": `${id}-split`, "aria-describedby": `${id}-shares`,
    },
      h("title", { id: `${id}-split` }, "Traffic split"),
      h("desc", { id: `${id}-shares` }, words),
      bars,
    ),
    table(`Fleets of ${endpoint.name}`, ["Configuration", "Role", "Traffic", "Healthy replicas"], endpoint.fleets.map((fleet) => ({
      key: fleet.config,
      cells: [
        [swatch(colours.get(fleet.config)), fleet.config],
        fleet.role,
        `${figure(fleet.traffic_percent)} %`,
        `${fleet.healthy_replicas} of ${fleet.replicas}`,
      ],
    }))),
  );
}

function replicas(endpoint) {
  const all = endpoint.replicas;
  const healthy = all.filter((replica) => replica.state === "healthy").length;
  return h("details", { key: "replicas", openAtFirst: true },
    h("summary", null, `Replicas: ${healthy} of ${all.length} healthy`),
    all.length === 0 ? h("p", { class: "quiet" }, "Nothing runs behind this endpoint.")
      : table(`Replicas of ${endpoint.name}`, ["Instance", "Variant", "Configuration", "State", "Restarts", "Last exit", "Process"],
        all.map((replica) => ({
          key: replica.instance_id,
          cells: [
            replica.instance_id, replica.variant, replica.config, badge(replica.state),
            replica.restarts, replica.last_exit_status ?? "–",
            replica.pid === null ? "–" : `${replica.pid}, port ${replica.port}`,
          ],
        }))),
  );
}

function alarmTable(label, alarms) {
  return table(label, ["Alarm", "State", "Since", "Watches for", "Reason"], alarms.map((alarm) => ({
    key: `${alarm.region}/${alarm.name}`,
    cells: [
      alarm.name,
      badge(alarm.state),
      h("time", { datetime: isoTime(alarm.since) }, clockTime(alarm.since)),
      [alarm.condition, alarm.config ? h("span", { class: "quiet" }, ` on the fleet ${alarm.config}`) : null],
      alarm.reason || "–",
    ],
  })));
}
