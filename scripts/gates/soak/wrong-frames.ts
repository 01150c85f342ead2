export const READ = { scopes: ["operator.read"] };

/** What is no frame of the protocol, or asks for what there is not. */
export const WRONG: readonly (string | Uint8Array)[] = [
  "{",
  "null",
  "[]",
  '"text"',
  "[".repeat(50_000),
  `{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`,
  '{"type":"req"}',
  '{"type":"req","id":7,"method":"health"}',
  '{"type":"req","id":"a","method":"__proto__","params":{}}',
  '{"type":"req","id":"a","method":"health","params":{"__proto__":{"admin":true},"constructor":1}}',
  '{"type":"res","id":"a","ok":true}',
  new Uint8Array([0xff, 0xfe, 0, 1, 2]),
  `{"type":"req","id":"x","method":"${"m".repeat(60_000)}"}`,
];

/** Sends it as the first frame. Resolves when the gateway has closed the socket. */
export function beforeHello(url: string, wrong: string | Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(wrong);
  socket.onclose = () => resolve();
  return promise;
}
