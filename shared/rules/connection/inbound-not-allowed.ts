import type { AddressRule } from './address-rule.ts';

/** An address that the group does not permit began a connection with the device, answered or not. */
export const inboundNotAllowed: AddressRule = {
  alertType: 'IoT_CA_ConnectionFromIpNotAllowed',
  ruleType: 'ConnectionFromIpNotAllowed',
  list: 'allow',
  directions: ['inboundExchange', 'inboundProbe'],
  displayName: 'Inbound connection from an IP that is not allowed',
  description:
    'An address outside every range of the security group’s allowlist connected, or tried to connect, to a device.',
  limits:
    'Blind to what passed while the agent’s cache was full, and to a peer that forges an address of the list. What neighbours send to everybody, and the device hears, counts as inbound.',
  remediationSteps: [
    'See in the flows whether the device answered: bytes out mean that a service listens there for anybody.',
    'If the peer is one that manages devices of the group, add its range to the rule’s list.',
    'Close the port on the device, or at the network’s edge, for everybody else.',
    'If the device answered, look for what was changed on it.',
  ],
  severityOf: () => 'low',
};
