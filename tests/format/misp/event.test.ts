import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { AcceptedEntry, FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { stateAt } from '../../../shared/domain/indicator/validity.ts';
import { mispEventsOf, readMispEvent } from '../../../shared/format/misp/event.ts';

// Public addresses: a reader refuses those for documentation.

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/feeds/${name}`, import.meta.url), 'utf8'));
const UUID = '10c5ef3c-438c-46bc-b88e-1bdd94e9085f';

type Fields = Readonly<Record<string, unknown>>;

function read(attribute: Fields, event: Fields = {}): FeedEntry {
  const all = { uuid: UUID, type: 'ip-dst', value: '45.66.64.1', to_ids: true, ...attribute };
  const { entries } = readMispEvent({ Event: { ...event, Attribute: [all] } })!;
  assert.equal(entries.length, 1);
  return entries[0]!;
}

function accepted(attribute: Fields, event: Fields = {}): AcceptedEntry {
  const entry = read(attribute, event);
  assert.equal(entry.kind, 'indicator');
  return entry;
}

/** Standing, prefix and constraint, or the reason of refusal. */
function outcome(entry: FeedEntry): string {
  if (entry.kind === 'refused') return entry.reason;
  const { ports, direction } = entry.detail?.constraint ?? { ports: null, direction: null };
  const port = ports === null ? '' : ` port ${ports.join(' ')}`;
  return `${entry.nets.map(formatPrefix).join(' ')} ${direction ?? 'either'}${port}`;
}

describe('an event with every type of address and every trap', () => {
  interface Case {
    readonly uuid: string;
    readonly result: string;
    readonly nets: readonly string[];
    readonly why: string;
    readonly port?: number;
    readonly direction?: 'dst' | 'src';
  }
  const ENDS = { dst: 'destination', src: 'source' };
  const cases = fixture('misp-addresses.expected.json') as readonly Case[];
  const reading = readMispEvent(fixture('misp-addresses.json'))!;
  const idOf = (entry: FeedEntry) => (entry.kind === 'refused' ? entry.id : entry.detail!.id);
  const byId = new Map(reading.entries.map((entry) => [idOf(entry), entry]));

  for (const { uuid, result, nets, why, port, direction } of cases) {
    it(`${uuid}: ${result} ${nets.join(' ')} ${why}`, () => {
      const entry = byId.get(uuid)!;
      const claim =
        entry.kind === 'refused' ? null : { ...entry.detail!, standing: entry.standing };
      const clock = Date.parse('2026-08-23T00:00:00Z');
      const isActive = claim !== null && stateAt(claim, clock) === 'active';
      assert.equal(isActive, nets.length > 0);
      if (!isActive || entry.kind === 'refused') return;
      assert.deepEqual(entry.nets.map(formatPrefix), nets);
      const { constraint } = entry.detail!;
      assert.deepEqual(constraint?.ports ?? null, port === undefined ? null : [port]);
      if (direction !== undefined) assert.equal(constraint!.direction, ENDS[direction]);
    });
  }

  it('says what the event says of all its attributes', () => {
    assert.equal(reading.uuid, '03cf55b6-c491-4b05-9142-7fe629a0c3ee');
    assert.equal(reading.timestamp, 1_787_400_200);
    for (const entry of reading.entries) {
      if (entry.kind === 'refused') continue;
      assert.equal(entry.detail!.tlp, 'amber');
      assert.equal(entry.detail!.confidence, 75);
      assert.deepEqual(entry.detail!.sources, ['generated']);
    }
  });

  it('has an entry for each attribute, those of objects behind the others', () => {
    assert.equal(reading.entries.length, 23);
    assert.deepEqual(reading.entries.slice(20).map(outcome), [
      '143.42.1.52/32 destination',
      'noAddress',
      '15.235.98.151/32 destination',
    ]);
  });
});

describe('an attribute', () => {
  for (const [type, value, expected] of [
    ['ip-dst', '45.66.64.1', '45.66.64.1/32 destination'],
    ['ip-src', '45.66.64.1', '45.66.64.1/32 source'],
    ['ip-src', '2a06:e480::/32', '2a06:e480::/32 source'],
    ['ip-dst', '::ffff:45.66.64.1', '45.66.64.1/32 destination'],
    ['ip-dst', '\t45.66.64.1\r\n', '45.66.64.1/32 destination'],
    ['ip-dst', '\u00a045.66.64.1', 'encoding'],
    ['ip-dst', '45.66.64.1:80', 'notAnAddress'],
    ['ip-dst', '45.66.64.1|80', 'notAnAddress'],
    ['ip-dst', '[2a06:e480::5]', 'notAnAddress'],
    ['ip-dst', '45.66.64', 'notAnAddress'],
    ['ip-dst', 'evil.example.com', 'notAnAddress'],
    ['ip-dst', '4.0.0.0/7', 'tooBroad'],
    ['ip-dst', '192.168.1.1', 'bogon'],
    ['ip-dst', 'x'.repeat(100_000), 'notAnAddress'],
    ['ip-dst', '', 'malformed'],
    ['ip-dst', 759_316_481, 'notAnAddress'],
    ['ip-dst', ['45.66.64.1'], 'malformed'],
    ['ip-dst', null, 'malformed'],
    ['ip-dst|port', '45.66.64.1|443', '45.66.64.1/32 destination port 443'],
    ['ip-dst|port', '2a06:e480::5|65535', '2a06:e480::5/128 destination port 65535'],
    ['ip-src|port', '45.66.64.1|1', '45.66.64.1/32 source port 1'],
    ['ip-dst|port', '45.66.64.1|0', 'badPort'],
    ['ip-dst|port', '45.66.64.1|65536', 'badPort'],
    ['ip-dst|port', '45.66.64.1|', 'badPort'],
    ['ip-dst|port', '45.66.64.1', 'badPort'],
    ['ip-dst|port', '45.66.64.1|4e1', 'badPort'],
    ['ip-dst|port', '45.66.64.1|80|81', 'badPort'],
    ['ip-dst|port', '45.66.64.1|-80', 'badPort'],
    ['ip-dst|port', '45.66.64.1:443', 'notAnAddress'],
    ['ip-dst|port', '10.0.0.1|443', 'bogon'],
    ['ip-dst|port', '|443', 'malformed'],
    ['domain|ip', 'bad.example.com|45.66.64.1', '45.66.64.1/32 either'],
    ['domain|ip', 'x|45.66.64.1', '45.66.64.1/32 either'],
    ['domain|ip', 'bad.example.com|2a06:e480::5', '2a06:e480::5/128 either'],
    ['domain|ip', '45.66.64.1', 'notAnAddress'],
    ['domain|ip', '|45.66.64.1', 'notAnAddress'],
    ['domain|ip', 'a.example|b.example|45.66.64.1', 'notAnAddress'],
    ['domain', '45.66.64.1', 'domain'],
    ['hostname', 'c2.example.org', 'domain'],
    ['hostname|port', 'c2.example.org|443', 'domain'],
    ['url', 'http://45.66.64.1/', 'url'],
    ['uri', '/a', 'url'],
    ['IP-DST', '45.66.64.1', 'noAddress'],
    ['AS', 'AS208046', 'noAddress'],
    ['constructor', '45.66.64.1', 'noAddress'],
    ['port', 4444, 'noAddress'],
    ['text', '', 'noAddress'],
    ['', '45.66.64.1', 'malformed'],
    [undefined, '45.66.64.1', 'malformed'],
    [['ip-dst'], '45.66.64.1', 'malformed'],
  ] as const) {
    it(`${String(type)} ${JSON.stringify(value)?.slice(0, 40)} is ${expected}`, () => {
      assert.equal(outcome(read({ type, value })), expected);
    });
  }

  it('is an indicator with all that is known of it', () => {
    assert.deepEqual(read({ value: '45.66.64.0/24', category: 'Network activity' }), {
      kind: 'indicator',
      standing: 'listed',
      line: null,
      nets: [{ family: 4, words: [0x2d42_4000, 0, 0, 0], bits: 24 }],
      detail: {
        id: UUID,
        sources: [],
        validFrom: null,
        validUntil: null,
        confidence: null,
        labels: ['Network activity'],
        constraint: { ports: null, direction: 'destination', protocol: null },
        tlp: null,
        listedSince: null,
      },
    });
    assert.equal(accepted({ type: 'domain|ip', value: 'x|45.66.64.1' }).detail!.constraint, null);
  });

  it('shows its type and value when it is refused', () => {
    assert.deepEqual(read({ type: 'AS', value: 'AS208046\u202e' }), {
      kind: 'refused',
      line: null,
      id: UUID,
      reason: 'noAddress',
      text: 'AS AS208046\\u202e',
    });
  });

  it('is listed only if it is meant for detection', () => {
    for (const to_ids of [true, 1, '1', 'true', 'True']) {
      assert.equal(accepted({ to_ids }).standing, 'listed', String(to_ids));
    }
    for (const to_ids of [false, 0, '0', 'false', null, undefined, 'yes', [true], {}, 2, '']) {
      assert.equal(accepted({ to_ids }).standing, 'context', JSON.stringify(to_ids));
    }
  });

  it('is revoked if it or the event is deleted, whatever it is meant for', () => {
    assert.equal(accepted({ deleted: true }).standing, 'revoked');
    assert.equal(accepted({ deleted: '1' }).standing, 'revoked');
    assert.equal(accepted({ deleted: true, to_ids: false }).standing, 'revoked');
    assert.equal(accepted({}, { deleted: 'true' }).standing, 'revoked');
    assert.equal(accepted({ deleted: '0' }, { deleted: false }).standing, 'listed');
  });

  it('does not become valid or invalid by when it was seen', () => {
    const { validFrom, validUntil } = accepted({
      first_seen: '2026-01-01T00:00:00Z',
      last_seen: '2026-02-01T00:00:00Z',
    }).detail!;
    assert.deepEqual([validFrom, validUntil], [null, null]);
  });

  it('has no id if its own is no UUID', () => {
    for (const uuid of [
      undefined,
      7,
      '../../secret',
      `${UUID}0`,
      `0${UUID}`,
      UUID.replace('-', ''),
    ]) {
      assert.equal(accepted({ uuid }).detail!.id, null);
    }
    assert.equal(accepted({ uuid: UUID.toUpperCase() }).detail!.id, UUID.toUpperCase());
  });
});

describe('tags of an attribute and of its event', () => {
  const tags = (...names: unknown[]) => ({ Tag: names.map((name) => ({ name })) });

  it('tell the strictest marking of both', () => {
    const tlp = (own: Fields, event: Fields) => accepted(own, event).detail!.tlp;
    assert.equal(tlp({}, {}), null);
    assert.equal(tlp({}, tags('tlp:white')), 'clear');
    assert.equal(tlp(tags('tlp:red'), tags('tlp:green')), 'red');
    assert.equal(tlp(tags('TLP:GREEN'), tags('tlp:amber+strict')), 'amber+strict');
    assert.equal(tlp(tags('tlp:green', 'tlp:amber'), {}), 'amber');
    assert.equal(tlp(tags('red', 'tlp:ex:chr'), {}), null);
  });

  it('tell the confidence, that of the attribute before that of its event', () => {
    const level = (name: string) => `misp:confidence-level="${name}"`;
    const confidence = (own: Fields, event: Fields = {}) => accepted(own, event).detail!.confidence;
    for (const [name, expected] of [
      ['completely-confident', 100],
      ['usually-confident', 75],
      ['fairly-confident', 50],
      ['rarely-confident', 25],
      ['unconfident', 0],
      ['confidence-cannot-be-evaluated', null],
      ['constructor', null],
      ['Unconfident', 0],
    ] as const) {
      assert.equal(confidence(tags(level(name))), expected, name);
    }
    assert.equal(confidence({}), null);
    assert.equal(confidence(tags(`no ${level('unconfident')}`)), null);
    assert.equal(confidence(tags(`${level('unconfident')}?`)), null);
    assert.equal(confidence({}, tags(level('unconfident'))), 0);
    assert.equal(confidence(tags(level('rarely-confident')), tags(level('unconfident'))), 25);
    const unknown = level('confidence-cannot-be-evaluated');
    assert.equal(confidence(tags(unknown), tags(level('unconfident'))), null);
  });

  it('are labels, behind the category and without markings', () => {
    const entry = accepted(
      { category: 'Network activity', ...tags('own', 'not tlp:red', 'both', 'TLP:green', 7, null) },
      tags('both', 'event', 'tlp:clear'),
    );
    assert.deepEqual(entry.detail!.labels, [
      'Network activity',
      'own',
      'not tlp:red',
      'both',
      '7',
      'event',
    ]);
  });

  it('do not fill alerts, however many and however long they are', () => {
    // Were the event's tags gone through for each attribute, this would take minutes.
    const many = Array.from({ length: 50_000 }, (_, i) => `tag ${i} ${'x'.repeat(100)}`);
    const attribute = { type: 'ip-dst', value: '45.66.64.1', ...tags('own') };
    const Attribute = Array.from({ length: 20_000 }, () => attribute);
    const { entries } = readMispEvent({ Event: { ...tags(...many), Attribute } })!;
    const { labels } = (entries.at(-1) as AcceptedEntry).detail!;
    assert.equal(labels.length, 16);
    assert.ok(labels.every((label) => label.length <= 64));
  });
});

describe('an event', () => {
  it('gives its creator as the source', () => {
    const sources = (Orgc: unknown) => accepted({}, { Orgc }).detail!.sources;
    assert.deepEqual(sources({ name: 'CIRCL' }), ['CIRCL']);
    assert.deepEqual(sources({ name: ['CIRCL'] }), []);
    assert.deepEqual(sources('CIRCL'), []);
    assert.deepEqual(sources(undefined), []);
  });

  it('revokes the attributes of a deleted object alone', () => {
    const ip = (value: string) => ({ type: 'ip-dst', value, to_ids: true });
    const { entries } = readMispEvent({
      Event: {
        Object: [
          { deleted: '1', Attribute: [ip('45.66.64.1')] },
          { deleted: false, Attribute: [ip('45.66.64.2')] },
          { Attribute: [{ ...ip('45.66.64.3'), deleted: true }] },
        ],
        Attribute: [ip('45.66.64.4')],
      },
    })!;
    const standings = entries.map((entry) => entry.kind === 'indicator' && entry.standing);
    assert.deepEqual(standings, ['listed', 'revoked', 'listed', 'revoked']);
  });

  it('takes a lone attribute or object for a list of one', () => {
    const Attribute = { type: 'ip-src', value: '45.66.64.1' };
    const { entries } = readMispEvent({ Event: { Attribute, Object: { Attribute } } })!;
    assert.deepEqual(entries.map(outcome), ['45.66.64.1/32 source', '45.66.64.1/32 source']);
  });

  it('counts what is no attribute and no object', () => {
    const { entries } = readMispEvent({
      Event: { Attribute: [null, 'ip-dst 45.66.64.1', 7, []], Object: ['x', null] },
    })!;
    assert.deepEqual(entries.map(outcome), Array(6).fill('malformed'));
    assert.deepEqual(entries[1], {
      kind: 'refused',
      line: null,
      id: null,
      reason: 'malformed',
      text: 'ip-dst 45.66.64.1',
    });
  });

  it('may have nothing at all', () => {
    assert.deepEqual(readMispEvent({ Event: {} }), { uuid: null, timestamp: null, entries: [] });
  });

  it('has a timestamp as a number or as text', () => {
    const timestamp = (value: unknown) => readMispEvent({ Event: { timestamp: value } })!.timestamp;
    assert.equal(timestamp(1_787_400_200), 1_787_400_200);
    assert.equal(timestamp('1787400200'), 1_787_400_200);
    for (const none of [-1, 1.5, '', 'now', null, [1], 1e300]) assert.equal(timestamp(none), null);
  });

  it('is found alone, in an export and in a list', () => {
    const event = { Event: {} };
    assert.deepEqual(mispEventsOf(event), [event]);
    assert.deepEqual(mispEventsOf({ response: [event, event] }), [event, event]);
    assert.deepEqual(mispEventsOf([event]), [event]);
    assert.deepEqual(mispEventsOf({ response: [{}, event] }), [{}, event]);
    assert.deepEqual(mispEventsOf({ response: [] }), []);
  });

  it('is not found in other documents', () => {
    for (const document of [
      null,
      undefined,
      7,
      'Event',
      [],
      [{}],
      {},
      { Event: null },
      { Event: [] },
      { response: {} },
      { response: [{}] },
      { type: 'bundle', objects: [] },
    ]) {
      assert.equal(mispEventsOf(document), null, JSON.stringify(document));
      assert.equal(readMispEvent(document), null, JSON.stringify(document));
    }
  });

  it('has an entry for each attribute, whatever they are made of', () => {
    const key = fc.constantFrom('type', 'value', 'to_ids', 'deleted', 'Tag', 'uuid', '__proto__');
    const value = fc.oneof(
      fc.constantFrom(
        'ip-dst',
        'ip-src|port',
        'domain|ip',
        '45.66.64.1',
        '45.66.64.1|80',
        'tlp:red',
      ),
      fc.jsonValue(),
    );
    const attribute = fc.oneof(fc.dictionary(key, value), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(attribute), fc.array(attribute), fc.jsonValue(), (own, inner, any) => {
        const text = JSON.stringify({
          Event: { Attribute: own, Object: [{ Attribute: inner, deleted: any }], Tag: any },
        });
        const { entries } = readMispEvent(JSON.parse(text))!;
        assert.equal(entries.length, own.length + inner.length);
        for (const entry of entries) {
          if (entry.kind === 'refused') assert.match(entry.text, /^[\x20-\x7e]{0,80}$/);
          else assert.equal(entry.nets.length, 1);
        }
      }),
    );
  });
});
