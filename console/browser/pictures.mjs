// Takes a picture of each page at three widths, light and dark, with what there is to see, and empty, loading and
// failing. Arguments: the folder for them; the consoles of laboratories without anything, with rollouts at every
// stage, and with many experiments of long names; and how the names of pages begin that are wanted alone.
import path from "node:path";
import { mkdir } from "node:fs/promises";
import { browse, scroll, settle, wide } from "./page.mjs";

const console_ = process.env.ASSAY_CONSOLE, [, , out, empty, rolling, crowded, only = ""] = process.argv;
const newest = async (experiment) => (await (await fetch(`${console_}/api/v1/experiments/${experiment}/trials?outcome=mismatch&limit=1`)).json()).trials[0];
const order = await newest("orders"), drawing = await newest("pictures"), letter = await newest("letters");
const last = async (console, experiment) => (await (await fetch(`${console}/api/v1/experiments/${experiment}/trials?limit=1`)).json()).trials[0];

const { experiments } = await (await fetch(crowded + "/api/v1/experiments")).json();
const long = experiments.map((e) => e.name).sort((a, b) => b.length - a.length)[0];

const charts = "**/charts/**";
const pages = {
  overview: [console_, "/"],
  "overview-empty": [empty, "/"],
  "overview-loading": [console_, "/", (page) => page.route(charts, () => {})],
  "overview-error": [console_, "/", (page) => page.route(charts, (route) => route.fulfill({ status: 500, json: { error: { what: "the laboratory could not do this", hint: "its log says why" } } }))],
  experiment: [console_, "/experiments/orders"],
  "experiment-functions": [console_, "/experiments/price"],
  "experiment-empty": [console_, "/experiments/quiet"],
  "experiment-loading": [console_, "/experiments/orders", (page) => page.route(charts, () => {})],
  "experiment-error": [console_, "/experiments/orders", (page) => page.route(charts, (route) => route.abort())],
  "experiment-tables": [console_, "/experiments/orders?table=course-cheaper,quantiles-cheaper,histogram-cheaper,mismatches"],
  differences: [console_, "/experiments/events/differences"],
  trial: [console_, `/trials/${order.id}`],
  "trial-text": [console_, `/trials/${letter.id}`],
  "trial-picture": [console_, `/trials/${drawing.id}`],
  reproduction: [console_, `/trials/${order.id}/reproduction/cheaper`],
  functions: [console_, "/functions"],
  function: [console_, "/functions/price"],
  rules: [console_, "/rules"],
  "rules-empty": [empty, "/rules"],
  rollouts: [rolling, "/rollouts"],
  "rollouts-asked": [rolling, "/rollouts", null, (page) => page.getByRole("button", { name: "Promote" }).first().click()],
  "experiment-rollout": [rolling, "/experiments/stock"],
  health: [console_, "/health"],
  "functions-empty": [empty, "/functions"],
  "trial-swipe": [console_, `/trials/${drawing.id}?view=swipe`],
  "rollouts-empty": [empty, "/rollouts"],
  "health-empty": [empty, "/health"],
  "overview-crowded": [crowded, "/"],
  "experiment-crowded": [crowded, `/experiments/${long}`],
  "trial-crowded": [crowded, `/trials/${(await last(crowded, long)).id}`],
  "differences-crowded": [crowded, `/experiments/${long}/differences`],
  "rules-crowded": [crowded, "/rules"],
  "health-crowded": [crowded, "/health"],
  missing: [console_, "/trials/nothing-of-this-name"],
};

await browse(async (open) => {
  for (const [name, [at, address, prepare, act]] of Object.entries(pages)) {
    if (!name.startsWith(only)) continue;
    for (const width of [360, 1024, 2560]) {
      for (const scheme of ["light", "dark"]) {
        const page = await open({ width, height: width === 360 ? 780 : 1300, scheme });
        await prepare?.(page);
        await page.goto(at + address);
        await page.waitForFunction(() => document.documentElement.classList.contains("js"));
        await scroll(page, !name.endsWith("loading"));
        if (!name.endsWith("loading")) await settle(page);
        if (!prepare) await page.waitForFunction(() => document.querySelector("figure[data-state=loading]") === null);
        await act?.(page);
        for (const e of await wide(page)) console.log(`${name} at ${width}: wider than the page: ${e}`);
        const file = path.join(out, name, `${width}-${scheme}.png`);
        await mkdir(path.dirname(file), { recursive: true });
        await page.screenshot({ path: file, fullPage: true });
        await page.context().close();
      }
    }
    console.log(name);
  }
});
