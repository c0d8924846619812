// The rules that a security group has, as `Microsoft.Security/deviceSecurityGroups` 2019-08-01 names them, and what counts for each.

/** What a window counts per device. */
export type Measure = 'activeConnections' | 'twinUpdates';

/**
 * Where a rule's figures come from: a measure; `notYet`, a source that this version does not read; `never`, something that an agent
 * for ThreadX does not report. A rule without a source is stored and shown, and never judged: silently true it must not be.
 */
export type RuleSource = Measure | 'notYet' | 'never';

export interface WindowRuleType {
  readonly ruleType: string;
  readonly displayName: string;
  readonly description: string;
  readonly source: RuleSource;
}

export type ValueType = 'IpCidr' | 'String';

export interface ListRuleType {
  readonly ruleType: string;
  readonly displayName: string;
  readonly description: string;
  readonly valueType: ValueType;
  /** `connections`: judged message by message. */
  readonly source: 'connections' | 'never';
}

const PROTOCOLS = ['Amqp', 'Mqtt', 'Http'] as const;

const windowRule = (name: string, what: string, source: RuleSource): WindowRuleType => ({
  ruleType: `${name}NotInAllowedRange`,
  displayName: `Number of ${what} is not in allowed range`,
  description: `Get an alert when the number of ${what} of a device in the time window is not in the allowed range.`,
  source,
});

/** All 16, in the order in which answers list them. */
export const WINDOW_RULE_TYPES: readonly WindowRuleType[] = [
  windowRule('ActiveConnections', 'active connections', 'activeConnections'),
  ...(
    [
      ['C2DMessages', 'cloud to device messages'],
      ['C2DRejectedMessages', 'rejected cloud to device messages'],
      ['D2CMessages', 'device to cloud messages'],
    ] as const
  ).flatMap(([name, what]) =>
    PROTOCOLS.map((protocol) =>
      windowRule(`${protocol}${name}`, `${what} (${protocol.toUpperCase()} protocol)`, 'notYet'),
    ),
  ),
  windowRule('DirectMethodInvokes', 'direct method invokes', 'notYet'),
  windowRule('FailedLocalLogins', 'failed local logins', 'never'),
  windowRule('FileUploads', 'file uploads', 'notYet'),
  windowRule('QueuePurges', 'device queue purges', 'notYet'),
  windowRule('TwinUpdates', 'twin updates', 'twinUpdates'),
  windowRule('UnauthorizedOperations', 'unauthorized operations', 'notYet'),
];

export const ALLOWLIST_RULE_TYPES: readonly ListRuleType[] = [
  {
    ruleType: 'ConnectionToIpNotAllowed',
    displayName: "Outbound connection to an ip that isn't allowed",
    description:
      'Get an alert when a device opens, or tries to open, a connection to an address outside the list.',
    valueType: 'IpCidr',
    source: 'connections',
  },
  {
    ruleType: 'ConnectionFromIpNotAllowed',
    displayName: "Inbound connection from an ip that isn't allowed",
    description:
      'Get an alert when an address outside the list connects, or tries to, to a device.',
    valueType: 'IpCidr',
    source: 'connections',
  },
  {
    ruleType: 'LocalUserNotAllowed',
    displayName: "Login by a local user that isn't allowed",
    description: 'Get an alert when a local user outside the list logs in to a device.',
    valueType: 'String',
    source: 'never',
  },
  {
    ruleType: 'ProcessNotAllowed',
    displayName: "Execution of a process that isn't allowed",
    description: 'Get an alert when a process outside the list is executed on a device.',
    valueType: 'String',
    source: 'never',
  },
];

/** No concrete type of a deny list was ever published: this is the base discriminator. */
export const DENYLIST_RULE_TYPES: readonly ListRuleType[] = [
  {
    ruleType: 'DenylistCustomAlertRule',
    displayName: 'Connection with a denied address',
    description: 'Get an alert when a device has to do with an address of the list, whoever began.',
    valueType: 'IpCidr',
    source: 'connections',
  },
];
