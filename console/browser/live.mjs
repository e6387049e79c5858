// Pages follow the laboratory, and their forms change it.
import { browse, until } from "./page.mjs";

const console_ = process.env.ASSAY_CONSOLE, gateway = process.env.ASSAY_GATEWAY;
const requests = async (from, to) => { for (let i = from; i < to; i++) await (await fetch(`${gateway}/orders/${i}`)).text(); };

async function follows(open) {
  const page = await open();
  await page.goto(console_ + "/");
  await page.waitForSelector("[data-connection=live]");
  // Numbers follow in place: the same elements, and what is being typed stays.
  const orders = page.locator("#experiment-orders");
  const before = await orders.locator(".facts dd").nth(1).innerText();
  await page.evaluate(() => { window.kept = document.querySelector("#experiment-orders .facts dd"); });
  await orders.locator("input[name=sample]").fill("12");
  await requests(1000, 1020);
  await until(page, "the requests are counted", (n) => document.querySelectorAll("#experiment-orders .facts dd")[1].innerText !== n, before);
  await until(page, "what was typed stays", () => window.kept.isConnected && document.querySelector("#experiment-orders input[name=sample]").value === "12");
  if (page.complaints.length > 0) throw new Error("the page complains: " + page.complaints);
}

async function changes(open) {
  const page = await open();
  await page.goto(console_ + "/experiments/orders");
  const controls = page.locator(".title .controls");
  await controls.locator("input[name=sample]").fill("12");
  await controls.getByRole("button", { name: "Set" }).click();
  await until(page, "the sample is set", () => document.querySelector(".facts dd").innerText.startsWith("12%"));
  await controls.getByRole("button", { name: "Pause" }).click();
  await until(page, "it is paused", () => document.querySelector(".title .state").innerText.includes("paused"));
  await controls.locator("input[name=sample]").fill("lots");
  await controls.getByRole("button", { name: "Set" }).click();
  await until(page, "what is wrong is said", () => document.querySelector(".title .controls output").innerText.includes("not a share"));
  await controls.getByRole("button", { name: "Resume" }).click();
  await until(page, "it runs", () => document.querySelector(".title .state").innerText.includes("running"));
  if (page.complaints.length !== 1) throw new Error("not the refused change alone: " + page.complaints); // the browser notes each 400
}

// A page that nobody sees has no stream of events, one that is seen has one.
async function sight(open) {
  const page = await open();
  await page.addInitScript(() => {
    window.unseen = true;
    window.streams = [];
    Object.defineProperty(document, "hidden", { get: () => window.unseen });
    const Real = EventSource;
    window.EventSource = class extends Real { constructor(at) { super(at); window.streams.push(this); } };
    window.sight = (seen) => { window.unseen = !seen; document.dispatchEvent(new Event("visibilitychange")); };
    window.openStreams = () => window.streams.filter((s) => s.readyState !== Real.CLOSED).length;
  });
  await page.goto(console_ + "/");
  await until(page, "no stream while unseen", () => document.documentElement.classList.contains("js") && window.openStreams() === 0);
  await page.evaluate(() => { window.sight(true); window.sight(true); });
  await until(page, "one stream when seen", () => window.openStreams() === 1 && document.querySelector("[data-connection=live]") !== null);
  await page.evaluate(() => window.sight(false));
  await until(page, "none when unseen again", () => window.openStreams() === 0);
}

async function loses(open) {
  const page = await open();
  let cut = false;
  await page.route("**/api/v1/events", (route) => (cut ? route.abort() : route.fulfill({ contentType: "text/event-stream", body: "retry: 50\n\n" })));
  await page.goto(console_ + "/");
  cut = true;
  await until(page, "a lost connection is told", () => document.querySelector("[data-connection=lost]")?.innerText.includes("retrying"));
}

// Charts are drawn, can be read as tables, and the address says which are.
async function charts(open) {
  const page = await open({ acceptDownloads: true });
  await page.goto(console_ + "/experiments/orders");
  const chart = page.locator("#histogram-rewritten");
  await chart.scrollIntoViewIfNeeded();
  await page.waitForSelector("#histogram-rewritten[data-state=drawn] canvas");
  await chart.getByRole("button", { name: "Table" }).click();
  await page.waitForSelector("#histogram-rewritten table tbody tr");
  if (!page.url().includes("table=histogram-rewritten")) throw new Error("the address does not say that it is a table: " + page.url());
  await page.reload();
  await page.waitForSelector("#histogram-rewritten.as-table table tbody tr", { state: "visible" });
  const rows = await chart.locator("tbody tr").count();
  const [csv] = await Promise.all([page.waitForEvent("download"), chart.getByRole("link", { name: "CSV" }).click()]);
  const text = await (await csv.createReadStream()).toArray();
  const lines = Buffer.concat(text).toString().trim().split("\n");
  if (lines.length !== rows + 1 || !lines[0].startsWith("Latency,")) throw new Error(`${rows} rows, and as CSV:\n${lines.join("\n")}`);
  await chart.getByRole("button", { name: "Table" }).click();
  await page.waitForSelector("#histogram-rewritten canvas", { state: "visible" });
  const [picture] = await Promise.all([page.waitForEvent("download"), chart.getByRole("button", { name: "PNG" }).click()]);
  const bytes = Buffer.concat(await (await picture.createReadStream()).toArray());
  if (bytes.subarray(1, 4).toString() !== "PNG") throw new Error("no picture");
  await chart.getByRole("button", { name: "Rewritten" }).click();
  await page.waitForSelector('#histogram-rewritten .legend [aria-pressed="false"]');
  if (!decodeURIComponent(page.url()).includes("off=histogram-rewritten:Rewritten")) throw new Error("the address does not say what is hidden: " + page.url());
  if (page.complaints.length > 0) throw new Error("the page complains: " + page.complaints);
}

// The verdict's interval narrows while trials come in, and the chart follows.
async function narrows(open) {
  const page = await open();
  await page.goto(console_ + "/experiments/orders");
  await page.locator("#course-cheaper").scrollIntoViewIfNeeded();
  await page.waitForSelector("#course-cheaper[data-state=drawn]");
  const rows = () => page.locator("#course-cheaper tbody tr").count();
  const before = await rows();
  await requests(2000, 2060);
  await until(page, "the course goes on", (n) => document.querySelectorAll("#course-cheaper tbody tr").length > n, before);
}

// A definition is checked while it is written, applied, and refused when another is in force by then.
async function edits(open) {
  const page = await open();
  await page.goto(console_ + "/experiments/quiet");
  const form = page.locator("form.editor"), text = form.locator("textarea"), checked = form.locator(".checked");
  const definition = await text.inputValue();
  await text.fill(definition.replace("path: /quiet", "pth: /quiet"));
  await until(page, "the flaw is told with its place", () => /line 3, column 5/.test(document.querySelector(".checked").innerText) && document.querySelector(".checked").innerText.includes("path"));
  if (!await form.getByRole("button", { name: "Apply" }).isDisabled()) throw new Error("what is wrong can be applied");
  await checked.getByRole("button").first().click();
  const caret = await text.evaluate((e) => e.value.slice(e.selectionStart).slice(0, 3));
  if (caret !== "pth") throw new Error("the caret is at " + caret);
  await text.fill(definition.replace("sample: 10%", "sample: 20%"));
  await until(page, "it goes on", () => document.querySelector(".checked").innerText.includes("evidence goes on"));
  await text.fill(definition.replace("mismatch: <= 1%", "mismatch: <= 2%"));
  await until(page, "it begins anew", () => document.querySelector(".checked").innerText.includes("begin new evidence"));
  await form.getByRole("button", { name: "Apply" }).click();
  await until(page, "it is in force", () => document.querySelector("#definition small").innerText === "version 2" && document.querySelector("form.editor textarea").value.includes("<= 2%"));
  await until(page, "the timeline has it", () => document.querySelector("#version-2 ins")?.innerText.includes("<= 2%"));

  // Somebody else is quicker.
  await text.fill((await text.inputValue()).replace("<= 2%", "<= 3%"));
  await until(page, "it could be applied", () => !document.querySelector("form.editor button").disabled);
  await page.evaluate(() => fetch("/api/v1/experiments/quiet", { method: "PATCH", body: '{"sample":"30%"}' }));
  await until(page, "the change is told", () => document.querySelector("form.editor output").innerText.includes("version 3 is in force"));
  await form.getByRole("button", { name: "Apply" }).click();
  await until(page, "it is refused", () => document.querySelector("form.editor output").innerText.includes("changed meanwhile"));
  await form.getByRole("button", { name: "Undo" }).click();
  await until(page, "what is in force is shown", () => document.querySelector("form.editor textarea").value.includes("sample: 30%"));
  const complaints = page.complaints.filter((c) => !c.includes("409"));
  if (complaints.length > 0) throw new Error("the page complains: " + complaints);
}

// Whatever a stranger's request or function says, it stays text.
async function inert(open) {
  const evil = `<script>document.title="owned"</script><img src=x onerror="document.title='owned'">"'>`;
  await (await fetch(`${gateway}/events?note=${encodeURIComponent(evil)}`)).text();
  const page = await open();
  let id;
  for (const began = Date.now(); !id; await new Promise((done) => setTimeout(done, 50))) {
    if (Date.now() - began > 60_000) throw new Error("its trial is not kept");
    const { trials } = await (await fetch(`${console_}/api/v1/experiments/events/trials?limit=5`)).json();
    id = trials.find((t) => t.invocation.request.query?.includes("script"))?.id;
  }
  await page.goto(`${console_}/trials/${id}`);
  await until(page, "it is shown", () => document.body.innerText.includes("onerror="));
  if (!(await page.title()).endsWith("· Assay")) throw new Error("a stranger's script ran: " + (await page.title()));
  if (page.complaints.length > 0) throw new Error("the page complains: " + page.complaints);
}

// Forms of differences make their call and show the page anew, or say what is wrong.
async function differences(open) {
  const page = await open();
  await page.goto(console_ + "/experiments/events/differences");
  const label = await page.locator("form[aria-label^='State of cluster']").first().getAttribute("aria-label"); // others may come before it
  const state = page.locator(`form[aria-label='${label}']`);
  await state.locator("input[name=by]").fill("ann");
  await state.getByRole("button", { name: "Accept" }).click();
  await until(page, "the cluster is accepted", () => document.querySelector(".clusters").innerText.includes("by ann"));
  await page.locator("textarea[name=rules]").fill("comparators:\n- bogus:\n");
  await page.getByRole("button", { name: "Compare again" }).click();
  await until(page, "the flaw is told with its place", () => document.querySelector(".faultbox")?.innerText.includes("rules:2:3") && document.querySelector("textarea").value.includes("bogus"));
}

await browse(async (open) => {
  for (const walk of [follows, changes, sight, loses, charts, narrows, edits, inert, differences]) {
    await walk(open);
    console.log(walk.name);
  }
});
