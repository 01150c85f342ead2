/**
 * Counters that tell a client which state a snapshot or event belongs to. They start at 1 with the process
 * and grow with every change, so a client that has seen a number can tell older news from newer.
 */
export class StateVersions {
  presence = 1;
  health = 1;

  snapshot(): { presence: number; health: number } {
    return { presence: this.presence, health: this.health };
  }
}
