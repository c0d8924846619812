import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { Pieces } from '../../../../shared/pipeline/feeds/fetch/pieces.ts';
import { FetchError } from '../../../../shared/pipeline/feeds/fetch/source.ts';
import { readTaxii } from '../../../../shared/pipeline/feeds/fetch/taxii.ts';
import type { Web, WebResponse } from '../../../../shared/ports/web.ts';
import {
  type Added,
  always,
  bomb,
  type Collection,
  cut,
  endless,
  honest,
  inCircles,
  inTurn,
  type RecordedExchange,
  refusing,
  replay,
  slow,
  startTaxiiServer,
  type TaxiiServer,
  text,
} from '../../../support/hostile-taxii.ts';
import { type ContextOptions, contextOf, DAY, networks, NOW } from './source-context.ts';

const AN_AUTHOR = 'identity--11111111-1111-4111-8111-111111111111';
const A_STRANGER = 'identity--22222222-2222-4222-8222-222222222222';

function address(n: number): string {
  return `45.66.${64 + (n >> 8)}.${n & 255}`;
}

function idOf(n: number): string {
  return `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

function indicator(n: number, more: Readonly<Record<string, unknown>> = {}): object {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: idOf(n),
    created: '2026-08-01T00:00:00.000Z',
    modified: '2026-08-01T00:00:00.000Z',
    created_by_ref: AN_AUTHOR,
    pattern: `[ipv4-addr:value = '${address(n)}']`,
    pattern_type: 'stix',
    valid_from: '2026-08-01T00:00:00Z',
    ...more,
  };
}

/** Objects added a second apart, but for those that came together. */
function added(count: number, together: readonly number[] = []): Added[] {
  return Array.from({ length: count }, (_, n) => {
    const second = together.includes(n) ? together[0]! : n;
    const at = `2026-08-20T06:${pad(Math.floor(second / 60))}:${pad(second % 60)}.004885Z`;
    return { at, object: indicator(n) };
  });
}

function pad(n: number): string {
  return String(n).padStart(2, '0');
}

function addresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${address(n)}/32`).sort();
}

const servers: TaxiiServer[] = [];
after(async () => {
  await Promise.all(servers.map(async (server) => server.stop()));
});

async function serve(collection: Collection): Promise<TaxiiServer> {
  const server = await startTaxiiServer({ c: collection });
  servers.push(server);
  return server;
}

async function read(
  collection: Collection,
  options: ContextOptions = {},
  known: Pieces | null = null,
) {
  const server = await serve(collection);
  const result = await readTaxii(contextOf(server.collection('c'), options), known);
  return { server, result, queries: server.queries('c') };
}

function isFetchError(code: string, message?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FetchError, String(error));
    assert.equal(error.code, code);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

describe('reading a TAXII collection as a whole', () => {
  it('follows the tokens to the end and keeps the filters on every page', async () => {
    const { result, queries } = await read(honest(added(25)));
    assert.deepEqual(networks(result?.pieces), addresses(25));
    assert.equal(queries.length, 3);
    assert.deepEqual(
      queries.map((query) => query.get('match[type]')),
      ['indicator', 'indicator', 'indicator'],
    );
    assert.equal(new Set(queries.map((query) => query.get('limit'))).size, 1);
    assert.deepEqual(
      queries.map((query) => [query.get('added_after'), query.get('next')]),
      [
        [null, null],
        [null, '10'],
        [null, '20'],
      ],
    );
  });

  it('remembers the date of the last page as the server wrote it', async () => {
    const { result } = await read(honest(added(25)));
    assert.equal(result?.memory.addedAfter, '2026-08-20T06:00:24.004885Z');
    assert.equal(result.memory.fullReadAt, NOW);
  });

  it('remembers the date of the last page that had one', async () => {
    const dates = inTurn(
      { more: true, next: 'a', objects: [indicator(0)], lastAdded: '2026-08-20T06:00:00.000001Z' },
      { objects: [indicator(1)] },
    );
    const { result } = await read(dates);
    assert.equal(result?.memory.addedAfter, '2026-08-20T06:00:00.000001Z');
  });

  it('never takes the date from the objects', async () => {
    const { result } = await read(always({ objects: [indicator(0)] }));
    assert.equal(result?.memory.addedAfter, null);
  });

  for (const form of ['', '/', '/objects', '/objects/']) {
    it(`takes the address of a collection ending in "c${form}"`, async () => {
      const server = await serve(honest(added(3)));
      const url = server.collection('c').replace(/\/$/, form);
      const result = await readTaxii(contextOf(url), null);
      assert.deepEqual(networks(result?.pieces), addresses(3));
    });
  }

  it('keeps the query of the address, but for the place to begin at', async () => {
    const server = await serve(honest(added(3)));
    const url = `${server.collection('c')}?match[spec_version]=2.1&limit=7&added_after=2030&next=x`;
    await readTaxii(contextOf(url), null);
    assert.deepEqual(
      [...server.queries('c')[0]!],
      [
        ['match[spec_version]', '2.1'],
        ['limit', '7'],
        ['match[type]', 'indicator'],
      ],
    );
  });

  it('encodes tokens of any text', async () => {
    const tokens = honest(added(30), { token: (n) => `a+b/==&next=${n} é%2F#` });
    const { server, result } = await read(tokens);
    assert.deepEqual(networks(result?.pieces), addresses(30));
    assert.match(
      server.requests[1]!.url,
      /next=a%2Bb%2F%3D%3D%26next%3D10%20%C3%A9%252F%23(?:&|$)/,
    );
  });

  it('takes tokens that are numbers', async () => {
    const counted = inTurn(
      { more: true, next: 7, objects: [indicator(0)] },
      { objects: [indicator(1)] },
    );
    const { result, queries } = await read(counted);
    assert.deepEqual(networks(result?.pieces), addresses(2));
    assert.equal(queries[1]!.get('next'), '7');
  });

  it('goes on after an empty page', async () => {
    const pages = inTurn(
      { more: true, next: 'a', objects: [indicator(0)] },
      { more: true, next: 'b' },
      { more: true, next: 'c' },
      { objects: [indicator(1)] },
    );
    const { result } = await read(pages);
    assert.deepEqual(networks(result?.pieces), addresses(2));
  });

  it('ends where "more" is absent, whatever "next" says', async () => {
    const { queries } = await read(always({ next: 'a', objects: [indicator(0)] }));
    assert.equal(queries.length, 1);
  });

  it('reads an empty collection as one without pieces', async () => {
    const { result } = await read(always({}));
    assert.equal(result?.pieces.size, 0);
  });

  it('passes over objects that a lost filter lets through', async () => {
    const objects = added(12);
    objects.splice(5, 0, { at: objects[5]!.at, object: { type: 'malware', id: 'malware--1' } });
    const { result } = await read(honest(objects, { losesFilters: true }));
    assert.deepEqual(networks(result?.pieces), addresses(12));
  });

  it('keeps objects without an id, each once', async () => {
    const nameless = (n: number) => indicator(n, { id: undefined });
    const pages = inTurn(
      { more: true, next: 'a', objects: [nameless(0), nameless(1)] },
      { objects: [nameless(1), nameless(2)] },
    );
    const { result } = await read(pages);
    assert.deepEqual(networks(result?.pieces), addresses(3));
    assert.equal(result?.pieces.size, 3);
  });

  it('sends the credential with every page', async () => {
    const server = await startTaxiiServer(
      { c: honest(added(25)) },
      { authorization: 'Bearer of-news' },
    );
    servers.push(server);
    const secretHeaders = { authorization: 'Bearer of-news' };
    const result = await readTaxii(contextOf(server.collection('c'), { secretHeaders }), null);
    assert.equal(result?.pieces.size, 25);
    await assert.rejects(
      readTaxii(contextOf(server.collection('c')), null),
      isFetchError('http401'),
    );
  });
});

describe('paging by dates', () => {
  it('goes on at the date of the page, without a token', async () => {
    const { result, queries } = await read(honest(added(25), { leadsOnBy: 'date' }));
    assert.deepEqual(networks(result?.pieces), addresses(25));
    assert.deepEqual(
      queries.map((query) => [query.get('added_after'), query.get('next')]),
      [
        [null, null],
        ['2026-08-20T06:00:09.004885Z', null],
        ['2026-08-20T06:00:19.004885Z', null],
      ],
    );
    assert.equal(queries[2]!.get('match[type]'), 'indicator');
  });

  it('loses nothing to an inclusive server where objects of one date lie over the end of a page', async () => {
    const together = [7, 8, 9, 10, 11, 12, 13];
    const collection = honest(added(25, together), { leadsOnBy: 'date', inclusive: true });
    const { result } = await read(collection);
    assert.deepEqual(networks(result?.pieces), addresses(25));
  });

  it('has what an exclusive server gives there', async () => {
    const together = [7, 8, 9, 10, 11, 12, 13];
    const { result } = await read(honest(added(25, together), { leadsOnBy: 'date' }));
    const lost = new Set([10, 11, 12, 13].map((n) => `${address(n)}/32`));
    assert.deepEqual(
      networks(result?.pieces),
      addresses(25).filter((text) => !lost.has(text)),
    );
  });

  it('does not go on for ever where one date fills a page of an inclusive server', async () => {
    const together = Array.from({ length: 15 }, (_, i) => i + 5);
    const collection = honest(added(25, together), { leadsOnBy: 'date', inclusive: true });
    await assert.rejects(read(collection), isFetchError('loop', /read already/));
  });

  it('takes an empty token as none', async () => {
    const pages = inTurn(
      { more: true, next: '', objects: [indicator(0)], lastAdded: '2026-08-20T06:00:00.000001Z' },
      { objects: [indicator(1)] },
    );
    const { queries } = await read(pages);
    assert.deepEqual(
      queries.map((query) => [query.get('added_after'), query.get('next')]),
      [
        [null, null],
        ['2026-08-20T06:00:00.000001Z', null],
      ],
    );
  });

  it('drops the token of the query before', async () => {
    const pages = inTurn(
      { more: true, next: 'a', objects: [indicator(0)] },
      { more: true, objects: [indicator(1)], lastAdded: '2026-08-20T06:00:00.000001Z' },
      { objects: [indicator(2)] },
    );
    const { queries } = await read(pages);
    assert.deepEqual(
      queries.map((query) => [query.get('added_after'), query.get('next')]),
      [
        [null, null],
        [null, 'a'],
        ['2026-08-20T06:00:00.000001Z', null],
      ],
    );
  });
});

describe('a collection that was read before', () => {
  const POLLED = { addedAfter: '2026-08-20T06:00:09.004885Z', fullReadAt: NOW - DAY };

  async function known(count: number): Promise<Pieces> {
    const { result } = await read(honest(added(count)), { now: NOW - DAY });
    return Pieces.fromBytes(result!.pieces.toBytes());
  }

  it('asks for what was added since, and keeps the rest', async () => {
    const { result, queries } = await read(honest(added(25)), { memory: POLLED }, await known(10));
    assert.deepEqual(networks(result?.pieces), addresses(25));
    assert.deepEqual(
      queries.map((query) => query.get('added_after')),
      [POLLED.addedAfter, POLLED.addedAfter],
    );
    assert.equal(result?.memory.addedAfter, '2026-08-20T06:00:24.004885Z');
    assert.equal(result.memory.fullReadAt, POLLED.fullReadAt);
  });

  it('says that nothing changed where the envelope is empty', async () => {
    const { result } = await read(always({}), { memory: POLLED }, await known(10));
    assert.equal(result, null);
  });

  it('remembers a later date also of a page without objects', async () => {
    const lastAdded = '2026-08-21T00:00:00.000001Z';
    const { result } = await read(always({}, lastAdded), { memory: POLLED }, await known(10));
    assert.deepEqual(networks(result?.pieces), addresses(10));
    assert.equal(result?.memory.addedAfter, lastAdded);
  });

  it('comes to the same with a server that ignores dates', async () => {
    const whole = honest(added(25), { losesDates: true });
    const { result } = await read(whole, { memory: POLLED }, await known(10));
    assert.deepEqual(networks(result?.pieces), addresses(25));
    assert.equal(result?.pieces.size, 25);
  });

  for (const [situation, memory] of [
    ['after seven days', { ...POLLED, fullReadAt: NOW - 7 * DAY }],
    ['without a date', { ...POLLED, addedAfter: null }],
    ['after a read in the future', { ...POLLED, fullReadAt: NOW + DAY }],
    ['if it never was', { ...POLLED, fullReadAt: null }],
  ] as const) {
    it(`is read as a whole ${situation}, so that what the server deleted goes`, async () => {
      const { result, queries } = await read(honest(added(8)), { memory }, await known(10));
      assert.deepEqual(networks(result?.pieces), addresses(8));
      assert.equal(queries[0]!.get('added_after'), null);
      assert.equal(result?.memory.fullReadAt, NOW);
    });
  }

  it('is polled just before the seven days are over', async () => {
    const memory = { ...POLLED, fullReadAt: NOW - 7 * DAY + 1 };
    const { queries } = await read(honest(added(10)), { memory }, await known(10));
    assert.equal(queries[0]!.get('added_after'), POLLED.addedAfter);
  });

  it('is read as a whole where its pieces are gone', async () => {
    const { result } = await read(honest(added(25)), { memory: POLLED });
    assert.deepEqual(networks(result?.pieces), addresses(25));
  });

  async function poll(...objects: readonly object[]): Promise<Pieces> {
    const { result } = await read(always({ objects }), { memory: POLLED }, await known(2));
    return result!.pieces;
  }
  const NEWER = '2026-08-02T00:00:00.000001Z';

  it('takes a newer version in place of the older', async () => {
    const pieces = await poll(
      indicator(0, { modified: NEWER, pattern: "[ipv4-addr:value = '45.66.70.70']" }),
    );
    assert.deepEqual(networks(pieces), [`${address(1)}/32`, '45.66.70.70/32']);
  });

  it('keeps the first of two contents of one version', async () => {
    const pieces = await poll(indicator(0, { pattern: "[ipv4-addr:value = '45.66.70.70']" }));
    assert.deepEqual(networks(pieces), addresses(2));
  });

  it('ignores an older version that comes after the newer', async () => {
    const older = { modified: '2026-07-31T23:59:59.999999Z' };
    const pieces = await poll(indicator(0, { ...older, pattern: "[ipv4-addr:value = '8.8.8.8']" }));
    assert.deepEqual(networks(pieces), addresses(2));
  });

  it('revokes what its creator revokes', async () => {
    const pieces = await poll(indicator(0, { modified: NEWER, revoked: true }));
    assert.deepEqual(networks(pieces), [`${address(1)}/32`]);
    assert.deepEqual(networks(pieces, 'revoked'), [`${address(0)}/32`]);
  });

  it('revokes also at the time of the version that it had', async () => {
    const pieces = await poll(indicator(0, { revoked: true }));
    assert.deepEqual(networks(pieces), [`${address(1)}/32`]);
  });

  for (const [who, by] of [
    ['a stranger', A_STRANGER],
    ['nobody', undefined],
  ] as const) {
    it(`does not revoke what ${who} revokes`, async () => {
      const pieces = await poll(
        indicator(0, { modified: NEWER, revoked: true, created_by_ref: by }),
      );
      assert.deepEqual(networks(pieces), addresses(2));
      assert.deepEqual(networks(pieces, 'revoked'), []);
    });
  }

  it('is not revoked by an older version', async () => {
    const older = { modified: '2026-07-31T00:00:00Z', revoked: true };
    assert.deepEqual(networks(await poll(indicator(0, older))), addresses(2));
  });

  it('keeps a revocation of what it never saw', async () => {
    const pieces = await poll(indicator(7, { revoked: true }));
    assert.deepEqual(networks(pieces, 'revoked'), [`${address(7)}/32`]);
  });

  it('is the same in whatever order the versions come', async () => {
    const versions = [
      indicator(0, { pattern: "[ipv4-addr:value = '45.66.70.1']" }),
      indicator(0, { modified: NEWER, pattern: "[ipv4-addr:value = '45.66.70.2']" }),
      indicator(0, { modified: '2026-08-03T00:00:00Z', revoked: true }),
      indicator(0, { modified: '2026-08-04T00:00:00Z', revoked: true, created_by_ref: A_STRANGER }),
      indicator(1, { modified: NEWER, pattern: "[ipv4-addr:value = '45.66.70.3']" }),
      indicator(1, { modified: NEWER, revoked: true, created_by_ref: A_STRANGER }),
    ];
    const orders = fc.shuffledSubarray(versions, { minLength: versions.length });
    const cuts = fc.integer({ min: 1, max: versions.length });
    const property = fc.asyncProperty(orders, cuts, async (order, size) => {
      const pages = Array.from({ length: Math.ceil(order.length / size) }, (_, i) => ({
        more: (i + 1) * size < order.length,
        next: String(i),
        objects: order.slice(i * size, (i + 1) * size),
      }));
      const result = await readTaxii(contextOf('http://a/', { web: answering(pages) }), null);
      assert.deepEqual(networks(result?.pieces), ['45.66.70.3/32']);
      assert.deepEqual(networks(result?.pieces, 'revoked'), [`${address(0)}/32`]);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});

describe('a TAXII server that leads nowhere', () => {
  for (const [what, collection] of [
    ['the same token twice', always({ more: true, next: 'abc', objects: [indicator(0)] })],
    [
      'a token that it gave before',
      inTurn(
        { more: true, next: 'a', objects: [indicator(0)] },
        { more: true, next: 'b', objects: [indicator(1)] },
        { more: true, next: 'a', objects: [indicator(2)] },
      ),
    ],
    [
      'the same date twice',
      always({ more: true, objects: [indicator(0)] }, '2026-08-20T06:00:00.000000Z'),
    ],
    ['new tokens to the same page', inCircles([indicator(0), indicator(1)])],
    ['neither token nor date', always({ more: true, objects: [indicator(0)] })],
    ['an empty token and no date', always({ more: true, next: '', objects: [indicator(0)] })],
    ['a first page that is its second', always({ more: true, next: null }, '2026-08-20T06:00:00Z')],
  ] as const) {
    it(`is left at ${what}`, async () => {
      const server = await serve(collection);
      const reading = readTaxii(contextOf(server.collection('c')), null);
      await assert.rejects(reading, isFetchError('loop'));
      assert.ok(server.requests.length <= 3, `${server.requests.length} requests`);
    });
  }

  it('may not send more than the feed may have, on however many pages', async () => {
    const server = await serve(endless(indicator, 20));
    const reading = readTaxii(contextOf(server.collection('c'), { maxBytes: 100_000 }), null);
    await assert.rejects(reading, isFetchError('tooLarge', /100000 bytes/));
    assert.ok(server.requests.length < 20);
  });

  it('may not send more than 10,000 pages', async () => {
    const web = pagesOf((n) => ({ more: true, next: String(n), objects: [indicator(n)] }));
    const reading = readTaxii(contextOf('http://a/', { web, maxBytes: 1e9 }), null);
    await assert.rejects(reading, isFetchError('loop', /10000 pages/));
    assert.equal(web.requests(), 10_000);
  });

  it('may not send a thousand empty pages in a row', async () => {
    const web = pagesOf((n) => ({ more: true, next: String(n) }));
    await assert.rejects(readTaxii(contextOf('http://a/', { web }), null), isFetchError('loop'));
    assert.equal(web.requests(), 1000);
  });

  it('may not take for ever by being slow on every page', async () => {
    const web = pagesOf((n) => ({ more: true, next: String(n), objects: [indicator(n)] }), 5);
    const { limits } = contextOf('http://a/');
    const context = contextOf('http://a/', { web, limits: { ...limits, totalMs: 2 } });
    await assert.rejects(readTaxii(context, null), isFetchError('timeout'));
    assert.ok(web.requests() < 20);
  });
});

describe('a TAXII server that answers something else', () => {
  const envelope = JSON.stringify({ objects: [indicator(0)] });

  for (const type of [
    'application/taxii+json;version=2.1',
    'application/taxii+json; version=2.1; charset=utf-8',
    'Application/TAXII+JSON',
    'application/stix+json;version=2.1',
    'application/json',
    null,
  ]) {
    it(`is understood with the media type ${type}`, async () => {
      const { result } = await read(text(envelope, type));
      assert.deepEqual(networks(result?.pieces), addresses(1));
    });
  }

  for (const [what, code, collection] of [
    ['a login page', 'html', text('<!DOCTYPE html><title>Sign in</title>', 'text/html')],
    ['a page that calls itself JSON', 'badJson', text('<html></html>', 'application/json')],
    ['text', 'mediaType', text(envelope, 'text/plain')],
    ['bytes', 'mediaType', text(envelope, 'application/octet-stream')],
    ['a media type that only begins like it', 'mediaType', text(envelope, 'application/jsonp')],
    ['nothing', 'badJson', text('', 'application/json')],
    ['half an envelope', 'badJson', text(envelope.slice(0, -20), 'application/json')],
    ['a list', 'badEnvelope', text('[]', 'application/json')],
    ['null', 'badEnvelope', text('null', 'application/json')],
    ['an error with 200', 'badEnvelope', text('{"title":"no"}', 'application/json')],
    ['objects that are no list', 'badEnvelope', text('{"objects":{}}', 'application/json')],
    ['a "more" in words', 'badEnvelope', text('{"more":"true"}', 'application/json')],
    ['a token of an odd type', 'badEnvelope', text('{"more":true,"next":{}}', 'application/json')],
    [
      'a token longer than a URL',
      'badEnvelope',
      always({ more: true, next: 'x'.repeat(5000), objects: [] }),
    ],
    [
      'a TAXII 2.0 media type',
      'badEnvelope',
      text('{}', 'application/vnd.oasis.stix+json; version=2.0'),
    ],
    [
      'a TAXII 2.0 bundle',
      'badEnvelope',
      text('{"type":"bundle","objects":[]}', 'application/json'),
    ],
  ] as const) {
    it(`fails at ${what}`, async () => {
      await assert.rejects(read(collection), isFetchError(code));
    });
  }

  it('is told apart by its version', async () => {
    const bundle = text('{"type":"bundle","objects":[]}', 'application/json');
    await assert.rejects(read(bundle), isFetchError('badEnvelope', /TAXII 2\.0/));
  });

  it('may send objects of any shape', async () => {
    const shapes = [null, 1, 'x', [], {}, [[]], { type: 5 }, { type: 'indicator' }, indicator(0)];
    const body = `{"objects":${JSON.stringify(shapes).slice(0, -1)},${PROTOTYPE_KEYS},${DEEP}]}`;
    const result = await readTaxii(contextOf('http://a/', { web: raw(body) }), null);
    assert.deepEqual(networks(result?.pieces), addresses(3));
    assert.deepEqual(networks(result?.pieces, 'revoked'), []);
  });

  it('says when it wants to be asked again', async () => {
    const reading = read(refusing(429, { 'retry-after': '120' }));
    await assert.rejects(reading, (error: unknown) => {
      assert.ok(error instanceof FetchError);
      assert.equal(error.code, 'http429');
      assert.equal(error.retryAt, NOW + 120_000);
      return true;
    });
  });

  for (const status of [400, 401, 403, 404, 406, 500, 503]) {
    it(`fails with ${status}`, async () => {
      await assert.rejects(read(refusing(status)), isFetchError(`http${status}`));
    });
  }

  it('fails with a failure on a later page', async () => {
    const good = honest(added(25));
    const collection: Collection = (query, response, nth) =>
      (nth === 3 ? refusing(503) : good)(query, response, nth);
    await assert.rejects(read(collection), isFetchError('http503'));
  });

  it('may not unpack to more than the feed may have', async () => {
    await assert.rejects(read(bomb(5_000_000)), isFetchError('tooLarge'));
  });

  it('may not drip', async () => {
    const { limits } = contextOf('http://a/');
    const dripping = read(slow(10), { limits: { ...limits, totalMs: 150 } });
    await assert.rejects(dripping, { code: 'timeout' });
  });

  it('may not hang up in the middle of a page', async () => {
    const objects = Array.from({ length: 50 }, (_, n) => indicator(n));
    await assert.rejects(read(cut({ objects })), { code: 'network' });
  });
});

describe('a recorded TAXII conversation', () => {
  const { exchanges } = JSON.parse(
    gunzipSync(
      readFileSync(new URL('../../../fixtures/feeds/taxii-exchange.json.gz', import.meta.url)),
    ).toString(),
  ) as { exchanges: RecordedExchange[] };
  const named = (start: string) => exchanges.filter(({ name }) => name.startsWith(start));
  const objectsOf = ({ response }: RecordedExchange) =>
    ((response.body as { objects?: unknown[] }).objects ?? []) as { id: string; type: string }[];
  const FIRST = '2026-08-19T00:00:00.000000Z';
  const LAST = '2026-08-20T06:08:27.038103Z';
  const fullReadAt = NOW - DAY;
  let first: Awaited<ReturnType<typeof readTaxii>>;

  before(async () => {
    const server = await serve(replay(named('page ')));
    const url = `${server.collection('c')}?limit=40&match[type]=indicator,malware,relationship`;
    const memory = { addedAfter: FIRST, fullReadAt };
    first = await readTaxii(contextOf(url, { memory, now: fullReadAt }), new Pieces());
  });

  it('gives every indicator of its seven pages', () => {
    const indicators = named('page ')
      .flatMap(objectsOf)
      .filter(({ type }) => type === 'indicator');
    assert.equal(named('page ').length, 7);
    assert.deepEqual(new Set(first?.pieces.keys()), new Set(indicators.map(({ id }) => id)));
    assert.ok(networks(first?.pieces).includes('223.166.0.0/15'));
    assert.equal(first?.memory.addedAfter, LAST);
  });

  it('goes on with nothing new, and then with a revocation beside two repeats', async () => {
    const { queries, result: nothing } = await read(
      always(named('poll again')[0]!.response.body as object),
      { memory: { addedAfter: LAST, fullReadAt } },
      Pieces.fromBytes(first!.pieces.toBytes()),
    );
    assert.equal(queries[0]!.get('added_after'), LAST);
    assert.equal(nothing, null);

    const polled = named('incremental page')[0]!;
    const { body, headers } = polled.response;
    const { result } = await read(
      always(body as object, headers['X-TAXII-Date-Added-Last']),
      { memory: { addedAfter: LAST, fullReadAt } },
      Pieces.fromBytes(first!.pieces.toBytes()),
    );
    assert.equal(result?.memory.addedAfter, '2026-08-21T09:00:01.000000Z');
    assert.equal(result.pieces.size, first!.pieces.size);
    const [a, b, revoked] = objectsOf(polled);
    assert.equal(result.pieces.versionOf(revoked!.id), '2026-08-21T09:00:00.000Z');
    for (const { id } of [a!, b!]) {
      assert.equal(result.pieces.versionOf(id), first!.pieces.versionOf(id));
    }
  });

  for (const [start, code] of [
    ['TRAP next repeats', 'loop'],
    ['auth missing', 'http401'],
    ['not readable', 'http403'],
    ['unknown collection', 'http404'],
    ['wrong Accept', 'http406'],
    ['rate limit', 'http429'],
    ['unavailable', 'http503'],
    ['200 with a login', 'html'],
    ['TAXII 2.0', 'badEnvelope'],
  ] as const) {
    it(`fails at "${start}"`, async () => {
      const { response } = named(start)[0]!;
      await assert.rejects(read(recorded(response)), isFetchError(code));
    });
  }

  it('honours a date after which to come again', async () => {
    const { response } = named('unavailable')[0]!;
    const now = Date.parse('2026-08-26T07:00:00Z');
    await assert.rejects(read(recorded(response), { now }), (error: unknown) => {
      assert.equal((error as FetchError).retryAt, Date.parse('2026-08-26T07:28:00Z'));
      return true;
    });
  });

  it('leads on from the trap without a token by the date, from the others by the token', async () => {
    const traps = [
      'more=true without next',
      'more=true with no objects',
      'next needs URL encoding',
    ];
    const bodies = traps.map((trap) => named(`TRAP ${trap}`)[0]!.response);
    const collection: Collection = (query, response, nth) =>
      recorded(nth <= 3 ? bodies[nth - 1]! : { status: 200, headers: {}, body: {} })(
        query,
        response,
        nth,
      );
    const { queries, result } = await read(collection);
    assert.deepEqual(
      queries.map((query) => [query.get('added_after'), query.get('next')]),
      [
        [null, null],
        ['2026-08-20T06:00:13.000977Z', null],
        ['2026-08-20T06:00:13.000977Z', 'ghi'],
        ['2026-08-20T06:00:13.000977Z', 'a+b/=='],
      ],
    );
    assert.equal(result?.pieces.size, 6);
  });
});

function recorded({ status, headers, body }: RecordedExchange['response']): Collection {
  return (_query, response) => {
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const PROTOTYPE_KEYS = `{"type":"indicator","id":"__proto__","constructor":1,
  "__proto__":{"revoked":true},"pattern":"[ipv4-addr:value = '${address(1)}']"}`;
/** Without an id, and nested deeper than `JSON.stringify` can write again. */
const DEEP = `{"type":"indicator","pattern":"[ipv4-addr:value = '${address(2)}']",
  "x":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`;

/** A web in memory, where a server of tens of thousands of pages costs nothing. */
function pagesOf(page: (n: number) => object, delayMs = 0): Web & { requests(): number } {
  let requests = 0;
  return {
    requests: () => requests,
    get: async ({ url }) => {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return answer(url, JSON.stringify(page(requests++)));
    },
  };
}

function answering(pages: readonly object[]): Web {
  return pagesOf((n) => pages[n]!);
}

function raw(body: string): Web {
  return { get: async ({ url }) => Promise.resolve(answer(url, body)) };
}

function answer(url: string, body: string): WebResponse {
  const headers = { 'content-type': 'application/taxii+json;version=2.1' };
  const chunks = (async function* () {
    yield await Promise.resolve(Buffer.from(body));
  })();
  return { status: 200, headers, url, body: chunks, discard: () => undefined };
}
