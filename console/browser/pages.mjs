// Every page as it must be: at three widths, light and dark.
import { browse, check } from "./page.mjs";

const console_ = process.env.ASSAY_CONSOLE;
const api = async (path) => (await fetch(console_ + "/api/v1" + path)).json();
const newest = async (experiment) => (await api(`/experiments/${experiment}/trials?outcome=mismatch&limit=1`)).trials[0].id;

const addresses = [
  "/", "/experiments/orders", "/experiments/orders?table=quantiles-cheaper,mismatches,course-rewritten", "/experiments/price", "/experiments/quiet", "/experiments/events/differences",
  "/experiments/orders/differences", `/trials/${await newest("orders")}`, `/trials/${await newest("letters")}`, `/trials/${await newest("pictures")}?view=swipe`,
  `/trials/${await newest("orders")}/reproduction/cheaper`, "/functions", "/functions/price", "/rules", "/rules?experiment=events", "/rollouts", "/health",
];

await browse(async (open) => {
  for (const address of addresses) {
    const { bytes, interactive, work } = await check(open, console_ + address);
    console.log(`${address}: ${bytes} bytes, interactive after ${interactive} ms at best, ${work} ms of work`);
  }
});
