export interface GateStep {
  name: string;
  outcome: "passed" | "failed" | "skipped";
  durationMs: number;
  /** Why it failed or was skipped. */
  reason?: string;
}

/** What a gate run has found, as `metrics.json` holds it. */
export interface GateReport {
  gate: string;
  summary: string;
  /** True when there was something to do and nothing failed. */
  ok: boolean;
  /** ISO 8601. */
  startedAt: string;
  durationMs: number;
  steps: GateStep[];
  metrics: Record<string, { value: number; unit: string }>;
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** A table of steps: name, outcome, milliseconds; tab separated with a head line. */
export function renderDurations({ steps, durationMs }: GateReport): string {
  const rows = steps.map((step) => [oneLine(step.name), step.outcome, step.durationMs.toFixed(1)]);
  return `${[["step", "outcome", "ms"], ...rows, ["total", "", durationMs.toFixed(1)]].map((row) => row.join("\t")).join("\n")}\n`;
}

export function renderMetrics(report: GateReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

const cell = (text: string): string => oneLine(text).replaceAll("|", "\\|");

/** The run as Markdown for people: the verdict, the steps, the metrics. */
export function renderSummary({ gate, summary, ok, startedAt, durationMs, steps, metrics }: GateReport): string {
  const count = (outcome: GateStep["outcome"]) => steps.filter((step) => step.outcome === outcome).length;
  const lines = [
    `# Gate ${gate}: ${ok ? "passed" : "FAILED"}`,
    "",
    summary,
    "",
    `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped in ${seconds(durationMs)}, started ${startedAt}.`,
    "",
    "| Step | Outcome | Time | |",
    "|---|---|---|---|",
    ...steps.map((step) => {
      const reason = cell(step.reason ?? "").slice(0, 300);
      return `| ${cell(step.name)} | ${step.outcome} | ${seconds(step.durationMs)} | ${reason} |`;
    }),
  ];
  const measured = Object.entries(metrics);
  if (measured.length > 0) {
    lines.push("", "| Metric | Value | Unit |", "|---|---|---|");
    for (const [name, { value, unit }] of measured) lines.push(`| ${cell(name)} | ${value} | ${cell(unit)} |`);
  }
  return `${lines.join("\n")}\n`;
}
