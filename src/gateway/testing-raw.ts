import { connect } from "node:net";

/** What came back over a bare socket. */
export interface RawAnswer {
  /** Status codes of all answers, in order. */
  statuses: number[];
  text: string;
  /** Whether the gateway ended the connection, or `waitMs` was over first. */
  closed: boolean;
}

/**
 * Sends bytes over a bare socket, for requests that no HTTP client would make. Waits until the gateway closes, or until
 * `enough` holds of what has come.
 */
export function rawRequest(
  httpUrl: string,
  request: string | readonly string[],
  enough: (text: string) => boolean = (text) => /^HTTP\/1\.1 [2-5]\d\d[\s\S]*\r\n\r\n/.test(text),
): Promise<RawAnswer> {
  const text = typeof request === "string" ? request : [...request, "", ""].join("\r\n");
  return new Promise((resolve, reject) => {
    let received = "";
    const answer = (closed: boolean): RawAnswer => {
      const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
      return { statuses, text: received, closed };
    };
    const { hostname, port } = new URL(httpUrl);
    const socket = connect(Number(port), hostname, () => socket.write(Buffer.from(text, "latin1")));
    socket.on("data", (data) => {
      received += data.toString("latin1");
      if (!enough(received)) return;
      socket.destroy();
      resolve(answer(false));
    });
    socket.on("close", () => resolve(answer(true)));
    socket.on("error", (error) => (received === "" ? reject(error) : resolve(answer(true))));
  });
}
