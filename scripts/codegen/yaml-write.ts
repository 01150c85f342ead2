import { type Document, isMap, isPair, isScalar, isSeq, parseDocument, Document as YamlDocument } from "yaml";

/** A map or list that fits in this many characters is written on one line. */
const FLOW_CHARS = 88;

function useFlowWhereShort(node: unknown): void {
  if (isPair(node)) {
    useFlowWhereShort(node.value);
    return;
  }
  if (!isMap(node) && !isSeq(node)) return;
  if (JSON.stringify(node.toJSON()).length <= FLOW_CHARS) {
    node.flow = true;
    return;
  }
  for (const item of node.items) useFlowWhereShort(item);
}

/**
 * YAML text of a map of entries. Where `previous` (the text that the file holds now) has an entry with the same value,
 * its node is kept as it stands, so comments and layout survive and a diff shows only what really changed.
 */
export function writeEntries(header: string, entries: Record<string, unknown>, previous?: string): string {
  const old: Document | undefined = previous === undefined ? undefined : parseDocument(previous);
  const oldPairs = new Map<string, { value: unknown; pair: unknown }>();
  if (old && isMap(old.contents)) {
    for (const pair of old.contents.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const value = isMap(pair.value) || isSeq(pair.value) || isScalar(pair.value) ? pair.value.toJSON() : pair.value;
      oldPairs.set(key, { value, pair });
    }
  }
  const doc = new YamlDocument({});
  const contents = doc.contents as unknown as { items: unknown[] };
  for (const [key, value] of Object.entries(entries)) {
    const kept = oldPairs.get(key);
    if (kept && JSON.stringify(kept.value) === JSON.stringify(value)) {
      contents.items.push(kept.pair);
      continue;
    }
    const pair = doc.createPair(key, value);
    useFlowWhereShort(pair.value);
    contents.items.push(pair);
  }
  doc.commentBefore = header
    .split("\n")
    .map((line) => ` ${line}`)
    .join("\n");
  return doc.toString({ lineWidth: 120, flowCollectionPadding: true });
}
