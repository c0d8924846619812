import { type Address } from '../address/address.ts';
import { type Prefix, prefixCovers } from '../address/prefix.ts';

/** Addresses that the operator vouches for: contact with them raises nothing, whatever feeds say. */
export interface AllowEntry {
  readonly prefix: Prefix;
  /** Why: shown wherever the entry has an effect. */
  readonly reason: string;
  /** Epoch milliseconds from which it no longer holds; null: until it is removed. */
  readonly expiresAt: number | null;
  /** Null where the file does not say. */
  readonly addedAt: number | null;
}

/** The entries that cover the address, at whatever time. */
export function entriesFor(
  allowlist: readonly AllowEntry[],
  address: Address,
): readonly AllowEntry[] {
  return allowlist.filter(({ prefix }) => prefixCovers(prefix, address));
}

/** The narrowest entry that covers the address at that time. */
export function allowedBy(
  allowlist: readonly AllowEntry[],
  address: Address,
  at: number,
): AllowEntry | null {
  const covers = ({ prefix, expiresAt }: AllowEntry) =>
    (expiresAt === null || at < expiresAt) && prefixCovers(prefix, address);
  let narrowest: AllowEntry | null = null;
  for (const entry of allowlist) {
    if (covers(entry) && entry.prefix.bits > (narrowest?.prefix.bits ?? -1)) narrowest = entry;
  }
  return narrowest;
}
