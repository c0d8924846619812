import type { AllowRecord } from '../../shared/format/allowlist.ts';

export interface AllowStep {
  readonly action: 'add' | 'change' | 'remove';
  readonly entry: AllowRecord;
}

/** What leads from the entries that there are to the wanted ones; without `prune` no other entry is touched. */
export function planAllowlist(
  present: readonly AllowRecord[],
  wanted: readonly AllowRecord[],
  prune: boolean,
): readonly AllowStep[] {
  const known = new Map(present.map((entry) => [entry.network, entry]));
  const named = new Set(wanted.map(({ network }) => network));
  const steps = wanted.flatMap((entry): AllowStep[] => {
    const before = known.get(entry.network);
    if (before === undefined) return [{ action: 'add', entry }];
    const isSame = before.reason === entry.reason && before.expiresAt === entry.expiresAt;
    return isSame ? [] : [{ action: 'change', entry }];
  });
  const others = present.filter(({ network }) => prune && !named.has(network));
  return [...steps, ...others.map((entry): AllowStep => ({ action: 'remove', entry }))];
}
