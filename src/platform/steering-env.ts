/**
 * Variables that steer the loader, a shell, a language runtime or a tool into running something else than it was told,
 * or that are another program's identity. Neither a file nor a request may set them (KNOWN_ATTACKS 45, 82). Compared
 * without regard to case: some systems look them up so.
 */
const STEERING = new RegExp(
  `^(${[
    "PATH|HOME|SHELL|IFS|ENV|PS[0-4]|CDPATH|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|BASH_.*|ZDOTDIR|FPATH",
    "LD_.*|DYLD_.*|GLIBC_TUNABLES|GCONV_PATH|MALLOC_.*|LOCPATH|NLSPATH",
    "NODE_.*|NPM_.*|BUN_.*|DENO_.*|YARN_.*|PNPM_.*|PYTHON.*|PERL5?.*|RUBY.*|GEM_.*|BUNDLE_.*|LUA_.*|PHPRC|PHP_INI_.*",
    "CLASSPATH|JAVA_.*|_JAVA_.*|JDK_.*|MAVEN_.*|GRADLE_.*|ANT_.*|DOTNET_.*|COMPLUS_.*|CORECLR_.*|ERL_.*|R_.*",
    "GIT_.*|SSH_ASKPASS|SUDO_ASKPASS|HGRCPATH|MAKEFLAGS|GNUMAKEFLAGS|MFLAGS|RUSTC_.*|RUSTFLAGS|CARGO_.*|GOFLAGS",
    "EDITOR|VISUAL|PAGER|MANPAGER|LESSOPEN|LESSCLOSE|BROWSER|AWKPATH|AWKLIBPATH",
    "SSL_CERT_.*|OPENSSL_.*|CURL_HOME|WGETRC|RIPGREP_CONFIG_PATH",
    "CHELA_.*",
  ].join("|")})$`,
  "i",
);

/** Of these, what whoever started the gateway may have set for it and what its children may keep. */
const FROM_OPERATOR =
  /^(PATH|HOME|SHELL|EDITOR|VISUAL|PAGER|MANPAGER|JAVA_HOME|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL)|CARGO_HOME|MAVEN_HOME|GRADLE_(USER_)?HOME|DOTNET_ROOT)$/;

/** The gateway's own credentials: no child needs them. */
const OWN_CREDENTIALS = /^(OPENCLAW|CHELA|CLAWDBOT)_.*(TOKEN|PASSWORD|SECRET|KEY)/i;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** True for a variable that makes programs do something else than they were told. */
export const steersPrograms = (name: string): boolean => STEERING.test(name);

/** True for a name that a file or a request may set. One with a space or in another script is none. */
export const isPlainVariable = (name: string): boolean => NAME.test(name) && !steersPrograms(name);

/** The gateway's own environment as a child may have it: without what steers programs and without its credentials. */
export function inheritable(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || OWN_CREDENTIALS.test(name)) continue;
    if (!steersPrograms(name) || FROM_OPERATOR.test(name)) kept[name] = value;
  }
  return kept;
}
