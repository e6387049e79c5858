// Sends what forms ask the API for, once somebody has confirmed it where the button has data-ask. A form with data-call names the call, and the method in data-method. Its
// fields become the JSON that is sent; data-body says how, if not as they are.

const bodies = {
  // change is of how an experiment runs: the button's order, or else the sample.
  change(fields, button) {
    if (button?.name) return { [button.name]: button.value };
    const sample = fields.get("sample").trim();
    return { sample: sample.endsWith("%") ? sample : sample + "%" };
  },
  // rule is one that was written by hand: how far apart values may be is a number, or not said.
  rule(fields) {
    const { within, ...rule } = Object.fromEntries(fields);
    return within === "" ? rule : { ...rule, within: Number(within) };
  },
};

async function send(form, fields, button) {
  const method = form.dataset.method;
  const body = bodies[form.dataset.body]?.(fields, button) ?? Object.fromEntries(fields);
  const answer = await fetch(form.dataset.call, {
    method, headers: { "Content-Type": "application/json" },
    body: method === "DELETE" ? undefined : JSON.stringify(body),
  });
  if (answer.ok) return "";
  const { error } = await answer.json();
  return [error.what, error.hint].filter(Boolean).join(": ");
}

const written = (fields) => new URLSearchParams(fields).toString();
const underway = new WeakMap(); // what each form sends at present

// act sends a form, once however often it is asked to, and shows the page anew, or says what is wrong. What is
// written meanwhile stays.
async function act(form, button, refresh) {
  const fields = new FormData(form, button), sent = written(fields), typed = written(new FormData(form));
  const said = form.querySelector("output");
  if (underway.get(form) === sent) return;
  underway.set(form, sent);
  said.textContent = "…";
  let wrong;
  try {
    wrong = await send(form, fields, button);
  } catch {
    wrong = "not reached";
  }
  underway.delete(form);
  said.textContent = wrong;
  if (wrong) return;
  if (written(new FormData(form)) === typed) form.reset();
  await refresh();
}

// confirmed has somebody confirm what a button does: data-ask asks, data-then says what comes of it. When that is no
// longer so, because the page was shown anew meanwhile, nothing is confirmed.
async function confirmed(button, said) {
  const { ask, then } = button?.dataset ?? {};
  if (!ask) return true;
  const dialog = document.getElementById("ask");
  dialog.querySelector("h2").textContent = ask;
  dialog.querySelector("#ask-then").textContent = then;
  dialog.querySelector(".primary").textContent = button.textContent;
  dialog.returnValue = said.textContent = "";
  const stale = () => {
    if (button.isConnected && button.dataset.ask === ask && button.dataset.then === then) return;
    said.textContent = "It changed meanwhile: nothing was done.";
    dialog.close();
  };
  document.addEventListener("assay:redrawn", stale);
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  document.removeEventListener("assay:redrawn", stale);
  return dialog.returnValue === "yes";
}

// listen takes over the forms that call the API, those to come included.
export function listen(refresh) {
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (!form.matches("form[data-call]")) return;
    event.preventDefault();
    if (await confirmed(submitter, form.querySelector("output"))) act(form, submitter, refresh);
  });
}
