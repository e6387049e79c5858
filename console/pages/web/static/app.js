"use strict";
// Keeps a page up to date while it is looked at, and sends the changes its forms ask for. Pages read
// well without this.

document.documentElement.classList.add("js");

// morph makes the tree `from` like `to`, touching only what differs, so that focus, selection and what
// is being typed stay.
function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.hasAttribute("data-keep")) return;
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && name !== "open") from.setAttribute(name, value);
  }
  const old = [...from.childNodes], fresh = [...to.childNodes];
  fresh.forEach((node, i) => (i < old.length ? morph(old[i], node) : from.append(node)));
  old.slice(fresh.length).forEach((node) => node.remove());
}

// redraw shows main as it is now.
async function redraw(main) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.status === 401) { location.reload(); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (fresh) morph(main, fresh);
}

// follow refreshes main whenever the laboratory says that it is out of date.
function follow(main) {
  const connection = document.querySelector("[data-connection]");
  let source = null, busy = false, again = false, retry = 0;

  function say(state, text) {
    connection.hidden = false;
    connection.dataset.connection = state;
    if (connection.textContent !== text) connection.textContent = text;
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      await redraw(main);
    } catch {
      say("lost", "Connection lost, retrying …");
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }

  function open() {
    close();
    source = new EventSource("/api/v1/events");
    source.onopen = () => say("live", "Live");
    source.onerror = () => {
      say("lost", "Connection lost, retrying …");
      // A browser retries by itself unless it was refused.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, 3000);
    };
    source.addEventListener(main.dataset.live, refresh);
  }

  function close() {
    clearTimeout(retry);
    source?.close();
  }

  // A page nobody sees needs no connection; browsers allow few to one place.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  if (!document.hidden) open();
  return refresh;
}

// change sends what a form with data-patch asks for.
async function change(form, button) {
  const sample = form.elements.sample?.value.trim();
  const body = button?.name
    ? { [button.name]: button.value }
    : { sample: sample.endsWith("%") ? sample : sample + "%" };
  const said = form.querySelector("output");
  said.textContent = "…";
  try {
    const answer = await fetch(form.dataset.patch, {
      method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const result = await answer.json();
    if (!answer.ok) {
      said.textContent = [result.error.what, result.error.hint].filter(Boolean).join(": ");
      return;
    }
    said.textContent = "";
    form.reset();
    await refresh();
  } catch {
    said.textContent = "not reached";
  }
}

// act makes the call of the API that a form with data-call stands for, and shows the page anew.
async function act(form, button) {
  const fields = new FormData(form, button), said = form.querySelector("output");
  said.textContent = "…";
  try {
    const answer = await fetch(form.dataset.call, {
      method: form.dataset.method, headers: { "Content-Type": "application/json" },
      body: form.dataset.method === "DELETE" ? undefined : JSON.stringify(Object.fromEntries(fields)),
    });
    if (answer.ok) {
      said.textContent = "done";
      form.reset();
      await redraw(document.querySelector("main"));
      return;
    }
    const { error } = await answer.json();
    said.textContent = [error.what, error.hint].filter(Boolean).join(": ");
  } catch {
    said.textContent = "not reached";
  }
}

const live = document.querySelector("main[data-live]");
const refresh = live ? follow(live) : () => {};

document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-patch]")) {
    event.preventDefault();
    change(event.target, event.submitter);
  } else if (event.target.matches("form[data-call]")) {
    event.preventDefault();
    act(event.target, event.submitter);
  }
});
