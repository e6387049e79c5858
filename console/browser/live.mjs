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
  const chart = page.locator("#histogram");
  await chart.scrollIntoViewIfNeeded();
  await page.waitForSelector("#histogram[data-state=drawn] canvas");
  await chart.getByRole("button", { name: "Table" }).click();
  await page.waitForSelector("#histogram table tbody tr");
  if (!page.url().includes("table=histogram")) throw new Error("the address does not say that it is a table: " + page.url());
  await page.reload();
  await page.waitForSelector("#histogram.as-table table tbody tr", { state: "visible" });
  const rows = await chart.locator("tbody tr").count();
  const [csv] = await Promise.all([page.waitForEvent("download"), chart.getByRole("link", { name: "CSV" }).click()]);
  const text = await (await csv.createReadStream()).toArray();
  const lines = Buffer.concat(text).toString().trim().split("\n");
  if (lines.length !== rows + 1 || !lines[0].startsWith("Latency,")) throw new Error(`${rows} rows, and as CSV:\n${lines.join("\n")}`);
  await chart.getByRole("button", { name: "Table" }).click();
  await page.waitForSelector("#histogram canvas", { state: "visible" });
  const [picture] = await Promise.all([page.waitForEvent("download"), chart.getByRole("button", { name: "PNG" }).click()]);
  const bytes = Buffer.concat(await (await picture.createReadStream()).toArray());
  if (bytes.subarray(1, 4).toString() !== "PNG") throw new Error("no picture");
  await chart.getByRole("button", { name: "Rewritten" }).click();
  await page.waitForSelector('#histogram .legend [aria-pressed="false"]');
  if (!decodeURIComponent(page.url()).includes("off=histogram:Rewritten")) throw new Error("the address does not say what is hidden: " + page.url());
  if (page.complaints.length > 0) throw new Error("the page complains: " + page.complaints);
}

// Whatever a stranger's request or function says, it stays text.
async function inert(open) {
  const evil = `<script>document.title="owned"</script><img src=x onerror="document.title='owned'">"'>`;
  await (await fetch(`${gateway}/events?note=${encodeURIComponent(evil)}`)).text();
  const page = await open();
  let id;
  for (let i = 0; !id && i < 100; i++) {
    const { trials } = await (await fetch(`${console_}/api/v1/experiments/events/trials?limit=5`)).json();
    id = trials.find((t) => t.invocation.request.query.includes("script"))?.id;
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
  await page.locator("form[aria-label^='State of cluster']").first().locator("input[name=by]").fill("ann");
  await page.locator("form[aria-label^='State of cluster']").first().getByRole("button", { name: "Accept" }).click();
  await until(page, "the cluster is accepted", () => document.querySelector(".clusters").innerText.includes("by ann"));
  const accept = page.locator("form[aria-label^='Accept rule']").first();
  await accept.locator("input[name=owner]").fill("ann");
  await accept.locator("input[name=expires]").fill("2099-01-31");
  await accept.getByRole("button", { name: "Accept" }).click();
  await until(page, "the rule is in force", () => document.querySelector("[aria-label='Rules in force']")?.innerText.includes("2099-01-31"));
  await page.locator("textarea[name=rules]").fill("comparators:\n- bogus:\n");
  await page.getByRole("button", { name: "Compare again" }).click();
  await until(page, "the flaw is told with its place", () => document.querySelector(".faultbox")?.innerText.includes("rules:2:3") && document.querySelector("textarea").value.includes("bogus"));
}

await browse(async (open) => {
  for (const walk of [follows, changes, sight, loses, charts, inert, differences]) {
    await walk(open);
    console.log(walk.name);
  }
});
