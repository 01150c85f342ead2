/** Keys whose value is a secret whatever it looks like. */
const SECRET_KEY =
  /(^|[_\-.])(authorization|cookie|bearer)$|(password|passwd|passphrase|secret|credential|(api|private|access|encrypt(ion)?|signing|auth)[_-]?key|service[_-]?account|auth[_-]?tag)s?$|(^|[a-z_-])token$|^(jwt|pin|pwd|cvc|cvv|card_?number)$/i;
/** Counters and cursors that are named like secrets. */
const INNOCENT_KEY =
  /^(max|min|total|prompt|completion|input|output|cached?|context|next_?page|page|cancel|sync)[_-]?token$/i;

/** True for a key, header or variable whose value is hidden in what people read: `botToken`, `OPENAI_API_KEY`. */
export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key) && !INNOCENT_KEY.test(key);
