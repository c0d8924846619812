import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  ALLOWLIST_RULE_TYPES,
  DENYLIST_RULE_TYPES,
  WINDOW_RULE_TYPES,
} from '../../../shared/domain/security-group/rule-types.ts';
import type {
  ListRule,
  SecurityGroup,
  TimeWindowRule,
} from '../../../shared/domain/security-group/security-group.ts';
import { groupResource } from '../../../shared/format/security-group/group-resource.ts';
import { readGroup } from '../../../shared/format/security-group/read-group.ts';

const window = (more: object = {}) => ({
  ruleType: 'ActiveConnectionsNotInAllowedRange',
  isEnabled: true,
  minThreshold: 0,
  maxThreshold: 30,
  timeWindowSize: 'PT05M',
  ...more,
});
const allow = (more: object = {}) => ({
  ruleType: 'ConnectionToIpNotAllowed',
  isEnabled: true,
  allowlistValues: ['203.0.113.0/26', '2001:db8::/48', '127.0.0.1'],
  ...more,
});
const deny = (more: object = {}) => ({
  ruleType: 'DenylistCustomAlertRule',
  isEnabled: true,
  denylistValues: ['192.0.2.128/25'],
  ...more,
});

const read = (properties: unknown, name = 'cameras') => {
  const { group, problems } = readGroup(name, { properties });
  assert.equal(problems, null, JSON.stringify(problems));
  return group;
};
const problemsOf = (resource: unknown, name = 'cameras') => {
  const { group, problems } = readGroup(name, resource);
  assert.equal(group, null);
  return problems;
};

describe('a security group that is read', () => {
  it('has the rules that were named, as they were written', () => {
    const group = read({
      thresholdRules: [],
      timeWindowRules: [window()],
      allowlistRules: [allow()],
      denylistRules: [deny()],
    });
    assert.deepEqual(group, {
      name: 'cameras',
      timeWindowRules: [{ ...window(), windowMs: 300_000 }],
      allowlistRules: [
        { ruleType: 'ConnectionToIpNotAllowed', isEnabled: true, values: allow().allowlistValues },
      ],
      denylistRules: [
        { ruleType: 'DenylistCustomAlertRule', isEnabled: true, values: ['192.0.2.128/25'] },
      ],
    });
  });

  it('has no rules where none are named', () => {
    const empty = { name: 'a', timeWindowRules: [], allowlistRules: [], denylistRules: [] };
    const lists = { thresholdRules: null, timeWindowRules: null, denylistRules: null };
    for (const resource of [{}, { properties: null }, { properties: {} }, { properties: lists }]) {
      assert.deepEqual(readGroup('a', resource), { group: empty, problems: null });
    }
  });

  it('does not keep a rule that says what an unnamed one says, but for a deny list', () => {
    const nothing = { isEnabled: false, minThreshold: 0, maxThreshold: 0, timeWindowSize: 'PT15M' };
    const group = read({
      timeWindowRules: [window(nothing)],
      allowlistRules: [allow({ isEnabled: false, allowlistValues: [] })],
      denylistRules: [deny({ isEnabled: false, denylistValues: [] })],
    });
    assert.deepEqual([group.timeWindowRules, group.allowlistRules], [[], []]);
    assert.equal(group.denylistRules.length, 1);
    for (const more of [{ isEnabled: true }, { maxThreshold: 1 }, { timeWindowSize: 'PT5M' }]) {
      const { timeWindowRules } = read({ timeWindowRules: [window({ ...nothing, ...more })] });
      assert.equal(timeWindowRules.length, 1);
    }
    for (const more of [{ isEnabled: true }, { allowlistValues: ['::1'] }]) {
      const rule = allow({ isEnabled: false, allowlistValues: [], ...more });
      assert.equal(read({ allowlistRules: [rule] }).allowlistRules.length, 1);
    }
  });

  it('has its rules in the order of their types, whatever order they came in', () => {
    const twin = window({ ruleType: 'TwinUpdatesNotInAllowedRange' });
    assert.deepEqual(
      read({ timeWindowRules: [twin, window()] }),
      read({ timeWindowRules: [window(), twin] }),
    );
  });

  it('takes what only servers write, and passes over it', () => {
    const texts = {
      displayName: 'x',
      description: 7,
      valueType: 'String',
      source: 'never',
      more: {},
    };
    const resource = {
      id: 5,
      name: 'another',
      type: 'x',
      etag: '"1"',
      systemData: {},
      properties: { timeWindowRules: [window(texts)], allowlistRules: [allow(texts)], tags: [] },
    };
    const { group } = readGroup('cameras', resource);
    assert.deepEqual(group, read({ timeWindowRules: [window()], allowlistRules: [allow()] }));
  });

  it('takes every window that counts whole minutes up to a day', () => {
    for (const [text, minutes] of [
      ['PT1M', 1],
      ['PT60S', 1],
      ['PT05M', 5],
      ['PT7M', 7],
      ['PT1H30M', 90],
      ['PT24H', 1440],
      ['P1D', 1440],
    ] as const) {
      const [rule] = read({ timeWindowRules: [window({ timeWindowSize: text })] }).timeWindowRules;
      assert.deepEqual([rule!.timeWindowSize, rule!.windowMs], [text, minutes * 60_000]);
    }
  });

  it('is the sample fleet as Defender would have exported it', () => {
    const text = readFileSync('local/samples/fleet/groups.json', 'utf8');
    const { value } = JSON.parse(text) as { value: { name: string }[] };
    const groups = value.map((resource) => readGroup(resource.name, resource).group!);
    assert.deepEqual(
      groups.map(
        ({ name, timeWindowRules: [rule] }) =>
          `${name} ${rule!.minThreshold} ${rule!.maxThreshold} ${rule!.timeWindowSize}`,
      ),
      ['cameras 2 14 PT05M', 'default 0 100 PT5M', 'meters 1 15 PT5M', 'thermostats 0 26 PT15M'],
    );
    assert.deepEqual(
      groups.map(({ denylistRules }) => denylistRules.length),
      [0, 1, 1, 0],
    );
  });
});

describe('a security group is refused, with the path of the field', () => {
  const max = 2_147_483_647;
  const cases: [string, object | unknown[], string, RegExp][] = [
    ['no window', { timeWindowSize: undefined }, 'timeWindowSize', /found nothing/],
    [
      'a window of seconds',
      { timeWindowSize: 'PT90S' },
      'timeWindowSize',
      /whole minutes .*"PT90S"/,
    ],
    ['no time at all', { timeWindowSize: 'PT0M' }, 'timeWindowSize', /PT1M to P1D/],
    ['more than a day', { timeWindowSize: 'PT24H1M' }, 'timeWindowSize', /PT1M to P1D/],
    ['no duration', { timeWindowSize: '5 minutes' }, 'timeWindowSize', /"5 minutes"/],
    ['a .NET span', { timeWindowSize: '00:05:00' }, 'timeWindowSize', /ISO 8601/],
    ['a number of minutes', { timeWindowSize: 5 }, 'timeWindowSize', /found 5/],
    ['no minimum', { minThreshold: undefined }, 'minThreshold', /found nothing/],
    ['a negative minimum', { minThreshold: -1 }, 'minThreshold', /from 0 to 2147483647 .*found -1/],
    ['half a count', { maxThreshold: 1.5 }, 'maxThreshold', /an integer/],
    ['a count as text', { maxThreshold: '30' }, 'maxThreshold', /found "30"/],
    ['a count beyond 32 bits', { maxThreshold: max + 1 }, 'maxThreshold', /an integer/],
    ['null', { maxThreshold: null }, 'maxThreshold', /found null/],
    [
      'a maximum below the minimum',
      { minThreshold: 31 },
      'maxThreshold',
      /from minThreshold \(31\) on .*found 30/,
    ],
    ['no switch', { isEnabled: undefined }, 'isEnabled', /true or false/],
    ['a switch as text', { isEnabled: 'true' }, 'isEnabled', /found "true"/],
    ['no type', { ruleType: undefined }, 'ruleType', /found nothing/],
    ['a type of no kind', { ruleType: 5 }, 'ruleType', /found 5/],
    [
      'an unknown type',
      { ruleType: 'Moon\u0007Phase' },
      'ruleType',
      /no rule type "Moon\\u0007Phase"/,
    ],
    [
      'a type in another case',
      { ruleType: 'activeconnectionsnotinallowedrange' },
      'ruleType',
      /no rule type/,
    ],
    ['a type of an object', { ruleType: 'constructor' }, 'ruleType', /no rule type/],
    [
      'a type of another list',
      { ruleType: 'ConnectionToIpNotAllowed' },
      'ruleType',
      /stands in allowlistRules, not in timeWindowRules/,
    ],
  ];
  for (const [what, more, field, message] of cases) {
    it(what, () => {
      const problems = problemsOf({
        properties: {
          timeWindowRules: [window({ ruleType: 'TwinUpdatesNotInAllowedRange' }), window(more)],
        },
      });
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.equal(problems[0]!.path, `properties.timeWindowRules[1].${field}`);
      assert.match(problems[0]!.message, message);
    });
  }

  it('the edges next to that are taken', () => {
    for (const more of [
      { maxThreshold: max },
      { minThreshold: 30 },
      { minThreshold: 0, maxThreshold: 0 },
    ]) {
      read({ timeWindowRules: [window(more)] });
    }
  });

  it('lists', () => {
    const many = Array.from({ length: 10_001 }, () => '::1');
    for (const [properties, path, message] of [
      [
        { allowlistRules: [allow({ allowlistValues: undefined })] },
        'allowlistRules[0].allowlistValues',
        /found nothing/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: '::1' })] },
        'allowlistRules[0].allowlistValues',
        /list of texts/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: many })] },
        'allowlistRules[0].allowlistValues',
        /at most 10000 values; this one has 10001/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: ['::1', '10.0.0.0/33'] })] },
        'allowlistRules[0].allowlistValues[1]',
        /CIDR notation .*"10\.0\.0\.0\/33"/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: ['1.2.3'] })] },
        'allowlistRules[0].allowlistValues[0]',
        /CIDR/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: [' ::1'] })] },
        'allowlistRules[0].allowlistValues[0]',
        /CIDR/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: [7] })] },
        'allowlistRules[0].allowlistValues[0]',
        /a text .*found 7/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: [null] })] },
        'allowlistRules[0].allowlistValues[0]',
        /found null/,
      ],
      [
        { allowlistRules: [allow({ allowlistValues: [['::1']] })] },
        'allowlistRules[0].allowlistValues[0]',
        /found a list/,
      ],
      [
        { allowlistRules: [allow({ ruleType: 'ProcessNotAllowed', allowlistValues: [''] })] },
        'allowlistRules[0].allowlistValues[0]',
        /1 to 256/,
      ],
      [
        {
          allowlistRules: [
            allow({ ruleType: 'LocalUserNotAllowed', allowlistValues: ['x'.repeat(257)] }),
          ],
        },
        'allowlistRules[0].allowlistValues[0]',
        /1 to 256/,
      ],
      [{ allowlistRules: [deny()] }, 'allowlistRules[0].ruleType', /stands in denylistRules/],
      [
        { allowlistRules: [allow(), allow()] },
        'allowlistRules[1].ruleType',
        /ConnectionToIpNotAllowed is there twice/,
      ],
      [{ allowlistRules: ['x'] }, 'allowlistRules[0]', /a rule was expected, found "x"/],
      [{ allowlistRules: [null] }, 'allowlistRules[0]', /found null/],
      [{ allowlistRules: {} }, 'allowlistRules', /a list was expected, found an object/],
      [
        { denylistRules: [deny({ denylistValues: ['x'] })] },
        'denylistRules[0].denylistValues[0]',
        /CIDR/,
      ],
      [
        { denylistRules: [{ ...deny(), ruleType: 'Deny' }] },
        'denylistRules[0].ruleType',
        /no rule type "Deny"/,
      ],
      [{ thresholdRules: [{}] }, 'thresholdRules', /no threshold rules/],
      [{ thresholdRules: 1 }, 'thresholdRules', /no threshold rules/],
    ] as const) {
      const problems = problemsOf({ properties });
      assert.equal(problems.length, 1, JSON.stringify(problems).slice(0, 300));
      assert.equal(problems[0]!.path, `properties.${path}`);
      assert.match(problems[0]!.message, message);
    }
  });

  it('values that are too long together', () => {
    const values = Array.from({ length: 2000 }, () => 'x'.repeat(251));
    const rule = allow({ ruleType: 'ProcessNotAllowed', allowlistValues: values });
    assert.deepEqual(problemsOf({ properties: { allowlistRules: [rule] } }), [
      {
        path: 'properties',
        message: 'the values of a group have at most 500000 characters together; these have 502000',
      },
    ]);
  });

  it('takes the shape of Azure’s JavaScript client, whose groups have no properties', () => {
    const lists = { timeWindowRules: [window({})], allowlistRules: [], denylistRules: [] };
    const { group, problems } = readGroup('cameras', { id: 'x', name: 'cameras', ...lists });
    assert.equal(problems, null);
    assert.deepEqual(group, read(lists));
    assert.equal(group.timeWindowRules.length, 1);
  });

  it('refuses a list beside the properties, and one that is misspelt: its rules would be lost', () => {
    const lists = { timeWindowRules: [window({})] };
    assert.deepEqual(problemsOf({ ...lists, properties: {} }), [
      { path: 'timeWindowRules', message: 'belongs into "properties", which is there too' },
    ]);
    assert.deepEqual(
      problemsOf({ timewindowRules: lists.timeWindowRules }).map(({ path }) => path),
      ['timewindowRules'],
    );
    assert.notEqual(problemsOf({ properties: {}, timewindowRules: [] }), null);
    for (const name of ['timeWindowRulez', 'TimeWindowRules', 'allowListRule']) {
      const [problem] = problemsOf({ properties: { [name]: [] } });
      assert.equal(problem!.path, `properties.${name}`);
      assert.match(problem!.message, /no such list: timeWindowRules, allowlistRules/);
    }
  });

  it('a body that is no group', () => {
    for (const body of [undefined, null, 5, 'x', true, [], [{ properties: {} }]]) {
      assert.deepEqual(
        problemsOf(body).map(({ path }) => path),
        ['properties'],
      );
    }
    for (const properties of ['x', 5, []]) {
      assert.deepEqual(
        problemsOf({ properties }).map(({ path }) => path),
        ['properties'],
      );
    }
  });

  it('a name that is none, besides everything else', () => {
    const problems = problemsOf(
      { properties: { timeWindowRules: [window({ isEnabled: 1 })] } },
      'a/b',
    );
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['name', 'properties.timeWindowRules[0].isEnabled'],
    );
  });

  it('with all that is wrong, up to fifty', () => {
    const problems = problemsOf({
      properties: {
        timeWindowRules: [{ ...window(), minThreshold: 'a', timeWindowSize: '' }, {}],
        allowlistRules: 7,
      },
    });
    assert.equal(problems.length, 4);
    const rules = Array.from({ length: 100_000 }, () => ({}));
    assert.equal(problemsOf({ properties: { timeWindowRules: rules } }).length, 50);
    const values = Array.from({ length: 10_000 }, () => 'x');
    const lists = { allowlistRules: [allow({ allowlistValues: values })] };
    assert.equal(problemsOf({ properties: lists }).length, 50);
  });
});

describe('a hostile body', () => {
  it('does not reach what objects inherit', () => {
    const body = JSON.parse(
      '{"properties":{"__proto__":{"timeWindowRules":[{}]},"constructor":1,"timeWindowRules":[{"__proto__":{"ruleType":"ActiveConnectionsNotInAllowedRange"}}]}}',
    ) as unknown;
    assert.deepEqual(
      problemsOf(body).map(({ path }) => path),
      ['properties.timeWindowRules[0].ruleType'],
    );
  });

  it('is read or refused, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, name) => {
        for (const body of [
          value,
          { properties: value },
          { properties: { timeWindowRules: value, allowlistRules: [value] } },
        ]) {
          const { group, problems } = readGroup(name, body);
          assert.equal(group === null, problems !== null);
        }
      }),
    );
  });

  it('is read or refused, whatever one field of a good one becomes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('ruleType', 'isEnabled', 'minThreshold', 'maxThreshold', 'timeWindowSize'),
        fc.jsonValue(),
        (field, value) => {
          const { problems } = readGroup('a', {
            properties: { timeWindowRules: [window({ [field]: value })] },
          });
          for (const { path } of problems ?? []) {
            assert.match(path, /^properties\.timeWindowRules\[0\]\.\w+$/);
          }
        },
      ),
    );
  });
});

describe('a security group that is shown', () => {
  const scope = '/subscriptions/s/resourceGroups/r/providers/Microsoft.Devices/IotHubs/h';
  const shown = (group: SecurityGroup) => groupResource(group, scope, '"7"');

  it('has all rules there are, those that nobody named disabled', () => {
    const resource = shown(read({ timeWindowRules: [window()], allowlistRules: [allow()] }));
    const { timeWindowRules, allowlistRules, denylistRules, thresholdRules } = resource.properties;
    assert.deepEqual(
      [resource.id, resource.name, resource.type, resource.etag],
      [
        `${scope}/providers/Microsoft.Security/deviceSecurityGroups/cameras`,
        'cameras',
        'Microsoft.Security/deviceSecurityGroups',
        '"7"',
      ],
    );
    assert.deepEqual([thresholdRules, denylistRules], [[], []]);
    assert.deepEqual([timeWindowRules.length, allowlistRules.length], [16, 4]);
    assert.deepEqual(timeWindowRules[0], {
      ...window(),
      displayName: 'Number of active connections is not in allowed range',
      description: WINDOW_RULE_TYPES[0]!.description,
      source: 'activeConnections',
    });
    assert.partialDeepStrictEqual(timeWindowRules[1], {
      ruleType: 'AmqpC2DMessagesNotInAllowedRange',
      isEnabled: false,
      displayName: 'Number of cloud to device messages (AMQP protocol) is not in allowed range',
      minThreshold: 0,
      maxThreshold: 0,
      timeWindowSize: 'PT15M',
      source: 'notYet',
    });
    assert.partialDeepStrictEqual(allowlistRules, [
      { ...allow(), valueType: 'IpCidr', source: 'connections' },
      { ruleType: 'ConnectionFromIpNotAllowed', isEnabled: false, allowlistValues: [] },
      { ruleType: 'LocalUserNotAllowed', valueType: 'String', source: 'never' },
      { ruleType: 'ProcessNotAllowed', valueType: 'String', source: 'never' },
    ]);
  });

  it('has a deny list that somebody named', () => {
    const { denylistRules } = shown(read({ denylistRules: [deny()] })).properties;
    assert.partialDeepStrictEqual(denylistRules, [
      { ...deny(), valueType: 'IpCidr', source: 'connections' },
    ]);
  });

  const minutes = fc.integer({ min: 1, max: 1440 });
  const windowRules = fc.subarray([...WINDOW_RULE_TYPES]).chain((types) =>
    fc.tuple(
      ...types.map(({ ruleType }) =>
        fc
          .tuple(fc.boolean(), fc.nat(1000), fc.nat(1000), minutes, fc.boolean())
          .map(([isEnabled, min, more, size, zero]): TimeWindowRule => ({
            ruleType,
            isEnabled,
            minThreshold: min,
            maxThreshold: min + more,
            timeWindowSize: `PT${zero ? '0' : ''}${size}M`,
            windowMs: size * 60_000,
          })),
      ),
    ),
  );
  const listRules = (types: readonly { ruleType: string }[]) =>
    fc
      .subarray([...types])
      .chain((some) =>
        fc.tuple(
          ...some.map(({ ruleType }) =>
            fc
              .tuple(fc.boolean(), fc.uniqueArray(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 5 }))
              .map(([isEnabled, values]): ListRule => ({ ruleType, isEnabled, values })),
          ),
        ),
      );

  it('reads as what it was made of', () => {
    fc.assert(
      fc.property(
        windowRules,
        listRules(ALLOWLIST_RULE_TYPES),
        listRules(DENYLIST_RULE_TYPES),
        (windows, allowed, denied) => {
          const made = {
            name: 'a',
            timeWindowRules: windows,
            allowlistRules: allowed,
            denylistRules: denied,
          };
          const { group } = readGroup('a', shown(made));
          // What says nothing is not kept; what is kept stays as it is for ever.
          assert.ok(group !== null);
          assert.deepEqual(readGroup('a', JSON.parse(JSON.stringify(shown(group)))).group, group);
          assert.deepEqual(
            group.timeWindowRules,
            windows.filter(
              (r) =>
                r.isEnabled || r.minThreshold + r.maxThreshold > 0 || r.timeWindowSize !== 'PT15M',
            ),
          );
          assert.deepEqual(
            group.allowlistRules,
            allowed.filter((r) => r.isEnabled || r.values.length > 0),
          );
          assert.deepEqual(group.denylistRules, denied);
        },
      ),
    );
  });
});
