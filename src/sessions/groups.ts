import type { Database } from "bun:sqlite";
import type {
  SessionsGroupsDefaultsResult,
  SessionsGroupsDeleteParams,
  SessionsGroupsListResult,
  SessionsGroupsMutationResult,
  SessionsGroupsPutParams,
  SessionsGroupsRenameParams,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import type { SessionEntry } from "./entry.ts";
import { findSession, putSession } from "./session-columns.ts";
import type { Sessions } from "./sessions.ts";

/**
 * The groups that sessions are sorted into: their names in order, and the order of the sections of a session list. Which
 * sessions are in a group is told by `category` in their records; naming a group there makes it. The sections are
 * `work`, `ungrouped`, and `category:<name>` for each group (measured on 2026.9.6).
 */
interface Catalogue {
  names: string[];
  sections: string[];
}

const FIXED_SECTIONS = new Set(["work", "ungrouped"]);
const sectionOf = (name: string): string => `category:${name}`;

/** Reads and writes the groups. Every call is one transaction. */
export class GroupRepository {
  constructor(private readonly store: Store) {}

  list(): Promise<Catalogue> {
    return this.store.read(read);
  }

  /** Writes what `change` makes of the groups, and returns them with what else it found. `change` must not wait. */
  update<T>(change: (groups: Catalogue, db: Database) => Catalogue & T): Promise<Catalogue & T> {
    return this.store.write((db) => {
      const next = change(read(db), db);
      write(db, next);
      return { ...next, ...read(db) };
    });
  }
}

/** `sessions.groups.list` */
export async function listGroups(sessions: Sessions): Promise<SessionsGroupsListResult> {
  return shown(await sessions.groups.list());
}

/** `sessions.groups.defaults`: what new sessions of each group begin with; nothing can be set yet, so only the names. */
export async function groupDefaults(sessions: Sessions): Promise<SessionsGroupsDefaultsResult> {
  const { names } = await sessions.groups.list();
  return { defaults: names.map((name) => ({ name })) };
}

/**
 * `sessions.groups.put`: these groups in this order, and the order of sections if it is given.
 * @throws GatewayError when a group with sessions would be dropped
 */
export async function putGroups(
  sessions: Sessions,
  { names, sectionOrder }: SessionsGroupsPutParams,
): Promise<SessionsGroupsMutationResult> {
  const wanted = unique(names.map((name) => name.trim()).filter((name) => name !== ""));
  const groups = await sessions.groups.update((known, db) => {
    const dropped = known.names.filter((name) => !wanted.includes(name));
    refuseMembers(dropped.map((name) => ({ name, count: countMembers(db, name) })));
    return { names: wanted, sections: sectionOrder ?? known.sections };
  });
  sessions.regrouped();
  return { ok: true, ...shown(groups) };
}

/**
 * `sessions.groups.rename`: its sessions go along; a group that has the new name already takes them in.
 * @throws GatewayError when there is no such group
 */
export async function renameGroup(
  sessions: Sessions,
  params: SessionsGroupsRenameParams,
): Promise<SessionsGroupsMutationResult> {
  const [name, to] = [params.name.trim(), params.to.trim()];
  if (to === "") throw invalidRequest("group rename requires non-empty names");
  const groups = await sessions.groups.update(({ names, sections }, db) => {
    if (!names.includes(name)) throw invalidRequest(`unknown session group: ${name}`);
    if (name === to) return { names, sections, updatedSessions: 0 };
    const rename = (list: string[], from: string, into: string) =>
      unique(
        list.includes(into) ? list.filter((each) => each !== from) : list.map((each) => (each === from ? into : each)),
      );
    return {
      names: rename(names, name, to),
      sections: rename(sections, sectionOf(name), sectionOf(to)),
      updatedSessions: moveMembers(db, name, to),
    };
  });
  sessions.regrouped();
  return { ok: true, ...shown(groups), updatedSessions: groups.updatedSessions };
}

/** `sessions.groups.delete`: its sessions stay, in no group. One that is not there is no error. */
export async function deleteGroup(
  sessions: Sessions,
  params: SessionsGroupsDeleteParams,
): Promise<SessionsGroupsMutationResult> {
  const name = params.name.trim();
  const groups = await sessions.groups.update(({ names, sections }, db) => ({
    names: names.filter((each) => each !== name),
    sections: sections.filter((each) => each !== sectionOf(name)),
    updatedSessions: moveMembers(db, name, undefined),
  }));
  sessions.regrouped();
  return { ok: true, ...shown(groups), updatedSessions: groups.updatedSessions };
}

function read(db: Database): Catalogue {
  const names = db.query<{ name: string }, []>("SELECT name FROM session_groups ORDER BY position, name").all();
  const sections = db.query<{ id: string }, []>("SELECT id FROM session_sections ORDER BY position").all();
  return { names: names.map(({ name }) => name), sections: sections.map(({ id }) => id) };
}

function write(db: Database, { names, sections }: Catalogue): void {
  const known = new Set([...FIXED_SECTIONS, ...names.map(sectionOf)]);
  db.query("DELETE FROM session_groups").run();
  db.query("DELETE FROM session_sections").run();
  const addGroup = db.query("INSERT INTO session_groups (name, position) VALUES (?, ?)");
  const addSection = db.query("INSERT INTO session_sections (id, position) VALUES (?, ?)");
  for (const [position, name] of names.entries()) addGroup.run(name, position);
  for (const [position, id] of unique(sections.filter((each) => known.has(each))).entries())
    addSection.run(id, position);
}

const MEMBERS = "FROM sessions WHERE entry ->> '$.category' = ?";

const countMembers = (db: Database, name: string): number =>
  db.query<{ n: number }, [string]>(`SELECT count(*) AS n ${MEMBERS}`).get(name)!.n;

/** Puts the group's sessions into another one, or none. Returns how many. */
function moveMembers(db: Database, name: string, to: string | undefined): number {
  const members = db.query<{ key: string }, [string]>(`SELECT key ${MEMBERS}`).all(name);
  for (const { key } of members) {
    const session = findSession(db, key)!;
    const { category: _left, ...entry } = session.entry;
    putSession(db, {
      ...session,
      entry: to === undefined ? entry : ({ ...entry, category: to } satisfies SessionEntry),
    });
  }
  return members.length;
}

function refuseMembers(dropped: readonly { name: string; count: number }[]): void {
  const used = dropped.filter(({ count }) => count > 0).map(({ name, count }) => `"${name}" (${count})`);
  if (used.length === 0) return;
  throw invalidRequest(
    `sessions.groups.put cannot drop groups that still have member sessions: ${used.join(", ")}; include them in names or remove them via sessions.groups.delete`,
  );
}

const shown = ({ names, sections }: Catalogue) => ({
  groups: names.map((name, position) => ({ name, position })),
  sectionOrder: sections,
});

const unique = (values: readonly string[]): string[] => [...new Set(values)];
