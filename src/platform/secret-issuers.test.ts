import { expect, test } from "bun:test";
import { ISSUER_FORMS } from "./secret-issuers.ts";
import { SecretScanner } from "./secrets.ts";

/** Made up, and put together here so that scanners of repositories pass over them. */
const from = (letters: string) => (length: number) =>
  Array.from({ length }, (_, at) => letters[(at * 7 + 3) % letters.length]).join("");
const hex = from("0123456789abcdef");
const any = from("aB3dE5fG7hJ9kLmN0pQrS2tU4vWxYz");
const low = from("a3b5c7d9efgh1jk2mn4pq6rs8tuvwxyz");
const big = from("A3B5C7D9EFGH1JK2MN4PQ6RS8TUVWXYZ");

const SAMPLES: Readonly<Record<string, string>> = {
  "1password-token": `ops_eyJ${any(260)}`,
  "adafruit-key": `aio_${any(28)}`,
  "adobe-secret": `p8e-${any(32)}`,
  "airtable-token": `pat${any(14)}.${hex(64)}`,
  "alibaba-key": `LTAI${any(20)}`,
  "apify-token": `apify_api_${any(36)}`,
  "artifactory-key": `AKCp${any(69)}`,
  "aws-bedrock-key": `ABSK${any(120)}`,
  "azure-client-secret": `aB38Q~${any(34)}`,
  "brevo-key": `xkeysib-${hex(64)}-${any(16)}`,
  "buildkite-token": `bkua_${hex(40)}`,
  "cerebras-key": `csk-${low(48)}`,
  "circleci-token": `CCIPAT_${any(22)}_${hex(40)}`,
  "clojars-token": `CLOJARS_${any(60)}`,
  "cloudflare-ca-key": `v1.0-${hex(24)}-${hex(146)}`,
  "contentful-token": `CFPAT-${any(43)}`,
  "doppler-token": `dp.pt.${any(43)}`,
  "dropbox-token": `sl.${any(140)}`,
  "duffel-token": `duffel_live_${any(43)}`,
  "dynatrace-token": `dt0c01.${big(24)}.${big(64)}`,
  "easypost-key": `EZAK${any(54)}`,
  "facebook-token": `EAAC${any(120)}`,
  "figma-token": `figd_${any(43)}`,
  "flyio-token": `fo1_${any(43)}`,
  "frameio-token": `fio-u-${any(64)}`,
  "heroku-key": `HRKU-AA${any(58)}`,
  "hubspot-token": `pat-na1-${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`,
  "infracost-key": `ico-${any(32)}`,
  "langsmith-key": `lsv2_pt_${hex(32)}_${hex(10)}`,
  "mailchimp-key": `${hex(32)}-us12`,
  "mailgun-key": `key-${hex(32)}`,
  "mapbox-secret": `sk.eyJ${any(60)}.${any(22)}`,
  "netlify-token": `nfp_${any(36)}`,
  "newrelic-key": `NRAK-${big(27)}`,
  "octopus-key": `API-${big(26)}`,
  "openshift-token": `sha256~${any(43)}`,
  "planetscale-token": `pscale_tkn_${any(43)}`,
  "posthog-key": `phx_${any(43)}`,
  "postman-key": `PMAK-${hex(24)}-${hex(34)}`,
  "prefect-key": `pnu_${any(36)}`,
  "pulumi-token": `pul-${hex(40)}`,
  "readme-key": `rdme_${low(70)}`,
  "resend-key": `re_${any(8)}_${any(24)}`,
  "rubygems-key": `rubygems_${hex(48)}`,
  "scalingo-token": `tk-us-${any(48)}`,
  "sentry-token": `sntryu_${hex(64)}`,
  "shippo-token": `shippo_live_${hex(40)}`,
  "sonar-token": `squ_${hex(40)}`,
  "sourcegraph-token": `sgp_${hex(40)}`,
  "square-token": `sq0csp-${any(43)}`,
  "supabase-token": `sbp_${hex(40)}`,
  "terraform-token": `${any(14)}.atlasv1.${any(66)}`,
  "typeform-token": `tfp_${any(59)}`,
  "yandex-key": `AQVN${any(36)}`,
};

test("every form has a sample here", () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(ISSUER_FORMS.map(([id]) => id).sort());
});

test.each(Object.entries(SAMPLES))("%s is taken out, also of prose", (id, secret) => {
  const scanner = new SecretScanner({ strict: true });
  expect(scanner.redact(`it is ${secret}, keep it`)).toBe(`it is [redacted:${id}], keep it`);
});

test.each([
  "sha256~ is a prefix, and key-value pairs are pairs",
  "API-REFERENCE and API-KEYS of the pattern library",
  "see https://example.org/patterns/re_use_and_re_cycle",
  `commit ${hex(40)} and digest ${hex(64)}`,
  "pat-na1 is a region; v1.0-rc1 is a release; sl.js is a file",
  "squ_are and tfp_note and rubygems_version",
])("%s is left alone", (text) => {
  expect(new SecretScanner({ strict: true }).redact(text)).toBe(text);
});
