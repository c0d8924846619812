import { type Severity, SEVERITY_OF_CONTACT } from '../../domain/alert/severity.ts';
import type { Direction } from '../../domain/telemetry/direction.ts';
import type { RuleText } from '../rule.ts';

/** A remote address that a current indicator lists. The severity follows who began and whether bytes went both ways. */
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
  ],
  severityOf: (direction: Direction): Severity => SEVERITY_OF_CONTACT[direction],
} satisfies RuleText & { severityOf: (direction: Direction) => Severity };
