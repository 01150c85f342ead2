import { expect, test } from "bun:test";
import { connect } from "node:net";
import { ALL_SCOPES, startTestGateway, type TestGateway } from "./testing.ts";

test("114: a peer that answers no pings is cut off though events are sent to it; one that does stays", async () => {
  const limits = { pingIntervalMs: 30, idleTimeoutMs: 90, tickIntervalMs: 10 };
  const gateway = await startTestGateway({ limits });
  const alive = await gateway.connect();
  const silent = await connectSilently(gateway);
  expect(gateway.gateway.openConnections()).toHaveLength(2);
  await silent.gone;
  expect(silent.received()).toContain('"event":"tick"');
  // The other one has been asked as often, and has answered.
  const from = alive.frames.length;
  await alive.event("tick", () => true, from);
  expect(alive.closed).toBeUndefined();
  expect(gateway.gateway.openConnections()).toHaveLength(1);
  await gateway.stop();
});

/** Says hello over a bare socket, which answers no pings. */
async function connectSilently({ httpUrl, token }: TestGateway) {
  const { hostname, port, host } = new URL(httpUrl);
  const socket = connect(Number(port), hostname);
  let received = "";
  const gone = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const until = (holds: RegExp) =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds.test(received)) return;
        socket.off("data", look);
        resolve();
      };
      socket.on("data", look);
    });
  socket.on("data", (data) => {
    received += data.toString("latin1");
  });
  socket.on("error", () => {});
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  const key = `Sec-WebSocket-Key: ${"A".repeat(22)}==`;
  socket.write(["GET / HTTP/1.1", `Host: ${host}`, ...upgrade, key, "", ""].join("\r\n"));
  await until(/connect\.challenge/);
  const client = { id: "gateway-client", version: "1.0.0", platform: "linux", mode: "backend" };
  const role = { role: "operator", scopes: ALL_SCOPES, caps: [] };
  const params = { minProtocol: 4, maxProtocol: 4, client, ...role, auth: { token } };
  socket.write(maskedFrame(JSON.stringify({ type: "req", id: "c", method: "connect", params })));
  await until(/hello-ok/);
  return { gone, received: () => received };
}

/** A text frame of 126 to 65535 bytes as clients send it; a mask of zeros is one, too. */
function maskedFrame(text: string): Buffer {
  const head = Buffer.from([0x81, 0xfe, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(Buffer.byteLength(text), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}
