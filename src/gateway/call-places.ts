/**
 * The places of calls whose bodies come in and are judged. Those of callers who have proved nothing yet are few, all
 * together and of one network: whoever knows no secret cannot take the places of those who do by sending bodies slowly
 * (KNOWN_ATTACKS 103).
 */
export class CallPlaces {
  private taken = 0;
  private strangers = 0;
  private readonly byNetwork = new Map<string, number>();

  constructor(private readonly max: number) {}

  /**
   * @param stranger the network of a caller who has proved nothing; undefined for one who has
   * @returns what gives the place back, which may be called again; null when there is none
   */
  take(stranger: string | undefined): (() => void) | null {
    if (this.taken >= this.max) return null;
    const ofNetwork = stranger === undefined ? 0 : (this.byNetwork.get(stranger) ?? 0);
    if (stranger !== undefined) {
      if (this.strangers >= this.max / 2 || ofNetwork >= this.max / 8) return null;
      this.strangers++;
      this.byNetwork.set(stranger, ofNetwork + 1);
    }
    this.taken++;
    let holds = true;
    return () => {
      if (!holds) return;
      holds = false;
      this.taken--;
      if (stranger !== undefined) this.leave(stranger);
    };
  }

  private leave(network: string): void {
    this.strangers--;
    const others = this.byNetwork.get(network)! - 1;
    if (others > 0) this.byNetwork.set(network, others);
    else this.byNetwork.delete(network);
  }
}
