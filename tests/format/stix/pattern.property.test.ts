import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Address, foldMapped, parseAddress } from '../../../shared/domain/address/address.ts';
import { formatPrefix, parsePrefix, prefixCovers } from '../../../shared/domain/address/prefix.ts';
import { type Contact, constraintHolds } from '../../../shared/domain/indicator/constraint.ts';
import { readPattern } from '../../../shared/format/stix/pattern.ts';

// Patterns are made as trees, written down, read back, and compared with the tree on a few connections.

/** Text that a pattern may compare an address with, and the texts of addresses that it covers. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '45.66.64.1': ['45.66.64.1'],
  '45.66.64.1/32': ['45.66.64.1'],
  '45.66.64.77/24': ['45.66.64.1', '45.66.64.9'],
  '45.66.0.0/16': ['45.66.64.1', '45.66.64.9', '45.66.65.1'],
  '45.66.65.1': ['45.66.65.1'],
  '45.66.64': [],
  '10.0.0.1': [],
  '2A06:E480:0::1': ['2a06:e480::1'],
  '2a06:e480::/31': ['2a06:e480::1', '2a06:e481::1'],
  '::ffff:45.66.64.1': ['::ffff:45.66.64.1'],
  '::ffff:45.66.64.0/120': ['::ffff:45.66.64.1', '::ffff:45.66.64.9'],
  'c2.example.com': [],
};

interface Test {
  readonly kind: 'test';
  readonly object: string;
  readonly path: string;
  readonly operator: string;
  readonly values: readonly string[];
}
type Tests = Test | { readonly kind: 'and' | 'or'; readonly of: readonly Tests[] };
type Observations =
  | { readonly kind: 'observation'; readonly tests: Tests }
  | { readonly kind: 'and' | 'or' | 'followedBy'; readonly of: readonly Observations[] }
  | { readonly kind: 'qualified'; readonly of: Observations; readonly qualifier: string };

const equals = fc.constantFrom('=', '==', 'IN');
const refusedOperators = fc.constantFrom('!=', 'NOT =', 'NOT IN', '>', 'LIKE', 'NOT ISSUBSET');
const oneOrMore = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 3 });

/** `=` takes one value. */
function test(
  object: string,
  path: string,
  operators: fc.Arbitrary<string>,
  value: fc.Arbitrary<string>,
): fc.Arbitrary<Test> {
  return fc.tuple(operators, oneOrMore(value)).map(([operator, values]) => {
    const taken = operator.endsWith('IN') ? values : values.slice(0, 1);
    return { kind: 'test', object, path, operator, values: taken };
  });
}

const quoted = (...texts: readonly string[]) => fc.constantFrom(...texts.map((t) => `'${t}'`));
const address = quoted(...Object.keys(VALUES));
const port = fc.constantFrom('80', "'80'", '443', '8080');
const subset = fc.oneof(equals, equals, fc.constant('ISSUBSET'), refusedOperators);
const TRAFFIC = 'network-traffic';
const anyTest = fc.oneof(
  test('ipv4-addr', 'value', subset, address),
  test('ipv6-addr', 'value', subset, address),
  test(TRAFFIC, 'dst_ref.value', subset, address),
  test(TRAFFIC, "src_ref.'value'", subset, address),
  test(TRAFFIC, 'dst_port', equals, port),
  test(TRAFFIC, 'src_port', equals, port),
  test(TRAFFIC, 'dst_ref.type', equals, quoted('ipv4-addr', 'ipv6-addr', 'domain-name')),
  test(TRAFFIC, 'protocols[*]', equals, quoted('tcp', 'udp', 'ipv4', 'ipv6', 'http')),
  test('domain-name', 'value', equals, address),
  test('file', 'name', equals, address),
);
const tests: fc.Arbitrary<Tests> = fc.letrec<{ tests: Tests }>((tie) => ({
  tests: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyTest,
    fc.record({ kind: fc.constantFrom('and', 'or'), of: oneOrMore(tie('tests')) }),
  ),
})).tests;
const qualifier = fc.constantFrom('REPEATS 2 TIMES', 'WITHIN 1.5 SECONDS');
const observations: fc.Arbitrary<Observations> = fc.letrec<{ all: Observations }>((tie) => ({
  all: fc.oneof(
    { depthSize: 'xsmall', withCrossShrink: true },
    fc.record({ kind: fc.constant('observation' as const), tests }),
    fc.record({
      kind: fc.constantFrom('or', 'or', 'and', 'followedBy'),
      of: oneOrMore(tie('all')),
    }),
    fc.record({ kind: fc.constant('qualified' as const), of: tie('all'), qualifier }),
  ),
})).all;

/** Where blanks may stand, and what stands there, one after the other. */
type Gaps = () => string;
const gaps = fc.infiniteStream(fc.constantFrom('', ' ', '\n\t', "/* OR ' [ */", '// )]\n')).map(
  (stream): Gaps =>
    () =>
      stream.next().value ?? '',
);

function write({ object, path, operator, values }: Test, gap: Gaps): string {
  const operand = operator.endsWith('IN') ? `(${values.join(`${gap()},${gap()}`)})` : values[0]!;
  return `${object}${gap()}:${gap()}${path}${gap()} ${operator}${gap()} ${operand}`;
}

/** Parentheses stand where an OR lies in an AND; else the gap decides. */
function writeTests(node: Tests, gap: Gaps, inAnd = false): string {
  if (node.kind === 'test') return write(node, gap);
  const isAnd = node.kind === 'and';
  const text = node.of
    .map((part) => writeTests(part, gap, isAnd || inAnd))
    .join(`${gap()} ${node.kind.toUpperCase()} ${gap()}`);
  return (inAnd && !isAnd) || gap() === '' ? `(${gap()}${text}${gap()})` : text;
}

const BINDING = { followedBy: 0, or: 1, and: 2 };

function writeObservations(node: Observations, gap: Gaps, binding = 0): string {
  if (node.kind === 'observation') return `[${gap()}${writeTests(node.tests, gap)}${gap()}]`;
  if (node.kind === 'qualified') {
    return `${writeObservations(node.of, gap, 3)}${gap()} ${node.qualifier}`;
  }
  const own = BINDING[node.kind];
  const text = node.of
    .map((part) => writeObservations(part, gap, Math.max(own, binding)))
    .join(`${gap()} ${node.kind.toUpperCase()} ${gap()}`);
  return own < binding || gap() === '' ? `(${text})` : text;
}

/** A connection as STIX sees it: the peer's address may also be written as an IPv4-mapped one. */
interface Connection {
  readonly peer: string;
  readonly peerEnd: 'src' | 'dst';
  readonly peerPort: string;
  readonly protocol: 'tcp' | 'udp';
}

const PEERS = ['45.66.64.1', '45.66.64.9', '45.66.65.1', '2a06:e480::1', '2a06:e481::1'];
const CONNECTIONS: readonly Connection[] = PEERS.flatMap((peer) =>
  (['src', 'dst'] as const).flatMap((peerEnd) =>
    ['80', '443'].flatMap((peerPort) =>
      (['tcp', 'udp'] as const).map((protocol) => ({ peer, peerEnd, peerPort, protocol })),
    ),
  ),
);

/** What a path of a test finds in the connection; undefined for what one connection does not tell. */
function found({ peerEnd, peerPort, protocol }: Connection, peer: string, test: Test) {
  const [object, path] = [test.object, test.path.replaceAll("'", '')];
  const family = peer.includes(':') ? 'ipv6' : 'ipv4';
  if (object === `${family}-addr`) return [peer];
  if (object !== TRAFFIC) return undefined;
  if (path === 'protocols[*]') return [family, protocol];
  if (path.endsWith('.type')) return [`${family}-addr`];
  const isPeer = path.startsWith(peerEnd);
  if (path.endsWith('_port')) return [isPeer ? peerPort : '50000'];
  return [isPeer ? peer : '192.168.1.5'];
}

function holds(test: Test, connection: Connection, peer: string): boolean {
  if (/NOT|!|>|LIKE/.test(test.operator)) return false; // left out
  const values = test.values.map((value) => value.replaceAll("'", ''));
  return (found(connection, peer, test) ?? []).some((text) =>
    values.some((value) => value === text || VALUES[value]?.includes(text)),
  );
}

/** Every way to choose one side of each OR. */
function choices(node: Tests): readonly (readonly Test[])[] {
  if (node.kind === 'test') return [[node]];
  const parts = node.of.map(choices);
  if (node.kind === 'or') return parts.flat();
  return parts.reduce((all, part) => all.flatMap((a) => part.map((b) => [...a, ...b])));
}

function fires(node: Observations, connection: Connection): boolean {
  if (node.kind === 'or') return node.of.some((part) => fires(part, connection));
  if (node.kind !== 'observation') {
    const alone = node.kind !== 'qualified' && node.of.length === 1 ? node.of[0] : undefined;
    return alone !== undefined && fires(alone, connection);
  }
  const views = [connection.peer, `::ffff:${connection.peer}`].filter((v) => parseAddress(v));
  return choices(node.tests).some(
    (all) =>
      all.every(({ object }) => object === all[0]!.object) &&
      all.some(({ path }) => path.replaceAll("'", '').endsWith('value')) &&
      views.some((view) => all.every((test) => holds(test, connection, view))),
  );
}

function readingFires(pattern: string, connection: Connection): boolean {
  const { peer, peerEnd, peerPort, protocol } = connection;
  const address = foldMapped(parseAddress(peer) as Address);
  const contact: Contact = {
    direction: peerEnd === 'dst' ? 'outboundExchange' : 'inboundExchange',
    remotePort: Number(peerPort),
    protocol: protocol === 'tcp' ? 0 : 1,
  };
  return readPattern(pattern).alternatives.some(
    ({ nets, constraint }) =>
      nets.some((net) => prefixCovers(net, address)) && constraintHolds(constraint, contact),
  );
}

const written = fc
  .tuple(observations, gaps)
  .map(([node, gap]) => ({ node, pattern: writeObservations(node, gap) }));

describe('reading a pattern', () => {
  it('fires for the connections that the pattern means, and for no others', () => {
    let fired = 0;
    fc.assert(
      fc.property(written, ({ node, pattern }) => {
        for (const connection of CONNECTIONS) {
          const expected = fires(node, connection);
          if (expected) fired++;
          assert.equal(readingFires(pattern, connection), expected, JSON.stringify(connection));
        }
      }),
      { numRuns: 600 },
    );
    assert.ok(fired > 100, `only ${fired} connections fired`);
  });

  it('takes or refuses something, every net once for a constraint', () => {
    fc.assert(
      fc.property(written, ({ pattern }) => {
        const { alternatives, refused } = readPattern(pattern);
        assert.ok(alternatives.length + refused.length > 0);
        assert.ok(refused.every(({ reason }) => reason !== 'badPattern'));
        const keys = alternatives.flatMap(({ nets, constraint }) =>
          nets.map((net) => formatPrefix(net) + JSON.stringify(constraint)),
        );
        assert.equal(new Set(keys).size, keys.length);
      }),
      { numRuns: 300 },
    );
  });

  it('finds nothing in an observation that is cut anywhere', () => {
    fc.assert(
      fc.property(tests, gaps, (node, gap) => {
        const pattern = `[${writeTests(node, gap)}]`;
        for (let length = 0; length < pattern.length; length++) {
          const { alternatives, refused } = readPattern(pattern.slice(0, length));
          assert.deepEqual(alternatives, []);
          assert.deepEqual(
            refused.map(({ reason }) => reason),
            ['badPattern'],
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('of a damaged pattern takes addresses only that stand in it between quotes', () => {
    const pieces = "'|[|]|(|)| OR | AND |,|\\|/*|*/|//|.|:|=| NOT |t'|0|é".split('|');
    const edit = fc.record({ at: fc.nat(), cut: fc.nat(3), put: fc.constantFrom('', ...pieces) });
    fc.assert(
      fc.property(written, fc.array(edit, { minLength: 1, maxLength: 3 }), ({ pattern }, edits) => {
        let damaged = pattern;
        for (const { at, cut, put } of edits) {
          const place = at % (damaged.length + 1);
          damaged = damaged.slice(0, place) + put + damaged.slice(place + cut);
        }
        const texts = damaged.split("'").flatMap((text) => parsePrefix(text) ?? []);
        const inQuotes = new Set(texts.map(formatPrefix));
        for (const { nets } of readPattern(damaged).alternatives) {
          for (const net of nets) assert.ok(inQuotes.has(formatPrefix(net)));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readPattern(text)));
    const words = fc.constantFrom(
      ...'[|]|(|)|OR|AND|FOLLOWEDBY|NOT|IN|=|,|a:b|ipv4-addr:value|EXISTS|1'.split('|'),
      "'45.66.64.1'",
      'REPEATS 1 TIMES',
    );
    fc.assert(
      fc.property(fc.array(words), (list) => void readPattern(list.join(' '))),
      { numRuns: 2000 },
    );
  });
});
