// Arguments: the folder with node_modules, and the device's address.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { once } from "node:events";

const [folder, address] = process.argv.slice(2);
const { WebSocket } = createRequire(`${folder}/`)("ws");

async function open(path) {
  const socket = new WebSocket(`ws://${address}${path}`, { perMessageDeflate: true });
  await once(socket, "open");
  return socket;
}

async function closed(socket, code) {
  const [held] = await once(socket, "close");
  assert.equal(held, code);
}

const echo = await open("/echo");
let messages = 0;
for (const length of [0, 1, 125, 126, 500, 65535, 65536]) {
  for (const data of [Buffer.alloc(length, length), "\u20ac".repeat(length / 3)]) {
    echo.send(data);
    const [back, isBinary] = await once(echo, "message");
    assert.equal(isBinary, typeof data !== "string");
    assert.ok(back.equals(Buffer.from(data)), `${length} bytes`);
    messages += 1;
  }
}
// A fragmented message, with a ping between the fragments.
echo.send("one, ", { fin: false });
echo.ping("between");
echo.send("two", { fin: true });
const [[pong], [text]] = await Promise.all([once(echo, "pong"), once(echo, "message")]);
assert.equal(pong.toString(), "between");
assert.equal(text.toString(), "one, two");
echo.close(1000);
await closed(echo, 1000);

const large = await open("/echo");
large.send(Buffer.alloc(65537));
await closed(large, 1009);

const live = await open("/live");
for (let last = 0, count = 0; count < 3; count += 1) {
  const [data] = await once(live, "message");
  const value = JSON.parse(data);
  assert.ok(value.samples > last && value.value >= 20000);
  last = value.samples;
}
live.close(1000);
await closed(live, 1000);
console.log(`${messages} messages of up to 64 KB came back, one fragmented, pings, closes with 1000 and 1009, live values`);
