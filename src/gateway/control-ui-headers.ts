/** Where the page's own code may connect: upstream's page also asks for themes and speaks to a voice service itself. */
const CONNECT = "'self' ws: wss: data: https://api.openai.com https://tweakcn.com";
/** Programs on the reader's machine that a page may offer to open files with; only the page itself, not its files. */
const LOCAL = "http://127.0.0.1:* https://127.0.0.1:*";

/**
 * Headers of every answer to a page: never in a frame, never sniffed, no script but its own.
 * @param scripts sources of the inline scripts of an HTML page; undefined for everything else
 */
export function pageHeaders(scripts?: readonly string[]): Record<string, string> {
  const script = scripts === undefined ? ["'self'"] : ["'self'", ...scripts, "'wasm-unsafe-eval'"];
  const policy = [
    "default-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "frame-src 'self' http: https:",
    `script-src ${script.join(" ")}`,
    "style-src 'self' 'unsafe-inline' https://fonts.googleapis.com",
    "img-src 'self' data: blob: https:",
    "media-src 'self' data: blob:",
    "font-src 'self' https://fonts.gstatic.com",
    "worker-src 'self'",
    `connect-src ${scripts === undefined ? CONNECT : `${CONNECT} ${LOCAL}`}`,
  ];
  return {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=*, geolocation=*, clipboard-write=*",
    "Content-Security-Policy": policy.join("; "),
  };
}
