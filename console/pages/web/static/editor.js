// An experiment's definition, checked by the laboratory while it is written, and applied as a change of the
// version that was read: if another is in force by then, nothing is changed.

const pause = 300; // ms without a key before what is written is checked

const complaint = (error) => [error.what, error.hint].filter(Boolean).join(": ");

export function edit(form, refresh) {
  const text = form.elements.definition, checked = form.querySelector(".checked"), said = form.querySelector("output");
  const [apply, undo] = form.querySelectorAll("button"), section = form.closest("[data-version]");
  let version = section.dataset.version, timer = 0, asked = 0;
  const changed = () => text.value !== text.defaultValue;

  async function call(method, path, body) {
    const answer = await fetch(form.dataset.editor + path, { method, body, headers: body === undefined ? {} : { "Content-Type": "application/yaml" } });
    return { ok: answer.ok, result: await answer.json() };
  }

  // check shows what is wrong with what is written, or what it would change.
  async function check() {
    const mine = ++asked;
    apply.disabled = true;
    undo.disabled = !changed();
    if (!changed()) { show([]); return; }
    try {
      const { ok, result } = await call("POST", "/check", text.value);
      if (mine !== asked) return; // something newer is on its way
      if (!ok) { show([], complaint(result.error)); return; }
      show(result.flaws, result.flaws.length > 0 ? "" : preview(result));
      apply.disabled = result.flaws.length > 0 || result.action === "unchanged";
    } catch {
      if (mine === asked) show([], "The laboratory was not reached, so this is not checked.");
    }
  }

  function preview({ action, version: next, anew }) {
    if (action === "unchanged") return "This says the same as what is in force.";
    return `Fine. It would be version ${next}, ` + (anew ? "and begin new evidence: it asks another question." : "and the evidence goes on.");
  }

  function show(flaws, note = "") {
    text.setAttribute("aria-invalid", String(flaws.length > 0));
    const list = document.createElement("ul");
    for (const flaw of flaws) {
      const item = document.createElement("li");
      if (flaw.line) {
        const place = document.createElement("button");
        place.type = "button";
        place.textContent = `line ${flaw.line}, column ${flaw.column}`;
        place.addEventListener("click", () => go(flaw.line, flaw.column));
        item.append(place, " ");
      }
      item.append(flaw.what);
      if (flaw.hint) {
        const hint = document.createElement("small");
        hint.textContent = flaw.hint;
        item.append(hint);
      }
      list.append(item);
    }
    checked.replaceChildren(...(flaws.length > 0 ? [list] : [note]));
  }

  // go puts the caret to a place, and the place into sight.
  function go(line, column) {
    const lines = text.value.split("\n");
    const at = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0) + column - 1;
    text.focus();
    text.setSelectionRange(at, at + 1);
    text.scrollTop = (line - 4) * parseFloat(getComputedStyle(text).lineHeight);
  }

  // take shows what is in force, that version, unless something is written meanwhile.
  async function take(of = section.dataset.version) {
    const before = text.value;
    const answer = await fetch(form.dataset.editor + "/definition");
    if (!answer.ok) return;
    const now = await answer.text();
    if (text.value !== before) return;
    version = of;
    text.value = text.defaultValue = now;
    said.textContent = "";
    check();
  }

  async function send() {
    const sent = text.value;
    said.textContent = "…";
    apply.disabled = true;
    try {
      const { ok, result } = await call("PUT", "?version=" + version, sent);
      if (!ok) { said.textContent = complaint(result.error); return; }
      version = String(result.changes[0]?.version ?? version);
      text.defaultValue = sent;
      said.textContent = "";
      if (!changed()) await take(version);
      await refresh();
    } catch {
      said.textContent = "not reached";
    } finally {
      apply.disabled = !changed();
    }
  }

  // renew follows what is in force by now, unless something is being written.
  async function renew() {
    if (section.dataset.version === version) return;
    if (!changed()) { await take(); return; }
    said.textContent = `It changed meanwhile: version ${section.dataset.version} is in force. This is a change of version ${version}, and would be refused; Undo shows what is in force.`;
  }

  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(check, pause); });
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!apply.disabled) send(); });
  form.addEventListener("reset", (event) => { event.preventDefault(); text.value = text.defaultValue; take(); });
  document.addEventListener("assay:redrawn", renew);
  addEventListener("beforeunload", (event) => { if (changed()) event.preventDefault(); });
  if (changed()) check(); // the browser may bring back what was written before
}
