// Invokes a function with an event, shows what came of it, and follows its log.
import { lines } from "./stream.js";

const milliseconds = (v) => (v ? `${v < 10 ? v.toFixed(2) : v.toFixed(1)} ms` : "–");

// facts are what is told of an invocation, beside its answer.
const facts = (o) => [
  ["Ended", o.fault ? o.fault.kind : "well"],
  ["Duration", milliseconds(o.duration_ms)],
  ["Start", o.cold ? `cold, init ${milliseconds(o.init_ms)}` : "warm"],
  ["Billed", milliseconds(o.billed_ms)],
  ["Memory", o.max_memory_mb ? `${o.max_memory_mb} of ${o.memory_mb} MB` : "–"],
  ["Version", o.version || "–"],
];

function element(name, text, children = []) {
  const e = document.createElement(name);
  e.textContent = text;
  e.append(...children);
  return e;
}

function show(box, o) {
  box.querySelector("[data-facts]").replaceChildren(...facts(o).map(([name, value]) => element("div", "", [element("dt", name), element("dd", value)])));
  const payload = o.fault ? { fault: o.fault, payload: o.payload } : o.payload;
  box.querySelector("[data-payload]").textContent = typeof payload === "string" ? payload : JSON.stringify(payload, null, 2);
  box.querySelector("[data-log]").textContent = o.log || "";
  box.hidden = false;
}

async function invoke(form, button) {
  const said = form.querySelector("output"), event = form.elements.event, qualifier = form.elements.qualifier.value;
  try {
    JSON.parse(event.value);
    event.removeAttribute("aria-invalid");
  } catch (error) {
    event.setAttribute("aria-invalid", "true");
    event.focus();
    said.textContent = "This is not JSON: " + error.message;
    return;
  }
  said.textContent = "…";
  button.disabled = true;
  try {
    const at = form.dataset.try + (qualifier === "$LATEST" ? "" : encodeURIComponent(":" + qualifier)) + "/invocations";
    const answer = await fetch(at, { method: "POST", headers: { "Content-Type": "application/json" }, body: event.value });
    const result = await answer.json();
    said.textContent = answer.ok ? (result.fault ? "It failed: " + (result.fault.message || result.fault.kind) : "Answered") : [result.error.what, result.error.hint].filter(Boolean).join(": ");
    if (answer.ok) show(document.querySelector("[data-answer]"), result);
  } catch {
    said.textContent = "not reached";
  } finally {
    button.disabled = false;
  }
}

const kept = 2000; // lines on the page

// follow adds lines as they come, until it is stopped.
async function follow(button, into) {
  const stop = new AbortController();
  button.stop = () => stop.abort();
  button.setAttribute("aria-pressed", "true");
  try {
    const address = new URL(button.dataset.follow, location.href);
    address.search = new URLSearchParams({ follow: "true", stream: button.dataset.stream });
    const answer = await fetch(address, { signal: stop.signal });
    const shown = [];
    into.textContent = "";
    for await (const line of lines(answer)) {
      document.querySelector("[data-none]")?.remove();
      const below = into.scrollHeight - into.scrollTop - into.clientHeight < 40;
      shown.push(line);
      if (shown.length > kept) shown.shift();
      if (shown.length === kept) into.textContent = shown.join("\n") + "\n";
      else into.append(line + "\n");
      if (below) into.scrollTop = into.scrollHeight;
    }
  } catch {
    // It was stopped, or the laboratory has gone: either way there is nothing more to read.
  }
  button.setAttribute("aria-pressed", "false");
}

const form = document.querySelector("form[data-try]");
form.addEventListener("submit", (event) => { event.preventDefault(); invoke(form, event.submitter); });
form.elements.event.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(form.querySelector("button")); });

const button = document.querySelector("[data-follow]"), log = document.querySelector("[data-lines]");
log.scrollTop = log.scrollHeight;
button.hidden = false;
button.addEventListener("click", () => (button.getAttribute("aria-pressed") === "true" ? button.stop() : follow(button, log)));
