// Numbers and times as people read them. Takes numbers in the unit that the name says, gives text.

/** 2024-03-01 10:20:30 */
export function dateTime(epochSeconds) {
  return isoTime(epochSeconds).slice(0, 19).replace("T", " ");
}

/** 10:20:30 */
export function clockTime(epochSeconds) {
  return isoTime(epochSeconds).slice(11, 19);
}

export function isoTime(epochSeconds) {
  return new Date(epochSeconds * 1000).toISOString();
}

/** 1 h 2 min, 2 min 30 s, 12 s, 0.4 s */
export function duration(seconds) {
  if (seconds < 10) return `${trimmed(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** Three digits at most where that is exact enough: 0.25, 12.3, 456. */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 100) return String(Math.round(value));
  return trimmed(value, value >= 10 ? 1 : 2);
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

function trimmed(value, digits = 1) {
  return String(Number(value.toFixed(digits)));
}
