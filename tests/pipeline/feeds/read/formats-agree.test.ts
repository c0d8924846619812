// The same indicators, written as every kind of document by a few lines here, come out the same from all of them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bogonOverlap } from '../../../../shared/domain/address/bogon.ts';
import { formatAddress } from '../../../../shared/domain/address/address.ts';
import {
  type Prefix,
  formatPrefix,
  isSingle,
  prefixOf,
} from '../../../../shared/domain/address/prefix.ts';
import { newReport, readFeed } from '../../../../shared/pipeline/feeds/read/read-feed.ts';

interface Indicator {
  readonly prefix: Prefix;
  /** For single addresses; null is any. */
  readonly port: number | null;
}

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const ipv4 = fc
  .tuple(word, fc.oneof(fc.constant(32), fc.integer({ min: 9, max: 31 })))
  .map(([w, bits]) => prefixOf({ family: 4, words: [w, 0, 0, 0] }, bits));
const ipv6 = fc
  .tuple(word, word, word, word, fc.oneof(fc.constant(128), fc.integer({ min: 20, max: 127 })))
  .map(([w0, w1, w2, w3, bits]) =>
    prefixOf({ family: 6, words: [((w0 & 0x1fff_ffff) | 0x2000_0000) >>> 0, w1, w2, w3] }, bits),
  );
const indicator: fc.Arbitrary<Indicator> = fc
  .tuple(fc.oneof(ipv4, ipv6), fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([prefix, port]) => ({ prefix, port: isSingle(prefix) ? port : null }))
  .filter(({ prefix }) => bogonOverlap(prefix) === 'none');

const textOf = ({ prefix }: Indicator) =>
  isSingle(prefix) ? formatAddress(prefix) : formatPrefix(prefix);
const typeOf = ({ prefix }: Indicator) => (prefix.family === 4 ? 'ipv4-addr' : 'ipv6-addr');

/** `a:port` of IPv4, `[a]:port` of IPv6. */
function withPort(one: Indicator): string {
  if (one.port === null) return textOf(one);
  return one.prefix.family === 4 ? `${textOf(one)}:${one.port}` : `[${textOf(one)}]:${one.port}`;
}

function asPattern(one: Indicator): string {
  const test = `network-traffic:dst_ref.value ${isSingle(one.prefix) ? '=' : 'ISSUBSET'} '${textOf(one)}'`;
  return one.port === null
    ? `[${typeOf(one)}:value ${isSingle(one.prefix) ? '=' : 'ISSUBSET'} '${textOf(one)}']`
    : `[${test} AND network-traffic:dst_port = ${one.port}]`;
}

const uuid = (i: number) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;

const DOCUMENTS: Readonly<Record<string, (list: readonly Indicator[]) => string>> = {
  list: (list) => `# a list\n${list.map(withPort).join('\r\n')}\n`,
  'list with columns': (list) => list.map((one) => `${withPort(one)}\t3\tseen # x`).join('\n'),
  'defanged table': (list) =>
    `type,indicator,port\n${list.map((one) => `ip,${textOf(one).replaceAll('.', '[.]')},${one.port ?? ''}`).join('\n')}`,
  'quoted table': (list) =>
    `# banner\n"first_seen","dst_ip","dst_port"\n${list.map((one) => `"2026-08-01", "${textOf(one)}", "${one.port ?? 0}"`).join('\n')}\n# END ${list.length} entries`,
  records: (list) =>
    JSON.stringify({ data: list.map((one) => ({ ip_address: textOf(one), port: one.port })) }),
  'records by line': (list) =>
    list.map((one) => JSON.stringify({ cidr: textOf(one), port: one.port })).join('\n'),
  bundle: (list) =>
    JSON.stringify({
      type: 'bundle',
      objects: list.map((one, i) => ({
        type: 'indicator',
        id: `indicator--${uuid(i)}`,
        pattern: asPattern(one),
        pattern_type: 'stix',
        valid_from: '2026-01-01T00:00:00Z',
      })),
    }),
  'one pattern': (list) =>
    JSON.stringify({
      type: 'bundle',
      objects: [
        {
          type: 'indicator',
          pattern: list.map(asPattern).join(' OR '),
          valid_from: '2026-01-01T00:00:00Z',
        },
      ],
    }),
  event: (list) =>
    JSON.stringify({
      Event: {
        uuid: uuid(0),
        Attribute: list.map((one, i) => ({
          uuid: uuid(i),
          type: one.port === null ? 'ip-src' : 'ip-dst|port',
          value: one.port === null ? textOf(one) : `${textOf(one)}|${one.port}`,
          to_ids: true,
        })),
      },
    }),
};

async function read(
  document: string,
): Promise<{ nets: string[]; refused: number; promised: number | null }> {
  const report = newReport();
  const nets = new Set<string>();
  let refused = 0;
  async function* bytes() {
    yield Buffer.from(document);
  }
  for await (const entries of readFeed(bytes(), null, report)) {
    for (const entry of entries) {
      if (entry.kind === 'refused') refused++;
      else {
        const ports = entry.detail?.constraint?.ports?.join() ?? '';
        for (const net of entry.nets) nets.add(`${formatPrefix(net)} ${ports}`);
      }
    }
  }
  return { nets: [...nets].sort(), refused, promised: report.promised };
}

describe('documents that say the same', () => {
  for (const [kind, write] of Object.entries(DOCUMENTS)) {
    it(`are read the same: ${kind}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(indicator, { minLength: 2, maxLength: 12 }), async (list) => {
          const expected = list.map(({ prefix, port }) => `${formatPrefix(prefix)} ${port ?? ''}`);
          const { nets, refused, promised } = await read(write(list));
          assert.deepEqual(nets, [...new Set(expected)].sort());
          assert.equal(refused, 0);
          if (kind === 'quoted table') assert.equal(promised, list.length);
        }),
        { numRuns: 60 },
      );
    });
  }
});
