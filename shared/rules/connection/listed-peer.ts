import { type Severity, SEVERITY_OF_CONTACT, capped } from '../../domain/alert/severity.ts';
import type { Direction } from '../../domain/telemetry/direction.ts';
import type { RuleText } from '../rule.ts';

/**
 * A remote address that a current indicator lists. The severity follows who began and whether bytes went both ways; an
 * address on a warning list (resolvers, content networks, clouds) is listed too often by mistake to be more than low.
 */
export const listedPeer = {
  alertType: 'IoT_TiConnection',
  displayName: 'Suspicious IP address communication',
  description: 'A device exchanged traffic with an address that current threat intelligence lists.',
  limits:
    'Blind to peers behind a proxy, a NAT or a shared hosting address, and to what passed while the agent’s cache was full.',
  remediationSteps: [
    'Find out what on the device opened, or answered, the connection: the flows name ports, protocol and bytes.',
    'If nobody can say why, isolate the device from the network and keep it for analysis.',
    'Block the address at the network’s edge, and look for other devices that talk to it.',
    'If the peer is a service of your own or of a vendor, put it on the allowlist with a reason.',
    'If a warning list covers the address, the severity is capped: find out first whether the feed is right.',
  ],
  severityOf: (direction: Direction, isWarnedOf: boolean): Severity =>
    isWarnedOf ? capped(SEVERITY_OF_CONTACT[direction], 'low') : SEVERITY_OF_CONTACT[direction],
} satisfies RuleText & { severityOf: (direction: Direction, isWarnedOf: boolean) => Severity };
