/** A part of a long text and where it starts. */
export interface Piece {
  text: string;
  offset: number;
}

/**
 * Cuts a text into pieces of `size` characters, so that others get their turn between them. Each begins `overlap`
 * characters before the end of the one before: a phrase over the cut is whole in one of the two.
 */
export function* pieces(text: string, size: number, overlap: number): Iterable<Piece> {
  for (let offset = 0; ; offset += size - overlap) {
    yield { text: text.slice(offset, offset + size), offset };
    if (offset + size >= text.length) return;
  }
}
