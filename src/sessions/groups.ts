import type { Database } from "bun:sqlite";
import { isAbsolute } from "node:path";
import type {
  SessionsGroupsDefaultsResult,
  SessionsGroupsDeleteParams,
  SessionsGroupsListResult,
  SessionsGroupsMutationResult,
  SessionsGroupsPutParams,
  SessionsGroupsRenameParams,
  SessionsGroupsUpdateParams,
  SessionsGroupsUpdateResult,
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

/** What new sessions of a group begin with, as far as anybody has said. */
interface GroupStart {
  cwd: string | null;
  worktree: number | null;
}

const FIXED_SECTIONS = new Set(["work", "ungrouped"]);
const sectionOf = (name: string): string => `category:${name}`;

/** Reads and writes the groups. Every call is one transaction. */
export class GroupRepository {
  constructor(private readonly store: Store) {}

  list(): Promise<Catalogue> {
    return this.store.read(read);
  }

  /** Every group in order, with what its new sessions begin with. */
  defaults(): Promise<(GroupStart & { name: string })[]> {
    return this.store.read((db) => {
      const sql = "SELECT name, cwd, worktree FROM session_groups ORDER BY position, name";
      return db.query<GroupStart & { name: string }, []>(sql).all();
    });
  }

  /** Says what new sessions of a group begin with. False when there is no such group. */
  setDefaults(name: string, { cwd, worktree }: GroupStart): Promise<boolean> {
    return this.store.write((db) => {
      const sql = "UPDATE session_groups SET cwd = ?, worktree = ? WHERE name = ?";
      return db.query(sql).run(cwd, worktree, name).changes > 0;
    });
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

/** `sessions.groups.defaults`: what new sessions of each group begin with; of most nobody has said anything. */
export async function groupDefaults(sessions: Sessions): Promise<SessionsGroupsDefaultsResult> {
  const groups = await sessions.groups.defaults();
  return {
    defaults: groups.map(({ name, cwd, worktree }) => ({
      name,
      ...(cwd === null ? {} : { cwd }),
      ...(worktree === null ? {} : { worktree: worktree === 1 }),
    })),
  };
}

/**
 * `sessions.groups.update`: the folder that new sessions of a group work in (null: none of its own), and whether each gets
 * a worktree. The folder need not be there yet.
 * @throws GatewayError for a relative folder and when there is no such group
 */
export async function updateGroup(
  sessions: Sessions,
  params: SessionsGroupsUpdateParams,
): Promise<SessionsGroupsUpdateResult> {
  const { cwd, worktree } = params;
  const name = params.name.trim();
  if (name === "") throw invalidRequest("session group name must not be empty");
  if (cwd !== null && !isAbsolute(cwd)) throw invalidRequest("session group cwd must be absolute");
  const known = await sessions.groups.setDefaults(name, { cwd, worktree: Number(worktree) });
  if (!known) throw invalidRequest(`unknown session group: ${name}`);
  sessions.regrouped();
  return { ok: true, ...(await groupDefaults(sessions)) };
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
    // Under its new name the group keeps what its sessions begin with; one that is taken in leaves that behind.
    if (!names.includes(to)) db.query("UPDATE session_groups SET name = ? WHERE name = ?").run(to, name);
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
  db.query("DELETE FROM session_groups WHERE name NOT IN (SELECT value FROM json_each(?))").run(JSON.stringify(names));
  db.query("DELETE FROM session_sections").run();
  const addGroup = db.query(
    "INSERT INTO session_groups (name, position) VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
  );
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
