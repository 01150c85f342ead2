import { expect, test } from "bun:test";
import { isSecretKey } from "./secret-keys.ts";

test.each([
  "token",
  "botToken",
  "verificationToken",
  "signingSecret",
  "OPENAI_API_KEY",
  "privateKey",
  "encryptKey",
  "serviceAccount",
  "Authorization",
  "x-api-key",
  "set-cookie",
])("%s names a secret", (key) => {
  expect(isSecretKey(key)).toBe(true);
});

test.each(["maxTokens", "inputTokens", "nextPageToken", "keyId", "tokenFile", "sessionKey", "author", "monkey"])(
  "%s names none",
  (key) => {
    expect(isSecretKey(key)).toBe(false);
  },
);
