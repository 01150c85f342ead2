/** A call of a hook that is not carried out: the HTTP status and what its sender is told. */
export class HookRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "HookRefusal";
  }
}
