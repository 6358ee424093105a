// What every script uses to speak with the server.

export async function getJSON(address) {
  const r = await fetch(address, { headers: { Accept: "application/json" } });
  const body = await r.json().catch(() => ({ text: r.statusText, state: "error" }));
  if (!r.ok) throw Object.assign(new Error([body.text, body.next].filter(Boolean).join(" ")), { state: body.state, status: r.status });
  return body;
}

export async function postJSON(address, body) {
  const r = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body ?? {}) });
  const said = await r.json().catch(() => ({ text: r.statusText }));
  if (!r.ok) throw Object.assign(new Error([said.text, said.next].filter(Boolean).join(" ")), { state: said.state, status: r.status });
  return said;
}

// join adds parameters to an address that may have some.
export function join(address, query, more) {
  const all = new URLSearchParams(query.replace(/^\?/, ""));
  for (const [name, value] of Object.entries(more ?? {})) all.set(name, value);
  const text = all.toString();
  return text ? address + "?" + text : address;
}

export function element(tag, properties, ...inside) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...inside);
  return e;
}
