// The indicator index against sets, a bitmap library and the memory itself: lookups, size, building, opening.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { RoaringBitmap32, roaringLibraryInitialize } from 'roaring-wasm';
import { readFeedFolder } from '../local/feeds/feed-folder.ts';
import { formatIpv4 } from '../shared/domain/address/address.ts';
import { type Prefix, isSingle } from '../shared/domain/address/prefix.ts';
import { ConnectionTable } from '../shared/domain/telemetry/connection-table.ts';
import type { DeviceMessage } from '../shared/domain/telemetry/device-message.ts';
import {
  newMessageFacts,
  readConnections,
} from '../shared/format/device-message/read-connections.ts';
import { buildSnapshot } from '../shared/format/indicator-snapshot/build-snapshot.ts';
import type { SnapshotFeed } from '../shared/format/indicator-snapshot/collect.ts';
import type { IndicatorSnapshot } from '../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../shared/format/indicator-snapshot/open-snapshot.ts';
import { encodeMessage } from '../tests/format/device-message/support/encode-message.ts';
import { messageWith } from './support/device-messages.ts';
import {
  Dice,
  QUERIES,
  addressesOf,
  ipv6Data,
  mixedQueries,
  prefixesOf,
} from './support/lookup-data.ts';
import { SetsByLength, TextSetsByLength } from './support/lookup-peers.ts';

const HELP = `usage: node bench/lookup.ts [FOLDER] [--rounds N]

Looks up 2^20 addresses, 99 % of them not listed, among 1 and 5 million uniform random IPv4 addresses, 50,000 prefixes and
200,000 IPv6 indicators, beside Set, one Set a prefix length and roaring-wasm; every contender must find the same number. Then
what the lists of FOLDER (default: the sample feed) cost, the way from the bytes of a message to its hits, and a dependent
load from 64 MB as the floor. Times are the quietest of N rounds (default 15), medians in brackets: a neighbour on the same
cache only ever adds to them, up to fourfold where an index does not fit into the cache of one core. Ratios are what counts.`;

const SAMPLE = join(import.meta.dirname, '../local/samples/fleet/feed');
const MESSAGES = 4096;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '15' }, help: { type: 'boolean' } },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${values.rounds}: a number from 1`);

type Ask = () => number;

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1]!;
}

/** Milliseconds of the quietest run, and what the last one gave. */
function timed<T>(times: number, run: () => T): { ms: number; result: T } {
  const samples: number[] = [];
  let result!: T;
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    result = run();
    samples.push(performance.now() - started);
  }
  return { ms: Math.min(...samples), result };
}

/**
 * Nanoseconds a query of each contender; all must find as many as the first. One after the other: a structure that was just
 * pushed out of the cache by another is nobody's steady state.
 */
function compare(what: string, contenders: Readonly<Record<string, Ask>>): Record<string, number> {
  const expected = Object.values(contenders)[0]!();
  const samples = Object.entries(contenders).map(([name, ask]) => {
    assert.equal(ask(), expected, `${name} finds others`);
    return Array.from({ length: rounds }, () => {
      const started = performance.now();
      ask();
      return ((performance.now() - started) * 1e6) / QUERIES;
    });
  });
  const names = Object.keys(contenders);
  const ns = Object.fromEntries(names.map((name, i) => [name, Math.min(...samples[i]!)]));
  const own = ns[names[0]!]!;
  const shown = (i: number, digits: number) =>
    `${ns[names[i]!]!.toFixed(digits)} [${median(samples[i]!).toFixed(digits)}]`;
  const others = names
    .slice(1)
    .map((name, i) => `${name} ${shown(i + 1, 0)}: ${(ns[name]! / own).toFixed(1)}x`);
  console.log(`  ${what.padEnd(34)} ${shown(0, 1).padStart(13)} ns   ${others.join(', ')}`);
  return ns;
}

function askIndex(index: IndicatorSnapshot, queries: Uint32Array): Ask {
  return () => {
    let found = 0;
    for (let i = 0; i < queries.length; i++) if (index.hasIpv4(queries[i]!)) found++;
    return found;
  };
}

function askSet(set: ReadonlySet<number>, queries: Uint32Array): Ask {
  return () => {
    let found = 0;
    for (let i = 0; i < queries.length; i++) if (set.has(queries[i]! | 0)) found++;
    return found;
  };
}

function askRoaring(bitmap: RoaringBitmap32, queries: Uint32Array): Ask {
  return () => {
    let found = 0;
    for (let i = 0; i < queries.length; i++) if (bitmap.has(queries[i]!)) found++;
    return found;
  };
}

function feedOf(addresses: Uint32Array, prefixes: readonly Prefix[] = []): SnapshotFeed {
  const ipv4 = [{ addresses, details: [null], detailOf: null }];
  const indicators = prefixes.map((prefix) => ({ prefix, detail: null }));
  return { name: 'list', kind: 'threat', indicators, ipv4 };
}

function built(feed: SnapshotFeed, filter = true): Uint8Array {
  return buildSnapshot([feed], { checksum: crc32, filter });
}

const opened = (bytes: Uint8Array) => openSnapshot(bytes, crc32);
const millions = (count: number) => `${count / 1e6} million`;

function ipv4(count: number, prefixes: readonly Prefix[]): void {
  const dice = new Dice(count);
  const addresses = addressesOf(count, dice);
  const listed = () => addresses[dice.below(count)]!;
  const queries = mixedQueries(listed, dice);
  const hits = Uint32Array.from({ length: QUERIES }, listed);
  console.log(`${millions(count)} IPv4 addresses`);

  const sort = timed(3, () => addresses.slice().sort()).ms;
  const exact = timed(5, () => built(feedOf(addresses), false));
  const filtered = timed(3, () => built(feedOf(addresses)));
  const ready = timed(9, () => {
    const index = opened(filtered.result);
    index.hasIpv4(queries[0]!);
    return index;
  });
  console.log(
    `  built in ${exact.ms.toFixed(0)} ms without, ${filtered.ms.toFixed(0)} ms with the filter; a native sort alone ${sort.toFixed(0)} ms (${(sort / exact.ms).toFixed(1)}x, ${(sort / filtered.ms).toFixed(1)}x)\n` +
      `  ${(exact.result.length / count).toFixed(2)} bytes an address without, ${(filtered.result.length / count).toFixed(2)} with the filter; first answer ${ready.ms.toFixed(1)} ms after the bytes`,
  );

  const set = timed(1, () => {
    const set = new Set<number>();
    for (const word of addresses) set.add(word | 0);
    return set;
  });
  const bitmap = new RoaringBitmap32(addresses);
  console.log(`  Set<int32> filled in ${set.ms.toFixed(0)} ms`);
  const peers = {
    'Set<int32>': askSet(set.result, queries),
    'roaring-wasm': askRoaring(bitmap, queries),
  };
  const alone = compare('99 % misses', { index: askIndex(ready.result, queries), ...peers });
  compare('99 % misses, no filter', { index: askIndex(opened(exact.result), queries), ...peers });
  compare('100 % hits', {
    index: askIndex(ready.result, hits),
    'Set<int32>': askSet(set.result, hits),
    'roaring-wasm': askRoaring(bitmap, hits),
  });
  bitmap.dispose();

  const both = opened(built(feedOf(addresses, prefixes)));
  const byLength = new SetsByLength(prefixes);
  const bothNs = compare('99 % misses, and 50,000 prefixes', {
    index: askIndex(both, queries),
    Sets: () => {
      let found = 0;
      for (const word of queries) if (set.result.has(word | 0) || byLength.has(word)) found++;
      return found;
    },
  });
  console.log(`  with the prefixes ${(bothNs['index']! / alone['index']!).toFixed(2)}x the time`);
  messages(both, listed, dice);
}

/** From the bytes of messages with ten connections to hits, 1 % of the peers listed. */
function messages(index: IndicatorSnapshot, listed: () => number, dice: Dice): void {
  const table = new ConnectionTable();
  const facts = newMessageFacts();
  const bodies = Array.from({ length: MESSAGES }, (_, seed) => bodyOf(seed, listed, dice));
  const decode = () => {
    let connections = 0;
    for (let i = 0; i < MESSAGES; i++) {
      table.count = 0;
      readConnections(bodies[i]!, table, facts);
      connections += table.count;
    }
    return connections;
  };
  const decodeAndAsk = () => {
    let found = 0;
    for (let i = 0; i < MESSAGES; i++) {
      table.count = 0;
      readConnections(bodies[i]!, table, facts);
      const { remote, count } = table;
      for (let row = 0; row < count; row++) if (index.hasIpv4(remote[4 * row]!)) found++;
    }
    return found;
  };
  decodeAndAsk();
  // A pass takes milliseconds: more of them than elsewhere.
  const decoded = timed(5 * rounds, decode).ms;
  const asked = timed(5 * rounds, decodeAndAsk).ms;
  const us = (ms: number) => ((ms * 1000) / MESSAGES).toFixed(2);
  console.log(
    `  messages of ten connections, bytes to hits: ${us(asked)} us each, ${(MESSAGES / asked / 1000).toFixed(2)} million a second; decoding alone ${us(decoded)} us`,
  );
}

function bodyOf(seed: number, listed: () => number, dice: Dice): Buffer {
  const message = messageWith(10, seed);
  const events = message.events.map((event): DeviceMessage['events'][number] => {
    if (event.payloadType !== 'NetworkActivity') return event;
    const ipv4 = event.payload.ipv4.map((connection) => ({
      ...connection,
      remoteAddress: formatIpv4(dice.below(100) === 0 ? listed() : dice.publicAddress()),
    }));
    return { ...event, payload: { ...event.payload, ipv4 } };
  });
  return Buffer.from(encodeMessage({ ...message, events }, { omitEmpty: true }));
}

function prefixesAlone(prefixes: readonly Prefix[]): void {
  const dice = new Dice(3);
  const byLength = new SetsByLength(prefixes);
  const within = () => {
    const { words, bits } = prefixes[dice.below(prefixes.length)]!;
    return words[0] + dice.below(2 ** (32 - bits));
  };
  const queries = Uint32Array.from({ length: QUERIES }, () => {
    if (dice.below(100) === 0) return within();
    for (;;) {
      const word = dice.publicAddress();
      if (!byLength.has(word)) return word;
    }
  });
  const index = opened(built(feedOf(new Uint32Array(0), prefixes)));
  console.log('50,000 IPv4 prefixes, /20 to /30');
  compare('99 % misses', {
    index: askIndex(index, queries),
    'a Set a length': () => {
      let found = 0;
      for (const word of queries) if (byLength.has(word)) found++;
      return found;
    },
  });
}

function ipv6(): void {
  const { addresses, prefixes, queries } = ipv6Data(200_000, new Dice(6));
  const all = [...addresses, ...prefixes];
  const bytes = timed(3, () => built(feedOf(new Uint32Array(0), all)));
  const index = opened(bytes.result);
  const byLength = new TextSetsByLength(all);
  console.log(
    `200,000 IPv6 indicators, a quarter of them prefixes: built in ${bytes.ms.toFixed(0)} ms, ${(bytes.result.length / 1e6).toFixed(2)} MB`,
  );
  compare('99 % misses, half in listed /32s', {
    index: () => {
      let found = 0;
      for (let at = 0; at < queries.length; at += 4) {
        if (index.hasIpv6(queries[at]!, queries[at + 1]!, queries[at + 2]!, queries[at + 3]!))
          found++;
      }
      return found;
    },
    'a Set<string> a length': () => {
      let found = 0;
      for (let at = 0; at < queries.length; at += 4) {
        if (byLength.has(queries[at]!, queries[at + 1]!, queries[at + 2]!, queries[at + 3]!))
          found++;
      }
      return found;
    },
  });
}

async function lists(folder: string): Promise<void> {
  const { feeds } = await readFeedFolder(folder, { at: Date.now() });
  const contents = feeds
    .filter(({ kind }) => kind !== 'warningList')
    .map(({ name, kind, indicators }) => ({ name, kind, ...indicators.content() }));
  const bytes = buildSnapshot(contents, { checksum: crc32, filter: true });
  const index = opened(bytes);
  const dice = new Dice(7);
  const prefixes = contents.flatMap(({ indicators }) =>
    [...indicators].map(({ prefix }) => prefix).filter(({ family }) => family === 4),
  );
  const single = prefixes.filter(isSingle).map(({ words }) => words[0]);
  const words = [...single, ...contents.flatMap((feed) => [...feed.ipv4![0]!.addresses])];
  const queries = mixedQueries(() => words[dice.below(words.length)]!, dice);
  const set = new Set(words.map((word) => word | 0));
  const byLength = new SetsByLength(prefixes.filter((prefix) => !isSingle(prefix)));
  const { ipv4Addresses, ipv4Prefixes, sections } = index.stat;
  const column = sections['ipv4Index']! + sections['ipv4Addresses']! + sections['ipv4Sets']!;
  console.log(
    `${feeds.length} lists of the folder: ${ipv4Addresses} IPv4 addresses, ${ipv4Prefixes} prefixes; ${(column / ipv4Addresses).toFixed(2)} bytes an address without its filter (${((sections['ipv4Filter'] ?? 0) / ipv4Addresses).toFixed(2)})`,
  );
  compare('99 % misses', {
    index: askIndex(index, queries),
    Sets: () => {
      let found = 0;
      for (const word of queries) if (set.has(word | 0) || byLength.has(word)) found++;
      return found;
    },
  });
}

/** Where a load must wait for the one before it, in 64 MB. */
function floor(): void {
  const next = Uint32Array.from({ length: 2 ** 24 }, (_, i) => i);
  const dice = new Dice(9);
  // Sattolo's shuffle: one cycle through all.
  for (let i = next.length - 1; i > 0; i--) {
    const j = dice.below(i);
    [next[i], next[j]] = [next[j]!, next[i]!];
  }
  const { ms } = timed(rounds, () => {
    let at = 0;
    for (let i = 0; i < QUERIES; i++) at = next[at]!;
    return at;
  });
  console.log(`a dependent load from 64 MB: ${((ms * 1e6) / QUERIES).toFixed(0)} ns`);
}

await roaringLibraryInitialize();
console.log(`Node ${process.version}, ${QUERIES} queries, quietest of ${rounds} rounds [median]`);
const prefixes = prefixesOf(50_000, new Dice(2));
ipv4(1_000_000, prefixes);
ipv4(5_000_000, prefixes);
prefixesAlone(prefixes);
ipv6();
await lists(positionals[0] ?? SAMPLE);
floor();
