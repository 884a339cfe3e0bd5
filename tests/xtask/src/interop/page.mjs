// Arguments: the folder with node_modules, a folder for the browser, the page's address, and the picture.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

const [folder, profile, url, picture] = process.argv.slice(2);
const { chromium } = createRequire(`${folder}/`)("playwright-core");

const browser = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  viewport: { width: 640, height: 800 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
browser.setDefaultTimeout(30_000);
const page = await browser.newPage();
const problems = [];
page.on("pageerror", (error) => problems.push(String(error)));
page.on("request", (request) => {
  if (!request.url().startsWith(url) && !request.url().startsWith("data:")) problems.push(request.url());
});
page.on("response", (response) => {
  if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
});
await page.goto(url);

// Live values: a number, then another sample.
const samples = () => page.evaluate(() => Number(document.querySelector("#figures td + td")?.textContent));
await page.waitForFunction(() => Number(document.querySelector("#figures td + td")?.textContent) > 0);
const first = await samples();
await page.waitForFunction((first) => Number(document.querySelector("#figures td + td").textContent) >= first + 10, first);
const value = Number(await page.textContent("#value"));
assert.ok(value >= 20 && value <= 25, `the value is ${value}`);

// A setting, which the device stores.
await page.fill("[name=name]", "Boiler house");
await page.fill("[name=threshold]", "100000");
await page.click("#settings button");
await page.waitForFunction(() => document.querySelector("#saved").value === "saved");
assert.equal(await page.textContent("#title"), "Boiler house");
const settings = await page.evaluate(() => fetch("settings").then((answer) => answer.json()));
assert.deepEqual(settings, { name: "Boiler house", threshold: 100000 });

// An upload, with the length and hash that the device reports.
const content = Buffer.alloc(1 << 20, "picoevent ");
await page.setInputFiles("#file", { name: "firmware.bin", mimeType: "application/octet-stream", buffer: content });
await page.click("#upload button");
await page.waitForFunction(() => document.querySelector("#uploaded").textContent.length > 0);
const uploaded = JSON.parse(await page.textContent("#uploaded"));
const sha256 = createHash("sha256").update(content).digest("hex");
assert.deepEqual(uploaded, { length: 1 << 20, sha256 });
assert.equal(await page.evaluate(() => document.querySelector("#progress").value), 1);

await page.screenshot({ path: picture, fullPage: true });
assert.deepEqual(problems, []);
const version = browser.browser()?.version() ?? (await page.evaluate(() => navigator.userAgent.split("/").at(-2)));
await browser.close();
console.log(`live values, a setting, an upload of 1 MB with its SHA-256, no error and nothing fetched from elsewhere (${version.split(" ")[0]})`);
