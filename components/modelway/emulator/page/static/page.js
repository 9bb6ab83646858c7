// Keeps the page up to date: asks for the data about once a second while the page is in front and
// not paused, says when nobody answers, and goes on when the emulator is back.

import { patch } from "./dom.js";
import { timeline } from "./timeline.js";
import { emulatorFacts, endpoints } from "./view.js";
import { clockTime, plural } from "./words.js";

const POLL_MS = 1000;
const LONGEST_PAUSE_MS = 8000;
const PATIENCE_MS = 5000;
const SHOWN_EVENTS = 300;
const NEWS_AT_ONCE = 3;

const at = (id) => document.getElementById(id);
const state = {
  data: null,
  events: [],
  run: null,
  next: 0,
  failures: 0,
  paused: false,
  timer: 0,
  asking: false,
};

function connection(name, text) {
  const line = at("connection");
  if (line.dataset.state !== name) line.dataset.state = name;
  // A status line that is written again is read out again, so only a change is written.
  if (line.textContent !== text) line.textContent = text;
  document.body.classList.toggle("stale", name === "lost");
}

async function ask() {
  const query = state.run === null ? "" : `?run=${state.run}&since=${state.next}`;
  const answer = await fetch(`page/data${query}`, {
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!answer.ok) throw new Error(`the emulator answered ${answer.status}`);
  return answer.json();
}

async function poll() {
  window.clearTimeout(state.timer);
  if (state.asking || state.paused || document.hidden) return;
  state.asking = true;
  let pause = POLL_MS;
  try {
    take(await ask());
    state.failures = 0;
    connection("live", "Live");
  } catch (problem) {
    state.failures += 1;
    pause = Math.min(LONGEST_PAUSE_MS, POLL_MS * 2 ** (state.failures - 1));
    const last = state.data === null ? "" : `; what you see is of ${clockTime(state.data.emulator.now)}`;
    connection("lost", `Not connected${last}. Trying again.`);
    if (!(problem instanceof TypeError || problem instanceof DOMException)) console.warn(problem);
  } finally {
    state.asking = false;
    state.timer = window.setTimeout(poll, pause);
  }
}

function take(data) {
  const restarted = state.run !== null && data.run !== state.run;
  const first = state.run === null;
  if (data.since === 0) state.events = [];
  state.events.push(...data.events);
  state.events.splice(0, state.events.length - SHOWN_EVENTS);
  state.run = data.run;
  state.next = data.next;
  state.data = data;
  render();
  if (restarted) tell(["The emulator began anew."]);
  else if (!first) tell(data.events.map((event) => `${event.endpoint}: ${event.text}`));
}

/** Lets a screen reader say what is new, but not a whole backlog. */
function tell(texts) {
  if (texts.length === 0) return;
  const news = at("news");
  const left = texts.length - NEWS_AT_ONCE;
  const said = left > 0 ? [`${plural(left, "event")} before this`, ...texts.slice(-NEWS_AT_ONCE)] : texts;
  news.replaceChildren(...said.map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
}

function render() {
  const { data } = state;
  if (data === null) return;
  patch(at("emulator"), emulatorFacts(data.emulator));
  patch(at("endpoints"), endpoints(data, render));
  patch(at("timeline"), timeline(state.events));
  const firing = [...data.alarms, ...data.endpoints.flatMap((each) => each.alarms)]
    .filter((alarm) => alarm.state === "ALARM").length;
  document.title = (firing > 0 ? `${plural(firing, "alarm")} · ` : "") + "modelway emulator";
  for (const box of document.querySelectorAll(".scroll")) reachable(box);
}

/** What scrolls must be reachable by keyboard; what does not is no stop on the way. */
function reachable(box) {
  const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
  if (scrolls === box.hasAttribute("tabindex")) return;
  if (scrolls) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", box.dataset.label);
  } else if (document.activeElement !== box) {
    for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
  }
}

at("pause").addEventListener("click", (event) => {
  state.paused = !state.paused;
  event.currentTarget.setAttribute("aria-pressed", String(state.paused));
  if (state.paused) {
    window.clearTimeout(state.timer);
    connection("paused", "Paused");
  } else {
    connection("connecting", "Connecting");
    poll();
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) window.clearTimeout(state.timer);
  else poll();
});
new ResizeObserver(() => window.requestAnimationFrame(render)).observe(at("main"));
poll();
