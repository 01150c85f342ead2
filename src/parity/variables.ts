import { deviceIdentity } from "./device.ts";
import { pointer } from "./pointer.ts";

const REFERENCE = /\$\{([^}]+)\}/g;

/**
 * The names that cases save and use: `${name}` stands for a saved value, `${json:name}` for its JSON text.
 * Built in are `${token}`, `${iso:+ms}` and `${ms:+ms}` (now, moved), `${device:name}` (a device id) and
 * `${repeat:c:n}` (a character n times).
 */
export class Variables {
  private readonly saved = new Map<string, unknown>();

  constructor(private readonly token: string) {}

  /** Keeps the values under the pointers of a case's `save`. */
  save(wishes: Record<string, string> | undefined, payload: unknown): void {
    for (const [name, path] of Object.entries(wishes ?? {})) this.saved.set(name, pointer(payload, path));
  }

  /** A copy with every reference replaced. Names without a value stay as they are written. */
  fill<T>(value: T): T {
    return this.filled(value) as T;
  }

  private filled(value: unknown): unknown {
    if (typeof value === "string") return this.filledText(value);
    if (Array.isArray(value)) return value.map((item) => this.filled(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.filledText(key), this.filled(item)]));
  }

  private filledText(text: string): unknown {
    const [whole] = text.match(/^\$\{[^}]+\}$/) ?? [];
    if (whole !== undefined) return this.lookup(whole.slice(2, -1)) ?? text;
    return text.replace(REFERENCE, (written, name) => String(this.lookup(name) ?? written));
  }

  private lookup(name: string): unknown {
    const [kind, ...rest] = name.split(":");
    if (rest.length === 0) return name === "token" ? this.token : this.saved.get(name);
    switch (kind) {
      case "iso":
        return new Date(Date.now() + Number(rest[0])).toISOString();
      case "ms":
        return Date.now() + Number(rest[0]);
      case "device":
        return deviceIdentity(rest[0]!).id;
      case "repeat":
        return rest[0]!.repeat(Number(rest[1]));
      case "json":
        return this.saved.has(rest[0]!) ? JSON.stringify(this.saved.get(rest[0]!)) : undefined;
      default:
        return undefined;
    }
  }
}

/** Names of saved values that a part of a case refers to; those built in are left out. */
export function references(value: unknown): string[] {
  const found = [...(JSON.stringify(value) ?? "").matchAll(REFERENCE)].map(([, name]) => name!.replace(/^json:/, ""));
  return [...new Set(found)].filter((name) => name !== "token" && !name.includes(":"));
}
