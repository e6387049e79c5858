// Looks for the smallest request that still differs, tells how far it is, and puts what was found into the page.
// Copies texts.

import { lines } from "./stream.js";

const complaint = (error) => [error.what, error.hint].filter(Boolean).join(": ");

// step tells what one line of the answer says.
function step({ progress, found, error }, said) {
  if (progress) said.textContent = `${progress.calls} calls, ${progress.size} bytes so far …`;
  if (error) said.textContent = complaint(error);
  if (!found) return;
  for (const section of document.querySelectorAll("[data-form]")) {
    const text = found.forms[section.dataset.form], pre = section.querySelector("pre");
    if (text && pre) pre.textContent = text;
    section.querySelector("a[download]").remove(); // it leads to the request that was kept
  }
  const { method, path, query } = found.request ?? {};
  const request = method ? `: ${method} ${path}${query ? "?" + query : ""}` : "";
  said.textContent = `Found after ${found.calls} calls${found.complete ? "" : ", and there may be a smaller one"}${request}. It stands below.`;
}

async function look(form) {
  const said = form.querySelector("output"), button = form.querySelector("button");
  said.textContent = "…";
  button.disabled = true;
  try {
    const answer = await fetch("/api/v1/reproductions", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ id: form.dataset.trial, candidate: form.dataset.candidate }),
    });
    if (!answer.ok) {
      said.textContent = complaint((await answer.json()).error);
      return;
    }
    for await (const line of lines(answer)) step(JSON.parse(line), said);
  } catch {
    said.textContent = "not reached";
  } finally {
    button.disabled = false;
  }
}

async function copy(button) {
  const section = button.closest("[data-form]"), said = section.querySelector("output");
  try {
    await navigator.clipboard.writeText(section.querySelector("pre").textContent);
    said.textContent = "copied";
  } catch {
    said.textContent = "this browser does not let pages copy";
  }
}

for (const form of document.querySelectorAll("form[data-reproduce]")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); look(form); });
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !button.closest("[data-form]").querySelector("pre");
  button.addEventListener("click", () => copy(button));
}
