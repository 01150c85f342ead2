/** A `fetch` that lays these fields over the JSON body of every request. */
export function withBody(send: typeof fetch, extra: Record<string, unknown> | undefined): typeof fetch {
  if (extra === undefined) return send;
  return ((input, init) => {
    if (typeof init?.body !== "string") return send(input, init);
    const body = { ...(JSON.parse(init.body) as Record<string, unknown>), ...extra };
    return send(input, { ...init, body: JSON.stringify(body) });
  }) as typeof fetch;
}
