type Labels = Readonly<Record<string, string>>;

/** A value taken when somebody asks: one number, or one per label set. */
type Reader = () => number | Iterable<[Labels, number]>;

interface Series {
  name: string;
  help: string;
  kind: "counter" | "gauge";
  read: Reader;
}

/**
 * The process's metrics in Prometheus text format. Each series is read when it is rendered, so counting costs the
 * domains no more than a number of their own. Names follow Prometheus' conventions: `chela_` prefix, `_total` for
 * counters, base units. Labels must come from closed sets (method names, codes), never from callers.
 */
export class Metrics {
  private readonly series = new Map<string, Series>();

  /** A value that goes up and down. */
  gauge(name: string, help: string, read: Reader): void {
    this.define({ name, help, kind: "gauge", read });
  }

  /** A count that only grows while the process lives. */
  total(name: string, help: string, read: Reader): void {
    this.define({ name, help, kind: "counter", read });
  }

  /** The exposition text, version 0.0.4. */
  render(): string {
    const lines: string[] = [];
    for (const { name, help, kind, read } of this.series.values()) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
      const value = read();
      if (typeof value === "number") lines.push(`${name} ${value}`);
      else for (const [labels, count] of value) lines.push(`${name}${renderLabels(labels)} ${count}`);
    }
    return `${lines.join("\n")}\n`;
  }

  private define(series: Series): void {
    if (this.series.has(series.name)) throw new Error(`metric ${series.name} is defined twice`);
    this.series.set(series.name, series);
  }
}

function renderLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return `{${parts.join(",")}}`;
}

const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** Adds what every process exports: resident memory, CPU time, uptime. Units are bytes and seconds. */
export function defineProcessMetrics(metrics: Metrics): void {
  metrics.gauge("process_resident_memory_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
  metrics.total("process_cpu_seconds_total", "User and system CPU time of the process.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge("process_uptime_seconds", "Time since the process started.", () => process.uptime());
}
