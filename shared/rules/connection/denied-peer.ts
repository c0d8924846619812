import { DIRECTIONS } from '../../domain/telemetry/direction.ts';
import { SEVERITY_OF_CONTACT } from '../../domain/alert/severity.ts';
import type { AddressRule } from './address-rule.ts';

/**
 * A remote address that the group forbids, whoever began. Who wrote the list named the address, as a feed does, so contact is
 * as grave as with a listed address: an answered connection is no small matter, a probe that a stranger sent and nobody
 * answered is nothing that the device did. Warning lists do not cap it: they correct feeds, not the operator.
 */
export const deniedPeer: AddressRule = {
  alertType: 'TW_DenylistedAddress',
  ruleType: 'DenylistCustomAlertRule',
  list: 'deny',
  directions: DIRECTIONS,
  displayName: 'Connection with a denied address',
  description:
    'A device exchanged traffic with an address on its security group’s denylist, or one of them tried to.',
  limits:
    'Blind to peers behind a proxy or a NAT, and to what passed while the agent’s cache was full.',
  remediationSteps: [
    'Find out what on the device opened, or answered, the connection: the flows name ports, protocol and bytes.',
    'Block the address at the network’s edge: the rule reports a connection, it does not prevent one.',
    'If the device began and nobody can say why, isolate it from the network and keep it for analysis.',
    'If the contact is legitimate, take the address off the group’s list.',
  ],
  severityOf: (direction) => SEVERITY_OF_CONTACT[direction],
};
