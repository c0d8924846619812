import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Command } from '../../../local/commands/command.ts';
import { command as apply } from '../../../local/commands/groups-apply.ts';
import { command as exportGroups } from '../../../local/commands/groups-export.ts';
import { command as list } from '../../../local/commands/groups-list.ts';
import { groupPath } from '../../../local/groups/group-path.ts';
import type { SecurityGroup } from '../../../shared/domain/security-group/security-group.ts';
import { groupResource } from '../../../shared/format/security-group/group-resource.ts';
import { readGroup } from '../../../shared/format/security-group/read-group.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { runCommand } from './run-command.ts';

let api: FakeApi;
let cwd: string;
before(async () => {
  api = await FakeApi.start();
  cwd = await mkdtemp(join(tmpdir(), 'threadwatch-groups-'));
});
after(async () => {
  await api.stop();
  await rm(cwd, { recursive: true });
});
beforeEach(() => api.clear());

const run = async (command: Command, args: readonly string[], stdin: unknown = '') =>
  runCommand(command, [...args, '--url', api.url], {
    cwd,
    stdin: typeof stdin === 'string' ? stdin : JSON.stringify(stdin),
  });
const calls = () => api.asked.map(({ call }) => call);
const at = (name: string | null) => `/api/${groupPath(name)}`;

const window = (more: object = {}) => ({
  ruleType: 'ActiveConnectionsNotInAllowedRange',
  isEnabled: true,
  minThreshold: 2,
  maxThreshold: 14,
  timeWindowSize: 'PT05M',
  ...more,
});
const allow = (...allowlistValues: string[]) => ({
  ruleType: 'ConnectionToIpNotAllowed',
  isEnabled: true,
  allowlistValues,
});
const file = (name: string, timeWindowRules: object[] = [], allowlistRules: object[] = []) => ({
  name,
  properties: { timeWindowRules, allowlistRules },
});
/** What the API has. */
const present = (...files: { name: string }[]) => {
  const value = files.map((one, i) => {
    const group = readGroup(one.name, one).group as SecurityGroup;
    return groupResource(group, '/hub', `"${i + 1}"`);
  });
  api.on(`GET ${at(null)}`, { body: { value } });
  return value;
};
const takes = (name: string) => {
  api.on(`PUT ${at(name)}`, { status: 201, body: {} });
  api.on(`DELETE ${at(name)}`, { status: 200, text: '' });
};

describe('groups list', () => {
  it('shows the rules that are set, and what their figures come from', async () => {
    const value = present(
      file(
        'cameras',
        [window(), window({ ruleType: 'FileUploadsNotInAllowedRange', isEnabled: false })],
        [allow('::1')],
      ),
      file('empty'),
      file(
        'meters',
        [window({ ruleType: 'TwinUpdatesNotInAllowedRange' })],
        [{ ...allow('root', 'me'), ruleType: 'LocalUserNotAllowed' }],
      ),
    );
    const { stdout } = await run(list, []);
    assert.deepEqual(
      stdout.split('\n').map((line) => line.split(/ {2,}/).join(' | ')),
      [
        'GROUP | RULE | STATE | SETTING | SOURCE',
        'cameras | ActiveConnectionsNotInAllowedRange | enabled | 2 to 14 in PT05M | connections of the agent',
        'cameras | FileUploadsNotInAllowedRange | disabled | 2 to 14 in PT05M | none yet: not judged',
        'cameras | ConnectionToIpNotAllowed | enabled | 1 value | connections of the agent',
        'empty | - | - | - | -',
        'meters | TwinUpdatesNotInAllowedRange | enabled | 2 to 14 in PT05M | twin events of the hub',
        'meters | LocalUserNotAllowed | enabled | 2 values | none: not judged',
        '',
      ],
    );
    const { records } = await run(list, ['--json']);
    assert.deepEqual(
      records,
      value.map((one) => ({ record: 'group', ...one })),
    );
    present();
    assert.equal((await run(list, [])).stdout, 'there are no security groups\n');
  });

  it('does not guess at rules of a later version', async () => {
    const [resource] = present(file('a'));
    const properties = { timeWindowRules: [window({ ruleType: 'Later' })] };
    api.on(`GET ${at(null)}`, { body: { value: [{ ...resource, properties }] } });
    await assert.rejects(run(list, []), /the group a is not understood: .*Later/);
  });
});

describe('groups apply', () => {
  const wanted = [
    file('Cameras', [window({ maxThreshold: 15 })], [allow('::1', '::3', '::4', '::5', '::6')]),
    file('new one', [], [{ ...allow('init'), ruleType: 'ProcessNotAllowed' }]),
    file('same', [window()], [allow('::2', '::1')]),
  ];
  beforeEach(() => {
    present(
      file('cameras', [window()], [allow('::1', '::2')]),
      file('other'),
      file('same', [window()], [allow('::1', '::2')]),
    );
    for (const name of ['cameras', 'new one', 'other']) takes(name);
  });
  const plan = [
    'change cameras',
    '  ActiveConnectionsNotInAllowedRange: enabled, 2 to 15 in PT05M (was enabled, 2 to 14 in PT05M)',
    '  ConnectionToIpNotAllowed: enabled, 5 values (was enabled, 2 values); +::3 +::4 +::5 and 1 more; -::2',
    'create new one',
    '  ProcessNotAllowed: enabled, 1 value',
    '  note: ProcessNotAllowed is enabled but has no source: it is stored, not judged',
    '',
  ].join('\n');

  it('shows what differs, then creates and changes that, and touches nothing else', async () => {
    const { code, stdout } = await run(apply, ['-'], wanted);
    assert.deepEqual([code, stdout], [0, plan]);
    assert.deepEqual(calls().slice(1), [`PUT ${at('cameras')}`, `PUT ${at('new one')}`]);
    const [, change, create] = api.asked;
    assert.equal(change!.headers['if-match'], '"1"');
    assert.equal(create!.headers['if-none-match'], '*');
    assert.deepEqual(change!.body.properties.timeWindowRules, [window({ maxThreshold: 15 })]);
  });

  it('only shows it where it is told to', async () => {
    const { stdout } = await run(apply, ['-', '--dry-run', '--prune'], wanted);
    assert.equal(stdout, `${plan}delete other\n`);
    const { records } = await run(apply, ['-', '--dry-run', '--json'], wanted);
    assert.deepEqual(
      records.map(({ record, action, group, changes, notes }) => [
        record,
        action,
        group,
        changes.length,
        notes.length,
      ]),
      [
        ['step', 'change', 'cameras', 2, 0],
        ['step', 'create', 'new one', 1, 1],
      ],
    );
    assert.ok(calls().every((call) => call.startsWith('GET ')));
  });

  it('deletes what no file names where it is told to', async () => {
    await run(apply, ['-', '--prune'], wanted);
    assert.equal(calls().at(-1), `DELETE ${at('other')}`);
    assert.equal(api.asked.at(-1)!.headers['if-match'], '"2"');
  });

  it('does nothing where nothing differs', async () => {
    const same = file('SAME', [window()], [allow('::1', '::2')]);
    for (const given of [same, [same], { value: [same] }, `\uFEFF${JSON.stringify(same)}`]) {
      const { stdout } = await run(apply, ['-'], given);
      assert.equal(stdout, 'the security groups are as they should be\n');
    }
    assert.ok(calls().every((call) => call.startsWith('GET ')));
  });

  it('takes a rule away that the file does not have', async () => {
    const { stdout } = await run(apply, ['-'], file('cameras', [window()]));
    assert.equal(stdout, 'change cameras\n  ConnectionToIpNotAllowed: no longer set\n');
  });

  it('takes the name from the id where there is none', async () => {
    const id = '/subscriptions/s/providers/Microsoft.Security/deviceSecurityGroups/new one';
    const { stdout } = await run(apply, ['-'], { id, properties: {} });
    assert.equal(stdout, 'create new one\n');
  });

  it('reads a file, or a folder of files', async () => {
    await mkdir(join(cwd, 'groups'), { recursive: true });
    await writeFile(join(cwd, 'groups', 'b.json'), JSON.stringify(wanted[0]));
    await writeFile(join(cwd, 'groups', 'a.json'), JSON.stringify({ value: wanted.slice(1) }));
    await writeFile(join(cwd, 'groups', 'README.md'), 'not one');
    assert.equal((await run(apply, ['groups'])).stdout, plan);
    assert.match((await run(apply, ['groups/b.json'])).stdout, /^change cameras\n/);
  });

  it('refuses files with mistakes before anything is asked, and names all of them', async () => {
    const wrong = {
      value: [
        file('a', [window({ maxThreshold: 1 })]),
        file('b', [], [allow('10.0.0.0/33')]),
        { properties: {} },
        file('C'),
        file('c'),
        file('d\u001b[2J'),
      ],
    };
    await assert.rejects(run(apply, ['-'], wrong), (error: Error) => {
      assert.deepEqual(error.message.split('\n'), [
        'stdin: a: properties.timeWindowRules[0].maxThreshold: a number from minThreshold (2) on was expected, found 1',
        'stdin: b: properties.allowlistRules[0].allowlistValues[0]: an IPv4 or IPv6 address or network in CIDR notation was expected, found "10.0.0.0/33"',
        'stdin: group 3: name: a name was expected',
        'stdin: c stands in stdin already',
        'stdin: d\\x1b[2J: name: a name has no / \\ ? # % and no control character; "\\u001b" was found',
      ]);
      return true;
    });
    for (const [text, reason] of [
      ['', /stdin is not JSON/],
      ['5', /a security group was expected/],
      ['{}', /a security group was expected/],
      ['[5]', /group 1: name: .*\n.*"properties"/],
    ] as const) {
      await assert.rejects(run(apply, ['-'], text), { message: reason });
    }
    await mkdir(join(cwd, 'none'), { recursive: true });
    await assert.rejects(run(apply, ['none', '--prune']), /has no \*\.json/);
    await assert.rejects(run(apply, ['missing']), { code: 'ENOENT' });
    assert.deepEqual(calls(), []);
  });

  it('does not take one page of a list for all of it', async () => {
    const page = {
      value: [file('same', [window()], [allow('::1', '::2')])],
      nextLink: 'https://management.azure.com/…',
    };
    await assert.rejects(run(apply, ['-', '--prune'], page), /nextLink/);
    assert.equal((await run(apply, ['-'], page)).code, 0);
    assert.equal(
      (await run(apply, ['-', '--prune', '--dry-run'], { ...page, nextLink: null })).code,
      0,
    );
  });

  it('stops where a group was changed by somebody else, or is refused', async () => {
    api.refuse(`PUT ${at('cameras')}`, 412, 'PreconditionFailed', 'the group is another');
    await assert.rejects(
      run(apply, ['-'], wanted),
      /^Error: cameras: somebody else changed it; apply again$/,
    );
    const target = 'properties.x';
    api.on(`PUT ${at('cameras')}`, {
      status: 400,
      body: {
        error: {
          code: 'InvalidRequest',
          message: `${target}: no (and 1 more: see details)`,
          details: [
            { code: 'InvalidValue', message: 'no', target },
            { code: 'InvalidValue', message: 'nor this', target: 'properties.y' },
          ],
        },
      },
    });
    await assert.rejects(
      run(apply, ['-'], wanted),
      /cameras: properties\.x: no \(and 1 more: see details\): properties\.y: nor this$/,
    );
  });

  it('is refused where the arguments are not understood', async () => {
    for (const args of [[], ['a', 'b']]) {
      await assert.rejects(run(apply, args), { code: 'USAGE' });
    }
    await assert.rejects(run(exportGroups, ['a', 'b']), { code: 'USAGE' });
  });
});

describe('groups export', () => {
  const files = [
    file('Cameras', [window()], [allow('::1')]),
    file('o & h'),
    file('水'.repeat(200)),
  ];

  it('prints all groups as one list, with what was set and nothing else', async () => {
    present(...files);
    const { stdout } = await run(exportGroups, []);
    const { value } = JSON.parse(stdout) as { value: { name: string; properties: object }[] };
    assert.deepEqual(value[0], {
      name: 'Cameras',
      type: 'Microsoft.Security/deviceSecurityGroups',
      properties: {
        thresholdRules: [],
        timeWindowRules: [window()],
        allowlistRules: [allow('::1')],
        denylistRules: [],
      },
    });
    assert.equal(
      (await run(exportGroups, ['-', '--json'])).stdout,
      `${JSON.stringify({ value })}\n`,
    );
    const again = await run(apply, ['-', '--prune'], stdout);
    assert.equal(again.stdout, 'the security groups are as they should be\n');
  });

  it('writes a file a group, which apply finds as it should be', async () => {
    present(...files);
    const { stdout } = await run(exportGroups, ['out/groups']);
    const names = (await readdir(join(cwd, 'out', 'groups'))).sort();
    assert.deepEqual(
      stdout.trim().split('\n').sort(),
      names.map((name) => join('out', 'groups', name)),
    );
    assert.deepEqual(names.map((name) => name.replace(/[0-9a-f]{8}\.json/, '#')).sort(), [
      `${'_'.repeat(120)}-#`,
      'cameras.json',
      'o___h-#',
    ]);
    const { records } = await run(exportGroups, ['out/groups', '--json']);
    assert.deepEqual(records[0], {
      record: 'file',
      group: 'Cameras',
      file: join('out', 'groups', 'cameras.json'),
    });
    assert.match(
      await readFile(join(cwd, 'out', 'groups', 'cameras.json'), 'utf8'),
      /^\{\n {2}"name": "Cameras",/,
    );
    const again = await run(apply, ['out/groups', '--prune']);
    assert.equal(again.stdout, 'the security groups are as they should be\n');
  });
});
