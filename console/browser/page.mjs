// What every walk through the pages needs: a browser, and pages that remember what they complained about.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

// The packages that scripts/deps/node pins.
const require = createRequire(path.join(process.env.ASSAY_DEPS, "node", "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const maxBytes = 300_000; // of a page with all that it loads
const maxInteractive = 1000; // ms
const maxWork = 400; // ms that its thread computes until then
const patience = 120_000; // ms, for what will not come; other tests share the machine

// browse calls walk with a function that opens pages, and ends the browser whatever comes of it.
export async function browse(walk) {
  const browser = await chromium.launch({ executablePath: process.env.ASSAY_CHROMIUM, args: ["--no-sandbox", "--disable-gpu"], timeout: patience });
  try {
    await walk((options = {}) => open(browser, options));
  } finally {
    await browser.close();
  }
}

// open makes a page in a context of its own. Its complaints are exceptions, errors of the console and what the
// content-security policy refused; bytes are those that came over the network.
async function open(browser, { width = 1280, height = 900, scheme = "light", ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce", ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.complaints.push(message.text()));
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  page.bytes = 0;
  network.on("Network.loadingFinished", (event) => { page.bytes += event.encodedDataLength; });
  await network.send("Performance.enable", { timeDomain: "threadTicks" });
  // work is how long the page's thread has computed, in ms: what other processes take of the machine is not in it.
  page.work = async () => {
    const { metrics } = await network.send("Performance.getMetrics");
    return 1000 * metrics.find((m) => m.name === "TaskDuration").value;
  };
  return page;
}

// arrive goes to an address, and tells how long it took until all scripts listen, and how long the page computed for it.
async function arrive(page, address) {
  const began = performance.now(), before = await page.work();
  const answer = await page.goto(address, { waitUntil: "commit" });
  await page.waitForFunction(() => document.documentElement.classList.contains("js"));
  return { answer, interactive: Math.round(performance.now() - began), work: Math.round(await page.work() - before) };
}

// settle waits until every chart in sight is drawn, empty or failed, and every picture is there.
export async function settle(page) {
  await page.waitForFunction(() => document.documentElement.classList.contains("js") &&
    [...document.querySelectorAll("figure[data-chart]")].every((f) => {
      const { top, bottom } = f.getBoundingClientRect();
      return bottom < 0 || top > innerHeight || (f.dataset.state && f.dataset.state !== "loading");
    }) && [...document.images].every((i) => i.complete && i.naturalWidth > 0));
}

// scroll brings every chart into sight, so that it is asked for; with patience it waits for each.
export async function scroll(page, patience = true) {
  const { height } = page.viewportSize();
  const whole = () => page.evaluate(() => document.documentElement.scrollHeight); // it grows as charts come
  for (let y = 0; y < await whole(); y += height) {
    await page.evaluate((to) => new Promise((done) => { scrollTo(0, to); requestAnimationFrame(() => requestAnimationFrame(done)); }), y);
    if (patience) await settle(page);
  }
  await page.evaluate(() => scrollTo(0, 0));
}

// violations are those that axe calls serious or critical.
export async function violations(page) {
  await page.evaluate(axe);
  const { violations: all } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return all.filter((v) => ["serious", "critical"].includes(v.impact))
    .flatMap((v) => v.nodes.map((n) => `${v.id}: ${v.help}: ${n.target.join(" ")} ${n.failureSummary?.replaceAll("\n", " ")}`));
}

// wide lists what is wider than the page, but for what scrolls by itself.
export function wide(page) {
  return page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const right = (e) => { // of its text, too, which may stick out of its box
      const all = document.createRange();
      all.selectNodeContents(e);
      return Math.max(e.getBoundingClientRect().right, all.getBoundingClientRect().right);
    };
    const found = [...document.body.querySelectorAll("*")].filter((e) => right(e) > innerWidth + 1 && !e.closest(".wide, pre, .skip, .hidden"));
    return found.length > 0 ? found.map((e) => e.outerHTML.slice(0, 120)) : [`something, by ${document.documentElement.scrollWidth - innerWidth} pixels`];
  });
}

const looks = [{ width: 1280, scheme: "dark" }, { width: 320, scheme: "light" }, { width: 3840, scheme: "dark", axe: false }];

// slowness is how many times longer this process computes for what it computes than it would alone on the machine.
function slowness() {
  const window = 200, began = performance.now(), before = process.cpuUsage();
  while (performance.now() - began < window);
  const { user, system } = process.cpuUsage(before);
  return Math.max(1, (1000 * window) / (user + system));
}

// sooner tells how soon a page is interactive at best. Others share the machine: what they take is allowed for, and
// another load counts.
async function sooner(open, address, best) {
  for (let i = 0; i < 10 && best > maxInteractive; i++) {
    const page = await open();
    const before = slowness(), { interactive } = await arrive(page, address);
    best = Math.min(best, Math.round(interactive / Math.max(before, slowness())));
    await page.context().close();
  }
  return best;
}

// check fails with all that is wrong of a page at an address, as every page must be: at three widths, light and
// dark. The widest has no other elements than the others.
export async function check(open, address, allowed = []) {
  const page = await open(looks[0]);
  const wrong = [];
  const { answer, interactive, work } = await arrive(page, address);
  if (work > maxWork) wrong.push(`${work} ms of work until it is interactive`);
  const soonest = await sooner(open, address, interactive);
  if (soonest > maxInteractive) wrong.push(`interactive after ${soonest} ms at best`);
  await scroll(page);
  const { bytes } = page; // what comes later is news
  for (const { width, scheme, axe = true } of looks) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await settle(page);
    const here = `at ${width} pixels, ${scheme}: `;
    wrong.push(...(await wide(page)).map((e) => here + "wider than the page: " + e));
    if (axe) wrong.push(...(await violations(page)).map((v) => here + v));
  }
  if (answer.status() !== 200) wrong.push(`status ${answer.status()}`);
  if (bytes > maxBytes) wrong.push(`${bytes} bytes`);
  wrong.push(...page.complaints.filter((c) => !allowed.some((a) => c.includes(a))));
  if (!(await page.title()).endsWith("· Assay")) wrong.push("title " + (await page.title()));
  await page.context().close();
  if (wrong.length > 0) throw new Error(`${address}:\n  ${wrong.join("\n  ")}`);
  return { bytes, interactive: soonest, work };
}

// until waits for a condition in the page, and says which did not come true.
export async function until(page, what, condition, argument) {
  try {
    await page.waitForFunction(condition, argument);
  } catch (error) {
    const seen = await page.evaluate(() => [document.activeElement.outerHTML.slice(0, 200), ...[...document.querySelectorAll("input")].map((i) => `${i.name}=${i.value}`), document.body.innerText].join("\n"));
    throw new Error(`not so: ${what}: ${error.message}\n${page.complaints.join("\n")}\n${seen}`);
  }
}
