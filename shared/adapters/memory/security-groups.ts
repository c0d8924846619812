import {
  type GroupSet,
  type SecurityGroup,
  groupKey,
} from '../../domain/security-group/security-group.ts';
import type { SecurityGroups, StoredGroup } from '../../ports/security-groups.ts';

export class MemorySecurityGroups implements SecurityGroups {
  /** Kept as text, so that nobody holds a reference into the store. */
  readonly #groups = new Map<string, { text: string; version: string }>();
  #writes = 0;

  async read(key: string): Promise<StoredGroup | null> {
    const stored = this.#groups.get(key);
    return stored === undefined ? null : opened(stored);
  }

  async list(): Promise<readonly StoredGroup[]> {
    return [...this.#groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, stored]) => opened(stored));
  }

  async current(): Promise<GroupSet> {
    return { revision: this.#writes, groups: (await this.list()).map(({ group }) => group) };
  }

  async write(group: SecurityGroup, version: string | null): Promise<string | null> {
    const key = groupKey(group.name);
    if ((this.#groups.get(key)?.version ?? null) !== version) return null;
    const next = String(++this.#writes);
    this.#groups.set(key, { text: JSON.stringify(group), version: next });
    return next;
  }

  async remove(key: string, version: string): Promise<boolean> {
    if (this.#groups.get(key)?.version !== version) return false;
    this.#groups.delete(key);
    this.#writes++;
    return true;
  }
}

function opened({ text, version }: { text: string; version: string }): StoredGroup {
  return { group: JSON.parse(text) as SecurityGroup, version };
}
