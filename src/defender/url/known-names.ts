/** Names of well-known sites, without what follows the last dot, that others like to pass for. Five letters and more. */
export const KNOWN_NAMES: ReadonlySet<string> = new Set(
  `adobe airbnb alibaba aliexpress amazon americanexpress anthropic apple atlassian bankofamerica binance bitbucket
  blockchain booking capitalone chase clawhub cloudflare coinbase discord docker dropbox facebook fedex github gitlab
  gmail google googleapis hotmail huggingface icloud instagram kraken letsencrypt linkedin mastercard metamask
  microsoft microsoftonline mozilla netflix nodejs npmjs nvidia office365 openai openclaw oracle outlook paypal
  postgresql pypi python reddit revolut roblox salesforce shopify signal slack spotify stackoverflow steamcommunity
  steampowered stripe telegram tencent tiktok trezor twitch twitter ubuntu vercel walmart wellsfargo whatsapp wikipedia
  youtube`.split(/\s+/),
);

/** Words that stand beside a known name on pages that ask for what should not be told. */
export const LURES: ReadonlySet<string> = new Set(
  `account accounts alert auth authenticate billing confirm helpdesk invoice login logon password recover recovery
  reset secure security signin sso support suspended unlock update verification verify wallet webscr`.split(/\s+/),
);
