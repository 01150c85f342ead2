import { GatewayRequestError } from "../client/errors.ts";
import { IdentityError } from "../client/identity.ts";
import { createLog } from "../logs/create.ts";
import { isLogLevel } from "../platform/log-record.ts";
import type { Outcome } from "../sidecar/answer-repository.ts";
import { openSidecar } from "../sidecar/create.ts";
import type { Notice, NoticeOf } from "../sidecar/notice.ts";
import { EXIT, type Invocation } from "./command.ts";
import { findingLine } from "./defend-words.ts";
import { CliFailure } from "./failure.ts";
import { type Io, writeJsonLine } from "./io.ts";
import { givenSecret } from "./secret-file.ts";
import { Signals } from "./signals.ts";
import { checkedUrl, loadConfig, secretOf } from "./target.ts";
import { printable } from "./text.ts";

/** Watches over another gateway until a signal ends it, or going on is hopeless. */
export async function run({ args, options, io, env, program }: Invocation): Promise<number> {
  const url = checkedUrl(args[0]!, env);
  const secret = secretOf(givenSecret(options, "token"), givenSecret(options, "password"));
  const config = await loadConfig(env);
  if (!config.current.security.defender.enabled) {
    throw new CliFailure(
      "The defender is switched off here (security.defender.enabled), so it would allow everything.",
      {
        exitCode: EXIT.config,
      },
    );
  }
  const level = options.text("log-level");
  const log = createLog({ config, console: null, ...(isLogLevel(level) && { level }) });
  const isJson = options.flag("json");
  const tell = (notice: Notice): void => {
    if (isJson) writeJsonLine(io, { at: new Date().toISOString(), ...notice });
    else print(io, notice, program);
  };
  const signals = new Signals();
  try {
    const open = opened({ config, url, secret, auditOnly: options.flag("audit-only"), tell, log });
    open.sidecar.start();
    try {
      await Promise.race([signals.next(false), open.sidecar.failed]);
    } finally {
      await open.stop();
    }
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof GatewayRequestError)) throw error;
    throw new CliFailure(`The gateway refuses the sidecar: ${error.message}`, { hints: hintsFor(error) });
  } finally {
    signals.close();
    await log.close();
  }
}

function opened(options: Parameters<typeof openSidecar>[0]): ReturnType<typeof openSidecar> {
  try {
    return openSidecar(options);
  } catch (error) {
    throw error instanceof IdentityError ? new CliFailure(error.message) : error;
  }
}

const hintsFor = ({ detailCode }: GatewayRequestError): string[] =>
  detailCode?.startsWith("AUTH_")
    ? ["Pass the gateway's --token or --password; a file keeps it off the command line."]
    : [];

const WORDS: Readonly<Record<Outcome, string>> = {
  allowed: "allowed",
  denied: "denied",
  left: "left to people",
  watched: "only watched",
  elsewhere: "answered by somebody else",
  gone: "no longer asked for",
  failed: "not answered",
};

/** Says a notice to a person: the answer to stdout, what is about it to stderr. */
function print(io: Io, notice: Notice, program: string): void {
  const { out, err } = wordsFor(notice, program);
  for (const line of out ?? []) io.out(line);
  for (const line of err ?? []) io.err(line);
}

function wordsFor(notice: Notice, program: string): { out?: string[]; err?: string[] } {
  switch (notice.event) {
    case "attached": {
      const { url, version, protocol } = notice;
      return { out: [`Attached to ${url} (version ${printable(version)}, wire version ${protocol}).`] };
    }
    case "detached": {
      const { reason, retryInMs } = notice;
      return { err: [`${printable(reason)}${retryInMs === null ? "" : ` (again in ${retryInMs} ms)`}`] };
    }
    case "pairing-required":
      return { err: pairingWords(notice) };
    case "approval":
      return { out: approvalWords(notice, program) };
    case "text": {
      const { sessionKey, direction, origin, verdict, score } = notice;
      const head = `seen: ${direction} text from ${origin} in ${printable(sessionKey)} (${verdict}, ${score} of 100)`;
      return { out: [head, ...findingWords(notice, program)] };
    }
    case "trouble":
      return { err: [printable(notice.message)] };
    case "stopped": {
      const counts = Object.entries(notice.approvals).map(
        ([outcome, count]) => `${count} ${WORDS[outcome as Outcome]}`,
      );
      return { out: [`Stopped. Approvals: ${counts.join(", ") || "none"}. Texts looked at: ${notice.texts}.`] };
    }
  }
}

function approvalWords(notice: NoticeOf<"approval">, program: string): string[] {
  const { kind, id, about, verdict, outcome, score, findings, sessionKey } = notice;
  const isPlain = verdict === "allow" && findings.length === 0;
  return [
    `${WORDS[outcome]}: ${printable(about)}${isPlain ? "" : ` (${verdict}, ${score} of 100)`}`,
    `     ${kind} approval ${printable(id)}${sessionKey ? `, session ${printable(sessionKey)}` : ""}`,
    ...findingWords(notice, program),
  ];
}

function findingWords({ findings, decisionId }: NoticeOf<"approval" | "text">, program: string): string[] {
  const lines = findings.map(findingLine);
  return decisionId === undefined ? lines : [...lines, `     ${program} defend explain ${decisionId}`];
}

function pairingWords({ deviceId, requestId }: NoticeOf<"pairing-required">): string[] {
  const id = requestId !== undefined && /^[\w-]+$/.test(requestId) ? requestId : "<request>";
  return [
    "The gateway does not know this device yet. Approve it there; it is let in within half a minute then:",
    `  openclaw devices approve ${id}`,
    `The device is ${deviceId}. It asks for operator.admin, without which a gateway shows it no approvals.`,
  ];
}
