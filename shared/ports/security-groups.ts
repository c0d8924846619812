import type { GroupSet, SecurityGroup } from '../domain/security-group/security-group.ts';

export interface StoredGroup {
  readonly group: SecurityGroup;
  readonly version: string;
}

/** The security groups. Names are keys in lower case (`groupKey`). */
export interface SecurityGroups {
  /** Null when there is none. */
  read(key: string): Promise<StoredGroup | null>;
  /** In order of key. */
  list(): Promise<readonly StoredGroup[]>;
  /** The groups and the revision that they have together: what instances hold messages against. */
  current(): Promise<GroupSet>;
  /**
   * Writes over the group that was read in `version` (null: there was none) and gives the new version; null when it is no longer
   * that one.
   */
  write(group: SecurityGroup, version: string | null): Promise<string | null>;
  /** False when the group is no longer the one that was read in `version`. */
  remove(key: string, version: string): Promise<boolean>;
}
