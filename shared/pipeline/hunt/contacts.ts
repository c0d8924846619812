// Who talked to an address: connections added up by device and address, whether they made an alert or not.
import { type Address, formatAddress } from '../../domain/address/address.ts';
import { type Totals, addTotals } from '../../domain/alert/totals.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import type { ActivityRows } from '../../format/activity-log/rows.ts';

/** Totals of one device and one address. */
export interface Contact extends Totals {
  readonly deviceId: string;
  readonly address: string;
  /** Whether any of it is in an alert. */
  readonly raised: boolean;
}

export interface ContactRecord extends Omit<Contact, 'firstSeen' | 'lastSeen'> {
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** Pairs of device and address that are told apart; a hostile device can make as many as it likes. */
export const MAX_CONTACTS = 1000;

export class Contacts {
  readonly #contacts = new Map<string, Contact>();
  /** Connections of pairs beyond the first `MAX_CONTACTS`. */
  connectionsLeftOut = 0;
  /** The last row of `#rows` that a pair had: a message counts once, however many of its connections match. */
  readonly #lastRow = new Map<string, number>();
  #rows: ActivityRows | null = null;

  constructor(contacts: readonly Contact[] = [], connectionsLeftOut = 0) {
    for (const contact of contacts) this.#contacts.set(keyOf(contact), contact);
    this.connectionsLeftOut = connectionsLeftOut;
  }

  /** For `huntBlock`: one connection of a message that is not older than `since`. */
  addSince(
    since: number,
    rows: ActivityRows,
    row: number,
    connection: number,
    address: Address,
    raised: boolean,
  ): void {
    const time = rows.hubTime[row]!;
    if (time < since) return;
    const { deviceId } = rows.deviceOf(row);
    const contact = { deviceId, address: formatAddress(address) };
    const key = keyOf(contact);
    if (this.#rows !== rows) this.#lastRow.clear();
    this.#rows = rows;
    const isSameMessage = this.#lastRow.get(key) === row;
    this.#merge(key, {
      ...contact,
      raised,
      messages: isSameMessage ? 0 : 1,
      connections: 1,
      bytesIn: rows.connections.bytesIn[connection]!,
      bytesOut: rows.connections.bytesOut[connection]!,
      firstSeen: time,
      lastSeen: time,
    });
    this.#lastRow.set(key, row);
  }

  addAll(others: Contacts): void {
    for (const [key, contact] of others.#contacts) this.#merge(key, contact);
    this.connectionsLeftOut += others.connectionsLeftOut;
  }

  /** The latest first. */
  list(): readonly Contact[] {
    return [...this.#contacts.values()].sort(
      (a, b) => b.lastSeen - a.lastSeen || (keyOf(a) < keyOf(b) ? -1 : 1),
    );
  }

  #merge(key: string, contact: Contact): void {
    const before = this.#contacts.get(key);
    if (before === undefined && this.#contacts.size >= MAX_CONTACTS) {
      this.connectionsLeftOut += contact.connections;
    } else {
      const raised = contact.raised || before?.raised === true;
      const totals = before === undefined ? contact : addTotals(before, contact);
      this.#contacts.set(key, { ...contact, ...totals, raised });
    }
  }
}

export function contactRecord(contact: Contact): ContactRecord {
  return {
    ...contact,
    firstSeen: formatInstant(contact.firstSeen),
    lastSeen: formatInstant(contact.lastSeen),
  };
}

function keyOf({ deviceId, address }: Pick<Contact, 'deviceId' | 'address'>): string {
  return JSON.stringify([deviceId, address]);
}
