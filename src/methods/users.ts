import type { UsersHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const users: UsersHandlers<CallContext> = {
  "users.list": (_params, { users }) => users.list(),
  "users.self": (_params, { users, caller }) => users.self(caller),
  "users.prefs.get": (params, { users, caller }) => users.preferences(params, caller),
  "users.prefs.set": (params, { users, caller }) => users.setPreferences(params, caller),
  "users.setDisplayName": (params, { users, caller }) => users.setDisplayName(params, caller),
  "users.setAvatar": (params, { users, caller }) => users.setAvatar(params, caller),
  "users.linkEmail": (params, { users }) => users.linkEmail(params),
  "users.setRole": (params, { users }) => users.setRole(params),
  "users.mentionable": (params, { mentions, caller }) => mentions.mentionable(params, caller),
  "mentions.list": (_params, { mentions, caller }) => mentions.list(caller),
  "mentions.dismiss": (params, { mentions, caller }) => mentions.dismiss(params, caller),
  "users.listModelAccounts": (_params, { users, caller }) => users.modelAccounts(caller),
  "users.listAuthLinks": ({ profileId }, { users, caller }) => users.authLinks(profileId, caller),
};
