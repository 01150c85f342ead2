import { connectParams } from "../../../src/parity/connect-params.ts";
import type { GateContext } from "../../gate/run.ts";
import { SoakClient } from "../soak/client.ts";
import { beforeHello, READ, WRONG } from "../soak/wrong-frames.ts";
import { frameHead, RawSocket, request, upgradeLines } from "./sockets.ts";
import { type HardeningTarget, must } from "./target.ts";

/** MiB by which a flood of strangers may raise the memory of the process. */
const STRANGERS_MIB = 220;
const MIB = 2 ** 20;

/** What can be done to the gateway with sockets. */
export async function probeSockets({ check, metric }: GateContext, target: HardeningTarget): Promise<void> {
  await check("many silent sockets of one address: most are refused, the others end by themselves", async () => {
    const before = target.descriptors;
    const sockets = Array.from({ length: 200 }, () => RawSocket.open(target.url));
    await Promise.all(sockets.map((socket) => socket.send(request(upgradeLines(target.url)))));
    await Bun.sleep(1000);
    const refused = sockets.filter(({ status }) => status === 503).length;
    metric("sockets.refused", refused, "of 200");
    must(refused === 168, `${refused} of 200 were refused`);
    await Bun.sleep(16_000);
    const left = sockets.filter(({ isClosed }) => !isClosed).length;
    for (const socket of sockets) socket.destroy();
    must(left === 0, `${left} sockets were kept`);
    await Bun.sleep(500);
    must(target.descriptors <= before + 5, `${target.descriptors} descriptors, ${before} before`);
    await target.mustServe();
  });
  await check("large frames before hello, many at once and again and again: memory is bounded", async () => {
    const before = target.memory;
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, target.memory);
    }, 20);
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 32 }, () => pourInto(target.url)));
      await Bun.sleep(1200);
    }
    clearInterval(timer);
    metric("strangers.memory", Math.round(most - before), "MiB above rest");
    must(most - before < STRANGERS_MIB, `${(most - before).toFixed(0)} MiB more`);
    await target.mustServe();
  });
  await check("a frame of 70 kB before hello ends the socket", async () => {
    const socket = new WebSocket(target.url);
    const closed = new Promise<number>((resolve) => {
      socket.onclose = ({ code }) => resolve(code);
    });
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    socket.send("x".repeat(70_000));
    must((await closed) === 1009, `closed with ${await closed}`);
  });
  await check("after hello 20 MB are served and 26 MB end the socket", async () => {
    const client = await SoakClient.open(target.target);
    await client.call("health", {});
    client.sendRaw(JSON.stringify({ type: "req", id: "x", method: "no.such", params: { a: "x".repeat(20 * MIB) } }));
    await client.call("health", {});
    client.sendRaw("x".repeat(26 * MIB));
    const { code } = await client.closed;
    must(code === 1009 || code === 1006, `closed with ${code}`);
    await target.mustServe();
  });
  await check("what is no frame, before and after hello: refused, and nothing else happens", async () => {
    for (const wrong of WRONG) {
      await beforeHello(target.url, wrong);
      const client = await SoakClient.open(target.target, READ);
      client.sendRaw(wrong);
      if (!client.isClosed) await client.call("health").catch(() => {});
      client.close();
    }
    const polluted = await SoakClient.open(target.target, { scopes: [] });
    const refused = await polluted.call("config.get").then(
      () => false,
      () => true,
    );
    polluted.close();
    must(refused, "a client without scopes was let through after prototype keys");
    await target.mustServe();
  });
  await check(
    "a flood of requests and events on one socket: refused in part, others are served meanwhile",
    async () => {
      const flooder = await SoakClient.open(target.target);
      const other = await SoakClient.open(target.target);
      const asked = Array.from({ length: 5000 }, (_, index) =>
        index % 2 ? flooder.call("system-event", { text: `flood ${index}` }) : flooder.call("health"),
      ).map((answer) => answer.then(() => "served", String));
      await other.call("health");
      const answers = await Promise.all(asked);
      const served = answers.filter((answer) => answer === "served").length;
      metric("flood.served", served, "of 5000");
      for (const answer of answers.slice(0, 100)) target.saw(answer);
      const wrong = answers.find((answer) => answer !== "served" && !/UNAVAILABLE|closed/.test(answer));
      must(wrong === undefined, wrong);
      must(served < 5000, "nothing was refused");
      flooder.close();
      other.close();
      await target.mustServe();
    },
  );
  await check("foreign origins of browsers are refused", async () => {
    for (const origin of ["https://evil.example", "null", `${target.httpUrl}.evil.example`, "file://"]) {
      const answer = await helloFrom(target, origin);
      target.saw(answer);
      must(!answer.includes('"hello-ok"'), `${origin} was let in`);
    }
  });
  await check("guessed tokens: none is let in, and guessing is slowed down", async () => {
    // At once, as answers to guesses from this machine come ever later.
    const guesses = Array.from({ length: 24 }, (_, index) => guess(target, `guess-${index}`));
    const answers = await Promise.all(guesses);
    for (const answer of answers) target.saw(answer);
    must(!answers.includes("in"), "a guess was let in");
    const late = answers.filter((answer) => answer === "late").length;
    metric("guesses.not-answered-within-3-s", late, "of 24");
    must(late > 12, `only ${late} of 24 guesses had to wait`);
    await target.mustServe();
  });
}

/** What becomes of a guessed token within three seconds. */
function guess({ target }: HardeningTarget, token: string): Promise<string> {
  const answer = SoakClient.open(target, { auth: { token } }).then(() => "in", String);
  return Promise.race([answer, Bun.sleep(3000).then(() => "late")]);
}

/** Says that it will send 24 MiB, and sends them, until it is cut off. */
async function pourInto(url: string): Promise<void> {
  const socket = RawSocket.open(url);
  await socket.send(request(upgradeLines(url)));
  await socket.until((text) => text.includes("connect.challenge"), 3000);
  await socket.send(frameHead(24 * MIB));
  const piece = Buffer.alloc(4 * MIB, 0x61);
  for (let sent = 0; sent < 20 * MIB && !socket.isClosed; sent += piece.length) await socket.send(piece);
  await socket.closes(3000);
  socket.destroy();
}

/** Connects as the control page does, out of a page of that origin. Returns all that came back. */
async function helloFrom({ url, token }: HardeningTarget, origin: string): Promise<string> {
  const socket = new WebSocket(url, { headers: { Origin: origin } } as unknown as string);
  let received = "";
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    received += data;
    const { event, payload, type } = JSON.parse(String(data));
    if (event === "connect.challenge") {
      const client = { id: "openclaw-control-ui", mode: "webchat" };
      const params = connectParams({ client }, { token, challenge: payload });
      socket.send(JSON.stringify({ type: "req", id: "c", method: "connect", params }));
    } else if (type === "res") socket.close();
  };
  socket.onclose = () => resolve();
  socket.onerror = () => resolve();
  await promise;
  return received;
}
