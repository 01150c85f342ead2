import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { TestClient, TestGateway } from "../gateway/testing.ts";
import { selfOf, startPeopleGateway } from "./testing.ts";

const PICTURE = Buffer.from("a picture");
const png = (profileId: string) => ({ profileId, mime: "image/png", avatarBase64: PICTURE.toString("base64") });

let gateway: TestGateway;
let as: (name: string) => Promise<TestClient>;
let admin: TestClient;
beforeAll(async () => {
  ({ gateway, as } = await startPeopleGateway());
  admin = await as("admin@x.org");
});
afterAll(() => gateway.stop());

test("a person is one in whatever case the proxy writes the name, called by its first part", async () => {
  const profile = await selfOf(await as("ann@x.org"));
  expect(profile).toMatchObject({ displayName: "ann", emails: ["ann@x.org"], mergedInto: null });
  expect((await selfOf(await as("ANN@x.org"))).id).toBe(profile.id);
});

test("a picture is its owner's to set, or an administrator's, and known again by what is in it", async () => {
  const ann = await as("ann@x.org");
  const { id } = await selfOf(ann);
  const set = await ann.call("users.setAvatar", png(id));
  const sha256 = createHash("sha256").update(PICTURE).digest("hex");
  expect(set).toMatchObject({
    profile: { id, hasAvatar: true, avatarMime: "image/png" },
    avatarRevision: `${sha256}-png`,
  });
  const bob = await as("bob@x.org");
  for (const profileId of [id, "nope"]) {
    expect((await bob.request("users.setAvatar", png(profileId))).error).toEqual({
      code: "FORBIDDEN",
      message: "profile edits require the owning user or operator.admin",
    });
  }
  expect((await admin.request("users.setAvatar", png("nope"))).error.message).toBe("user profile not found: nope");
  for (const avatarBase64 of ["aGVsbG8", "aGVs bG8=", "-_-_", "====", "###"]) {
    const { error } = await ann.request("users.setAvatar", { ...png(id), avatarBase64 });
    expect(error.message).toBe("avatarBase64 must be base64");
  }
  expect((await admin.call("users.setAvatar", { ...png(id), mime: "image/webp" })).profile.avatarMime).toBe(
    "image/webp",
  );
});

test("names of one person are linked by an administrator, and a profile that has one is merged", async () => {
  const [ann, cat] = [await as("ann@x.org"), await as("cat@x.org")];
  const [kept, merged] = [await selfOf(ann), await selfOf(cat)];
  await ann.call("users.prefs.set", { entries: { theme: "light", a: 1 } });
  await cat.call("users.prefs.set", { entries: { theme: "dark", c: 2 } });
  expect((await ann.request("users.linkEmail", { email: "x@x.org", targetProfileId: kept.id })).error.code).toBe(
    "FORBIDDEN",
  );
  const link = (email: string, targetProfileId: string) => admin.request("users.linkEmail", { email, targetProfileId });
  expect((await link(" Ann2@X.org ", kept.id)).payload.profile.emails).toEqual(["ann2@x.org", "ann@x.org"]);
  const after = (await link("CAT@x.org", kept.id)).payload.profile;
  expect(after).toMatchObject({ id: kept.id, displayName: "ann", emails: ["ann2@x.org", "ann@x.org", "cat@x.org"] });
  expect(await selfOf(cat)).toEqual(after);
  expect((await cat.call("users.prefs.get")).entries).toEqual({ a: 1, c: 2, theme: "light" });
  const { profiles } = await admin.call("users.list");
  expect(profiles.find(({ id }: { id: string }) => id === merged.id)).toMatchObject({
    mergedInto: kept.id,
    emails: [],
  });
  // Who still has the old id means the person.
  const renamed = await admin.call("users.setDisplayName", { profileId: merged.id, displayName: "Ann" });
  expect(renamed.profile).toMatchObject({ id: kept.id, displayName: "Ann" });
  const heard = cat.event("users.prefs.changed", () => true, cat.frames.length);
  await ann.call("users.prefs.set", { entries: { a: 2 } });
  expect((await heard).payload).toEqual({ profileId: kept.id, keys: ["a"] });
  expect((await link("  ", "nope")).error.message).toBe("email must not be empty");
  expect((await link("y@x.org", "nope")).error.message).toBe("user profile not found: nope");
});

test("a role can be taken away, and none can be given as none is defined", async () => {
  const { id } = await selfOf(await as("bob@x.org"));
  const role = (profileId: string, name: string | null) => admin.request("users.setRole", { profileId, role: name });
  expect((await role(id, null)).payload.profile).toMatchObject({ id });
  expect((await role("nope", null)).error.message).toBe("user profile not found: nope");
  expect((await role("nope", "king")).error.message).toBe(
    'unknown operator role "king"; define it under gateway.roles.definitions before assigning it',
  );
});
