import { type ConnectSpec, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";

/** A node host of a test, on Linux unless told otherwise. */
export interface TestNode {
  client: TestClient;
  device: TestDevice;
  id: string;
}

export interface TestNodeSpec extends Pick<ConnectSpec, "caps" | "commands" | "permissions" | "pathEnv" | "headers"> {
  device?: TestDevice;
  platform?: string;
  displayName?: string;
}

/** Connects as a node; its device is paired silently at the first time. */
export async function connectNode(gateway: TestGateway, spec: TestNodeSpec = {}): Promise<TestNode> {
  const { device = new TestDevice(), platform = "linux", displayName = "Test Node", ...others } = spec;
  const client = await gateway.connect({
    role: "node",
    client: { id: "node-host", mode: "node", version: "1.2.3", platform, displayName },
    identity: device,
    caps: [],
    ...others,
  });
  return { client, device, id: device.id };
}

/** Connects as a node and has what it declares approved by an administrator. */
export async function connectApproved(gateway: TestGateway, spec: TestNodeSpec = {}): Promise<TestNode> {
  const node = await connectNode(gateway, spec);
  const operator = await gateway.connect();
  await operator.call("node.pair.approve", { requestId: (await requestOf(operator, node.id)).requestId });
  operator.close();
  return node;
}

/** Answers the next request that the node gets, of the frames from `from` on, and gives its payload. */
export async function answerNext(
  { client, id }: TestNode,
  result: Record<string, unknown>,
  from = 0,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events freely
): Promise<any> {
  const { payload } = await client.event("node.invoke.request", () => true, from);
  await client.call("node.invoke.result", { id: payload.id, nodeId: id, ...result });
  return payload;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export async function requestOf(operator: TestClient, nodeId: string): Promise<any> {
  const { pending } = await operator.call("node.pair.list");
  return pending.find((request: { nodeId: string }) => request.nodeId === nodeId);
}
