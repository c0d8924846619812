import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { UsageError } from '../../../local/commands/command.ts';
import { command } from '../../../local/commands/feeds-parse.ts';
import { runCommand } from './run-command.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'feeds-parse-'));
});
after(() => rm(dir, { recursive: true }));

const parse = (args: string[], stdin?: string | Uint8Array) =>
  runCommand(command, args, stdin === undefined ? { cwd: dir } : { cwd: dir, stdin });

const LIST = `# a list
45.66.64.0/24
10.0.0.0/8
45.66.64.9-45.66.64.10
45.66.65.1:8080
45.66.64.0/255.255.255.0
`;

describe('threadwatch feeds parse --json', () => {
  it('prints each entry in file order, then a summary', async () => {
    await writeFile(join(dir, 'list.netset'), LIST);
    const { code, records, stderr } = await parse(['list.netset', '--json']);
    const common = {
      state: 'active',
      id: null,
      validFrom: null,
      validUntil: null,
      confidence: null,
      labels: [],
      tlp: null,
    };
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.deepEqual(records, [
      { record: 'indicator', nets: ['45.66.64.0/24'], line: 2, constraint: null, ...common },
      { record: 'refused', reason: 'bogon', line: 3, id: null, text: '10.0.0.0/8' },
      {
        record: 'indicator',
        nets: ['45.66.64.9/32', '45.66.64.10/32'],
        line: 4,
        constraint: null,
        ...common,
      },
      {
        record: 'indicator',
        nets: ['45.66.65.1/32'],
        line: 5,
        constraint: { ports: [8080], direction: null, protocol: null },
        ...common,
      },
      { record: 'indicator', nets: ['45.66.64.0/24'], line: 6, constraint: null, ...common },
      {
        record: 'summary',
        format: 'ranges',
        entries: 5,
        indicators: 4,
        active: 4,
        duplicates: 1,
        constrained: 1,
        refused: { bogon: 1 },
        refusedParts: {},
      },
    ]);
  });

  for (const [format, list] of [
    ['plain', '45.66.64.1\n45.66.64.2\n'],
    ['netset', '45.66.64.1\n45.66.64.0/24\n'],
    ['ranges', '45.66.64.1\n45.66.64.1-45.66.64.2\n'],
    ['ranges', '045.066.064.000 - 045.066.064.255 , 000 , one prefix\n'],
    ['csv', 'ip,category\n45.66.64.1,abuse\n'],
    ['jsonl', '{"cidr":"45.66.64.0/24"}\n{"cidr":"45.66.65.0/24"}\n'],
    ['json', '[{"ip_address":"45.66.64.1","port":443}]'],
    ['stix', '{"type":"bundle","id":"bundle--1","objects":[]}'],
    ['misp', '{"Event":{"uuid":"6c1c6c4f-5cde-474f-bb69-8e5b8b041f81","Attribute":[]}}'],
    ['warninglist', '{"name":"x","type":"cidr","version":1,"list":["10.0.0.0/8"]}'],
    ['misp-manifest', '{"6c1c6c4f-5cde-474f-bb69-8e5b8b041f81":{"info":"x","timestamp":1}}'],
  ] as const) {
    it(`calls a document by what it holds: ${format}: ${list.slice(0, 30)}`, async () => {
      const { records } = await parse(['-', '--json'], list);
      assert.equal(records.at(-1).format, format);
    });
  }

  it('opens gzip and zstd whatever the file is called, and stdin', async () => {
    const plain = (await parse(['-', '--json'], LIST)).stdout;
    for (const packed of [gzipSync(LIST), zstdCompressSync(LIST)]) {
      await writeFile(join(dir, 'packed.txt'), packed);
      assert.equal((await parse(['packed.txt', '--json'])).stdout, plain);
      assert.equal((await parse(['-', '--json'], packed)).stdout, plain);
    }
  });

  it('counts what stands twice, in whatever spelling, and not what differs in its port', async () => {
    const { records } = await parse(
      ['-', '--json'],
      '45.66.64.1\n45.66.64.1/32\n::ffff:45.66.64.1\n45.66.64.1:80\n45.66.64.1:81\n45.66.64.1:80\n2a06::1\n2A06:0::1\n',
    );
    const { duplicates, constrained, indicators } = records.at(-1);
    assert.deepEqual([duplicates, constrained, indicators], [4, 3, 8]);
  });

  it('reads a file of no entries', async () => {
    const { code, records } = await parse(['-', '--json'], '');
    assert.equal(code, 0);
    assert.deepEqual(records, [
      {
        record: 'summary',
        format: 'plain',
        entries: 0,
        indicators: 0,
        active: 0,
        duplicates: 0,
        constrained: 0,
        refused: { bogon: 0 },
        refusedParts: {},
      },
    ]);
  });

  it('prints a long list whole', async () => {
    const list = Array.from(
      { length: 30_000 },
      (_, i) => `45.${66 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
    );
    await writeFile(join(dir, 'long.txt'), list.join('\n'));
    const { records } = await parse(['long.txt', '--json']);
    assert.equal(records.length, 30_001);
    assert.equal(records.at(-1).indicators, 30_000);
    assert.deepEqual(records[29_999].nets, [`${list[29_999]}/32`]);
  });
});

describe('threadwatch feeds parse', () => {
  it('says in words what a list holds', async () => {
    await writeFile(join(dir, 'list.netset'), LIST);
    const { code, stdout } = await parse(['list.netset', '--at', '2026-08-23']);
    assert.equal(code, 0);
    assert.equal(
      stdout,
      'list.netset: 5 entries, read as ranges\n' +
        '4 indicators: 4 active, 1 duplicates, 1 with a port, direction or protocol\n' +
        '1 refused: bogon 1\n' +
        '  line 3  bogon  10.0.0.0/8\n',
    );
  });

  it('shows some of many refused entries and says how many there are', async () => {
    const { stdout } = await parse(['-'], 'nonsense\n'.repeat(25));
    assert.equal(stdout.match(/ {2}line \d+ {2}notAnAddress {2}nonsense\n/g)?.length, 10);
    assert.match(stdout, /25 refused: notAnAddress 25\n/);
    assert.match(stdout, /and 15 more; --json prints all/);
  });

  it('says that nothing was refused', async () => {
    assert.match(
      (await parse(['-'], '45.66.64.1\n')).stdout,
      /^stdin: 1 entries.*\n.*\nnothing refused\n$/,
    );
  });
});

describe('a file that is no list', () => {
  for (const [what, content, reason] of [
    ['JSON of another kind', '{"note":"x","exchanges":[]}', /members note, exchanges/],
    ['STIX 1', '{"id":"Talos:STIXPackage-1","stix_header":{}}', /STIX 1/],
    ['JSON that breaks off', '{"type":"bundle","objects":[{"type"', /the JSON breaks/],
    ['a table with an open quote', 'ip,category\n"45.66.64.1,abuse\n', /the table breaks/],
    ['an error page', '<html>429 2.1.5.1</html>', /HTML/],
    ['an archive', 'PK\x03\x04', /ZIP/],
    ['UTF-16', '\xff\xfe4\x005\x00', /UTF-16/],
  ] as const) {
    it(`is refused: ${what}`, async () => {
      for (const json of [[], ['--json']]) {
        const { code, stdout, stderr } = await parse(
          ['-', ...json],
          Buffer.from(content, 'latin1'),
        );
        assert.equal(code, 1);
        assert.equal(stdout, '');
        assert.match(stderr, reason);
      }
    });
  }

  it('is read as what --format says', async () => {
    const { code, records } = await parse(
      ['-', '--format', 'netset', '--json'],
      'ip,category\n45.66.64.1,abuse\n',
    );
    assert.equal(code, 0);
    assert.deepEqual(
      records.map((r) => r.reason ?? r.nets?.[0] ?? r.format),
      ['notAnAddress', '45.66.64.1/32', 'netset'],
    );
  });

  it('fails if its packing is cut short', async () => {
    const cut = gzipSync(LIST).subarray(0, 40);
    const { code, stderr } = await parse(['-', '--json'], cut);
    assert.equal(code, 1);
    assert.match(stderr, /does not unpack: unexpected end of file/);
  });

  it('fails if it is not there', async () => {
    await assert.rejects(parse(['missing.txt']), { code: 'ENOENT' });
  });
});

describe('a command line that cannot be understood', () => {
  for (const args of [[], ['a', 'b'], ['a', '--format', 'taxii'], ['a', '--at', 'yesterday']]) {
    it(`is refused: feeds parse ${args.join(' ')}`, () => assert.rejects(parse(args), UsageError));
  }

  it('is refused with an unknown option', () =>
    assert.rejects(parse(['a', '--fast']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' }));
});
