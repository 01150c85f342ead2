import { SecretScanner } from "./secrets.ts";

/** Takes secrets out of what a log holds: those it was told, those that look like one, and what the operator named. */
export class LogRedactor {
  private secrets: readonly string[] = [];
  private scanner = new SecretScanner({ values: () => this.secrets });

  /** The texts to hide wherever they occur, in any usual encoding. */
  setSecrets(secrets: Iterable<string>): void {
    this.secrets = [...secrets];
  }

  /**
   * Further patterns (`logging.redactPatterns`): plain, then in any case, or as `/pattern/flags`.
   * @returns those that are no regular expression
   */
  setPatterns(texts: readonly string[]): string[] {
    const bad: string[] = [];
    const patterns = texts.flatMap((text) => {
      const slashed = /^\/(.+)\/([a-z]*)$/s.exec(text);
      try {
        return [slashed ? new RegExp(slashed[1]!, slashed[2]) : new RegExp(text, "i")];
      } catch {
        bad.push(text);
        return [];
      }
    });
    this.scanner = new SecretScanner({ values: () => this.secrets, patterns });
    return bad;
  }

  /** The text with every secret masked. */
  text(text: string): string {
    return this.scanner.redact(text);
  }
}
