// Builds and updates elements. Takes descriptions, changes only what differs, so that focus, open
// details, selections and scroll positions outlive an update. Every text becomes a text node: no
// markup in a name or a reason is ever parsed. It must not know what the page shows.

const SVG = "http://www.w3.org/2000/svg";
const SVG_NAMES = new Set(["circle", "desc", "g", "line", "path", "rect", "svg", "text", "title"]);

/** What an element is to be. `key` tells siblings apart; `on...` are listeners. */
export function h(name, attributes, ...children) {
  const { key, ...rest } = attributes ?? {};
  const kept = children.flat(Infinity).filter((child) => child !== null && child !== undefined);
  return { name, key, attributes: rest, children: kept };
}

/** Makes the children of `parent` what `wanted` says. */
export function patch(parent, wanted) {
  const keyed = new Map();
  for (const node of parent.childNodes) {
    if (node.key !== undefined) keyed.set(node.key, node);
  }
  let place = parent.firstChild;
  for (const each of wanted) {
    const node = fitting(each, place, keyed);
    if (node === null) {
      parent.insertBefore(made(each), place);
    } else {
      // A node that is moved loses the focus, so it is moved only when it has to be.
      if (node === place) place = place.nextSibling;
      else parent.insertBefore(node, place);
      updated(node, each);
    }
  }
  while (place !== null) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function fitting(wanted, place, keyed) {
  if (typeof wanted !== "object") return place?.nodeType === Node.TEXT_NODE ? place : null;
  if (wanted.key !== undefined) {
    const node = keyed.get(wanted.key);
    return node !== undefined && node.localName === wanted.name ? node : null;
  }
  const fits = place !== null && place.localName === wanted.name && place.key === undefined;
  return fits ? place : null;
}

function made(wanted) {
  if (typeof wanted !== "object") return document.createTextNode(String(wanted));
  const node = SVG_NAMES.has(wanted.name)
    ? document.createElementNS(SVG, wanted.name)
    : document.createElement(wanted.name);
  node.key = wanted.key;
  if (wanted.attributes.openAtFirst) node.open = true;
  updated(node, wanted);
  return node;
}

function updated(node, wanted) {
  if (typeof wanted !== "object") {
    if (node.data !== String(wanted)) node.data = String(wanted);
    return;
  }
  const before = node.given ?? {};
  const now = wanted.attributes;
  for (const name of Object.keys(before)) {
    if (!(name in now) && !name.startsWith("on")) node.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(now)) {
    if (name === "openAtFirst") continue;
    if (name.startsWith("on")) node[name] = value;
    else if (value === null || value === false) node.removeAttribute(name);
    else if (before[name] !== value) node.setAttribute(name, value === true ? "" : value);
  }
  node.given = now;
  patch(node, wanted.children);
}
