import type { AddressRule } from './address-rule.ts';

/** The device began a connection, answered or not, with an address that its group does not permit. */
export const outboundNotAllowed: AddressRule = {
  alertType: 'IoT_CA_ConnectionToIpNotAllowed',
  ruleType: 'ConnectionToIpNotAllowed',
  list: 'allow',
  directions: ['outboundExchange', 'outboundAttempt'],
  displayName: 'Outbound connection to an IP that is not allowed',
  description:
    'A device opened, or tried to open, a connection to an address outside every range of its security group’s allowlist.',
  limits:
    'Blind to what passed while the agent’s cache was full. Judges addresses alone: a permitted address is permitted for any port and any service. A device that answers from an ephemeral port looks as if it had begun.',
  remediationSteps: [
    'Find out what on the device opened the connection: the flows name ports, protocol and bytes.',
    'If the peer is one that devices of the group need, add its range to the rule’s list; name resolution and time servers are forgotten most often.',
    'If nobody can say why, isolate the device from the network and keep it for analysis.',
    'Enforce the same list at the network’s edge: the rule reports a connection, it does not prevent one.',
  ],
  severityOf: () => 'low',
};
