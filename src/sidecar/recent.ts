/** Keys that were seen lately; beyond the bound the oldest is forgotten. */
export class Recent {
  private readonly keys = new Set<string>();

  constructor(private readonly max: number) {}

  has(key: string): boolean {
    return this.keys.has(key);
  }

  /** Notes a key as the newest. Returns the one that had to go for it. */
  add(key: string): string | undefined {
    this.keys.delete(key);
    this.keys.add(key);
    if (this.keys.size <= this.max) return undefined;
    const [oldest] = this.keys;
    this.keys.delete(oldest!);
    return oldest;
  }

  delete(key: string): void {
    this.keys.delete(key);
  }

  clear(): void {
    this.keys.clear();
  }
}
