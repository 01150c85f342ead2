import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway, useTool } from "../../agents/testing/tool-gateway.ts";
import type { ChannelPort, OutboundMessage } from "../../channels/outbound/port.ts";
import type { TestClient } from "../../gateway/testing.ts";

const sent: OutboundMessage[] = [];
const port: ChannelPort = {
  id: "slack",
  capabilities: { polls: true, actions: new Set(["react"]) },
  targetHint: "<channel>",
  deliver: async (message) => {
    sent.push(message);
    return { messageId: `m${sent.length}` };
  },
};

let gateway: ToolGateway;
beforeAll(async () => {
  gateway = await startToolGateway({
    channels: { slack: { botToken: "xoxb-none" }, discord: { token: "none" } },
  } as never);
  gateway.services.outbound.attach(port);
});
afterAll(() => gateway.stop());
beforeEach(() => void sent.splice(0));

const use = (args: object, more: { by?: TestClient; sessionKey?: string } = {}) =>
  useTool(gateway, "message", args, more);

/** A session whose last message a channel brought. */
async function routed(key: string, to: string): Promise<void> {
  await gateway.services.sessions.ensure(key, { createdVia: "channel" });
  await gateway.services.sessions.repository.update(
    key,
    (known) => ({ ...known!, entry: { ...known!.entry, deliveryContext: { channel: "slack", to, threadId: "t9" } } }),
    () => {},
  );
}

describe("message", () => {
  test("sends once, to where it is told", async () => {
    const result = await use({ action: "send", channel: "slack", target: "C1", message: "hello", replyTo: "m0" });
    expect(result).toMatchObject({ messageId: "m1", channel: "slack" });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ to: "C1", replyToId: "m0", content: { kind: "message", text: "hello" } });
  });

  test("goes to the conversation of its session when nobody says where", async () => {
    const { sessionKey } = freshKey();
    await routed(sessionKey, "C7");
    await use({ action: "send", message: "here" }, { sessionKey });
    expect(sent[0]).toMatchObject({ to: "C7", threadId: "t9" });
    expect((await use({ action: "send", message: "nowhere" })).error).toBe("target required");
  });

  test("65: sends files that its tools may read, and no others, by whatever action and form of path", async () => {
    const { workspace } = gateway.services.agents.find("main")!;
    await mkdir(workspace, { recursive: true });
    await writeFile(join(workspace, "report.txt"), "figures");
    await symlink("/etc/hostname", join(workspace, "link.txt"));
    const file = { data: Buffer.from("figures").toString("base64"), filename: "report.txt" };
    await use({ action: "send", channel: "slack", target: "C1", media: "report.txt" });
    expect(sent[0]!.content).toMatchObject({ buffer: file });
    await use({ action: "react", channel: "slack", target: "C1", media: "report.txt", messageId: "m1" });
    expect(sent[1]!.content).toMatchObject({ params: { buffer: file.data } });
    await use({ action: "send", channel: "slack", target: "C1", media: "https://x.example/a.png" });
    expect(sent[2]!.content).toMatchObject({ mediaUrls: ["https://x.example/a.png"] });
    for (const media of ["/etc/hostname", "file:///etc/hostname", "../../etc/hostname", "link.txt", "~/.ssh/id_rsa"]) {
      for (const action of ["send", "react"]) {
        expect((await use({ action, channel: "slack", target: "C1", message: "x", media })).error).toMatch(
          /escapes|ymlink/,
        );
      }
    }
    for (const field of ["filePath", "mediaUrl", "path", "attachments"]) {
      const extra = { action: "send", channel: "slack", target: "C1", message: "x", [field]: "/etc/hostname" };
      expect((await use(extra)).error).toContain("Validation failed");
    }
    expect(sent).toHaveLength(3);
    expect(JSON.stringify(sent)).not.toContain("/etc/hostname");
  });

  test("does what the channel can, and refuses the rest before it is asked", async () => {
    await use({ action: "react", channel: "slack", target: "C1", messageId: "m1", emoji: "+1" });
    expect(sent[0]!.content).toMatchObject({
      kind: "action",
      action: "react",
      params: { messageId: "m1", emoji: "+1" },
    });
    const poll = { action: "poll", channel: "slack", target: "C1", pollQuestion: "When?", pollOption: ["a", "b"] };
    await use({ ...poll, pollMulti: true });
    expect(sent[1]!.content).toMatchObject({ kind: "poll", question: "When?", options: ["a", "b"], maxSelections: 2 });
    const kicked = await use({ action: "kick", channel: "slack", target: "C1", userId: "U1" });
    expect(kicked.error).toBe("Message action kick not supported for channel slack.");
    expect((await use({ action: "fly", channel: "slack", target: "C1" })).error).toContain("Validation failed");
    expect((await use({ action: "send", channel: "slack", target: "C1" })).error).toBe("message required");
    expect((await use({ action: "send", channel: "nope", target: "1", message: "hi" })).error).toContain("nope");
    expect(sent).toHaveLength(2);
  });

  test("a dry run sends nothing", async () => {
    expect(await use({ action: "send", channel: "slack", target: "C1", message: "x", dryRun: true })).toEqual({
      ...{ channel: "slack", to: "C1", via: "direct", mediaUrl: null, dryRun: true },
    });
    expect(sent).toEqual([]);
  });

  test("broadcasts, with the outcome of each", async () => {
    const { results } = await use({ action: "broadcast", channel: "slack", targets: ["C1", "C2"], message: "all" });
    expect(results.map(({ to, ok }: { to: string; ok: boolean }) => [to, ok])).toEqual([
      ["C1", true],
      ["C2", true],
    ]);
    expect(sent.map(({ to }) => to)).toEqual(["C1", "C2"]);
  });

  test("120: a turn that is not its owner's answers where it was asked and nowhere else", async () => {
    const by = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const elsewhere = await use({ action: "send", channel: "slack", target: "C1", message: "x" }, { by });
    expect(elsewhere.error).toContain("Only its owner");
    const { sessionKey } = freshKey();
    await routed(sessionKey, "C8");
    await use({ action: "send", message: "answer" }, { by, sessionKey });
    expect(sent.map(({ to }) => to)).toEqual(["C8"]);
  });

  test("a conversation of one channel does not write to another unless it may", async () => {
    const sessionKey = "agent:main:slack:channel:c9";
    await routed(sessionKey, "c9");
    const across = await use({ action: "send", channel: "discord", target: "D1", message: "x" }, { sessionKey });
    expect(across.error).toContain("tools.message.crossContext");
    await use({ action: "send", channel: "slack", target: "c10", message: "x" }, { sessionKey });
    expect(sent.map(({ to }) => to)).toEqual(["c10"]);
  });

  test("credentials do not go out", async () => {
    const secret = "model-key-0123456789";
    await use({ action: "send", channel: "slack", target: "C1", message: `the key is ${secret}` });
    expect(JSON.stringify(sent)).not.toContain(secret);
  });
});

describe("conversations", () => {
  test("are those that channels have made known", async () => {
    expect(await useTool(gateway, "conversations_list", {})).toEqual({ conversations: [] });
    const conversationRef = `conv_${"a".repeat(32)}`;
    for (const name of ["conversations_send", "conversations_turn"]) {
      const { error } = await useTool(gateway, name, { conversationRef, message: "x" });
      expect(error).toBe(`Conversation not found: ${conversationRef} (use conversations_list)`);
    }
    expect((await useTool(gateway, "conversations_send", { conversationRef: "x", message: "x" })).error).toContain(
      "Validation",
    );
  });
});

test("none of them is offered before a channel is configured", async () => {
  const alone = await startToolGateway();
  for (const name of ["message", "conversations_list", "conversations_send"]) {
    expect((await useTool(alone, name, {})).error).toBe(`Tool ${name} not found`);
  }
  await alone.stop();
});
