import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { MAX_LINE_BYTES } from '../../../shared/format/feed-text/line-cutter.ts';
import { TextFeedReader } from '../../../shared/format/feed-text/text-feed-reader.ts';

// Public addresses: a reader refuses those for documentation.

function read(...chunks: (string | Uint8Array)[]): FeedEntry[] {
  const entries: FeedEntry[] = [];
  const reader = new TextFeedReader((entry) => entries.push(entry));
  for (const chunk of chunks) {
    reader.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
  }
  reader.end();
  return entries;
}

/** Prefixes, or the reason of refusal, or "-" where there is no entry. */
function outcome(line: string): string {
  const [entry] = read(`${line}\n`);
  if (entry === undefined) return '-';
  if (entry.kind === 'refused') return entry.reason;
  const port = entry.detail?.constraint?.ports?.[0];
  return entry.nets.map(formatPrefix).join(' ') + (port === undefined ? '' : ` only ${port}`);
}

describe('a line of a list', () => {
  for (const [line, expected] of [
    ['45.66.64.1', '45.66.64.1/32'],
    ['45.66.64.1\t7', '45.66.64.1/32'],
    ['45.66.64.1 // as seen', '45.66.64.1/32'],
    ['45.66.64.1;SBL1', '45.66.64.1/32'],
    ['45.66.64.1 # caf\xe9 \x00', '45.66.64.1/32'],
    ['45.66.64.1 # see x:45.66.64.5-45.66.64.9', '45.66.64.1/32'],
    ['45.66.64.1, scanner, 2026-08-01', '45.66.64.1/32'],
    ['45.66.64.0/255.255.254.0', '45.66.64.0/23'],
    ['45.66.64.0/255.0.255.0', 'notAnAddress'],
    ['45.66.64.0/0.0.0.255', 'notAnAddress'],
    ['45.66.64.0/0.0.0.0', 'tooBroad'],
    ['45[.]66[.]64[.]1', '45.66.64.1/32'],
    ['45[.]66[.]64[.]0/24', '45.66.64.0/24'],
    ['45.66.64.1:0', 'notAnAddress'],
    ['45.66.64.1:65535', '45.66.64.1/32 only 65535'],
    ['45.66.64.1:65536', 'notAnAddress'],
    ['45.66.64.01:80', 'notAnAddress'],
    ['[2a06:e480::1]', '2a06:e480::1/128'],
    ['[2a06:e480::1]:443', '2a06:e480::1/128 only 443'],
    ['[2a06:e480::1]:', 'notAnAddress'],
    ['[::ffff:45.66.64.1]:443', '45.66.64.1/32 only 443'],
    ['[45.66.64.1]', 'notAnAddress'],
    ['::ffff:45.66.64.77/120', '45.66.64.0/24'],
    ['45.66.64.1-45.66.64.2', '45.66.64.1/32 45.66.64.2/32'],
    ['45.66.64.1-45.66.64.2 # comment', '45.66.64.1/32 45.66.64.2/32'],
    ['45.66.64.1 - 45.66.64.1', '45.66.64.1/32'],
    ['::ffff:45.66.64.0-::ffff:45.66.64.255', '45.66.64.0/24'],
    ['2a06:e480::-2a06:e480::f', '2a06:e480::/124'],
    ['45.66.64.1-2a06:e480::f', 'range'],
    ['45.66.64.9-45.66.64.1', 'range'],
    ['45.66.64.1 - 45.66.64', 'range'],
    ['45.66.64.1-45.66.64', 'notAnAddress'],
    ['45.66.64.1-45.66.64.2x', 'notAnAddress'],
    ['4.0.0.0-5.255.255.255', 'tooBroad'],
    ['9.255.255.254-10.0.0.1', 'bogon'],
    ['10.0.0.0-10.0.0.5', 'bogon'],
    ['045.066.064.001 - 045.066.064.002 , 000 , padded', '45.66.64.1/32 45.66.64.2/32'],
    ['45.66.64.1 - 45.66.64.2 , 100 , not padded', '45.66.64.1/32 45.66.64.2/32'],
    ['2a06:e480::0 - 2a06:e480::1 , 100 , IPv6', '2a06:e480::/127'],
    ['045.066.064.001 - 045.066.064.002', 'notAnAddress'],
    ['045.066.064.001 - 045.066.064.002 , 127 , blocked', '45.66.64.1/32 45.66.64.2/32'],
    ['045.066.064.001 - 045.066.064.002 , 128 , let through', 'allowed'],
    ['Some Org, Inc. caf\xe9: 45.66.64.0-45.66.64.255', 'notAnAddress'],
    ['Some Org, Inc. caf\xe9:45.66.64.0-45.66.64.255', '45.66.64.0/24'],
    ['label: with colon:45.66.64.0 - 45.66.64.255', '45.66.64.0/24'],
    ['label:45.66.64.9-45.66.64.1', 'range'],
    ['label:45.66.64.9-45.66.64', 'notAnAddress'],
    ['evil.example.com # at:45.66.64.0-45.66.64.255', 'domain'],
    ['45.66.64.1 label:45.66.64.0-45.66.64.255', 'ambiguous'],
    ['45.66.64.1 45.66.64.2', 'ambiguous'],
    ['45.66.64.1,45.66.64.2', 'ambiguous'],
    ['45.66.64.1\t45.66.64.0/24', 'ambiguous'],
    ['45.66.64.1 45.66.64.2:80', 'ambiguous'],
    ['evil.example.com', 'domain'],
    ['evil.example.com:8080', 'domain'],
    ['evil.example.com/path', 'url'],
    ['/path', 'url'],
    ['45.66.64.1/x.sh', 'url'],
    ['45.66.64.1:80/x.sh', 'url'],
    ['https://45.66.64.1/', 'url'],
    ['localhost', 'notAnAddress'],
    ['example', 'notAnAddress'],
    [',45.66.64.1', 'notAnAddress'],
    ['\xa045.66.64.1', 'encoding'],
    ['45.66.64.1\x01', 'encoding'],
    ['45.66.64.1\r', '45.66.64.1/32'],
    ['45.66.64.1\r\r', 'encoding'],
    ['// comment', '-'],
    ['/', 'notAnAddress'],
    [' \t # comment', '-'],
    [';comment', '-'],
    [' \t\r', '-'],
  ] as const) {
    it(`${JSON.stringify(line)}: ${expected}`, () => assert.equal(outcome(line), expected));
  }
});

describe('an address alone on a line', () => {
  it('is read or refused as a strict parser does', () => {
    const near = fc
      .array(fc.constantFrom('0', '00', '1', '9', '25', '255', '256', '.', '..'), { maxLength: 9 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV4()), (text) => {
        fc.pre(text !== '');
        const accepted = read(text).some((e) => e.kind === 'indicator' || e.reason === 'bogon');
        assert.equal(accepted, parseAddress(text) !== null, text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('lines', () => {
  it('count from one, with those that hold no entry', () => {
    const lines = read('# head\n\n45.66.64.1\r\n\r\n45.66.64.2').map((entry) => entry.line);
    assert.deepEqual(lines, [3, 5]);
  });

  it('are the same in any chunks, even in single bytes', () => {
    const line = fc.constantFrom(
      '45.66.64.1',
      '45.66.64.0/24',
      '',
      '# c',
      ' x ',
      'a'.repeat(5000),
      '\r',
      '2a06:e480::1',
    );
    const list = fc
      .tuple(fc.array(line), fc.constantFrom('\n', '\r\n'))
      .map(([l, end]) => Buffer.from(`\ufeff${l.join(end)}`));
    fc.assert(
      fc.property(
        list,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (bytes, sizes) => {
          const chunks: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length]!;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          assert.deepEqual(read(...chunks), read(bytes));
        },
      ),
    );
  });

  it('lose a byte order mark in front of the first only', () => {
    const [first, second] = read('\xef\xbb\xbf45.66.64.1\n\xef\xbb\xbf45.66.64.2\n');
    assert.equal(first?.kind, 'indicator');
    assert.equal(second?.kind === 'refused' && second.reason, 'encoding');
  });

  it('may be as long as the cap and no longer, and the next one is read', () => {
    const entry = '45.66.64.1 ';
    const atCap = entry + 'x'.repeat(MAX_LINE_BYTES - entry.length);
    const kinds = (...chunks: string[]) =>
      read(...chunks).map((e) => (e.kind === 'refused' ? e.reason : e.line));
    assert.deepEqual(kinds(`${atCap}\n45.66.64.2`), [1, 2]);
    assert.deepEqual(kinds(`${atCap}x\n45.66.64.2`), ['tooLong', 2]);
    assert.deepEqual(kinds(atCap, 'x', 'x\n', '45.66.64.2\n'), ['tooLong', 2]);
    assert.deepEqual(kinds(`# ${atCap}\n45.66.64.2`), [2]);
  });
});

describe('the text of a refused line', () => {
  const textOf = (line: string) => {
    const [entry] = read(line);
    assert.equal(entry?.kind, 'refused');
    return entry.text;
  };

  it('is trimmed, printable and at most 80 characters long', () => {
    assert.equal(textOf('  bad\x1b[31m\xff entry\t'), 'bad\\x1b[31m\\xff entry');
    assert.equal(textOf('x'.repeat(5000)), 'x'.repeat(80));
    assert.equal(textOf('\x00'.repeat(79)).length, 80);
  });

  it('is so for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        for (const entry of read(bytes)) {
          if (entry.kind === 'refused') assert.match(entry.text, /^[\x20-\x7e]{1,80}$/);
        }
      }),
    );
  });
});
