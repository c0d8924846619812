import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UsageError } from '../../../local/commands/command.ts';
import { command as build } from '../../../local/commands/index-build.ts';
import { command as lookup } from '../../../local/commands/index-lookup.ts';
import { command as stat } from '../../../local/commands/index-stat.ts';
import { runCommand } from './run-command.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'index-'));
});
after(() => rm(dir, { recursive: true }));
beforeEach(async () => {
  await rm(join(dir, 'feeds'), { recursive: true, force: true });
  await mkdir(join(dir, 'feeds', 'folder'), { recursive: true });
  const files = {
    'addresses.txt': '45.66.64.1\n45.66.64.2\n2a06:e480::1\n10.0.0.1\n',
    'addresses.netset': gzipSync('45.66.64.0/24\n45.66.64.1\n2a06:e480::/32\n45.66.65.1:8080\n'),
    'bundle.json': '{"answer":42}',
    'resolvers.json': '{"name":"Resolvers","type":"cidr","list":["45.66.64.2"]}',
    'names.txt': 'evil.example.com\nbad.example.com\n',
    'cut.gz': gzipSync('45.66.64.9\n').subarray(0, 20),
    '.hidden': '45.66.64.77\n',
    'folder/inside.txt': '45.66.64.78\n',
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(dir, 'feeds', name), content);
});

const run = (command: typeof build, args: string[], stdin?: string | Uint8Array) =>
  runCommand(command, args, stdin === undefined ? { cwd: dir } : { cwd: dir, stdin });

describe('threadwatch index build', () => {
  it('builds one snapshot of all readable feeds and names the files that it skipped', async () => {
    const { code, stderr, records } = await run(build, ['feeds', '-o', 'out.idx', '--json']);
    assert.equal(code, 0);
    assert.deepEqual(
      stderr.split('\n').map((line) => line.split(':')[0]),
      ['skipped bundle.json', 'skipped cut.gz', 'skipped names.txt', ''],
    );
    const bytes = await readFile(join(dir, 'out.idx'));
    assert.deepEqual(records, [
      {
        record: 'feed',
        name: 'addresses.netset',
        kind: 'threat',
        format: 'netset',
        entries: 4,
        indicators: 4,
        duplicates: 0,
        constrained: 1,
        refused: { bogon: 0 },
      },
      {
        record: 'feed',
        name: 'addresses.txt',
        kind: 'threat',
        format: 'plain',
        entries: 4,
        indicators: 3,
        duplicates: 0,
        constrained: 0,
        refused: { bogon: 1 },
      },
      {
        record: 'feed',
        name: 'resolvers.json',
        kind: 'warningList',
        format: 'warninglist',
        entries: 1,
        indicators: 1,
        duplicates: 0,
        constrained: 0,
        refused: { bogon: 0 },
      },
      {
        record: 'skipped',
        file: 'bundle.json',
        reason: 'it is JSON of an unknown shape, with the members answer',
      },
      { record: 'skipped', file: 'cut.gz', reason: 'it does not unpack: unexpected end of file' },
      { record: 'skipped', file: 'names.txt', reason: 'none of its 2 entries is an indicator' },
      {
        record: 'snapshot',
        file: 'out.idx',
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    ]);
  });

  it('says so in words, with what it left out', async () => {
    const { stdout } = await run(build, ['feeds', '--output', 'out.idx']);
    assert.match(stdout, /^addresses\.netset: netset, 4 indicators, 4 in force, 0 refused\n/);
    assert.match(stdout, /addresses\.txt: plain, 3 indicators, 3 in force, 1 refused\n/);
    assert.match(stdout, /out\.idx: \d+ bytes, sha256 [0-9a-f]{64}\n$/);
  });

  it('gives the same bytes each time, and leaves nothing else behind', async () => {
    await run(build, ['feeds', '-o', 'one.idx']);
    await run(build, ['feeds', '-o', 'two.idx']);
    assert.deepEqual(await readFile(join(dir, 'one.idx')), await readFile(join(dir, 'two.idx')));
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('shows its progress to someone who watches only', async () => {
    const watched = await runCommand(
      {
        ...build,
        run: (args, io) =>
          build.run(args, { ...io, stderr: Object.assign(io.stderr, { isTTY: true }) }),
      },
      ['feeds', '-o', 'out.idx'],
      { cwd: dir },
    );
    assert.match(watched.stderr, /reading addresses\.txt/);
    const unwatched = await run(build, ['feeds', '-o', 'out.idx']);
    assert.doesNotMatch(unwatched.stderr, /reading/);
  });

  it('fails where there is no feed, and writes nothing', async () => {
    const { code, stderr } = await run(build, [
      'feeds/folder/../../feeds/folder',
      '-o',
      'none.idx',
    ]);
    assert.equal(code, 0, stderr);
    await rm(join(dir, 'feeds', 'folder', 'inside.txt'));
    const empty = await run(build, ['feeds/folder', '-o', 'never.idx']);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /holds no feed/);
    await assert.rejects(readFile(join(dir, 'never.idx')), { code: 'ENOENT' });
  });

  it('keeps the old file when it cannot write the new one', async () => {
    await mkdir(join(dir, 'a-folder.idx'), { recursive: true });
    await assert.rejects(run(build, ['feeds', '-o', 'a-folder.idx']));
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.endsWith('.tmp')),
      [],
    );
    await assert.rejects(run(build, ['no-such-folder', '-o', 'out.idx']), { code: 'ENOENT' });
  });

  for (const args of [[], ['feeds'], ['feeds', 'more', '-o', 'x']]) {
    it(`is refused without all it needs: index build ${args.join(' ')}`, () =>
      assert.rejects(run(build, args), UsageError));
  }
});

describe('threadwatch index lookup', () => {
  beforeEach(async () => void (await run(build, ['feeds', '-o', 'out.idx'])));

  it('explains each address, listed or not', async () => {
    const { code, records } = await run(lookup, [
      'out.idx',
      '45.66.64.1',
      '45.66.65.1',
      '2a06:e480::7',
      '45.66.65.2',
      '--json',
    ]);
    assert.equal(code, 0);
    const [listed, free, inside, unlisted] = records;
    assert.deepEqual(
      [listed.record, listed.address, listed.listed],
      ['lookup', '45.66.64.1', true],
    );
    assert.deepEqual(
      listed.indicators.map((i: any) => [i.feed, i.matchedPrefix, i.value]),
      [
        ['addresses.netset', '45.66.64.1/32', '45.66.64.1'],
        ['addresses.txt', '45.66.64.1/32', '45.66.64.1'],
        ['addresses.netset', '45.66.64.0/24', '45.66.64.0/24'],
      ],
    );
    assert.deepEqual(
      [free.address, free.listed, free.indicators.map((i: any) => i.constraint)],
      ['45.66.65.1', true, [{ ports: [8080], direction: null, protocol: null }]],
    );
    assert.deepEqual(
      inside.indicators.map((i: any) => i.matchedPrefix),
      ['2a06:e480::/32'],
    );
    assert.deepEqual(unlisted, {
      record: 'lookup',
      address: '45.66.65.2',
      listed: false,
      indicators: [],
      warningLists: [],
    });
  });

  it('says so in words', async () => {
    const { stdout } = await run(lookup, ['out.idx', '45.66.64.2', '45.66.65.1', '8.8.8.8']);
    assert.equal(
      stdout,
      '45.66.64.2: listed\n  addresses.txt  45.66.64.2/32\n  addresses.netset  45.66.64.0/24\n  on the warning list resolvers.json  45.66.64.2/32\n' +
        '45.66.65.1: listed\n  addresses.netset  45.66.65.1/32  only port 8080\n8.8.8.8: not listed\n',
    );
  });

  it('takes an IPv4-mapped address as IPv4, and addresses or the snapshot from stdin', async () => {
    const { records } = await run(
      lookup,
      ['out.idx', '-', '::ffff:45.66.64.2', '--json'],
      '2A06:E480:0::1\n 45.66.64.9 ',
    );
    assert.deepEqual(
      records.map((r) => [r.address, r.listed]),
      [
        ['2a06:e480::1', true],
        ['45.66.64.9', true],
        ['45.66.64.2', true],
      ],
    );
    const piped = await run(
      lookup,
      ['-', '45.66.64.2', '--json'],
      await readFile(join(dir, 'out.idx')),
    );
    assert.equal(piped.records[0].indicators.length, 2);
  });

  it('names an address that is none, before it prints anything', async () => {
    await assert.rejects(run(lookup, ['out.idx', '45.66.64.1', '45.66.64']), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /"45\.66\.64" is not an IPv4 or IPv6 address/);
      return true;
    });
  });

  for (const args of [[], ['out.idx'], ['-', '-']]) {
    it(`is refused without all it needs: index lookup ${args.join(' ')}`, () =>
      assert.rejects(run(lookup, args), UsageError));
  }

  it('fails on a file that is no snapshot', async () => {
    await assert.rejects(run(lookup, ['feeds/addresses.txt', '1.1.1.1']), { code: 'foreign' });
  });
});

describe('threadwatch index stat', () => {
  beforeEach(async () => void (await run(build, ['feeds', '-o', 'out.idx'])));

  it('counts what is in a snapshot', async () => {
    const { code, records } = await run(stat, ['out.idx', '--json']);
    assert.equal(code, 0);
    const [{ sections, bytes, ...rest }] = records;
    assert.equal(bytes, (await readFile(join(dir, 'out.idx'))).length);
    assert.equal(sections.ipv4Addresses, 48);
    assert.deepEqual(rest, {
      record: 'stat',
      version: 3,
      ipv4Addresses: 3,
      ipv4Prefixes: 1,
      ipv6Addresses: 1,
      ipv6Prefixes: 1,
      feeds: [
        { name: 'addresses.netset', kind: 'threat', indicators: 4 },
        { name: 'addresses.txt', kind: 'threat', indicators: 3 },
      ],
      warningLists: [{ name: 'resolvers.json', kind: 'warningList', indicators: 1 }],
    });
  });

  it('says so in words, from stdin too', async () => {
    const { stdout } = await run(stat, ['-'], await readFile(join(dir, 'out.idx')));
    assert.match(
      stdout,
      /^version 3, \d+ bytes\nIPv4: 3 addresses, 1 prefixes\nIPv6: 1 addresses, 1 prefixes\nfeeds:\n {2}addresses\.netset: 4 indicators\n/,
    );
    assert.match(stdout, / {2}ipv4Addresses: 48 bytes\n/);
  });

  it('fails on a damaged snapshot', async () => {
    const bytes = await readFile(join(dir, 'out.idx'));
    await assert.rejects(run(stat, ['-'], bytes.subarray(0, -1)), { code: 'truncated' });
    bytes[bytes.length - 1]! ^= 1;
    await assert.rejects(run(stat, ['-'], bytes), { code: 'corrupt' });
  });

  for (const args of [[], ['a', 'b']]) {
    it(`is refused without one file: index stat ${args.join(' ')}`, () =>
      assert.rejects(run(stat, args), UsageError));
  }
});
