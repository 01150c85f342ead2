import type { DefenderHostAcceptParams, DefenderHostStatusResult } from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { HostGuard } from "./host-guard.ts";

/** What people ask of the guard of files, and tell it. */
export class HostDesk {
  constructor(private readonly guard: HostGuard) {}

  async status(): Promise<DefenderHostStatusResult> {
    const { guard } = this;
    const [worst] = await guard.risk();
    return {
      enabled: guard.isEnabled,
      paths: await guard.watched(),
      findings: await guard.reports(),
      risk: worst?.score ?? 0,
    };
  }

  /** Looks at everything now. */
  async check(): Promise<DefenderHostStatusResult> {
    await this.guard.check();
    return this.status();
  }

  /** Takes paths as they are now for right. @throws GatewayError unless guarded paths or all of them are meant */
  async accept({ paths, all }: DefenderHostAcceptParams, by: string): Promise<DefenderHostStatusResult> {
    if ((paths === undefined) === (all === undefined)) throw invalidRequest("either paths or all is needed");
    const known = new Set((await this.guard.watched()).map(({ path }) => path));
    const stranger = paths?.find((path) => !known.has(path));
    if (stranger !== undefined) throw invalidRequest("there is no such guarded path", { code: "NOT_FOUND" });
    await this.guard.accept(paths ?? "all", by);
    return this.status();
  }
}
