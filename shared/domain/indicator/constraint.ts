import type { Direction } from '../telemetry/direction.ts';

/** What must hold beside the address; an indicator with a constraint never fires without it. */
export interface Constraint {
  /** Ports at the listed address's end; null is any. */
  readonly ports: readonly number[] | null;
  /** Which end of the connection the listed address must be: the one that began it, or the one that was called. */
  readonly direction: 'source' | 'destination' | null;
  readonly protocol: Protocol | null;
}

/** More is no statement about a service, and would make the evidence of an alert as large as somebody likes. */
export const MAX_PORTS = 64;

export type Protocol = 'tcp' | 'udp' | 'icmp';

/** Protocols by the number that a connection record carries. */
export const PROTOCOL_NAMES: readonly Protocol[] = ['tcp', 'udp', 'icmp'];

/** The side of a connection record that matching sees: `remotePort` and `protocol` by the agent's numbers. */
export interface Contact {
  readonly direction: Direction;
  readonly remotePort: number;
  readonly protocol: number;
}

/** Whether the contact of a device with the listed address is what the indicator asks for. */
export function constraintHolds(constraint: Constraint | null, contact: Contact): boolean {
  if (constraint === null) return true;
  const { ports, direction, protocol } = constraint;
  if (ports !== null && !ports.includes(contact.remotePort)) return false;
  if (protocol !== null && PROTOCOL_NAMES[contact.protocol] !== protocol) return false;
  return direction === null || direction === remoteEnd(contact.direction);
}

/** Who began: the remote address is the destination of what the device began, the source of everything else. */
function remoteEnd(direction: Direction): 'source' | 'destination' {
  return direction === 'outboundExchange' || direction === 'outboundAttempt'
    ? 'destination'
    : 'source';
}

/** Null if the constraint asks for nothing. */
export function normalConstraint(constraint: Constraint): Constraint | null {
  const { ports, direction, protocol } = constraint;
  return ports === null && direction === null && protocol === null ? null : constraint;
}
