// Shows openapi.json and sends requests. Text from the server goes into text nodes only.
const byId = (id) => document.getElementById(id);
const TEXT = /^(application\/(json|jsonlines|x-ndjson|x-jsonlines|problem\+json)|text\/)/;
let spec = {};

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function headers(more = {}) {
  const key = byId("key").value.trim();
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

// References stand in for their schema once; one inside itself stays a reference.
function resolved(schema, seen = []) {
  if (Array.isArray(schema)) return schema.map((part) => resolved(part, seen));
  if (schema === null || typeof schema !== "object") return schema;
  const path = schema.$ref;
  if (typeof path === "string" && path.startsWith("#/") && !seen.includes(path)) {
    const target = path.slice(2).split("/").reduce((part, name) => part?.[name], spec);
    return resolved(target, [...seen, path]);
  }
  return Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, resolved(part, seen)]));
}

// What is inside is made when it is opened: schemas of wide models are long.
function folded(title, makeInside) {
  const box = make("details", {}, make("summary", {}, title));
  box.addEventListener("toggle", () => {
    if (box.open && box.childElementCount === 1) box.append(...makeInside());
  });
  return box;
}

function shownSchema(title, schema) {
  return folded(title, () => [make("pre", { tabindex: 0 }, JSON.stringify(resolved(schema), null, 2))]);
}

function example(content) {
  const value = content?.example ?? Object.values(content?.examples ?? {})[0]?.value ?? "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function choice(id, label, names) {
  const select = make("select", { id }, ...names.map((name) => make("option", {}, name)));
  return { select, box: make("div", { class: "row" }, make("label", { for: id }, label), select) };
}

function bodyFields(operation, id) {
  const content = operation.requestBody?.content;
  if (!content) return null;
  const type = choice(`${id}-type`, "Content-Type", Object.keys(content).filter((name) => TEXT.test(name)));
  const text = make("textarea", { id: `${id}-body`, spellcheck: "false" });
  const fill = () => {
    text.value = example(content[type.select.value]);
    text.rows = Math.min(20, Math.max(4, text.value.split("\n").length));
  };
  type.select.addEventListener("change", fill);
  fill();
  const box = make("div", {}, type.box, make("label", { for: text.id }, "Body"), text);
  return { box, read: () => ({ type: type.select.value, text: text.value }) };
}

function parameterFields(operation, id) {
  return (operation.parameters ?? []).map((parameter, number) => {
    const input = make("input", { id: `${id}-${number}`, autocomplete: "off" });
    input.required = parameter.required ?? false;
    input.value = parameter.schema?.examples?.[0] ?? "";
    const label = make("label", { for: input.id }, parameter.name);
    return { parameter, input, box: make("div", { class: "row" }, label, input, parameter.description ?? "") };
  });
}

async function send(method, path, fields, body, accept, output) {
  let target = path.slice(1);
  const given = accept ? { Accept: accept.select.value } : {};
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value) given[parameter.name] = input.value;
  }
  const content = body?.read();
  if (content) given["Content-Type"] = content.type;
  const start = performance.now();
  try {
    const answer = await fetch(target, { method, headers: headers(given), body: content?.text });
    const data = await answer.arrayBuffer();
    const took = (performance.now() - start).toFixed(1);
    const type = answer.headers.get("content-type") ?? "";
    let text = TEXT.test(type) || /json/.test(type) ? new TextDecoder().decode(data) : `${data.byteLength} bytes`;
    try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
    const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    output.replaceChildren(
      make("p", answer.ok ? {} : { class: "bad" }, `${answer.status} ${answer.statusText} in ${took} ms`),
      make("pre", { tabindex: 0, "aria-label": "Headers of the answer" }, lines),
      make("pre", { tabindex: 0, "aria-label": "Body of the answer" }, text),
    );
  } catch (fault) {
    output.replaceChildren(make("p", { class: "bad" }, `No answer: ${fault.message}`));
  }
}

function shownOperation(path, method, operation) {
  const id = operation.operationId;
  const title = make("summary", {}, make("span", { class: "method" }, method.toUpperCase()), " ", make("code", {}, path));
  title.append(` ${operation.summary ?? ""}`);
  const box = make("details", { id }, title);
  if (operation.description) box.append(make("p", {}, operation.description));
  if (operation["x-scope"]) box.append(make("p", {}, "Scope: ", make("code", {}, operation["x-scope"])));
  const fields = parameterFields(operation, id);
  const boxes = (kind) => fields.filter((field) => field.parameter.in === kind).map((field) => field.box);
  const body = bodyFields(operation, id);
  const formats = Object.keys(operation.responses[200]?.content ?? {});
  const accept = formats.length > 1 ? choice(`${id}-accept`, "Accept", ["*/*", ...formats]) : null;
  const button = make("button", { type: "submit" }, "Send");
  const output = make("div", { role: "status" });
  const form = make("form", { "aria-label": `${method} ${path}` }, ...boxes("path"));
  if (body) form.append(body.box);
  if (accept) form.append(accept.box);
  if (boxes("header").length) form.append(make("details", {}, make("summary", {}, "Optional headers"), ...boxes("header")));
  form.append(make("div", { class: "row" }, button, operation.requestBody?.description ?? ""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await send(method.toUpperCase(), path, fields, body, accept, output);
    button.disabled = false;
    button.focus();
  });
  box.append(form, output, folded("Schemas", () => [
    ...Object.entries(operation.requestBody?.content ?? {}).map(([type, part]) => shownSchema(`Request in ${type}`, part.schema)),
    ...Object.entries(operation.responses).map(([status, answer]) => {
      const schema = Object.values(answer.content ?? {})[0]?.schema;
      return schema ? shownSchema(`${status} ${answer.description}`, schema) : make("p", {}, `${status} ${answer.description}`);
    }),
  ]));
  return box;
}

function show() {
  byId("title").textContent = document.title = spec.info.title;
  byId("description").textContent = `${spec.info.description} Version ${spec.info.version}.`;
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(shownOperation(path, method, operation));
    }
  }
  const order = ["inference", "metadata", "health", "other"];
  const tags = [...groups.keys()].sort((one, other) => order.indexOf(one) - order.indexOf(other));
  byId("operations").replaceChildren(...tags.flatMap((tag) => [make("h2", {}, tag), ...groups.get(tag)]));
  const kinds = spec.components.schemas.Problem.properties.type.oneOf.filter((kind) => kind.const.includes("#"));
  byId("problem-list").replaceChildren(...kinds.flatMap((kind) => [
    make("dt", { id: kind.const.split("#")[1] }, kind.title), make("dd", {}, kind.description, " ", make("code", {}, kind.const)),
  ]));
  byId("problems").hidden = false;
  const first = byId("post_invocations");
  if (first) first.open = true;
  if (location.hash) byId(location.hash.slice(1))?.scrollIntoView();
}

async function load() {
  byId("state").textContent = "Loading the description ...";
  byId("state").className = "";
  try {
    const answer = await fetch("openapi.json", { headers: headers() });
    if (!answer.ok) throw new Error(answer.status === 401 ? "it needs an API key or token" : `status ${answer.status}`);
    spec = await answer.json();
    show();
    byId("state").textContent = "";
  } catch (fault) {
    byId("state").textContent = `The description could not be loaded: ${fault.message}.`;
    byId("state").className = "bad";
  }
}

byId("access").addEventListener("submit", (event) => { event.preventDefault(); load(); });
load();
