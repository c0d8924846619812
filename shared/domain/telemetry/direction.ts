// The agent reports no direction and no connection state; the byte counts and ports tell (docs/architecture.md, "Direction").

export type Direction = 'outboundExchange' | 'outboundAttempt' | 'inboundExchange' | 'inboundProbe';

/** Stored by number in the activity log, so the order is part of the format. */
export const DIRECTIONS: readonly Direction[] = [
  'outboundExchange',
  'outboundAttempt',
  'inboundExchange',
  'inboundProbe',
];

/**
 * Who began, judged from one connection record. Nothing in is an unanswered attempt, nothing out an unanswered probe.
 * Bytes both ways: the device began if its port is ephemeral, or the same as the peer's (NTP and CoAP clients); ICMP
 * (ports 0) counts as inbound. A record without any bytes is what it would be if the device had sent.
 */
export function directionOf(
  bytesIn: number,
  bytesOut: number,
  localPort: number,
  remotePort: number,
  ephemeralPortFrom: number,
): Direction {
  if (bytesIn === 0) return 'outboundAttempt';
  if (bytesOut === 0) return 'inboundProbe';
  if (localPort === 0 && remotePort === 0) return 'inboundExchange';
  if (localPort >= ephemeralPortFrom || localPort === remotePort) return 'outboundExchange';
  return 'inboundExchange';
}
