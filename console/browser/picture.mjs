// Takes one picture: FILE WIDTH HEIGHT ADDRESS.
import { browse, settle } from "./page.mjs";

const [, , file, width, height, address] = process.argv;
await browse(async (open) => {
  const page = await open({ width: Number(width), height: Number(height) });
  await page.goto(address);
  await settle(page);
  await page.screenshot({ path: file });
  console.log(file);
});
