// What people do on the pages of trials, functions, rules, rollouts and health.
import { browse, settle, until, violations } from "./page.mjs";

const console_ = process.env.ASSAY_CONSOLE;
const api = async (path) => (await fetch(console_ + "/api/v1" + path)).json();
const newest = async (experiment) => (await api(`/experiments/${experiment}/trials?limit=1`)).trials[0].id;

// accessible fails on what axe finds in the state that a page is in.
async function accessible(page) {
  const found = await violations(page);
  if (found.length > 0) throw new Error(`${page.url()}:\n  ${found.join("\n  ")}`);
}

// A long answer is folded to what differs, and unfolds by keyboard.
async function unfolds(open) {
  const page = await open();
  await page.goto(`${console_}/trials/${await newest("catalogue")}`);
  const marked = await page.locator(".sides .differs").allInnerTexts();
  if (marked.length !== 1 || !marked[0].includes("3000") || !/\b1\b/.test(marked[0])) throw new Error("it differs in " + JSON.stringify(marked));
  const hidden = page.locator(".sides details", { hasText: "item-2" }).first();
  if (await hidden.getByText('"sku": "item-2"').first().isVisible()) throw new Error("it is not folded");
  await hidden.locator("summary").focus();
  await page.keyboard.press("Enter");
  await hidden.getByText('"sku": "item-2"').first().waitFor();
  await accessible(page);

  const whole = await page.request.get(new URL(await page.getByRole("link", { name: "Whole body" }).first().getAttribute("href"), console_).href);
  if (!whole.headers()["content-security-policy"].endsWith("sandbox") || !whole.headers()["content-type"].startsWith("text/plain")) throw new Error("a stranger's body may do more than be read");
  const rows = await page.locator(".fall tbody tr").count();
  if (rows !== 2) throw new Error(rows + " arms in the waterfall");
  await page.getByRole("link", { name: /^Cluster/ }).click();
  await until(page, "the cluster is there", () => document.querySelector(":target")?.id.startsWith("cluster-"));
}

// A log says what the function said.
async function logs(open) {
  const page = await open();
  const { trials } = await api("/experiments/price/trials?limit=50");
  for (const { id } of trials) {
    await page.goto(`${console_}/trials/${id}`);
    const text = await page.locator("main").innerText();
    if (text.includes("priced")) return;
    if (!text.includes("those of this match were not kept")) throw new Error("a trial with bodies has no log: " + id);
  }
  throw new Error("no trial of the function has its log");
}

// Pictures are swiped and blinked by keyboard, and the address says how they are looked at.
async function pictures(open) {
  const page = await open();
  const at = `${console_}/trials/${await newest("pictures")}`;
  await page.goto(at);
  await settle(page);
  await page.getByRole("radio", { name: "Side by side" }).focus();
  await page.keyboard.press("ArrowRight");
  await until(page, "the address says swipe", () => location.search === "?view=swipe");
  const range = page.getByRole("slider");
  await range.focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowLeft");
  await until(page, "less of the control's picture is left", () => getComputedStyle(document.querySelector(".other img")).clipPath.includes("45%"));
  await accessible(page);
  await page.getByRole("radio", { name: "Blink" }).check();
  const away = () => page.evaluate(() => document.querySelector("figure.away").className);
  const before = await away(); // nobody wants motion here: it stands still
  await page.getByRole("button", { name: "Switch" }).press("Enter");
  if (await away() === before) throw new Error("it did not switch");
  await until(page, "it says whose picture is seen", () => document.querySelector(".blink output").textContent.includes("Redrawn"));
  await page.goto(at + "?view=pixels");
  await settle(page);
  if (await page.locator("figure.control").isVisible() || !await page.locator("figure.pixels").isVisible()) throw new Error("it does not show differing pixels alone");
}

// The smallest request that differs is looked for, and put in the place of the one that was kept.
async function reproduces(open) {
  const page = await open();
  await page.goto(`${console_}/trials/${await newest("catalogue")}`);
  await page.getByRole("link", { name: "Reproduce" }).click();
  const curl = page.locator("[data-form=curl] pre");
  if (!(await curl.innerText()).includes("lang=en")) throw new Error("it is not the request that was kept");
  await page.getByRole("button", { name: "Look for it" }).click();
  await until(page, "it is found", () => document.querySelector("[data-reproduce] output").textContent.startsWith("Found after"));
  const smaller = await curl.innerText();
  if (smaller.includes("lang=en") || !smaller.includes("gift")) throw new Error("not the smallest: " + smaller);
  await accessible(page);
}

// What only a script handles cannot be used before that script listens, and then the first click counts.
async function waits(open) {
  const reproduction = `/trials/${await newest("catalogue")}/reproduction/rewritten`;
  for (const [script, address, name, counts] of [
    ["reproduce", reproduction, "Look for it", () => document.querySelector("[data-reproduce] output").textContent.startsWith("Found after")],
    ["function", "/functions/price", "Invoke", () => document.querySelector("[data-payload]").textContent.includes("1250")],
    ["forms", "/experiments/pictures", "Pause", () => document.querySelector(".title .state").innerText.includes("paused")],
  ]) {
    const page = await open();
    let release;
    const gate = new Promise((done) => { release = done; });
    await page.route(`**/${script}.js`, async (route) => { await gate; await route.continue(); });
    await page.goto(console_ + address, { waitUntil: "commit" });
    const button = page.getByRole("button", { name, exact: true, includeHidden: true });
    await until(page, `${name} has its place`, (text) => {
      const found = [...document.querySelectorAll("button")].find((b) => b.textContent === text);
      return found?.getBoundingClientRect().width > 0 && getComputedStyle(found).visibility === "hidden";
    }, name);
    await page.evaluate(() => { window.here = true; });
    const { x, y, width, height } = await button.boundingBox();
    await page.mouse.click(x + width / 2, y + height / 2); // it asks for nothing, and leads nowhere
    const clicked = button.click();
    release();
    await clicked;
    await until(page, `the first click on ${name} counts`, counts);
    if (!await page.evaluate(() => window.here)) throw new Error(`${name} led to another page`);
  }
}

// A function is tried with an event, and its log is followed.
async function tries(open) {
  const page = await open();
  await page.goto(console_ + "/functions/price");
  await settle(page);
  const event = page.getByLabel("Event, as JSON");
  await event.fill('{"a"');
  await page.getByRole("button", { name: "Invoke" }).click();
  await until(page, "it is told that this is no JSON", () => document.querySelector(".try output").textContent.includes("not JSON"));
  await event.fill('{"a": 1}');
  await event.press("Control+Enter");
  await until(page, "it answers", () => document.querySelector("[data-payload]").textContent.includes("1250") && document.querySelector("[data-log]").textContent.includes("priced"));
  await accessible(page);

  const log = page.locator("[data-lines]");
  await page.getByRole("button", { name: "Follow" }).click();
  await until(page, "it follows", () => document.querySelector("[data-follow]").getAttribute("aria-pressed") === "true" && document.querySelector("[data-lines]").textContent.includes("priced"));
  const lines = (await log.textContent()).split("\n").length;
  await event.press("Control+Enter");
  await until(page, "the log goes on", (n) => document.querySelector("[data-lines]").textContent.split("\n").length > n, lines);
  await page.getByRole("button", { name: "Follow" }).click();
  await until(page, "it stops", () => document.querySelector("[data-follow]").getAttribute("aria-pressed") === "false");
}

// A proposed rule is accepted, another one rejected, one is written by hand and removed: each changes the definition.
async function rules(open) {
  const page = await open();
  const count = async () => (await api("/experiments/events/rules")).proposed.length;
  await page.goto(console_ + "/rules?experiment=events");
  const proposed = await count();
  const accept = page.locator("form[aria-label^='Accept rule']").first();
  await accept.getByLabel("Owner").fill("ann");
  await page.evaluate(() => document.addEventListener("assay:redrawn", () => { window.redrawn = true; }));
  await (await fetch(process.env.ASSAY_GATEWAY + "/events")).text();
  await until(page, "the page is shown anew", () => window.redrawn);
  if (await accept.getByLabel("Owner").inputValue() !== "ann") throw new Error("what was typed is lost when the page is shown anew");
  await accept.getByRole("button", { name: "Accept" }).press("Enter");
  await until(page, "the definition has a new version", () => /definition version 2/.test(document.querySelector("h2 small")?.innerText ?? ""));
  await until(page, "the rule is in force", () => document.querySelector(".rules td[data-label=Owner]")?.innerText.includes("ann"));
  if (await count() !== proposed - 1) throw new Error("it is still proposed");
  const yaml = await (await fetch(console_ + "/api/v1/experiments/events/definition")).text();
  if (!/owner: ann/.test(yaml)) throw new Error("the definition does not have the rule:\n" + yaml);

  await page.getByText("Add a rule by hand").click();
  const own = page.locator("form[aria-label='Add a rule to events']");
  await own.getByLabel("Path").fill("body:$.size");
  await own.getByLabel("Class").selectOption("jitter");
  await own.getByLabel("At most apart").fill("0.5");
  await own.getByLabel("Owner").fill("bob");
  await own.getByRole("button", { name: "Add" }).click();
  await until(page, "it is in force", () => document.body.innerText.includes("jitter, at most 0.5 apart"));
  await accessible(page);
  const { rules: all } = await api("/experiments/events/rules");
  const id = all.find((r) => r.is?.path === "body:$.size").id;
  await page.locator(`form[aria-label='Remove rule ${id}'] button`).click();
  const dialog = page.getByRole("dialog", { name: "Remove the rule jitter at body:$.size?" });
  await dialog.getByRole("button", { name: "Remove" }).click();
  await until(page, "it is gone", () => !document.body.innerText.includes("jitter, at most 0.5 apart"));
}

// A rollout is paused, goes on, and is given back, and its record says so.
async function rollout(open) {
  const page = await open();
  await page.goto(console_ + "/rollouts");
  await until(page, "it is a canary", () => document.querySelector("#rollout-price .state")?.innerText.includes("canary"));
  await until(page, "its step is marked", () => document.querySelector(".steps [aria-current=step]").innerText === "50%");
  const dialog = page.getByRole("dialog"), button = (name) => page.locator("form").getByRole("button", { name });
  await button("Pause").press("Enter");
  await dialog.getByText("goes on serving 50% of the requests").waitFor();
  await accessible(page);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await button("Pause").press("Enter");
  await page.keyboard.press("Tab"); // from Cancel, which has the focus
  await page.keyboard.press("Enter");
  await until(page, "it is paused", () => document.querySelector("#rollout-price .state").innerText.includes("paused"));

  // What was asked is no longer so when somebody else was quicker.
  await button("Resume").click();
  await dialog.getByText("takes the next step").waitFor();
  await page.evaluate(() => fetch("/api/v1/experiments/price", { method: "PATCH", body: '{"rollout":"resume"}' }));
  await dialog.waitFor({ state: "hidden" });
  await until(page, "it is told", () => document.querySelector(".rollout output").textContent.includes("changed meanwhile"));
  await button("Roll back").click();
  await dialog.getByRole("button", { name: "Roll back" }).click();
  await until(page, "it was given back", () => document.querySelector("#rollout-price .state").innerText.includes("rolled back") && document.querySelector(".record tbody tr").innerText.includes("user"));
  await page.locator("figure[data-chart]").scrollIntoViewIfNeeded();
  await settle(page);
  await accessible(page);
}

// Health has the budgets, the store and the machine, and what an experiment costs its clients.
async function health(open) {
  const page = await open();
  await page.goto(console_ + "/health");
  await until(page, "the store takes trials", () => document.querySelector("#store").parentElement.innerText.includes("takes trials"));
  const text = await page.locator("main").innerText();
  for (const want of ["of 256", "of 10,000", "sandbox memory", "gateway 127.0.0.1", "held out", "a look"]) {
    if (!text.includes(want)) throw new Error(`it does not say "${want}":\n${text}`);
  }
}

await browse(async (open) => {
  const opened = [];
  const opens = async (options) => { const page = await open(options); opened.push(page); return page; };
  for (const step of [unfolds, logs, pictures, reproduces, waits, tries, rules, rollout, health]) {
    const began = performance.now();
    await step(opens);
    console.log(`${step.name}: ${Math.round(performance.now() - began)} ms`);
  }
  const complaints = opened.flatMap((page) => page.complaints);
  if (complaints.length > 0) throw new Error("the pages complain: " + complaints.join("; "));
});
