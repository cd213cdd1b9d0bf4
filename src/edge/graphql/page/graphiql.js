"use strict";

const START = `# Ctrl+Enter runs the query; the schema on the right can be clicked.
query {
  hello
  redisPing
}
`;
const ASKED_MAX = 20;
const INTROSPECTION = `{ __schema { queryType { name } mutationType { name } types {
  kind name description
  fields(includeDeprecated: true) { name description args { name description type { ...t } } type { ...t } }
  inputFields { name description type { ...t } }
  enumValues(includeDeprecated: true) { name description }
} } }
fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

const at = (id) => document.getElementById(id);
const kept = (name, other) => localStorage.getItem("souk.graphiql." + name) ?? other;
const keep = (name, text) => localStorage.setItem("souk.graphiql." + name, text);

/** The JSON object in a field; throws, and marks the field, when it holds something else. */
function object(field) {
  const text = field.value.trim();
  field.classList.remove("wrong");
  if (!text) return {};
  try {
    const value = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("not an object");
    return value;
  } catch (error) {
    field.classList.add("wrong");
    throw new Error(`${field.id}: ${error.message}`);
  }
}

async function ask(query, variables, headers) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables, operationName: operation(query) }),
  });
  return { status: response.status, body: await response.json() };
}

/** Of several operations the one that the cursor stands in or after. */
function operation(query) {
  const named = [...query.matchAll(/^\s*(?:query|mutation)\s+(\w+)/gm)];
  if (named.length < 2) return undefined;
  const cursor = at("query").selectionStart;
  const before = named.filter((match) => match.index <= cursor);
  return (before.at(-1) ?? named[0])[1];
}

async function run() {
  const query = at("query").value;
  const began = performance.now();
  at("status").textContent = "…";
  try {
    const { status, body } = await ask(query, object(at("variables")), object(at("headers")));
    at("answer").textContent = JSON.stringify(body, null, 2);
    at("status").textContent = `${status} in ${Math.round(performance.now() - began)} ms`;
    remember({ query, variables: at("variables").value });
  } catch (error) {
    at("status").textContent = error.message;
  }
}

function asked() {
  try {
    return JSON.parse(kept("asked", "[]"));
  } catch {
    return [];
  }
}

function remember(entry) {
  const others = asked().filter((it) => it.query !== entry.query || it.variables !== entry.variables);
  keep("asked", JSON.stringify([entry, ...others].slice(0, ASKED_MAX)));
  showAsked();
}

function showAsked() {
  const list = at("history").querySelector("ol");
  list.replaceChildren(...asked().map((entry) => {
    const line = document.createElement("li");
    line.append(button(entry.query.replace(/#.*$/gm, "").replace(/\s+/g, " ").trim(), () => {
      at("query").value = entry.query;
      at("variables").value = entry.variables;
    }));
    return line;
  }));
}

function button(text, act) {
  const it = document.createElement("button");
  it.textContent = text;
  it.title = text;
  it.addEventListener("click", act);
  return it;
}

function element(kind, text) {
  const it = document.createElement(kind);
  it.textContent = text;
  return it;
}

const written = (type) =>
  type.kind === "NON_NULL" ? written(type.ofType) + "!"
    : type.kind === "LIST" ? `[${written(type.ofType)}]`
    : type.name;
const inner = (type) => (type.ofType ? inner(type.ofType) : type);

/** The text of a field with its arguments, and of its answer the plain fields. */
function sample(field, types) {
  const args = field.args.map((arg) => `${arg.name}: ${inner(arg.type).name === "String" ? '""' : "0"}`);
  const plain = (types.get(inner(field.type).name)?.fields ?? [])
    .filter((it) => !types.get(inner(it.type).name)?.fields)
    .map((it) => it.name);
  return field.name + (args.length ? `(${args.join(", ")})` : "") + (plain.length ? ` { ${plain.join(" ")} }` : "");
}

function insert(text) {
  const editor = at("query");
  editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, "end");
  editor.focus();
}

async function showSchema() {
  const panel = at("schema");
  try {
    const { body } = await ask(INTROSPECTION, {}, object(at("headers")));
    if (!body.data) throw new Error(body.errors?.[0]?.message ?? body.message);
    const { queryType, mutationType, types } = body.data.__schema;
    const known = new Map(types.map((type) => [type.name, type]));
    const first = [queryType?.name, mutationType?.name];
    const shown = types.filter((type) => !type.name.startsWith("__") && (type.fields || type.inputFields || type.enumValues));
    shown.sort((a, b) => first.includes(b.name) - first.includes(a.name) || a.name.localeCompare(b.name));
    panel.replaceChildren(...shown.flatMap((type) => [element("h2", type.name), ...(type.description ? [element("p", type.description)] : []), members(type, known)]));
  } catch (error) {
    panel.replaceChildren(element("p", `The schema cannot be read: ${error.message}`));
  }
}

function members(type, known) {
  const list = document.createElement("dl");
  for (const member of type.fields ?? type.inputFields ?? type.enumValues) {
    const args = member.args?.map((arg) => `${arg.name}: ${written(arg.type)}`) ?? [];
    const text = member.name + (args.length ? `(${args.join(", ")})` : "") + (member.type ? `: ${written(member.type)}` : "");
    const term = document.createElement("dt");
    term.append(button(text, () => insert(type.fields ? sample(member, known) : member.name)));
    list.append(term, element("dd", member.description ?? ""));
  }
  return list;
}

function toggle(name) {
  const [panel, control] = [at(name), at("show-" + name)];
  panel.hidden = !panel.hidden;
  control.setAttribute("aria-expanded", String(!panel.hidden));
}

at("query").value = kept("query", START);
at("variables").value = kept("variables", "");
for (const name of ["query", "variables"]) at(name).addEventListener("input", () => keep(name, at(name).value));
at("run").addEventListener("click", run);
at("show-history").addEventListener("click", () => toggle("history"));
at("show-schema").addEventListener("click", () => toggle("schema"));
at("forget").addEventListener("click", () => { keep("asked", "[]"); showAsked(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
});
showAsked();
showSchema();
